"""Records what a client asks and what the market answers, while it happens.

``Recording`` is a course of what happens now, written to a tape. Give its ``transport()`` to a client, and its clock to
whatever looks at the time: then ``replay`` can let the same happen again. Keys, signatures and cookies never come here,
since of a request only method, address and body are kept, and of an answer what ``private`` lets pass.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

from botcore.client.answers import redact
from botcore.client.course import SECOND, Ask, Course, Exchange, Reply, Trace
from botcore.client.private import blanked, may_be_kept
from botcore.client.tape import Answered, Asked, Began, End, Failed, Head, Interrupted, Sent, TapeWriter
from botcore.client.transport import SENT_EVENTS

__all__ = ["CourseTransport", "Recording"]

_Happening = Callable[[], Awaitable[None]]


class CourseTransport(httpx.AsyncBaseTransport):
    """Asks through a course, for an httpx client."""

    def __init__(self, course: Course) -> None:
        self._course = course

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its errors are those of httpx, or NotRecorded."""
        ask = Ask(request.method, request.url.raw_path.decode("ascii"), request.content)
        reply = await self._course.exchange(ask, request.extensions.get("trace"), request)
        return httpx.Response(reply.status, headers=reply.headers, stream=httpx.ByteStream(reply.body), request=request)


class Recording(Course):
    """The course of what happens now, kept in the new file ``path``.

    ``upstream`` sends the requests, each for at most ``whole`` seconds, and is closed at the end. ``market`` is its name, ``asked`` and
    ``options`` are plain values that a replay needs to do the same. ``hidden`` words are blanked wherever an answer holds
    them. ``skew`` gives the market's clock less ours, in seconds.

    Leaving it ends the recording. Raises RecordingError when the file cannot be made, and on leaving when not all could be written.
    """

    def __init__(
        self,
        path: Path,
        upstream: httpx.AsyncBaseTransport,
        market: str,
        *,
        asked: list[dict[str, Any]] | None = None,
        options: dict[str, dict[str, Any]] | None = None,
        whole: float = 60.0,
        hidden: tuple[str, ...] = (),
        skew: Callable[[], float] = lambda: 0.0,
    ) -> None:
        head = Head(market, version("botcore"), time.time_ns(), secrets.randbits(63), asked or [], options or {})
        super().__init__(head.began, head.seed)
        self.tape = TapeWriter(path, head)
        self.skew = skew
        self._upstream = upstream
        self._whole = whole
        self._hidden = hidden
        self._origin = time.monotonic_ns()
        self._came: deque[_Happening] = deque()
        self._numbers: dict[Exchange, int] = {}
        self._asked = 0
        self._fetching: dict[Exchange, asyncio.Task[None]] = {}

    def transport(self) -> CourseTransport:
        """What an httpx client asks through."""
        return CourseTransport(self)

    def begin(self, what: str) -> None:
        """Say that something begins here: while nothing is under way, the time is that of the world."""
        self._catch_up()
        self.tape.put(Began(self.now, what))

    def interrupt(self, reason: str) -> None:
        """Have ``on_interrupt`` called when its turn comes."""

        async def happen() -> None:
            self.tape.put(Interrupted(self.now, reason))
            if self.on_interrupt is not None:
                self.on_interrupt(reason)

        self._arrive(happen)

    def _start(self) -> None:
        self._origin = time.monotonic_ns()

    async def _end(self) -> None:
        for task in self._fetching.values():
            task.cancel()
        await asyncio.gather(*self._fetching.values(), return_exceptions=True)
        await self._upstream.aclose()
        await asyncio.to_thread(self.tape.close, End(self.now, self.skew()))

    def _catch_up(self) -> None:
        """Take the world's time where nothing is under way, and no timer's turn is passed over."""
        deadline = self._deadline()
        if not self._under_way and not self._came:
            self.now = max(self.now, self._world() if deadline is None else min(self._world(), deadline - 1))

    def _world(self) -> int:
        return time.monotonic_ns() - self._origin

    # ---- requests ------------------------------------------------------------------------------------------------------

    def _ask(self, ask: Ask, trace: Trace | None, request: httpx.Request | None) -> Exchange:
        if self.idle:
            self._catch_up()
        exchange = Exchange(ask, self.now, trace)
        number = self._numbers[exchange] = self._asked
        self._asked += 1
        self.tape.put(Asked(number, self.now, ask.method, ask.target, ask.body))
        if request is not None:
            self._fetching[exchange] = asyncio.get_running_loop().create_task(self._fetch(exchange, request))
        return exchange

    def _left(self, exchange: Exchange) -> None:
        del self._numbers[exchange]
        task = self._fetching.pop(exchange, None)
        if task is not None and not task.done():
            task.cancel()

    async def _fetch(self, exchange: Exchange, request: httpx.Request) -> None:
        """Send the request; whatever comes of it waits for its turn."""

        async def trace(event: str, _info: object) -> None:
            if event in SENT_EVENTS:
                self._arrive(lambda: self._went_out(exchange))

        request.extensions = {**request.extensions, "trace": trace}
        try:
            reply = await self._answer(request)
        except httpx.HTTPError as error:
            failure = error
            self._arrive(lambda: self._failed(exchange, failure))
        else:
            self._arrive(lambda: self._answered(exchange, reply))

    async def _answer(self, request: httpx.Request) -> Reply:
        try:
            async with asyncio.timeout(self._whole):
                answer = await self._upstream.handle_async_request(request)
                try:
                    return Reply(answer.status_code, may_be_kept(answer.headers), await answer.aread())
                finally:
                    await answer.aclose()
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no whole answer within {self._whole:g} s") from error

    # ---- what happens, in its turn ---------------------------------------------------------------------------------------

    async def _went_out(self, exchange: Exchange) -> None:
        if not exchange.reply.done():
            self.tape.put(Sent(self._numbers[exchange], self.now))
            await exchange.went_out()

    async def _answered(self, exchange: Exchange, reply: Reply) -> None:
        if not exchange.reply.done():
            kept = blanked(exchange.ask.target, reply.status, reply.body, self._hidden)
            self.tape.put(Answered(self._numbers[exchange], self.now, reply.status, reply.headers, kept))
            exchange.reply.set_result(reply)

    async def _failed(self, exchange: Exchange, error: httpx.HTTPError) -> None:
        if not exchange.reply.done():
            self.tape.put(Failed(self._numbers[exchange], self.now, type(error).__name__, redact(str(error))))
            exchange.reply.set_exception(error)

    def _arrive(self, happen: _Happening) -> None:
        self._came.append(happen)
        self._wake.set()

    async def _next(self) -> None:
        while True:
            world, deadline = self._world(), self._deadline()
            at = max(world, self.now + 1)
            if deadline is not None and deadline <= (at if self._came else world):
                self._fire()
                return
            if self._came:
                self.now = at
                await self._came.popleft()()
                return
            await self._woken(None if deadline is None else (deadline - world) / SECOND)
