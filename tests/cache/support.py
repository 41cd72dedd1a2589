"""What the cache tests have in common: a clock that stands, a market that answers when told, and caches on a server."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from botcore.cache.address import EMBEDDED
from botcore.cache.connection import open_connection
from botcore.cache.policy import CacheOptions, Question
from botcore.cache.redis_level import RedisLevel
from botcore.cache.two_level import Cache
from botcore.errors import BotcoreError
from botcore.model import Game, Sale, Target

PATIENCE = 60.0
NOWHERE = "unix:///nowhere/botcore.sock"
OPTIONS = CacheOptions(jitter=0.0, lock=30.0, timeout=10.0)
"""Nothing by chance, and patience with a slow machine."""
GAME = Game.CSGO
TARGETS = [Target(120, 3, phase="phase-2")]
SALES = [Sale(110, 1_700_000_000), Sale(115, 1_700_000_100, "phase-1", to_target=True)]


class Clock:
    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Market:
    """Gives ``answers``, counts what it is asked, and raises ``error`` while there is one. While held, a question waits for ``release``."""

    def __init__(self, answers: dict[str, Any] | None = None) -> None:
        self.answers = answers or {}
        self.error: BotcoreError | None = None
        self.asked: Counter[str] = Counter()
        self.batches: list[tuple[list[str], bool]] = []
        self.ended: list[str] = []
        self._heard = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()

    @property
    def calls(self) -> int:
        return len(self.batches)

    async def load(self, questions: Sequence[Question], behind: bool) -> dict[str, Any]:
        names = [question.name for question in questions]
        self.asked.update(names)
        self.batches.append((names, behind))
        self._heard.set()
        try:
            await self._open.wait()
        except asyncio.CancelledError:
            self.ended.extend(names)
            raise
        if self.error is not None:
            raise self.error
        return {name: self.answers[name] for name in names if name in self.answers}

    def hold(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    async def reached(self, calls: int) -> None:
        """Wait until so many calls have come."""
        while self.calls < calls:
            self._heard.clear()
            async with asyncio.timeout(PATIENCE):
                await self._heard.wait()


@asynccontextmanager
async def opened_level(url: str, space: str, *, clock: Clock | None = None, options: CacheOptions = OPTIONS) -> AsyncIterator[RedisLevel]:
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(open_connection(url, options.timeout))
        yield await stack.enter_async_context(RedisLevel(connection, space=space, options=options, clock=clock or Clock()))


@asynccontextmanager
async def opened(url: str | None, space: str, *, clock: Clock | None = None, options: CacheOptions = OPTIONS) -> AsyncIterator[Cache]:
    """A cache on the server at ``url``, or with memory alone; no chance in it."""
    clock = clock or Clock()
    async with AsyncExitStack() as stack:
        redis = None
        if url is not None:
            connection = await stack.enter_async_context(open_connection(url, options.timeout))
            redis = RedisLevel(connection, space=space, options=options, clock=clock)
        yield await stack.enter_async_context(Cache(options, redis, clock=clock, chance=lambda: 0.0))


async def until(condition: Callable[[], object]) -> None:
    """Let everyone else run until it holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the cache tells nobody but its callers, so nothing could set an event
            await asyncio.sleep(0)


async def idle(cache: Cache) -> None:
    """Wait until nothing is asked any more, behind nobody's back either."""
    await until(lambda: not cache._flights and not cache._refreshing)


async def turned(cache: Cache, *, up: bool) -> None:
    assert cache.redis is not None
    async with asyncio.timeout(PATIENCE):
        await cache.redis.wait(up=up)


class Ear:
    """What a cache hears of invalidations, its own and others', after it obeyed."""

    def __init__(self, cache: Cache) -> None:
        assert cache.redis is not None
        self._obey = cache.redis.heard
        self._tags: Counter[str] = Counter()
        self._heard = asyncio.Event()
        cache.redis.heard = self._hear

    def _hear(self, tags: Iterable[str] | None) -> None:
        self._obey(tags)
        self._tags.update(tags or ())
        self._heard.set()

    async def hears(self, tag: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not self._tags[tag]:
                self._heard.clear()
                await self._heard.wait()
        self._tags[tag] -= 1


__all__ = [
    "EMBEDDED",
    "GAME",
    "NOWHERE",
    "OPTIONS",
    "PATIENCE",
    "SALES",
    "TARGETS",
    "Clock",
    "Ear",
    "Market",
    "idle",
    "opened",
    "opened_level",
    "turned",
    "until",
]
