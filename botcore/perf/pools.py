"""How many connections, of which kind, and whether to keep them: requests against a sandbox market that is so far away.

The market stands behind a relay that makes each round trip take its time, over TLS, so that connecting costs what it costs. With
quota the requests are a mix of every class, and the second before has used up what was free; without, small ones as fast as the
pool lets them go.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from botcore.client import ClientStats, DMarketClient, PoolOptions, QuotaOptions, counting
from botcore.model import Game, RequestClass
from botcore.perf.markets import Markets, titles_of, work_of
from botcore.perf.record import FOLDER, dotted
from botcore.perf.sweep import Plan, Point, Progress, Sample, Sweep, short, sweep
from botcore.sandbox import MarketOptions

__all__ = ["ALLOWED", "AMONG", "NEW", "anew", "measure", "plan", "sample", "timed"]

GAME = Game.CSGO
SIZE = 4_000
QUESTION = "how-large-a-pool"
NEW = "new client"
"""A client of its own for each request, one after the other: what a pool is for."""
MANY = 20
"""Connections with which transports, and closing each connection, are compared."""
AMONG = {"transport": "aiohttp", "connections": MANY, "quota": False}
"""The rows that tell what keeping connections is worth."""
PACED = (RequestClass.MARKET, RequestClass.SALES, RequestClass.OTHER)
ALLOWED = sum(QuotaOptions().limit(kind) for kind in PACED)
"""Requests a second that the quota allows in a mix of these classes: the line that no pool can cross."""
_KEPT = PoolOptions().max_keepalive
_LONGEST = 2.5
"""Seconds that a run with quota may take where connections are too few for the quota: of more requests its pace would be the same."""


def plan(
    *,
    distances: Iterable[float] = (0.0, 0.05, 0.15, 0.4),
    connections: Iterable[int] = (1, 5, 10, 20, 50, 100),
    transports: Iterable[str] = ("http1", "http2", "aiohttp"),
    quota_distances: Iterable[float] = (0.0, 0.05, 0.15, 0.4),
    among: int = MANY,
    repeats: int = 3,
    seed: int = 1,
) -> Plan:
    """What is measured, at distances in seconds of a round trip: connections without quota and with it, then other transports.

    Closing each connection, and the transports, are measured with ``among`` connections.
    """
    sizes, far = tuple(connections), tuple(distances)
    points = [
        *(_point("aiohttp", count, distance) for distance in far for count in sizes),
        *(_point(transport, among, distance) for transport in transports for distance in far if transport != "aiohttp" or among not in sizes),
        *(_point("aiohttp", among, distance, keep=False) for distance in far),
        *(_point(NEW, 1, distance, keep=False) for distance in far),
        *(_point("aiohttp", count, distance, quota=True) for distance in quota_distances for count in sizes),
    ]
    data = {"market": "sandbox", "size": SIZE, "seed": seed, "tls": True}
    return Plan(question=QUESTION, run=dotted(measure), points=tuple(points), repeats=repeats, data=data, warmups=0, seed=seed, again=2)


def _point(transport: str, connections: int, distance: float, *, keep: bool = True, quota: bool = False) -> Point:
    kept = _KEPT if keep else 0
    return {"transport": transport, "connections": connections, "keep_alive": keep, "kept": kept, "distance": distance, "quota": quota}


async def measure(
    what: Plan | None = None, *, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True
) -> Sweep:
    """Measure a plan; without one the whole question, or its short form.

    The frame has transport, connections, keep_alive, kept (the most idle connections), distance, quota; seconds of a run, per_second
    (requests), milliseconds a request, and bound_per_second: what DMarket's quota allows in the mix of a run with quota.

    Raises:
        MeasureError, MarketError, SandboxError: what was measured until then is kept for the next call.
    """
    what = what or (plan(distances=(0.0, 0.05), connections=(1, MANY, 50), quota_distances=(0.4,), repeats=2) if short(wanted=wanted_short) else plan())
    async with Markets() as markets:
        async with markets.client(MarketOptions(size=SIZE, seed=what.seed, latency=0.0, limits=False)) as near:
            titles = await titles_of(near, GAME, least=100)
        return await sweep(what, partial(sample, markets, titles, what.seed), folder=folder, progress=progress, resume=resume)


async def sample(markets: Markets, titles: list[str], seed: int, point: Point) -> Sample:
    """One run of a point: connections are made before the clock runs, except where making them is what is measured."""
    market = MarketOptions(size=SIZE, seed=seed, latency=0.0, limits=point["quota"], tls=True, distance=point["distance"])
    await markets.at(market)
    if point["transport"] == NEW:
        return await anew(markets, market)
    keep: Any = {} if point["keep_alive"] else {"max_keepalive": 0}
    pool = PoolOptions(transport=point["transport"], max_connections=point["connections"], pool=60.0, **keep)
    async with markets.client(market, pool=pool) as client:
        if point["keep_alive"]:
            await asyncio.gather(*(client.balance() for _ in range(min(point["connections"], 20 if point["quota"] else 100))))
        if point["quota"]:
            await asyncio.gather(*_mix(client, titles, _able(point, 1.0)))
            return await timed(list(_mix(client, titles, _able(point, _LONGEST))))
        return await timed([client.balance() for _ in range(_enough(point["connections"]))])


async def anew(markets: Markets, market: MarketOptions, times: int = 3) -> Sample:
    """Some requests in turn, each by a client of its own."""

    async def ask() -> None:
        for _ in range(times):
            async with markets.client(market) as client:
                await client.balance()

    return await timed([ask()], times)


async def timed(asked: list[Awaitable[Any]], answers: int | None = None) -> Sample:
    """All of it at once; the pool and the pace decide what goes when."""
    count = answers or len(asked)
    with counting(ClientStats()) as stats:
        start = time.perf_counter()
        await asyncio.gather(*asked)
        seconds = time.perf_counter() - start
    values = {"seconds": seconds, "per_second": count / seconds, "request_ms": 1000 * seconds / count, "bound_per_second": float(ALLOWED)}
    return Sample(values, work_of(stats, answers=count))


def _able(point: Point, seconds: float) -> float:
    """The part of a second's mix that is asked: the whole, or what so few connections can do in so many seconds."""
    return float(min(1.0, seconds * point["connections"] / max(point["distance"], 0.001) / ALLOWED))


def _mix(client: DMarketClient, titles: list[str], part: float) -> Iterator[Awaitable[Any]]:
    """What a scan asks in a second of the whole quota, or in a part of it, by class: pages, sales and buy orders."""
    market, sales, other = (max(1, int(part * QuotaOptions().limit(kind))) for kind in PACED)
    yield from (client.offers_page(GAME, limit=10) for _ in range(market))
    yield from (client.sales_page(GAME, title) for title in islice(cycle(titles), sales))
    yield from (client.targets(GAME, title) for title in islice(cycle(titles), other))


def _enough(connections: int) -> int:
    """Requests of a run without quota: some for each connection, so that all of them are used more than once."""
    return max(5, 2 * connections)
