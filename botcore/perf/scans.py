"""How a scan's options change it: scans of sandbox markets, each against the least time that its requests could have taken.

Where the reading of the listing alone is in question, every title is muted: the same scanner then asks for no evidence.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from botcore.client import ClientStats, DMarketClient, counting
from botcore.model import Game, Level, RequestClass, ScanQuery, ScanReport
from botcore.perf.markets import Markets
from botcore.perf.record import FOLDER, Measure, RunRecord, Work, dotted
from botcore.perf.sweep import Plan, Point, Progress, Sample, Sweep, grid, short, sweep
from botcore.sandbox import MarketOptions
from botcore.scan import Scanner, ScanOptions

__all__ = ["CHAIN", "DISTURBED", "bands", "batch_sizes", "concurrency", "measure", "plan", "record", "sample"]

SIZE, SHORT = 24_000, 8_000
"""Offers of all games together, in the whole form and in the short one."""
SHARE = 4.3
"""Offers of all games together for one that the query reads."""
QUERY = ScanQuery(Game.CSGO, Level.BOOST)
DISTURBED = {0.4: 0.5}
"""Latencies whose answers vary, each with the sigma of its lognormal."""
CHAIN = "one chain"
"""Pages asked for one after the other, each by the cursor of the one before: how a listing is read without any bands."""
MANY, FAR = 1000, 1.0
"""The most offers at which a request a title is measured, and the latency from which on one chain is not."""
_REST = 1.1


def plan(  # noqa: PLR0913 - each is one part of the question
    question: str,
    axes: Mapping[str, Sequence[Any]],
    *,
    latencies: Iterable[float] = (0.05, 0.15, 0.4, 1.0),
    items: Iterable[int] = (),
    size: int = SIZE,
    query: ScanQuery = QUERY,
    reading_alone: bool = False,
    repeats: int = 3,
    seed: int = 1,
) -> Plan:
    """What is measured: every combination of the axes, which are fields of ScanOptions, at every latency in seconds.

    ``items`` are numbers of offers that the scan reads, about; without any the market has ``size``. Scans of different markets run
    side by side.
    """
    counts = {"items": tuple(items)} if items else {}
    points = grid(**axes, **counts, latency=tuple(latencies))
    data = {"market": "sandbox", "size": size, "seed": seed, "jitters": {str(latency): sigma for latency, sigma in DISTURBED.items()}}
    options = {"query": msgspec.to_builtins(query), "defaults": msgspec.to_builtins(ScanOptions()), "reading_alone": reading_alone}
    beside = "items" if items else "latency"
    return Plan(
        question=question, run=dotted(Scanner.scan), points=points, repeats=repeats, options=options, data=data, warmups=0, seed=seed, beside=beside, again=2
    )


async def bands(*, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True) -> Sweep:
    """How many price bands to read at once, over latency; the listing alone, and one chain of cursors to compare with."""
    question = "how-many-bands"
    if short(wanted=wanted_short):
        what = plan(question, {"bands": (CHAIN, 1, 4, "auto")}, latencies=(0.05, 0.15), size=SHORT, reading_alone=True, repeats=2)
    else:
        what = plan(question, {"bands": (CHAIN, 1, 2, 4, 8, "auto")}, reading_alone=True)
        # A page after the other, a second each, would take as long as all the rest.
        what = _without(what, lambda point: point["bands"] == CHAIN and point["latency"] >= FAR)
    return await measure(what, folder=folder, progress=progress, resume=resume)


async def concurrency(*, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True) -> Sweep:
    """How many requests for evidence to have under way, over latency."""
    question = "how-much-at-once"
    if short(wanted=wanted_short):
        what = plan(question, {"concurrency": (2, 32)}, latencies=(0.15,), size=SHORT, repeats=2)
    else:
        what = plan(question, {"concurrency": (1, 8, 32, 64)}, latencies=(0.15, 0.4, 1.0), size=SHORT)
    return await measure(what, folder=folder, progress=progress, resume=resume)


async def batch_sizes(*, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True) -> Sweep:
    """How many titles to quote at a time within a scan, over the number of offers that it reads."""
    question = "how-many-titles-a-quote"
    if short(wanted=wanted_short):
        what = plan(question, {"batch_size": (20, "auto")}, latencies=(0.15,), items=(100, 1000), repeats=2)
    else:
        what = plan(question, {"batch_size": (1, 5, 20, 100, "auto")}, latencies=(0.15,), items=(100, 1000, 10_000))
        # A title a request is the worst at 1,000 offers already, and at more it would take as long as all the rest.
        what = _without(what, lambda point: point["batch_size"] == 1 and point["items"] > MANY)
    return await measure(what, folder=folder, progress=progress, resume=resume)


async def measure(what: Plan, *, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True) -> Sweep:
    """Measure a plan.

    The frame has the plan's axes and latency; seconds, bound_seconds (what the quota allows at best), ratio of the two,
    first_find_seconds, listed and found.

    Raises:
        MeasureError, MarketError, SandboxError, ScanFailed: what was measured until then is kept for the next call.
    """
    query = msgspec.convert(what.options["query"], type=ScanQuery)
    async with AsyncExitStack() as stack:
        markets = await stack.enter_async_context(Markets())
        wanted = {_where(what, point) for point in what.points}
        clients = {market: await stack.enter_async_context(markets.client(market)) for market in wanted}
        if what.options["reading_alone"]:
            near = MarketOptions(size=what.data["size"], seed=what.seed, latency=0.0, limits=False)
            query = msgspec.structs.replace(query, muted=await _titles(markets, near, query))

        async def one(point: Point) -> Sample:
            return await sample(clients[_where(what, point)], query, point)

        return await sweep(what, one, folder=folder, progress=progress, resume=resume)


async def sample(client: DMarketClient, query: ScanQuery, point: Point) -> Sample:
    """One scan, after a pause in which the quota has come free; nothing of an earlier one is remembered."""
    await asyncio.sleep(_REST)
    before = client.stats.bytes
    report = await _chain(client, query) if CHAIN in point.values() else await Scanner(client, _options(point)).scan(query)
    work = Work.of_scans([report])
    work.bytes = client.stats.bytes - before
    return Sample(_values(report), work)


def record(question: str, reports: Sequence[ScanReport], *, data: Mapping[str, Any] | None = None) -> RunRecord:
    """The record of scans that were made anyway, a sample each. Raises MeasureError when they did nothing."""
    return RunRecord(
        question=question,
        run=dotted(Scanner.scan),
        started_at=min(report.started_at for report in reports),
        work=Work.of_scans(reports),
        data=dict(data or {"market": sorted({report.market for report in reports})}),
        samples=[{"game": report.game.value, "level": report.level.value, **_values(report)} for report in reports],
        measures=[Measure.of(f"wall time of a scan of {report.game} {report.level}", [report.seconds], "seconds") for report in reports],
    )


def _without(what: Plan, needless: Callable[[Point], bool]) -> Plan:
    return msgspec.structs.replace(what, points=tuple(point for point in what.points if not needless(point)))


def _where(what: Plan, point: Point) -> MarketOptions:
    """The market of a point."""
    size = round(SHARE * point["items"]) if "items" in point else what.data["size"]
    return MarketOptions(size=size, seed=what.seed, latency=point["latency"], jitter=DISTURBED.get(point["latency"], 0.0))


def _options(point: Point) -> ScanOptions:
    return ScanOptions(**{name: value for name, value in point.items() if name in ScanOptions.__struct_fields__})


async def _chain(client: DMarketClient, query: ScanQuery) -> ScanReport:
    """The listing read by one chain of cursors, told as a scan tells it."""
    report = ScanReport("sandbox", query.game, query.level, datetime.now(UTC))
    low, high = query.level.price_window
    with counting(ClientStats()) as stats:
        start = time.monotonic()
        async for page in client.offers(query.game, price_from=low, price_to=high):
            report.listed += len(page.offers)
        report.seconds = time.monotonic() - start
    report.requests, report.throttled = stats.requests, stats.throttled
    report.quota_bound_seconds = stats.requests.market / client.quota.limits[RequestClass.MARKET]
    return report


async def _titles(markets: Markets, market: MarketOptions, query: ScanQuery) -> frozenset[str]:
    """Every title within the query's prices."""
    low, high = query.level.price_window
    async with markets.client(market) as client:
        return frozenset([offer.title async for page in client.offers(query.game, price_from=low, price_to=high) for offer in page.offers])


def _values(report: ScanReport) -> dict[str, Any]:
    bound = report.quota_bound_seconds
    told = {"listed": report.listed, "found": len(report.opportunities), "first_find_seconds": report.first_find_seconds}
    return {"seconds": report.seconds, "bound_seconds": bound, "ratio": report.seconds / bound if bound else math.inf, **told}
