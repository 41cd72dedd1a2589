"""What a scan looks like in a terminal. Pure: reports in, things that rich can draw out; dollars appear only here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from botcore.model import Funnel, Opportunity, RequestCounts, ScanQuery, ScanReport, dollars
from botcore.sandbox import MarketOptions
from botcore.scan import ScanProgress

__all__ = ["Board", "as_json", "market_line", "results"]

SHOWN_LIVE = 5
CAP = 10_000
"""DMarket counts matches exactly only below this."""
WIDE = 130
"""Columns of a terminal from which on every figure has a column of its own."""
MEANING = {
    "duplicate": "seen twice, where pages overlap",
    "p2p": "P2P, not to be bought here",
    "price": "outside the price window",
    "locked": "reserved by a running trade",
    "own": "your own offers",
    "muted": "muted titles",
    "no-exit": "no buy order and no sale",
    "thin": "no buy order and fewer than 5 sales",
    "low": "profit below the window",
    "too-good": "profit above the window",
    "gone": "gone or repriced meanwhile",
    "failed": "evidence could not be had",
    "stopped": "undecided when the scan stopped",
}


def market_line(url: str, sandbox: MarketOptions | None, *, keys: bool) -> str:
    """Which market it is; without keys also how to use one's own."""
    if sandbox is None:
        return f"Market: {url}"
    line = f"Market: a sandbox on this machine, seed {sandbox.seed}. Items and prices are invented."
    return line if keys else f"{line} For the real one set DMARKET_PUBLIC_KEY and DMARKET_SECRET_KEY."


def as_json(document: object) -> bytes:
    """The document with the opportunities of a report left to their own place."""
    plain = msgspec.to_builtins(document)
    for report in [plain["report"]] if "report" in plain else plain["reports"]:
        del report["opportunities"]
        for name in ("seconds", "quota_bound_seconds", "first_find_seconds"):
            report[name] = report[name] and round(report[name], 3)
    return msgspec.json.encode(plain)


class Board:
    """The live picture of a scan."""

    def __init__(self, query: ScanQuery, limits: Mapping[str, int]) -> None:
        self.query = query
        self.limits = limits

    def draw(self, progress: ScanProgress, latest: list[Opportunity]) -> RenderableType:
        """Offers read of the total, the stages, requests beside their quota, time left, and the newest finds."""
        total = max(progress.total, progress.listed, 1)
        open_end = progress.listing and total >= CAP
        bar = ProgressBar(total=None if open_end else total, completed=progress.listed if progress.listing else total, width=24)
        line = Table.grid(padding=(0, 2))
        name = Text(f"{self.query.game} {self.query.level}", style="bold")
        line.add_row(name, bar, f"{progress.listed:,} of {total:,}{'+' * open_end} offers", _left(progress))
        return Group(line, _stages(progress.funnel, progress.evidence), self._quota(progress), *map(_short, _grouped(latest)[-SHOWN_LIVE:]))

    def _quota(self, progress: ScanProgress) -> Text:
        seconds = max(progress.seconds, 1.0)
        parts = [f"{name} {count / seconds:.1f} of {self.limits[name]}" for name, count in _counts(progress.requests).items() if count]
        return _line("requests a second: " + ", ".join(parts), style="dim")


def _counts(requests: RequestCounts) -> dict[str, int]:
    return {name: getattr(requests, name) for name in requests.__struct_fields__}


def _left(progress: ScanProgress) -> str:
    """Time left, by the pace so far; only time gone where the market does not tell how much there is."""
    if progress.listing and (not progress.listed or progress.total >= CAP):
        return f"{progress.seconds:.0f} s so far"
    asked = progress.requests.sales + progress.requests.other
    seconds = [progress.seconds * progress.evidence / asked] if asked else []
    if progress.listing:
        seconds.append(progress.seconds * (progress.total - progress.listed) / progress.listed)
    return f"about {max(0.0, *seconds):.0f} s left" if seconds else ""


def _stages(funnel: Funnel, evidence: int = 0) -> Text:
    asked = f" ({evidence} being asked)" if evidence else ""
    return _line(f"listed {funnel.listed:,} → quoted {funnel.quoted:,} → checked {funnel.checked:,}{asked} → found {funnel.found:,}")


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _grouped(found: Iterable[Opportunity]) -> list[list[Opportunity]]:
    """Finds that differ in nothing a person would read, together."""
    groups: dict[tuple[object, ...], list[Opportunity]] = {}
    for one in found:
        groups.setdefault((one.title, one.phase, one.price_cents, one.exit, one.exit_price_cents, one.trade_lock_days), []).append(one)
    return list(groups.values())


def _short(group: list[Opportunity]) -> Text:
    text = _line(f"{dollars(group[0].profit_cents):>8} ", style="green")
    return text.append(f"{group[0].profit_percent:5.2f} %  buy {dollars(group[0].price_cents)}  {_name(group)}", style="default")


def _name(group: list[Opportunity]) -> str:
    """The title without anything a terminal might obey."""
    times = f"{len(group)} x " if len(group) > 1 else ""
    title = "".join(letter for letter in group[0].title if letter.isprintable())
    return f"{times}{title} ({group[0].phase})" if group[0].phase else f"{times}{title}"


def results(report: ScanReport, limit: int | None, width: int | None, recorded: datetime | None = None) -> RenderableType:
    """The table of finds, the funnel, and what the scan cost.

    ``width`` is the terminal's; None is no terminal: then each find has a line of its own that ends with its address.
    ``recorded`` is when all this was recorded, None where it happens now.
    """
    return Group(*_finds(report, limit, width, recorded), Text(), _funnel(report), _cost(report), *_troubles(report))


def _finds(report: ScanReport, limit: int | None, width: int | None, recorded: datetime | None) -> Iterable[RenderableType]:
    best = report.opportunities[:limit]
    fewer = f", the best {len(best)} shown" if len(best) < len(report.opportunities) else ""
    where = " (sandbox: invented items and prices)" if report.market == "sandbox" else ""
    where += f" (a recording of {recorded:%Y-%m-%d %H:%M} UTC)" if recorded is not None else ""
    yield Text(f"{report.game} {report.level}: {len(report.opportunities)} found{fewer}{where}", style="bold")
    if best:
        groups = [[found] for found in best] if width is None else _grouped(best)
        yield _narrow(groups) if width is not None and width < WIDE else _wide(groups, urls=width is None)


def _wide(groups: list[list[Opportunity]], *, urls: bool) -> Table:
    table = _table("buy", "exit", "", "fee", "profit", "%", "lock")
    table.add_column("evidence", no_wrap=True)
    table.add_column("item", min_width=20)
    if urls:
        table.add_column("link", no_wrap=True)
    for group in groups:
        best = group[0]
        money = (dollars(best.price_cents), dollars(best.exit_price_cents), str(best.exit), dollars(best.fee_cents), *_gain(best))
        table.add_row(*money, _lock(best), _evidence(best), _item(group), *[best.url] * urls)
    return table


def _narrow(groups: list[list[Opportunity]]) -> Table:
    """What matters most in columns, the rest in a second line under the item."""
    table = _table("buy", "exit", "", "profit", "%", gap=1)
    table.add_column("item", ratio=1)
    for group in groups:
        best = group[0]
        item = _item(group).append(f"\nfee {dollars(best.fee_cents)}, {_evidence(best)}", style="dim not link")
        if best.trade_lock_days:
            item.append(f", lock {_lock(best)}", style="dim")
        table.add_row(dollars(best.price_cents), dollars(best.exit_price_cents), str(best.exit), *_gain(best), item)
    return table


def _table(*columns: str, gap: int = 2) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, gap, 0, 0))
    for name in columns:
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    return table


def _gain(found: Opportunity) -> tuple[Text, str]:
    return (Text(dollars(found.profit_cents), style="green"), f"{found.profit_percent:.2f}")


def _lock(found: Opportunity) -> str:
    return f"{found.trade_lock_days} d" if found.trade_lock_days else ""


def _item(group: list[Opportunity]) -> Text:
    return Text().append(_name(group), style=f"link {group[0].url}")


def _evidence(found: Opportunity) -> str:
    sales = f"{found.sales_30d} sales" if found.sales_30d else "no sales"
    median = f", median {dollars(found.median_cents)}" if found.median_cents is not None else ""
    return f"{sales}{median}, next {'none' if found.next_ask_cents is None else dollars(found.next_ask_cents)}"


def _funnel(report: ScanReport) -> RenderableType:
    text = _stages(report.funnel).append("\n")
    for reason, count in sorted(report.funnel.dropped.items(), key=lambda item: -item[1]):
        text.append(f"  {count:>9,}  {reason:<10} {MEANING.get(reason, '')}\n", style="dim")
    return text


def _cost(report: ScanReport) -> Text:
    requests = ", ".join(f"{count} {name}" for name, count in _counts(report.requests).items() if count) or "none answered"
    trouble = f", {report.throttled} refused by quota, {report.retries} repeated" if report.throttled or report.retries else ""
    known = report.cache.get("memory_hits", 0) + report.cache.get("redis_hits", 0)
    remembered = f"; remembered: {known} answers" if known else ""
    return Text(f"{report.seconds:.1f} s (the quota allows {report.quota_bound_seconds:.1f} s at best); requests: {requests}{trouble}{remembered}", style="dim")


def _troubles(report: ScanReport) -> list[Text]:
    lines = [Text(f"failed: {failure.what}, {failure.error}, {failure.times} times", style="yellow") for failure in report.failures]
    said = {"unknown": "a field that is not known", "missing": "a field that is missing"}
    lines += [Text(f"the market's answers changed: {one.answer}, {said[one.how]}, {one.field}", style="yellow") for one in report.drift]
    return [*lines, Text(f"ended early: {report.stopped}", style="yellow")] if report.stopped else lines
