"""Reading a window in bands loses nothing, repeats little and knows what it has covered."""

from bisect import bisect_left, bisect_right

from hypothesis import given, settings
from hypothesis import strategies as st

from botcore.scan.bands import PAGE, TOTAL_CAP, Bands, Chain, chains_wanted

LOW, HIGH = 300, 1000


class Listing:
    """A market that lists prices by cursor, as DMarket does: the cursor is how far the chain came."""

    def __init__(self, prices):
        self.prices = sorted(prices)
        self.requests = 0

    def page(self, chain):
        self.requests += 1
        rows = self.prices[bisect_left(self.prices, chain.low) : bisect_right(self.prices, chain.high)]
        if chain.descending:
            rows = rows[::-1]
        start = int(chain.cursor or 0)
        cursor = str(start + PAGE) if start + PAGE < len(rows) else ""
        return rows[start : start + PAGE], min(len(rows), TOTAL_CAP), cursor


def read(listing, flights, limit, order, *, check=True):
    """Read everything with so many pages under way; ``order`` says which of them lands next."""
    bands, seen = Bands(LOW, HIGH), []
    flying: list[tuple[Chain, tuple[list[int], int, str]]] = []
    while not bands.done:
        while len(flying) < flights and (chain := bands.next(limit)) is not None:
            flying.append((chain, listing.page(chain)))
        if not flying:
            break
        chain, (rows, total, cursor) = flying.pop(next(order) % len(flying))
        bands.landed(chain, rows, total, cursor)
        seen.append(rows)
        if check:
            check_coverage(bands, listing, seen)
    return bands, [price for rows in seen for price in rows]


def check_coverage(bands, listing, seen):
    """Whatever the plan calls covered has really been read, as often as it is listed."""
    read_prices = [price for rows in seen for price in rows]
    for low in range(LOW, HIGH + 1, 50):
        if bands.covers(low, low + 10):
            listed = [price for price in listing.prices if low <= price <= low + 10]
            assert all(read_prices.count(price) >= listed.count(price) for price in set(listed))


def take(bands):
    """The next chain, which there must be."""
    chain = bands.next(1)
    assert chain is not None
    return chain


def cycle(numbers):
    while True:
        yield from numbers


piled = st.lists(st.integers(0, 700).map(lambda n: LOW + n * n // 700), max_size=2500)


@settings(max_examples=30, deadline=None)
@given(piled, st.integers(1, 12), st.integers(1, 6), st.lists(st.integers(0, 20), min_size=1, max_size=5))
def test_everything_is_read_whatever_the_order_of_answers(prices, flights, limit, order):
    bands, seen = read(Listing(prices), flights, limit, cycle(order))
    assert bands.whole
    for price in set(prices):
        assert seen.count(price) >= prices.count(price)


def big(count):
    """Prices piled up at the low end, with some prices shared by hundreds of offers."""
    return [LOW + round((HIGH - LOW) * (n / count) ** 2) for n in range(count)] + [LOW] * 250 + [HIGH] * 150


def test_two_chains_need_at_most_one_request_more_than_one():
    prices = big(9_000)
    listing = Listing(prices)
    read(listing, 2, 1, cycle([0]), check=False)
    assert listing.requests <= -(-len(prices) // PAGE) + 1


def test_ten_chains_stay_within_two_percent_and_a_page_each_band():
    prices = big(40_000)
    listing = Listing(prices)
    read(listing, 10, 5, cycle([0]), check=False)
    assert listing.requests <= 1.02 * len(prices) / PAGE + 5


def test_a_failed_page_is_read_again_from_where_the_chain_stood():
    listing = Listing(big(1_000))
    bands, seen, turn = Bands(LOW, HIGH), [], 0
    while not bands.done:
        chain = take(bands)
        turn += 1
        if turn % 3 == 0:
            bands.failed(chain)
            continue
        rows, total, cursor = listing.page(chain)
        bands.landed(chain, rows, total, cursor)
        seen += rows
    assert bands.whole
    assert {price: seen.count(price) >= listing.prices.count(price) for price in set(seen)} == dict.fromkeys(listing.prices, True)


def test_a_market_that_only_fails_loses_the_window_and_says_so():
    bands, tries = Bands(LOW, HIGH), 0
    while not bands.done:
        bands.failed(take(bands))
        tries += 1
    assert not bands.whole
    assert tries < 20


def test_a_cursor_that_repeats_is_reported_and_reading_goes_on_from_the_frontier():
    bands = Bands(LOW, HIGH)
    up, down = take(bands), take(bands)
    assert bands.landed(up, [300] * 50 + [310] * 50, 1000, "again")
    assert take(bands) is up
    assert down.descending
    assert not bands.landed(up, [310] * 50 + [320] * 50, 1000, "again")
    assert (up.cursor, up.low) == ("", 320)


def test_pages_under_way_follow_rate_and_latency():
    assert [chains_wanted(10, latency, deviation) for latency, deviation in ((0.01, 0), (0.15, 0.02), (0.4, 0.2), (1.0, 0.0))] == [2, 2, 8, 10]
