"""Every option of a scan and of a query does what it says, seen from the market's side."""

from __future__ import annotations

import asyncio
import math

import msgspec
import pytest

from botcore.client import Priority, Quota, QuotaOptions
from botcore.errors import ConfigError
from botcore.model import Game, Level, RequestClass, ScanQuery
from botcore.sandbox import MarketOptions
from botcore.scan import Scanner, ScanOptions
from tests.scan.support import FEES, LISTING, QUOTES, SALES, adds_up, bent, desk_at, pages

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUERY = ScanQuery("csgo", "boost")


def titles_of(asked):
    return msgspec.json.decode(asked.body)["filter"]["titles"]


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_batch_size_is_the_most_titles_of_a_quote_request(between, size):
    report = await between.scanner(batch_size=size).scan(QUERY)
    batches = [titles_of(asked) for asked in between.between.log if asked.stage == "quotes"]
    titles = [title for batch in batches for title in batch]
    assert len(titles) == len(set(titles)) > 30
    assert max(map(len, batches)) <= size
    assert len(batches) == report.stages["quotes"] >= math.ceil(len(titles) / size)
    assert len(batches) == len(titles) or size > 1
    assert report.opportunities == (await between.desk.truth("csgo", "boost")).opportunities


async def test_larger_batches_need_fewer_requests(between):
    counts = []
    for size in (1, 7, 100):
        report = await between.scanner(batch_size=size).scan(QUERY)
        counts.append(report.stages["quotes"])
    assert counts[0] > counts[1] > counts[2]


@pytest.mark.parametrize("most", [1, 3])
async def test_concurrency_bounds_each_kind_of_evidence(between, most):
    """Held back until the scanner has nothing more to send, never more than that are under way."""
    between.between.hold = lambda _: asyncio.sleep(0.002)
    report = await between.scanner(concurrency=most).scan(QUERY)
    flying = {stage: between.between.most_flying[stage] for stage in ("targets", "sales", "next ask")}
    assert all(1 <= count <= most for count in flying.values())
    assert report.opportunities == (await between.desk.truth("csgo", "boost")).opportunities


async def test_more_concurrency_is_used_when_it_is_given(between):
    between.between.hold = lambda _: asyncio.sleep(0.002)
    await between.scanner(concurrency=16).scan(QUERY)
    assert max(between.between.most_flying[stage] for stage in ("targets", "sales", "next ask")) > 3


@pytest.mark.parametrize("bands", [1, 2, 4])
async def test_bands_bound_the_pages_under_way_and_change_no_result(between, bands):
    """Each band is read from both ends."""
    between.between.hold = lambda _: asyncio.sleep(0.002)
    report = await between.scanner(bands=bands).scan(QUERY)
    assert 2 <= between.between.most_flying["listing"] <= 2 * bands
    assert report.opportunities == (await between.desk.truth("csgo", "boost")).opportunities


async def test_four_bands_read_more_pages_at_once_than_one():
    async with desk_at(MarketOptions(seed=5, size=12_000, latency=0.0, limits=False)) as desk:
        truth, most = await desk.truth("csgo", "boost"), []
        for bands in (1, 4):
            async with bent(desk) as between:
                between.between.hold = lambda _: asyncio.sleep(0.002)
                report = await between.scanner(bands=bands).scan(QUERY)
                assert report.opportunities == truth.opportunities
                most.append(between.between.most_flying["listing"])
        assert most[0] == 2
        assert 2 < most[1] <= 8


async def place_of_balance(desk, priority):
    """How many of a scan's waiting requests go out before somebody's single request that came after them."""
    async with bent(desk, quota=Quota(QuotaOptions(market=2000, sales=2000, fee=2000, other=1, window=0.02))) as between:
        async with between.scanner(priority=priority, batch_size=1).stream(QUERY):
            while between.client.quota.waiting(RequestClass.OTHER) < 10:  # noqa: ASYNC110 - what is waited for is a number
                await asyncio.sleep(0)
            before = len(between.between.log)
            await between.client.balance()
        return [asked.path for asked in between.between.log[before:] if asked.path not in (LISTING, SALES, FEES)].index("/account/v1/balance")


async def test_a_request_of_a_person_goes_before_those_of_a_scan(desk):
    assert await place_of_balance(desk, Priority.SCAN) <= 2


async def test_a_scan_as_urgent_as_a_person_is_served_in_turn(desk):
    assert await place_of_balance(desk, Priority.INTERACTIVE) >= 10


async def test_muted_titles_are_left_out_and_counted(desk):
    truth = (await desk.truth("csgo", "boost")).opportunities
    muted = frozenset({truth[0].title, truth[-1].title})
    report = await desk.scan("csgo", "boost", muted=muted)
    assert report.opportunities == [found for found in truth if found.title not in muted]
    assert report.funnel.dropped["muted"] >= sum(found.title in muted for found in truth) > 0


async def test_a_muted_title_costs_no_request(between):
    title = (await between.desk.truth("csgo", "boost")).opportunities[0].title
    await between.scanner().scan(ScanQuery("csgo", "boost", muted=frozenset({title})))
    assert title not in {title for asked in between.between.log if asked.stage == "quotes" for title in titles_of(asked)}
    assert title not in {asked.query.get("title") for asked in between.between.log}


@pytest.mark.parametrize("cap", [12.5, 60, math.inf])
async def test_another_cap_on_profit_is_the_one_that_counts(desk, cap):
    more = 0
    for game in Game:
        truth = (await desk.truth(game, "standard", max_profit=cap)).opportunities
        report = await desk.scan(game, "standard", max_profit_percent=cap)
        assert report.opportunities == truth
        assert cap < math.inf or "too-good" not in report.funnel.dropped
        more += sum(found.profit_percent > 10 for found in truth)
    assert more > 0


async def test_the_first_find_comes_while_the_listing_still_goes_on(between):
    """The market gives no more than four pages of the listing until something has been found."""
    found, pages_asked = asyncio.Event(), []

    async def hold(asked):
        if asked.stage == "listing":
            pages_asked.append(asked)
            if len(pages_asked) > 4:
                await found.wait()

    between.between.hold = hold
    async with asyncio.timeout(20), between.scanner().stream(QUERY) as stream:
        first = await anext(stream)
        assert stream.progress.listing
        assert stream.progress.listed < stream.progress.total
        assert stream.latest[0] == first
        assert stream.report.first_find_seconds is not None
        found.set()
        rest = [one async for one in stream]
    assert not stream.progress.listing
    truth = (await between.desk.truth("csgo", "boost")).opportunities
    assert sorted([first, *rest], key=lambda one: one.order) == stream.report.opportunities == truth


async def test_progress_only_grows_and_ends_where_the_report_stands(desk):
    async with desk.scanner.stream(QUERY) as stream:
        seen = [stream.progress async for _ in stream]
        last, report = stream.progress, stream.report
    figures = [(one.listed, one.found, one.requests.market) for one in [*seen, last]]
    assert figures == sorted(figures)
    assert (last.listed, last.found, last.evidence, last.waiting, last.listing) == (report.listed, len(report.opportunities), 0, 0, False)


@pytest.mark.parametrize("level", Level)
async def test_listing_requests_of_one_band_are_the_pages_and_hardly_more(between, level):
    report = await between.scanner(bands=1).scan(ScanQuery("csgo", level))
    listed = (await between.desk.truth("csgo", level)).listed
    asked = between.between.stages()["listing"]
    assert pages(listed) <= asked == report.stages["listing"] <= pages(listed) * 1.02 + 1


async def test_listing_requests_of_many_pages_are_hardly_more():
    async with desk_at(MarketOptions(seed=6, size=25_000, latency=0.0, limits=False)) as desk:
        least = pages((await desk.truth("csgo", "boost")).listed)
        assert least > 50
        for bands in (1, 4):
            report = await Scanner(desk.client, ScanOptions(bands=bands)).scan(QUERY)
            adds_up(report)
            assert least <= report.stages["listing"] <= least * 1.02 + 2 * bands - 1


async def test_nothing_is_asked_twice_and_evidence_only_for_titles_that_are_on_sale(between):
    report = await between.scanner().scan(QUERY)
    evidence = [asked for asked in between.between.log if asked.stage != "listing"]
    assert len(evidence) == len(set(map(repr, evidence)))
    stages = between.between.stages()
    world = between.desk.server.world.games[Game.CSGO]
    low, high = Level.BOOST.price_window
    titles = {offer.item.title.name for offer in world.offers.values() if low <= offer.price <= high and not (offer.p2p or offer.locked or offer.mine)}
    quoted = {title for asked in evidence if asked.path == QUOTES for title in titles_of(asked)}
    assert quoted == titles
    assert {asked.query["title"] for asked in evidence if "title" in asked.query} <= titles
    assert stages["fees"] == 1
    assert stages["targets"] < len(titles) / 2
    assert {stage: report.stages[stage] for stage in ("listing", "quotes", "targets")} == {stage: stages[stage] for stage in ("listing", "quotes", "targets")}


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"batch_size": 101}, {"concurrency": 0}, {"bands": 0}, {"deadline": 0.0}, {"deadline": -1.0}])
async def test_options_with_which_no_scan_could_end_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"|".join((*wrong, "band"))):
        ScanOptions(**wrong)
