"""Before and after: each thing that is said to be faster, measured against what it replaces, in one run."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import polars as pl

from botcore.client import DMarketClient, PoolOptions, QuotaOptions
from botcore.perf import batches, pools, remembering, scans
from botcore.perf.markets import Markets
from botcore.perf.record import FOLDER, Measure, dotted
from botcore.perf.sweep import Plan, Point, Progress, Sample, Sweep, grid, short, sweep
from botcore.perf.tuning import interval
from botcore.sandbox import MarketOptions
from botcore.scan import Scanner
from botcore.scan.bands import PAGE
from botcore.scan.options import TITLES_A_QUOTE

__all__ = ["ROWS", "SCAN", "Row", "at_best", "measure", "measures", "scan", "table"]

DISTANCE = 0.05
WINDOW, SIZE, SHORT = 20_000, 94_340, 40_000
"""About how many offers a scan reads, how many there are of all games together, so that it does, and how many in the short form."""
WORLDS = (1, 2, 3)
"""Seeds of the markets that are scanned; with ``SIZE`` they are those of ``botcore bench scan``."""
LATENCY = 0.15
SCAN = 1.03
"""How many times the least time that the quota allows a scan may take."""
SIDES = ("baseline", "target")
WAITED = 100
"""Items that are all asked for one by one in the short form too."""


class Row(NamedTuple):
    """One claim: what is compared with what, how often as fast it must be, and how often the guide says."""

    what: str
    baseline: str
    target: str
    must: float
    guide: float


ROWS = (
    Row("100 items", "one by one", "batched", 40, 10),
    Row("1,000 items", "one by one", "batched", 80, 20),
    Row("a request, 50 ms away", "new connection", "pooled", 2.8, 3),
    Row("an answer, from memory", "cache miss", "cache hit", 1000, 40),
    Row("an answer, from Redis", "cache miss", "cache hit", 100, 40),
)
Work = Callable[[], Awaitable[Sample]]


async def measure(*, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True) -> Sweep:
    """Measure every row, both sides interleaved: what, side, seconds; timed, where items are asked for: how many of them were.

    That is all of them, but for 1,000 one by one in the short form: there a few are timed, and ``seconds`` are those of all at that pace.

    Raises:
        MeasureError, MarketError, SandboxError: what was measured until then is kept for the next call.
    """
    points = tuple({"what": row.what, "side": side} for row in ROWS for side in SIDES)
    data = {"market": "sandbox", "latency": remembering.LATENCY, "distance": DISTANCE, "size": batches.SIZE}
    brief = short(wanted=wanted_short)
    repeats = 3 if brief else 5
    run = f"{__name__}.measure"
    plan = Plan(question="before-and-after", run=run, points=points, repeats=repeats, data=data)
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(remembering.opened())
        far = await stack.enter_async_context(Markets())
        work = _work(desk, far, WAITED if brief else math.inf)

        async def one(point: Point) -> Sample:
            return await work[point["what"], point["side"]]()

        return await sweep(plan, one, folder=folder, progress=progress, resume=resume)


def table(frame: pl.DataFrame) -> pl.DataFrame:
    """A row a claim: what, baseline and target in milliseconds, ratio with low and high (95 % confidence), must, guide, holds."""
    return pl.DataFrame([_line(row, frame) for row in ROWS])


def measures(frame: pl.DataFrame, scanned: pl.DataFrame | None = None) -> list[Measure]:
    """The ratios as the measures of a record, each with what it must reach; with ``scanned``, what ``scan`` gave, also how near the quota's bound it came."""
    rows = [Measure.of(f"{row.what}: {row.baseline} against {row.target}", _ratios(row, frame), "times", f">= {row.must}") for row in ROWS]
    if scanned is None:
        return rows
    return [*rows, Measure.of("a scan against what the quota allows", scanned["ratio"].to_list(), "times", f"<= {SCAN}")]


async def scan(*, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True) -> Sweep:
    """Scans of three worlds with about 20,000 offers to read, of a smaller one in the short form, with answers that take 150 ms.

    The frame has world, seconds, bound_seconds (what the quota allows at best), their ratio, listed, and requests.

    Raises:
        MeasureError, MarketError, SandboxError, ScanFailed: what was measured until then is kept for the next call.
    """
    size, worlds = (SHORT, WORLDS[:1]) if short(wanted=wanted_short) else (SIZE, WORLDS)
    data = {"market": "sandbox", "size": size, "latency": LATENCY}
    plan = Plan(question="scan-against-the-quota", run=dotted(Scanner.scan), points=grid(world=worlds), repeats=1, data=data, warmups=0)
    async with Markets() as markets:

        async def one(point: Point) -> Sample:
            async with markets.client(MarketOptions(size=size, seed=point["world"], latency=LATENCY)) as client:
                return await scans.sample(client, scans.QUERY, {"bands": "auto"})

        return await sweep(plan, one, folder=folder, progress=progress, resume=resume)


def at_best() -> pl.DataFrame:
    """The least time that DMarket's quota leaves for some work, however it is done: what, requests, a_second, seconds."""
    quota = QuotaOptions()
    work = (
        ("1,000 items, one a request", 1000, quota.other),
        (f"1,000 items, {TITLES_A_QUOTE} a request", 1000 // TITLES_A_QUOTE, quota.other),
        (f"{WINDOW:,} offers, {PAGE} a page", WINDOW // PAGE, quota.market),
    )
    return pl.DataFrame([{"what": what, "requests": count, "a_second": rate, "seconds": count / rate} for what, count, rate in work])


def _line(row: Row, frame: pl.DataFrame) -> dict[str, object]:
    baseline, target = (_seconds(row, side, frame) for side in SIDES)
    low, high = interval(baseline, target)
    medians = [1000 * sorted(some)[len(some) // 2] for some in (baseline, target)]
    ratio = medians[0] / medians[1]
    told = {"what": row.what, "baseline": row.baseline, "baseline_ms": medians[0], "target": row.target, "target_ms": medians[1]}
    return {**told, "ratio": ratio, "low": low, "high": high, "must": float(row.must), "guide": float(row.guide), "holds": ratio >= row.must}


def _ratios(row: Row, frame: pl.DataFrame) -> list[float]:
    """The ratio in each round, where both sides ran close to one another."""
    return [before / after for before, after in zip(*(_seconds(row, side, frame) for side in SIDES), strict=True)]


def _seconds(row: Row, side: str, frame: pl.DataFrame) -> list[float]:
    some = frame.filter((pl.col("what") == row.what) & (pl.col("side") == side)).sort("round")
    return [float(seconds) for seconds in some["seconds"]]


def _work(desk: remembering.Desk, far: Markets, waited: float) -> dict[tuple[str, str], Work]:
    """What each side of each row does; up to ``waited`` items one by one are all timed."""
    clients = {0.0: desk.client}
    work: dict[tuple[str, str], Work] = {}
    for row, items in zip(ROWS[:2], (100, 1000), strict=True):
        work[row.what, "baseline"] = lambda items=items: batches.sample(clients, desk.titles, _batch("one by one", items, 1), whole=items <= waited)  # type: ignore[misc]
        work[row.what, "target"] = lambda items=items: batches.sample(clients, desk.titles, _batch("request", items, min(items, len(desk.titles))))  # type: ignore[misc]
    there = MarketOptions(size=pools.SIZE, latency=0.0, limits=False, tls=True, distance=DISTANCE)
    work[ROWS[2].what, "baseline"] = lambda: _anew(far, there)
    work[ROWS[2].what, "target"] = lambda: _pooled(far, there)
    for row, level in zip(ROWS[3:], ("memory", "redis"), strict=True):
        work[row.what, "baseline"] = lambda: remembering.hit(desk, "market")
        work[row.what, "target"] = lambda level=level: remembering.hit(desk, level)  # type: ignore[misc]
    return work


def _batch(way: str, items: int, batch: int) -> Point:
    return {"way": way, "items": items, "batch": batch, "jitter": 0.0}


async def _anew(far: Markets, there: MarketOptions) -> Sample:
    return _a_request(await pools.anew(far, there))


async def _pooled(far: Markets, there: MarketOptions, times: int = 10) -> Sample:
    async with far.client(there, pool=PoolOptions(max_connections=1)) as client:
        await client.balance()
        return _a_request(await pools.timed([_in_turn(client, times)], times))


async def _in_turn(client: DMarketClient, times: int) -> None:
    for _ in range(times):
        await client.balance()


def _a_request(sample: Sample) -> Sample:
    """The same in seconds a request, since both sides make differently many."""
    return Sample({"seconds": sample.values["request_ms"] / 1000}, sample.work)
