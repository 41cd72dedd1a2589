"""How many items to ask for at a time: one by one, gathered in batches, by a pool of workers, or many in one request.

Each item is the quote of a title, asked of a sandbox market by the client that the bot uses; the pool is the scanner's own. A
sample of many small requests stops after enough of them, and its ``seconds`` are those of all items at that pace.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from botcore.client import ClientStats, DMarketClient, PoolOptions, QuotaOptions, counting
from botcore.model import Game
from botcore.perf.markets import Markets, titles_of, work_of
from botcore.perf.record import FOLDER, dotted
from botcore.perf.sweep import Plan, Point, Progress, Sample, Sweep, short, sweep
from botcore.sandbox import MarketOptions
from botcore.scan.options import TITLES_A_QUOTE
from botcore.scan.pool import Pool

__all__ = ["WAYS", "measure", "plan", "sample"]

GAME = Game.CSGO
SIZE = 40_000
QUESTION = "how-large-a-batch"
_PATIENT = PoolOptions(max_connections=500, max_keepalive=500, pool=60.0)
Way = Callable[[DMarketClient, Sequence[str], int], Awaitable[int]]


async def one_by_one(client: DMarketClient, titles: Sequence[str], batch: int) -> int:
    """A request an item, each after the one before."""
    del batch
    return sum([len(await client.quotes(GAME, [title])) for title in titles])


async def gather_batches(client: DMarketClient, titles: Sequence[str], batch: int) -> int:
    """A request an item, ``batch`` of them at once; the next batch when the slowest has come."""
    found = 0
    for start in range(0, len(titles), batch):
        found += sum(map(len, await asyncio.gather(*(client.quotes(GAME, [title]) for title in titles[start : start + batch]))))
    return found


async def worker_pool(client: DMarketClient, titles: Sequence[str], batch: int) -> int:
    """A request an item, ``batch`` of them under way all the time, by the pool that the scanner uses."""
    found = 0

    async def ask(title: str, _: str) -> None:
        nonlocal found
        quotes = await client.quotes(GAME, [title])
        found += len(quotes)  # only now: others have counted while this one waited

    async with asyncio.TaskGroup() as group:
        pool = Pool(group.create_task, lambda: batch, ask)
        for title in titles:
            pool.put(0.0, title, "")
    return found


async def many_a_request(client: DMarketClient, titles: Sequence[str], batch: int) -> int:
    """``batch`` items in one call of the client, which asks for a hundred a request, one call after the other."""
    return sum([len(await client.quotes(GAME, titles[start : start + batch])) for start in range(0, len(titles), batch)])


WAYS: dict[str, Way] = {"one by one": one_by_one, "gather": gather_batches, "pool": worker_pool, "request": many_a_request}
"""The ways to ask; ``batch`` is the requests under way in ``gather`` and ``pool``, and the titles a call in ``request``."""


def plan(
    *,
    items: Iterable[int] = (100, 1000, 10_000),
    batches: Iterable[int] = (1, 10, 50, 100, 500),
    ways: Iterable[str] = tuple(WAYS),
    jitters: Iterable[float] = (0.0, 0.8),
    latency: float = 0.05,
    repeats: int = 3,
    seed: int = 1,
) -> Plan:
    """What is measured. ``jitters`` are sigmas of a lognormal latency whose median is ``latency`` seconds, 0 for a steady one."""
    sizes = {way: (1,) if way == "one by one" else tuple(batches) for way in ways}
    points = tuple(
        {"way": way, "items": count, "batch": batch, "jitter": jitter}
        for way in ways
        for count in items
        for batch in sizes[way]
        for jitter in jitters
        if batch <= count or way == "one by one"
    )
    data = {"market": "sandbox", "size": SIZE, "seed": seed, "latency": latency, "limits": False}
    return Plan(question=QUESTION, run=dotted(measure), points=points, repeats=repeats, data=data, options={"latency": latency}, warmups=0, seed=seed)


async def measure(
    what: Plan | None = None, *, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True
) -> Sweep:
    """Measure a plan; without one the whole question, or its short form.

    The frame has way, items, batch, jitter; seconds for all items, timed (the items that were), per_second, and bound_seconds:
    the least that DMarket's quota would allow for the requests it takes.

    Raises:
        MeasureError, MarketError, SandboxError: what was measured until then is kept for the next call.
    """
    what = what or (plan(items=(100, 1000), batches=(1, 10, 100), latency=0.02, repeats=2) if short(wanted=wanted_short) else plan())
    async with AsyncExitStack() as stack:
        markets = await stack.enter_async_context(Markets())
        clients = {}
        for jitter in sorted({point["jitter"] for point in what.points}):
            market = MarketOptions(size=SIZE, seed=what.seed, latency=what.options["latency"], jitter=jitter, limits=False)
            clients[jitter] = await stack.enter_async_context(markets.client(market, pool=_PATIENT))
        async with markets.client(MarketOptions(size=SIZE, seed=what.seed, latency=0.0, limits=False)) as near:
            titles = await titles_of(near, GAME, least=max(point["batch"] for point in what.points))
        return await sweep(what, partial(sample, clients, titles), folder=folder, progress=progress, resume=resume)


async def sample(clients: dict[float, DMarketClient], titles: Sequence[str], point: Point, *, whole: bool = False) -> Sample:
    """One run of a point; ``whole`` times all of its items, however long that takes."""
    client, items, batch = clients[point["jitter"]], point["items"], point["batch"]
    timed = items if whole else _timed(point["way"], items, batch)
    asked = list(islice(cycle(titles), timed))
    with counting(ClientStats()) as stats:
        start = time.perf_counter()
        found = await WAYS[point["way"]](client, asked, batch)
        seconds = (time.perf_counter() - start) * items / timed
    values = {"seconds": seconds, "timed": timed, "per_second": items / seconds, "bound_seconds": _bound(point)}
    return Sample(values, work_of(stats, answers=found))


def _timed(way: str, items: int, batch: int) -> int:
    """Items that are timed: all, or enough of them where each takes a request of its own or more calls would tell nothing new."""
    if way == "one by one":
        return min(items, 10)
    return min(items, 5 * batch if way == "request" else max(2 * batch, 10))


def _bound(point: Point) -> float:
    """Seconds that the quota allows at best for the requests of all items."""
    a_request = min(point["batch"], TITLES_A_QUOTE) if point["way"] == "request" else 1
    requests: int = math.ceil(point["items"] / a_request)
    return requests / QuotaOptions().other
