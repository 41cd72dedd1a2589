"""What a title costs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from botcore.bot import presses
from botcore.bot.messages import wording
from botcore.bot.posts import Button, Post
from botcore.bot.split import shorten_text
from botcore.bot.texts import Markup, label, say
from botcore.model import Game, Quote, Sale, dollars

__all__ = ["price_caption", "price_unknown", "price_usage"]

SALES_DAYS = 30
SHOWN_NEAR = 5


def price_caption(lang: str, *, title: str, game: Game, quote: Quote | None, sales: Sequence[Sale], now: float, sandbox: bool) -> str:
    """Best prices and sales of a title, short enough to stand under a picture. ``now`` is unix seconds."""
    recent = [sale for sale in sales if sale.sold_at >= now - SALES_DAYS * wording.DAY]
    return wording.joined(
        say(lang, "price_head", title=wording.named_title(lang, title), game=wording.game_name(game)),
        say(lang, "sandbox") if sandbox else None,
        _quote(lang, quote),
        _sales(lang, recent),
        _last(lang, sales, now),
    )


def _quote(lang: str, quote: Quote | None) -> Iterable[Markup]:
    if quote is None:
        return [say(lang, "quote_none")]
    ask, bid = quote.best_ask_cents, quote.best_bid_cents
    return [
        say(lang, "best_ask", price=dollars(ask), count=quote.ask_count) if ask else say(lang, "best_ask_none"),
        say(lang, "best_bid", price=dollars(bid), count=quote.bid_count) if bid else say(lang, "best_bid_none"),
    ]


def _sales(lang: str, recent: Sequence[Sale]) -> Iterable[Markup]:
    """How many sales, and their lower middle price, as the rules of the scan take it."""
    if not recent:
        yield say(lang, "sales_none")
        return
    prices = sorted(sale.price_cents for sale in recent)
    yield say(lang, "sales_figures", count=len(prices), median=dollars(prices[(len(prices) - 1) // 2]))
    if len({sale.phase for sale in recent}) > 1:
        yield say(lang, "phases_mixed")


def _last(lang: str, sales: Sequence[Sale], now: float) -> Markup | None:
    last = max(sales, key=lambda sale: sale.sold_at, default=None)
    if last is None:
        return None
    age = label(lang, "ago", span=wording.span(lang, now - last.sold_at))
    return say(lang, "last_sale", price=dollars(last.price_cents), age=age)


def price_unknown(lang: str, *, title: str, near: Sequence[tuple[Game, str]]) -> Post:
    """A title of which nothing is known, with others that look like it."""
    text = wording.joined(say(lang, "price_unknown", title=wording.named_title(lang, title)), say(lang, "price_near" if near else "price_far"))
    return Post(text, tuple((_near(lang, game, other),) for game, other in near[:SHOWN_NEAR]))


def _near(lang: str, game: Game, title: str) -> Button:
    name = shorten_text(wording.named_title(lang, title), wording.LABEL)
    return Button(label(lang, "title", title=name), press=presses.pack(presses.Price(presses.name_of(game, title))))


def price_usage(lang: str) -> str:
    """How to ask for a price."""
    return say(lang, "price_usage")
