"""Time as the programs see it, so that what they did once can be done again.

``Clock`` is all of time and chance that a scan uses. ``RealClock`` is the world's. A ``Course`` is time that stands still
while anything happens: what comes from outside (an answer, a request that goes out, Ctrl-C) comes one after the other, each
at a moment of its own, timers fire exactly when they are due, and between two of these all work runs until nothing moves.
So whatever is decided follows from what came and when, and a course that brings the same at the same moments
(``recording`` keeps them, ``replay`` brings them) decides the same.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import httpx

from botcore.client.quota import Timer, on_loop
from botcore.client.transport import SENT_EVENTS

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["SECOND", "Ask", "Clock", "Course", "Exchange", "RealClock", "Reply"]

SECOND = 1_000_000_000
"""Moments are whole nanoseconds, which add up without rounding."""
QUIET = 40
"""Rounds of the event loop without a request or a timer after which nothing moves. The longest silent way in the code takes about 12."""
_SENT = min(SENT_EVENTS)

Trace = Callable[[str, Any], Awaitable[None]]


class Clock(Protocol):
    """Where time and chance come from."""

    def monotonic(self) -> float:
        """Seconds from some moment on."""

    def unix(self) -> float:
        """Seconds since 1970."""

    def chance(self) -> float:
        """A number from 0 to 1."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call that in so many seconds."""

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""

    def begin(self, what: str) -> None:
        """Say that something begins here which somebody may want to see again; nothing else may be under way."""


class RealClock:
    """The world's time."""

    monotonic = staticmethod(time.monotonic)
    unix = staticmethod(time.time)
    chance = staticmethod(random.random)
    call_later = staticmethod(on_loop)
    sleep = staticmethod(asyncio.sleep)

    def begin(self, what: str) -> None:
        """Nothing is kept of it."""


class Ask(NamedTuple):
    """What is asked, without any header: ``target`` is path and query as they go out."""

    method: str
    target: str
    body: bytes


class Reply(NamedTuple):
    """An answer as far as it matters, its body unpacked."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Exchange:
    """A request under way. ``moment`` is when it was asked."""

    def __init__(self, ask: Ask, moment: int, trace: Trace | None) -> None:
        self.ask = ask
        self.moment = moment
        self.reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._trace = trace

    async def went_out(self) -> None:
        """Tell who asked that the request goes out."""
        if self._trace is not None and not self.reply.done():
            await self._trace(_SENT, {})


class _Timer:
    """One call to come."""

    def __init__(self, course: Course, callback: Callable[[], None]) -> None:
        self._course = course
        self.callback: Callable[[], None] | None = callback
        self.context = copy_context()

    def cancel(self) -> None:
        """Forget the call."""
        self.callback = None
        self._course.stir()


class Course(ABC):
    """Time that stands still while anything happens. Use it as an async context manager: it runs within.

    ``began`` is its beginning in nanoseconds since 1970, ``seed`` what chance is drawn from. ``on_interrupt`` is called with
    the reason when somebody stops what goes on.
    """

    def __init__(self, began: int, seed: int) -> None:
        self.began = began
        self.now = 0
        self.on_interrupt: Callable[[str], None] | None = None
        self.chance = random.Random(seed).random  # noqa: S311 - a seeded one is wanted
        self._timers: list[tuple[int, int, _Timer]] = []
        self._made = 0
        self._stirred = 0
        self._wake = asyncio.Event()
        self._under_way: set[Exchange] = set()
        self._driver: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._start()
        self._driver = asyncio.get_running_loop().create_task(self._drive())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._driver is not None:
            self._driver.cancel()
            with suppress(asyncio.CancelledError):
                await self._driver
        await self._end()

    # ---- the clock -----------------------------------------------------------------------------------------------------

    def monotonic(self) -> float:
        """Seconds since the beginning."""
        return self.now / SECOND

    def unix(self) -> float:
        """Seconds since 1970."""
        return (self.began + self.now) / SECOND

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call that in so many seconds, at least a nanosecond from now."""
        timer = _Timer(self, callback)
        self._made += 1
        heapq.heappush(self._timers, (self.now + max(1, math.ceil(delay * SECOND)), self._made, timer))
        self.stir()
        return timer

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not over.done():
                over.set_result(None)

        timer = self.call_later(seconds, wake)
        try:
            await over
        finally:
            timer.cancel()

    @abstractmethod
    def begin(self, what: str) -> None:
        """Say that something begins here."""

    @abstractmethod
    def interrupt(self, reason: str) -> None:
        """Have ``on_interrupt`` called, as something that comes from outside."""

    # ---- requests ------------------------------------------------------------------------------------------------------

    async def exchange(self, ask: Ask, trace: Trace | None = None, request: httpx.Request | None = None) -> Reply:
        """Ask, and wait for the answer. ``trace`` hears when the request goes out."""
        self.stir()
        exchange = self._ask(ask, trace, request)
        self._under_way.add(exchange)
        try:
            return await exchange.reply
        finally:
            self._under_way.discard(exchange)
            self._left(exchange)
            self.stir()

    def stir(self) -> None:
        """Something moved."""
        self._stirred += 1
        self._wake.set()

    @property
    def idle(self) -> bool:
        """Whether nothing is asked and no timer runs."""
        return not self._under_way and self._deadline() is None

    @abstractmethod
    def _ask(self, ask: Ask, trace: Trace | None, request: httpx.Request | None) -> Exchange:
        """Begin an exchange now."""

    @abstractmethod
    def _left(self, exchange: Exchange) -> None:
        """Whoever asked has the answer, or waits no longer."""

    # ---- going on ------------------------------------------------------------------------------------------------------

    @abstractmethod
    def _start(self) -> None:
        """The course begins."""

    @abstractmethod
    async def _end(self) -> None:
        """The course is over."""

    @abstractmethod
    async def _next(self) -> None:
        """Wait for what comes next, set the time, and let it happen."""

    async def _drive(self) -> None:
        while True:
            await self._settle()
            await self._next()

    async def _settle(self) -> None:
        """Let everything run until nothing moves."""
        quiet = 0
        while quiet < QUIET:
            before = self._stirred
            await asyncio.sleep(0)
            quiet = quiet + 1 if self._stirred == before else 0

    def _deadline(self) -> int | None:
        """When the next timer is due."""
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def _fire(self) -> None:
        """Set the time to the next timer's and call it."""
        deadline, _, timer = heapq.heappop(self._timers)
        self.now = max(self.now, deadline)
        if timer.callback is not None:
            asyncio.get_running_loop().call_soon(timer.callback, context=timer.context)
            timer.callback = None

    async def _woken(self, seconds: float | None) -> None:
        """Wait until something moves, or for so many seconds of the world's time."""
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
