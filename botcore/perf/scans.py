"""How a scan's options change it: scans of sandbox markets, each against the least time that its requests could have taken.

Where the reading of the listing alone is in question, every title is muted: the same scanner then asks for no evidence.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from botcore.client import DMarketClient
from botcore.model import Game, Level, ScanQuery, ScanReport
from botcore.perf.markets import Markets
from botcore.perf.record import FOLDER, Measure, RunRecord, Work, dotted
from botcore.perf.sweep import Plan, Point, Progress, Sample, Sweep, grid, short, sweep
from botcore.sandbox import MarketOptions
from botcore.scan import Scanner, ScanOptions

__all__ = ["DISTURBED", "bands", "batch_sizes", "concurrency", "measure", "plan", "record", "sample"]

SIZE, SHORT = 24_000, 8_000
"""Offers of all games together, in the whole form and in the short one."""
QUERY = ScanQuery(Game.CSGO, Level.BOOST)
DISTURBED = {0.4: 0.5}
"""Latencies whose answers vary, each with the sigma of its lognormal."""
_REST = 1.1


def plan(
    question: str,
    axes: Mapping[str, Sequence[Any]],
    *,
    latencies: Iterable[float] = (0.05, 0.15, 0.4, 1.0),
    size: int = SIZE,
    query: ScanQuery = QUERY,
    reading_alone: bool = False,
    repeats: int = 5,
    seed: int = 1,
) -> Plan:
    """What is measured: every combination of the axes, which are fields of ScanOptions, at every latency in seconds."""
    points = grid(**axes, latency=tuple(latencies))
    data = {"market": "sandbox", "size": size, "seed": seed, "jitters": {str(latency): sigma for latency, sigma in DISTURBED.items()}}
    options = {"query": msgspec.to_builtins(query), "defaults": msgspec.to_builtins(ScanOptions()), "reading_alone": reading_alone}
    return Plan(question=question, run=dotted(Scanner.scan), points=points, repeats=repeats, options=options, data=data, warmups=0, seed=seed)


async def bands(*, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True) -> Sweep:
    """How many price bands to read at once, over latency; the listing alone."""
    question = "how-many-bands"
    if short(wanted=wanted_short):
        what = plan(question, {"bands": (1, 2, 4, "auto")}, latencies=(0.15, 0.4), size=SHORT, reading_alone=True, repeats=2)
    else:
        what = plan(question, {"bands": (1, 2, 3, 4, 6, 8, 12, "auto")}, reading_alone=True)
    return await measure(what, folder=folder, progress=progress, resume=resume)


async def concurrency(*, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True) -> Sweep:
    """How many requests for evidence to have under way, over latency."""
    question = "how-much-at-once"
    if short(wanted=wanted_short):
        what = plan(question, {"concurrency": (1, 4, 32)}, latencies=(0.4,), size=SHORT, repeats=2)
    else:
        what = plan(question, {"concurrency": (1, 2, 4, 8, 16, 32, 64)})
    return await measure(what, folder=folder, progress=progress, resume=resume)


async def batch_sizes(*, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True) -> Sweep:
    """How many titles to quote at a time within a scan, over latency."""
    question = "how-many-titles-a-quote"
    if short(wanted=wanted_short):
        what = plan(question, {"batch_size": (10, 100, "auto")}, latencies=(0.15,), size=SHORT, repeats=2)
    else:
        what = plan(question, {"batch_size": (1, 5, 10, 20, 50, 100, "auto")})
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
        clients = {}
        for latency in sorted({point["latency"] for point in what.points}):
            market = MarketOptions(size=what.data["size"], seed=what.seed, latency=latency, jitter=DISTURBED.get(latency, 0.0))
            clients[latency] = await stack.enter_async_context(markets.client(market))
        if what.options["reading_alone"]:
            near = MarketOptions(size=what.data["size"], seed=what.seed, latency=0.0, limits=False)
            query = msgspec.structs.replace(query, muted=await _titles(markets, near, query))
        return await sweep(what, partial(sample, clients, query), folder=folder, progress=progress, resume=resume)


async def sample(clients: Mapping[float, DMarketClient], query: ScanQuery, point: Point) -> Sample:
    """One scan, after a pause in which the quota has come free; nothing of an earlier one is remembered."""
    options = ScanOptions(**{name: value for name, value in point.items() if name != "latency"})
    client = clients[point["latency"]]
    await asyncio.sleep(_REST)
    before = client.stats.bytes
    report = await Scanner(client, options).scan(query)
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


async def _titles(markets: Markets, market: MarketOptions, query: ScanQuery) -> frozenset[str]:
    """Every title within the query's prices."""
    low, high = query.level.price_window
    async with markets.client(market) as client:
        return frozenset([offer.title async for page in client.offers(query.game, price_from=low, price_to=high) for offer in page.offers])


def _values(report: ScanReport) -> dict[str, Any]:
    bound = report.quota_bound_seconds
    told = {"listed": report.listed, "found": len(report.opportunities), "first_find_seconds": report.first_find_seconds}
    return {"seconds": report.seconds, "bound_seconds": bound, "ratio": report.seconds / bound if bound else math.inf, **told}
