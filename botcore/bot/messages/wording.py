"""Money, time, names and finds in words: what several messages have in common. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape

from botcore.bot import presses
from botcore.bot.posts import Button
from botcore.bot.split import shorten_text
from botcore.bot.texts import Markup, clean, has, label, say
from botcore.model import Funnel, Game, Level, Opportunity, RequestClass, RequestCounts, dollars

__all__ = [
    "DAY",
    "LABEL",
    "PHASE",
    "button",
    "counts",
    "evidence",
    "funnel",
    "gain",
    "game_name",
    "joined",
    "limits_of",
    "link",
    "lock",
    "median",
    "named",
    "named_title",
    "opening",
    "page_row",
    "page_within",
    "prices",
    "rates",
    "reason",
    "requests",
    "route",
    "sales",
    "span",
    "whole_dollars",
    "windows",
]

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 7 * 86_400
TITLE = 64
"""Units of a title as it is shown; real ones are shorter."""
PHASE = 20
LABEL = 48
"""Units of a button's words; a telephone shows no more."""
_GAMES = {Game.CSGO: "CS2", Game.DOTA2: "Dota 2", Game.TF2: "TF2", Game.RUST: "Rust"}
_ADDRESS = re.compile(r"https?://[^\s\"'<>\\^`{|}\x00-\x1f\x7f-\x9f]{1,500}")
"""Addresses that Telegram takes for a link."""


def whole_dollars(cents: int) -> str:
    """The bounds of a level, without cents where there are none: ``$3``."""
    return dollars(cents).removesuffix(".00")


def span(lang: str, seconds: float) -> str:
    """A time in its largest unit, with the next one from an hour to a week: ``40 s``, ``12 min``, ``3 h 5 min``, ``2 d 4 h``, ``9 d``."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return label(lang, "seconds", count=whole)
    if whole < HOUR:
        return label(lang, "minutes", count=whole // MINUTE)
    units = (("hours", HOUR), ("minutes", MINUTE)) if whole < DAY else (("days", DAY), ("hours", HOUR))
    (large, size), (small, part) = units
    rest = whole % size // part if whole < WEEK else 0
    return label(lang, large, count=whole // size) + (f" {label(lang, small, count=rest)}" if rest else "")


def game_name(game: Game) -> str:
    """The game as players write it."""
    return _GAMES[game]


def windows(lang: str, level: Level) -> Markup:
    """What a level looks for: ``buy for $3 to $10, profit 5 to 10%``."""
    return say(lang, "windows", **limits_of(level))


def limits_of(level: Level) -> dict[str, object]:
    """A level's windows as values for a text."""
    low, high = level.price_window
    least, most = level.profit_window
    return {"low": whole_dollars(low), "high": whole_dollars(high), "least": least, "most": most}


def named_title(lang: str, title: str, most: int = TITLE) -> str:
    """A title in one line that can be seen."""
    return clean(title, most) or label(lang, "nameless")


def named(lang: str, found: Opportunity) -> str:
    """Title and phase of a find."""
    title, phase = named_title(lang, found.title), clean(found.phase, PHASE)
    return f"{title} ({phase})" if phase else title


def gain(lang: str, found: Opportunity) -> Markup:
    """``$1.37 · 6.85%``."""
    return say(lang, "gain", profit=dollars(found.profit_cents), percent=f"{found.profit_percent:.2f}")


def route(lang: str, found: Opportunity) -> Markup:
    """From the buy price to the exit price, how, and what delays it."""
    way = label(lang, f"exit_{found.exit}")
    line = say(lang, "route", buy=dollars(found.price_cents), sell=dollars(found.exit_price_cents), exit=way)
    return Markup(f"{line}, {lock(lang, found)}") if found.trade_lock_days else line


def lock(lang: str, found: Opportunity) -> Markup:
    """How long Steam holds the item."""
    return say(lang, "lock", days=label(lang, "days", count=found.trade_lock_days))


def sales(lang: str, found: Opportunity) -> Markup:
    """How often a title was sold of late."""
    return say(lang, "sales", count=found.sales_30d) if found.sales_30d else say(lang, "no_sales")


def median(lang: str, cents: int) -> Markup:
    """The middle price of the sales."""
    return say(lang, "median", price=dollars(cents))


def evidence(lang: str, found: Opportunity) -> Markup:
    """Sales, median and next ask in one line."""
    return Markup(f"{sales(lang, found)}, {prices(lang, found)}")


def prices(lang: str, found: Opportunity) -> Markup:
    """Median and next ask."""
    middle = [] if found.median_cents is None else [median(lang, found.median_cents)]
    ask = say(lang, "no_next_ask") if found.next_ask_cents is None else say(lang, "next_ask", price=dollars(found.next_ask_cents))
    return Markup(", ".join([*middle, ask]))


def funnel(lang: str, stages: Funnel, asked: int = 0) -> Markup:
    """How many offers reached each stage; ``asked`` are being asked for at the market."""
    reached = {"listed": stages.listed, "quoted": stages.quoted, "checked": stages.checked, "found": stages.found}
    return say(lang, "funnel_asked", asked=asked, **reached) if asked else say(lang, "funnel", **reached)


def counts(requests: RequestCounts) -> dict[str, int]:
    """Requests by the name of their class."""
    return {name: getattr(requests, name) for name in requests.__struct_fields__}


def rates(lang: str, now: Mapping[str, float], most: Mapping[str, int]) -> str:
    """Requests a second beside their quota, class by class: ``market 9.8 of 10, sales 3.0 of 6``."""
    return ", ".join(_rate(lang, kind, now[kind], most.get(kind)) for kind in RequestClass if kind in now)


def _rate(lang: str, kind: RequestClass, now: float, most: int | None) -> str:
    name = label(lang, f"class_{kind}")
    return f"{name} {now:.1f}" if most is None else label(lang, "rate", name=name, now=f"{now:.1f}", most=most)


def requests(lang: str, sent: Mapping[str, int]) -> str:
    """Requests class by class, those that there were: ``market 42, sales 12``."""
    return ", ".join(label(lang, "named_count", name=label(lang, f"class_{kind}"), count=sent[kind]) for kind in RequestClass if sent.get(kind))


def joined(*lines: str | Iterable[str] | None) -> str:
    """The lines of a message; None and what is empty is no line, and a blank line is a blank."""
    flat = [line for part in lines if part is not None for line in ([part] if isinstance(part, str) else part)]
    return "\n".join("" if line == " " else line for line in flat if line).strip()


def link(url: str, text: str) -> Markup:
    """A text that opens a page; only the text where the address is none."""
    shown = text if isinstance(text, Markup) else escape(text, quote=False)
    return Markup(f'<a href="{escape(url)}">{shown}</a>' if _ADDRESS.fullmatch(url) else shown)


def button(lang: str, key: str, press: presses.Press, **values: object) -> Button:
    """A button that says a text."""
    return Button(shorten_text(label(lang, f"button_{key}", **values), LABEL), press=presses.pack(press))


def opening(lang: str, found: Opportunity, number: int | None = None) -> tuple[Button, ...]:
    """The button that opens a find on DMarket, with its number in a list; none where the address is none."""
    text = label(lang, "button_open") if number is None else label(lang, "button_open_numbered", number=number)
    return (Button(text, url=found.url),) if _ADDRESS.fullmatch(found.url) else ()


def page_within(page: int, count: int) -> int:
    """The page asked for, or the nearest that there is."""
    return max(0, min(page, count - 1))


def page_row(page: int, count: int, press: type[presses.Settings] | presses.Page) -> tuple[Button, ...]:
    """First, previous, this, next and last page as buttons, each with its number; none for a single page."""
    last = count - 1
    places = sorted({place for place in (0, page - 1, page, page + 1, last) if 0 <= place <= last})
    return tuple(Button(_page_label(place, page, last), press=presses.pack(_turned(press, place))) for place in places) if last else ()


def _turned(press: type[presses.Settings] | presses.Page, place: int) -> presses.Press:
    return presses.Page(press.view, place) if isinstance(press, presses.Page) else press(place)


def _page_label(place: int, page: int, last: int) -> str:
    number = f"{place + 1}"
    if place == page:
        return f"· {number} ·"
    far = abs(place - page) > 1
    return f"« {number}" if far and place == 0 else f"{number} »" if far and place == last else number


def reason(lang: str, key: str, fallback: str, most: int = 60) -> str:
    """A word of the machine's in the user's language, or as it is where there is no text for it, at most ``most`` units."""
    return label(lang, key) if has(lang, key) else clean(fallback, most)
