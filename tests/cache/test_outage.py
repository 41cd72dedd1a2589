"""Redis going away in the middle: one warning, nobody fails, and nothing wrong is served when it is back."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest
import redis

from botcore.cache import policy
from botcore.cache.policy import CacheOptions

from .support import GAME, SALES, TARGETS, Market, idle, opened, turned

QUESTION = policy.targets(GAME, "x")
MANY = [policy.targets(GAME, str(number)) for number in range(60)]


def warnings(caplog: pytest.LogCaptureFixture) -> int:
    return [record.levelname for record in caplog.records].count("WARNING")


async def test_a_kill_in_the_middle_of_many_questions_fails_none(mortal, space, caplog):
    """Some in memory, some asked by now, some asked after; then it is back by itself, and shared again."""
    market = Market({question.name: TARGETS for question in MANY})
    async with opened(mortal.url, space) as cache, opened(mortal.url, space) as other:
        await cache.get_or_load_many(MANY[:20], market.load)
        market.hold()
        tasks = [asyncio.create_task(cache.get_or_load(question, market.load)) for question in MANY[:40]]
        await market.reached(21)
        mortal.kill()
        tasks += [asyncio.create_task(cache.get_or_load(question, market.load)) for question in MANY[40:]]
        market.release()
        assert await asyncio.gather(*tasks) == [TARGETS] * 60
        assert set(market.asked.values()) == {1}
        await turned(cache, up=False)
        await turned(other, up=False)
        assert warnings(caplog) == 2
        mortal.restart()
        await turned(cache, up=True)
        await turned(other, up=True)
        await cache.get_or_load(QUESTION, Market({QUESTION.name: TARGETS}).load)
        never = Market()
        assert await other.get_or_load(QUESTION, never.load) == TARGETS
        assert never.calls == 0
    assert warnings(caplog) == 2


async def test_each_outage_is_told_once(mortal, space, caplog):
    async with opened(mortal.url, space) as cache:
        for outage in (1, 2, 3):
            mortal.kill()
            await turned(cache, up=False)
            await asyncio.gather(*(cache.invalidate([f"{outage}"]) for _ in range(3)))
            assert warnings(caplog) == outage
            mortal.restart()
            await turned(cache, up=True)


async def test_what_was_invalidated_while_it_was_away_is_never_served(mortal, space):
    """Neither from Redis nor from the memory of a process that could not hear of it."""
    before, after = Market({QUESTION.name: TARGETS}), Market({QUESTION.name: TARGETS * 2})
    options = CacheOptions(jitter=0.0, timeout=0.2)
    async with opened(mortal.url, space, options=options) as cache, opened(mortal.url, space, options=options) as other:
        await cache.get_or_load(QUESTION, before.load)
        await other.get_or_load(QUESTION, before.load)
        os.kill(mortal.pid, signal.SIGSTOP)
        try:
            for one in (cache, other):
                await one.get_or_load(policy.sales(GAME, "x"), Market({}).load)
                await turned(one, up=False)
            await cache.invalidate(QUESTION.tags[:1])
        finally:
            os.kill(mortal.pid, signal.SIGCONT)
        await turned(cache, up=True)
        await turned(other, up=True)
        for one in (cache, other):
            assert await one.get_or_load(QUESTION, after.load) == TARGETS * 2
        assert (before.calls, after.calls) == (1, 1)


async def test_an_old_dump_is_never_served(mortal, space):
    """A server that comes back with yesterday's data does not know what was invalidated since."""
    market = Market({QUESTION.name: TARGETS})
    with redis.Redis.from_url(mortal.url) as raw:
        async with opened(mortal.url, space) as cache:
            await cache.get_or_load(QUESTION, market.load)
            raw.save()
            await cache.invalidate(QUESTION.tags)
            mortal.kill()
            await turned(cache, up=False)
            mortal.restart()
            await turned(cache, up=True)
            assert [key for key in raw.keys(f"botcore:{space}:*") if b":v:" in key]
            assert await cache.recall([QUESTION]) == {}
            assert await cache.get_or_load(QUESTION, market.load) == TARGETS
    assert market.calls == 2


async def test_an_answer_asked_for_before_an_outage_and_invalidated_in_it_is_not_kept(mortal, space):
    """By another process, whose invalidation the new server knows nothing of."""
    market = Market({QUESTION.name: TARGETS})
    market.hold()
    async with opened(mortal.url, space) as cache, opened(mortal.url, space) as other:
        early = asyncio.create_task(cache.get_or_load(QUESTION, market.load))
        await market.reached(1)
        await other.invalidate(QUESTION.tags)
        mortal.kill()
        for one in (cache, other):
            await turned(one, up=False)
        mortal.restart()
        for one in (cache, other):
            await turned(one, up=True)
        market.release()
        assert await early == TARGETS
        for one in (cache, other):
            assert await one.recall([QUESTION]) == {}


async def test_a_server_that_hangs_costs_each_caller_its_timeout_once(mortal, space, caplog):
    """Two hundred callers wait for it side by side; whoever comes later does not wait at all."""
    options = CacheOptions(jitter=0.0, timeout=0.5)
    market = Market({question.name: TARGETS for question in MANY})
    many = [policy.sales(GAME, str(number)) for number in range(200)]
    market.answers |= {question.name: SALES for question in many}
    async with opened(mortal.url, space, options=options) as cache:
        os.kill(mortal.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            await asyncio.gather(*(cache.get_or_load(question, market.load) for question in many))
            first = time.monotonic() - began
            sent = cache.counts.redis.errors
            for question in MANY:
                assert await cache.get_or_load(question, market.load) == TARGETS
            assert first < 4 * options.timeout + 5  # one after the other it would be far more than a minute
            assert sent <= 50 + 3
            assert warnings(caplog) == 1
        finally:
            os.kill(mortal.pid, signal.SIGCONT)
        await turned(cache, up=True)
        await idle(cache)
    assert warnings(caplog) == 1


async def test_it_need_not_be_there_at_the_start(mortal, space, caplog):
    mortal.kill()
    market = Market({QUESTION.name: TARGETS})
    async with opened(mortal.url, space) as cache:
        assert cache.redis is not None
        assert not cache.redis.up
        assert await cache.get_or_load(QUESTION, market.load) == TARGETS
        mortal.restart()
        await turned(cache, up=True)
        assert await cache.get_or_load(QUESTION, market.load) == TARGETS
    assert warnings(caplog) == 1
