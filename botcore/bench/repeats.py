"""What the cache saves a scan: the same one asked for again, and another one a minute later."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

import msgspec

from botcore.app import App, open_app
from botcore.bench.defaults import defaults
from botcore.cache import Cache
from botcore.client import QuotaOptions
from botcore.model import Game, Level, RequestCounts, ScanQuery, ScanReport
from botcore.perf.record import Measure, Work
from botcore.sandbox import MarketOptions
from botcore.scan import Scanner

__all__ = ["measures"]

GAME = Game.CSGO
QUERY = ScanQuery(GAME, Level.STANDARD)
LATENCY = 0.15
RECALLS = 20
MINUTE = 60.0
OPEN = QuotaOptions(market=5000, sales=5000, fee=5000, other=5000)


async def measures(*, seeds: int, say: Callable[[str], None]) -> tuple[list[Measure], list[dict[str, object]], Work]:
    """The three measures, a run for each world, and the work of the scans a minute apart."""
    work = Work()
    ratios, hits, thirds = [], [], []
    runs: list[dict[str, object]] = []
    for seed in range(1, seeds + 1):
        say(f"a scan and its repetition at 150 ms, {seed} of {seeds}")
        whole, recalled, asked = await _recalled(seed)
        ratios.append(whole / median(recalled))
        hits.append(float(asked))
        say(f"all levels of {GAME} twice, a minute apart, {seed} of {seeds}")
        first, second = await _twice(seed)
        work += Work.of_scans([*first, *second])
        thirds.append(sum(map(_beyond, second)) / sum(map(_beyond, first)))
        told = {"first": [_told(report) for report in first], "second": [_told(report) for report in second]}
        runs.append({"seed": seed, "scan_seconds": whole, "recall_seconds": recalled, "minute_apart": told})
    return (
        [
            Measure.of("an uncached scan at 150 ms against its repetition from the cache", ratios, "times", ">= 100"),
            Measure.of("requests of such a repetition", hits, "requests", "<= 0"),
            Measure.of("requests beyond the listing of a second scan a minute later", thirds, "of the first's", "<= 0.3334"),
        ],
        runs,
        work,
    )


async def _recalled(seed: int) -> tuple[float, list[float], int]:
    """Seconds of a scan, seconds of each recall of it, and the requests of all recalls."""
    with defaults() as settings:
        async with open_app(settings, sandbox=MarketOptions(seed=seed, latency=LATENCY)) as app:
            whole = await _timed(app)
            before = _total(app.client.stats.requests)
            recalled = [await _timed(app) for _ in range(RECALLS)]
            return whole, recalled, _total(app.client.stats.requests) - before


async def _timed(app: App) -> float:
    start = time.perf_counter()
    report = await app.scanner.recall(QUERY)
    seconds = time.perf_counter() - start
    if not report.listed:
        raise RuntimeError("a scan that listed nothing measures nothing")
    return seconds


async def _twice(seed: int) -> tuple[list[ScanReport], list[ScanReport]]:
    """Every level of the game, and again after a minute by the cache's clock. Requests are counted, so nothing needs to take its time."""
    passed = 0.0
    with defaults() as settings:
        quick = msgspec.structs.replace(settings, quota=OPEN)
        async with (
            open_app(quick, sandbox=MarketOptions(seed=seed, latency=0.0, limits=False)) as app,
            Cache(settings.cache, clock=lambda: time.time() + passed) as cache,
        ):
            scanner = Scanner(app.client, settings.scan, cache=cache, journal=app.journal)
            first = [await scanner.scan(ScanQuery(GAME, level)) for level in Level]
            passed = MINUTE
            return first, [await scanner.scan(ScanQuery(GAME, level)) for level in Level]


def _beyond(report: ScanReport) -> int:
    return _total(report.requests) - report.stages["listing"]


def _total(counts: RequestCounts) -> int:
    return sum(_values(counts))


def _values(counts: RequestCounts) -> Iterator[int]:
    return (getattr(counts, name) for name in counts.__struct_fields__)


def _told(report: ScanReport) -> dict[str, object]:
    return {"level": report.level, "listed": report.listed, "found": len(report.opportunities), "requests": report.requests, "stages": report.stages}
