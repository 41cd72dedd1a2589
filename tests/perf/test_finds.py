"""What scans found, from the store's frames to the answers and their pictures."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from botcore.model import Exit, Funnel, Game, Level, Opportunity, RequestCounts, ScanReport
from botcore.perf import find_charts, finds
from botcore.store import Store

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)


def found(offer, profit, *, exit_=Exit.TARGET, days=3.0):
    return Opportunity(
        *(offer, f"asset {offer}", f"title {offer}", "", Game.CSGO, 1000, exit_, 1000 + profit, 0, profit),
        *(profit / 10, 0, NOON, 9, None, None, days, "https://example.org"),
    )


def report(hours, level, *opportunities, dropped=None, market="sandbox"):
    funnel = Funnel(100, 10, 5, len(opportunities), dropped or {"low": 90})
    started = NOON + timedelta(hours=hours)
    return ScanReport(market, Game.CSGO, level, started, 2.0, 100, funnel, RequestCounts(market=3), opportunities=list(opportunities))


REPORTS = [
    report(0, Level.BOOST, found("a", 10), found("b", 30, exit_=Exit.RELIST)),
    report(1, Level.BOOST, found("a", 20)),
    report(2, Level.BOOST, dropped={"low": 98, "thin": 2}),
    report(2, Level.PRO, found("c", 500, exit_=Exit.RELIST, days=6.0)),
]


@pytest.fixture
async def frames():
    async with Store() as store:
        await store.write("sandbox", reports=REPORTS)
        await store.write("dmarket", reports=[report(0, Level.BOOST, found("z", 1), market="dmarket")])
        return await store.finds_frame("sandbox"), await store.scans_frame("sandbox")


async def test_the_store_gives_finds_with_the_level_of_their_scan_and_scans_with_their_stages(frames):
    some, scans = frames
    assert some.select("level", "offer_id", "profit_cents").rows() == [("boost", "a", 10), ("boost", "b", 30), ("boost", "a", 20), ("pro", "c", 500)]
    assert some.schema["found_at"] == pl.Datetime("ms", "UTC")
    assert scans.select("level", "listed", "found", "dropped_low", "dropped_thin").rows()[2] == ("boost", 100, 0, 98, 2)
    assert scans["requests_market"].to_list() == [3, 3, 3, 3]


async def test_frames_begin_where_they_are_asked_to(frames):
    async with Store() as store:
        since = (NOON + timedelta(minutes=90)).timestamp()
        assert (await store.finds_frame("sandbox", since=since))["offer_id"].to_list() == ["c"]
        assert (await store.scans_frame("sandbox", since=since)).height == 2
        assert (await store.finds_frame("nowhere")).is_empty()
        assert (await store.scans_frame("nowhere")).is_empty()
    assert frames


async def test_an_offer_that_was_found_twice_counts_once_as_it_was_last(frames):
    offers = finds.once(frames[0])
    assert offers.select("offer_id", "profit_cents", "scans").rows() == [("c", 500, 1), ("b", 30, 1), ("a", 20, 2)]


async def test_profit_by_level(frames):
    assert finds.by_level(frames[0]).select("level", "offers", "median_profit_cents", "best_profit_cents", "profit_cents").rows() == [
        ("boost", 2, 25.0, 30, 50),
        ("pro", 1, 500.0, 500, 500),
    ]


async def test_exits_with_the_days_until_sold_which_are_none_for_a_standing_order(frames):
    assert finds.by_exit(frames[0]).select("exit", "level", "offers", "median_days").rows() == [
        ("relist", "boost", 1, 3.0),
        ("relist", "pro", 1, 6.0),
        ("target", "boost", 1, 0.0),
    ]


async def test_the_funnel_of_all_scans(frames):
    assert finds.funnel(frames[1]).rows() == [
        ("listed", "stage", 400),
        ("quoted", "stage", 40),
        ("checked", "stage", 20),
        ("found", "stage", 4),
        ("low", "dropped", 368),
        ("thin", "dropped", 2),
    ]


async def test_how_long_finds_stayed_and_those_of_the_newest_scan_are_left_out(frames):
    gone = finds.gone_after(*frames)
    assert gone["offer_id"].to_list() == ["b", "a"]
    assert gone["hours"].to_list() == pytest.approx([0.0, 1.0])
    assert gone["at_most_hours"].to_list() == pytest.approx([1.0, 2.0])


async def test_what_is_there_until_today_counts_for_as_long_as_it_was_seen(frames):
    """Of three, c is new in the last scan, b was gone after one hour, a after two."""
    there = finds.still_there(*frames)
    assert there.select("known", "gone").rows() == [(3, 0), (2, 1), (1, 1)]
    assert there["hours"].to_list() == pytest.approx([0.0, 1.0, 2.0])
    assert there["left"].to_list() == pytest.approx([1.0, 0.5, 0.0])


async def test_half_of_what_may_go_is_gone_however_many_came_late():
    seen = [found(str(number), 10) for number in range(8)]
    looks = [report(0, Level.BOOST, *seen[:4]), report(1, Level.BOOST, *seen[2:]), report(2, Level.BOOST, *seen[2:])]
    async with Store() as store:
        await store.write("sandbox", reports=looks)
        there = finds.still_there(await store.finds_frame("sandbox"), await store.scans_frame("sandbox"))
    assert there.select("known", "gone").rows() == [(8, 2), (2, 0)]
    assert there["left"].to_list() == pytest.approx([0.75, 0.75])


async def test_a_report_becomes_a_frame():
    frame = finds.of_report(REPORTS[0])
    assert frame.select("level", "offer_id", "exit", "profit_cents").rows() == [("boost", "a", "target", 10), ("boost", "b", "relist", 30)]
    assert finds.of_report(REPORTS[2]).is_empty()


def test_a_scan_that_found_nothing_has_a_picture_that_says_so():
    figure = find_charts.profits(finds.of_report(REPORTS[2]), "profits")
    figure.savefig(io.BytesIO(), format="png")
    assert [text.get_text() for text in figure.axes[0].texts] == ["nothing was found"]


async def test_each_answer_has_a_picture(frames):
    some, scans = frames
    figures = [
        find_charts.profits(some, "profits"),
        find_charts.funnel(finds.funnel(scans), "funnel"),
        find_charts.exits(finds.by_exit(some), "exits"),
        find_charts.stayed(finds.still_there(some, scans), "stayed"),
        find_charts.stayed(finds.still_there(some, scans).head(0), "nothing yet"),
    ]
    for figure in figures:
        data = io.BytesIO()
        figure.savefig(data, format="png")
        assert len(data.getvalue()) > 8000
    assert [label.get_text() for label in figures[1].axes[0].get_yticklabels()] == ["listed", "quoted", "checked", "found", "low", "thin"]
    (nothing,) = [text.get_text() for text in figures[4].axes[0].texts]
    assert nothing == "nothing that was found is gone yet"
