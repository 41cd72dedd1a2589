"""Sandbox markets to measure against, each in a process of its own, and clients at them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median
from typing import Self

import msgspec

from botcore.client import ClientStats, DMarketClient, KeyPair, PoolOptions, Priority, Quota, QuotaOptions
from botcore.model import Game, Level, RequestCounts
from botcore.perf.record import Work
from botcore.sandbox import MarketAddress, MarketOptions, spawn_market

__all__ = ["OPEN", "Markets", "reach", "titles_of", "work_of"]

OPEN = QuotaOptions(market=100_000, sales=100_000, fee=100_000, other=100_000)
"""A pace that holds nothing back, for markets without limits."""


class Markets:
    """Markets by their options, started when they are first asked for, and ended together. Use it as a context manager."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._known: dict[MarketOptions, MarketAddress] = {}
        self._paces: dict[tuple[MarketOptions, QuotaOptions], Quota] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def at(self, options: MarketOptions) -> MarketAddress:
        """The address of such a market. Raises SandboxError when it does not start."""
        if options not in self._known:
            self._known[options] = await self._stack.enter_async_context(spawn_market(options))
        return self._known[options]

    @asynccontextmanager
    async def client(self, options: MarketOptions, *, pool: PoolOptions | None = None, quota: QuotaOptions | None = None) -> AsyncIterator[DMarketClient]:
        """A new client at such a market. All of a market's clients share one pace; without limits there is none, unless ``quota`` says so."""
        address = await self.at(options)
        keys = KeyPair.parse(address.public_key, address.secret_key)
        made = msgspec.structs.replace(pool or PoolOptions(), ca_file=address.ca_file)
        wanted = quota or (QuotaOptions() if options.limits else OPEN)
        pace = self._paces.setdefault((options, wanted), Quota(wanted))
        async with DMarketClient(address.url, keys, pool=made, quota=pace) as client:
            yield client


async def titles_of(client: DMarketClient, game: Game = Game.CSGO, *, least: int = 100) -> list[str]:
    """At least so many titles of the game, or all there are, as its listing shows them from the cheapest up."""
    titles: dict[str, None] = {}
    low, _ = Level.BOOST.price_window
    async for page in client.offers(game, price_from=low):
        titles |= dict.fromkeys(offer.title for offer in page.offers)
        if len(titles) >= least:
            break
    return list(titles)


async def reach(client: DMarketClient, times: int = 5) -> float:
    """Median seconds of a small answer, connected before; on a real account these few requests let everything else go first."""
    await client.balance(priority=Priority.WARM)
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        await client.balance(priority=Priority.WARM)
        taken.append(time.perf_counter() - start)
    return median(taken)


def work_of(stats: ClientStats, **more: int) -> Work:
    """What was counted of a client's requests, with what was done beside them."""
    requests = {name: getattr(stats.requests, name) for name in stats.requests.__struct_fields__}
    return Work(RequestCounts(**requests), stats.throttled, stats.bytes, **more)
