"""How close a scan comes to what the quota allows, what a page costs, what memory follows, and how fast a door opens.

Each scan runs against a sandbox market in a process of its own. Ratios of one run, interleaved and repeated.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fractions import Fraction
from statistics import median
from urllib.request import urlopen

import httpx
import msgspec

from botcore.app import open_app
from botcore.bench.defaults import defaults
from botcore.client import KeyPair, wire
from botcore.client.auth import MarketClock, SignedAuth
from botcore.client.shapes import Listing, OfferRow
from botcore.fees import FeeBook
from botcore.model import Game, Level, Quote, ScanQuery, ScanReport
from botcore.perf.record import Measure, RunRecord, Work, dotted
from botcore.sandbox import MarketAddress, MarketOptions, spawn_market
from botcore.scan import ScanOptions
from botcore.scan.bands import PAGE, Bands
from botcore.scan.table import Table

__all__ = ["run"]

QUERY = ScanQuery(Game.CSGO, Level.BOOST)
WINDOW = 20_000
LATENCIES = {"150 ms": (0.15, 0.0, "<= 1.03"), "400 ms lognormal": (0.4, 0.5, "<= 1.10"), "1 s": (1.0, 0.0, "<= 1.25")}
"""Each with its median in seconds, the sigma of its lognormal, and the ratio to reach."""
STARTS = 7
PEAKS = 3
MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Runs a command and prints its peak memory. From a process of its own, since a child's peak begins at its parent's size."""
PAGES = 200


def run(*, quick: bool, say: Callable[[str], None]) -> RunRecord:
    """Measure everything; ``quick`` leaves out the slow latencies, the memory and the repetitions."""
    started = datetime.now(UTC)
    repeats = 1 if quick else 3
    size = asyncio.run(_size(WINDOW))
    chosen = dict(list(LATENCIES.items())[:1]) if quick else LATENCIES
    scans: dict[str, list[ScanReport]] = {name: [] for name in chosen}
    for turn in range(repeats):
        for name, (latency, jitter, _) in chosen.items():
            say(f"a window of about {WINDOW:,} offers at {name}, {turn + 1} of {repeats}")
            scans[name].append(asyncio.run(_scan(MarketOptions(size=size, seed=turn + 1, latency=latency, jitter=jitter))))
    measures = list(_scan_measures(scans))
    say("a page from bytes to screened offers")
    measures.append(asyncio.run(_page_measure()))
    if not quick:
        say("memory of a large window against a small one")
        measures.append(asyncio.run(_memory_measure(size)))
    say("starting")
    measures += _start_measures()
    runs: list[dict[str, object]] = [{"latency": name, "report": _plain(report)} for name, reports in scans.items() for report in reports]
    data = {"market": "sandbox", "size": size, "seeds": list(range(1, repeats + 1)), "latencies": {name: chosen[name][:2] for name in chosen}}
    return RunRecord(
        question="bench-scan",
        run=dotted(run),
        started_at=started,
        work=Work.of_scans(report for reports in scans.values() for report in reports),
        options={"query": QUERY, "scan": ScanOptions(), "repeats": repeats},
        data=data,
        order="interleaved",
        samples=runs,
        measures=measures,
    )


async def _size(window: int) -> int:
    """The world's size at which the window holds about so many offers; a market's offers spread the same at any size."""
    probe = 20_000
    async with spawn_market(MarketOptions(size=probe)) as address:
        return round(probe * window / _offers_in_window(address))


def _offers_in_window(address: MarketAddress) -> int:
    with urlopen(f"{address.url}/sandbox/world") as answer:  # noqa: S310 - our own server on this machine
        count: int = msgspec.json.decode(answer.read())["games"][QUERY.game]["levels"][QUERY.level]
    return count


async def _scan(options: MarketOptions) -> ScanReport:
    with defaults() as settings:
        async with open_app(settings, sandbox=options) as app:
            return await app.scanner.scan(QUERY)


def _plain(report: ScanReport) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(report)
    plain["opportunities"] = len(report.opportunities)
    return plain


def _scan_measures(scans: dict[str, list[ScanReport]]) -> Iterable[Measure]:
    for name, reports in scans.items():
        yield Measure.of(
            f"wall time against the quota bound, {name}", [report.seconds / report.quota_bound_seconds for report in reports], "ratio", LATENCIES[name][2]
        )
    every = [report for reports in scans.values() for report in reports]
    yield Measure.of("requests refused, all runs", [float(sum(report.throttled for report in every))], "requests", "<= 0")
    first = scans["150 ms"]
    yield Measure.of("requests beyond what one chain needs, 150 ms", [_beyond(report) for report in first], "ratio", "<= 0.02")
    yield Measure.of("first opportunity shown, 150 ms", [report.first_find_seconds or 99.0 for report in first], "seconds", "<= 1")


def _beyond(report: ScanReport) -> float:
    """Listing requests more than the pages that hold the offers, each counted once."""
    needed = -(-(report.listed - report.funnel.dropped.get("duplicate", 0)) // PAGE)
    return report.stages["listing"] / needed - 1


async def _page_measure() -> Measure:
    """Pages of one window: bytes → offers → table → screened, against msgspec decoding the same fields alone."""
    pages = await _pages()
    bare = msgspec.json.Decoder(Listing[OfferRow], strict=False)
    table = _table(pages)
    ratios = []
    for data in pages:
        whole = _timed(lambda data=data: _process(table, data))  # type: ignore[misc]
        alone = min(_timed(lambda data=data: bare.decode(data)) for _ in range(3))  # type: ignore[misc]
        ratios.append(whole / alone)
    return Measure.of("a page processed against bare decoding of it", [median(ratios)], "ratio", "<= 4")


def _process(table: Table, data: bytes) -> None:
    for dossier in table.read(wire.decode_offers(data).offers):
        table.settle(dossier)


async def _pages() -> list[bytes]:
    """Raw pages of a sandbox's listing, as they come off the wire."""
    low, high = QUERY.level.price_window
    taken: list[bytes] = []
    async with spawn_market(MarketOptions(size=40_000, latency=0.0, limits=False)) as address:
        auth = SignedAuth(KeyPair.parse(address.public_key, address.secret_key), MarketClock())
        async with httpx.AsyncClient(base_url=address.url, auth=auth, trust_env=False) as http:
            cursor = ""
            while len(taken) < PAGES:
                query: dict[str, str | int] = {
                    "gameId": QUERY.game.wire,
                    "priceFrom": low,
                    "priceTo": high,
                    "orderBy": "price",
                    "limit": PAGE,
                    "cursor": cursor,
                }
                answer = await http.get("/marketplace-api/v2/offers", params={name: value for name, value in query.items() if value != ""})
                taken.append(answer.raise_for_status().content)
                cursor = wire.decode_offers(taken[-1]).cursor
                if not cursor:
                    break
    return taken


def _table(pages: list[bytes]) -> Table:
    """A table that knows the quotes of all titles, as it does for nearly every page of a scan."""
    fees = FeeBook(QUERY.game, Fraction(1, 20), 1, {})
    table = Table(QUERY, fees, Bands(*QUERY.level.price_window), own_ids=frozenset(), own_targets=[], now=time.time())
    asks: dict[str, int] = {}
    for data in pages:
        for offer in wire.decode_offers(data).offers:
            asks.setdefault(offer.title, offer.price_cents)
    table.expect({title: Quote(title, ask, 10, ask * 9 // 10, 3) for title, ask in asks.items()})
    return table


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


async def _memory_measure(size: int) -> Measure:
    """Peak memory of whole ``botcore scan`` processes over 20,000 and 200,000 offers, in megabytes, three of each."""
    peaks: dict[int, list[float]] = {}
    for times in (1, 10):
        async with spawn_market(MarketOptions(size=size * times, latency=0.0, limits=False)) as address:
            peaks[times] = [await asyncio.to_thread(_peak, address) for _ in range(PEAKS)]
    more = [large - small for small, large in zip(peaks[1], peaks[10], strict=True)]
    return Measure.of("peak memory of 200,000 offers beyond that of 20,000", more, "MB", "<= 30")


def _peak(address: MarketAddress) -> float:
    settings = {"DMARKET_URL": address.url, "DMARKET_PUBLIC_KEY": address.public_key, "DMARKET_SECRET_KEY": address.secret_key}
    quick = {f"BOTCORE_QUOTA_{name}": "2000" for name in ("MARKET", "SALES", "OTHER")}
    command = [sys.executable, "-m", "botcore", "scan", QUERY.game, QUERY.level, "--json"]
    with defaults() as own:
        environment = {**os.environ, **settings, **quick, "DATABASE_URL": own.store.url}
        measured = subprocess.run([sys.executable, "-c", MEASURED, *command], capture_output=True, env=environment, check=True)
    return int(measured.stdout) / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _start_measures() -> list[Measure]:
    """How much longer than a bare interpreter ``botcore --help`` and ``import botcore`` take."""
    commands = {"bare": ["-c", "pass"], "botcore --help": ["-m", "botcore", "--help"], "import botcore": ["-c", "import botcore"]}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(STARTS):
        for name, arguments in commands.items():
            times[name].append(_timed(lambda arguments=arguments: subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)))  # type: ignore[misc]
    return [
        Measure.of(f"{name}, beyond a bare interpreter", [whole - bare for whole, bare in zip(times[name], times["bare"], strict=True)], "seconds", "<= 0.3")
        for name in commands
        if name != "bare"
    ]
