"""The truth of a world small enough to be written out by hand, cent by cent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from botcore.model import Exit, Game, Level, Opportunity
from botcore.sandbox import World
from botcore.sandbox.goods import Order, Sale, float_part
from botcore.sandbox.levy import Levy, Reduction
from botcore.sandbox.truth import true_opportunities

NOW = 1_790_000_000
DAY = 86_400


@pytest.fixture
def world():
    return World(1, clock=lambda: float(NOW))


def sell(world, title, *prices, phase="", days=3, to_target=False):
    for number, price in enumerate(prices):
        world.add_sale(title, Sale(NOW - days * DAY - number, price, phase, phase or None, to_target))


def csgo(world, name, value=1000, **more):
    return world.add_title(Game.CSGO, name, value, traits={"wear_range": (0.15, 0.38)}, **more)


def exits(world, level="standard", **more):
    return [
        (one.title, one.price_cents, one.exit, one.exit_price_cents, one.fee_cents, one.profit_cents)
        for one in true_opportunities(world, Game.CSGO, Level(level), **more)
    ]


def test_a_target_and_everything_told_of_it(world):
    title = csgo(world, "AK-47 | Redline (Field-Tested)")
    offer = world.add_offer(title, 1000, created=NOW - 100.5, wear=0.2, seed=7, unlock=NOW + 2.5 * DAY)
    world.add_offer(title, 1300, created=NOW - 50)
    world.add_order(title, 1137)
    sell(world, title, 900, 1200)
    sell(world, title, 5, days=31)
    # fee: 5 % of 1137 is 56.85, so 57; 1137 - 57 - 1000 leaves 80, 8 %. Two sales are too thin to relist.
    assert true_opportunities(world, Game.CSGO, Level.STANDARD) == [
        Opportunity(
            offer_id=world.offer_id(offer),
            asset_id=world.asset_id(offer.item),
            title="AK-47 | Redline (Field-Tested)",
            phase="",
            game=Game.CSGO,
            price_cents=1000,
            exit=Exit.TARGET,
            exit_price_cents=1137,
            fee_cents=57,
            profit_cents=80,
            profit_percent=8.0,
            trade_lock_days=3,
            listed_at=datetime(2026, 9, 21, 14, 11, 39, 500_000, UTC),
            sales_30d=2,
            median_cents=900,
            next_ask_cents=1300,
            days_to_sell=15.0,
            url=f"https://dmarket.com/ingame-items/item-list/csgo-skins?userOfferId={world.offer_id(offer)}",
        )
    ]


def test_relist_under_the_next_ask_but_not_over_the_median(world):
    title = csgo(world, "A")
    world.add_offer(title, 900)
    world.add_offer(title, 1040)
    sell(world, title, 1000, 1010, 1020, 1030, 1500)
    # the median 1020 is under 1039; fee 51; 1020 - 51 - 900 = 69, 7.67 %
    assert exits(world) == [("A", 900, Exit.RELIST, 1020, 51, 69)]
    sell(world, title, 2000, 2000, 2000)  # the median, lower middle of eight, is now 1030
    assert exits(world) == [("A", 900, Exit.RELIST, 1030, 52, 78)]
    world.add_offer(title, 1025)
    assert exits(world) == [("A", 900, Exit.RELIST, 1024, 52, 72)]


def test_five_sales_are_needed_and_no_other_ask_is(world):
    title = csgo(world, "A")
    world.add_offer(title, 900)
    sell(world, title, 1020, 1020, 1020, 1020)
    assert exits(world) == []
    sell(world, title, 1020, to_target=True)
    assert exits(world) == [("A", 900, Exit.RELIST, 1020, 51, 69)]


def test_a_month_of_sales_ends_after_thirty_days(world):
    title = csgo(world, "A")
    world.add_offer(title, 900)
    for back in (30 * DAY, 30 * DAY - 1, 5, 6):
        world.add_sale(title, Sale(NOW - back, 1020))
    world.add_sale(title, Sale(NOW - 30 * DAY - 1, 1020))
    assert exits(world) == []
    world.add_sale(title, Sale(NOW - 7, 1020))
    assert len(exits(world)) == 1


def test_locked_p2p_and_own_offers_are_neither_found_nor_rivals(world):
    title = csgo(world, "A")
    world.add_offer(title, 900)
    for marks in ({"locked": True}, {"p2p": True}, {"mine": True}):
        world.add_offer(title, 901, **marks)
    sell(world, title, *[1020] * 5)
    assert exits(world) == [("A", 900, Exit.RELIST, 1020, 51, 69)]


def test_rivals_count_at_any_price(world):
    title = csgo(world, "A")
    world.add_offer(title, 310)
    world.add_offer(title, 290)  # under the window
    sell(world, title, *[350] * 5)
    assert exits(world) == []


def test_a_kind_has_its_own_rivals_and_sales(world):
    title = csgo(world, "★ Karambit | Doppler (Factory New)", phases={"phase-1": 1.0, "ruby": 3.0})
    world.add_offer(title, 900, phase="phase-1")
    world.add_offer(title, 905, phase="ruby")
    sell(world, title, *[1020] * 5, phase="phase-1")
    sell(world, title, *[3000] * 4, phase="ruby")
    sell(world, title, *[3000] * 4)  # nobody knows which phase these were
    assert [one[1:4] for one in exits(world)] == [(900, Exit.RELIST, 1020)]


def test_an_order_takes_what_meets_all_it_requires(world):
    title = csgo(world, "A", phases={"phase-1": 1.0, "phase-2": 1.0})
    wanted = {"part": "FT-0", "phase": "phase-2", "seed": "661"}
    world.add_order(title, 1137, **wanted)
    fitting = {"wear": 0.1799, "phase": "phase-2", "seed": 661}
    world.add_offer(title, 1000, **fitting)
    for other in ({"wear": 0.18}, {"wear": -1.0}, {"phase": "phase-1"}, {"seed": 662}, {"seed": 0}):
        world.add_offer(title, 998, **(fitting | other))
    assert exits(world) == [("A", 1000, Exit.TARGET, 1137, 57, 80)]
    world.add_offer(title, 999, **fitting)  # how many pieces it wants does not matter
    assert [one[1] for one in exits(world)] == [999, 1000]


def test_own_orders_and_stale_bids_are_no_exit(world):
    title = csgo(world, "A")
    world.add_offer(title, 1000)
    title.stale_bid = 1137
    world.ledger.place(title, Order(1137, 1))
    assert exits(world) == []


def test_a_reduced_fee_may_hold_only_below_a_price(world):
    title = csgo(world, "A")
    world.games[Game.CSGO].levy = Levy("0.05", 1, [Reduction("A", "0.01", 1, 1080, NOW + DAY), Reduction("A", "0.02", 1, 1080, NOW + 90 * DAY)])
    world.add_offer(title, 1000)
    world.add_order(title, 1100)
    world.add_order(title, 1080)
    # the highest order is the exit, though the lower one would leave more: 1100 - 55 - 1000 = 45, too low
    assert exits(world) == []
    title.orders.pop(0)
    assert exits(world) == [("A", 1000, Exit.TARGET, 1080, 11, 69)]
    title.orders.clear()
    sell(world, title, *[1080] * 6)
    # six sales a month: five days to sell, when the 1 % is over and the 2 % is not
    assert exits(world) == [("A", 1000, Exit.RELIST, 1080, 22, 58)]


def test_the_minimum_holds_for_reduced_fees_too():
    levy = Levy("0.05", 7, [Reduction("A", "0.01", 100, 200, NOW)])
    assert levy.fee("A", 150, NOW - 1) == 7
    assert levy.fee("A", 150, NOW) == 8
    assert levy.fee("A", 201, NOW - 1) == 11


def test_the_better_exit_wins_and_a_tie_goes_to_the_target(world):
    title = csgo(world, "A")
    world.add_offer(title, 900)
    sell(world, title, *[1020] * 5)
    world.add_order(title, 1020)
    assert exits(world)[0][2:4] == (Exit.TARGET, 1020)
    title.orders[0] = Order(1019, 1)
    assert exits(world)[0][2:4] == (Exit.RELIST, 1020)


def test_too_good_counts_only_when_no_exit_is_within(world):
    title = csgo(world, "A")
    world.add_offer(title, 900)
    sell(world, title, *[1020] * 5)
    world.add_order(title, 1500)  # 1500 - 75 - 900 = 525, 58 %: too good
    assert exits(world) == [("A", 900, Exit.RELIST, 1020, 51, 69)]
    assert exits(world, max_profit=float("inf")) == [("A", 900, Exit.TARGET, 1500, 75, 525)]
    title.sales.clear()
    assert exits(world) == []
    assert exits(world, max_profit=58.0) == []
    assert len(exits(world, max_profit=58.4)) == 1


@pytest.mark.parametrize(("bid", "found"), [(1104, 0), (1105, 1), (1158, 1), (1159, 0)])
def test_borders_are_within_to_the_cent(world, bid, found):
    # 5 % of 1000: 1105 - 56 - 1000 = 49 is not enough, so the ask is 999: 1105 - 56 - 999 = 50 >= 49.95; 10 %: 1158 - 58 - 1000 = 100
    title = csgo(world, "A")
    world.add_offer(title, 1000 if bid > 1110 else 999)
    world.add_order(title, bid)
    assert len(exits(world)) == found


def test_windows_share_their_border_price(world):
    title = csgo(world, "A")
    world.add_offer(title, 300)
    world.add_order(title, 332)  # 332 - 17 - 300 = 15, 5 %: the most of boost and the least of standard
    assert len(exits(world, "boost")) == len(exits(world, "standard")) == 1


def test_order_of_finds(world):
    title = csgo(world, "A")
    world.add_order(title, 1137)
    for price, created in ((990, 5), (1000, 9), (1000, 3), (1000, 3)):
        world.add_offer(title, price, created=NOW - 100 + created)
    found = true_opportunities(world, Game.CSGO, Level.STANDARD)
    assert [(one.profit_cents, one.listed_at.timestamp() - NOW) for one in found] == [(90, -95), (80, -97), (80, -97), (80, -91)]
    assert found[1].offer_id < found[2].offer_id


@pytest.mark.parametrize(
    ("wear", "part"),
    [
        (0.0, "FN-0"),
        (0.07, "MW-0"),
        (0.1099999, "MW-3"),
        (0.11, "MW-4"),
        (0.15, "FT-0"),
        (0.38, "WW-0"),
        (0.4499, "WW-4"),
        (0.45, "BS-0"),
        (0.8, "BS-4"),
        (1.0, "BS-4"),
    ],
)
def test_float_parts_include_their_lower_end(wear, part):
    assert float_part(wear) == part
