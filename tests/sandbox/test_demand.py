"""Trade by the day: sales go on as they were, moods show in the past and in the future, and orders come and go."""

from __future__ import annotations

from statistics import mean, median

import pytest

from botcore.model import Exit, Game, Level
from botcore.sandbox import World, grow_world
from botcore.sandbox.demand import Demand
from botcore.sandbox.goods import Order, Sale
from botcore.sandbox.moods import Mood, draw_mood, price_factor, reshape
from botcore.sandbox.truth import exit_came, true_opportunities

START = 1_790_000_000.0
DAY = 86_400


class Clock:
    def __init__(self):
        self.at = START

    def __call__(self):
        return self.at


def grown(seed=1, size=2000):
    clock = Clock()
    world = grow_world(seed, size, clock=clock)
    return world, clock, Demand(world)


def titles(world):
    return [title for market in world.games.values() for title in market.titles.values()]


def lived(days, steps=1, **which):
    world, clock, demand = grown(**which)
    for step in range(1, steps + 1):
        clock.at = START + days * DAY * step / steps
        demand.live(clock.at)
    return world


def since(title, at=START):
    return [sale for sale in title.sales if sale.sold_at >= at]


def traded(world):
    return [(title.name, sale.sold_at, sale.price, sale.phase, sale.to_target) for title in titles(world) for sale in since(title)]


def test_the_same_seed_has_the_same_future_in_whatever_steps_it_is_lived():
    assert traded(lived(3)) == traded(lived(3, steps=50))
    assert traded(lived(3)) != traded(lived(3, seed=2))


def test_titles_go_on_selling_at_their_pace_and_near_their_price():
    world = lived(10)
    steady = [title for title in titles(world) if title.mood == Mood.STEADY and len(since(title, START - 30 * DAY)) - len(since(title)) >= 15]
    expected = sum((len(since(title, START - 30 * DAY)) - len(since(title))) / 3 for title in steady)
    assert len(steady) > 30
    assert 0.8 < sum(len(since(title)) for title in steady) / expected < 1.25
    ratios = [sale.price / (title.value * title.phases[sale.phase] * title.level) for title in steady for sale in since(title) if sale.phase in title.phases]
    assert 0.93 < median(ratios) < 1.05
    assert max(ratios) < 1.4
    assert 0.1 < mean(sale.to_target for title in steady for sale in since(title)) < 0.35


def test_a_title_that_has_fallen_silent_stays_so():
    world = lived(10)
    stale = [title for title in titles(world) if title.mood == Mood.STALE]
    before = [sale.sold_at for title in stale for sale in title.sales if sale.sold_at < START]
    assert len(stale) >= 5
    assert START - 12 * DAY >= max(before) > START - 30 * DAY
    assert sum(len(since(title)) for title in stale) < 0.3 * sum(len(since(title, START - 30 * DAY)) for title in stale)


def test_a_pump_ends():
    worlds = [lived(8, seed=seed) for seed in (1, 2, 3)]
    pumped = [title for world in worlds for title in titles(world) if title.mood == Mood.PUMPED and len(title.phases) == 1]
    share = [
        [sale.price / (title.value * title.level) for title in pumped for sale in title.sales if low <= (sale.sold_at - START) / DAY < high]
        for low, high in ((-30, -3), (-2.5, 0), (1, 9))
    ]
    assert [round(median(prices), 1) for prices in share] == [1.0, 1.5, 1.0]


@pytest.mark.parametrize(("mood", "before", "after"), [(Mood.FALLING, 1.3, 0.9), (Mood.RISING, 0.85, 1.06)])
def test_prices_that_fall_or_rise_did_so_before(mood, before, after):
    assert price_factor(mood, -29) == pytest.approx(before, abs=0.03)
    assert price_factor(mood, 0) == 1.0
    assert price_factor(mood, 11) == pytest.approx(after, abs=0.03)
    assert price_factor(mood, 500) == price_factor(mood, 15)


def test_most_titles_are_steady_and_a_mood_belongs_to_the_seed():
    world, _, _ = grown(size=8000)
    moods = [title.mood for title in titles(world)]
    assert {str(mood) for mood in Mood} == set(moods)
    assert 0.75 < moods.count(Mood.STEADY) / len(moods) < 0.92
    title = titles(world)[0]
    assert draw_mood(1, title) is draw_mood(1, title)


def test_a_title_with_few_sales_is_never_pumped():
    world = World(1, clock=Clock())
    title = world.add_title(Game.CSGO, "A", 1000)
    for day in range(1, 6):
        world.add_sale(title, Sale(int(START - day * DAY), 1000))
    before = list(title.sales)
    assert reshape(title, Mood.PUMPED, START, 1) is Mood.STEADY
    assert title.sales == before


def test_orders_are_filled_and_taken_back_and_others_come_while_the_accounts_own_stay():
    world, clock, demand = grown()
    own = [order for title in titles(world) for order in title.orders if order.target]
    before = {id(order) for title in titles(world) for order in title.orders}
    clock.at = START + 5 * DAY
    demand.live(clock.at)
    after = [order for title in titles(world) for order in title.orders]
    assert own
    assert all(any(order is one for one in after) for order in own)
    assert 0.3 < sum(id(order) in before for order in after) / len(before) < 0.8
    assert 0.7 < len(after) / len(before) < 1.1
    assert all(order.amount > 0 for order in after)


def test_what_is_sold_leaves_the_market_and_the_log_tells():
    world = lived(2)
    sold = [event for event in world.events if event.kind == "sell"]
    assert sold
    assert all(world.find_offer(event.offer_id) is None for event in sold)
    assert {event.kind for event in world.events} == {"sell", "list"}


# ---- did an exit come? -------------------------------------------------------------------------------------------------


@pytest.fixture
def market():
    clock = Clock()
    world = World(1, clock=clock)
    title = world.add_title(Game.CSGO, "A", 1000)
    for day in range(1, 9):
        world.add_sale(title, Sale(int(START - day * DAY), 1200))
    world.add_order(title, 1137, 1)
    offer = world.add_offer(title, 1000)
    return world, clock, title, offer


def found(world):
    (one,) = true_opportunities(world, Game.CSGO, Level.STANDARD)
    return one


def test_an_order_that_stands_or_was_filled_at_the_price_is_an_exit(market):
    world, _, title, offer = market
    one = found(world)
    assert (one.exit, one.exit_price_cents) == (Exit.TARGET, 1137)
    assert exit_came(world, one, offer.item, START)
    assert not exit_came(world, one, offer.item, START + 60)  # still locked by then
    title.orders[:] = [Order(1136, 5)]
    assert not exit_came(world, one, offer.item, START)
    world.add_sale(title, Sale(int(START) + 5, 1137))
    assert not exit_came(world, one, offer.item, START)  # an offer was bought, no order was filled
    world.add_sale(title, Sale(int(START) + 5, 1137, to_target=True))
    assert exit_came(world, one, offer.item, START)


def test_a_sale_at_the_price_or_above_is_an_exit_for_a_relist(market):
    world, _, title, offer = market
    title.orders.clear()
    title.sales[:] = [Sale(int(START - day * DAY), 1140) for day in range(1, 9)]
    one = found(world)
    assert (one.exit, one.exit_price_cents) == (Exit.RELIST, 1140)
    assert not exit_came(world, one, offer.item, START)
    world.add_sale(title, Sale(int(START) + 5, 1139))
    world.add_sale(title, Sale(int(START) + 5, 1140, "ruby"))
    assert not exit_came(world, one, offer.item, START)
    world.add_sale(title, Sale(int(START) + 5, 1140))
    assert exit_came(world, one, offer.item, START)
    assert not exit_came(world, one, offer.item, START + 6)
