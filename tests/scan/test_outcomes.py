"""What became of offers: each question at its time, answers as the world has them, in left-over quota, resumed after any end."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.client import KeyPair, PartQuota, Priority, Quota, QuotaOptions
from botcore.model import Exit, Game, Level, Offer
from botcore.sandbox import World, grow_world
from botcore.sandbox.churn import Churn
from botcore.sandbox.demand import Demand
from botcore.sandbox.truth import exit_came, true_opportunities
from botcore.scan.claims import FIRST, LAST_STEP, any_exit, claim, due_in, judged, looked, sampled
from botcore.scan.confidence import Judged
from botcore.scan.match import Evidence, SalesFigures
from botcore.scan.outcomes import AGAIN, GIVEN_UP, WAIT, Asker
from botcore.store import Claim, Outcome, OutcomeCounts, Outcomes, Store, StoreOptions
from tests.client.support import JumpingTime, raw_server

from .support import CALM, PLENTY, SALES, TARGETS, Between, Desk, client_at, desk_at
from .test_match import fees, offer

DAY = 86_400
START = 1_790_000_000.0


class Clock:
    def __init__(self):
        self.at = START

    def __call__(self):
        return self.at


def outcome(**other) -> Outcome:
    values = {
        "id": 1,
        "game": Game.CSGO,
        "level": Level.STANDARD,
        "offer_id": "offer-1",
        "title": "A",
        "phase": "",
        "price_cents": 500,
        "exit": Exit.RELIST,
        "exit_price_cents": 570,
        "fee_cents": 29,
        "profit_cents": 41,
        "lock_days": 0,
        "noted_at": START,
        "due_at": START + 2 * DAY,
        "next_at": START + FIRST,
    }
    return Outcome(**{**values, **other})


def bare(**other) -> Claim:
    """The same before it was noted."""
    return Claim(**{name: getattr(outcome(**other), name) for name in Claim.__struct_fields__})


def told(one: Outcome):
    return (one.there_30s, one.there_5min, one.there_1h)


# ---- what a look tells ---------------------------------------------------------------------------------------------------


def test_an_offer_that_stays_is_asked_for_three_times_and_then_for_its_exit():
    one, asked = outcome(), []
    while one.step < LAST_STEP:
        assert one.next_at is not None
        asked.append(one.next_at - START)
        one = looked(one, there=True, now=one.next_at)
    assert asked == [30, 300, 3600]
    assert told(one) == (True, True, True)
    assert one.next_at == one.due_at


def test_an_offer_that_is_gone_is_not_asked_for_again():
    gone = looked(outcome(), there=False, now=START + 31)
    assert (told(gone), gone.step, gone.next_at) == ((False, False, False), LAST_STEP, START + 2 * DAY)
    later = looked(looked(outcome(), there=True, now=START + 30), there=False, now=START + 301)
    assert told(later) == (True, False, False)


@pytest.mark.parametrize(
    ("age", "there", "answers"),
    [
        (44, False, (False, False, False)),
        (200, False, (None, False, False)),
        (200, True, (True, None, None)),
        (400, True, (True, True, None)),
        (1000, False, (None, None, False)),
        (9000, False, (None, None, None)),
        (9000, True, (True, True, True)),
    ],
)
def test_a_late_look_tells_what_it_can(age, there, answers):
    assert told(looked(outcome(), there=there, now=START + age)) == answers


@given(st.lists(st.tuples(st.floats(0, 20_000), st.booleans()), min_size=1, max_size=12), st.floats(0, 20_000))
def test_no_look_contradicts_the_world(looks, gone_after):
    """Whenever it is asked, no answer is wrong about an offer that leaves at some moment; and the questions come to an end."""
    one = outcome()
    for age in sorted(age for age, _ in looks):
        if one.step < LAST_STEP and one.next_at is not None and START + age >= one.next_at:
            before = one.step
            one = looked(one, there=age < gone_after, now=START + age)
            assert one.step > before
    for answer, moment in zip(told(one), (30, 300, 3600), strict=True):
        late = answer is False and moment < gone_after <= 1.5 * moment  # within the tolerance of one look
        assert answer in (None, moment < gone_after) or late


def test_an_offer_without_an_exit_is_closed_with_its_last_look():
    closed = looked(outcome(exit=None), there=False, now=START + 31)
    assert (closed.step, closed.next_at, closed.came_true) == (LAST_STEP + 1, None, None)


# ---- claims ------------------------------------------------------------------------------------------------------------


def test_a_claim_tells_what_orders_ask_for_and_when_its_exit_is_due():
    found = any_exit(offer(500), Evidence(None, SalesFigures(10, 570), None), fees(), START, Game.CSGO)
    assert found is not None
    made = claim(offer(500), found, level=Level.STANDARD, game=Game.CSGO, at=START)
    assert (made.float_part, made.paint_seed, made.reason, made.score) == ("FT-2", "412", "", None)
    assert made.due_at - START == due_in(found) == 3 * DAY
    assert due_in(msgspec.structs.replace(found, exit=Exit.TARGET, trade_lock_days=2)) == 2 * DAY + 3600
    bare = claim(offer(500, wear="", seed=0), None, level=Level.STANDARD, game=Game.CSGO, at=START, reason="no-exit")
    assert (bare.exit, bare.float_part, bare.paint_seed, bare.reason, bare.due_at) == (None, "", "", "no-exit", START)


def test_any_exit_is_the_best_one_even_at_a_loss():
    lossy = any_exit(offer(500), Evidence(300, SalesFigures(9, 310), None), fees(), START, Game.CSGO)
    assert lossy is not None
    assert (lossy.exit, lossy.profit_cents) == (Exit.RELIST, 310 - 16 - 500)
    assert any_exit(offer(500), Evidence(None, SalesFigures(), None), fees(), START, Game.CSGO) is None


def test_a_sample_is_about_as_large_as_asked_and_always_the_same():
    names = [f"offer-{number}" for number in range(4000)]
    taken = [name for name in names if sampled(name, 0.05)]
    assert 140 < len(taken) < 260
    assert [name for name in names if sampled(name, 0.05)] == taken
    assert not any(sampled(name, 0.0) for name in names)
    assert all(sampled(name, 1.0) for name in names)
    assert set(taken) < {name for name in names if sampled(name, 0.2)}


def test_a_calibration_learns_from_what_is_known_alone():
    known = outcome(score=0.5, came_true=True)
    others = [outcome(score=0.5), outcome(came_true=True), outcome(exit=None, score=0.5, came_true=True)]
    assert judged([known, *others]) == [Judged(Exit.RELIST, 0.5, came_true=True)]


# ---- the asker, at a market whose time is compressed --------------------------------------------------------------------


class Followed(NamedTuple):
    """A market with a clock of the test's, and an asker at it."""

    world: World
    clock: Clock
    demand: Demand
    outcomes: Outcomes
    asker: Asker
    desk: Desk


@asynccontextmanager
async def following(tmp_path, world=None, clock=None, **client):
    clock = clock or Clock()
    world = world or grow_world(5, 2000, clock=clock)
    async with (
        desk_at(CALM, world=world, **client) as desk,
        Store(StoreOptions(url=f"sqlite:///{tmp_path / 'outcomes.db'}")) as store,
    ):
        outcomes = Outcomes(store, "sandbox")
        yield Followed(world, clock, Demand(world), outcomes, Asker(desk.client, outcomes), desk)


def claims(world, game, level=Level.BOOST, limit=40) -> list[Claim]:
    """Claims of what a perfect scan finds."""
    made = []
    for found in true_opportunities(world, game, level)[:limit]:
        item = world.find_offer(found.offer_id).item
        wear = str(item.wear) if item.wear >= 0 else ""
        seen = Offer(found.offer_id, found.asset_id, found.title, found.phase, found.price_cents, found.listed_at, locked=False, p2p=False, float_value=wear)
        made.append(claim(msgspec.structs.replace(seen, paint_seed=item.seed), found, level=level, game=game, at=world.clock()))
    return made


async def test_answers_are_what_the_world_knows(tmp_path):
    async with following(tmp_path) as on:
        finds = {one.offer_id: one for game in Game for level in Level for one in true_opportunities(on.world, game, level)}
        items = {name: on.world.find_offer(name).item for name in finds}
        noted = [one for game in Game for level in Level for one in claims(on.world, game, level)]
        assert await on.asker.note(noted) == len({(one.offer_id, one.price_cents) for one in noted})
        assert await on.asker.note(noted) == 0
        churn, there, came = Churn(on.world), {}, {}
        while (due := await on.outcomes.next_at()) is not None:
            on.clock.at = max(due, on.clock.at)
            if on.clock.at < START + 2 * DAY:
                churn.apply(40)
            on.demand.live(on.clock.at)
            for one in await on.outcomes.due(on.clock.at, 10_000):
                if one.step < LAST_STEP:
                    there[one.offer_id, one.next_at] = on.world.find_offer(one.offer_id) is not None
                else:
                    came[one.offer_id] = exit_came(on.world, finds[one.offer_id], items[one.offer_id], START + one.lock_days * DAY)
            await on.asker.ask(on.clock.at, 10_000)
        known = {one.offer_id: one for one in await on.outcomes.known()}
    assert {name: one.came_true for name, one in known.items()} == came
    assert len(came) == len(finds) > 50
    assert len(set(came.values())) == 2
    for (name, at), is_there in there.items():
        answer = dict(zip((30, 300, 3600), told(known[name]), strict=True))[round(at - START)]
        assert answer == is_there
    earned = [one.earned_cents for one in known.values() if one.came_true]
    assert None not in earned
    assert all(one.earned_cents == one.profit_cents for one in known.values() if one.came_true and one.fee_cents * 20 >= one.exit_price_cents)


def a_market(**seen):
    """One title with one offer; an order and sales as given."""
    clock = Clock()
    world = World(1, clock=clock)
    title = world.add_title(Game.CSGO, "A", 1000)
    world.add_offer(title, 1000)
    for price in seen.get("orders", ()):
        world.add_order(title, price)
    return world, clock, title


async def test_what_did_not_come_would_have_left_what_the_best_order_gives(tmp_path):
    world, clock, _ = a_market(orders=(900,))
    async with following(tmp_path, world, clock) as on:
        await on.outcomes.note([bare(price_cents=1000, exit_price_cents=1200)], first=FIRST)
        clock.at = START + 3 * DAY
        await on.asker.ask(clock.at)
        await on.asker.ask(clock.at)
        (one,) = await on.outcomes.known()
    assert (one.came_true, one.earned_cents) == (False, 900 - 45 - 1000)


async def test_without_any_order_nothing_is_said_to_be_earned(tmp_path):
    world, clock, _ = a_market()
    async with following(tmp_path, world, clock) as on:
        await on.outcomes.note([bare()], first=FIRST)
        clock.at = START + 3 * DAY
        await on.asker.ask(clock.at)
        await on.asker.ask(clock.at)
        (one,) = await on.outcomes.known()
    assert (one.came_true, one.earned_cents) == (False, None)


async def test_an_order_that_is_looked_for_too_late_leaves_its_outcome_unknown(tmp_path):
    world, clock, _ = a_market(orders=(1137,))
    async with following(tmp_path, world, clock) as on:
        await on.outcomes.note([bare(exit=Exit.TARGET, exit_price_cents=1137)], first=FIRST)
        clock.at = START + 9 * DAY
        for _ in range(2):
            await on.asker.ask(clock.at)
        assert await on.outcomes.counts() == OutcomeCounts(noted=1, open=0, known=0)


async def test_what_is_due_stays_due_when_the_market_does_not_answer(tmp_path):
    world, clock, _ = a_market()
    async with following(tmp_path, world, clock) as on, between(on) as (go_between, asker):
        await on.outcomes.note([bare()], first=FIRST)
        clock.at = START + 3 * DAY
        await asker.ask(clock.at)
        go_between.bend = lambda asked, answer: None if asked.path == SALES else answer
        assert (await asker.ask(clock.at)).postponed == 1
        assert await on.outcomes.due(clock.at) == []
        go_between.bend = lambda _, answer: answer
        clock.at += AGAIN
        assert (await asker.ask(clock.at)).closed == 1
        assert len(await on.outcomes.known()) == 1


async def test_what_can_never_be_had_is_given_up_after_a_week(tmp_path):
    world, clock, _ = a_market()
    async with following(tmp_path, world, clock) as on, between(on) as (go_between, asker):
        await on.outcomes.note([bare()], first=FIRST)
        go_between.bend = lambda asked, answer: None if asked.path.startswith((SALES, TARGETS)) else answer
        clock.at = START + 3 * DAY
        await asker.ask(clock.at)
        rounds = 0
        while (due := await on.outcomes.next_at()) is not None:
            clock.at, rounds = max(clock.at, due) + DAY, rounds + 1
            await asker.ask(clock.at)
        assert 3 <= rounds <= GIVEN_UP / DAY + 8
        assert (await on.outcomes.counts()).known == 0


@asynccontextmanager
async def between(on):
    """The asker behind a go-between that does not repeat what failed."""
    go_between = Between(on.desk.server.address.url)
    address = on.desk.server.address
    keys = KeyPair.parse(address.public_key, address.secret_key)
    async with raw_server(go_between.handle) as url, client_at(url, keys, attempts=1) as client:
        yield go_between, Asker(client, on.outcomes)


class Noting(Quota):
    """A quota that remembers who asked."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.asked = []

    async def reserve(self, kind, priority=Priority.INTERACTIVE):
        self.asked.append((kind, priority))
        return await super().reserve(kind, priority)


async def test_every_request_takes_the_last_turn_and_one_title_is_asked_for_once(tmp_path):
    time = JumpingTime()
    quota = Noting(PLENTY, clock=time.clock, call_later=time.call_later)
    async with following(tmp_path, quota=quota) as on:
        noted = [one for level in Level for one in claims(on.world, Game.CSGO, level)]
        twins = [msgspec.structs.replace(one, offer_id=f"{one.offer_id}-twin") for one in noted]
        await on.asker.note([*noted, *twins])
        on.clock.at = START + 40
        await on.desk.client.balance()  # which teaches it the market's time
        quota.asked.clear()
        await on.asker.ask(on.clock.at, 1000)
    assert {priority for _, priority in quota.asked} == {Priority.WARM}
    assert len(quota.asked) == len({one.title for one in noted})


async def test_it_stays_within_its_part_of_the_quota_together_with_the_rest(tmp_path):
    time = JumpingTime()
    quota = Quota(QuotaOptions(window=1.0), clock=time.clock, call_later=time.call_later)
    part = PartQuota(quota, 0.9, call_later=time.call_later)
    async with following(tmp_path) as on:
        asker = Asker(on.desk.client.within(part), on.outcomes)
        await asker.note([one for game in Game for level in Level for one in claims(on.world, game, level)])
        began = time.clock()
        asked = await asker.ask(START + 40, 1000)
        seconds = time.clock() - began
    assert asked.looked > 30
    assert quota.sent.market <= 9 * (seconds + 1)


async def test_another_process_goes_on_where_the_first_ended(tmp_path):
    world, clock, _ = a_market()
    options = StoreOptions(url=f"sqlite:///{tmp_path / 'again.db'}")
    async with following(tmp_path, world, clock) as on:
        async with Store(options) as store:
            await Outcomes(store, "sandbox").note([bare()], first=FIRST)
            clock.at = START + 3 * DAY
            assert (await Asker(on.desk.client, Outcomes(store, "sandbox")).ask(clock.at)).closed == 0
        async with Store(options) as store:
            assert (await Asker(on.desk.client, Outcomes(store, "sandbox")).ask(clock.at)).closed == 1
            (one,) = await Outcomes(store, "sandbox").known()
    assert told(one) == (None, None, None)  # nobody looked in time, and the offer has another id


async def test_a_round_asks_what_is_due_and_says_when_there_is_more(tmp_path):
    world, clock, _ = a_market()
    async with following(tmp_path, world, clock) as on:
        assert await on.asker.round(clock.at) == WAIT
        await on.outcomes.note([bare()], first=FIRST)
        assert await on.asker.round(START + FIRST - 2) == pytest.approx(2.0, abs=0.01)
        clock.at = START + 3 * DAY
        assert await on.asker.round(clock.at) == 0.0
        while await on.outcomes.next_at() is not None:
            await on.asker.round(clock.at)
        assert await on.asker.round(clock.at) == WAIT
