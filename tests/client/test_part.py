"""A part of a quota: what it holds, what its least urgent callers leave free, and that the whole counts it."""

from __future__ import annotations

import asyncio

import pytest

from botcore.client import PartQuota, Priority, Quota, QuotaOptions
from botcore.errors import ConfigError, Throttled
from botcore.model import RequestClass

from .test_quota import FakeTime, settle

MARKET = RequestClass.MARKET
TEN = QuotaOptions(market=10, window=1.0)


def quotas(part=0.9, spare=0.0):
    time = FakeTime()
    whole = Quota(TEN, clock=time.clock, call_later=time.call_later)
    return time, whole, PartQuota(whole, part, spare=spare, call_later=time.call_later)


async def taken(quota, priority, times):
    """As many callers at once; gives those that got a place, each as a task."""
    tasks = [asyncio.ensure_future(quota.acquire(MARKET, priority)) for _ in range(times)]
    await settle()
    return tasks


def count(tasks):
    return sum(task.done() and not task.cancelled() for task in tasks)


async def dismiss(*tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_no_window_of_the_part_holds_more_than_its_share_and_the_rest_stays_for_others():
    time, whole, part = quotas()
    mine = await taken(part, Priority.WATCH, 30)
    assert count(mine) == 9
    others = await taken(whole, Priority.INTERACTIVE, 5)
    assert count(others) == 1
    assert whole.sent.market == 10
    await time.advance(1.0)
    assert count(others) == 5
    assert whole.sent.market == 10 + 9  # of the others' four and the part's, who leaves a tenth free
    await time.advance(10.0)
    assert (count(mine), part.sent.market) == (30, 30)


@pytest.mark.parametrize("ceiling", [1, 2, 10, 11])
async def test_who_can_wait_longest_leaves_a_tenth_of_the_whole_free_and_is_never_left_without(ceiling):
    time = FakeTime()
    whole = Quota(QuotaOptions(market=ceiling, window=1.0), clock=time.clock, call_later=time.call_later)
    parts = [PartQuota(whole, 1.0, call_later=time.call_later) for _ in range(2)]
    for number, part in enumerate(parts):
        waiting = await taken(part, Priority.INTERACTIVE, 20)
        assert count(waiting) == (0 if number else max(1, ceiling * 9 // 10))
    await taken(whole, Priority.SCAN, 20)
    assert whole.sent.market == ceiling
    await time.advance(60.0)
    assert whole.sent.market == 60


async def test_the_least_urgent_leave_places_free_for_those_who_are_in_more_of_a_hurry():
    _, _, part = quotas(spare=0.4)
    warm = await taken(part, Priority.WARM, 9)
    assert count(warm) == 9 - 3
    hurried = await taken(part, Priority.WATCH, 9)
    assert count(hurried) == 3
    await dismiss(*warm, *hurried)


async def test_the_least_urgent_get_their_places_as_windows_pass():
    time, _, part = quotas(spare=0.4)
    warm = await taken(part, Priority.WARM, 20)
    await time.advance(1.0)
    assert count(warm) == 12
    await time.advance(2.0)
    assert count(warm) == 20


@pytest.mark.parametrize("other", [Priority.INTERACTIVE, Priority.SCAN])
async def test_whoever_else_waits_in_the_whole_goes_first(other):
    time, whole, part = quotas()
    await taken(whole, other, 10)
    watch = await taken(part, Priority.WATCH, 3)
    scan = await taken(whole, other, 10)
    await time.advance(1.0)
    assert (count(scan), count(watch)) == (10, 0)
    await time.advance(1.0)
    assert count(watch) == 3


async def test_a_caller_that_gives_up_costs_no_place():
    time, whole, part = quotas()
    await taken(whole, Priority.INTERACTIVE, 10)
    waiting = await taken(part, Priority.WATCH, 9)
    await dismiss(*waiting)
    await time.advance(1.0)
    assert count(await taken(part, Priority.WATCH, 20)) == 9
    assert whole.sent.market == 19


async def test_a_place_that_was_not_used_comes_back_in_both():
    _, whole, part = quotas(part=0.1)
    with await part.reserve(MARKET):
        pass
    assert count(await taken(part, Priority.WATCH, 1)) == 1
    assert (part.sent.market, whole.sent.market) == (1, 1)


async def test_a_refusal_teaches_the_whole_and_holds_the_part_back():
    time, whole, part = quotas()
    part.observe(MARKET, 429, {}, retry_after=2.0)
    assert whole.throttled == 1
    waiting = await taken(part, Priority.WATCH, 9)
    assert count(waiting) == 0
    await time.advance(2.0)
    assert count(waiting) == 6  # nine tenths of 7


async def test_a_long_pause_of_the_whole_is_an_error_of_the_part():
    _, _, part = quotas()
    part.observe(MARKET, 429, {}, retry_after=600.0)
    with pytest.raises(Throttled):
        await part.acquire(MARKET)


@pytest.mark.parametrize("given", [(0.0, 0.0), (1.1, 0.0), (0.5, 1.0), (0.5, -0.1)])
def test_a_part_is_a_part(given):
    with pytest.raises(ConfigError):
        PartQuota(Quota(), given[0], spare=given[1])
