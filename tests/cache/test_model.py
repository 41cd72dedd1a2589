"""The cache against a plain model, for any course of events: over memory alone, and as two processes on one Redis."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from botcore.cache import policy
from botcore.cache.levels import MemoryLevel
from botcore.cache.policy import Question, Subject
from botcore.cache.two_level import Cache
from botcore.errors import MarketError
from botcore.model import Quote, Sale, Target

from .support import GAME, OPTIONS, Clock, Ear, opened, until

TITLES = ("x", "y")
QUESTIONS = [ask(GAME, title) for title in TITLES for ask in (policy.quote, policy.targets, policy.sales)]
TAGS = sorted({tag for question in QUESTIONS for tag in question.tags})
POLICIES = policy.policies(OPTIONS)
Kept = dict[str, tuple[Any, float, float]]
"""Answer, fresh until and kept until, by name."""


class UnderWay:
    """A load that is held: its waiters here and in the other process, and whether it was invalidated since."""

    def __init__(self, holder: int, question: Question) -> None:
        self.holder = holder
        self.question = question
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()
        self.here: list[asyncio.Task[Any]] = []
        self.there: list[asyncio.Task[Any]] = []
        self.fallen = False


class CacheMachine(RuleBasedStateMachine):
    """Everything is asked, expires, falls, fails and is cancelled in any order; the model is three dicts."""

    url: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.answers: dict[str, Any] = {question.name: None if question.subject is Subject.QUOTES else [] for question in QUESTIONS}
        self.failing = False
        self.calls = self.expected = 0
        self.held: dict[str, UnderWay] = {}
        self.caches: list[Cache] = []
        self.stack = AsyncExitStack()
        self.runner.run(self.open())
        self.ears = [Ear(cache) for cache in self.caches] if self.url else []
        self.memory: list[Kept] = [{} for _ in self.caches]
        self.redis: Kept = {}

    async def open(self) -> None:
        space = secrets.token_hex(6)
        for _ in range(2 if self.url else 1):
            self.caches.append(await self.stack.enter_async_context(opened(self.url, space, clock=self.clock)))

    def teardown(self) -> None:
        async def end() -> None:
            for one in self.held.values():
                for task in [*one.here, *one.there]:
                    task.cancel()
                one.gate.set()
            await self.stack.aclose()

        self.runner.run(end())
        self.runner.close()

    # ---- the market ----------------------------------------------------------------------------------------------

    async def load(self, questions: Any, behind: bool) -> dict[str, Any]:
        assert not (behind and self.held.get(questions[0].name))
        self.calls += 1
        if self.failing:
            raise MarketError("not today")
        return {question.name: self.answers[question.name] for question in questions}

    def gated(self, one: UnderWay) -> Any:
        async def load(questions: Any, behind: bool) -> dict[str, Any]:
            assert not behind
            self.calls += 1
            one.begun.set()
            await one.gate.wait()
            return {question.name: self.answers[question.name] for question in questions}

        return load

    # ---- the model -----------------------------------------------------------------------------------------------

    def known(self, kept: Kept, name: str) -> tuple[Any, float, float] | None:
        found = kept.get(name)
        return found if found is not None and self.clock.now < found[2] else None

    def keep(self, cache: int, question: Question) -> None:
        answer = self.answers[question.name]
        fresh, kept = POLICIES[question.subject].lifetime(answer)
        self.memory[cache][question.name] = entry = (answer, self.clock.now + fresh, self.clock.now + kept)
        if self.url:
            self.redis[question.name] = entry

    def renewed(self, cache: int, question: Question) -> None:
        shared = self.known(self.redis, question.name)
        if shared is not None:
            self.memory[cache][question.name] = shared
            if self.clock.now < shared[1]:
                return
        self.expected += 1
        if not self.failing:
            self.keep(cache, question)

    def asked(self, cache: int, question: Question) -> Any:
        """What the model answers; MarketError where it fails."""
        found = self.known(self.memory[cache], question.name)
        if found is None and (found := self.known(self.redis, question.name)) is not None:
            self.memory[cache][question.name] = found
        if found is not None:
            if self.clock.now >= found[1]:
                self.renewed(cache, question)
            return found[0]
        self.expected += 1
        if self.failing:
            return MarketError
        self.keep(cache, question)
        return self.answers[question.name]

    # ---- what happens --------------------------------------------------------------------------------------------

    @rule(number=st.integers(1, 50), question=st.sampled_from(QUESTIONS), empty=st.booleans())
    def prices_move(self, number: int, question: Question, empty: bool) -> None:
        rows: dict[Subject, Any] = {Subject.TARGETS: [Target(number, 1)], Subject.SALES: [Sale(number, 1)], Subject.QUOTES: Quote("x", number, 1, 1, 1)}
        nothing: Any = None if question.subject is Subject.QUOTES else []
        self.answers[question.name] = nothing if empty else rows[question.subject]

    @rule(failing=st.booleans())
    def market_fails_or_recovers(self, failing: bool) -> None:
        self.failing = failing

    @rule(seconds=st.sampled_from([1.0, 5.0, 12.0, 60.0, OPTIONS.sales, OPTIONS.sales_stale]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(data=st.data(), question=st.sampled_from(QUESTIONS))
    def ask(self, data: st.DataObject, question: Question) -> None:
        if question.name in self.held:
            return
        cache = data.draw(st.integers(0, len(self.caches) - 1))
        expected = self.asked(cache, question)

        async def run() -> Any:
            try:
                return await self.caches[cache].get_or_load(question, self.load)
            except MarketError:
                return MarketError
            finally:
                await self.settled(cache)

        assert self.runner.run(run()) == expected

    async def settled(self, cache: int) -> None:
        """Until nothing is renewed behind; what is held stays so."""
        await until(lambda: not self.caches[cache]._refreshing)

    @rule(data=st.data(), tag=st.sampled_from(TAGS))
    def invalidate(self, data: st.DataObject, tag: str) -> None:
        cache = data.draw(st.integers(0, len(self.caches) - 1))

        async def run() -> None:
            await self.caches[cache].invalidate([tag])
            for ear in self.ears:
                await ear.hears(tag)

        self.runner.run(run())
        for question in QUESTIONS:
            if tag in question.tags:
                for kept in (*self.memory, self.redis):
                    kept.pop(question.name, None)
                if question.name in self.held:
                    self.held[question.name].fallen = True

    @rule(data=st.data(), question=st.sampled_from(QUESTIONS), waiters=st.integers(1, 3))
    def begin(self, data: st.DataObject, question: Question, waiters: int) -> None:
        cache = data.draw(st.integers(0, len(self.caches) - 1))
        if question.name in self.held or self.known(self.memory[cache], question.name) or self.known(self.redis, question.name):
            return
        one = self.held[question.name] = UnderWay(cache, question)
        self.expected += 1

        async def run() -> None:
            load = self.gated(one)
            one.here = [asyncio.create_task(self.caches[cache].get_or_load(question, load)) for _ in range(waiters)]
            await one.begun.wait()

        self.runner.run(run())

    @precondition(lambda self: self.url and self.held)
    @rule(data=st.data())
    def the_other_process_asks_too(self, data: st.DataObject) -> None:
        one = self.held[data.draw(st.sampled_from(sorted(self.held)))]
        other = 1 - one.holder
        if one.fallen or one.there or self.known(self.memory[other], one.question.name):
            return
        load = self.load

        async def run() -> None:
            one.there.append(asyncio.create_task(self.caches[other].get_or_load(one.question, load)))
            redis = self.caches[other].redis
            assert redis is not None
            await until(lambda: one.question.name.encode() in redis._waiting)

        self.runner.run(run())

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def a_waiter_leaves(self, data: st.DataObject) -> None:
        """The last one takes the load with it, and the other process asks for itself."""
        one = self.held[data.draw(st.sampled_from(sorted(self.held)))]
        task = one.here.pop(data.draw(st.integers(0, len(one.here) - 1)))

        async def run() -> None:
            task.cancel()
            await asyncio.wait([task])
            if not one.here:
                await idle_but(self.caches[one.holder], self.held)

        self.runner.run(run())
        assert task.cancelled()
        if not one.here:
            del self.held[one.question.name]
            self.others_are_served(one)

    @precondition(lambda self: self.held and not self.failing)
    @rule(data=st.data())
    def the_answer_comes(self, data: st.DataObject) -> None:
        """It reaches everyone who waits, and is kept unless it was invalidated on its way."""
        one = self.held.pop(data.draw(st.sampled_from(sorted(self.held))))

        async def run() -> list[Any]:
            one.gate.set()
            return await asyncio.gather(*one.here)

        assert self.runner.run(run()) == [self.answers[one.question.name]] * len(one.here)
        if not one.fallen:
            self.keep(one.holder, one.question)
        self.others_are_served(one)

    def others_are_served(self, one: UnderWay) -> None:
        async def run() -> list[Any]:
            told = await asyncio.gather(*one.there, return_exceptions=True)
            if one.there:
                await self.settled(1 - one.holder)
            return [MarketError if isinstance(answer, MarketError) else answer for answer in told]

        told = self.runner.run(run())
        assert told == [self.asked(1 - one.holder, one.question) for _ in one.there]

    # ---- what always holds ---------------------------------------------------------------------------------------

    @invariant()
    def the_market_is_asked_no_more_than_needed(self) -> None:
        assert self.calls == self.expected

    @invariant()
    def memory_knows_what_the_model_knows(self) -> None:
        for cache, kept in zip(self.caches, self.memory, strict=True):
            known = {question.name: self.known(kept, question.name) for question in QUESTIONS}
            assert {question.name: entry_of(cache.memory, question) for question in QUESTIONS} == {
                name: entry[1:] if entry is not None else None for name, entry in known.items()
            }


def entry_of(memory: MemoryLevel, question: Question) -> tuple[float, float] | None:
    entry = memory.get(question)
    return (entry.fresh_until, entry.kept_until) if entry is not None else None


async def idle_but(cache: Cache, held: dict[str, UnderWay]) -> None:
    """Wait until no flight is left but those that are held."""
    await until(lambda: set(cache._flights) <= set(held))


def test_over_memory_alone():
    run_state_machine_as_test(CacheMachine, settings=settings(max_examples=80, stateful_step_count=40, deadline=None))


def test_as_two_processes_on_one_redis(valkey):
    class Shared(CacheMachine):
        url = valkey.url

    run_state_machine_as_test(Shared, settings=settings(max_examples=40, stateful_step_count=30, deadline=None))
