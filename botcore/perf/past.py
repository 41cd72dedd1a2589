"""Some days of a sandbox market that was scanned again and again, in a store of its own, for questions that need a past.

The market's clock is an argument, and neither quota nor latency holds anything back, so that days take seconds. The same
arguments give the same past.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from botcore.client import DMarketClient, KeyPair, Quota
from botcore.model import Game, Level, ScanQuery, ScanReport
from botcore.perf.markets import OPEN
from botcore.perf.sweep import Progress
from botcore.sandbox import MarketOptions, MarketServer, grow_world, serve_market
from botcore.scan import Scanner
from botcore.store import Journal, Store, StoreOptions

__all__ = ["BEGAN", "MARKET", "lived"]

BEGAN = datetime(2026, 11, 2, tzinfo=UTC)
"""When every such past begins: its dates are as invented as its items."""
MARKET = "sandbox"
SIZE = 8_000
EVENTS = 800
"""Offers that are listed, sold or repriced between two scans."""


class _Clock:
    """Unix seconds that only move when they are told to."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class _Dated(Journal):
    """A journal whose scans began when the market's clock says so."""

    def __init__(self, store: Store, clock: _Clock) -> None:
        super().__init__(store, MARKET)
        self._clock = clock

    def scanned(self, report: ScanReport) -> None:
        super().scanned(msgspec.structs.replace(report, started_at=datetime.fromtimestamp(self._clock(), UTC)))


@asynccontextmanager
async def lived(
    *,
    game: Game = Game.CSGO,
    levels: Sequence[Level] = tuple(Level),
    days: float = 3.0,
    every: timedelta = timedelta(hours=8),
    size: int = SIZE,
    events: int = EVENTS,
    seed: int = 1,
    progress: Progress | None = None,
) -> AsyncIterator[Store]:
    """A store with what scans of these levels saw in so many days, one of each ``every`` so often; it goes when the block ends.

    Raises:
        SandboxError, MarketError, ScanFailed, StoreError: the past could not be made.
    """
    clock, looks = _Clock(BEGAN.timestamp()), round(timedelta(days=days) / every) + 1
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="botcore-past-"))
        store = await stack.enter_async_context(Store(StoreOptions(url=f"sqlite:///{Path(folder) / 'past.db'}")))
        market = MarketOptions(size=size, seed=seed, latency=0.0, limits=False)
        async with serve_market(market, world=grow_world(seed, size, clock=clock)) as server, _Dated(store, clock) as journal:
            for look in range(looks):
                if progress is not None:
                    progress(look, looks, f"scans of {datetime.fromtimestamp(clock(), UTC):%d %B, %H:%M}")
                await _look(server, clock, journal, [ScanQuery(game, level) for level in levels])
                clock.at += every.total_seconds()
                server.churn.apply(events)
        if progress is not None:
            progress(looks, looks, "done")
        yield store


async def _look(server: MarketServer, clock: _Clock, journal: Journal, queries: Sequence[ScanQuery]) -> None:
    """One scan of each; a client of its own, so that its connections are not left idle for hours."""
    keys = KeyPair.parse(server.address.public_key, server.address.secret_key)
    async with DMarketClient(server.address.url, keys, quota=Quota(OPEN), clock=clock) as client:
        scanner = Scanner(client, journal=journal)
        for query in queries:
            await scanner.scan(query)
