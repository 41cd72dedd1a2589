"""Outcomes of a watch: whatever it tells, and a sample of what it drops, is noted and asked about, and no trouble there ends the watch."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from botcore.app import open_app
from botcore.client import KeyPair, PartQuota, Priority
from botcore.errors import ScanFailed, StoreError
from botcore.model import Alert, Game, WatchQuery
from botcore.sandbox import MarketOptions
from botcore.sandbox.signature import make_keys
from botcore.scan import Watch
from botcore.scan.claims import FIRST
from botcore.scan.evidence import Assessment
from botcore.scan.explain import Explainer
from botcore.scan.follow import Follower
from botcore.scan.following import Following
from botcore.scan.outcomes import AGAIN, Asker
from botcore.settings import load
from botcore.store import Outcomes, Store, StoreOptions, Watching

from .support import client_at
from .test_outcomes import bare
from .watched import HandClock, led, sell, watched_market

QUERY = WatchQuery([Game.CSGO])


async def nothing_earlier():
    return []


class Moved:
    """The market's time, moved on together with the watch's."""

    def __init__(self, client):
        self.clock = HandClock()
        self.client = client

    def __call__(self):
        return self.client.now() + self.clock.now - 1000.0


@asynccontextmanager
async def followed_market(tmp_path, *, share=0.0, kept=Outcomes, client=None, **market):
    """A market, a store, and what follows the outcomes of a watch of that market."""
    async with watched_market(**market) as (desk, _), Store(StoreOptions(url=f"sqlite:///{tmp_path / 'watch.db'}")) as store:
        outcomes, now, asking = kept(store, "sandbox"), Moved(desk.client), client or desk.client
        follower = Follower(Explainer(asking, priority=Priority.WARM), outcomes, share=share)
        yield desk, store, outcomes, now, Following(follower, Asker(asking, outcomes), now, earlier=nothing_earlier, turn=asyncio.Lock())


async def of_alert(outcomes, alert):
    (one,) = await outcomes.of_offer(alert.opportunity.game, alert.opportunity.offer_id)
    return one


def weighed_of(watch: Watch, alert: Alert) -> Assessment:
    weighed = watch.weighed(alert)
    assert weighed is not None
    return weighed


async def first_alert(watch: Watch) -> Alert:
    event = await anext(watch)
    assert isinstance(event, Alert)
    return event


async def test_every_alert_is_noted_with_the_score_it_was_told_by_and_costs_no_request(tmp_path):
    async with followed_market(tmp_path) as (desk, _, outcomes, now, following), led(desk, query=QUERY, following=following, clock=now.clock) as one:
        await one.pass_time(15)
        assert len(one.alerts) > 10
        for alert in one.alerts:
            noted, weighed = await of_alert(outcomes, alert), weighed_of(one.watch, alert)
            assert (noted.price_cents, noted.exit, noted.profit_cents) == (
                alert.opportunity.price_cents,
                alert.opportunity.exit,
                alert.opportunity.profit_cents,
            )
            assert noted.score == pytest.approx(weighed.score, abs=1e-3)
            assert noted.features == pytest.approx(weighed.features, abs=1e-3)
        spent = one.watch.figures.requests["outcomes"]
        assert (spent.market, spent.sales, spent.other) == (0, 0, 0)


async def test_what_became_of_alerts_is_asked_when_it_is_due_and_counted_on_its_own(tmp_path):
    async with followed_market(tmp_path) as (desk, _, outcomes, now, following), led(desk, query=QUERY, following=following, clock=now.clock) as one:
        await one.pass_time(10)
        sold, *kept = one.alerts
        sell(desk, sold)
        await one.pass_time(60)
        assert (await of_alert(outcomes, sold)).there_30s is False
        assert {(await of_alert(outcomes, alert)).there_30s for alert in kept} == {True}
        assert one.watch.figures.requests["outcomes"].market > 0
        await one.pass_time(300)
        assert {(await of_alert(outcomes, alert)).there_5min for alert in kept} == {True}


async def test_what_is_weighed_is_forgotten_when_the_alert_is_over(tmp_path):
    async with followed_market(tmp_path) as (desk, _, _, now, following), led(desk, query=QUERY, following=following, clock=now.clock) as one:
        await one.pass_time(15)
        alert, *others = one.alerts
        assert weighed_of(one.watch, alert).exit is alert.opportunity.exit
        sell(desk, alert)
        await one.pass_time(60)
        assert one.watch.weighed(alert) is None
        assert all(one.watch.weighed(other) for other in others)


async def test_a_worst_case_is_told_only_where_orders_were_asked_for(tmp_path):
    async with followed_market(tmp_path) as (desk, _, _, now, following), led(desk, query=QUERY, following=following, clock=now.clock) as one:
        await one.pass_time(15)
        weighed = [weighed_of(one.watch, alert) for alert in one.alerts]
        assert all(found.orders_known for found in weighed if found.exit == "target")
        assert all(found.worst_cents is None for found in weighed if not found.orders_known)
        assert all(found.worst_cents == found.expected_cents for found in weighed if found.exit == "target")


async def test_a_sample_of_what_is_dropped_is_followed_with_its_reason(tmp_path):
    async with followed_market(tmp_path, share=1.0) as (desk, _, outcomes, now, following):
        async with led(desk, query=QUERY, following=following, clock=now.clock) as one:
            one.watch.patrols[Game.CSGO]._dropped = lambda offer, reason, at: following.dropped(Game.CSGO, offer, reason, at)
            await one.pass_time(10)
            desk.server.churn.apply(60)
            await one.pass_time(10)
        frame = await outcomes.frame()
        rejected = [row for row in frame.to_dicts() if row["reason"]]
        assert len(rejected) > 5
        assert {row["reason"] for row in rejected} <= {"low", "thin", "no-exit", "too-good", "gone", "locked", "p2p"}


async def test_a_store_that_fails_is_trouble_and_what_it_missed_is_noted_later(tmp_path):
    class Failing(Outcomes):
        broken = True

        async def note(self, claims, *, first):
            if self.broken:
                raise StoreError("the disk is full")
            return await super().note(claims, first=first)

    async with (
        followed_market(tmp_path, kept=Failing) as (desk, _, outcomes, now, following),
        led(desk, query=QUERY, following=following, clock=now.clock) as one,
    ):
        await one.pass_time(15)
        assert len(one.alerts) > 10
        assert any(failure.what == "outcomes" and failure.error == "StoreError" for failure in one.watch.figures.failures)
        assert (await outcomes.counts()).noted == 0
        assert not one.watch.over
        outcomes.broken = False
        await one.pass_time(30)
        assert (await outcomes.counts()).noted == len(one.alerts)


async def test_a_market_that_does_not_answer_puts_outcomes_off_and_the_watch_goes_on(tmp_path):
    keys = KeyPair.parse(*make_keys(1))
    async with (
        client_at("http://127.0.0.1:9", keys, attempts=1) as nowhere,
        followed_market(tmp_path, client=nowhere) as (desk, _, outcomes, now, following),
        led(desk, query=QUERY, following=following, clock=now.clock) as one,
    ):
        await one.pass_time(60)
        assert len(one.alerts) > 10
        assert not one.watch.over
        noted = [await of_alert(outcomes, alert) for alert in one.alerts]
        assert {row.there_30s for row in noted} == {None}
        assert all(row.next_at > row.noted_at + AGAIN for row in noted)


async def test_a_key_that_is_refused_ends_the_watch(tmp_path):
    async with followed_market(tmp_path) as (desk, _, outcomes, now, _), client_at(desk.server.address.url, KeyPair.parse(*make_keys(99))) as stranger:
        await outcomes.note([bare()], first=FIRST)
        following = Following(Follower(Explainer(stranger), outcomes), Asker(stranger, outcomes), now, earlier=nothing_earlier, turn=asyncio.Lock())
        async with asyncio.timeout(30), Watch(desk.client.within(PartQuota(desk.client.quota, 0.9)), QUERY, following=following) as watch:
            with pytest.raises(ScanFailed, match="refused the keys"):
                async for _ in watch:
                    pass


async def test_alerts_that_an_earlier_watch_did_not_note_are_noted_by_the_next(tmp_path):
    async with followed_market(tmp_path) as (desk, store, outcomes, now, following):
        keeper = Watching(store, "sandbox", "tests")
        async with led(desk, query=QUERY, keeper=keeper) as first:
            await first.pass_time(15)
        assert (await outcomes.counts()).noted == 0
        following._earlier = keeper.alerts
        async with led(desk, query=QUERY, keeper=keeper, following=following, clock=now.clock) as second:
            await second.pass_time(5)
        noted = [await of_alert(outcomes, alert) for alert in first.alerts]
        assert len(noted) > 10
        assert all(row.score is not None for row in noted)


async def test_the_app_follows_the_outcomes_of_its_watches(tmp_path):
    """In a sandbox whose minutes are seconds."""
    quick = {f"BOTCORE_QUOTA_{kind}": "2000" for kind in ("MARKET", "SALES", "FEE", "OTHER")}
    settings = load({**quick, "DATABASE_URL": f"sqlite:///{tmp_path / 'app.db'}"}, tmp_path / ".env")
    market = MarketOptions(seed=4, size=800, latency=0.0, limits=False, speed=20)
    async with asyncio.timeout(60), open_app(settings, sandbox=market) as app:
        async with app.watch(QUERY) as watch:
            alert = await first_alert(watch)
            assert app.outcomes is not None
            while not (seen := await app.outcomes.of_offer(Game.CSGO, alert.opportunity.offer_id)) or seen[0].there_30s is None:  # noqa: ASYNC110 - nothing says so
                await asyncio.sleep(0.1)
        assert seen[0].there_30s is True
        assert seen[0].score is not None
        assert app.confidence(weighed_of(watch, alert)).chance is None


async def test_an_app_without_a_store_follows_nothing_and_watches_all_the_same(tmp_path):
    broken = tmp_path / "no" / "folder"
    broken.parent.write_text("")
    settings = load({"DATABASE_URL": f"sqlite:///{broken / 'app.db'}"}, tmp_path / ".env")
    market = MarketOptions(seed=4, size=800, latency=0.0, limits=False)
    async with asyncio.timeout(60), open_app(settings, sandbox=market) as app:
        assert app.outcomes is None
        async with app.watch(QUERY) as watch:
            assert watch.weighed(await first_alert(watch)) is not None
