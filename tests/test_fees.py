"""Fees and what a sale leaves, cent by cent."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from botcore.fees import FeeBook, ReducedFee
from botcore.model import Game

NOW = 1_764_000_000


def book(*rows, default="0.05", minimum=1):
    return FeeBook(Game.CSGO, Fraction(default), minimum, {"A": tuple(rows)} if rows else {})


def row(fraction, low, high, expires=NOW + 1):
    return ReducedFee(Fraction(fraction), low, high, expires)


def test_fees_round_up_and_have_a_minimum():
    fees = book(default="0.05", minimum=3)
    assert [fees.fee("A", price, NOW) for price in (1, 60, 61, 100, 101)] == [3, 3, 4, 5, 6]


def test_a_tenth_of_a_dollar_is_exact_where_floats_are_not():
    assert book(default="0.07").fee("A", 100, NOW) == 7


def test_a_reduced_row_holds_within_its_range_both_ends_included():
    fees = book(row("0.02", 1000, 2000))
    assert [fees.fee("A", price, NOW) for price in (999, 1000, 2000, 2001)] == [50, 20, 40, 101]


def test_a_reduced_row_holds_before_its_expiry_and_not_at_it():
    fees = book(row("0.02", 1, 10_000, NOW))
    assert (fees.fee("A", 1000, NOW - 1), fees.fee("A", 1000, NOW)) == (20, 50)


def test_of_several_rows_that_hold_the_lowest_counts():
    assert book(row("0.03", 1, 5000), row("0.02", 1000, 5000), row("0.01", 1, 5000, NOW)).fee("A", 1000, NOW) == 20


def test_the_minimum_applies_to_reduced_fees_too():
    assert book(row("0.01", 1, 5000), minimum=5).fee("A", 100, NOW) == 5


def test_another_title_pays_the_default():
    assert book(row("0.01", 1, 5000)).fee("B", 100, NOW) == 5


rows = st.builds(
    lambda percent, low, width, hours: row(Fraction(percent, 100), low, low + width, NOW + 3600 * hours),
    st.integers(0, 30),
    st.integers(1, 300),
    st.integers(0, 300),
    st.integers(-1, 1),
)
books = st.builds(
    lambda found, percent, minimum: book(*found, default=Fraction(percent, 100), minimum=minimum),
    st.lists(rows, max_size=3),
    st.integers(0, 20),
    st.integers(0, 5),
)


@given(books, st.integers(1, 600), st.integers(0, 2))
def test_no_sale_up_to_the_ceiling_now_or_later_leaves_more_than_best_net(fees, ceiling, hours):
    best = max(price - fees.fee("A", price, NOW + 3600 * hours) for price in range(1, ceiling + 1))
    assert best <= fees.best_net("A", ceiling, NOW)


@given(books, st.integers(1, 600), st.integers(0, 2))
def test_no_sale_from_the_floor_on_now_or_later_leaves_less_than_worst_net(fees, floor, hours):
    worst = min(price - fees.fee("A", price, NOW + 3600 * hours) for price in range(floor, 900))
    assert worst >= fees.worst_net("A", floor, NOW)


@given(st.integers(1, 600), st.integers(1, 300), st.integers(1, 300))
def test_best_net_is_reached_where_a_reduced_row_ends_below_the_ceiling(ceiling, low, width):
    fees = book(row("0.01", low, low + width), default="0.10")
    assert fees.best_net("A", ceiling, NOW) == max(price - fees.fee("A", price, NOW) for price in range(1, ceiling + 1))


@given(books, st.integers(1, 500))
def test_the_least_price_is_the_lowest_ceiling_that_leaves_enough(fees, net):
    least = fees.least_price("A", net, NOW)
    assert fees.best_net("A", least, NOW) >= net
    assert least == 1 or fees.best_net("A", least - 1, NOW) < net
