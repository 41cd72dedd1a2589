"""The pace against servers that count in every way, for any course of events."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from botcore.client.quota import Priority, Quota, QuotaOptions, Slot
from botcore.model import RequestClass

from .test_quota import FakeTime, settle

MARKET = RequestClass.MARKET
LIMIT = 5
WINDOW = QuotaOptions().window


class Server(Protocol):
    """Counts one second in its own way; times never fall."""

    def allows(self, at: float) -> bool: ...


class FixedWindow:
    def __init__(self, limit: int, phase: float) -> None:
        self._limit, self._phase, self._window, self._count = limit, phase, -math.inf, 0

    def allows(self, at: float) -> bool:
        window = math.floor(at - self._phase)
        self._count = self._count + 1 if window == self._window else 1
        self._window = window
        return self._count <= self._limit


class SlidingWindow:
    def __init__(self, limit: int) -> None:
        self._limit, self._log = limit, deque[float]()

    def allows(self, at: float) -> bool:
        while self._log and self._log[0] <= at - 1:
            self._log.popleft()
        self._log.append(at)
        return len(self._log) <= self._limit


class TokenBucket:
    def __init__(self, limit: int) -> None:
        self._limit, self._tokens, self._at = limit, float(limit), 0.0

    def allows(self, at: float) -> bool:
        self._tokens = min(self._limit, self._tokens + (at - self._at) * self._limit) - 1
        self._at = at
        return self._tokens > -1e-9


def servers(limit: int, phase: float) -> list[Server]:
    return [FixedWindow(limit, phase), SlidingWindow(limit), TokenBucket(limit)]


def refusals(sends: list[float], delays: list[float], limit: int, phase: float) -> int:
    """How many of these requests any server would have refused, each arriving up to 20 ms after it was sent."""
    arrivals = sorted(sent + delays[number % len(delays)] for number, sent in enumerate(sends))
    return sum(not server.allows(at) for server in servers(limit, phase) for at in arrivals)


async def full_speed(limit: int, seconds: float, nap: float, window: float = WINDOW) -> list[float]:
    """When requests went out while more callers wait than can be served; each is slow to wake by ``nap``."""
    time = FakeTime()
    quota = Quota(QuotaOptions(market=limit, window=window), clock=time.clock, call_later=time.call_later)
    sends: list[float] = []

    async def caller() -> None:
        while time.now < 1000 + seconds:
            slot = await quota.reserve(MARKET, Priority.SCAN)
            if nap:
                woken = asyncio.Event()
                time.call_later(nap * (len(sends) % 3), woken.set)
                await woken.wait()
            slot.sent()
            sends.append(time.now)

    callers = [asyncio.create_task(caller()) for _ in range(2 * limit)]
    await time.advance(seconds + 5)
    for task in callers:
        task.cancel()
    await settle()
    return sends


@pytest.mark.parametrize("limit", [6, 10, 20, 110])
async def test_full_speed_is_one_limit_per_window(limit):
    """Over a minute, and with a refusal nowhere."""
    sends = await full_speed(limit, 60, 0.0)
    assert len(sends) >= 60 * limit / WINDOW
    assert refusals(sends, [0.0, 0.02, 0.01], limit, 0.3) == 0


full_speeds = given(
    limit=st.integers(1, 12),
    nap=st.sampled_from([0.0, 0.013, 0.4]),
    delays=st.lists(st.floats(0, 0.02), min_size=1, max_size=30),
    phase=st.floats(0, 1, exclude_max=True),
)


@settings(max_examples=60, deadline=None)
@full_speeds
def test_no_server_refuses_at_full_speed(limit, nap, delays, phase):
    """Whatever way it counts, wherever its window starts, however the arrivals jitter."""
    with asyncio.Runner() as runner:
        sends = runner.run(full_speed(limit, 8, nap))
    assert sends
    assert refusals(sends, delays, limit, phase) == 0


@settings(max_examples=60, deadline=None)
@full_speeds
def test_no_server_refuses_at_the_narrowest_window(limit, nap, delays, phase):
    """A window narrows to 1.02 s while answers come evenly; it holds for arrivals that jitter by just less than its margin."""
    with asyncio.Runner() as runner:
        sends = runner.run(full_speed(limit, 8, nap, 1.02))
    assert sends
    assert refusals(sends, [0.99 * delay for delay in delays], limit, phase) == 0


class QuotaMachine(RuleBasedStateMachine):
    """Callers come, go, hold, send and give back in any order; the model is a list."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.time = FakeTime()
        self.quota = Quota(QuotaOptions(market=LIMIT), clock=self.time.clock, call_later=self.time.call_later)
        self.queue: list[tuple[Priority, int, asyncio.Task[Slot]]] = []
        self.held: list[Slot] = []
        self.sends: list[float] = []
        self.arrivals = 0
        self.ceiling = LIMIT
        self.resumes_at = -math.inf

    def teardown(self) -> None:
        async def end() -> None:
            for _, _, task in self.queue:
                task.cancel()
            await settle()

        self.runner.run(end())
        self.runner.close()
        assert refusals(self.sends, [0.0, 0.02, 0.007, 0.02, 0.0], LIMIT, 0.25) == 0

    @rule(priority=st.sampled_from(Priority), count=st.integers(1, 4))
    def come(self, priority: Priority, count: int) -> None:
        async def start() -> None:
            for _ in range(count):
                self.arrivals += 1
                self.queue.append((priority, self.arrivals, asyncio.create_task(self.quota.reserve(MARKET, priority))))
                await settle()
                self.collect()

        self.runner.run(start())

    @precondition(lambda self: self.queue)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.queue))
        self.queue.remove(entry)
        entry[2].cancel()
        self.runner.run(settle())

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        slot = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.sends.append(self.time.now)
        self.within(slot.sent)

    @precondition(lambda self: self.held)
    @rule()
    def give_back(self) -> None:
        self.within(self.held.pop().close)

    @precondition(lambda self: self.held and self.queue)
    @rule()
    def cancel_in_the_tick_of_the_grant(self) -> None:
        """The first in the queue is granted a place and cancelled before it can run."""
        first = min(self.queue, key=lambda entry: entry[:2])
        self.queue.remove(first)

        async def both() -> None:
            self.held.pop().close()
            first[2].cancel()
            await settle()
            self.collect()

        self.runner.run(both())

    @rule(seconds=st.sampled_from([0.01, 0.3, 1.0, WINDOW, 2.5]))
    def wait(self, seconds: float) -> None:
        # Small steps, so that whoever is granted a place is seen at that time.
        async def step() -> None:
            await self.time.advance(seconds)
            self.collect()

        self.runner.run(step())

    @rule(pause=st.sampled_from([0.5, 1.0, 2.0]))
    def be_refused(self, pause: float) -> None:
        if self.time.now >= self.resumes_at:
            self.ceiling = max(1, math.floor(self.quota.ceiling(MARKET) * 0.7))
        self.resumes_at = max(self.resumes_at, self.time.now + pause)
        self.within(lambda: self.quota.observe(MARKET, 429, {}, retry_after=pause))
        assert self.quota.ceiling(MARKET) == self.ceiling

    def within(self, change: object) -> None:
        async def run() -> None:
            assert callable(change)
            change()
            await settle()
            self.collect()

        self.runner.run(run())

    def collect(self) -> None:
        """Whoever was served must have stood before whoever was not."""
        served = [entry for entry in self.queue if entry[2].done()]
        self.queue = [entry for entry in self.queue if not entry[2].done()]
        if served and self.queue:
            assert max(entry[:2] for entry in served) < min(entry[:2] for entry in self.queue)
        self.held.extend(entry[2].result() for entry in served)

    @invariant()
    def never_more_than_the_ceiling_is_held_or_counts(self) -> None:
        recent = sum(sent + WINDOW > self.time.now for sent in self.sends)
        assert recent + len(self.held) <= LIMIT

    @invariant()
    def nobody_waits_while_there_is_room(self) -> None:
        recent = sum(sent + WINDOW > self.time.now for sent in self.sends)
        ceiling = self.quota.ceiling(MARKET)
        patient = all(priority is Priority.WARM for priority, *_ in self.queue)
        room = recent + len(self.held) < (max(1, ceiling * 9 // 10) if patient else ceiling)
        assert not (self.queue and room and self.time.now >= self.resumes_at)

    @invariant()
    def the_quota_agrees_on_what_was_sent(self) -> None:
        assert self.quota.sent.market == len(self.sends)
        assert self.quota.waiting(MARKET) == len(self.queue)


QuotaMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestQuotaMachine = QuotaMachine.TestCase
