"""Outcomes: what was said of an offer is kept once, and what became of it is filled in by whoever asks first."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from botcore.model import Exit, Game, Level
from botcore.store import Claim, OutcomeCounts, Outcomes, Store

from .support import DAY, NOW, TITLE

polars = pytest.importorskip("polars")


@pytest.fixture
def outcomes(store):
    return Outcomes(store, "sandbox")


def claim(number: int = 1, **other) -> Claim:
    values = {
        "game": Game.CSGO,
        "level": Level.STANDARD,
        "offer_id": f"offer-{number}",
        "title": TITLE,
        "phase": "",
        "price_cents": 500,
        "exit": Exit.RELIST,
        "exit_price_cents": 570,
        "fee_cents": 29,
        "profit_cents": 41,
        "lock_days": 7,
        "noted_at": NOW + number,
        "due_at": NOW + number + 9.5 * DAY,
        "float_part": "FT-2",
        "paint_seed": "412",
        "score": 0.625,
        "features": {"sales_a_day": 0.4, "spread": 0.05},
    }
    return Claim(**{**values, **other})


def bare(outcome) -> Claim:
    return Claim(**{name: getattr(outcome, name) for name in Claim.__struct_fields__})


async def test_claims_come_back_as_they_were_noted(outcomes):
    claims = [claim(1), claim(2, title="★ Ключ 🙂", exit=None, reason="too-good", score=None, features={}, float_part="", paint_seed="")]
    assert await outcomes.note(iter(claims), first=30) == 2
    due = await outcomes.due(NOW + 60)
    assert [bare(one) for one in due] == claims
    assert [(one.step, one.next_at) for one in due] == [(0, NOW + 31), (0, NOW + 32)]
    assert {one.came_true for one in due} == {one.there_30s for one in due} == {one.earned_cents for one in due} == {None}


async def test_an_offer_at_a_price_is_noted_once(outcomes):
    assert await outcomes.note([claim(), claim(noted_at=NOW + 5), claim(price_cents=490)], first=30) == 2
    assert await outcomes.note([claim(reason="low")], first=30) == 0
    assert {(one.price_cents, one.reason) for one in await outcomes.of_offer(Game.CSGO, "offer-1")} == {(490, ""), (500, "")}
    assert await outcomes.of_offer(Game.RUST, "offer-1") == []


async def test_nothing_is_due_before_its_time_and_the_longest_waiting_comes_first(outcomes):
    await outcomes.note([claim(number) for number in (3, 1, 2)], first=30)
    assert await outcomes.due(NOW + 30.999) == []
    assert [one.offer_id for one in await outcomes.due(NOW + 32)] == ["offer-1", "offer-2"]
    assert [one.offer_id for one in await outcomes.due(NOW + 60, limit=1)] == ["offer-1"]
    assert await outcomes.next_at() == NOW + 31


async def test_answers_are_kept_and_the_first_to_answer_counts(outcomes):
    await outcomes.note([claim()], first=30)
    (asked,) = await outcomes.due(NOW + 60)
    answered = msgspec.structs.replace(asked, step=1, next_at=NOW + 300, there_30s=True)
    other = msgspec.structs.replace(asked, step=3, next_at=NOW + 999, there_30s=False)
    done = await asyncio.gather(outcomes.answer(asked, answered), outcomes.answer(asked, other))
    assert sorted(done) == [False, True]
    assert await outcomes.of_offer(Game.CSGO, "offer-1") == [answered if done[0] else other]


async def test_what_has_no_question_left_is_never_due_again_and_known(outcomes):
    await outcomes.note([claim(1), claim(2)], first=30)
    asked, _ = await outcomes.due(NOW + 60)
    closed = msgspec.structs.replace(asked, step=4, next_at=None, there_30s=True, there_5min=False, there_1h=False, came_true=True, earned_cents=-12)
    await outcomes.answer(asked, closed)
    assert await outcomes.known() == [closed]
    assert await outcomes.known(since=NOW + 1.5) == []
    assert [one.offer_id for one in await outcomes.due(NOW + 99 * DAY)] == ["offer-2"]
    assert await outcomes.counts() == OutcomeCounts(noted=2, open=1, known=1)
    assert await outcomes.counts(since=NOW + 50) == OutcomeCounts(0, 0, 0)


async def test_what_could_not_be_asked_waits(outcomes):
    await outcomes.note([claim(1), claim(2)], first=30)
    first, second = await outcomes.due(NOW + 60)
    await outcomes.postpone([first], NOW + 300)
    await outcomes.postpone([], NOW + 300)
    assert await outcomes.due(NOW + 60) == [second]
    assert await outcomes.due(NOW + 300) == [second, msgspec.structs.replace(first, next_at=NOW + 300)]


async def test_another_market_has_outcomes_of_its_own(store, outcomes):
    other = Outcomes(store, "dmarket")
    await outcomes.note([claim()], first=30)
    assert await other.due(NOW + 60) == []
    assert await other.next_at() is None
    assert await other.note([claim()], first=30) == 1


async def test_they_outlive_the_process_that_noted_them(options, outcomes):
    await outcomes.note([claim()], first=30)
    async with Store(options) as again:
        assert [bare(one) for one in await Outcomes(again, "sandbox").due(NOW + 60)] == [claim()]


async def test_they_come_as_a_frame_and_are_pruned_with_what_was_seen(store, outcomes):
    await outcomes.note([claim(1), claim(2, noted_at=NOW + 50 * DAY)], first=30)
    frame = await outcomes.frame()
    assert frame["offer_id"].to_list() == ["offer-1", "offer-2"]
    assert frame["noted_at"].dt.epoch("ms").to_list() == [round(1000 * (NOW + 1)), round(1000 * (NOW + 50 * DAY))]
    assert frame["came_true"].dtype == polars.Boolean
    assert (await store.prune(30 * DAY, now=NOW + 60 * DAY))["outcomes"] == 1
    assert len(await outcomes.frame()) == 1
