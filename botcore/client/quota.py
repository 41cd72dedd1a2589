"""How fast we may ask: a pace per class of requests, the most urgent first.

Each class keeps a log of what it sent during the last ``window`` seconds and sends while that log is shorter than its
ceiling. With a window above 1 s a server that counts one second in any way (fixed window, sliding window, token
bucket) never sees more than it allows, as long as the margin covers how differently long requests take to arrive.

A place is reserved, waits as long as the connection takes, and counts from the moment the request is really sent:
a slow handshake cannot push old requests and new ones into one second of the server's.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

from botcore.errors import ConfigError, Throttled
from botcore.model import RequestClass, RequestCounts
from botcore.timing import measure_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

__all__ = ["Lane", "Priority", "Quota", "QuotaOptions", "Slot", "Timer", "on_loop"]

_TOO_MANY = 429
_TRIPS = 30
_ENOUGH_TRIPS = 10
_LEAST_MARGIN = 0.02
_SPARE = 0.005
PATIENT = 0.9
"""The share of a class that callers of ``Priority.WARM`` may fill, of all processes together: what runs for hours by itself must not depend on milliseconds."""


class Priority(IntEnum):
    """Who goes first when places are scarce. ``WARM`` leaves a tenth of each class free."""

    INTERACTIVE = 0
    WATCH = 1
    SCAN = 2
    WARM = 3


class QuotaOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Requests a second by class, as DMarket publishes them, and how to pace and to recover.

    ``window`` is how long a sent request counts at most, in seconds. A server counts one; the rest is a margin for
    requests that take differently long to arrive, which cannot differ more than whole answers do. So it narrows down to
    1.02 s while answers come evenly. After a 429 the ceiling of its class is multiplied by
    ``drop`` and rises by one every ``recovery`` seconds without another. A class that must pause for longer than
    ``patience`` seconds refuses at once instead of letting callers hang.
    """

    market: int = 10
    sales: int = 6
    fee: int = 110
    other: int = 20
    window: float = 1.05
    drop: float = 0.7
    recovery: float = 10.0
    patience: float = 60.0

    def __post_init__(self) -> None:
        """Refuse a quota that could never send, or that would drop upwards."""
        for kind in RequestClass:
            if self.limit(kind) < 1:
                raise ConfigError(f"quota {kind}: at least 1 request a second is needed, got {self.limit(kind)}")
        if self.window <= 0 or not 0 < self.drop < 1 or self.recovery <= 0:
            raise ConfigError("quota: window and recovery must be above 0, drop between 0 and 1")

    def limit(self, kind: RequestClass) -> int:
        """The published limit of a class, per second."""
        limit: int = getattr(self, kind.value)
        return limit


class Timer(Protocol):
    """What a scheduled call can be cancelled by."""

    def cancel(self) -> None:
        """Forget the call."""


def on_loop(delay: float, callback: Callable[[], None]) -> Timer:
    """Schedule a call on the running event loop."""
    return asyncio.get_running_loop().call_later(delay, callback)


class Quota:
    """Paces every request of an account. One instance belongs to one key and one event loop at a time.

    ``clock`` gives monotonic seconds and ``call_later`` schedules a call, so that tests need no real time.
    ``sent`` counts requests by class, ``throttled`` the 429 that came back.
    """

    def __init__(
        self,
        options: QuotaOptions | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        call_later: Callable[[float, Callable[[], None]], Timer] = on_loop,
    ) -> None:
        self.options = options or QuotaOptions()
        self.sent = RequestCounts()
        self.throttled = 0
        self.clock = clock
        self._call_later = call_later
        self._lanes: Mapping[RequestClass, Lane] = {kind: self._lane(kind) for kind in RequestClass}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(map(repr, self._lanes.values()))}>"

    async def acquire(self, kind: RequestClass, priority: Priority = Priority.INTERACTIVE) -> None:
        """Wait for a place and use it now; raises Throttled when the class must pause for too long."""
        (await self.reserve(kind, priority)).sent()

    @measure_time
    async def reserve(self, kind: RequestClass, priority: Priority = Priority.INTERACTIVE) -> Slot:
        """Wait for a place and hold it until ``Slot.sent`` or ``Slot.close``; raises Throttled as ``acquire`` does."""
        return await self._lanes[kind].reserve(priority)

    def observe(self, kind: RequestClass, status: int, headers: Mapping[str, str], *, retry_after: float = 1.0, sent_at: float | None = None) -> None:
        """Learn from an answer.

        A 429 pauses the class for ``retry_after`` seconds and lowers its ceiling. A limit in the headers below the
        published one lowers it too; a higher one changes nothing. ``sent_at`` (the slot's time) tells late 429 of one
        burst from a new one, and lets an answer that says "nothing remains" prove that someone else uses the key:
        then we wait for the reset.
        """
        lane = self._lanes[kind]
        if sent_at is not None:
            lane.timed(self.clock() - sent_at)
        lane.learn_limit(_header_limit(headers))
        if status == _TOO_MANY:
            self.throttled += 1
            lane.refuse(retry_after, sent_at)
        elif sent_at is not None and _number(headers.get("ratelimit-remaining") or headers.get("x-ratelimit-remaining-second")) == 0:
            lane.exhausted(sent_at, _number(headers.get("ratelimit-reset")) or 1.0)

    @property
    def limits(self) -> dict[str, int]:
        """Requests a second by class, as published."""
        return {kind.value: self.options.limit(kind) for kind in RequestClass}

    def rate(self, kind: RequestClass) -> float:
        """Requests a second that the class may send now."""
        return self.ceiling(kind) / self._lanes[kind].window

    def ceiling(self, kind: RequestClass) -> int:
        """How many requests the class may send within a window now."""
        return self._lanes[kind].share

    def waiting(self, kind: RequestClass) -> int:
        """How many callers wait for a place of this class."""
        return self._lanes[kind].waiting

    def _lane(self, kind: RequestClass) -> Lane:
        return Lane(kind, self.options, self.clock, self._call_later, self.sent)


class Slot:
    """A reserved place. As a context manager it is given back on leaving, unless the request was sent."""

    __slots__ = ("_lane", "_open", "sent_at")

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._open = True
        self.sent_at: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def sent(self) -> None:
        """Say that the request goes out now: from here on the place counts for one window. Later calls do nothing."""
        if self._open:
            self._open = False
            self.sent_at = self._lane.stamp()

    def close(self) -> None:
        """Give the place back when nothing was sent."""
        if self._open:
            self._open = False
            self._lane.give_back()


class Lane:
    """One class: a log of sends, places held, a heap of waiters and at most one timer."""

    def __init__(
        self,
        kind: RequestClass,
        options: QuotaOptions,
        clock: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], Timer],
        counts: RequestCounts,
    ) -> None:
        self.kind = kind
        self.ceiling = options.limit(kind)
        self._options = options
        self.window = options.window
        self._trips: deque[float] = deque(maxlen=_TRIPS)
        self._cap = self.ceiling
        self._clock = clock
        self._call_later = call_later
        self._counts = counts
        self._log: deque[float] = deque()
        self._held = 0
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = 0
        self._paused_until = -math.inf
        self._raise_at = math.inf
        self._timer: Timer | None = None

    def __repr__(self) -> str:
        paused = max(0.0, self._paused_until - self._clock())
        return f"{self.kind}: {len(self._recent())} sent + {self._held} held of {self.ceiling}/{self._cap}, {self.waiting} waiting, paused {paused:.1f} s"

    @property
    def share(self) -> int:
        """How many requests may count at a time, at least 1."""
        return self.ceiling

    @property
    def waiting(self) -> int:
        """How many callers wait, cancelled ones left out."""
        return sum(not future.done() for _, _, future in self._waiters)

    async def reserve(self, priority: Priority) -> Slot:
        """Queue up behind everyone as urgent, then hold a place."""
        self._refuse_if_paused_for_long()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        heapq.heappush(self._waiters, (priority, self._arrivals, future))
        self._pump()
        try:
            await future
        except asyncio.CancelledError:
            # Cancelled in the very tick in which the place was granted: the place goes to the next one.
            if future.done() and not future.cancelled() and future.exception() is None:
                self.give_back()
            else:
                self._pump()
            raise
        return Slot(self)

    def stamp(self) -> float:
        """Turn a held place into a sent one."""
        now = self._clock()
        self._held -= 1
        while self._log and self._log[0] + 2 * self._options.window <= now:
            self._log.popleft()
        self._log.append(now)
        setattr(self._counts, self.kind.value, getattr(self._counts, self.kind.value) + 1)
        self._pump()
        return now

    def give_back(self) -> None:
        """Free a held place."""
        self._held -= 1
        self._pump()

    def timed(self, seconds: float) -> None:
        """An answer took so long: fit the margin to how evenly the latest ones came."""
        self._trips.append(seconds)
        if len(self._trips) >= _ENOUGH_TRIPS:
            spread = max(self._trips) - min(self._trips)
            self.window = min(self._options.window, 1.0 + max(_LEAST_MARGIN, spread + _SPARE))

    def learn_limit(self, limit: int | None) -> None:
        """Stay at or below the limit that the server tells, and never above the published one."""
        if limit is None:
            return
        cap = max(1, min(limit, self._options.limit(self.kind)))
        if cap != self._cap:
            self._cap = cap
            self.ceiling = min(self.ceiling, cap)
            self._raise_at = self._clock() + self._options.recovery if self.ceiling < cap else math.inf
            self._pump()

    def refuse(self, retry_after: float, sent_at: float | None) -> None:
        """A 429: pause, and lower the ceiling once for everything that was sent before the pause."""
        now = self._clock()
        if (now if sent_at is None else sent_at) >= self._paused_until:
            self.ceiling = max(1, math.floor(self.ceiling * self._options.drop))
        self._paused_until = max(self._paused_until, now + retry_after)
        self._raise_at = self._paused_until + self._options.recovery
        if retry_after > self._options.patience:
            self._dismiss()
        self._pump()

    def exhausted(self, sent_at: float, reset: float) -> None:
        """The server says that nothing remains: wait for its reset if our own requests cannot explain it.

        What the server counted lies within the two windows before now, given that the answer took no longer than
        one. If we sent fewer than the limit in all that time, someone else uses the key.
        """
        now = self._clock()
        recent = len(self._recent(2)) + self._held
        if now - sent_at <= self.window and recent < self._cap:
            self._paused_until = max(self._paused_until, now + min(reset, self.window))
            self._pump()

    def _recent(self, windows: int = 1) -> list[float]:
        """When the requests that still count were sent. Added up as ``_next_chance`` does it, or a timer could fire a rounding error early for ever."""
        now = self._clock()
        return [sent for sent in self._log if sent + windows * self.window > now]

    def _refuse_if_paused_for_long(self) -> None:
        pause = self._paused_until - self._clock()
        if pause > self._options.patience:
            raise self._too_long(pause)

    def _dismiss(self) -> None:
        error_after = self._paused_until - self._clock()
        for _, _, future in self._waiters:
            if not future.done():
                future.set_exception(self._too_long(error_after))
        self._waiters.clear()

    def _too_long(self, pause: float) -> Throttled:
        return Throttled(f"DMarket wants no {self.kind} requests for {pause:.0f} s: try again after that", retry_after=pause)

    def _pump(self) -> None:
        """Grant what can be granted, most urgent first, then set the timer for the next chance."""
        now = self._clock()
        self._recover(now)
        while self._next() and self._room(now):
            self._grant()
        self._set_timer(now)

    def _grant(self) -> None:
        """Hold a place for the most urgent caller."""
        self._held += 1
        heapq.heappop(self._waiters)[2].set_result(None)

    def _recover(self, now: float) -> None:
        while now >= self._raise_at:
            self.ceiling = min(self.ceiling + 1, self._cap)
            self._raise_at = self._raise_at + self._options.recovery if self.ceiling < self._cap else math.inf

    def _next(self) -> bool:
        """Whether anyone still waits; callers who gave up are forgotten here."""
        while self._waiters and self._waiters[0][2].done():
            heapq.heappop(self._waiters)
        return bool(self._waiters)

    def _room(self, now: float) -> bool:
        return now >= self._paused_until and self._held + len(self._recent()) < self._most()

    def _most(self) -> int:
        """How many requests may count at this moment, for the most urgent caller."""
        patient = bool(self._waiters) and self._waiters[0][0] == Priority.WARM
        return max(1, math.floor(PATIENT * self.share)) if patient else self.share

    def _set_timer(self, now: float) -> None:
        self._stop_timer()
        chance = self._next_chance() if self._waiters else math.inf
        if chance < math.inf:
            self._timer = self._call_later(max(0.0, chance - now), self._on_timer)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next_chance(self) -> float:
        """When the next place may come free; a place that is held has no time of its own and calls ``_pump`` itself."""
        recent = self._recent()
        surplus = self._held + len(recent) - self._most()
        free_at = -math.inf if surplus < 0 else recent[surplus] + self.window if surplus < len(recent) else math.inf
        return max(min(free_at, self._raise_at), self._paused_until)

    def _on_timer(self) -> None:
        self._timer = None
        self._pump()


def _header_limit(headers: Mapping[str, str]) -> int | None:
    """The limit of one second that the answer tells; ``RateLimit-Limit`` counts only when it resets within a second."""
    second = _number(headers.get("x-ratelimit-limit-second"))
    if second is None and (_number(headers.get("ratelimit-reset")) or 0) <= 1:
        second = _number(headers.get("ratelimit-limit"))
    return None if second is None else int(second)


def _number(text: str | None) -> float | None:
    """The number at the head of a header such as ``10`` or ``10, 10;w=1``."""
    head = (text or "").split(",")[0].split(";")[0].strip()
    return float(head) if head.isascii() and head.isdecimal() else None
