"""Alerts, all of them, and a sample of rejected offers are noted with a score, to be followed up."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import msgspec
import pytest

from botcore.client import Priority
from botcore.errors import StoreError
from botcore.model import Alert, Exit, Game, Level, ScanQuery
from botcore.sandbox import World
from botcore.scan.claims import FIRST
from botcore.scan.explain import Explainer
from botcore.scan.follow import Follower
from botcore.scan.verdict import Weighed
from botcore.store import Outcomes, Store, StoreOptions

from .support import desk_at
from .test_outcomes import START, Clock


@asynccontextmanager
async def followed(tmp_path, share=1.0):
    """A follower at a market with one title: an offer at $10.00 that an order takes for $11.37, and one at $12.00."""
    world = World(1, clock=Clock())
    title = world.add_title(Game.CSGO, "A", 1000, traits={"wear_range": (0.15, 0.38)})
    world.add_order(title, 1137, 3, part="FT-2")
    cheap, dear = (world.add_offer(title, price, wear=0.22, seed=412) for price in (1000, 1200))
    async with desk_at(world=world) as desk, Store(StoreOptions(url=f"sqlite:///{tmp_path / 'follow.db'}")) as store:
        outcomes = Outcomes(store, "sandbox")
        yield desk, outcomes, Follower(Explainer(desk.client, priority=Priority.WARM), outcomes, share=share), (cheap, dear)


async def alert_of(desk) -> Alert:
    report = await desk.scan("csgo", "standard")
    (found,) = report.opportunities
    return Alert(id=1, level=Level.STANDARD, opportunity=found, seen_at=START, decided_at=START, queued_at=START + 0.5)


async def offers(desk):
    page = await desk.client.offers_page(Game.CSGO)
    return {offer.price_cents: offer for offer in page.offers}


async def test_an_alert_is_noted_once_with_what_orders_ask_for_and_a_score(tmp_path):
    async with followed(tmp_path) as (desk, outcomes, follower, _):
        alert = await alert_of(desk)
        follower.alerted(alert)
        follower.alerted(alert)
        await follower.work()
        (one,) = await outcomes.of_offer(Game.CSGO, alert.opportunity.offer_id)
    assert follower.noted == 1
    assert (one.exit, one.exit_price_cents, one.profit_cents, one.reason) == (Exit.TARGET, 1137, 80, "")
    assert (one.float_part, one.paint_seed, one.noted_at, one.next_at) == ("FT-2", "412", START + 0.5, START + 0.5 + FIRST)
    assert one.score is not None
    assert 0.5 < one.score < 1
    assert one.features["pieces"] == 3


async def test_an_alert_whose_offer_is_gone_already_is_noted_without_a_score(tmp_path):
    async with followed(tmp_path) as (desk, outcomes, follower, (cheap, _)):
        alert = await alert_of(desk)
        desk.server.world.drop(cheap)
        follower.alerted(alert)
        await follower.work()
        (one,) = await outcomes.of_offer(Game.CSGO, alert.opportunity.offer_id)
    assert (one.score, one.float_part, one.exit_price_cents) == (None, "", 1137)


async def test_a_rejected_offer_is_noted_with_its_reason_and_whatever_exit_it_has(tmp_path):
    async with followed(tmp_path) as (desk, outcomes, follower, _):
        dear = (await offers(desk))[1200]
        follower.dropped(Game.CSGO, dear, "low", START)
        await follower.work()
        (one,) = await outcomes.of_offer(Game.CSGO, dear.offer_id)
    assert (one.reason, one.level, one.exit, one.profit_cents) == ("low", Level.MEDIUM, Exit.TARGET, 1137 - 57 - 1200)
    assert one.score is not None


async def test_of_rejected_offers_a_share_is_followed_and_none_outside_of_all_levels(tmp_path):
    async with followed(tmp_path, share=0.05) as (desk, outcomes, follower, _):
        dear = (await offers(desk))[1200]
        for number in range(300):
            follower.dropped(Game.CSGO, msgspec.structs.replace(dear, offer_id=f"offer-{number}"), "low", START)
            follower.dropped(Game.CSGO, msgspec.structs.replace(dear, offer_id=f"cheap-{number}", price_cents=3), "low", START)
        await follower.work()
        assert 5 <= (await outcomes.counts()).noted == follower.noted <= 30


async def test_a_round_waits_for_what_is_handed_over(tmp_path):
    async with followed(tmp_path) as (desk, outcomes, follower, _):
        running = asyncio.create_task(follower.round())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not running.done()
        follower.alerted(await alert_of(desk))
        async with asyncio.timeout(20):
            await running
        assert (await outcomes.counts()).noted == 1


async def test_what_could_not_be_noted_is_noted_by_the_next_round(tmp_path):
    class Failing(Outcomes):
        failures = 1

        async def note(self, claims, *, first):
            if self.failures:
                self.failures -= 1
                raise StoreError("the disk is full")
            return await super().note(claims, first=first)

    async with followed(tmp_path) as (desk, outcomes, _, _):
        follower = Follower(Explainer(desk.client), Failing(outcomes._store, "sandbox"))
        follower.alerted(await alert_of(desk))
        with pytest.raises(StoreError):
            await follower.round()
        assert (await outcomes.counts()).noted == 0
        async with asyncio.timeout(20):
            await follower.round()
        assert (await outcomes.counts()).noted == 1


async def test_an_alert_as_its_decision_saw_it_costs_no_request_and_keeps_its_score(tmp_path):
    async with followed(tmp_path) as (desk, outcomes, follower, (cheap, _)):
        alert = await alert_of(desk)
        explained = await Explainer(desk.client).explain(alert.opportunity.offer_id, ScanQuery("csgo", "standard", title="A"))
        desk.server.world.drop(cheap)
        assert explained.offer is not None
        assert explained.assessment is not None
        before = desk.server.served.requests.copy()
        follower.alerted(alert, Weighed(explained.offer, explained.assessment))
        await follower.work()
        (one,) = await outcomes.of_offer(Game.CSGO, alert.opportunity.offer_id)
    assert desk.server.served.requests == before
    assert (one.score, one.float_part, one.paint_seed) == (explained.assessment.score, "FT-2", "412")


async def test_an_alert_that_was_noted_before_is_not_asked_about_again(tmp_path):
    async with followed(tmp_path) as (desk, _, follower, _):
        alert = await alert_of(desk)
        follower.alerted(alert)
        await follower.work()
        before = desk.server.served.requests.copy()
        follower.alerted(alert)
        await follower.work()
        assert desk.server.served.requests == before
    assert follower.noted == 1
