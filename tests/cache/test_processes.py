"""Several processes on one Redis: one of them asks, all of them forget, and a dead one holds nobody up for long."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest
import redis

from botcore.cache import policy
from botcore.cache.policy import CacheOptions
from botcore.errors import MarketError

from .support import GAME, OPTIONS, PATIENCE, SALES, TARGETS, Clock, Ear, Market, idle, opened

QUESTION = policy.targets(GAME, "x")
OTHER = policy.sales(GAME, "x")
LOCK = 1.0
OWNER = f"""
import asyncio, sys
from botcore.cache import Cache, CacheOptions, RedisLevel, open_connection
from botcore.cache.policy import targets
from botcore.model import Game

async def load(questions, behind):
    print("asking", flush=True)
    await asyncio.Event().wait()

async def main(url, space):
    options = CacheOptions(lock={LOCK})
    async with open_connection(url, 10.0) as connection, Cache(options, RedisLevel(connection, space=space, options=options)) as cache:
        await cache.get_or_load(targets(Game.CSGO, "x"), load)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def pair(valkey, space, clock):
    """Two caches that share nothing but the server, as two processes do."""
    async with opened(valkey.url, space, clock=clock) as one, opened(valkey.url, space, clock=clock) as other:
        yield one, other


async def test_one_asks_for_all(pair, market):
    market.answers = {QUESTION.name: TARGETS}
    market.hold()
    tasks = [asyncio.create_task(cache.get_or_load(QUESTION, market.load)) for cache in pair for _ in range(50)]
    await market.reached(1)
    market.release()
    assert await asyncio.gather(*tasks) == [TARGETS] * 100
    assert market.calls == 1


async def test_one_renews_for_all(pair, market, clock):
    """The other finds in Redis what was renewed, and asks nothing."""
    market.answers = {OTHER.name: SALES}
    for cache in pair:
        await cache.get_or_load(OTHER, market.load)
    clock.now += OPTIONS.sales
    market.answers = {OTHER.name: SALES[:1]}
    for cache in pair:
        assert await cache.get_or_load(OTHER, market.load) == SALES
        await idle(cache)
        assert await cache.get_or_load(OTHER, market.load) == SALES[:1]
    assert market.calls == 2


async def test_an_error_of_one_is_no_answer_for_the_other(pair):
    """It asks for itself."""
    one, other = pair
    fails, answers = Market(), Market({QUESTION.name: TARGETS})
    fails.error = MarketError("not today")
    fails.hold()
    first = asyncio.create_task(one.get_or_load(QUESTION, fails.load))
    await fails.reached(1)
    second = asyncio.create_task(other.get_or_load(QUESTION, answers.load))
    fails.release()
    with pytest.raises(MarketError, match="not today"):
        await first
    assert await second == TARGETS


async def test_a_claim_given_up_wakes_the_other(pair):
    """A cancelled flight does not hold it up until the claim's end."""
    one, other = pair
    left, answers = Market(), Market({QUESTION.name: TARGETS})
    left.hold()
    first = asyncio.create_task(one.get_or_load(QUESTION, left.load))
    await left.reached(1)
    second = asyncio.create_task(other.get_or_load(QUESTION, answers.load))
    first.cancel()
    began = time.monotonic()
    assert await second == TARGETS
    assert time.monotonic() - began < OPTIONS.lock / 2


async def test_an_urgent_caller_waits_for_no_less_urgent_process(pair):
    one, other = pair
    slow, quick = Market({QUESTION.name: TARGETS}), Market({QUESTION.name: TARGETS * 2})
    slow.hold()
    patient = asyncio.create_task(one.get_or_load(QUESTION, slow.load, 5))
    await slow.reached(1)
    async with asyncio.timeout(PATIENCE):
        assert await other.get_or_load(QUESTION, quick.load, 1) == TARGETS * 2
    slow.release()
    assert await patient == TARGETS


async def test_the_others_memory_forgets_by_the_channel(pair, market):
    one, other = pair
    market.answers = {QUESTION.name: TARGETS, OTHER.name: SALES}
    for cache in pair:
        await cache.get_or_load_many([QUESTION, OTHER], market.load)
    ear = Ear(other)
    await one.price_changed(GAME, "x")
    await ear.hears(policy.of_price(GAME, "x")[0])
    assert [other.memory.get(question) is not None for question in (QUESTION, OTHER)] == [False, True]


async def test_an_invalidation_does_not_harm_what_was_loaded_after_it(pair, market):
    """Its own message comes back to a process that has asked again by then."""
    one, other = pair
    market.answers = {QUESTION.name: TARGETS}
    ear = Ear(other)
    await one.invalidate(QUESTION.tags[:1])
    assert await one.get_or_load(QUESTION, market.load) == TARGETS
    await ear.hears(QUESTION.tags[0])
    marker = Ear(one)
    await other.invalidate(["marker"])
    await marker.hears("marker")
    assert one.memory.get(QUESTION) is not None
    assert market.calls == 1


async def test_an_invalidation_goes_on_when_its_caller_is_cancelled(pair):
    one, other = pair
    ear = Ear(other)
    task = asyncio.create_task(one.invalidate(["cancelled"]))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await ear.hears("cancelled")
    assert task.cancelled()


async def test_sums_of_all_processes_are_added_up(valkey, space):
    market = Market({QUESTION.name: TARGETS})
    with redis.Redis.from_url(valkey.url) as raw:
        before = int(raw.hget("botcore:sums", "loads") or 0)
        for _ in range(2):
            async with opened(valkey.url, space) as cache:
                await cache.get_or_load(QUESTION, market.load)
                await cache.invalidate(QUESTION.tags)
        assert int(raw.hget("botcore:sums", "loads") or 0) - before == 2


async def test_a_process_killed_while_it_asks_holds_the_others_up_until_its_claim_ends(valkey, space):
    """Not longer, not shorter, and nobody sees an error."""
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", OWNER, valkey.url, space, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    try:
        assert await owner.stdout.readline() == b"asking\n"
        market = Market({QUESTION.name: TARGETS})
        options = CacheOptions(jitter=0.0, lock=LOCK, timeout=10.0)
        with redis.Redis.from_url(valkey.url) as raw:
            async with opened(valkey.url, space, clock=Clock(), options=options) as cache:
                task = asyncio.create_task(cache.get_or_load(QUESTION, market.load))
                # It waits longer than a claim lasts, since the owner keeps its claim alive.
                done, _ = await asyncio.wait([task], timeout=1.5 * LOCK)
                assert not done
                owner.kill()
                await owner.wait()
                (lock,) = [key for key in raw.keys(f"botcore:{space}:*") if b":l:" in key]
                left, began = raw.pttl(lock) / 1000, time.monotonic()
                assert await task == TARGETS
                assert time.monotonic() - began >= left - 0.05
                assert market.calls == 1
                assert cache.counts.redis.errors == 0
    finally:
        if owner.returncode is None:
            owner.kill()
        await owner.wait()
