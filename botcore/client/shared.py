"""The quota of an account that several processes use, kept in Redis.

Every class has a log of places in Redis. A script, run there in one piece and by the clock of Redis, gives a process as
many places as are free, the most urgent process first; a process tells it when a place was used or given back. A place
given and not yet used counts as long as its process lives, and a few seconds longer: what a killed process held comes
free, what it sent keeps counting. ``shared.lua`` is that script.

A class speaks to Redis in one conversation: at most one call is under way, and whatever happens meanwhile goes along
with the next. When Redis does not answer, each process paces itself at its part of the quota until it does.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import time
from collections import Counter, deque
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from redis.exceptions import RedisError

from botcore.client.quota import PATIENT, Lane, Priority, Quota, QuotaOptions, Slot, Timer, on_loop
from botcore.model import RequestClass, RequestCounts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from typing import Self

    from redis.asyncio import Redis

__all__ = ["SharedQuota"]

_LEASE = 3.0
"""Seconds for which a process that says nothing is taken for alive, and its places for held. Above a window by more than a beat."""
_BEAT = 0.5
"""Seconds between two signs of life, and between two attempts to reach a Redis that is gone."""
_ANSWER = 0.25
"""Seconds for which a call to Redis may hold requests up."""
_SECOND = 1_000_000
_GOODBYE = ("quit", 0, 0)
_NOBODY = (0,) * len(Priority)
# redis-py lets asyncio's complaint about a closed transport through.
_TROUBLE = (RedisError, OSError, RuntimeError)
_log = logging.getLogger(__name__)


class SharedQuota(Quota):
    """Paces what several processes send with one key, as ``Quota`` does for one; within the process it is used as that is.

    ``account`` stands for the key in the names of Redis and must not reveal it. ``redis`` stays the caller's. As an async
    context manager it makes itself known on entering and says good-bye on leaving; otherwise call ``aclose``. ``answer`` is
    how many seconds a call to Redis may take, and ``server_clock`` gives seconds in place of Redis's own clock.
    Nothing that happens to Redis is raised: it is logged, once, and the process paces itself meanwhile.
    """

    def __init__(
        self,
        redis: Redis,
        account: str,
        options: QuotaOptions | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        call_later: Callable[[float, Callable[[], None]], Timer] = on_loop,
        answer: float = _ANSWER,
        server_clock: Callable[[], float] | None = None,
    ) -> None:
        self._link = _Link(redis, account, answer, server_clock)
        self._shared: dict[RequestClass, _SharedLane] = {}
        self._beat: Timer | None = None
        self._probe: asyncio.Task[None] | None = None
        super().__init__(options, clock=clock, call_later=call_later)
        self._link.on_lost, self._link.on_forgotten = self._lost, self._forgotten

    async def __aenter__(self) -> Self:
        self._start()
        await self._first.introduce()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def online(self) -> bool:
        """Whether Redis answered the last time it was asked."""
        return self._link.online

    @property
    def processes(self) -> int:
        """How many processes shared the quota when Redis was last asked, this one included."""
        return self._link.live

    async def reserve(self, kind: RequestClass, priority: Priority = Priority.INTERACTIVE) -> Slot:
        """Wait for a place and hold it until ``Slot.sent`` or ``Slot.close``; raises Throttled as ``acquire`` does."""
        self._start()
        return await super().reserve(kind, priority)

    async def aclose(self) -> None:
        """Tell Redis what it does not know yet, and that this process is gone. The Redis client stays open; who still asks is paced locally."""
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None
        if self._probe is not None:
            self._probe.cancel()
        for lane in self._shared.values():
            await lane.finish()
        if self._link.online:
            await self._first.leave()
            self._link.online = False

    @property
    def _first(self) -> _SharedLane:
        """The class in whose conversation the process shows that it lives."""
        return self._shared[RequestClass.MARKET]

    def _lane(self, kind: RequestClass) -> Lane:
        lane = self._shared[kind] = _SharedLane(kind, self.options, self.clock, self._call_later, self.sent, self._link)
        return lane

    def _start(self) -> None:
        if self._beat is None:
            self._beat = self._call_later(_BEAT, self._on_beat)

    def _on_beat(self) -> None:
        self._beat = self._call_later(_BEAT, self._on_beat)
        if self._link.online:
            for lane in self._shared.values():
                lane.show_life(always=lane is self._first)
        elif self._probe is None or self._probe.done():
            self._probe = asyncio.get_running_loop().create_task(self._try_again())

    async def _try_again(self) -> None:
        if await self._first.introduce():
            _log.info("Redis answers again: the quota is shared with %d other processes", self._link.live - 1)
            self._link.online = True
            for lane in self._shared.values():
                lane.rejoin()

    def _lost(self, error: Exception) -> None:
        _log.warning("Redis does not answer (%s): until it does, this process keeps to 1/%d of the quota", error, self._link.live)
        for lane in self._shared.values():
            lane.part()

    def _forgotten(self) -> None:
        for lane in self._shared.values():
            lane.tell_all()


class _Reply(NamedTuple):
    """What the script gives; times in microseconds."""

    granted: int
    wait: int
    ceiling: int
    cap: int
    paused: int
    live: int
    since: int


class _News(NamedTuple):
    """Something that Redis must know; its age is told, since clocks differ. ``number`` is a place, a limit or microseconds."""

    what: str
    number: int
    at: float = math.inf

    def words(self, now: float) -> tuple[str, int, int]:
        """As the script reads it. The age is cut, not rounded: what is taken for younger counts longer."""
        return self.what, self.number, int(max(0.0, now - self.at) * _SECOND)


class _Link:
    """The way to Redis: who we are there, and whether it answers."""

    def __init__(self, redis: Redis, account: str, answer: float, server_clock: Callable[[], float] | None) -> None:
        self.online = True
        self.live = 1
        self.on_lost: Callable[[Exception], None]
        self.on_forgotten: Callable[[], None]
        self._since = 0
        self._process = secrets.token_hex(8)
        self._prefix = f"botcore:quota:{{{account}}}:"
        self._script = redis.register_script(_script())
        self._answer = answer
        self._server_clock = server_clock
        self._numbers = 0

    def numbers(self, count: int) -> int:
        """The first of so many places' numbers, which are never used again."""
        first = self._numbers
        self._numbers += count
        return first

    async def ask(self, kind: RequestClass, words: Iterable[str | float]) -> _Reply | None:
        """Run the script; None when Redis gave no answer, which is told to everybody once."""
        now = "" if self._server_clock is None else _micro(self._server_clock())
        keys = [*(f"{self._prefix}{kind}:{part}" for part in ("places", "state", "waiting")), f"{self._prefix}members"]
        try:
            return self._read(_Reply(*await self._in_time(self._script(keys=keys, args=[now, self._process, self._since, *words]))))
        except _TROUBLE as error:
            self._lose(error)
            return None

    async def _in_time(self, script: Awaitable[list[int]]) -> list[int]:
        call = asyncio.ensure_future(script)
        try:
            await asyncio.wait({call}, timeout=self._answer / 2)
            if not call.done():
                # A loop that was itself held up finds the answer there when it looks again.
                await asyncio.wait({call}, timeout=self._answer / 2)
            if not call.done():
                raise TimeoutError(f"no answer within {self._answer:g} s")
            return call.result()
        finally:
            if not call.done():
                call.add_done_callback(_forget_error)
                call.cancel()

    def _read(self, reply: _Reply) -> _Reply:
        self.live = reply.live
        forgotten = self._since not in (0, reply.since)
        self._since = reply.since
        if forgotten and self.online:
            self.on_forgotten()
        return reply

    def _lose(self, error: Exception) -> None:
        if self.online:
            self.online = False
            self.on_lost(error)


class _SharedLane(Lane):
    """One class of the quota as this process has it: its places, its callers, and a conversation with Redis."""

    def __init__(
        self,
        kind: RequestClass,
        options: QuotaOptions,
        clock: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], Timer],
        counts: RequestCounts,
        link: _Link,
    ) -> None:
        super().__init__(kind, options, clock, call_later, counts)
        self._link = link
        self._places: list[int] = []
        self._sends: deque[tuple[int, float]] = deque()
        self._news: list[_News] = []
        self._due = False
        self._announced: int | None = None
        self._talk: asyncio.Task[None] | None = None
        self._rests_until = -math.inf
        self._cautious_until = -math.inf
        self._own = 0

    @property
    def share(self) -> int:
        """How many requests may count at a time, at least 1: of all processes, or of this one while Redis is gone."""
        return self.ceiling if self._link.online else max(1, self.ceiling // self._link.live)

    def stamp(self) -> float:
        """Turn a held place into a sent one."""
        now = super().stamp()
        place = self._places.pop()
        while self._sends and self._sends[0][1] + self._options.window <= now:
            self._sends.popleft()
        self._sends.append((place, now))
        self._tell(_News("sent", place, now))
        return now

    def give_back(self) -> None:
        """Free a held place."""
        place = self._places.pop()
        super().give_back()
        self._tell(_News("free", place))

    def timed(self, seconds: float) -> None:
        """Keep the whole margin: what several processes send reaches the market less evenly than any of them can see."""

    def learn_limit(self, limit: int | None) -> None:
        """Stay at or below the limit that the server tells any of the processes, and never above the published one."""
        before = self._cap
        super().learn_limit(limit)
        if limit is not None and self._cap != before:
            self._tell(_News("limit", max(1, limit)))

    def refuse(self, retry_after: float, sent_at: float | None) -> None:
        """A 429: pause all processes, and lower the ceiling once for everything that was sent before the pause."""
        super().refuse(retry_after, sent_at)
        self._tell(_News("refused", _micro(retry_after), self._clock() if sent_at is None else sent_at))

    def exhausted(self, sent_at: float, reset: float) -> None:
        """The server says that nothing remains: all wait for its reset if what all of us sent cannot explain it."""
        if self._link.online:
            self._tell(_News("exhausted", _micro(reset), sent_at))
        else:
            super().exhausted(sent_at, reset)

    async def introduce(self) -> bool:
        """Show that the process lives, and whether Redis answers."""
        return await self._ask(_NOBODY, 0, ()) is not None

    async def leave(self) -> None:
        """Say that the process is gone."""
        await self._ask(_NOBODY, 0, _GOODBYE)

    async def finish(self) -> None:
        """Wait until Redis knows what there is to know."""
        self._stop_timer()
        if self._talk is not None:
            await asyncio.wait({self._talk})
        self._stop_timer()

    def show_life(self, *, always: bool) -> None:
        """Keep what is held; ``always`` speaks even if there is nothing to say."""
        self._news += [_News("held", place) for place in self._places]
        self._due |= always
        self._pump()

    def part(self) -> None:
        """Redis is gone. Until all that was sent through it no longer counts, what this process had is its part at most."""
        now = self._clock()
        self._news.clear()
        self._announced = None
        self._cautious_until = now + self._options.window if self._link.live > 1 else now
        self._own = len(self._recent()) + self._held
        self._raise_at = max(now, self._paused_until) + self._options.recovery if self.ceiling < self._cap else math.inf
        self._pump()

    def rejoin(self) -> None:
        """Redis is back. Others may not know of it yet, so use nothing of it until what they send now no longer counts."""
        self._rests_until = self._clock() + self._options.window
        self._raise_at = math.inf
        self.tell_all()

    def tell_all(self) -> None:
        """Say again what Redis may not know or may have forgotten."""
        now = self._clock()
        self._news = [*(_News("sent", place, at) for place, at in self._sends), *(_News("held", place) for place in self._places)]
        if self._paused_until > now:
            self._news.append(_News("paused", _micro(self._paused_until - now)))
        if self._cap < self._options.limit(self.kind):
            self._news.append(_News("limit", self._cap))
        if self.ceiling < self._cap:
            self._news.append(_News("ceiling", self.ceiling))
        self._pump()

    def _most(self) -> int:
        return min(super()._most(), self._own) if self._clock() < self._cautious_until else super()._most()

    def _tell(self, news: _News) -> None:
        if self._link.online:
            self._news.append(news)
            self._pump()

    def _pump(self) -> None:
        if not self._link.online:
            super()._pump()
        elif self._talk is None and self._has_business():
            self._talk = asyncio.get_running_loop().create_task(self._converse())

    def _next_chance(self) -> float:
        chance = super()._next_chance()
        cautious = self._cautious_until
        return min(chance, max(cautious, self._paused_until)) if self._clock() < cautious else chance

    def _grant(self) -> None:
        self._places.append(self._link.numbers(1))
        super()._grant()

    def _has_business(self) -> bool:
        """Whether there is something to say or to ask; who was told to wait asks again when the timer has run, or for someone more urgent."""
        if self._news or self._due:
            return True
        if self._resting():
            return self._next() and self._timer is None
        most = self._waiters[0][0] if self._next() else None
        return most != self._announced or (most is not None and self._timer is None)

    def _resting(self) -> bool:
        return self._clock() < self._rests_until

    async def _converse(self) -> None:
        try:
            while self._link.online and self._has_business():
                await self._exchange()
        finally:
            self._talk = None

    async def _exchange(self) -> None:
        """Tell the news, ask for what is wanted, and hand out what is given."""
        self._stop_timer()
        news, self._news, self._due = self._news, [], False
        wanted = _NOBODY if self._resting() else self._wanted()
        first = self._link.numbers(sum(wanted))
        asked = self._clock()
        reply = await self._ask(wanted, first, [word for said in news for word in said.words(asked)])
        if reply is None:
            return
        asked_for = [priority for priority, count in enumerate(wanted) for _ in range(count)]
        self._announced = next(iter(asked_for[reply.granted :]), None)
        self._hand_out(dict(zip(range(first, first + reply.granted), asked_for, strict=False)), asked)
        self._learn(reply)
        self._wait(reply.wait)

    async def _ask(self, wanted: Iterable[int], first: int, words: Iterable[str | float]) -> _Reply | None:
        options = self._options
        pace = (options.limit(self.kind), _micro(self.window), options.drop, _micro(options.recovery), _micro(_LEASE), _micro(_BEAT), PATIENT, first)
        return await self._link.ask(self.kind, (*pace, *wanted, *words))

    def _wanted(self) -> tuple[int, ...]:
        waiting = Counter(priority for priority, _, future in self._waiters if not future.done())
        return tuple(waiting[priority] for priority in Priority)

    def _hand_out(self, places: Mapping[int, int], asked: float) -> None:
        """Give each place to the most urgent, if as urgent as whom it was asked for: others may be waiting before the next one here.

        The rest goes back, and so do all that come so late that they may be gone.
        """
        late = self._clock() - asked > _LEASE / 2
        for place, priority in places.items():
            if late or not self._next() or self._waiters[0][0] > priority:
                self._news.append(_News("free", place))
            else:
                self._places.append(place)
                super()._grant()

    def _learn(self, reply: _Reply) -> None:
        """Take over what all processes know, unless it is older than what this one has yet to tell."""
        if self._news or not self._link.online:
            return
        self.ceiling, self._cap = reply.ceiling, reply.cap
        self._paused_until = self._clock() + reply.paused / _SECOND if reply.paused else -math.inf
        if reply.paused > _micro(self._options.patience):
            self._dismiss()

    def _wait(self, wait: int) -> None:
        pause = max(wait / _SECOND, self._rests_until - self._clock())
        if self._link.online and self._next() and pause > 0:
            self._timer = self._call_later(pause, self._on_timer)


@cache
def _script() -> str:
    return Path(__file__).with_name("shared.lua").read_text()


def _micro(seconds: float) -> int:
    return round(seconds * _SECOND)


def _forget_error(call: asyncio.Future[list[int]]) -> None:
    if not call.cancelled():
        call.exception()
