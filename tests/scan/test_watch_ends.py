"""A watch ends at any moment, killed or stopped, and the next one goes on where it was: nothing is lost and nothing told twice."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from botcore.cache.embedded import EmbeddedServer
from botcore.client import KeyPair, PartQuota, QuotaOptions
from botcore.client.shared import SharedQuota
from botcore.model import Alert, AlertState, Game, Level, RequestClass, WatchQuery
from botcore.sandbox import MarketOptions, World
from botcore.scan import Watch, WatchFigures
from botcore.store import Store, StoreOptions, Watching
from tests.client.support import arrivals_at

from .support import bent, client_at, desk_at
from .watched import alive, led, next_alert, sell, watched_market

SMALL = MarketOptions(seed=5, size=600, latency=0.0, limits=False, deals=0.5)
STAGES = ("before the watermark", "before the alert is kept", "after the alert is kept", "when it is handed out", "before that is kept", "after that is kept")
DOOR = """
import asyncio, json, os, sys
from botcore.client import DMarketClient, KeyPair, PartQuota, Quota, QuotaOptions
from botcore.model import Alert, AlertState, WatchQuery
from botcore.scan import Watch, WatchFigures
from botcore.store import Store, StoreOptions, Watching

url, public, secret, store, told, stage, after = sys.argv[1:]
left = int(after)

def die(here):
    global left
    if here == stage:
        left -= 1
        if left <= 0:
            os._exit(9)

class Mortal(Watching):
    async def advance(self, scope, marks, *, at):
        die("before the watermark")
        await super().advance(scope, marks, at=at)

    async def give(self, alert):
        die("before the alert is kept")
        given = await super().give(alert)
        die("after the alert is kept")
        return given

    async def tell(self, alert_id, mark):
        die("before that is kept")
        await super().tell(alert_id, mark)
        die("after that is kept")

async def main():
    quota = Quota(QuotaOptions(market=2000, sales=2000, fee=2000, other=2000))
    async with Store(StoreOptions(url=store)) as kept, DMarketClient(url, KeyPair.parse(public, secret), quota=quota) as client:
        async with Watch(client.within(PartQuota(quota, 0.9)), WatchQuery(), keeper=Mortal(kept, "sandbox", "tests")) as watch:
            with open(told, "a") as file:
                async for event in watch:
                    if isinstance(event, Alert):
                        print(json.dumps([event.id, event.opportunity.offer_id, event.opportunity.price_cents, event.again]), file=file, flush=True)
                        die("when it is handed out")
                    else:
                        print(json.dumps([event.alert.id, event.offer_id, event.price_cents, event.state]), file=file, flush=True)
asyncio.run(main())
"""


class Lines:
    """What the doors wrote, of all processes."""

    def __init__(self, path):
        self.path = path

    def all(self):
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    @property
    def alerts(self):
        return [line for line in self.all() if isinstance(line[3], bool)]

    @property
    def known(self):
        """Offers that the door knows as they are."""
        return {line[1] for line in self.all() if line[3] != AlertState.GONE}


async def child(desk, store, lines, stage="never", after=1):
    address = desk.server.address
    arguments = [address.url, address.public_key, address.secret_key, store, str(lines.path), stage, str(after)]
    return await asyncio.create_subprocess_exec(sys.executable, "-c", DOOR, *arguments, stderr=asyncio.subprocess.PIPE)


async def told_all(process, witness, lines):
    """Wait until the door knows all there is."""
    while set(alive(witness)) - lines.known:
        assert process.returncode is None, (await process.stderr.read()).decode()
        await asyncio.sleep(0.05)


def check(lines, witness):
    """Nothing was told twice without saying so, and one offer at one price is one alert however often it was handed out."""
    first = [line for line in lines.alerts if not line[3]]
    assert max(Counter(line[0] for line in first).values()) == 1
    assert len({line[0] for line in lines.alerts}) == len({(line[1], line[2]) for line in lines.alerts})
    assert {(line[1], line[2]) for line in lines.alerts} <= {(life.offer_id, life.price_cents) for life in witness.lives}


@pytest.mark.parametrize("stage", STAGES)
async def test_killed_at_any_stage_of_an_alert_it_goes_on_where_it_was(stage, tmp_path):
    """Killed twice at this stage, with a market that lives on meanwhile, and then left to finish."""
    store, lines = f"sqlite:///{tmp_path / 'watch.db'}", Lines(tmp_path / "told")
    async with watched_market(SMALL) as (desk, witness):
        for after in (1, 1) if stage == "before the watermark" else (2, 5):
            process = await child(desk, store, lines, stage, after)
            assert await process.wait() == 9, (await process.stderr.read()).decode()
            desk.server.churn.apply(25)
        last = await child(desk, store, lines)
        await told_all(last, witness, lines)
        last.kill()
        await last.wait()
        check(lines, witness)
        handed = Counter(line[0] for line in lines.alerts)
        assert sum(handed.values()) - len(handed) <= 2  # each time it was killed, one was in no good hands yet


@asynccontextmanager
async def keeper_at(path, door="tests"):
    async with Store(StoreOptions(url=f"sqlite:///{path}")) as store:
        yield Watching(store, "sandbox", door)


async def test_what_is_listed_while_no_watch_runs_is_read_down_to_where_it_ended_and_told(tmp_path):
    """More pages of it than a look would read, and the rescan has not come by yet."""
    async with watched_market(seed=31, size=900) as (desk, witness), keeper_at(tmp_path / "watch.db") as keeper:
        async with led(desk, keeper=keeper, query=WatchQuery([Game.CSGO])) as one:
            await one.pass_time(60)
            first = set(one.told)
        marks = await keeper.watermarks(WatchQuery().scope)
        newest = max(offer.created for offer in desk.server.world.games[Game.CSGO].offers.values() if not offer.p2p) / 1000
        assert marks[Game.CSGO] == pytest.approx(newest, abs=60)
        desk.server.churn.apply(900)
        async with led(desk, keeper=keeper, query=WatchQuery([Game.CSGO])) as one:
            await one.quiet()
            assert one.watch.patrols[Game.CSGO].rescans == 0
            pages = one.watch.figures.requests["newest"].market
            assert pages > 1
            listed = {life.offer_id for life in alive(witness).values() if life.game is Game.CSGO and life.listed > newest}
            assert len(listed) > 10
            assert listed <= one.told
            assert not first & {alert.opportunity.offer_id for alert in one.alerts}


async def test_what_became_of_alerts_while_no_watch_ran_is_told_by_the_next_one(tmp_path):
    async with watched_market(seed=32) as (desk, _), keeper_at(tmp_path / "watch.db") as keeper:
        async with led(desk, keeper=keeper) as one:
            await one.pass_time(60)
            told = {alert.id: alert for alert in one.alerts}
        desk.server.churn.apply(500)
        async with led(desk, keeper=keeper) as one:
            await one.pass_time(90)
            world = desk.server.world
            gone = {number for number, alert in told.items() if world.find_offer(alert.opportunity.offer_id) is None}
            changed = {change.alert.id for change in one.changes}
            assert gone
            assert gone <= changed <= set(told)
            assert not set(told) & {alert.id for alert in one.alerts}


@pytest.fixture
def dear():
    """A market with five titles, each with an offer at $200.00, a find of the level pro that an order takes for $260.00."""
    world = World(1)
    for name in "ABCDE":
        title = world.add_title(Game.CSGO, name, 20_000, traits={"wear_range": (0.15, 0.38)})
        world.add_offer(title, 20_000, wear=0.2, seed=7)
        world.add_order(title, 26_000, amount=9)
    return world


async def test_an_alert_is_judged_by_the_level_at_which_it_was_told_whatever_is_watched_later(tmp_path, dear):
    market = dear.games[Game.CSGO]
    titles = {title.name: title for title in market.titles.values()}
    async with desk_at(world=dear) as desk, keeper_at(tmp_path / "watch.db") as keeper:
        async with led(desk, keeper=keeper, query=WatchQuery([Game.CSGO], [Level.PRO])) as one:
            await one.pass_time(60)
            assert {alert.opportunity.title for alert in one.alerts} == set("ABCDE")
        async with led(desk, keeper=keeper, query=WatchQuery([Game.CSGO], [Level.BOOST])) as one:
            await one.pass_time(90)
            assert (one.alerts, one.changes) == ([], [])
            for name, price in (("B", None), ("C", 19_000), ("D", 25_000)):
                (offer,) = market.offers_of(titles[name])
                dear.drop(offer)
                if price is not None:
                    offer.price = price
                    market.add(offer)
            titles["E"].orders = []
            await one.pass_time(60)
            told = {change.alert.opportunity.title: change for change in one.changes}
            assert {name: change.state for name, change in told.items()} == {
                "B": AlertState.GONE,
                "C": AlertState.CHEAPER,
                "D": AlertState.DEARER,
                "E": AlertState.SPOILED,
            }
            assert [told[name].opportunity is not None for name in "BCDE"] == [False, True, False, False]
        async with led(desk, keeper=keeper, query=WatchQuery([Game.CSGO], [Level.BOOST], max_profit_percent=23.0)) as one:
            await one.pass_time(60)
            assert [(change.alert.opportunity.title, change.state) for change in one.changes] == [("A", AlertState.SPOILED)]


async def test_what_no_door_has_of_a_level_that_is_not_watched_waits_for_a_watch_of_it(tmp_path, dear):
    async with desk_at(world=dear) as desk, keeper_at(tmp_path / "watch.db") as keeper:
        async with led(desk, keeper=keeper, query=WatchQuery([Game.CSGO], [Level.PRO]), door=False) as one:
            await one.quiet()
            await next_alert(one.watch)  # taken, and not acknowledged
        for level, told in ((Level.BOOST, set()), (Level.PRO, set("ABCDE"))):
            async with led(desk, keeper=keeper, query=WatchQuery([Game.CSGO], [level])) as one:
                await one.pass_time(60)
                assert {alert.opportunity.title for alert in one.alerts if alert.again} == told
                assert one.changes == []


async def test_what_was_not_in_good_hands_is_handed_out_again_and_says_so_and_only_while_it_holds(tmp_path):
    async with watched_market(seed=33) as (desk, _), keeper_at(tmp_path / "watch.db") as keeper:
        async with led(desk, keeper=keeper, door=False) as one:
            await one.quiet()
            taken = [await next_alert(one.watch) for _ in range(3)]  # the third is not acknowledged
        unknown = [standing.alert for standing in await keeper.watched() if standing.told is None]
        assert taken[2].id in {alert.id for alert in unknown}
        assert not {taken[0].id, taken[1].id} & {alert.id for alert in unknown}
        sold = unknown[-1].opportunity.offer_id
        sell(desk, unknown[-1])
        async with led(desk, keeper=keeper) as one:
            await one.pass_time(60)
            again = [alert for alert in one.alerts if alert.again]
            assert {alert.id for alert in again} == {alert.id for alert in unknown} - {unknown[-1].id}
            assert sold not in {alert.opportunity.offer_id for alert in one.alerts}
            assert [(change.alert.id, change.state) for change in one.changes] == [(unknown[-1].id, AlertState.GONE)]


async def test_an_alert_of_before_waits_until_the_fees_are_known_and_the_watch_goes_on(tmp_path):
    async with watched_market(SMALL, seed=38) as (desk, _), keeper_at(tmp_path / "watch.db") as keeper, bent(desk, attempts=1) as cut:
        async with led(desk, keeper=keeper, door=False, query=WatchQuery([Game.CSGO])) as one:
            await one.quiet()
            await next_alert(one.watch)
        unknown = {standing.alert.id for standing in await keeper.watched() if standing.told is None}
        cut.between.bend = lambda asked, answer: None if asked.stage == "fees" else answer
        async with led(desk, keeper=keeper, client=cut.client, query=WatchQuery([Game.CSGO])) as one:
            await one.pass_time(20)
            assert one.watch.failing > 10
            assert (one.watch.over, one.watch.heard, one.alerts) == (False, False, [])
            cut.between.bend = lambda _, answer: answer
            await one.pass_time(15)
            assert (one.watch.failing, one.watch.heard) == (0.0, True)
            assert {alert.id for alert in one.alerts if alert.again} == unknown


async def test_alerts_of_a_game_without_fees_keep_nobody_else_waiting(tmp_path):
    """More of them than are looked at side by side."""
    query = WatchQuery([Game.CSGO, Game.RUST])
    async with watched_market(SMALL, seed=41) as (desk, _), keeper_at(tmp_path / "watch.db") as keeper, bent(desk, attempts=1) as cut:
        async with led(desk, keeper=keeper, door=False, query=query) as one:
            await one.quiet()
        left = Counter(standing.alert.opportunity.game for standing in await keeper.watched())
        assert min(left[game] for game in query.games) > 8
        cut.between.bend = lambda asked, answer: None if asked.stage == "fees" and asked.query["gameId"] == "a8db" else answer
        async with led(desk, keeper=keeper, client=cut.client, query=query) as one:
            await one.pass_time(5)
            assert Counter(alert.opportunity.game for alert in one.alerts if alert.again) == {Game.RUST: left[Game.RUST]}
            cut.between.bend = lambda _, answer: answer
            await one.pass_time(15)
            assert Counter(alert.opportunity.game for alert in one.alerts if alert.again) == left


async def test_alerts_of_games_and_levels_that_are_not_watched_any_more_are_left_alone_while_no_door_has_them(tmp_path):
    """Nobody waits for them, so nothing is said of them, be it that they pay no more."""
    query = WatchQuery([Game.RUST], [Level.BOOST])
    async with watched_market(SMALL, seed=39) as (desk, _), keeper_at(tmp_path / "watch.db") as keeper:
        async with led(desk, keeper=keeper, door=False) as one:
            await one.pass_time(20)
        before = {standing.alert.id: standing for standing in await keeper.watched()}
        watched = {number for number, one in before.items() if (one.alert.opportunity.game, one.alert.level) == (Game.RUST, Level.BOOST)}
        assert 0 < len(watched) < len(before)
        async with led(desk, keeper=keeper, query=query) as one:
            await one.pass_time(20)
            assert ({alert.id for alert in one.alerts}, one.changes, one.watch.over) == (watched, [], False)
        after = {standing.alert.id: standing for standing in await keeper.watched()}
        assert {number: after[number] for number in before if number not in watched} == {number: before[number] for number in before if number not in watched}


async def test_a_door_is_told_whether_an_alert_holds_by_what_is_known(tmp_path):
    async with watched_market(SMALL, seed=40) as (desk, _), keeper_at(tmp_path / "watch.db") as keeper, led(desk, keeper=keeper, verify=3600.0) as one:
        await one.quiet()
        alert = one.alerts[0]
        assert one.watch.holds(alert) is True
        one.clock.now += one.watch.options.recheck + 0.1
        assert one.watch.holds(alert) is None
        sell(desk, alert)
        assert await one.watch.recheck(alert) is False
        assert one.watch.holds(alert) is False


async def test_a_change_that_the_door_did_not_take_is_told_by_the_next_watch(tmp_path):
    async with watched_market(seed=34) as (desk, _), keeper_at(tmp_path / "watch.db") as keeper:
        async with led(desk, keeper=keeper, door=False) as one:
            await one.quiet()
            alert = await next_alert(one.watch)
            await one.watch._acknowledge()
            sell(desk, alert)
            await one.pass_time(40)
        async with led(desk, keeper=keeper) as one:
            await one.pass_time(5)
            assert [(change.alert.id, change.state) for change in one.changes if change.alert.id == alert.id] == [(alert.id, AlertState.GONE)]
        async with led(desk, keeper=keeper) as one:
            await one.pass_time(40)
            assert alert.id not in {change.alert.id for change in one.changes}


async def test_doors_do_not_take_each_others_alerts_and_two_watches_of_one_door_share_them(tmp_path):
    async with watched_market(seed=35) as (desk, witness), keeper_at(tmp_path / "a.db") as keeper:
        other_door = Watching(keeper._store, "sandbox", "other")
        async with led(desk, keeper=keeper) as one, led(desk, keeper=keeper) as two, led(desk, keeper=other_door) as other:
            for _ in range(6):
                desk.server.churn.apply(20)
                for each in (one, two, other):
                    await each.pass_time(10)
            both = [alert.opportunity.offer_id for each in (one, two) for alert in each.alerts]
            assert set(alive(witness)) <= one.told | two.told
            assert set(alive(witness)) <= other.told
            assert len({(alert.opportunity.offer_id, alert.opportunity.price_cents) for each in (one, two) for alert in each.alerts}) == len(both)


class NotedQuota(SharedQuota):
    """A shared quota in real time that adds to ``sends`` when each market request was sent."""

    def __init__(self, redis, sends):
        super().__init__(redis, "account", QuotaOptions())
        lane = self._shared[RequestClass.MARKET]
        stamp = lane.stamp

        def noted():
            sends.append(stamp())
            return sends[-1]

        lane.stamp = noted  # type: ignore[method-assign]


async def test_two_watches_that_share_one_key_stay_within_its_quota_together(tmp_path):
    """In real time, each with a quota that is shared through Redis, on a market that counts: all is told, and no window holds more than nine tenths.

    The market refuses nothing, unless the way there took differently long by more than the margin, which no client can help.
    """
    market = MarketOptions(seed=36, size=200, latency=0.02, deals=0.5)
    sends: list[float] = []
    told = set()
    with EmbeddedServer() as server:
        async with watched_market(market) as (desk, witness), keeper_at(tmp_path / "watch.db") as keeper:
            address, arrivals = desk.server.address, arrivals_at(desk.server)[RequestClass.MARKET]

            async def one(redis):
                keys = KeyPair.parse(address.public_key, address.secret_key)
                async with (
                    NotedQuota(redis, sends) as quota,
                    client_at(address.url, keys, quota=quota) as client,
                    Watch(client.within(PartQuota(quota, 0.9)), WatchQuery(), keeper=keeper) as watch,
                ):
                    async for event in watch:
                        if not isinstance(event, WatchFigures):
                            told.add(event.opportunity.offer_id if isinstance(event, Alert) else event.offer_id)

            async with Redis.from_url(server.url) as first, Redis.from_url(server.url) as second:
                doors = [asyncio.ensure_future(one(redis)) for redis in (first, second)]
                for _ in range(2):
                    desk.server.churn.apply(5)
                    while set(alive(witness)) - told:
                        assert not any(door.done() for door in doors)
                        await asyncio.sleep(0.05)
                for door in doors:
                    door.cancel()
                await asyncio.gather(*doors, return_exceptions=True)
            served = desk.server.served
    margin = QuotaOptions().window - 1
    assert len(sends) > 50
    assert all(later - earlier > 1 + margin / 2 for earlier, later in zip(sends, sends[9:], strict=False))
    ways = [there - here for here, there in zip(sends, arrivals, strict=False)]
    if max(ways) - min(ways) < margin:
        assert (sum(served.refused.values()), served.most_in_a_second[RequestClass.MARKET] <= 9) == (0, True)
