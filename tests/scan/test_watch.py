"""The watch against the sandbox's event log: everything true is told, nothing twice, and what becomes of it as well."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest

from botcore.client import PartQuota
from botcore.errors import ConfigError, ScanFailed
from botcore.model import AlertState, Game, Level, Offer, RequestClass, WatchQuery
from botcore.sandbox.goods import Item
from botcore.scan import Watch, WatchFigures, WatchOptions
from tests.client.support import Answer

from .support import QUOTES, bent
from .watched import HandClock, Led, alive, led, watched_market

STEP = 4.5
"""Seconds in which all rounds but the rescan come by at least twice."""


def missed(led_watch, witness):
    return [life for offer_id, life in alive(witness).items() if offer_id not in led_watch.told]


def check_alerts(led_watch, witness):
    """Each alert is of an opportunity that lived, at its price, once at a price, and its times are in order."""
    lived = {(life.offer_id, life.price_cents) for life in witness.lives}
    told = [(alert.opportunity.offer_id, alert.opportunity.price_cents) for alert in led_watch.alerts]
    assert set(told) <= lived
    assert max(Counter(told).values()) == 1
    for alert in led_watch.alerts:
        assert alert.listed_at <= alert.seen_at + 1e-3
        assert alert.seen_at <= alert.decided_at <= alert.queued_at
        assert not alert.again


@pytest.mark.parametrize(("seed", "step", "deals"), [(5, 15, 0.3), (6, 40, 0.3), (7, 4, 0.6)])
async def test_every_opportunity_of_a_living_market_is_told_within_seconds(seed, step, deals):
    async with watched_market(seed=seed, deals=deals) as (desk, witness), led(desk) as one:
        await one.pass_time(60)
        assert missed(one, witness) == []
        for _ in range(12):
            desk.server.churn.apply(step)
            await one.pass_time(STEP)
            assert missed(one, witness) == []
        assert len(one.alerts) > 60
        check_alerts(one, witness)


async def test_with_mild_chaos_it_takes_longer_and_nothing_is_lost():
    async with watched_market(seed=8, chaos="mild", stall=0.05) as (desk, witness), led(desk) as one:
        await one.pass_time(90)
        for _ in range(5):
            desk.server.churn.apply(15)
            await one.pass_time(30)
            assert missed(one, witness) == []
        check_alerts(one, witness)
        assert desk.server.served.faults


async def test_what_becomes_of_an_alert_is_told():
    async with watched_market(seed=9) as (desk, witness), led(desk) as one:
        for _ in range(15):
            desk.server.churn.apply(30)
            await one.pass_time(10)
        await one.pass_time(60)
        out = {standing.alert.id for place in one.watch._ledger.titles() for standing in one.watch._ledger.of(*place)}
        last = {change.alert.id: change for change in one.changes}
        assert {change.state for change in one.changes} >= {AlertState.GONE, AlertState.CHEAPER, AlertState.DEARER, AlertState.SPOILED}
        offered = {desk.server.world.offer_id(offer): offer for market in desk.server.world.games.values() for offer in market.offers.values()}
        lives = alive(witness)
        for alert in one.alerts:
            change = last.get(alert.id)
            offer = offered.get(change.offer_id if change else alert.opportunity.offer_id)
            assert (offer is None) == (change is not None and change.state is AlertState.GONE)
            if offer is not None and change is not None:
                assert change.price_cents == offer.price
                assert (change.state is AlertState.CHEAPER) == (offer.price < alert.opportunity.price_cents)
            if offer is not None and (change is None or change.state is AlertState.LIVE):
                assert alert.opportunity.offer_id in lives or (change and change.offer_id in lives)
            assert (alert.id in out) == (offer is not None)


async def test_nothing_is_told_twice_however_long_it_goes_on():
    async with watched_market(seed=10) as (desk, witness), led(desk) as one:
        await one.pass_time(60)
        before = len(one.alerts)
        await one.pass_time(150)
        assert (len(one.alerts), one.changes) == (before, [])
        check_alerts(one, witness)


async def test_a_look_at_new_offers_is_one_page_that_stops_at_what_is_known_and_reads_on_when_all_is_new():
    async with watched_market(seed=11) as (desk, _), led(desk, query=WatchQuery([Game.CSGO])) as one:
        await one.pass_time(20)
        patrol, market = one.watch.patrols[Game.CSGO], desk.server.world.games[Game.CSGO]
        spent = one.watch._tally.spent["newest"].requests
        before, looks = spent.market, patrol.looks
        await patrol.read_newest()
        assert spent.market == before + 1
        title = next(title for title in market.titles.values() if title.value > 500)
        for number in range(250):
            desk.server.world.add_offer(title, title.value * 2 + number)
        await patrol.read_newest()
        assert spent.market == before + 1 + 3
        await patrol.read_newest()
        assert spent.market == before + 5
        assert one.watch.figures.games[Game.CSGO].looks == looks + 3


async def test_most_new_offers_cost_nothing_beyond_the_look_that_shows_them():
    async with watched_market(seed=12, deals=0.0) as (desk, _), led(desk) as one:
        await one.pass_time(120)
        before = one.watch.figures
        for _ in range(20):
            desk.server.churn.apply(15)
            await one.pass_time(STEP)
        after = one.watch.figures
        looked, seen = after.funnel.checked - before.funnel.checked, after.seen - before.seen
        assert seen > 120
        assert looked < seen / 2
        assert after.funnel.dropped["low"] - before.funnel.dropped.get("low", 0) > seen / 2


async def test_only_the_games_and_levels_asked_for_are_watched():
    query = WatchQuery(["rust", "tf2"], ["pro", "boost"])
    async with watched_market(seed=13) as (desk, witness), led(desk, query=query) as one:
        for _ in range(6):
            desk.server.churn.apply(20)
            await one.pass_time(10)
        assert one.alerts
        assert {alert.opportunity.game for alert in one.alerts} == {Game.RUST, Game.TF2}
        assert {alert.level for alert in one.alerts} == {Level.PRO, Level.BOOST}
        wanted = {life.offer_id for life in alive(witness).values() if life.game in query.games and life.level in query.levels}
        assert wanted <= one.told


async def test_muted_titles_and_the_cap_on_profit_are_minded():
    async with watched_market(seed=14) as (desk, witness):
        titles = Counter(life.title for life in witness.lives if life.game is Game.CSGO)
        muted = frozenset(title for title, _ in titles.most_common(2))
        async with led(desk, query=WatchQuery([Game.CSGO], muted=muted)) as one:
            await one.pass_time(60)
            assert one.told == {life.offer_id for life in alive(witness).values() if life.game is Game.CSGO and life.title not in muted}
        async with led(desk, query=WatchQuery([Game.CSGO], [Level.STANDARD], max_profit_percent=float("inf"))) as one:
            await one.pass_time(60)
            truth = await desk.truth(Game.CSGO, Level.STANDARD, max_profit="inf")
            assert one.told == {found.offer_id for found in truth.opportunities}


async def test_each_dropped_offer_is_told_with_its_reason_and_the_funnel_adds_up():
    heard: list[tuple[Game, Offer, str]] = []
    clock = HandClock()
    async with watched_market(seed=15) as (desk, _):
        part = PartQuota(desk.client.quota, 0.9, call_later=desk.client.quota._call_later)
        watch = Watch(desk.client.within(part), WatchQuery(), clock=clock, dropped=lambda game, offer, reason, _: heard.append((game, offer, reason)))
        async with watch:
            one = Led(watch, clock, desk)
            one.open_door()
            for _ in range(6):
                desk.server.churn.apply(20)
                await one.pass_time(10)
            await one.end()
        funnel = watch.figures.funnel
    assert Counter(reason for *_, reason in heard) == funnel.dropped
    assert funnel.listed == funnel.found + sum(funnel.dropped.values())
    assert {"low", "locked"} <= set(funnel.dropped)


async def test_an_alert_that_waits_for_the_door_is_checked_once_more_and_dropped_when_its_offer_is_gone():
    async with watched_market(seed=16) as (desk, witness), led(desk, door=False) as one:
        await one.pass_time(60)
        waiting = one.watch._events.qsize()
        assert waiting > 10
        world = desk.server.world
        gone = {life.offer_id for life in list(alive(witness).values())[::2]}
        for offer_id in gone:
            offer = world.find_offer(offer_id)
            assert offer is not None
            world.drop(offer)
        one.open_door()
        await one.pass_time(30)
        assert one.alerts
        assert not gone & {alert.opportunity.offer_id for alert in one.alerts}
        assert one.changes == []
        assert one.watch.figures.gone > 0
        assert all(patrol.newest.pending == 0 for patrol in one.watch.patrols.values())


async def test_alerts_that_wait_are_checked_side_by_side_so_that_one_slow_answer_holds_up_no_other():
    async with watched_market(seed=16) as (desk, _), bent(desk) as line, led(desk, client=line.client, door=False) as one:
        await one.pass_time(60)
        slow = one.watch._events._queue[0][-1].opportunity.title  # type: ignore[attr-defined]
        answer = asyncio.Event()

        async def hold(asked):
            if asked.query.get("title") == slow:
                await answer.wait()

        line.between.hold = hold
        one.open_door()
        async with asyncio.timeout(30):
            while len(one.alerts) < 5:  # noqa: ASYNC110 - a door tells nobody what it took
                await asyncio.sleep(0)
        assert slow not in {alert.opportunity.title for alert in one.alerts}
        answer.set()
        await one.quiet()
        assert slow in {alert.opportunity.title for alert in one.alerts}


async def test_a_door_may_ask_whether_an_alert_still_holds():
    async with watched_market(seed=17) as (desk, _), led(desk) as one:
        await one.pass_time(30)
        alert, other = one.alerts[:2]
        assert await one.watch.recheck(alert)
        offer = desk.server.world.find_offer(alert.opportunity.offer_id)
        assert offer is not None
        desk.server.world.drop(offer)
        assert not await one.watch.recheck(alert)
        assert await one.watch.recheck(other)
        await one.quiet()
        assert [(change.alert.id, change.state) for change in one.changes] == [(alert.id, AlertState.GONE)]


async def test_an_offer_is_told_again_only_when_it_is_better():
    async with watched_market(seed=18) as (desk, witness), led(desk) as one:
        await one.pass_time(30)
        world = desk.server.world
        alert = next(one for one in one.alerts if one.opportunity.exit == "target" and one.opportunity.profit_percent < 8 and one.opportunity.price_cents > 300)
        found = alert.opportunity
        offer = world.find_offer(found.offer_id)
        assert offer is not None
        item: Item = offer.item

        async def reprice(price):
            nonlocal offer
            assert offer is not None
            world.drop(offer)
            offer = world.list_item(item, price, created=world.clock())
            await one.pass_time(10)
            return world.offer_id(offer)

        dearer = await reprice(found.price_cents + 1)
        cheaper = await reprice(found.price_cents - 1)
        back = await reprice(found.price_cents)
        again = [other for other in one.alerts if other.opportunity.asset_id == found.asset_id]
        assert [(other.opportunity.offer_id, other.opportunity.price_cents) for other in again] == [
            (found.offer_id, found.price_cents),
            (cheaper, found.price_cents - 1),
        ]
        changes = [(change.state, change.offer_id, change.price_cents) for change in one.changes if change.alert.id == alert.id]
        assert changes == [
            (AlertState.DEARER, dearer, found.price_cents + 1),
            (AlertState.CHEAPER, cheaper, found.price_cents - 1),
            (AlertState.LIVE, back, found.price_cents),
        ]
        assert all(change.opportunity is None or change.opportunity.offer_id == change.offer_id for change in one.changes)
        assert witness.lives


async def test_when_its_exit_goes_an_alert_is_spoiled_and_when_it_returns_it_is_live_again():
    async with watched_market(seed=18) as (desk, _), led(desk) as one:
        await one.pass_time(30)
        alert = next(alert for alert in one.alerts if alert.opportunity.exit == "target" and alert.opportunity.sales_30d < 5)
        title = desk.server.world.games[alert.opportunity.game].titles[alert.opportunity.title]
        orders, title.orders = title.orders, []
        await one.pass_time(10)
        title.orders = orders
        await one.pass_time(10)
        assert [change.state for change in one.changes if change.alert.id == alert.id] == [AlertState.SPOILED, AlertState.LIVE]
        assert sum(other.opportunity.offer_id == alert.opportunity.offer_id for other in one.alerts) == 1


async def test_a_market_that_is_silent_for_a_minute_delays_alerts_and_loses_none():
    async with watched_market(seed=19) as (desk, witness), bent(desk, attempts=1) as line, led(desk, client=line.client) as one:
        await one.pass_time(60)
        assert missed(one, witness) == []
        line.between.bend = lambda _, __: None
        for _ in range(12):
            desk.server.churn.apply(25)
            await one.pass_time(5)
        told = len(one.alerts)
        assert one.watch.figures.failures
        line.between.bend = lambda _, answer: answer
        await one.pass_time(60)
        assert missed(one, witness) == []
        assert len(one.alerts) > told
        check_alerts(one, witness)


async def test_clocks_that_jump_change_nothing():
    """The market's wall clock goes back an hour and then ahead two; listings bear its time, and the client's own clock is another."""
    shift = 0.0
    async with watched_market(seed=20) as (desk, witness):
        world, real = desk.server.world, desk.server.world.clock
        world.clock = lambda: real() + shift
        async with led(desk) as one:
            await one.pass_time(60)
            for jump in (0.0, -3600.0, -3600.0, 3600.0, 7200.0):
                shift = jump
                desk.server.churn.apply(20)
                await one.pass_time(45)
                assert missed(one, witness) == []
            assert max(Counter((alert.opportunity.offer_id, alert.opportunity.price_cents) for alert in one.alerts).values()) == 1


async def test_refused_keys_end_the_watch_with_the_reason():
    refused = Answer(b'{"Code":"Unauthorized","Message":"Unauthorized"}', 401)
    async with watched_market(seed=21) as (desk, _), bent(desk) as line, led(desk, client=line.client, door=False) as one:
        line.between.bend = lambda _, __: refused
        while not one.watch.over:
            one.clock.wake()
            await asyncio.sleep(0)
        with pytest.raises(ScanFailed, match="refused the keys"):
            await anext(one.watch)


async def test_without_fees_nothing_is_judged_and_the_watch_begins_when_they_come():
    async with watched_market(seed=22) as (desk, witness), bent(desk, attempts=1) as line:
        line.between.bend = lambda asked, answer: Answer(b"{}", 503) if asked.stage == "fees" else answer
        async with led(desk, client=line.client, door=False) as one:
            assert not any(patrol.ready for patrol in one.watch.patrols.values())
            assert {asked.path for asked in line.between.log} == {"/exchange/v1/customized-fees"}
            line.between.bend = lambda _, answer: answer
            one.open_door()
            await one.pass_time(60)
            assert missed(one, witness) == []


async def test_a_market_without_a_catalogue_of_prices_is_asked_by_title():
    def bend(asked, answer):
        whole = asked.path == QUOTES and b'"titles"' not in asked.body
        return Answer(b'{"code":3,"message":"titles are needed"}', 400) if whole else answer

    async with watched_market(seed=23) as (desk, witness), bent(desk) as line, led(desk, client=line.client) as one:
        line.between.bend = bend
        await one.pass_time(60)
        for _ in range(5):
            desk.server.churn.apply(20)
            await one.pass_time(10)
        assert missed(one, witness) == []
        assert [failure.what for failure in one.watch.figures.failures] == ["catalogue"] * bool(one.watch.figures.failures)


async def test_figures_come_among_the_events_when_asked_for_and_add_up():
    async with watched_market(seed=24) as (desk, _), led(desk, door=False, figures=5.0) as one:
        await one.quiet()
        figures = []
        one.clock.call_later(11.0, one.watch.stop)

        async def take():
            figures.extend([event async for event in one.watch if isinstance(event, WatchFigures)])

        door = asyncio.get_running_loop().create_task(take())
        await one.pass_time(12)
        await door
        assert len(figures) == 2
        last = one.watch.figures
        requests: Counter[str] = Counter()
        for counts in last.requests.values():
            requests += Counter(msgspec.to_builtins(counts))
        sent = one.watch._client.stats.requests
        assert requests == +Counter({kind.value: getattr(sent, kind.value) for kind in RequestClass})
        assert last.games[Game.CSGO].titles > 0


def test_a_watch_of_nothing_or_beyond_the_quota_is_refused():
    for wrong in (
        {"part": 0.0},
        {"part": 1.1},
        {"newest": 0.0},
        {"spare": 1.0},
        {"workers": 0},
        {"slowest": 0.1},
        {"recheck": 0.0},
        {"catch_up": 0},
        {"figures": -1.0},
    ):
        with pytest.raises(ConfigError):
            WatchOptions(**wrong)
    queries: list[dict[str, list[str]]] = [{"games": []}, {"levels": []}, {"games": ["chess"]}, {"levels": ["mild"]}]
    for query in queries:
        with pytest.raises(ConfigError):
            WatchQuery(**query)  # type: ignore[arg-type]
    assert WatchQuery(["rust", "cs2"], ["pro", "boost"]).games == (Game.CSGO, Game.RUST)
    assert WatchQuery(levels=["pro", "boost"]).scope == "boost+pro"
