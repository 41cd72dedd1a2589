"""What a door heard against what was true: hand-made lives and alerts, whose waits, misses and stale ones can be counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from botcore.bench.account import Served
from botcore.bench.hour import Hour, Minute
from botcore.bench.told import Event, Heard, Life, Told
from botcore.model import Alert, AlertState, Change, Exit, Game, Level, Opportunity, RequestClass
from botcore.scan.figures import Tally

SINCE, UNTIL = 1000.0, 1100.0
TITLE = "AK-47 | Redline (Field-Tested)"


def life(offer_id, born, died=None, *, listed=None, price=500):
    return Life(offer_id, Game.CSGO, TITLE, price, born if listed is None else listed, born, died)


def alert(offer_id, at, listed=SINCE):
    found = Opportunity(
        offer_id=offer_id,
        asset_id=f"asset of {offer_id}",
        title=TITLE,
        phase="",
        game=Game.CSGO,
        price_cents=500,
        exit=Exit.TARGET,
        exit_price_cents=600,
        fee_cents=30,
        profit_cents=70,
        profit_percent=14.0,
        trade_lock_days=0,
        listed_at=datetime.fromtimestamp(listed, UTC),
        sales_30d=0,
        median_cents=None,
        next_ask_cents=None,
        days_to_sell=None,
        url="",
    )
    return Heard(at, Alert(id=1, level=Level.STANDARD, opportunity=found, seen_at=at, decided_at=at, queued_at=at))


def change(of, at, state, offer_id=None, opportunity=None):
    price = None if state is AlertState.GONE else 510
    return Heard(at, Change(alert=of.event, state=state, price_cents=price, offer_id=offer_id or of.offer_id, at=at, opportunity=opportunity))


def told(heard=(), lives=(), events=()):
    return Told(SINCE, UNTIL, list(heard), list(lives), list(events))


def test_the_wait_is_from_listed_to_the_first_alert_that_the_door_had():
    one = told([alert("a", 1010.7), alert("a", 1015.0)], [life("a", 1010.0)])
    assert one.waits() == [(1010.0, pytest.approx(0.7))]


def test_offers_that_became_opportunities_later_or_were_listed_before_have_no_wait():
    later = life("a", 1020.0, listed=1010.0)
    before = life("b", 990.0)
    assert told([alert("a", 1020.5), alert("b", 1000.5)], [later, before]).waits() == []


def test_one_that_was_never_told_waited_as_long_as_it_lived_unless_that_was_too_short():
    lives = [life("long", 1010.0, 1013.0), life("short", 1010.0, 1011.0), life("still", 1095.0), life("new", 1099.5)]
    assert told(lives=lives).waits() == [(1010.0, 3.0), (1095.0, 5.0)]


def test_an_offer_that_is_told_as_the_new_price_of_another_waited_until_then():
    first = alert("a", 1001.0)
    cheaper = change(first, 1021.0, AlertState.CHEAPER, "b", alert("b", 1021.0).event.opportunity)
    assert told([first, cheaper], [life("b", 1020.0)]).waits() == [(1020.0, 1.0)]
    assert told([first, change(first, 1021.0, AlertState.DEARER, "b")], [life("b", 1020.0)]).waits() == [(1020.0, 80.0)]


def test_whatever_came_and_lived_over_ten_seconds_is_due_and_missed_when_the_door_never_knew():
    lives = [life("a", 1010.0, 1021.0), life("b", 1010.0, 1019.0), life("c", 1085.0), life("d", 1095.0), life("e", 900.0)]
    one = told([alert("a", 1020.0)], lives)
    assert [found.offer_id for found in one.due()] == ["a", "c"]
    assert [found.offer_id for found in one.missed()] == ["c"]


def test_an_alert_after_the_end_of_an_opportunity_does_not_save_it():
    one = told([alert("a", 1021.5)], [life("a", 1010.0, 1021.0)])
    assert [found.offer_id for found in one.missed()] == ["a"]


def test_an_opportunity_that_returns_is_missed_while_the_door_takes_it_for_gone():
    first = alert("a", 1001.0)
    lives = [life("a", 1000.5, 1005.0, listed=1000.5), life("a", 1020.0, 1040.0, listed=1000.5)]
    gone = change(first, 1006.0, AlertState.SPOILED)
    assert told([first, gone], lives).missed() == [lives[1]]
    assert told([first, gone, change(first, 1021.0, AlertState.LIVE)], lives).missed() == []
    assert told([first], lives).missed() == []


def test_an_opportunity_under_a_new_price_is_known_by_the_change_that_tells_what_it_brings():
    first = alert("a", 1001.0)
    lives = [life("b", 1020.0, 1040.0)]
    cheaper = change(first, 1021.0, AlertState.CHEAPER, "b", alert("b", 1021.0).event.opportunity)
    assert told([first, cheaper], lives).missed() == []
    assert told([first, change(first, 1021.0, AlertState.DEARER, "b")], lives).missed() == lives


def test_stale_are_the_alerts_whose_offer_was_sold_or_priced_anew_before_the_door_had_them():
    events = [Event("list", 1010.0, "a"), Event("sell", 1012.0, "b"), Event("reprice", 1013.0, "c"), Event("sell", 1016.0, "d")]
    heard = [alert(offer_id, 1015.0) for offer_id in "abcd"]
    assert [one.offer_id for one in told(heard, events=events).stale()] == ["b", "c"]


def test_void_are_as_well_those_whose_exit_was_gone_and_those_that_never_were_any():
    lives = [life("a", 1010.0), life("b", 1010.0, 1012.0), life("d", 1018.0)]
    assert [one.offer_id for one in told([alert(offer_id, 1015.0) for offer_id in "abcd"], lives).void()] == ["b", "c", "d"]


def test_nothing_counts_that_was_heard_before_or_after():
    heard = [alert("a", SINCE - 1), alert("b", SINCE + 1), alert("c", UNTIL + 1)]
    assert [one.offer_id for one in told(heard).alerts()] == ["b"]


def test_an_account_that_was_taken_later_changes_nothing_before():
    lives = [life("a", UNTIL - 5, UNTIL + 20), life("b", UNTIL + 1, UNTIL + 30), life("c", UNTIL - 12, UNTIL + 20)]
    one = told([alert("b", UNTIL + 2), alert("c", UNTIL + 1)], lives)
    assert [found.offer_id for found in one.due()] == ["c"]
    assert one.waits() == [(UNTIL - 5, 5.0), (UNTIL - 12, 12.0)]


def test_the_share_of_the_quota_is_that_of_the_class_that_is_nearest_to_its_limit():
    requests = {RequestClass.MARKET: 80, RequestClass.SALES: 51, RequestClass.FEE: 1, RequestClass.OTHER: 20}
    busiest = {RequestClass.MARKET: 9, RequestClass.SALES: 5, RequestClass.FEE: 1, RequestClass.OTHER: 19}
    served = Served(requests, busiest, dict.fromkeys(RequestClass, 0), 0)
    assert served.used(10.0) == pytest.approx(51 / 10 / 6)
    assert served.busiest() == pytest.approx(19 / 20)
    assert served.counts.sales == 51


class TestHour:
    @staticmethod
    def hour(megabytes=(), waits=()):
        """Alerts at so many seconds after their offers were listed, each given with when that was."""
        lives = [life(str(number), listed) for number, (listed, _) in enumerate(waits)]
        heard = [alert(str(number), listed + waited) for number, (listed, waited) in enumerate(waits)]
        served = Served({}, {}, {}, 0)
        return Hour(8.0, [Minute(one, 0, 0) for one in megabytes], told(heard, lives), served, Tally({}, 0.0).figures(0.0, live=0, waiting=0, games={}))

    def test_memory_is_flat_when_its_end_is_as_after_a_sixth_however_it_rose_before_and_between(self):
        rising = [50, 80, 90, 100, *[110] * 17, 140, 103, 104]
        assert self.hour(rising).grown() == 103 - 80
        assert self.hour([100] * 60).grown() == 0
        assert self.hour([float(minute) for minute in range(60)]).grown() == 57 - 7

    def test_drift_holds_the_last_third_against_the_second(self):
        waits = [(1010.0, 9.0), (1040.0, 0.5), (1050.0, 0.6), (1060.0, 0.7), (1070.0, 0.9), (1080.0, 1.2), (1090.0, 1.3)]
        assert self.hour(waits=waits).thirds() == pytest.approx([9.0, 0.6, 1.2])
        assert self.hour(waits=waits).drift() == pytest.approx(2.0)

    def test_a_watch_that_tells_nothing_any_more_has_not_kept_its_pace(self):
        assert self.hour(waits=[(1040.0, 0.5)]).drift() == float("inf")
