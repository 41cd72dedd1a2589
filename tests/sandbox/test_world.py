"""Grown worlds: believable, repeatable, alive, and never without a find."""

from __future__ import annotations

import pytest

from botcore.errors import SandboxError
from botcore.model import Game, Level
from botcore.sandbox import MarketOptions, World, grow_world
from botcore.sandbox.churn import Churn
from botcore.sandbox.goods import identifier, serial_of
from botcore.sandbox.truth import true_opportunities

CLOCK = 1_790_000_000.0


def grown(seed=1, size=2000, **more):
    return grow_world(seed, size, clock=lambda: CLOCK, **more)


def shape(world):
    return [(o.serial, o.price, o.created, o.item.title.name, o.item.wear) for market in world.games.values() for o in market.offers.values()]


def test_a_seed_is_a_world():
    assert shape(grown(1)) == shape(grown(1))
    assert shape(grown(1)) != shape(grown(2))


def test_a_big_world_has_the_shape_of_a_market():
    world = grown(1, 20_000)
    csgo = world.games[Game.CSGO]
    assert 0.9 < sum(len(market.offers) for market in world.games.values()) / 20_000 < 1.15
    boost = csgo.count_priced(*Level.BOOST.price_window)
    assert 0.35 < boost / len(csgo.offers) < 0.55
    assert boost > 2 * csgo.count_priced(*Level.STANDARD.price_window) > 4 * csgo.count_priced(*Level.PRO.price_window) > 0
    pieces = [len(title.serials) for title in csgo.titles.values()]
    assert pieces.count(1) > len(pieces) / 30
    assert max(pieces) > 100
    names = "".join(name for market in world.games.values() for name in market.titles)
    assert all(mark in names for mark in ("★", "™", "'", '"', "/", "|", "(", "&"))
    offers = csgo.offers.values()
    assert {o.p2p for o in offers} == {o.locked for o in offers} == {bool(o.item.unlock) for o in offers} == {True, False}
    orders = [order for title in csgo.titles.values() for order in title.orders]
    assert all(any(getattr(order, name) for order in orders) for name in ("part", "phase", "seed"))
    assert any(o.price > 4 * o.item.title.value > 0 for o in offers)
    assert any(title.reference == 0 for title in csgo.titles.values())


@pytest.mark.parametrize("seed", [1, 2, 3, 11])
def test_every_level_of_every_game_has_finds(seed):
    world = grown(seed, 1500)
    assert all(true_opportunities(world, game, level) for game in Game for level in Level)


def test_finds_are_few_in_a_big_window():
    world = grown(5, 12_000)
    found = len(true_opportunities(world, Game.CSGO, Level.BOOST))
    assert 0.002 < found / world.games[Game.CSGO].count_priced(*Level.BOOST.price_window) < 0.01


def test_ids_are_uuids_and_lead_back():
    seen = {identifier(number, 77) for number in range(2000)}
    assert len(seen) == 2000
    assert [serial_of(identifier(number, 77), 77) for number in (0, 1, 99, 2**40)] == [0, 1, 99, 2**40]
    assert serial_of(identifier(5, 77), 78) is None
    assert serial_of("nonsense", 77) is None


def test_churn_keeps_every_order_true_and_tells_what_it_did():
    world = grown()
    market = world.games[Game.CSGO]
    kinds = [(kind, order) for kind in ("dmarket", "p2p", "all") for order in ("price", "title", "float", "createdAt", "discount-asc", "discount-desc")]
    for kind, order in kinds:
        market.ordered(kind, order)
    before = {world.offer_id(o) for game in world.games.values() for o in game.offers.values()}
    bought = {row.offer_id for row in world.ledger.closed_targets}
    events = Churn(world).apply(800)
    for kind, order in kinds:
        offers = (o for o in market.offers.values() if kind == "all" or o.p2p == (kind == "p2p"))
        assert market.ordered(kind, order) == market.sort(offers, order)
    for event in events:
        if event.kind in ("sell", "reprice"):
            before.remove(event.offer_id)
        new = event.new_offer_id or (event.offer_id if event.kind == "list" else None)
        if new:
            before.add(new)
    bought = {row.offer_id for row in world.ledger.closed_targets}
    assert before - bought == {world.offer_id(o) for game in world.games.values() for o in game.offers.values()}
    assert {event.kind for event in events} == {"list", "sell", "reprice"}
    assert [event.number for event in events] == list(range(1, 801))
    assert all(market.offers[serial].item.title is title for title in market.titles.values() for serial in title.serials)


def test_a_sale_shows_in_the_history():
    world = grown()
    event = next(event for event in Churn(world).apply(200) if event.kind == "sell")
    title = world.games[event.game].titles[event.title]
    assert any(sale.sold_at == int(CLOCK) for sale in title.sales)
    assert [sale.sold_at for sale in title.sales] == sorted((sale.sold_at for sale in title.sales), reverse=True)


@pytest.mark.parametrize("options", [{"chaos": "wild"}, {"window": "round"}, {"integers": "roman"}, {"size": -1}, {"public_key": "ab"}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(SandboxError):
        MarketOptions(**options)


def test_a_world_tells_what_it_is():
    assert repr(World(7)) == "World(seed=7, offers=0, balance=1000000)"
