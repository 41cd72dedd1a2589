"""What a watch looks like in a terminal. Pure: events and figures in, things that rich can draw out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from botcore.model import Alert, AlertState, Change, Opportunity, RequestCounts, dollars
from botcore.scan import WatchFigures, wording
from botcore.scan.confidence import Confidence
from botcore.scan.evidence import Assessment

__all__ = ["SHOWN", "Told", "board", "event_line", "json_line", "summary"]

SHOWN = 8
"""Alerts on the board, the newest."""
CLASSES = ("market", "sales", "other", "fee")
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
SAID = {
    AlertState.LIVE: "is as it was told again",
    AlertState.CHEAPER: "is cheaper",
    AlertState.DEARER: "is dearer",
    AlertState.SPOILED: "pays no more",
    AlertState.GONE: "is gone",
}


class Told(msgspec.Struct, frozen=True):
    """An event, and of an alert how its evidence looks and how sure its exit is, None where that is not known."""

    event: Alert | Change
    weighed: Assessment | None = None
    confidence: Confidence | None = None


def board(figures: WatchFigures, newest: Sequence[Told]) -> RenderableType:
    """The live picture: offers a second, time to alert, the quota by purpose, each game, and the newest events."""
    return Group(_head(figures), _quota(figures), _games(figures), *_troubles(figures), *(event_line(told, url=False) for told in newest[-SHOWN:]))


def _head(figures: WatchFigures) -> Text:
    wait = "none yet" if figures.to_alert is None else f"{figures.to_alert[0]:.1f} s, 95 % within {figures.to_alert[1]:.1f} s"
    told = f"{figures.alerts} alerts, {figures.live} of them as told, {figures.changes} changes, {figures.gone} gone before they were told"
    text = _line(f"{_span(figures.seconds)}  {figures.per_second:.1f} new offers a second, {figures.seen:,} so far  {told}", style="bold")
    return text.append(f"\nlisted to alert: {wait}; {figures.waiting} titles wait to be looked at", style="not bold")


def _quota(figures: WatchFigures) -> Table:
    """Requests by purpose and class, and the share of each class's quota that is used."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("requests for")
    for name in CLASSES:
        table.add_column(name, justify="right")
    for purpose, counts in figures.requests.items():
        if any(getattr(counts, name) for name in CLASSES):
            table.add_row(purpose, *(f"{getattr(counts, name):,}" for name in CLASSES))
    table.add_row("quota used", *(f"{100 * figures.used[name]:.0f} %" for name in CLASSES), style="bold")
    return table


def _games(figures: WatchFigures) -> Text:
    text = _line("")
    for game, one in figures.games.items():
        rescan = f"{one.rescans} rescans + {100 * one.rescanned:.0f} %"
        text.append(f"{game}: {one.rate:.1f} new a second, looked at every {one.interval:.1f} s, {one.titles:,} titles, {rescan}\n", style="dim")
    text.rstrip()
    return text


def _troubles(figures: WatchFigures) -> Iterable[Text]:
    trouble = [f"{failure.what}: {failure.error}, {failure.times} times" for failure in figures.failures]
    if figures.throttled:
        trouble.append(f"{figures.throttled} refused by quota")
    if trouble:
        yield _line("failed: " + "; ".join(trouble), style="yellow")


def event_line(told: Told, *, url: bool) -> Text:
    """One event in a line; with ``url`` it ends with the address of the offer."""
    event = told.event
    alert = event if isinstance(event, Alert) else event.alert
    found = alert.opportunity
    at = datetime.fromtimestamp(event.queued_at if isinstance(event, Alert) else event.at).astimezone()
    text = _line(f"{at:%H:%M:%S}  ", style="dim")
    if isinstance(event, Alert):
        again = " (may have been told before)" if event.again else ""
        text.append(f"{dollars(found.profit_cents):>8} {found.profit_percent:6.2f} %", style="green not dim")
        text.append(f"  buy {dollars(found.price_cents)}, {found.exit} {dollars(found.exit_price_cents)}  {_name(found)}", style="default not dim")
        text.append(f"  {found.game} {alert.level}, listed {_span(event.queued_at - event.listed_at)} before{again}")
        text.append(f"  {wording.in_short(told.weighed, told.confidence)}")
    else:
        now = "" if event.price_cents is None or event.state is AlertState.SPOILED else f": {dollars(event.price_cents)}"
        text.append(f"{_name(found)} at {dollars(found.price_cents)} {SAID[event.state]}{now}", style="yellow not dim")
    return text.append(f"  {found.url}") if url else text


def summary(figures: WatchFigures, *, sandbox: bool) -> str:
    """What a watch found, when it ends."""
    where = " on a sandbox, items and prices invented" if sandbox else ""
    wait = "" if figures.to_alert is None else f", the middle one {figures.to_alert[0]:.1f} s after it was listed"
    return (
        f"Watched for {_span(figures.seconds)}{where}: {figures.seen:,} new offers, {figures.alerts} alerts{wait}, "
        f"{figures.changes} changes, {figures.gone} gone before they were told. {_total(figures.requests.values()):,} requests, {figures.throttled} refused."
    )


def json_line(told: Told | WatchFigures) -> bytes:
    """One event as a line of JSON: the word for what it is first, times as unix seconds, an alert's opportunity and what is thought of it flat."""
    if isinstance(told, WatchFigures):
        return msgspec.json.encode({"event": "figures", **msgspec.to_builtins(told)}) + b"\n"
    event = told.event
    alert = event if isinstance(event, Alert) else event.alert
    times = {name: round(getattr(alert, name), 3) for name in ("seen_at", "decided_at", "queued_at")}
    known = {"alert": alert.id, "level": alert.level, **msgspec.to_builtins(alert.opportunity), **times}
    if isinstance(event, Alert):
        return msgspec.json.encode({"event": "alert", "again": event.again, **known, **_trust(told)}) + b"\n"
    pays = None if event.opportunity is None else msgspec.to_builtins(event.opportunity)
    now = {"state": event.state, "price_now_cents": event.price_cents, "offer_now": event.offer_id, "at": round(event.at, 3), "opportunity_now": pays}
    return msgspec.json.encode({"event": "change", **now, **known}) + b"\n"


def _trust(told: Told) -> dict[str, object]:
    """How far an alert can be trusted; nothing where that is not known."""
    weighed, confidence = told.weighed, told.confidence
    if weighed is None or confidence is None:
        return {}
    figures = {name: getattr(weighed, name) for name in ("score", "worst_cents", "orders_known", "days", "per_day_cents")}
    words = {"concerns": [wording.CONCERNS[one] for one in weighed.concerns], "evidence": wording.evidence_line(weighed)}
    return {"confidence": confidence.chance, "outcomes": confidence.outcomes, **figures, **words}


def _total(requests: Iterable[RequestCounts]) -> int:
    return sum(getattr(counts, name) for counts in requests for name in CLASSES)


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _name(found: Opportunity) -> str:
    """The title without anything a terminal might obey."""
    title = "".join(letter for letter in found.title if letter.isprintable())
    return f"{title} ({found.phase})" if found.phase else title


def _span(seconds: float) -> str:
    for size, unit in ((DAY, "days"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"
