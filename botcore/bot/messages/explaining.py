"""How an offer fares at each stage of a scan, and why it is a find or none. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from botcore.bot.messages import wording
from botcore.bot.messages.trust import trust
from botcore.bot.posts import Post
from botcore.bot.texts import Markup, clean, label, say
from botcore.model import Opportunity, dollars
from botcore.scan.confidence import Confidence
from botcore.scan.trace import FOUND, STAGES, Explanation, Way

__all__ = ["explained", "fares", "holding", "why_unseen", "why_usage"]

OFFER = 60
REFUSED = frozenset({"duplicate", "p2p", "price", "locked", "own", "muted"})
"""Why an offer is dropped before any price is asked for."""


def explained(lang: str, told: Explanation, confidence: Confidence | None, *, sandbox: bool) -> Post:
    """What becomes of an offer in a scan now: the verdict, each stage, each exit, and how far it can be trusted."""
    title, phase = wording.named_title(lang, told.title), clean(told.phase, wording.PHASE)
    name = f"{title} ({phase})" if phase else title
    text = wording.joined(
        say(lang, "explained", title=name, game=wording.game_name(told.game), level=told.level),
        say(lang, "sandbox") if sandbox else None,
        " ",
        fares(lang, told),
        " " if told.ways else None,
        (_way(lang, way) for way in told.ways),
        holding(lang, told.best) if told.best else None,
        trust(lang, told.assessment, confidence) if told.assessment else None,
    )
    buttons = wording.opening(lang, told.best) if told.best else ()
    return Post(text, (buttons,) if buttons else ())


def fares(lang: str, told: Explanation) -> Iterable[Markup]:
    """The verdict, and a line for each stage: what was asked there, and whether the offer got past it."""
    yield _verdict(lang, told)
    if told.price_cents is None:
        return
    reached = STAGES.index(told.stage) if told.stage else -1
    words = {"listed": _listed(lang, told), "quoted": _quoted(lang, told), "checked": _checked(lang, told), FOUND: _found(lang, told)}
    for number, stage in enumerate(STAGES):
        key = "stage_passed" if number <= reached else "stage_dropped" if number == reached + 1 else "stage_beyond"
        if stage != FOUND or key != "stage_beyond":
            yield say(lang, key, stage=label(lang, f"stage_{stage}"), words=words[stage])


def _verdict(lang: str, told: Explanation) -> Markup:
    if told.found is not None:
        return say(lang, "is_find", gain=wording.gain(lang, told.found))
    return say(lang, "no_find", reason=_reason(lang, told))


def _reason(lang: str, told: Explanation) -> Markup:
    reason = wording.reason(lang, f"verdict_{told.verdict}", told.verdict)
    if told.verdict not in ("low", "too-good"):
        return say(lang, "title", title=reason)
    most = "∞" if told.most_percent is None else f"{told.most_percent:g}"
    return Markup(f"{say(lang, 'title', title=reason)} {say(lang, 'wanted', least=f'{told.least_percent:g}', most=most)}")


def _listed(lang: str, told: Explanation) -> Markup:
    return say(lang, "cheapest" if told.cheapest else "not_cheapest", buy=dollars(told.price_cents or 0))


def _quoted(lang: str, told: Explanation) -> Markup:
    if told.verdict in REFUSED:
        return _reason(lang, told)
    if told.quote is None:
        return say(lang, "quoted_none")
    bid, count = told.quote.best_bid_cents, told.quote.bid_count
    parts = [say(lang, "quoted_bid", price=dollars(bid), count=count) if count else say(lang, "quoted_no_bid")]
    if told.affordable_cents is not None and count:
        parts.append(say(lang, "quoted_pays", price=dollars(told.affordable_cents)))
    parts.append(say(lang, "quoted_ask", price=dollars(told.quote.best_ask_cents), count=told.quote.ask_count))
    return Markup(", ".join(parts))


def _checked(lang: str, told: Explanation) -> Markup:
    orders = [say(lang, "checked_orders", fitting=told.fitting, count=told.orders)]
    if told.bid_cents is not None:
        orders.append(say(lang, "checked_bid", price=dollars(told.bid_cents)))
    sales = [say(lang, "sales", count=told.sales_30d) if told.sales_30d else say(lang, "no_sales")]
    if told.median_cents is not None:
        sales.append(wording.median(lang, told.median_cents))
    ask = say(lang, "no_next_ask") if told.next_ask_cents is None else say(lang, "next_ask", price=dollars(told.next_ask_cents))
    return Markup("; ".join((", ".join(orders), ", ".join(sales), ask)))


def _found(lang: str, told: Explanation) -> Markup:
    found = told.found
    if found is None:
        return _reason(lang, told)
    way = label(lang, f"exit_{found.exit}")
    return say(lang, "found_leaves", exit=way, sell=dollars(found.exit_price_cents), gain=wording.gain(lang, found))


def _way(lang: str, way: Way) -> Markup:
    gain = say(lang, "gain", profit=dollars(way.profit_cents), percent=f"{way.profit_percent:.2f}")
    name = label(lang, f"exit_{way.exit}")
    return say(lang, "way_line", exit=name, sell=dollars(way.price_cents), fee=dollars(way.fee_cents), gain=gain)


def holding(lang: str, found: Opportunity) -> Iterable[Markup]:
    """How long the money is bound: until it is sold, and by Steam."""
    if found.days_to_sell is not None:
        yield say(lang, "days_to_sell", days=label(lang, "days", count=math.ceil(found.days_to_sell)))
    days = label(lang, "days", count=found.trade_lock_days)
    yield say(lang, "lock_now", days=days) if found.trade_lock_days else say(lang, "no_lock")


def why_usage(lang: str) -> str:
    """How to ask why an offer is a find or none."""
    return say(lang, "why_usage")


def why_unseen(lang: str, offer_id: str) -> str:
    """An offer of which not even the title is known."""
    return say(lang, "why_unseen", offer=clean(offer_id, OFFER))
