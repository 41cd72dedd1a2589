"""Lets what was recorded happen again: the same answers at the same moments, without keys and without network.

Requests are matched by what they ask. Several that ask the same are answered in their order, and where a program asks at
other moments than the recorded one did, by the answer nearest in time. Nothing waits, unless a speed is given.
"""

from __future__ import annotations

import heapq
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias

import httpx
import msgspec

from botcore.client.course import SECOND, Ask, Course, Exchange, Reply, Trace
from botcore.client.recording import CourseTransport
from botcore.client.tape import Answered, Asked, Began, End, Failed, Head, Interrupted, Sent, Tape
from botcore.errors import ConfigError, NotRecorded

__all__ = ["FASTEST", "Replay"]

FASTEST = float("inf")
_Place: TypeAlias = tuple[int, int]


class _Kept(msgspec.Struct):
    """A recorded request: its moment, and when it went out and was answered, where it did and was. ``place`` is its answer's."""

    moment: int
    sent: int | None = None
    answered: int | None = None
    place: _Place | None = None


class _Same:
    """All recorded requests that ask the same, in their order."""

    def __init__(self) -> None:
        self.kept: list[_Kept] = []
        self._used = 0

    def next(self) -> _Kept:
        """The next that was not used, or the last."""
        self._used = min(self._used + 1, len(self.kept))
        return self.kept[self._used - 1]

    def nearest(self, moment: int) -> _Kept:
        """The next that was not used and not overtaken by a later one before this moment; the current one again when that is nearer in time."""
        asked = self._until(moment)
        if asked:
            self._used = max(self._used, self._until(self.kept[asked - 1].moment - 1))
        if asked and self._used >= asked and (self._used == len(self.kept) or moment - self.kept[asked - 1].moment < self.kept[self._used].moment - moment):
            return self.kept[asked - 1]
        return self.next()

    def _until(self, moment: int) -> int:
        """How many were asked until then."""
        return bisect_right(self.kept, moment, key=lambda kept: kept.moment)


class Replay(Course):
    """The course of a recording. ``speed`` is how many recorded seconds pass in one; ``FASTEST`` waits for nothing.

    ``head`` tells what was recorded, ``end`` how that ended, None when it was cut off. ``on_dry`` is called once when all that
    goes on waits for answers that were never recorded; without it those requests end with NotRecorded.

    Raises RecordingError when the file is no whole recording as far as it goes, and ConfigError for a speed that is none.
    """

    def __init__(self, path: Path, *, speed: float = FASTEST) -> None:
        if not speed > 0:
            raise ConfigError(f"the speed of a replay is {speed:g}: choose a number above 0, or max")
        self.tape = Tape(path)
        self.head: Head = self.tape.head
        self.end: End | None = self.tape.end
        super().__init__(self.head.began, self.head.seed)
        self.answers = 0
        self.on_dry: Callable[[], None] | None = None
        self._speed = speed
        self._origin = time.monotonic_ns()
        self._same: dict[bytes, _Same] = {}
        self._begins: deque[int] = deque()
        self._interrupts: deque[Interrupted] = deque()
        self._due: list[tuple[int, int, Exchange, _Place | None]] = []
        self._dried = False
        self._last = 0
        self._index()

    @property
    def length(self) -> float:
        """Seconds from the beginning to the last that was recorded."""
        return self._last / SECOND

    def __repr__(self) -> str:
        return f"<Replay of {self.tape.path}, {self.answers:,} answers, at {self.monotonic():.3f} s>"

    def transport(self) -> CourseTransport:
        """What an httpx client asks through."""
        return CourseTransport(self)

    def begin(self, what: str) -> None:  # noqa: ARG002 - a recording tells what began
        """Say that something begins here: the time is that of the recorded beginning."""
        if self._begins:
            self.now = max(self.now, self._begins.popleft())
        self.stir()

    def interrupt(self, reason: str) -> None:
        """Have ``on_interrupt`` called now; nobody will want to see this again."""
        if self.on_interrupt is not None:
            self.on_interrupt(reason)

    # ---- what was recorded ---------------------------------------------------------------------------------------------

    def _index(self) -> None:
        kept: dict[int, _Kept] = {}
        for frame, place, record in self.tape.records():
            self._last = getattr(record, "moment", self._last)
            if isinstance(record, Asked):
                one = kept[record.number] = _Kept(record.moment)
                self._same.setdefault(_key(Ask(record.method, record.target, record.body)), _Same()).kept.append(one)
            elif isinstance(record, Sent):
                kept[record.number].sent = record.moment
            elif isinstance(record, Answered | Failed):
                one = kept[record.number]
                one.answered, one.place = record.moment, (frame, place)
                self.answers += 1
            elif isinstance(record, Began):
                self._begins.append(record.moment)
            elif isinstance(record, Interrupted):
                self._interrupts.append(record)

    def _start(self) -> None:
        self._origin = time.monotonic_ns()

    async def _end(self) -> None:
        self.tape.close()

    # ---- requests ------------------------------------------------------------------------------------------------------

    def _ask(self, ask: Ask, trace: Trace | None, request: httpx.Request | None) -> Exchange:  # noqa: ARG002 - nothing is sent
        same = self._same.get(_key(ask))
        if same is None and not self.tape.whole and self.now >= self._last:
            return Exchange(ask, self.now, trace)  # it would have been recorded, had the writing gone on
        if same is None:
            raise NotRecorded(f"the recording holds no answer to {ask.method} {ask.target}", path=ask.target.partition("?")[0])
        if self.idle:
            kept = same.next()
            self.now = max(self.now, kept.moment)
        else:
            kept = same.nearest(self.now)
        exchange = Exchange(ask, self.now, trace)
        # Whole numbers: a request that is asked at its recorded moment gets its answer at the recorded moment.
        if kept.sent is not None:
            self._put(self.now + kept.sent - kept.moment, exchange, None)
        if kept.answered is not None:
            self._put(self.now + kept.answered - kept.moment, exchange, kept.place)
        return exchange

    def _left(self, exchange: Exchange) -> None:
        """What was still to come for it is forgotten when its turn comes."""

    def _put(self, due: int, exchange: Exchange, place: _Place | None) -> None:
        self._made += 1
        heapq.heappush(self._due, (due, self._made, exchange, place))

    async def _next(self) -> None:
        while True:
            due, deadline = self._coming(), self._deadline()
            moment = min((one for one in (due, deadline) if one is not None), default=None)
            if self._waits_for_a_beginning(moment) or (moment is None and not self._dry()):
                await self._woken(None)
            elif moment is None:
                return
            elif (early := self._early(moment)) > 0:
                await self._woken(early)
            else:
                await self._happen(moment, deadline)
                return

    def _coming(self) -> int | None:
        """When the next answer, departure or interruption is due; those that nobody waits for are forgotten."""
        while self._due and self._due[0][2].reply.done():
            heapq.heappop(self._due)
        moments = [self._due[0][0]] if self._due else []
        if self._interrupts and self.on_interrupt is not None:
            moments.append(self._interrupts[0].moment)
        return min(moments, default=None)

    def _waits_for_a_beginning(self, moment: int | None) -> bool:
        """Whether the next thing belongs to what has not begun yet."""
        return bool(self._begins) and not self._under_way and (moment is None or moment >= self._begins[0])

    def _early(self, moment: int) -> float:
        """Seconds of the world's time until that moment."""
        if self._speed == FASTEST:
            return 0.0
        return moment / SECOND / self._speed - (time.monotonic_ns() - self._origin) / SECOND

    async def _happen(self, moment: int, deadline: int | None) -> None:
        if deadline is not None and deadline <= moment:
            self._fire()
            return
        self.now = max(self.now, moment)
        if self._interrupts and self.on_interrupt is not None and self._interrupts[0].moment <= moment:
            self.on_interrupt(self._interrupts.popleft().reason)
            return
        _, _, exchange, place = heapq.heappop(self._due)
        if place is None:
            await exchange.went_out()
        else:
            self._deliver(exchange, place)

    def _deliver(self, exchange: Exchange, place: _Place) -> None:
        record = self.tape.record(*place)
        if isinstance(record, Answered):
            exchange.reply.set_result(Reply(record.status, record.headers, record.body))
        elif isinstance(record, Failed):
            exchange.reply.set_exception(_error(record))

    def _dry(self) -> bool:
        """Deal with requests that were never answered, when nothing else is to come; False when there is none."""
        waiting = [exchange for exchange in self._under_way if not exchange.reply.done()]
        if not waiting:
            return False
        if self.on_dry is not None and not self._dried:
            self._dried = True
            self.on_dry()
            return True
        for exchange in waiting:
            ask = exchange.ask
            exchange.reply.set_exception(NotRecorded(f"the recording ends before the answer to {ask.method} {ask.target}", path=ask.target.partition("?")[0]))
        return True


def _key(ask: Ask) -> bytes:
    """What a request is found by."""
    return blake2b(msgspec.msgpack.encode(ask), digest_size=16).digest()


def _error(record: Failed) -> httpx.RequestError:
    """The error as httpx would raise it."""
    kind = getattr(httpx, record.error, None)
    if isinstance(kind, type) and issubclass(kind, httpx.RequestError):
        return kind(record.words)
    return httpx.TransportError(record.words)
