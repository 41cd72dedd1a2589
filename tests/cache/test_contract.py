"""One contract, every implementation: the levels, and the whole cache with Redis there, away and killed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial

import pytest

from botcore.cache import policy
from botcore.cache.levels import Entry, MemoryLevel
from botcore.cache.policy import CacheOptions, Question, Subject
from botcore.cache.two_level import Cache, CacheCounts
from botcore.errors import ConfigError, MarketError
from botcore.model import Quote, ScanQuery, ScanReport

from .support import GAME, NOWHERE, OPTIONS, PATIENCE, SALES, TARGETS, Market, idle, opened_level

QUESTION = policy.targets(GAME, "AK-47 | Redline (Field-Tested)")
OTHER = policy.sales(GAME, "AK-47 | Redline (Field-Tested)")
KEPT = OPTIONS.targets
SCAN_START = datetime(2026, 11, 24, tzinfo=UTC)


# ---- a level ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "redis"])
async def level(request, valkey, space, clock):
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield MemoryLevel(10_000_000, 1_000, clock=clock)
        else:
            yield await stack.enter_async_context(opened_level(valkey.url, space, clock=clock))


async def put(level, question: Question, value: bytes, *, fresh: float = 10.0, kept: float = 20.0, now: float) -> None:
    (found,) = await level.look([question])
    await level.put([(question, Entry(value, now + fresh, now + kept), found.fence)])


async def value(level, question: Question) -> bytes | None:
    (found,) = await level.look([question])
    return found.entry.value if found.entry else None


@pytest.mark.parametrize("data", [b"", b"\0", b"bc1\n", "Ü | ★".encode(), bytes(range(256)) * 400])
async def test_a_level_gives_back_the_bytes_and_the_times_that_were_put(level, clock, data):
    await put(level, QUESTION, data, now=clock())
    (found,) = await level.look([QUESTION])
    assert (found.entry.value, found.entry.fresh_until, found.entry.kept_until) == (data, clock() + 10, clock() + 20)


async def test_a_level_answers_in_the_order_of_the_questions(level, clock):
    questions = [policy.quote(GAME, str(number)) for number in range(20)]
    for question in questions[::2]:
        await put(level, question, question.name.encode(), now=clock())
    found = await level.look(questions[::-1])
    assert [one.entry.value if one.entry else None for one in found[::-1]] == [
        question.name.encode() if number % 2 == 0 else None for number, question in enumerate(questions)
    ]


async def test_a_level_forgets_at_the_end_of_the_lifetime(level, clock):
    """By the given clock: fresh, then stale, then gone."""
    await put(level, QUESTION, b"1", now=clock())
    for seconds, left in ((9.999, b"1"), (0.001, b"1"), (9.999, b"1"), (0.001, None)):
        clock.now += seconds
        assert await value(level, QUESTION) == left
    assert (level.counts.hits, level.counts.stale, level.counts.bytes) == (3, 2, 3)


@pytest.mark.parametrize("tag", QUESTION.tags)
async def test_a_level_forgets_what_goes_with_a_tag_and_nothing_else(level, clock, tag):
    stays = policy.fee_book(GAME)
    await put(level, QUESTION, b"1", now=clock())
    await put(level, stays, b"2", now=clock())
    await level.invalidate([tag])
    assert await value(level, QUESTION) is None
    assert await value(level, stays) == b"2"


async def test_a_level_refuses_an_answer_asked_for_before_an_invalidation(level, clock):
    (found,) = await level.look([QUESTION])
    await level.invalidate(QUESTION.tags[:1])
    await level.put([(QUESTION, Entry(b"old", clock() + 10, clock() + 20), found.fence)])
    assert await value(level, QUESTION) is None
    await put(level, QUESTION, b"new", now=clock())
    assert await value(level, QUESTION) == b"new"


async def test_a_level_counts(level, clock):
    assert await value(level, QUESTION) is None
    await put(level, QUESTION, b"12345", now=clock())
    await level.look([QUESTION, OTHER])
    assert (level.counts.hits, level.counts.misses, level.counts.bytes, level.counts.errors) == (1, 3, 5, 0)


async def test_a_level_that_is_away_knows_nothing_and_fails_nobody(space, clock):
    async with opened_level(NOWHERE, space, clock=clock) as away:
        await put(away, QUESTION, b"1", now=clock())
        await away.invalidate(QUESTION.tags)
        assert await value(away, QUESTION) is None
        assert await away.left([QUESTION]) == 0
        assert [found.entry for found in await away.claim([QUESTION, OTHER], 0) if found] == [None, None]


# ---- the cache -------------------------------------------------------------------------------------------------------


async def test_an_answer_is_asked_for_once(cache, market):
    market.answers = {QUESTION.name: TARGETS}
    assert [await cache.get_or_load(QUESTION, market.load) for _ in range(3)] == [TARGETS] * 3
    assert market.calls == 1


async def test_everyone_gets_an_answer_of_his_own(cache, market):
    """What one caller does to it changes nothing for the next."""
    market.answers = {QUESTION.name: list(TARGETS)}
    first, second = await asyncio.gather(*(cache.get_or_load(QUESTION, market.load) for _ in range(2)))
    first.clear()
    assert second == await cache.get_or_load(QUESTION, market.load) == TARGETS


async def test_a_hundred_callers_are_one_flight(cache, market):
    market.answers = {QUESTION.name: TARGETS}
    market.hold()
    tasks = [asyncio.create_task(cache.get_or_load(QUESTION, market.load)) for _ in range(100)]
    await market.reached(1)
    market.release()
    assert await asyncio.gather(*tasks) == [TARGETS] * 100
    assert (market.calls, cache.counts.coalesced, cache.counts.loads) == (1, 99, 1)


@pytest.mark.parametrize("leaver", [0, 1, 2])
async def test_a_cancelled_waiter_harms_nobody(cache, market, leaver):
    """Whether it began the flight or joined it."""
    market.answers = {QUESTION.name: TARGETS}
    market.hold()
    tasks = [asyncio.create_task(cache.get_or_load(QUESTION, market.load)) for _ in range(3)]
    await market.reached(1)
    tasks[leaver].cancel()
    await asyncio.wait([tasks[leaver]])
    market.release()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers.pop(leaver), asyncio.CancelledError)
    assert answers == [TARGETS] * 2
    assert market.calls == 1


async def test_a_flight_that_nobody_waits_for_ends(cache, market):
    """Its load is cancelled, and the next caller begins a new one."""
    market.answers = {QUESTION.name: TARGETS}
    market.hold()
    tasks = [asyncio.create_task(cache.get_or_load(QUESTION, market.load)) for _ in range(2)]
    await market.reached(1)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    market.release()
    assert await cache.get_or_load(QUESTION, market.load) == TARGETS
    await idle(cache)
    assert (market.ended, market.calls) == ([QUESTION.name], 2)


async def test_an_error_reaches_everyone_and_is_never_remembered(cache, market):
    market.error = MarketError("not today")
    market.hold()
    tasks = [asyncio.create_task(cache.get_or_load(QUESTION, market.load)) for _ in range(3)]
    await market.reached(1)
    market.release()
    assert [str(one) for one in await asyncio.gather(*tasks, return_exceptions=True)] == ["not today"] * 3
    market.error, market.answers = None, {QUESTION.name: TARGETS}
    assert await cache.get_or_load(QUESTION, market.load) == TARGETS
    assert market.calls == 2


@pytest.mark.parametrize(("asked", "nothing", "kept"), [(policy.quote(GAME, "x"), None, OPTIONS.quotes), (OTHER, [], OPTIONS.empty)])
async def test_an_answer_without_rows_is_remembered_briefly(cache, market, clock, asked, nothing, kept):
    """For the time of empty answers, or its own when that is shorter; never stale."""
    market.answers = {asked.name: nothing}
    for seconds, calls in ((0.0, 1), (kept - 0.001, 1), (0.001, 2)):
        clock.now += seconds
        assert await cache.get_or_load(asked, market.load) == nothing
        await idle(cache)
        assert market.calls == calls


async def test_an_answer_that_is_left_out_is_none_and_remembered_only_where_none_is_an_answer(cache, market):
    quote = policy.quote(GAME, "x")
    for _ in range(2):
        assert await cache.get_or_load(quote, market.load) is None
        assert await cache.get_or_load(QUESTION, market.load) is None
    assert market.asked == {quote.name: 1, QUESTION.name: 2}


async def test_a_stale_answer_is_given_out_while_one_flight_renews_it_behind(cache, market, clock):
    market.answers = {OTHER.name: SALES}
    await cache.get_or_load(OTHER, market.load)
    clock.now += OPTIONS.sales
    market.answers = {OTHER.name: SALES[:1]}
    market.hold()
    assert [await cache.get_or_load(OTHER, market.load) for _ in range(3)] == [SALES] * 3
    market.release()
    await idle(cache)
    assert await cache.get_or_load(OTHER, market.load) == SALES[:1]
    assert market.batches == [([OTHER.name], False), ([OTHER.name], True)]
    assert (cache.counts.memory.stale, cache.counts.refreshed, cache.counts.loads) == (3, 1, 1)


async def test_what_cannot_be_renewed_stays_stale_until_its_end(cache, market, clock):
    market.answers = {OTHER.name: SALES}
    await cache.get_or_load(OTHER, market.load)
    market.error = MarketError("not today")
    clock.now += OPTIONS.sales
    for calls in (2, 3):
        assert await cache.get_or_load(OTHER, market.load) == SALES
        await idle(cache)
        assert market.calls == calls
    clock.now += OPTIONS.sales_stale
    with pytest.raises(MarketError, match="not today"):
        await cache.get_or_load(OTHER, market.load)


async def test_a_price_takes_along_what_depends_on_it_and_nothing_else(cache, market):
    """The quote, the buy orders and the game's scans go; sales, fees and other titles stay."""
    title = "AK-47 | Redline (Field-Tested)"
    goes = {policy.quote(GAME, title): Quote(title, 1, 2, 3, 4), QUESTION: TARGETS}
    stays = {OTHER: SALES, policy.targets(GAME, "other"): TARGETS, policy.sales(GAME, "other"): SALES}
    market.answers = {question.name: answer for question, answer in (goes | stays).items()}
    report = policy.scan(ScanQuery(GAME, "boost"))
    market.answers[report.name] = ScanReport("sandbox", GAME, ScanQuery(GAME, "boost").level, SCAN_START)
    everything = [*goes, *stays, report]
    await cache.get_or_load_many(everything, market.load)
    await cache.price_changed(GAME, title)
    assert set(await cache.get_or_load_many(everything, market.load)) == {question.name for question in everything}
    assert set(market.batches[1][0]) == {question.name for question in [*goes, report]}


async def test_clear_forgets_everything(cache, market):
    questions = [QUESTION, OTHER, policy.fee_book(GAME), policy.quote(GAME, "x")]
    market.answers = {QUESTION.name: TARGETS, OTHER.name: SALES, policy.quote(GAME, "x").name: None}
    await cache.get_or_load_many(questions, market.load)
    await cache.clear()
    assert await cache.recall(questions) == {}


async def test_an_answer_invalidated_on_its_way_reaches_its_waiter_and_is_not_kept(cache, market):
    """Whoever comes after the invalidation gets a new load, which nothing harms."""
    market.answers = {QUESTION.name: TARGETS}
    market.hold()
    early = asyncio.create_task(cache.get_or_load(QUESTION, market.load))
    await market.reached(1)
    await cache.invalidate(QUESTION.tags[:1])
    assert await cache.recall([QUESTION]) == {}
    late = asyncio.create_task(cache.get_or_load(QUESTION, market.load))
    await market.reached(2)
    market.release()
    assert (await early, await late) == (TARGETS, TARGETS)
    assert await cache.recall([QUESTION]) == {QUESTION.name: TARGETS}
    assert await cache.get_or_load(QUESTION, market.load) == TARGETS
    assert market.calls == 2


async def test_an_answer_invalidated_on_its_way_is_asked_for_again(cache, market):
    market.answers = {QUESTION.name: TARGETS}
    market.hold()
    early = asyncio.create_task(cache.get_or_load(QUESTION, market.load))
    await market.reached(1)
    await cache.invalidate(QUESTION.tags[:1])
    market.release()
    assert await early == TARGETS
    assert await cache.recall([QUESTION]) == {}


async def test_only_what_is_missing_is_asked_and_together(cache, market):
    """Each question once, however often it stands in the list."""
    questions = [policy.targets(GAME, str(number)) for number in range(5)]
    market.answers = {question.name: TARGETS for question in questions}
    await cache.get_or_load(questions[2], market.load)
    assert await cache.get_or_load_many([*questions, questions[4]], market.load) == market.answers
    assert [set(names) for names, _ in market.batches] == [{questions[2].name}, {questions[number].name for number in (0, 1, 3, 4)}]


async def test_callers_of_overlapping_lists_share_what_they_share(cache, market):
    questions = [policy.targets(GAME, str(number)) for number in range(4)]
    market.answers = {question.name: TARGETS for question in questions}
    market.hold()
    tasks = [asyncio.create_task(cache.get_or_load_many(part, market.load)) for part in (questions[:3], questions[1:])]
    await market.reached(2)
    market.release()
    assert [set(answers) for answers in await asyncio.gather(*tasks)] == [{one.name for one in questions[:3]}, {one.name for one in questions[1:]}]
    assert set(market.asked.values()) == {1}


async def test_an_urgent_caller_never_waits_for_a_less_urgent_flight(cache):
    """It begins its own, and less urgent callers then join that one."""
    slow, quick = Market({QUESTION.name: SALES[:0]}), Market({QUESTION.name: TARGETS})
    slow.hold()
    patient = asyncio.create_task(cache.get_or_load(QUESTION, slow.load, 5))
    await slow.reached(1)
    async with asyncio.timeout(PATIENCE):
        assert await cache.get_or_load(QUESTION, quick.load, 1) == TARGETS
    slow.release()
    assert await patient == []
    assert (slow.calls, quick.calls) == (1, 1)


async def test_a_less_urgent_caller_joins_an_urgent_flight(cache, market):
    market.answers = {QUESTION.name: TARGETS}
    market.hold()
    tasks = [asyncio.create_task(cache.get_or_load(QUESTION, market.load, urgency)) for urgency in (1, 5)]
    await market.reached(1)
    market.release()
    assert await asyncio.gather(*tasks) == [TARGETS] * 2
    assert market.calls == 1


async def test_recalling_asks_nobody_and_gives_nothing_stale(cache, market, clock):
    assert await cache.recall([OTHER, QUESTION]) == {}
    market.answers = {OTHER.name: SALES}
    await cache.get_or_load(OTHER, market.load)
    assert await cache.recall([OTHER, QUESTION]) == {OTHER.name: SALES}
    clock.now += OPTIONS.sales
    assert await cache.recall([OTHER]) == {}
    assert market.calls == 1


async def test_counts_are_kept_for_the_cache_and_for_whoever_wants_them(cache, market):
    market.answers = {QUESTION.name: TARGETS}
    await cache.get_or_load(QUESTION, market.load)
    with cache.counting(CacheCounts()) as mine:
        await asyncio.gather(*(cache.get_or_load(QUESTION, market.load) for _ in range(2)), cache.get_or_load(OTHER, market.load))
    assert (mine.memory.hits, mine.memory.misses, mine.loads) == (2, 1, 1)
    assert (cache.counts.memory.hits, cache.counts.memory.misses, cache.counts.loads) == (2, 2, 2)
    assert mine.flat()["memory_bytes"] == mine.memory.bytes > 0
    assert str(len(cache.memory)) in repr(cache)


# ---- memory alone suffices ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("chance", "kept"), [(0.0, KEPT), (0.5, 0.95 * KEPT), (1.0, 0.9 * KEPT)])
async def test_chance_takes_up_to_the_jitter_off_a_lifetime(clock, chance, kept):
    cache = Cache(CacheOptions(jitter=0.1), clock=clock, chance=lambda: chance)
    market = Market({QUESTION.name: TARGETS})
    await cache.get_or_load(QUESTION, market.load)
    clock.now += kept - 0.001
    assert await cache.recall([QUESTION]) == {QUESTION.name: TARGETS}
    clock.now += 0.002
    assert await cache.recall([QUESTION]) == {}


async def test_a_lifetime_of_nothing_remembers_nothing(clock):
    cache = Cache(CacheOptions(targets=0.0), clock=clock)
    market = Market({QUESTION.name: TARGETS})
    for calls in (1, 2):
        assert await cache.get_or_load(QUESTION, market.load) == TARGETS
        assert market.calls == calls


async def test_closing_ends_what_is_under_way(clock):
    market = Market()
    market.hold()
    async with Cache(clock=clock) as cache:
        task = asyncio.create_task(cache.get_or_load(QUESTION, market.load))
        await market.reached(1)
    await asyncio.wait([task])
    assert (task.cancelled(), market.ended) == (True, [QUESTION.name])


@pytest.mark.parametrize(
    "wrong",
    [{"fees": -1}, {"empty": -0.1}, {"jitter": 1.0}, {"jitter": -0.1}, {"memory_bytes": 0}, {"memory_entries": 0}, {"lock": 0}, {"timeout": 0.0}],
)
def test_options_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ConfigError, match="cache: "):
        partial(CacheOptions, **wrong)()


def test_every_subject_has_a_policy_and_every_question_the_tag_of_its_subject():
    questions = [policy.fee_book(GAME), policy.quote(GAME, "x"), QUESTION, OTHER, policy.scan(ScanQuery(GAME, "pro"))]
    assert {question.subject for question in questions} == set(Subject) == set(policy.policies(OPTIONS))
    assert all(policy.of_subject(question.subject, GAME) in question.tags for question in questions)
    assert len({question.tags for question in questions}) == len(questions)
