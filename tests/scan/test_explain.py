"""Why an offer is a find, or why not: the trace says what a scan says, with figures for those too that it drops at once."""

from __future__ import annotations

import math

import pytest

from botcore.client import KeyPair
from botcore.errors import MarketError
from botcore.model import Exit, Game, Level, ScanQuery
from botcore.sandbox import World
from botcore.scan.evidence import Concern
from botcore.scan.explain import Explainer
from botcore.scan.trace import FOUND
from tests.client.support import raw_server

from .support import FEES, Between, client_at, desk_at
from .test_outcomes import Clock

REASONS = {"p2p", "price", "locked", "own", "muted", "no-exit", "thin", "low", "too-good"}


async def explained(desk, offer_id, title, game="csgo", level="standard", **query):
    return await Explainer(desk.client).explain(offer_id, ScanQuery(game, level, title=title, **query))


@pytest.fixture
async def shop():
    """One title with an offer at $10.00 that an order takes for $11.37, and one at $12.00."""
    world = World(1, clock=Clock())
    title = world.add_title(Game.CSGO, "A", 1000)
    world.add_order(title, 1137, 3)
    world.add_order(title, 1500, 1, seed="7")
    async with desk_at(world=world) as desk:
        yield desk, world, title, world.add_offer(title, 1000), world.add_offer(title, 1200)


async def test_a_find_passes_every_stage(shop):
    desk, world, _, cheap, _ = shop
    one = await explained(desk, world.offer_id(cheap), "A")
    assert (one.verdict, one.stage, one.price_cents, one.market) == (FOUND, FOUND, 1000, "sandbox")
    assert (one.orders, one.fitting, one.bid_cents, one.next_ask_cents, one.cheapest) == (2, 1, 1137, 1200, True)
    assert one.found is not None
    assert (one.found.exit, one.found.profit_cents) == (Exit.TARGET, 80)
    assert [(way.exit, way.price_cents, way.fee_cents, way.profit_cents, way.profit_percent, way.verdict) for way in one.ways] == [
        (Exit.TARGET, 1137, 57, 80, 8.0, "fits")
    ]
    assert one.assessment is not None
    assert (one.assessment.worst_cents, one.assessment.book.pieces) == (80, 3)
    assert one.assessment.concerns == (Concern.THIN,)


async def test_an_offer_that_is_too_dear_is_told_by_how_much_it_misses(shop):
    """The quote's best bid is an order that does not take it, so a scan must look; without that order it need not."""
    desk, world, title, _, dear = shop
    looked_at = await explained(desk, world.offer_id(dear), "A", level="medium")
    assert (looked_at.verdict, looked_at.stage, looked_at.cheapest, looked_at.affordable_cents) == ("low", "checked", False, 1357)
    title.orders.pop()
    dropped = await explained(desk, world.offer_id(dear), "A", level="medium")
    assert (dropped.verdict, dropped.stage, dropped.affordable_cents) == ("low", "listed", 1028)
    for one in (looked_at, dropped):
        assert [(way.profit_cents, way.verdict) for way in one.ways] == [(1137 - 57 - 1200, "low")]
        assert one.found is None
        assert one.assessment is not None
        assert one.assessment.expected_cents == 1137 - 57 - 1200


async def test_an_offer_outside_the_window_or_muted_or_ones_own_is_told_why(shop):
    desk, world, title, cheap, _ = shop
    own = world.add_offer(title, 1000, mine=True)
    locked = world.add_offer(title, 1000, locked=True)
    p2p = world.add_offer(title, 1000, p2p=True)
    asked = {
        "price": await explained(desk, world.offer_id(cheap), "A", level="boost"),
        "muted": await explained(desk, world.offer_id(cheap), "A", muted=frozenset({"A"})),
        "own": await explained(desk, world.offer_id(own), "A"),
        "locked": await explained(desk, world.offer_id(locked), "A"),
        "gone": await explained(desk, world.offer_id(p2p), "A"),
    }
    assert {name: one.verdict for name, one in asked.items()} == {name: name for name in asked}
    assert {one.stage for name, one in asked.items() if name != "gone"} == {"listed"}
    assert asked["price"].ways
    assert (asked["gone"].stage, asked["gone"].price_cents, asked["gone"].ways) == ("", None, ())


async def test_a_profit_above_the_window_is_too_good_unless_the_cap_is_lifted(shop):
    desk, world, _, _, _ = shop
    title = world.games[Game.CSGO].titles["A"]
    joke = world.add_offer(title, 700)
    dropped = await explained(desk, world.offer_id(joke), "A")
    assert (dropped.verdict, dropped.stage, [way.verdict for way in dropped.ways]) == ("too-good", "checked", ["too-good"])
    assert (dropped.least_percent, dropped.most_percent) == (5.0, 10.0)
    kept = await explained(desk, world.offer_id(joke), "A", max_profit_percent=math.inf)
    assert (kept.verdict, kept.most_percent) == (FOUND, None)


async def test_a_title_with_the_same_beginning_is_another(shop):
    desk, world, _, cheap, _ = shop
    longer = world.add_offer(world.add_title(Game.CSGO, "AB", 1000), 500)
    assert (await explained(desk, world.offer_id(longer), "A")).verdict == "gone"
    assert (await explained(desk, world.offer_id(cheap), "A")).next_ask_cents == 1200


@pytest.mark.parametrize(("game", "level"), [("csgo", "standard"), ("csgo", "boost"), ("rust", "medium")])
async def test_the_trace_says_what_a_scan_says(game, level):
    """Every find is explained as one, with the same figures; of the others every fifth is explained as none."""
    async with desk_at() as desk:
        report = await desk.scan(game, level)
        found = {one.offer_id: one for one in report.opportunities}
        assert found
        for name, one in found.items():
            again = await explained(desk, name, one.title, game, level)
            assert again.found == one
        low, high = Level(level).price_window
        offers = [offer for offer in desk.server.world.games[Game(game)].offers.values() if low <= offer.price <= high and not offer.p2p]
        others = [offer for offer in offers if desk.server.world.offer_id(offer) not in found][::5][:40]
        for offer in others:
            again = await explained(desk, desk.server.world.offer_id(offer), offer.item.title.name, game, level)
            assert again.verdict in REASONS
            assert again.found is None
            assert again.price_cents == offer.price


async def test_nothing_is_assumed_where_the_market_does_not_answer(shop):
    desk, world, _, cheap, _ = shop
    go_between = Between(desk.server.address.url)
    go_between.bend = lambda asked, answer: None if asked.path == FEES else answer
    keys = KeyPair.parse(desk.server.address.public_key, desk.server.address.secret_key)
    async with raw_server(go_between.handle) as url, client_at(url, keys, attempts=1) as client:
        with pytest.raises(MarketError):
            await Explainer(client).explain(world.offer_id(cheap), ScanQuery("csgo", "standard", title="A"))
