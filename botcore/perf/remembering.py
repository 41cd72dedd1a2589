"""What remembering saves: a hit of each level, many misses at once, a warmed scan, forgetting by tag, and a simulated day.

Everything is asked through the bot's own cache, of a private Valkey and of a sandbox market.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from botcore import cache as caching
from botcore.cache import Cache, CacheOptions, policy
from botcore.cache.policy import Question
from botcore.client import ClientStats, DMarketClient, QuotaOptions, counting
from botcore.model import Game, Level, ScanQuery
from botcore.perf.markets import Markets, titles_of, work_of
from botcore.perf.record import FOLDER, Work, dotted
from botcore.perf.sweep import Plan, Point, Progress, Sample, Sweep, grid, short, sweep
from botcore.sandbox import MarketOptions
from botcore.scan import Scanner, Warmer

__all__ = ["Desk", "forgetting", "hits", "opened", "stampede", "warming"]

GAME = Game.CSGO
QUERY = ScanQuery(GAME, Level.BOOST)
LATENCY = 0.05
SIZE, SMALL = 40_000, 6_000
_EMBEDDED, _TIMEOUT = "embedded", 10.0
_AT_A_TIME = {"memory": 500, "redis": 50, "market": 3}
"""Answers of one sample; their median is its value, so that what else the machine does meanwhile is not measured."""
_DIGESTED = 30
"""Questions asked after a level was filled, so that what filling does to both sides is over before anything is measured."""
_TENFOLD = QuotaOptions(market=100, sales=60, fee=1100, other=200)
"""Ten times DMarket's quota: what warming asks takes a tenth of its time, and the scan still has a pace to follow."""


class Desk:
    """A client, its market's titles, and a cache with both levels."""

    def __init__(self, client: DMarketClient, titles: Sequence[str], cache: Cache) -> None:
        self.client = client
        self.titles = titles
        self.cache = cache
        self._next = count()

    async def load(self, questions: Sequence[Question], behind: bool) -> dict[str, Any]:  # noqa: ARG002 - the cache tells it, and here it changes nothing
        """Ask the market for the sales of the titles."""
        pages = await asyncio.gather(*(self.client.sales_page(GAME, question.name.rsplit("/", 1)[-1]) for question in questions))
        return {question.name: page.sales for question, page in zip(questions, pages, strict=True)}

    async def ask(self, title: str) -> None:
        """The sales of a title, remembered or not."""
        await self.cache.get_or_load(policy.sales(GAME, title), self.load)

    def title(self) -> str:
        """A title without a slash, another one each time until all were given."""
        usable = [title for title in self.titles if "/" not in title]
        return usable[next(self._next) % len(usable)]


@asynccontextmanager
async def opened(market: MarketOptions | None = None) -> AsyncIterator[Desk]:
    """A desk at a market without limits, 50 ms away unless said otherwise."""
    async with AsyncExitStack() as stack:
        markets = await stack.enter_async_context(Markets())
        market = market or MarketOptions(size=SIZE, latency=LATENCY, limits=False)
        async with markets.client(msgspec.structs.replace(market, latency=0.0)) as near:
            titles = await titles_of(near, GAME, least=300)
        client = await stack.enter_async_context(markets.client(market))
        connection = await stack.enter_async_context(caching.open_connection(_EMBEDDED, _TIMEOUT))
        cache = await stack.enter_async_context(Cache(redis=caching.RedisLevel(connection, space=secrets.token_hex(4))))
        yield Desk(client, titles, cache)


# ---- a hit of each level -----------------------------------------------------------------------------------------------


async def hits(*, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True) -> Sweep:
    """How long an answer takes from memory, from Redis and from the market: level, and seconds an answer."""
    what = _plan("how-long-a-hit", hit, grid(level=tuple(_AT_A_TIME)), repeats=7 if short(wanted=wanted_short) else 31)
    async with opened() as desk:
        return await sweep(what, lambda point: hit(desk, point["level"]), folder=folder, progress=progress, resume=resume)


async def hit(desk: Desk, level: str) -> Sample:
    """The time of an answer from one level: the median of some."""
    title = desk.title()
    with counting(ClientStats()) as stats:
        await desk.ask(title)
        asked = _AT_A_TIME[level]
        seconds = median([await _answer(desk, level, title) for _ in range(asked)])
    return Sample({"seconds": seconds}, work_of(stats, answers=asked))


async def _answer(desk: Desk, level: str, title: str) -> float:
    if level == "redis":
        desk.cache.memory.clear()
    elif level == "market":
        await desk.cache.invalidate([policy.of_title(GAME, title)])
    start = time.perf_counter()
    await desk.ask(title)
    return time.perf_counter() - start


# ---- many misses at once -----------------------------------------------------------------------------------------------


async def stampede(*, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True) -> Sweep:
    """What many who ask the same at once cost, with the cache and without: callers, cached, seconds until all have it, upstream requests."""
    few = short(wanted=wanted_short)
    points = grid(callers=(1, 10, 100) if few else (1, 10, 100, 1000), cached=(True, False))
    async with opened() as desk:
        what = _plan("what-a-stampede-costs", rush, points, repeats=3 if few else 9)
        return await sweep(what, lambda point: rush(desk, point["callers"], cached=point["cached"]), folder=folder, progress=progress, resume=resume)


async def rush(desk: Desk, callers: int, *, cached: bool) -> Sample:
    """So many callers who ask for one title that nobody knows."""
    title = desk.title()
    await desk.cache.invalidate([policy.of_title(GAME, title)])
    ask: Callable[[], Awaitable[object]] = (lambda: desk.ask(title)) if cached else (lambda: desk.client.sales_page(GAME, title))
    with counting(ClientStats()) as stats:
        start = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(callers)))
        seconds = time.perf_counter() - start
    work = work_of(stats, answers=callers)
    return Sample({"seconds": seconds, "upstream": work.sent}, work)


# ---- warming -----------------------------------------------------------------------------------------------------------


async def warming(
    *, wanted_short: bool | None = None, titles: int = 300, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True
) -> Sweep:
    """What warming so many titles saves a scan, at ten times the quota.

    The frame has warmed, seconds, first_find_seconds, beyond (its requests that are not for the listing), and sales, among those.
    """
    what = _plan("what-warming-saves", scan_after, grid(warmed=(False, True)), repeats=2 if short(wanted=wanted_short) else 7)
    market = MarketOptions(size=SMALL, latency=LATENCY, limits=False)
    async with Markets() as markets, markets.client(market, quota=_TENFOLD) as client:
        return await sweep(what, lambda point: scan_after(client, titles if point["warmed"] else 0), folder=folder, progress=progress, resume=resume)


async def scan_after(client: DMarketClient, titles: int) -> Sample:
    """A scan with a cache of its own, after warming it with so many titles."""
    async with Cache() as cache:
        if titles:
            async for _ in Warmer(client, cache).warm([GAME], [QUERY.level], titles):
                pass
        report = await Scanner(client, cache=cache).scan(QUERY)
    work = Work.of_scans([report])
    beyond = work.sent - report.stages["listing"]
    return Sample({"seconds": report.seconds, "first_find_seconds": report.first_find_seconds, "beyond": beyond, "sales": work.requests.sales}, work)


# ---- forgetting --------------------------------------------------------------------------------------------------------


async def forgetting(*, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True) -> Sweep:
    """How long it takes to forget all that goes with one tag, in both levels: entries, seconds."""
    few = short(wanted=wanted_short)
    what = _plan("how-long-to-forget", forget, grid(entries=(10, 100, 1000) if few else (10, 100, 1000, 10_000)), repeats=7 if few else 31)
    async with opened() as desk:
        return await sweep(what, lambda point: forget(desk, point["entries"]), folder=folder, progress=progress, resume=resume)


async def forget(desk: Desk, entries: int) -> Sample:
    """Remember so many answers under one tag, forget them by it, and see that they are gone."""
    questions = [policy.Question(policy.Subject.SALES, f"sales/{GAME}/forget {number}", (f"forget/{entries}",)) for number in range(entries)]

    async def nothing(asked: Sequence[Question], behind: bool) -> Mapping[str, Any]:  # noqa: ARG001 - as above
        return {question.name: [] for question in asked}

    await desk.cache.get_or_load_many(questions, nothing)  # type: ignore[arg-type] # an empty list is an answer
    for _ in range(_DIGESTED):
        await desk.cache.recall([policy.sales(GAME, "a title that nobody knows")])
    start = time.perf_counter()
    await desk.cache.invalidate([f"forget/{entries}"])
    seconds = time.perf_counter() - start
    left = len(await desk.cache.recall(questions))
    return Sample({"seconds": seconds, "left": left}, Work(answers=entries))


def _plan(question: str, run: Callable[..., Any], points: tuple[Point, ...], *, repeats: int) -> Plan:
    data = {"market": "sandbox", "size": SIZE, "seed": MarketOptions().seed, "latency": LATENCY}
    return Plan(question=question, run=dotted(run), points=points, repeats=repeats, data=data, options={"cache": CacheOptions()}, warmups=1)
