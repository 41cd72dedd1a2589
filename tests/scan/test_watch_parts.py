"""The parts of the watch that ask nobody: what is new, how looks are shared out, which title is next, and what the books rule out."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.client import Priority
from botcore.fees import FeeBook
from botcore.model import Game, Level, Offer, Opportunity, Quote, Sale, WatchQuery
from botcore.sandbox.goods import Sale as Made
from botcore.scan.books import Books, windows
from botcore.scan.inquiry import Inquiry
from botcore.scan.jobs import Job, Jobs, Rank
from botcore.scan.match import SALES_WINDOW, Evidence, decide, profit_window, sales_figures
from botcore.scan.newest import LAG, Newest, intervals

from .watched import watched_market

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
TITLE = "AK-47 | Redline (Field-Tested)"


def offer(number: int, price: int = 500, *, second: float = 0.0, phase: str = "", locked: bool = False) -> Offer:
    return Offer(f"offer-{number}", f"asset-{number}", TITLE, phase, price, NOON + timedelta(seconds=second), locked=locked, p2p=False)


def listing(*numbers: int) -> list[Offer]:
    """Newest first; the number is the second in which it was listed."""
    return [offer(number, second=number) for number in sorted(numbers, reverse=True)]


def at(second: float) -> float:
    return NOON.timestamp() + second


def ids(offers: list[Offer]) -> list[str]:
    return [one.offer_id for one in offers]


class TestNewest:
    """What is new."""

    def test_the_first_look_at_a_game_takes_one_page_and_the_next_what_is_new_since(self):
        newest = Newest()
        assert newest.take(listing(1, 2, 3)) == (listing(1, 2, 3), False)
        newest.looked(at(1), 3, 0.0)
        fresh, more = newest.take(listing(2, 3, 4, 5))
        assert (ids(fresh), more) == (["offer-5", "offer-4"], False)

    def test_a_page_that_is_all_new_is_read_on_until_something_is_known(self):
        newest = Newest()
        newest.take(listing(1, 2))
        newest.looked(at(1), 2, 0.0)
        assert newest.take(listing(7, 8))[1]
        assert newest.take(listing(5, 6))[1]
        assert not newest.take(listing(2, 3, 4))[1]

    def test_what_shows_up_late_between_known_offers_is_new(self):
        newest = Newest()
        newest.take(listing(10, 20, 30))
        newest.looked(at(10), 3, 0.0)
        assert ids(newest.take(listing(10, 20, 25, 30))[0]) == ["offer-25"]

    def test_what_comes_up_from_below_as_newer_offers_go_is_not_new(self):
        newest = Newest()
        newest.take(listing(10, 20, 30))
        newest.looked(at(10), 3, 0.0)
        assert newest.take(listing(5, 8, 10, 30)) == ([], False)

    def test_a_look_that_broke_off_is_no_reason_for_the_next_one_to_stop(self):
        newest = Newest()
        newest.take(listing(1))
        newest.looked(at(1), 1, 0.0)
        assert newest.take(listing(8, 9))[1]  # and then the line is cut
        fresh, more = newest.take(listing(8, 9, 10))
        assert (ids(fresh), more) == (["offer-10"], True)
        assert ids(newest.take(listing(1, 2, 3))[0]) == ["offer-3", "offer-2"]

    def test_a_watch_that_goes_on_reads_down_to_where_the_one_before_ended(self):
        newest = Newest(mark=at(1000))
        assert newest.take(listing(2000, 3000))[1]
        assert newest.take([offer(4, second=1000 - LAG / 2)])[1]
        fresh, more = newest.take([offer(5, second=1000 - LAG / 2), offer(6, second=1000 - 2 * LAG)])
        assert (ids(fresh), more) == (["offer-5"], False)

    def test_the_watermark_waits_for_what_is_not_decided_and_for_looks_that_broke_off(self):
        newest = Newest()
        newest.take(listing(1, 2, 3))
        assert [newest.watermark] == [None]
        newest.looked(at(1), 3, 0.0)
        assert newest.watermark == at(1)
        for number in (1, 3):
            newest.decided(f"offer-{number}")
        assert newest.watermark == at(2)
        newest.decided("offer-2")
        assert newest.watermark == at(3)
        newest.take(listing(8, 9))
        for number in (8, 9):
            newest.decided(f"offer-{number}")
        assert newest.watermark == at(3)
        newest.looked(at(8), 2, 1.0)
        assert newest.watermark == at(9)

    @given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=60))
    def test_no_offer_is_passed_over_or_taken_twice_whatever_is_listed_and_however_often_a_look_breaks_off(self, steps):
        """Pages of three; a step lists some offers and then looks, to the end or to its first page."""
        newest, listed = Newest(), [0, 1]
        taken = ids(newest.take(listing(*listed))[0])
        newest.looked(at(0), 2, 0.0)
        for now, (count, breaks) in enumerate(steps, 1):
            listed += range(len(listed), len(listed) + count)
            page = listing(*listed)
            start, fresh, oldest = 0, 0, None
            while True:
                rows = page[start : start + 3]
                found, more = newest.take(rows)
                taken += ids(found)
                fresh, start = fresh + len(found), start + 3
                oldest = rows[-1].listed_at.timestamp() if rows else oldest
                if breaks or not more or start >= len(page):
                    break
            if not (breaks and more):
                newest.looked(oldest, fresh, float(now))
        assert len(taken) == len(set(taken))
        found, more = newest.take(listing(*listed)[:3])
        start = 3
        taken += ids(found)
        while more and start < len(listed):
            found, more = newest.take(listing(*listed)[start : start + 3])
            taken += ids(found)
            start += 3
        assert set(taken) == {f"offer-{number}" for number in listed}


class TestIntervals:
    """How looks are shared out."""

    def test_a_busy_game_is_looked_at_more_often_and_all_together_no_more_than_allowed(self):
        found = intervals({Game.CSGO: 2.5, Game.DOTA2: 1.0, Game.TF2: 0.6, Game.RUST: 0.9}, 4.5, 0.4, 2.0)
        assert found[Game.CSGO] < found[Game.DOTA2] < found[Game.RUST] < found[Game.TF2] < 2.0
        assert sum(1 / seconds for seconds in found.values()) == pytest.approx(4.5)

    def test_quiet_games_are_looked_at_as_seldom_as_may_be(self):
        assert intervals(dict.fromkeys(Game, 0.0), 4.5, 0.4, 2.0) == dict.fromkeys(Game, 2.0)

    def test_what_one_game_cannot_use_the_others_get(self):
        found = intervals({Game.CSGO: 100.0, Game.RUST: 1.0}, 4.0, 0.5, 2.0)
        assert found == {Game.CSGO: 0.5, Game.RUST: 0.5}

    @given(st.dictionaries(st.sampled_from(Game), st.floats(0, 1000), min_size=1), st.floats(0.1, 50), st.floats(0.05, 1.0), st.floats(1.0, 10.0))
    def test_every_game_has_its_looks_and_no_more_than_allowed_are_given_out(self, rates, looks, fastest, slowest):
        found = intervals(rates, looks, fastest, slowest)
        assert set(found) == set(rates)
        assert sum(1 / seconds for seconds in found.values()) <= looks * 1.0001
        assert all(seconds >= fastest * 0.9999 or len(rates) / looks >= fastest for seconds in found.values())


class TestJobs:
    """Which title is next."""

    async def test_the_most_urgent_goes_first_and_a_title_takes_over_what_it_was_waiting_for(self):
        jobs = Jobs(4)
        for number, rank in enumerate((Rank.DOUBT, Rank.MOVED, Rank.NEW, Rank.TOLD)):
            jobs.put(Job(Game.CSGO, f"title {number}", rank))
        jobs.put(Job(Game.CSGO, "title 0", Rank.NEW, {"offer": (offer(1), 1.0)}))
        taken = [await jobs.take() for _ in range(4)]
        assert [(job.title, job.rank) for job in taken] == [("title 2", Rank.NEW), ("title 0", Rank.NEW), ("title 3", Rank.TOLD), ("title 1", Rank.MOVED)]
        assert set(taken[1].offers) == {"offer"}
        assert len(jobs) == 0
        assert not jobs.idle

    async def test_a_title_is_under_way_once_unless_the_second_look_is_more_urgent(self):
        jobs = Jobs(4)
        jobs.put(Job(Game.CSGO, TITLE, Rank.MOVED))
        first = await jobs.take()
        jobs.put(Job(Game.CSGO, TITLE, Rank.TOLD))
        second = asyncio.ensure_future(jobs.take())
        await asyncio.sleep(0)
        assert not second.done()
        jobs.put(Job(Game.CSGO, TITLE, Rank.NEW))
        urgent = await second
        assert urgent.rank is Rank.NEW
        jobs.finish(first)
        jobs.finish(urgent)
        assert jobs.idle

    async def test_what_can_wait_leaves_workers_to_what_cannot(self):
        jobs = Jobs(4)
        for number in range(6):
            jobs.put(Job(Game.CSGO, f"moved {number}", Rank.MOVED))
            jobs.put(Job(Game.CSGO, f"doubt {number}", Rank.DOUBT))
        taken = [await jobs.take() for _ in range(3)]
        assert [job.rank.priority for job in taken] == [Priority.SCAN, Priority.SCAN, Priority.WARM]
        last = asyncio.ensure_future(jobs.take())
        await asyncio.sleep(0)
        assert not last.done()
        jobs.put(Job(Game.CSGO, TITLE, Rank.NEW))
        assert (await last).title == TITLE
        jobs.finish(taken[2])
        assert (await jobs.take()).rank is Rank.DOUBT

    async def test_asking_for_sales_waits_for_nobody_who_waits_for_listings(self):
        jobs = Jobs(4)
        for number in range(6):
            jobs.put(Job(Game.CSGO, f"moved {number}", Rank.MOVED))
            jobs.put(Job(Game.CSGO, f"doubt {number}", Rank.DOUBT))
            jobs.put(Job(Game.CSGO, f"unknown {number}", Rank.LEARN))
        taken = [await jobs.take() for _ in range(4)]
        assert [job.rank for job in taken] == [Rank.MOVED, Rank.MOVED, Rank.DOUBT, Rank.LEARN]
        jobs.finish(taken[3])
        assert (await jobs.take()).rank is Rank.LEARN
        assert jobs.staff == 5

    async def test_only_a_job_that_no_offer_and_nobody_waits_for_is_a_mere_suspicion(self):
        future = asyncio.get_running_loop().create_future()
        assert Job(Game.CSGO, TITLE, Rank.MOVED).suspicion
        assert not Job(Game.CSGO, TITLE, Rank.VERIFY).suspicion
        assert not Job(Game.CSGO, TITLE, Rank.HAND_OUT, done=[future]).suspicion
        assert not Job(Game.CSGO, TITLE, Rank.RESCAN, {"offer": (offer(1), 1.0)}).suspicion

    async def test_whoever_waits_for_a_title_hears_how_it_ended_also_when_another_job_took_it_over(self):
        jobs = Jobs(1)
        futures = [asyncio.get_running_loop().create_future() for _ in range(2)]
        for future in futures:
            jobs.put(Job(Game.CSGO, TITLE, Rank.HAND_OUT, done=[future]))
        (await jobs.take()).end(well=True)
        assert [await future for future in futures] == [True, True]


def books(level: Level = Level.STANDARD) -> Books:
    made = Books(windows(WatchQuery([Game.CSGO], [level])), now=lambda: 1_790_000_000.0)
    made.fees = FeeBook(Game.CSGO, Fraction(1, 20), 1, {})
    return made


def quote(ask: int, count: int, bid: int = 0) -> Quote:
    return Quote(TITLE, ask, count, bid, 1 if bid else 0)


def sales(*prices: int) -> list[Sale]:
    return [Sale(price, 1_790_000_000) for price in prices]


class TestBooks:
    """What they rule out, and what they must not."""

    def test_an_offer_under_what_the_best_bid_pays_may_pay_and_one_above_it_may_not(self):
        made = books()
        made.quoted([quote(700, 5, bid=800)], 1.0)
        made.looked(made.entry(TITLE), [offer(1, 700), offer(2, 705)], 0.5, 1.0)
        assert made.ways_of(offer(3, 690)).target
        assert not made.ways_of(offer(3, 760)).any

    def test_a_gap_to_the_next_ask_lets_the_cheapest_pay_unless_the_sales_say_no(self):
        made = books()
        entry = made.entry(TITLE)
        made.quoted([quote(500, 2)], 1.0)
        made.looked(entry, [offer(1, 500), offer(2, 600)], 2.0, 2.0)
        assert made.ways(entry).relist
        made.sales(entry, sales(500, 510, 520, 510, 505), 0, 3.0)
        assert not made.ways(entry).any
        made.sales(entry, sales(570, 575, 580, 575, 570), 0, 4.0)
        assert made.ways(entry).relist
        made.sales(entry, sales(570, 575, 580), 0, 5.0)
        assert not made.ways(entry).any

    def test_an_offer_that_went_away_may_have_been_the_next_ask(self):
        made = books()
        entry = made.entry(TITLE)
        made.quoted([quote(500, 3)], 1.0)
        made.looked(entry, [offer(1, 500), offer(2, 505), offer(3, 650)], 2.0, 2.0)
        assert not made.ways(entry).any
        ((changed, before),) = made.quoted([quote(500, 2)], 3.0)
        assert (changed, entry.gone, entry.sold) == (entry, 1, 1)
        assert before == quote(500, 3)
        assert made.ways(entry).relist

    def test_one_that_came_and_one_that_went_are_two_changes_in_whatever_order_they_are_seen(self):
        for seen_first in (True, False):
            made = books()
            entry = made.entry(TITLE)
            made.quoted([quote(500, 3)], 1.0)
            if seen_first:
                made.arrive(offer(4, 700), counted=False)
                made.quoted([quote(500, 3)], 2.0)
            else:
                made.quoted([quote(500, 3)], 2.0)
                made.arrive(offer(4, 700), counted=False)
                made.quoted([quote(500, 3)], 3.0)
            assert entry.gone == 1

    def test_one_that_the_prices_count_before_it_is_seen_is_no_change_when_it_is_seen(self):
        made = books()
        entry = made.entry(TITLE)
        made.quoted([quote(500, 3)], 1.0)
        made.quoted([quote(480, 4)], 2.0)
        made.arrive(offer(4, 480), counted=False)
        made.quoted([quote(480, 4)], 3.0)
        assert entry.gone == 0

    def test_a_best_ask_that_rose_means_that_the_cheapest_went_whatever_the_counts_say(self):
        made = books()
        entry = made.entry(TITLE)
        made.quoted([quote(500, 3)], 1.0)
        made.quoted([quote(520, 3)], 2.0)
        assert entry.gone == 1

    def test_locked_offers_are_no_rivals_and_no_finds(self):
        made = books()
        entry = made.entry(TITLE)
        made.quoted([quote(400, 3)], 1.0)
        made.looked(entry, [offer(1, 400, locked=True), offer(2, 500), offer(3, 600)], 2.0, 2.0)
        assert made.ways(entry).relist
        assert made.refusal(offer(1, 400, locked=True)) == "locked"

    def test_a_round_of_the_rescan_tells_a_kind_with_one_ask_at_its_end_and_the_others_at_their_second(self):
        made = books()
        made.quoted([quote(400, 3), Quote("Other", 500, 1, 0, 0)], 1.0)
        alone = Offer("x", "y", "Other", "", 500, NOON, locked=False, p2p=False)
        assert made.rescanned([offer(1, 400), alone], 1, 2.0) == {}
        assert set(made.rescanned([offer(2, 500)], 1, 2.0)) == {TITLE}
        assert set(made.rounded(1, 3.0)) == {"Other"}
        assert made.rescanned([offer(5, 400), offer(6, 402)], 2, 4.0) == {}

    def test_a_look_that_was_asked_for_before_the_prices_changed_does_not_make_good_for_it(self):
        made = books()
        entry = made.entry(TITLE)
        made.quoted([quote(500, 3)], 1.0)
        made.quoted([quote(500, 2)], 5.0)
        made.looked(entry, [offer(1, 500), offer(2, 505), offer(3, 650)], 4.0, 6.0)
        assert (entry.gone, made.cleared(entry, 6.0)) == (1, False)
        made.looked(entry, [offer(1, 500), offer(3, 650)], 7.0, 8.0)
        assert (entry.gone, made.cleared(entry, 8.0)) == (0, True)
        assert not made.cleared(entry, 8.0 + 3600)

    def test_a_quote_that_changed_and_changed_back_is_looked_at_all_the_same(self):
        made = books()
        entry = made.entry(TITLE)
        made.quoted([quote(500, 3)], 1.0)
        made.looked(entry, [offer(1, 500), offer(2, 505), offer(3, 650)], 2.0, 2.0)
        assert made.cleared(entry, 3.0)
        made.quoted([quote(480, 4)], 3.0)
        made.quoted([quote(500, 3)], 4.0)
        entry.gone = 0
        assert not made.cleared(entry, 5.0)

    def test_a_bid_that_all_offers_were_held_against_arouses_no_suspicion_until_it_changes(self):
        made = books()
        entry = made.entry(TITLE)
        made.quoted([quote(500, 3, 700)], 1.0)
        assert made.unmet(entry).target
        made.met(entry, None, 1.0)
        assert made.unmet(entry).target  # it was asked for before the quote came
        made.met(entry, 600, 2.0)
        assert made.unmet(entry).target  # an offer between 600 and 700 was not among them
        made.met(entry, None, 2.0)
        made.quoted([quote(500, 2, 700)], 3.0)
        assert not made.unmet(entry).target
        assert made.ways(entry).target
        made.quoted([quote(500, 2, 720)], 4.0)
        assert made.unmet(entry).target

    def test_an_offer_that_would_leave_too_much_whatever_it_is_sold_for_is_not_looked_at(self):
        made = books()
        entry = made.entry(TITLE)
        made.quoted([quote(500, 3)], 1.0)
        made.sales(entry, sales(700, 700, 700, 700, 700), 0, 1.0)
        made.looked(entry, [offer(1, 500), offer(2, 620), offer(3, 630)], 2.0, 2.0)
        assert not made.ways(entry).any  # 5 to 10 percent are wanted, and 619 cents leave more than 15
        made.arrive(offer(4, 570), counted=False)
        assert made.ways(entry).relist

    def test_an_ask_that_comes_back_at_another_price_under_another_id_is_the_one_that_went(self):
        made = books()
        entry = made.entry(TITLE)
        made.quoted([quote(500, 3)], 1.0)
        made.looked(entry, [offer(1, 500), offer(2, 520), offer(3, 560)], 2.0, 2.0)
        again = Offer("offer-9", "asset-2", TITLE, "", 570, NOON, locked=False, p2p=False)
        made.arrive(again, counted=False)
        made.quoted([quote(500, 3)], 3.0)
        assert (entry.gone, entry.sold) == (0, 0)
        assert [ask.price for ask in entry.kinds[""].asks] == [500, 560, 570]
        dearer = Offer("offer-10", "asset-1", TITLE, "", 540, NOON, locked=False, p2p=False)
        made.quoted([quote(540, 3)], 4.0)
        assert entry.gone == 1
        made.arrive(dearer, counted=False)
        made.quoted([quote(540, 3)], 5.0)
        assert (entry.gone, entry.sold) == (0, 0)

    def test_the_quote_tells_which_of_the_known_asks_is_the_cheapest(self):
        made = books()
        entry = made.entry(TITLE)
        made.quoted([quote(500, 5)], 1.0)
        made.looked(entry, [offer(1, 500), offer(2, 505), offer(3, 510), offer(4, 550), offer(5, 565)], 2.0, 2.0)
        made.quoted([quote(505, 3)], 3.0)
        assert not made.ways(entry).any  # of 500 and another, 510 at most went, and 550 leaves no more than 5 percent
        made.quoted([quote(505, 2)], 4.0)
        assert made.ways(entry).relist
        made.quoted([quote(480, 3)], 5.0)
        assert not made.ways(entry).any  # one that has not been seen stands before all others

    def test_a_sale_counts_for_thirty_days(self):
        day = [1_790_000_000.0]
        made = Books(windows(WatchQuery([Game.CSGO], [Level.STANDARD])), now=lambda: day[0])
        made.fees = books().fees
        entry = made.entry(TITLE)
        made.quoted([quote(500, 1)], 1.0)
        made.looked(entry, [offer(1, 500)], 2.0, 2.0)
        prices = (510, 512, 514, 516, 518, 570, 570, 570)
        made.sales(entry, [Sale(price, 1_790_000_000 - 3600 * (8 - number)) for number, price in enumerate(prices)], 0, 3.0)
        assert not made.ways(entry).any
        day[0] += SALES_WINDOW - 6.5 * 3600
        assert made.ways(entry).relist  # of the six that are left one more sale makes the median 570
        day[0] += 3 * 3600
        assert not made.ways(entry).any  # with three left and one more there is none

    def test_a_locked_offer_that_the_quote_counts_stands_before_nobody(self):
        made = books()
        entry = made.entry(TITLE)
        made.quoted([quote(480, 3)], 1.0)
        made.looked(entry, [offer(1, 480, locked=True), offer(2, 500), offer(3, 560)], 2.0, 2.0)
        assert made.ways(entry).relist


prices = st.integers(270, 420)
happenings = st.lists(
    st.one_of(
        st.tuples(st.just("list"), prices, st.sampled_from(["", "", "", "p1"]), st.booleans()),
        st.tuples(st.just("sell"), st.integers(0, 40)),
        st.tuples(st.just("reprice"), st.integers(0, 40), prices, st.booleans()),
        st.tuples(st.just("lock"), st.integers(0, 40)),
        st.tuples(st.just("look"), st.integers(0, 20)),
        st.tuples(st.just("rescan"), st.booleans()),
    ),
    min_size=1,
    max_size=25,
)


class Stall:
    """One title on a market, and what the books of a watch hear of it: every new offer, and the prices before or after that."""

    def __init__(self, asks: list[int], sold: list[int]) -> None:
        self.books = books()
        self.time = 1.0
        self.turn = 0
        self.numbers = 0
        self.offers: list[Offer] = []
        self.sold = sales(*sold)
        self.fees = FeeBook(Game.CSGO, Fraction(1, 20), 1, {})
        for price in asks:
            self.put(price, "")
        self.entry = self.books.entry(TITLE)
        self.quote()
        self.books.sales(self.entry, self.sold, 0, self.time)
        self.look(0)

    def put(self, price: int, phase: str, asset: str = "") -> Offer:
        self.numbers += 1
        made = Offer(f"offer-{self.numbers}", asset or f"asset-{self.numbers}", TITLE, phase, price, NOON, locked=False, p2p=False)
        self.offers.append(made)
        return made

    def quote(self) -> None:
        self.time += 1.0
        self.books.quoted([quote(min((one.price_cents for one in self.offers), default=0), len(self.offers))], self.time)

    def hear(self, made: Offer, quoted_first: bool) -> None:
        if quoted_first:
            self.quote()
        self.books.arrive(made, counted=False)

    def look(self, keep: int) -> None:
        """All offers, or those up to one of the dearest."""
        self.time += 1.0
        rows = sorted(self.offers, key=lambda one: one.price_cents)
        cut = rows[-keep].price_cents if 0 < keep <= len(rows) else None
        self.books.looked(self.entry, [one for one in rows if cut is None or one.price_cents < cut], self.time, self.time, None if cut is None else cut - 1)

    def do(self, what: str, *how: int | str | bool) -> None:
        if what == "list":
            self.hear(self.put(int(how[0]), str(how[1])), bool(how[2]))
        elif what == "look":
            self.look(int(how[0]))
        elif what == "rescan":
            self.turn += 1
            rows = sorted((one for one in self.offers if one.price_cents >= self.books.low), key=lambda one: one.price_cents)
            self.time += 1.0
            self.books.rescanned(rows if how[0] else rows[: len(rows) // 2], self.turn, self.time)
            if how[0]:
                self.books.rounded(self.turn, self.time)
        elif self.offers:
            one = self.offers.pop(int(how[0]) % len(self.offers))
            if what == "sell":
                self.sold.append(Sale(one.price_cents, 1_790_000_000))
            elif what == "reprice":
                self.hear(self.put(int(how[1]), one.phase, one.asset_id), bool(how[2]))
            else:
                locked = Offer(one.offer_id, one.asset_id, TITLE, one.phase, one.price_cents, NOON, locked=True, p2p=False)
                self.offers.append(locked)
                self.look(0)  # that an offer is locked is seen by whoever looks

    def pays(self) -> bool:
        """Whether any offer is an opportunity by the full rules."""
        now, window = 1_790_000_100.0, profit_window(WatchQuery([Game.CSGO], [Level.STANDARD]).at(Game.CSGO, Level.STANDARD))
        rivals = [one for one in self.offers if not one.locked]
        for one in rivals:
            if self.books.refusal(one) is None:
                others = [rival.price_cents for rival in rivals if rival.phase == one.phase and rival is not one]
                evidence = Evidence(None, sales_figures(self.sold, one.phase, now), min(others, default=None))
                if isinstance(decide(one, evidence, self.fees, window, now, Game.CSGO), Opportunity):
                    return True
        return False


@given(st.lists(prices, min_size=1, max_size=16), st.lists(st.integers(250, 420), min_size=3, max_size=9), happenings)
def test_what_pays_by_the_full_rules_is_ruled_out_by_no_book_that_heard_of_all_that_came(asks, sold, what_happens):
    """Whatever happens to a title, in whatever order a watch hears of it, once the prices came by."""
    stall = Stall(asks, sold)
    for event in what_happens:
        stall.do(*event)
        stall.quote()
        stall.quote()
        assert stall.books.ways(stall.entry).relist or not stall.pays()


def within(found: list[Sale]) -> Counter[Sale]:
    """The sales of the last thirty days; answers hold some that are older."""
    return Counter(sale for sale in found if sale.sold_at >= time.time() - SALES_WINDOW + 60)


async def test_sales_that_came_since_cost_one_request_and_make_the_whole():
    """Compared with all sales asked anew, after any number of sales, at the same second or not; too many at once are asked anew."""
    async with watched_market(seed=3, size=600) as (desk, _):
        world = desk.server.world
        title = max(world.games[Game.CSGO].titles.values(), key=lambda title: len(title.sales))
        assert len(title.sales) > 40
        inquiry = Inquiry(desk.client, Game.CSGO, 4)
        kept = await inquiry.sales(title.name, Priority.WATCH)
        now = int(world.clock())
        for count in (0, 1, 3, 19, 20, 45):
            for number in range(count):
                world.add_sale(title, Made(now + number // 3, 500 + number % 2))
            now += count // 3  # the next ones begin in the second of the last
            before = desk.client.stats.requests.sales
            found = await inquiry.sales_now(title.name, Priority.WATCH, kept)
            spent = desk.client.stats.requests.sales - before
            whole = await inquiry.sales(title.name, Priority.WATCH)
            assert within(found) == within(whole)
            assert spent == 1 or count > 16  # the page must reach back beyond the newest that was known
            kept = found
