"""The rules of the domain, case by case."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from botcore.fees import FeeBook, ReducedFee
from botcore.model import Exit, Game, Level, Offer, OwnTarget, Sale, ScanQuery, Target
from botcore.scan.match import DAY, Evidence, SalesFigures, best_bid, decide, float_part, foreign, profit_window, sales_figures

NOW = 1_764_000_000.0
TITLE = "AK-47 | Redline (Field-Tested)"
NO_SALES = SalesFigures()
STANDARD = profit_window(ScanQuery("csgo", "standard"))


def offer(price=500, *, phase="", wear="0.2356", seed=412, unlock_at=None):
    return Offer(
        "offer",
        "asset",
        TITLE,
        phase,
        price,
        datetime(2026, 11, 1, tzinfo=UTC),
        locked=False,
        p2p=False,
        unlock_at=unlock_at,
        float_value=wear,
        paint_seed=seed,
    )


def fees(*rows, default="0.05"):
    return FeeBook(Game.CSGO, Fraction(default), 1, {TITLE: tuple(rows)} if rows else {})


def judge(found, *, bid=None, sales=NO_SALES, next_ask=None, book=None, window=STANDARD):
    return decide(found, Evidence(bid, sales, next_ask), book or fees(), window, NOW, Game.CSGO)


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("0", "FN-0"),
        ("0.00999999999999999999", "FN-0"),
        ("0.01", "FN-1"),
        ("0.0699999", "FN-6"),
        ("0.07", "MW-0"),
        ("0.11", "MW-4"),
        ("0.1499999999999999999", "MW-4"),
        ("0.15", "FT-0"),
        ("0.27", "FT-4"),
        ("0.38", "WW-0"),
        ("0.45", "BS-0"),
        ("0.80", "BS-4"),
        ("1", "BS-4"),
        ("", ""),
        ("1.01", ""),
        ("-0.1", ""),
    ],
)
def test_a_float_falls_in_the_bucket_whose_lower_end_it_reaches(value, part):
    assert float_part(value) == part


@pytest.mark.parametrize(
    ("target", "item", "taken"),
    [
        (Target(600, 1), offer(), True),
        (Target(600, 1, float_part="FT-2"), offer(), True),
        (Target(600, 1, float_part="FT-1"), offer(), False),
        (Target(600, 1, float_part="FT-2"), offer(wear=""), False),
        (Target(600, 1, paint_seed="412"), offer(), True),
        (Target(600, 1, paint_seed="413"), offer(), False),
        (Target(600, 1, paint_seed="0"), offer(seed=0), False),
        (Target(600, 1, phase="ruby"), offer(phase="ruby"), True),
        (Target(600, 1, phase="ruby"), offer(), False),
        (Target(600, 1), offer(phase="ruby"), True),
    ],
)
def test_an_order_accepts_an_item_that_meets_all_it_requires(target, item, taken):
    assert best_bid(item, [target]) == (600 if taken else None)


def test_the_highest_order_that_accepts_counts():
    assert best_bid(offer(), [Target(900, 1, float_part="FN-0"), Target(610, 1), Target(600, 9)]) == 610


def test_the_accounts_own_orders_are_no_bids_unless_others_want_more_at_the_same_terms():
    book = [Target(600, 2), Target(590, 5), Target(580, 1, paint_seed="7")]
    own = [OwnTarget(TITLE, Target(600, 2), active=True), OwnTarget(TITLE, Target(590, 4), active=True), OwnTarget(TITLE, Target(580, 1), active=True)]
    assert foreign(TITLE, book, own) == book[1:]
    assert foreign(TITLE, book, [OwnTarget(TITLE, Target(600, 2), active=False)]) == book
    assert foreign("another title", book, own) == book


def test_sales_of_the_last_thirty_days_of_the_same_phase_count_and_the_lower_middle_is_the_median():
    def sale(price, days, phase=""):
        return Sale(price, int(NOW - days * DAY), phase)

    sales = [sale(400, 1), sale(100, 2), sale(300, 30), sale(200, 5), sale(999, 31), sale(5000, 1, "ruby")]
    assert sales_figures(sales, "", NOW) == SalesFigures(4, 200)
    assert sales_figures(sales, "ruby", NOW) == SalesFigures(1, 5000)
    assert sales_figures(sales, "phase-1", NOW) == SalesFigures()


def test_days_to_sell_are_thirty_by_sales_and_at_least_one():
    assert [SalesFigures(count, 1).days_to_sell for count in (0, 7, 30, 60)] == [None, Fraction(30, 7), 1, 1]


def test_a_target_exit_is_the_bid_less_its_fee():
    found = judge(offer(500), bid=560)
    assert (found.exit, found.exit_price_cents, found.fee_cents, found.profit_cents, found.profit_percent) == (Exit.TARGET, 560, 28, 32, 6.4)


def test_a_relist_exit_is_one_cent_below_the_next_ask_or_the_median():
    sales = SalesFigures(5, 570)
    assert judge(offer(500), sales=sales, next_ask=562).exit_price_cents == 561
    assert judge(offer(500), sales=sales, next_ask=900).exit_price_cents == 570
    assert judge(offer(500), sales=sales).exit_price_cents == 570


def test_with_four_sales_there_is_no_relist_exit():
    assert judge(offer(500), sales=SalesFigures(4, 570)) == "thin"
    assert judge(offer(500)) == "no-exit"
    assert judge(offer(500), sales=SalesFigures(4, 570), bid=10) == "low"


def test_the_window_is_exact_at_both_ends():
    free = FeeBook(Game.CSGO, Fraction(0), 0, {})
    verdicts = [judge(offer(1000), bid=bid, book=free) for bid in (1049, 1050, 1100, 1101)]
    assert [verdict if isinstance(verdict, str) else verdict.profit_cents for verdict in verdicts] == ["low", 50, 100, "too-good"]


def test_an_exit_within_the_window_wins_over_one_above_it():
    found = judge(offer(500), bid=700, sales=SalesFigures(5, 560))
    assert (found.exit, found.exit_price_cents) == (Exit.RELIST, 560)


def test_the_better_profit_wins_and_a_tie_goes_to_the_target():
    assert judge(offer(500), bid=560, sales=SalesFigures(9, 565)).exit is Exit.RELIST
    assert judge(offer(500), bid=560, sales=SalesFigures(9, 560)).exit is Exit.TARGET


def test_a_reduced_fee_must_hold_when_the_item_is_sold():
    soon = ReducedFee(Fraction(1, 100), 1, 10_000, int(NOW + 2 * DAY))
    quick, slow = SalesFigures(30, 555), SalesFigures(10, 555)
    assert judge(offer(500), sales=quick, book=fees(soon)).fee_cents == 6
    assert judge(offer(500), sales=slow, book=fees(soon)).fee_cents == 28


def test_a_reduced_fee_below_a_price_can_make_the_lower_exit_the_better_one():
    below = ReducedFee(Fraction(1, 100), 1, 555, int(NOW + 99 * DAY))
    found = judge(offer(500), bid=555, sales=SalesFigures(9, 560), book=fees(below, default="0.07"))
    assert (found.exit, found.exit_price_cents, found.fee_cents, found.profit_cents) == (Exit.TARGET, 555, 6, 49)


def test_the_cap_can_be_lifted_or_moved():
    assert judge(offer(500), bid=700) == "too-good"
    assert judge(offer(500), bid=700, window=profit_window(ScanQuery("csgo", "standard", float("inf")))).profit_cents == 165
    assert judge(offer(500), bid=700, window=profit_window(ScanQuery("csgo", "standard", 32.9))) == "too-good"
    assert judge(offer(500), bid=700, window=profit_window(ScanQuery("csgo", "standard", 33.0))).profit_percent == 33.0


def test_lock_days_are_whole_days_rounded_up():
    def days(seconds):
        return judge(offer(500, unlock_at=datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=seconds)), bid=560).trade_lock_days

    assert [days(seconds) for seconds in (-5, 0, 1, DAY, DAY + 1)] == [0, 0, 1, 1, 2]


def test_finds_are_sorted_by_profit_then_percent_then_age_then_id():
    def found(price, profit, day, name):
        made = judge(offer(500), bid=560)
        return type(made)(
            **{field: getattr(made, field) for field in made.__struct_fields__}
            | {"price_cents": price, "profit_cents": profit, "listed_at": datetime(2026, 11, day, tzinfo=UTC), "offer_id": name}
        )

    expected = [found(900, 60, 9, "z"), found(500, 50, 9, "z"), found(600, 50, 1, "z"), found(600, 50, 2, "a"), found(600, 50, 2, "b")]
    mixed = [expected[n] for n in (3, 1, 4, 0, 2)]
    assert sorted(mixed, key=lambda one: one.order) == expected


def test_every_level_has_its_windows():
    assert {level: (level.price_window, level.profit_window) for level in Level} == {
        "boost": ((50, 300), (1, 5)),
        "standard": ((300, 1000), (5, 10)),
        "medium": ((1000, 3000), (5, 20)),
        "advanced": ((3000, 10000), (10, 30)),
        "pro": ((10000, 100000), (20, 100)),
    }
