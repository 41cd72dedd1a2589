"""Sales and books weighed: what moves a figure, what must not, and how odd markets are named."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from fractions import Fraction

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from botcore.fees import FeeBook, ReducedFee
from botcore.model import Exit, Game, Offer, Opportunity, Sale, Target
from botcore.scan.evidence import AT_ONCE_DAYS, Background, Concern, assess, background, expected_days
from botcore.scan.match import DAY
from botcore.scan.sales import study
from botcore.scan.wording import CONCERNS, REASONS, evidence_line, reason

NOW = 1_764_000_000.0
TITLE = "AK-47 | Redline (Field-Tested)"
FEES = FeeBook(Game.CSGO, Fraction("0.05"), 1, {})


def sale(price=600, days=1.0, phase="", *, to_target=False):
    return Sale(price, int(NOW - days * DAY), phase, to_target)


def even(count, price=600, *, last=0.5, **other):
    """So many sales at one price, evenly over the month."""
    return [sale(price, last + number * (29 - last) / max(1, count - 1), **other) for number in range(count)]


def find(way=Exit.RELIST, price=500, exit_price=600, *, sales=20, lock=0, phase=""):
    fee = FEES.fee(TITLE, exit_price, NOW)
    return Opportunity(
        offer_id="offer",
        asset_id="asset",
        title=TITLE,
        phase=phase,
        game=Game.CSGO,
        price_cents=price,
        exit=way,
        exit_price_cents=exit_price,
        fee_cents=fee,
        profit_cents=exit_price - fee - price,
        profit_percent=1.0,
        trade_lock_days=lock,
        listed_at=datetime(2026, 11, 1, tzinfo=UTC),
        sales_30d=sales,
        median_cents=600,
        next_ask_cents=None,
        days_to_sell=max(1.0, 30 / sales) if sales else None,
        url="",
    )


def weigh(found=None, *, fees=FEES, **seen):
    return assess(found or find(), Background(**{"sales": even(20), **seen}), fees, NOW)


# ---- sales -----------------------------------------------------------------------------------------------------------

steady = st.lists(st.tuples(st.integers(9_500, 10_500), st.floats(0.01, 29.9)), min_size=5, max_size=40)
wild = st.lists(st.tuples(st.one_of(st.integers(25_000, 10**7), st.integers(1, 4_000)), st.floats(0.01, 29.9)), max_size=40)


@given(steady, wild)
def test_spikes_move_neither_median_nor_spread_nor_trend(usual, spikes):
    """Fewer than a quarter of the sales, more than twice as dear or less than half as dear as any other."""
    assume(4 * len(spikes) < len(usual))
    plain = study([sale(*one) for one in usual], "", NOW)
    spiked = study([sale(*one) for one in usual + spikes], "", NOW)
    assert (plain.spikes, spiked.spikes) == (0, len(spikes))
    assert (spiked.median_cents, spiked.spread, spiked.trend) == (plain.median_cents, plain.spread, plain.trend)
    assert plain.median_cents == sorted(price for price, _ in usual)[(len(usual) - 1) // 2]


@given(st.lists(st.tuples(st.integers(1, 10**8), st.floats(-5, 40), st.sampled_from(["", "ruby"]), st.booleans()), max_size=60))
def test_whatever_was_sold_gives_figures_in_their_range(sold):
    figures = study([Sale(price, int(NOW - days * DAY), phase, to_target) for price, days, phase, to_target in sold], "ruby", NOW)
    assert figures.count == sum(phase == "ruby" and 0 <= NOW - int(NOW - days * DAY) <= 30 * DAY for _, days, phase, _ in sold)
    assert 0 <= figures.spikes <= max(0, figures.count - 1)
    assert figures.rate == figures.count / 30
    assert 0 <= figures.alive <= 1
    assert 0 <= figures.unphased <= 1
    assert 0 <= figures.to_target <= 1
    assert figures.spread >= 0
    assert all(math.isfinite(number) for number in (figures.trend, figures.lift, figures.spread))
    assert list(figures.reach) == sorted(figures.reach)
    assert 1 > figures.reaching(1) >= figures.reaching(10**9) > 0


@given(st.permutations([*even(12), sale(590, 3.3), sale(640, 0.7), sale(9_000, 2.0)]))
def test_the_order_of_sales_means_nothing(sold):
    assert study(sold, "", NOW) == study(sorted(sold, key=lambda one: one.sold_at), "", NOW)


def test_a_market_with_two_prices_has_no_spikes():
    figures = study([sale(450 + 300 * (day % 2), day) for day in range(1, 20)], "", NOW)
    assert (figures.spikes, len(figures.reach)) == (0, 19)
    assert figures.spread > 0.2


def test_no_sales_of_a_phase_say_nothing():
    figures = study([sale(600, 1, "ruby"), sale(600, 31)], "", NOW)
    assert (figures.count, figures.median_cents, figures.silence, figures.alive, figures.reach) == (0, None, None, 0.0, ())


def test_rate_last_sale_and_share_to_orders_are_told():
    figures = study([*even(9), sale(600, 0.25, to_target=True)], "", NOW)
    assert (figures.count, figures.rate, figures.silence, figures.to_target) == (10, 10 / 30, 0.25, 0.1)


@pytest.mark.parametrize(("slope", "trend"), [(-0.01, -0.26), (0.01, 0.35)])
def test_a_trend_is_the_change_within_thirty_days_and_the_prices_reached_follow_it(slope, trend):
    falling = [sale(round(10_000 * math.exp(-slope * days)), days) for days in range(30)]
    figures = study(falling, "", NOW)
    assert figures.trend == pytest.approx(trend, abs=0.01)
    assert all(price == pytest.approx(10_000, rel=0.01) for price in figures.reach)


@pytest.mark.parametrize(("sign", "trend"), [(1, 999.0), (-1, -0.999)])
def test_sales_of_one_minute_at_rising_prices_tell_of_no_boundless_trend(sign, trend):
    burst = [Sale(600 + sign * 10 * number, int(NOW) - 60 + number) for number in range(10)]
    figures = study(burst, "", NOW)
    assert figures.trend == pytest.approx(trend)
    assert all(0 < price < 1_000_000 for price in figures.reach)


def test_a_trend_within_the_noise_moves_no_price():
    noisy = [sale(round(10_000 * (1 + 0.1 * (-1) ** day)), day) for day in range(1, 29)]
    figures = study(noisy, "", NOW)
    assert set(map(round, figures.reach)) == {9_000, 11_000}


def test_the_longer_a_title_is_silent_for_its_pace_the_less_it_is_taken_for_alive():
    alive = [study(even(20, last=days), "", NOW).alive for days in (0.5, 3, 6, 12)]
    assert alive == sorted(alive, reverse=True)
    assert alive[0] > 0.8
    assert alive[-1] < 0.01
    assert study(even(5, last=6.0), "", NOW).alive > 0.6


def test_a_pump_is_seen_and_its_prices_are_not_reckoned_with():
    pumped = study(even(12, last=4.0) + [sale(900, days) for days in (0.5, 1, 1.5, 2)], "", NOW)
    assert pumped.pumped
    assert pumped.lift == pytest.approx(1.5)
    assert max(pumped.reach) == pytest.approx(600)
    assert not study([*even(12, last=4.0), sale(900, 1)], "", NOW).pumped


def test_sales_that_do_not_tell_their_phase_make_a_market_mixed():
    ruby = [sale(600, day, "ruby") for day in range(1, 9)]
    assert study([*ruby, sale(600, 1)], "ruby", NOW).unphased == pytest.approx(1 / 9)
    assert study(ruby + [sale(600, day) for day in range(1, 4)], "ruby", NOW).mixed
    assert study(ruby, "", NOW).mixed
    assert not study(even(9), "", NOW).mixed


# ---- the score -------------------------------------------------------------------------------------------------------

prices = st.integers(100, 2_000)
ways = st.sampled_from(list(Exit))
sold = st.lists(st.tuples(st.integers(300, 900), st.floats(0.01, 29.9), st.booleans()), max_size=25)
books = st.lists(st.builds(Target, prices, st.integers(1, 40)), max_size=8)


def built(sales):
    return [sale(price, days, to_target=to_target) for price, days, to_target in sales]


@given(ways, sold, books, st.lists(prices, max_size=8), st.integers(0, 8))
def test_a_score_is_from_nothing_to_one(way, sales, bids, asks, lock):
    weighed = weigh(find(way, sales=len(sales), lock=lock), sales=built(sales), bids=bids, asks=asks)
    assert 0 <= weighed.score <= 1
    assert all(math.isfinite(number) for number in weighed.features.values())
    assert {reason(one) for one in weighed.reasons}
    assert evidence_line(weighed)


@given(ways, sold, books, st.lists(prices, max_size=8), st.lists(st.integers(100, 599), min_size=1, max_size=5))
def test_more_asks_below_the_exit_never_raise_the_score(way, sales, bids, asks, more):
    found = find(way, sales=len(sales))
    fewer = weigh(found, sales=built(sales), bids=bids, asks=asks)
    crowded = weigh(found, sales=built(sales), bids=bids, asks=asks + more)
    assert crowded.book.asks_below == fewer.book.asks_below + len(more)
    assert crowded.score <= fewer.score


@given(sold, books, st.integers(0, 7), st.integers(1, 7))
def test_a_longer_lock_never_raises_the_score_of_a_target(sales, bids, lock, more):
    scores = [weigh(find(Exit.TARGET, sales=len(sales), lock=days), sales=built(sales), bids=bids).score for days in (lock, lock + more)]
    assert scores[1] <= scores[0] + 1e-12


@given(sold, books, st.builds(Target, st.integers(600, 2_000), st.integers(1, 40)))
def test_one_more_order_at_the_exit_never_lowers_the_score_of_a_target(sales, bids, another):
    found = find(Exit.TARGET, sales=len(sales))
    assert weigh(found, sales=built(sales), bids=[*bids, another]).score >= weigh(found, sales=built(sales), bids=bids).score - 1e-12


@given(sold, st.integers(400, 800), st.integers(1, 200))
def test_a_dearer_exit_never_has_the_better_chance(sales, exit_price, more):
    scores = [weigh(find(exit_price=price, sales=len(sales)), sales=built(sales)).score for price in (exit_price, exit_price + more)]
    assert scores[1] <= scores[0]


# ---- money, days and fees ----------------------------------------------------------------------------------------------


def test_where_nobody_asked_for_orders_that_is_said_and_nothing_else_changes():
    asked, unasked = weigh(), weigh(bids=None)
    assert not unasked.orders_known
    assert msgspec.structs.replace(unasked, orders_known=True) == asked


def test_the_worst_case_is_the_best_order_and_may_be_a_loss_or_unknown():
    assert weigh(bids=[Target(540, 1), Target(520, 9)]).worst_cents == 540 - 27 - 500
    assert weigh(bids=[Target(400, 1)]).worst_cents == 400 - 20 - 500
    assert weigh().worst_cents is None
    assert weigh().orders_known
    assert weigh(find(Exit.TARGET), bids=[Target(600, 1)]).worst_cents == find().profit_cents


def test_profit_is_told_by_the_day_and_what_the_lock_takes_of_it():
    locked = weigh(find(sales=15, lock=8))
    assert (locked.days, locked.per_day_cents, locked.lock_cost_cents) == (10.0, 7.0, 35.0 - 7.0)
    free = weigh(find(sales=15))
    assert (free.days, free.per_day_cents, free.lock_cost_cents) == (2.0, 35.0, 0.0)
    assert expected_days(find(Exit.TARGET, sales=15)) == 0.0
    assert weigh(find(Exit.TARGET, sales=15)).per_day_cents == 70.0


def test_a_reduced_fee_is_told_with_its_end():
    ends = int(NOW + 3 * DAY)
    fees = FeeBook(
        Game.CSGO, Fraction("0.05"), 1, {TITLE: (ReducedFee(Fraction("0.01"), 1, 1000, ends), ReducedFee(Fraction("0.02"), 1, 1000, ends + 99 * DAY))}
    )
    weighed = weigh(find(sales=15), fees=fees)
    assert weighed.fee_until == ends
    assert Concern.FEE_ENDS in weighed.concerns
    assert weigh(find(sales=6), fees=fees).fee_until == ends + 99 * DAY
    assert weigh().fee_until is None
    assert Concern.FEE_ENDS not in weigh(find(Exit.TARGET), fees=fees, bids=[Target(600, 5)]).concerns


def test_the_book_counts_orders_and_pieces_at_the_exit_and_asks_around_it():
    book = weigh(bids=[Target(600, 3), Target(610, 2), Target(599, 9)], asks=[599, 600, 630, 631]).book
    assert (book.orders, book.pieces, book.asks_below, book.asks_near) == (2, 5, 1, 2)


# ---- names and words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("concern", "seen"),
    [
        (Concern.THIN, {"sales": even(6)}),
        (Concern.PUMPED, {"sales": even(12, last=4.0) + [sale(900, days) for days in (0.5, 1, 1.5)]}),
        (Concern.STALE, {"sales": even(14, last=12.0)}),
        (Concern.FALLING, {"sales": [sale(round(600 * math.exp(0.01 * days)), days) for days in range(1, 28)]}),
        (Concern.SCATTERED, {"sales": [sale(600 + 150 * (-1) ** day, day) for day in range(1, 20)]}),
        (Concern.CROWDED, {"asks": [601] * 5}),
    ],
)
def test_an_odd_market_is_named_and_a_usual_one_is_not(concern, seen):
    assert concern in weigh(**seen).concerns
    assert weigh().concerns == ()


def test_mixed_phases_and_a_single_order_are_named():
    unnamed = [sale(600, day) for day in range(1, 6)]
    ruby = find(phase="ruby")
    assert Concern.MIXED in weigh(ruby, sales=[sale(600, day, "ruby") for day in range(1, 13)] + unnamed).concerns
    assert Concern.SHALLOW in weigh(find(Exit.TARGET), bids=[Target(600, 1)]).concerns
    assert Concern.SHALLOW not in weigh(find(Exit.TARGET), bids=[Target(600, 1), Target(605, 1)]).concerns


def test_the_evidence_reads_as_a_sentence():
    sales = [*even(11, last=3.0), sale(600, 2 / 24 + 0.001)]
    weighed = weigh(find(exit_price=605), sales=sales, asks=[604] * 9)
    assert evidence_line(weighed) == "12 sales in 30 days, the last 2 hours ago, price steady; 9 asks below the exit"
    target = weigh(find(Exit.TARGET, lock=1), sales=[], bids=[Target(600, 7)])
    assert evidence_line(target) == "no sale in 30 days; 1 order for 7 pieces at the exit, no ask below the exit; trade lock 1 day"


def test_every_concern_has_words():
    assert set(CONCERNS) == set(Concern)
    assert {f"concern_{one}" for one in Concern} <= set(REASONS)


def test_a_background_holds_orders_that_take_the_item_and_rivals_of_its_kind():
    def offer(name, price, **other):
        values = {"offer_id": name, "asset_id": f"a-{name}", "title": TITLE, "phase": "", "price_cents": price, "listed_at": datetime(2026, 11, 1, tzinfo=UTC)}
        return Offer(**{**values, "locked": False, "p2p": False, "float_value": "0.2356", **other})

    mine = offer("mine", 400)
    others = [offer("b", 620), offer("a", 610), offer("l", 1, locked=True), offer("p", 1, p2p=True), offer("r", 1, phase="ruby"), offer("own", 1)]
    seen = background(mine, [mine, *others], [Target(600, 1), Target(700, 1, float_part="FN-0")], even(3), own={"a-own"})
    assert (list(seen.asks), list(seen.bids or ()), len(seen.sales)) == ([610, 620], [Target(600, 1)], 3)


def test_selling_at_once_takes_less_than_a_day():
    assert 0 < AT_ONCE_DAYS < 1
    assert msgspec.json.decode(msgspec.json.encode(weigh()))["exit"] == "relist"
