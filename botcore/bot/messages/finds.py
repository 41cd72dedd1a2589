"""Single finds: why one is one, alerts, and the best of the last day. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from botcore.bot import presses
from botcore.bot.messages import wording
from botcore.bot.messages.explaining import fares, holding
from botcore.bot.messages.trust import trust
from botcore.bot.posts import TEXT, Button, Post
from botcore.bot.split import length
from botcore.bot.texts import Markup, label, say
from botcore.model import Exit, Game, Opportunity, ScanReport, dollars
from botcore.scan.confidence import Confidence
from botcore.scan.evidence import Assessment
from botcore.scan.trace import Explanation

__all__ = ["alert", "alert_changed", "alert_gone", "alert_line", "digest", "find_lines", "top", "why"]

SHOWN_TOP = 10
LINES = 45
"""Lines of a digest: each has a bold part and a link, and Telegram leaves out the markup after a hundred of these."""
_READING = ("duplicate", "p2p", "price", "locked", "own", "muted")
_UNDECIDED = ("gone", "failed", "stopped")


def why(lang: str, *, found: Opportunity, report: ScanReport, told: Explanation | None = None, confidence: Confidence | None = None) -> Post:
    """How a find's profit comes about, line by line, its exit, how it fares now and how far it can be trusted, and what its scan left out.

    ``told`` is how it fares now; None where that could not be asked: then its evidence is what the scan saw.
    """
    text = wording.joined(
        say(lang, "bold", text=wording.named(lang, found)),
        say(lang, "sandbox") if report.market == "sandbox" else None,
        " ",
        _sum(lang, found),
        " ",
        _exit(lang, found),
        " ",
        _seen(lang, found) if told is None else _now(lang, told, confidence),
        " ",
        say(lang, "that_scan"),
        _left_out(lang, report),
    )
    buttons = wording.opening(lang, found)
    return Post(text, (buttons,) if buttons else ())


def _sum(lang: str, found: Opportunity) -> Iterable[str]:
    sums = (("sell", " ", found.exit_price_cents), ("fee", "-", found.fee_cents), ("buy", "-", found.price_cents), ("profit", "=", found.profit_cents))
    width = max(len(dollars(cents)) for *_, cents in sums)
    for name, sign, cents in sums:
        meaning = say(lang, f"sum_{name}", percent=f"{found.profit_percent:.2f}")
        yield f"<code>{sign} {dollars(cents):>{width}}</code>  {meaning}"


def _exit(lang: str, found: Opportunity) -> Iterable[str]:
    yield say(lang, f"why_{found.exit}")
    if found.exit is Exit.RELIST:
        yield _relist_price(lang, found)
    yield say(lang, "why_best")


def _relist_price(lang: str, found: Opportunity) -> Markup:
    """Which of the two bounds made the price: one cent below the next ask, or the median."""
    if found.next_ask_cents is None:
        return say(lang, "why_median_alone")
    ask = dollars(found.next_ask_cents)
    if found.exit_price_cents == found.next_ask_cents - 1:
        return say(lang, "why_undercut", ask=ask, median=dollars(found.median_cents or 0))
    return say(lang, "why_median", ask=ask)


def _seen(lang: str, found: Opportunity) -> Iterable[str]:
    yield say(lang, "evidence")
    yield from _evidence(lang, found)
    yield say(lang, "why_not_again")


def _now(lang: str, told: Explanation, confidence: Confidence | None) -> Iterable[str]:
    yield say(lang, "looked_again")
    yield from fares(lang, told)
    yield from holding(lang, told.best) if told.best else ()
    if told.assessment:
        yield from trust(lang, told.assessment, confidence)


def _evidence(lang: str, found: Opportunity) -> Iterable[str]:
    yield wording.evidence(lang, found)
    yield from holding(lang, found)


def _left_out(lang: str, report: ScanReport) -> Iterable[str]:
    """What became of the other offers, stage by stage."""
    yield wording.funnel(lang, report.funnel)
    dropped = report.funnel.dropped
    judging = [name for name in dropped if name not in (*_READING, *_UNDECIDED)]
    for head, names in (("reading", _READING), ("judging", judging), ("undecided", _UNDECIDED)):
        reasons = sorted(((dropped[name], name) for name in names if dropped.get(name)), reverse=True)
        if reasons:
            yield say(lang, f"dropped_{head}")
        yield from (say(lang, "reason", count=count, reason=wording.reason(lang, f"drop_{name}", name)) for count, name in reasons)
    if not any(dropped.values()):
        yield say(lang, "dropped_none")


def alert(lang: str, *, found: Opportunity, watch: int, sandbox: bool, weighed: Assessment | None = None, confidence: Confidence | None = None) -> Post:
    """A new find of a watched title, with how far it can be trusted where it was weighed."""
    lines = find_lines(lang, found, say(lang, "watched"), weighed, confidence, sandbox=sandbox)
    return Post(wording.joined(lines), _alert_buttons(lang, found, watch))


def alert_changed(lang: str, *, found: Opportunity, before_cents: int, watch: int, sandbox: bool) -> Post:
    """A watched find that costs something else now."""
    change = say(lang, "changed", before=dollars(before_cents), buy=dollars(found.price_cents))
    return Post(wording.joined(change, find_lines(lang, found, say(lang, "watched"), None, None, sandbox=sandbox)), _alert_buttons(lang, found, watch))


def find_lines(lang: str, found: Opportunity, watched: str, weighed: Assessment | None, confidence: Confidence | None, *, sandbox: bool) -> Iterable[str]:
    """A find that nobody asked for: what it leaves, what tells so, how far that can be trusted where it was weighed, and why the chat hears of it."""
    yield say(lang, "bold", text=wording.gain(lang, found))
    yield say(lang, "title", title=wording.named(lang, found))
    yield wording.route(lang, found)
    if weighed:
        yield wording.prices(lang, found)
        yield from trust(lang, weighed, confidence)
    else:
        yield wording.evidence(lang, found)
    yield watched
    if sandbox:
        yield say(lang, "sandbox")


def _alert_buttons(lang: str, found: Opportunity, watch: int) -> tuple[tuple[Button, ...], ...]:
    return ((*wording.opening(lang, found), wording.button(lang, "unwatch", presses.Unwatch(watch))),)


def alert_gone(lang: str, *, title: str, price_cents: int, sandbox: bool) -> Post:
    """A watched find that is no longer for sale at its price."""
    gone = say(lang, "gone", title=wording.named_title(lang, title), price=dollars(price_cents))
    return Post(wording.joined(gone, say(lang, "sandbox") if sandbox else None))


def alert_line(lang: str, found: Opportunity) -> str:
    """A new find in one line of a digest."""
    title = wording.link(found.url, say(lang, "title", title=wording.named(lang, found)))
    return say(lang, "alert_line", gain=wording.gain(lang, found), buy=dollars(found.price_cents), title=title)


def digest(lang: str, lines: Sequence[str], sandbox: bool) -> Post:
    """Many alerts in one message: as many of the lines (``alert_line``) as fit, and how many more there are."""
    head = wording.joined(say(lang, "digest", count=len(lines)), say(lang, "sandbox") if sandbox else None)
    room = TEXT - length(head) - length(say(lang, "more", count=len(lines))) - 3
    shown: list[str] = []
    for line in lines[:LINES]:
        room -= length(line) + 1
        if room < 0:
            break
        shown.append(line)
    more = len(lines) - len(shown)
    return Post(wording.joined(head, " ", shown, say(lang, "more", count=more) if more else None))


def top(lang: str, *, game: Game, rows: Sequence[tuple[float, Opportunity]], sandbox: bool) -> Post:
    """The best finds of the last day, each with its age in seconds; where there is none, a scan is offered."""
    name = wording.game_name(game)
    label_line = say(lang, "sandbox") if sandbox else None
    if rows:
        listed = [line for number, (age, found) in enumerate(rows[:SHOWN_TOP], 1) for line in _top_row(lang, number, age, found)]
        text = wording.joined(say(lang, "top", game=name), label_line, listed, " ", say(lang, "top_note"))
    else:
        text = wording.joined(say(lang, "top_none", game=name), label_line)
    return Post(text, ((wording.button(lang, "scan_game", presses.ChooseLevel("scan", game), game=name),),))


def _top_row(lang: str, number: int, age: float, found: Opportunity) -> Iterable[str]:
    yield " "
    ago = label(lang, "ago", span=wording.span(lang, age))
    yield say(lang, "top_row", number=number, gain=wording.gain(lang, found), age=ago)
    yield wording.link(found.url, say(lang, "title", title=wording.named(lang, found)))
    yield wording.route(lang, found)
