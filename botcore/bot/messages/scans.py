"""A scan in a chat: while it runs, and its results page by page. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from botcore.bot import presses
from botcore.bot.messages import wording
from botcore.bot.posts import Button, Post
from botcore.bot.texts import Markup, clean, label, say
from botcore.model import Failure, Game, Level, Opportunity, ScanReport, dollars

if TYPE_CHECKING:
    from botcore.scan.options import ScanProgress

__all__ = ["FINDS_A_PAGE", "interrupted_post", "pages", "results", "scan_failed", "scanning"]

FINDS_A_PAGE = 4
SHOWN_LIVE = 5
SHOWN_REASONS = 4
SHOWN_FAILURES = 5
BAR = 16
"""Blocks of the bar, as many as a narrow telephone shows in a line."""
CAP = 10_000
"""DMarket counts matches exactly only below this."""
_ENDED = (
    ("ended_deadline", re.compile(r"the deadline of .* passed")),
    ("ended_stopped", re.compile(r"stopped\b")),
    ("ended_keys", re.compile(r"the market refused the keys")),
    ("ended_fees", re.compile(r"no fee book for")),
    ("ended_stage", re.compile(r"more than a tenth of the requests for (?P<what>.+?) failed")),
    ("ended_listing", re.compile(r"the listing was refused")),
)
"""How the scan says why it ended, and our text for it."""


def scanning(  # noqa: PLR0913 - all that is shown of a scan under way
    lang: str,
    *,
    view: int,
    game: Game,
    level: Level,
    progress: ScanProgress | None,
    latest: Sequence[Opportunity],
    limits: Mapping[str, int],
    sandbox: bool,
    hidden: int = 0,
    shared: bool = False,
    resumed: bool = False,
) -> Post:
    """A scan that runs: how far it is, what it has found, newest first, and a button to stop it.

    ``progress`` is None before the first step. ``latest`` is in the order of finding; ``limits`` are requests a second by
    class; ``hidden`` finds are of muted titles. ``shared``: another chat began it; ``resumed``: a restart began it anew.
    """
    text = wording.joined(
        say(lang, "scanning", game=wording.game_name(game), level=level),
        say(lang, "sandbox") if sandbox else None,
        say(lang, "shared") if shared else None,
        say(lang, "resumed") if resumed else None,
        say(lang, "scan_starts") if progress is None else _progress(lang, progress, limits),
        _newest(lang, latest),
        say(lang, "hidden", count=hidden) if hidden else None,
    )
    return Post(text, ((wording.button(lang, "stop", presses.Stop(view)),),))


def _progress(lang: str, progress: ScanProgress, limits: Mapping[str, int]) -> Iterable[str]:
    total = max(progress.total, progress.listed, 1)
    open_end = progress.listing and total >= CAP
    if not open_end:
        yield _bar(progress.listed / total if progress.listing else 1.0)
    read = say(lang, "offers_of_many" if open_end else "offers_of", listed=progress.listed, total=total)
    yield f"{read}, {left}" if (left := _left(lang, progress)) else read
    yield wording.funnel(lang, progress.funnel, progress.evidence)
    now = {name: count / max(progress.seconds, 1.0) for name, count in wording.counts(progress.requests).items() if count}
    if now:
        yield say(lang, "rates", rates=wording.rates(lang, now, limits))


def _bar(share: float) -> str:
    full = int(BAR * min(1.0, share))
    return "█" * full + "░" * (BAR - full)


def _left(lang: str, progress: ScanProgress) -> Markup | None:
    """Time left, by the pace so far; only time gone where the market does not tell how much there is."""
    if progress.listing and (not progress.listed or progress.total >= CAP):
        return say(lang, "so_far", span=wording.span(lang, progress.seconds))
    asked = progress.requests.sales + progress.requests.other
    seconds = [progress.seconds * progress.evidence / asked] if asked else []
    if progress.listing:
        seconds.append(progress.seconds * (progress.total - progress.listed) / progress.listed)
    return say(lang, "left", span=wording.span(lang, math.ceil(max(0.0, *seconds)))) if seconds else None


def _newest(lang: str, latest: Iterable[Opportunity]) -> Iterable[str]:
    groups = list(_grouped(latest))[-SHOWN_LIVE:]
    if groups:
        yield from (" ", say(lang, "newest"))
    for found, times in reversed(groups):
        yield say(lang, "short_find", gain=wording.gain(lang, found), buy=dollars(found.price_cents))
        name = wording.named(lang, found)
        yield say(lang, "several", count=times, title=name) if times > 1 else say(lang, "title", title=name)


def _grouped(latest: Iterable[Opportunity]) -> list[tuple[Opportunity, int]]:
    """Finds that differ in nothing a person would read, together, with how many they are."""
    groups: dict[tuple[object, ...], tuple[Opportunity, int]] = {}
    for found in latest:
        key = (found.title, found.phase, found.price_cents, found.exit, found.exit_price_cents, found.trade_lock_days)
        first, times = groups.get(key, (found, 0))
        groups[key] = (first, times + 1)
    return list(groups.values())


def pages(finds: int) -> int:
    """Pages of so many finds; at least one."""
    return max(1, -(-finds // FINDS_A_PAGE))


def results(  # noqa: PLR0913 - all that is shown of a scan
    lang: str,
    *,
    view: int,
    report: ScanReport,
    finds: Sequence[tuple[int, Opportunity]],
    page: int,
    sandbox: bool,
    hidden: int = 0,
    age: float = 0.0,
    said: str | None = None,
) -> Post:
    """A page of what a scan found, with buttons for each find, to turn pages and to look again.

    ``finds`` are those to show, each with its place in the report; ``hidden`` others are of muted titles. ``age``: seconds
    since the scan, when it is remembered. ``said`` is why the scan failed, in its own words, or a line of this package. A
    page that does not exist is the nearest that does.
    """
    turn = wording.page_within(page, pages(len(finds)))
    shown = list(enumerate(finds, 1))[turn * FINDS_A_PAGE : (turn + 1) * FINDS_A_PAGE]
    text = wording.joined(
        None if said is None else _said(lang, said),
        _heading(lang, report, len(finds), turn),
        say(lang, "sandbox") if sandbox else None,
        [line for number, (_, found) in shown for line in _find(lang, number, found)],
        [] if finds else _nothing(lang, report, hidden),
        " ",
        say(lang, "hidden", count=hidden) if hidden and finds else None,
        _foot(lang, report, age, said),
    )
    rows = [_row(lang, view, number, place, found) for number, (place, found) in shown]
    turns = wording.page_row(turn, pages(len(finds)), presses.Page(view, turn))
    again = wording.button(lang, "again", presses.Scan(report.game, report.level, anew=True))
    return Post(text, (*rows, *[turns] * bool(turns), (again,)))


def _said(lang: str, words: str) -> Markup:
    return words if isinstance(words, Markup) else say(lang, "scan_failed", reason=_ended(lang, words))


def _heading(lang: str, report: ScanReport, count: int, page: int) -> str:
    head = say(lang, "found", game=wording.game_name(report.game), level=report.level, count=count)
    many = pages(count)
    return f"{head}, {say(lang, 'page_of', page=page + 1, pages=many)}" if many > 1 else head


def _find(lang: str, number: int, found: Opportunity) -> Iterable[str]:
    yield from (" ", say(lang, "find_row", number=number, gain=wording.gain(lang, found)))
    yield say(lang, "title", title=wording.named(lang, found))
    yield wording.route(lang, found)


def _row(lang: str, view: int, number: int, place: int, found: Opportunity) -> tuple[Button, ...]:
    opening = wording.opening(lang, found, number)
    return (
        *opening,
        wording.button(lang, "why" if opening else "why_numbered", presses.Why(view, place), number=number),
        wording.button(lang, "watch", presses.Watch(view, place)),
        wording.button(lang, "mute", presses.Mute(view, place)),
    )


def _nothing(lang: str, report: ScanReport, hidden: int) -> Iterable[str]:
    """Why there is nothing, in as many words as help."""
    if hidden:
        yield say(lang, "nothing_found_muted")
    elif not report.funnel.listed:
        yield say(lang, "nothing_until_then" if report.stopped else "nothing_read")
    else:
        yield say(lang, "nothing_until_then" if report.stopped else "nothing_found")
        reasons = sorted(report.funnel.dropped.items(), key=lambda item: -item[1])[:SHOWN_REASONS]
        yield from [say(lang, "nothing_reasons")] * bool(reasons)
        yield from (say(lang, "reason", count=count, reason=wording.reason(lang, f"drop_{name}", name)) for name, count in reasons)


def _foot(lang: str, report: ScanReport, age: float, said: str | None) -> Iterable[str]:
    if age >= 1:
        yield say(lang, "remembered_scan", span=wording.span(lang, age))
    yield Markup(f"<i>{wording.funnel(lang, report.funnel)}\n{_cost(lang, report)}</i>")
    yield from (_failure(lang, failure) for failure in report.failures[:SHOWN_FAILURES])
    if len(report.failures) > SHOWN_FAILURES:
        yield say(lang, "more", count=len(report.failures) - SHOWN_FAILURES)
    if report.stopped and report.stopped != said:
        yield say(lang, "ended_early", reason=_ended(lang, report.stopped))


def _cost(lang: str, report: ScanReport) -> Markup:
    requests = wording.requests(lang, wording.counts(report.requests))
    seconds = f"{report.seconds:.1f}"
    parts = [say(lang, "cost", seconds=seconds, requests=requests) if requests else say(lang, "cost_none", seconds=seconds)]
    if report.throttled or report.retries:
        parts.append(say(lang, "trouble", throttled=report.throttled, retries=report.retries))
    known = report.cache.get("memory_hits", 0) + report.cache.get("redis_hits", 0)
    if known:
        parts.append(say(lang, "remembered", count=known))
    return Markup("; ".join(parts))


def _failure(lang: str, failure: Failure) -> Markup:
    return say(lang, "failed", what=_what(lang, failure.what), error=wording.reason(lang, f"error_{failure.error}", failure.error), count=failure.times)


def _ended(lang: str, reason: str) -> str:
    """Why a scan ended early; what the scan never says itself stays as it is."""
    for key, pattern in _ENDED:
        said = pattern.match(reason)
        if said:
            stages = said.groupdict().get("what", "").split(" and ")
            return label(lang, key, what=", ".join(_what(lang, stage) for stage in stages))
    return clean(reason)


def _what(lang: str, stage: str) -> str:
    """What was asked for at a stage of the scan."""
    return wording.reason(lang, f"what_{stage.replace(' ', '_')}", stage)


def scan_failed(lang: str, error_id: str, reason: str) -> str:
    """A scan failed before there was anything to show; ``reason`` in the scan's own words."""
    return say(lang, "scan_failed_id", reason=_ended(lang, reason), id=clean(error_id, 40))


def interrupted_post(lang: str, *, game: Game, level: Level) -> Post:
    """A scan that ended with nothing to show, stopped or cut off by a restart, and a button to begin again."""
    text = say(lang, "broken_off", game=wording.game_name(game), level=level)
    return Post(text, ((wording.button(lang, "again", presses.Scan(game, level)),),))
