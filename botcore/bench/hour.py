"""A watch for a long time, which passes faster: market and watch share one clock that runs ahead, each in a process of its own.

Everything takes its time from it: the market's events, latency and listing times, the watch's waits, its quota, the client's
signatures and what is remembered. Work does not: a second of computing costs as many seconds of that time as it runs faster.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from botcore.bench.account import Account, Served
from botcore.bench.defaults import defaults
from botcore.bench.live import take
from botcore.bench.phone import resident_megabytes
from botcore.bench.told import Told
from botcore.cache import Cache
from botcore.client import DMarketClient, KeyPair, PartQuota, Quota
from botcore.client.quota import Timer, on_loop
from botcore.model import WatchQuery
from botcore.sandbox import MarketOptions, spawn_market
from botcore.scan import Watch, WatchFigures
from botcore.store import Journal, Store, Watching

__all__ = ["MARKET", "FastClock", "Hour", "Minute", "hour"]

MARKET = MarketOptions(size=20_000, churn=20.0, latency=0.15, limits=False, deals=0.1)
"""Without limits of its own: in so fast a second it would refuse what the world's smallest delay brings too close together."""
MINUTE = 60.0
SPOKEN = 10
"""Minutes from one word about where it stands to the next."""


class FastClock:
    """Time that passes ``speed`` times as fast as the world's, from ``epoch`` (unix seconds) on."""

    def __init__(self, epoch: float, speed: float) -> None:
        self.epoch = epoch
        self.speed = speed
        self._began = time.monotonic()

    def monotonic(self) -> float:
        """Seconds since it was made."""
        return (time.monotonic() - self._began) * self.speed

    def unix(self) -> float:
        """Seconds since 1970, ahead of the world's."""
        return self.epoch + (time.time() - self.epoch) * self.speed

    def chance(self) -> float:
        """A number from 0 to 1."""
        return random.random()  # noqa: S311 - no secret depends on it

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call that in so many of its seconds."""
        return on_loop(delay / self.speed, callback)

    async def sleep(self, seconds: float) -> None:
        """Wait so many of its seconds."""
        await asyncio.sleep(seconds / self.speed)

    def begin(self, what: str) -> None:
        """Nothing is kept of it."""


class Minute(msgspec.Struct):
    """How things stood at the end of a minute: memory of the process in megabytes, offers seen so far, alerts that are live."""

    megabytes: float
    seen: int
    live: int


class Hour(msgspec.Struct):
    """What happened, minute by minute, and in all."""

    speed: float
    minutes: list[Minute]
    told: Told
    served: Served
    figures: WatchFigures

    def grown(self) -> float:
        """Megabytes at the end beyond those after the first sixth, each the least of three minutes."""
        sixth = max(3, len(self.minutes) // 6)
        return min(one.megabytes for one in self.minutes[-3:]) - min(one.megabytes for one in self.minutes[sixth - 3 : sixth])

    def thirds(self) -> list[float]:
        """The middle time to alert of the offers that were listed in each third of the time, 0 where nothing was told."""
        third = (self.told.until - self.told.since) / 3
        waits: list[list[float]] = [[], [], []]
        for listed, waited in self.told.waits():
            waits[min(2, int((listed - self.told.since) / third))].append(waited)
        return [sorted(one)[len(one) // 2] if one else 0.0 for one in waits]

    def drift(self) -> float:
        """That of the last third against that of the second, after what the first had to learn; infinite where nothing was told."""
        _, second, last = self.thirds()
        return last / second if last and second else float("inf")


async def hour(*, minutes: int, speed: float, say: Callable[[str], None]) -> Hour:
    """Watch for so many minutes of a clock that runs ``speed`` times as fast."""
    clock = FastClock(time.time(), speed)
    async with spawn_market(msgspec.structs.replace(MARKET, speed=speed, epoch=clock.epoch)) as address:
        account = Account(address.url)
        await account.begin()
        async with _watch(address.url, KeyPair.parse(address.public_key, address.secret_key), clock) as watch:
            since, taking = clock.unix(), asyncio.create_task(take(watch, clock.unix))
            found = await _minutes(watch, clock, minutes, say)
            served, (lives, until) = await account.served(), await account.lives()
            watch.stop()
            return Hour(speed, found, Told(since, until, await taking, lives, await account.events()), served, watch.figures)


@asynccontextmanager
async def _watch(url: str, keys: KeyPair, clock: FastClock) -> AsyncIterator[Watch]:
    """A watch whose every part takes its time from the clock, with a store and a cache of its own."""
    quota = Quota(clock=clock.monotonic, call_later=clock.call_later)
    with defaults() as settings:
        async with (
            Store(settings.store) as store,
            Journal(store, "sandbox") as journal,
            Cache(settings.cache, clock=clock.unix) as cache,
            DMarketClient(url, keys, quota=quota, clock=clock.unix, sleep=clock.sleep, pool=settings.pool) as client,
        ):
            part = PartQuota(quota, settings.watch.part, spare=settings.watch.spare, call_later=clock.call_later)
            query, kept = WatchQuery(door="bench"), Watching(store, "sandbox", "bench")
            async with Watch(client.within(part), query, settings.watch, whole=quota.limits, keeper=kept, cache=cache, journal=journal, clock=clock) as watch:
                yield watch


async def _minutes(watch: Watch, clock: FastClock, count: int, say: Callable[[str], None]) -> list[Minute]:
    found = []
    for number in range(1, count + 1):
        await clock.sleep(MINUTE)
        if watch.over:
            break  # whoever takes its events has the reason
        figures = watch.figures
        found.append(Minute(await resident_megabytes(os.getpid()), figures.seen, figures.live))
        if number % SPOKEN == 0:
            say(f"{number} minutes of {count}: {found[-1].megabytes:.0f} MB, {figures.alerts} alerts")
    return found
