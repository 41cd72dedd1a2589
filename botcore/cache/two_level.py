"""Get or load: memory, then Redis, then the market; one flight per question, in this process and among all.

Fresh answers are given out at once. Stale ones too, while one flight renews them behind. An answer without rows is kept for
a short time, an error never. A flight belongs to the cache, not to the caller who began it: it goes on while anyone waits,
and ends when nobody does.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from contextvars import Context, ContextVar
from copy import copy
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec

from botcore.cache import policy
from botcore.cache.codec import Codec
from botcore.cache.levels import CacheCounts, Entry, Found, Level, LevelCounts, MemoryLevel
from botcore.cache.policy import CacheOptions, Question, Subject
from botcore.errors import BotcoreError
from botcore.model import Game
from botcore.timing import measure_time

if TYPE_CHECKING:
    from botcore.cache.redis_level import RedisLevel

__all__ = ["Cache", "CacheCounts"]

T = TypeVar("T")
_BEHIND = 9
"""Less urgent than anything that somebody waits for."""
_FOREIGN = object()
_TELL_SECONDS = 5.0
_log = logging.getLogger(__name__)
Load = Callable[[Sequence[Question], bool], Awaitable[dict[str, Any]]]
"""Given the questions to ask and whether nobody waits, asks the market and gives the answers under the questions' names.

An answer left out is None, and remembered as that where None is one; elsewhere it is no answer, and not remembered.
"""


_tally: ContextVar[CacheCounts | None] = ContextVar("cache_tally", default=None)


class _Flight:
    """Questions being asked by one task. ``fence`` is the memory's epoch when it began, ``urgency`` how soon it is needed."""

    __slots__ = ("fence", "questions", "task", "urgency", "waiters")

    def __init__(self, questions: Sequence[Question], fence: int, urgency: int) -> None:
        self.questions = questions
        self.fence = fence
        self.urgency = urgency
        self.waiters = 0
        self.task: asyncio.Task[dict[str, bytes]]


class Cache:
    """Answers remembered by the policy, in memory and, when given, in ``redis``. Use it as a context manager.

    One cache serves one account on one market. ``clock`` gives seconds since 1970; ``chance`` numbers from 0 to 1.
    """

    def __init__(
        self,
        options: CacheOptions | None = None,
        redis: RedisLevel | None = None,
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.options = options or CacheOptions()
        self.policies = policy.policies(self.options)
        self.memory = MemoryLevel(self.options.memory_bytes, self.options.memory_entries, clock=clock)
        self.redis = redis
        if redis is not None:
            redis.heard = self._heard
        self.coalesced = 0
        self.loads = 0
        self.refreshed = 0
        self._told: dict[str, int] = {}
        self._clock = clock
        self._chance = chance
        self._codecs = {subject: Codec(one.shape) for subject, one in self.policies.items()}
        self._may_be_none = {subject for subject in self.policies if self._reads_as_none(subject)}
        self._flights: dict[str, _Flight] = {}
        self._refreshing: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stack = AsyncExitStack()

    def __repr__(self) -> str:
        return f"<Cache {self.memory}, {self.redis}, {len(self._flights)} flights>"

    async def __aenter__(self) -> Self:
        if self.redis is not None:
            await self._stack.enter_async_context(self.redis)
            self._spawn(self._tell_often(self.redis))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.redis is not None:
            await self._tell(self.redis)
        await self._stack.aclose()

    # ---- asking ------------------------------------------------------------------------------------------------------

    @measure_time
    async def get_or_load(self, question: Question, load: Load, urgency: int = 0) -> Any:
        """The answer to one question: remembered, else from ``load``. A lower ``urgency`` is more urgent, and never waits for a less urgent flight.

        Raises what ``load`` raises; None when it gave no answer.
        """
        kept = self.memory.get(question)
        tally = _tally.get()
        if tally is not None:
            _count(tally.memory, kept, self._clock())
        if kept is not None:
            answer = self._decoded(question, kept.value)
            if answer is not _FOREIGN:
                if self._clock() >= kept.fresh_until:
                    self._refresh([question], load)
                return answer
        return (await self._answers([question], load, urgency)).get(question.name)

    @measure_time
    async def get_or_load_many(self, questions: Sequence[Question], load: Load, urgency: int = 0) -> dict[str, Any]:
        """The answers to several questions under their names; what is not remembered is asked in one ``load``."""
        answers: dict[str, Any] = {}
        stale, missing = [], []
        tally, now = _tally.get(), self._clock()
        for question in questions:
            kept = self.memory.get(question)
            if tally is not None:
                _count(tally.memory, kept, now)
            answer = _FOREIGN if kept is None else self._decoded(question, kept.value)
            if answer is _FOREIGN:
                missing.append(question)
                continue
            answers[question.name] = answer
            if kept is not None and now >= kept.fresh_until:
                stale.append(question)
        if stale:
            self._refresh(stale, load)
        if missing:
            answers |= await self._answers(list(dict.fromkeys(missing)), load, urgency)
        return answers

    @measure_time
    async def recall(self, questions: Sequence[Question]) -> dict[str, Any]:
        """The answers that are remembered and fresh, under their questions' names. Asks the market nothing."""
        answers: dict[str, Any] = {}
        tally, epoch = _tally.get(), self.memory.epoch
        levels: tuple[Level[Any] | None, ...] = (self.memory, self.redis)
        for level in levels:
            rest = [question for question in questions if question.name not in answers]
            if level is None or not rest:
                break
            for question, found in zip(rest, await level.look(rest), strict=True):
                if tally is not None:
                    _count(tally.memory if level is self.memory else tally.redis, found.entry, self._clock())
                if found.entry is None or self._clock() >= found.entry.fresh_until:
                    continue
                answer = self._decoded(question, found.entry.value)
                if answer is not _FOREIGN:
                    answers[question.name] = answer
                    if level is not self.memory:
                        self.memory.set(question, found.entry, epoch)
        return answers

    # ---- forgetting --------------------------------------------------------------------------------------------------

    @measure_time
    async def invalidate(self, tags: Iterable[str]) -> None:
        """Forget everything that goes with any of the tags, here and in every process, in constant time."""
        tags = list(tags)
        self.memory.drop(tags)
        if self.redis is not None:
            await self.redis.invalidate(tags)

    async def price_changed(self, game: Game, title: str) -> None:
        """Forget what depends on a price of a title: its quote, its buy orders, and the scans of its game."""
        await self.invalidate(policy.of_price(game, title))

    async def clear(self) -> None:
        """Forget everything, everywhere."""
        await self.invalidate(tag for game in Game for tag in policy.of_game(game))

    # ---- counts ------------------------------------------------------------------------------------------------------

    @property
    def counts(self) -> CacheCounts:
        """What this cache did since it was made."""
        redis = self.redis.counts if self.redis is not None else LevelCounts()
        return CacheCounts(copy(self.memory.counts), copy(redis), self.coalesced, self.loads, self.refreshed)

    @contextmanager
    def counting(self, tally: CacheCounts) -> Iterator[CacheCounts]:
        """Count into ``tally`` as well what is asked within the block, tasks begun in it included.

        Evictions and errors belong to nobody: those of the whole cache meanwhile are counted.
        """
        before, token = self.counts, _tally.set(tally)
        try:
            yield tally
        finally:
            _tally.reset(token)
            after = self.counts
            for mine, old, new in ((tally.memory, before.memory, after.memory), (tally.redis, before.redis, after.redis)):
                mine.evictions += new.evictions - old.evictions
                mine.errors += new.errors - old.errors

    async def _tell_often(self, redis: RedisLevel) -> None:
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            await self._tell(redis)

    async def _tell(self, redis: RedisLevel) -> None:
        """Add what was counted since the last time to the sums that all processes share."""
        now = self.counts.flat()
        await redis.add_up({name: count - self._told.get(name, 0) for name, count in now.items()})
        self._told = now

    # ---- flights -----------------------------------------------------------------------------------------------------

    async def _answers(self, questions: Sequence[Question], load: Load, urgency: int) -> dict[str, Any]:
        """Join the flights that ask some of it already, begin one for the rest, and wait for all."""
        flights: dict[_Flight, list[Question]] = {}
        own: list[Question] = []
        for question in questions:
            flight = self._flights.get(question.name)
            if flight is not None and flight.urgency <= urgency and self.memory.stands(question, flight.fence):
                flights.setdefault(flight, []).append(question)
                self._coalesce()
            else:
                own.append(question)
        if own:
            flights[self._begin(own, load, urgency)] = own
        answers: dict[str, Any] = {}
        for flight in flights:
            flight.waiters += 1
        waiting = list(flights)
        try:
            while waiting:
                values = await asyncio.shield(waiting[0].task)
                for question in flights[waiting[0]]:
                    if question.name in values:
                        answers[question.name] = self._codecs[question.subject].decode(values[question.name])
                self._leave(waiting.pop(0))
        finally:
            for flight in waiting:
                self._leave(flight)
        return answers

    def _begin(self, questions: Sequence[Question], load: Load, urgency: int) -> _Flight:
        flight = _Flight(questions, self.memory.epoch, urgency)
        flight.task = self._spawn(self._fly(questions, load, urgency))
        for question in questions:
            self._flights[question.name] = flight
        flight.task.add_done_callback(lambda _: self._landed(flight))
        return flight

    def _landed(self, flight: _Flight) -> None:
        self._close(flight)
        if not flight.task.cancelled():
            flight.task.exception()  # everyone who waited has it; nobody else needs to hear

    def _close(self, flight: _Flight) -> None:
        """Let nobody join any more."""
        for question in flight.questions:
            if self._flights.get(question.name) is flight:
                del self._flights[question.name]

    def _leave(self, flight: _Flight) -> None:
        """One waiter less; a flight that nobody waits for any more ends."""
        flight.waiters -= 1
        if not flight.waiters and not flight.task.done():
            self._close(flight)
            flight.task.cancel()

    async def _fly(self, questions: Sequence[Question], load: Load, urgency: int) -> dict[str, bytes]:
        """The bytes of each answer: from Redis, from another process that asks already, or from the market."""
        values: dict[str, bytes] = {}
        if self.redis is None:
            return await self._load([(question, b"") for question in questions], load, behind=False)
        missing = await self._look_further(self.redis, questions, load, values)
        while missing:
            missing = await self._ask(self.redis, missing, load, urgency, values)
        return values

    async def _look_further(self, redis: RedisLevel, questions: Sequence[Question], load: Load, values: dict[str, bytes]) -> list[Question]:
        """Take what Redis has into memory and ``values``; give back the rest."""
        epoch = self.memory.epoch
        looked = list(zip(questions, await redis.look(questions), strict=True))
        if (tally := _tally.get()) is not None:
            for _, found in looked:
                _count(tally.redis, found.entry, self._clock())
        missing, stale = self._taken(looked, epoch, values)
        if stale:
            self._refresh(stale, load)
        return [question for question, _ in missing]

    def _taken(
        self, looked: Sequence[tuple[Question, Found[bytes]]], epoch: int, values: dict[str, bytes]
    ) -> tuple[list[tuple[Question, bytes]], list[Question]]:
        """Take what Redis gave into memory and ``values``: what it did not have, each with its fence, and what was stale."""
        missing, stale = [], []
        for question, found in looked:
            if found.entry is None or self._decoded(question, found.entry.value) is _FOREIGN:
                missing.append((question, found.fence))
                continue
            values[question.name] = found.entry.value
            self.memory.set(question, found.entry, epoch)
            if self._clock() >= found.entry.fresh_until:
                stale.append(question)
        return missing, stale

    async def _ask(self, redis: RedisLevel, questions: Sequence[Question], load: Load, urgency: int, values: dict[str, bytes]) -> list[Question]:
        """Ask the market what no other process asks, wait for what others ask, and give back what is still missing."""
        heard = redis.listen(questions)
        try:
            epoch = self.memory.epoch
            claimed = list(zip(questions, await redis.claim(questions, urgency), strict=True))
            mine = [(question, found) for question, found in claimed if found is not None]
            if mine:
                async with redis.holding([question for question, _ in mine], urgency):
                    missing, _ = self._taken(mine, epoch, values)
                    if missing:
                        values |= await self._load(missing, load, behind=False)
            others = [question for question, found in claimed if found is None]
            if not others:
                return []
            self._coalesce(len(others))
            given = [future for (_, found), future in zip(claimed, heard, strict=True) if found is None]
            await asyncio.wait(given, timeout=await redis.left(others))
        finally:
            redis.deafen(questions, heard)
        return await self._look_further(redis, others, load, values)

    async def _load(self, missing: Sequence[tuple[Question, bytes]], load: Load, *, behind: bool) -> dict[str, bytes]:
        """Ask the market, and keep the answers unless they were invalidated meanwhile."""
        epoch = self.memory.epoch
        questions = [question for question, _ in missing]
        if behind:
            self.refreshed += 1
        else:
            self.loads += 1
            if (tally := _tally.get()) is not None:
                tally.loads += 1
        loaded = await load(questions, behind)
        answered = [(question, fence) for question, fence in missing if question.name in loaded or question.subject in self._may_be_none]
        kept = [(question, self._entry(question, loaded.get(question.name)), fence) for question, fence in answered]
        for question, entry, _ in kept:
            self.memory.set(question, entry, epoch)
        if self.redis is not None:
            # What fell meanwhile could not be found there, but would take the place of a newer answer.
            await self.redis.put([one for one in kept if self.memory.stands(one[0], epoch)])
        return {question.name: entry.value for question, entry, _ in kept}

    def _refresh(self, questions: Sequence[Question], load: Load) -> None:
        """Renew stale answers behind, once each, for nobody's account."""
        due = [question for question in questions if question.name not in self._refreshing]
        if due:
            self._refreshing.update(question.name for question in due)
            self._spawn(self._renew(due, load), context=Context())

    async def _renew(self, questions: Sequence[Question], load: Load) -> None:
        try:
            if self.redis is None:
                await self._load([(question, b"") for question in questions], load, behind=True)
                return
            epoch = self.memory.epoch
            claimed = zip(questions, await self.redis.claim(questions, _BEHIND), strict=True)
            mine = [(question, found) for question, found in claimed if found is not None]
            if mine:
                async with self.redis.holding([question for question, _ in mine], _BEHIND):
                    due = self._due(mine, epoch)
                    if due:
                        await self._load(due, load, behind=True)
        except BotcoreError as error:
            _log.info("not renewed, the old answer stays until its end: %s", error)
        finally:
            self._refreshing.difference_update(question.name for question in questions)

    def _due(self, claimed: Sequence[tuple[Question, Found[bytes]]], epoch: int) -> list[tuple[Question, bytes]]:
        """What is to be renewed still; what another process has renewed is taken into memory."""
        missing, stale = self._taken(claimed, epoch, {})
        fences = {question: found.fence for question, found in claimed}
        return [*missing, *((question, fences[question]) for question in stale)]

    # ---- bits --------------------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, T], *, context: Context | None = None) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _entry(self, question: Question, answer: object) -> Entry:
        fresh, kept = self.policies[question.subject].lifetime(answer)
        now, part = self._clock(), 1 - self.options.jitter * self._chance()
        return Entry(self._codecs[question.subject].encode(answer), now + fresh * part, now + kept * part)

    def _decoded(self, question: Question, value: bytes) -> Any:
        try:
            return self._codecs[question.subject].decode(value)
        except (msgspec.MsgspecError, ValueError):
            return _FOREIGN

    def _reads_as_none(self, subject: Subject) -> bool:
        try:
            return self._codecs[subject].decode(self._codecs[subject].encode(None)) is None
        except msgspec.ValidationError:
            return False

    def _coalesce(self, count: int = 1) -> None:
        self.coalesced += count
        if (tally := _tally.get()) is not None:
            tally.coalesced += count

    def _heard(self, tags: Iterable[str] | None) -> None:
        if tags is None:
            self.memory.clear()
        else:
            self.memory.drop(tags)


def _count(counts: LevelCounts, entry: Entry | None, now: float) -> None:
    """One look at a level, into somebody's tally."""
    if entry is None:
        counts.misses += 1
        return
    counts.hits += 1
    counts.stale += now >= entry.fresh_until
    counts.bytes += len(entry.value)
