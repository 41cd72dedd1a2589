"""A scan finds exactly what is true of the market: every opportunity, field by field, in the domain's order."""

from __future__ import annotations

import asyncio

import pytest

from botcore.client import KeyPair
from botcore.model import Game, Level, ScanQuery
from botcore.sandbox import MarketOptions
from botcore.scan import Scanner
from tests.client.support import WatchedQuota, arrivals_at, check_pace
from tests.scan.support import CALM, adds_up, client_at, desk_at, outcome

ALL = [(game, level) for game in Game for level in Level]


@pytest.mark.parametrize("seed", range(1, 11))
async def test_every_game_and_level_equals_the_truth(seed):
    async with desk_at(MarketOptions(seed=seed, size=1_800, latency=0.0, limits=False)) as desk:
        for game, level in ALL:
            truth = await desk.truth(game, level)
            report = await desk.scan(game, level)
            assert truth.opportunities
            assert report.opportunities == truth.opportunities
            assert report.failures == []
            assert report.listed - report.funnel.dropped.get("duplicate", 0) == truth.listed
            assert (report.market, report.game, report.level, report.stopped) == ("sandbox", game, level, None)


@pytest.mark.parametrize("size", [20_000])
async def test_a_window_of_many_pages_read_in_bands_equals_the_truth(size):
    async with desk_at(MarketOptions(seed=4, size=size, latency=0.002, jitter=0.5, limits=False)) as desk:
        truth = await desk.truth("csgo", "boost")
        assert (await desk.scan("csgo", "boost")).opportunities == truth.opportunities


@pytest.mark.parametrize("transport", ["http1", "http2", "aiohttp"])
async def test_every_transport_finds_the_same(transport):
    async with desk_at(MarketOptions(seed=2, size=2_000, latency=0.0, limits=False, tls=True), transport=transport) as desk:
        for game in Game:
            assert (await desk.scan(game, "medium")).opportunities == (await desk.truth(game, "medium")).opportunities


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_scan_of_one_title_finds_what_the_whole_scan_finds_of_it_and_asks_for_a_page(seed):
    async with desk_at(MarketOptions(seed=seed, size=3_000, latency=0.0, limits=False)) as desk:
        whole = (await desk.truth("csgo", "standard")).opportunities
        titles = list(dict.fromkeys(found.title for found in whole))[:8]
        assert titles
        for title in titles:
            report = await desk.scanner.scan(ScanQuery("csgo", "standard", title=title))
            assert report.opportunities == [found for found in whole if found.title == title]
            assert report.stages["listing"] == 1
            adds_up(report)


async def test_a_title_is_told_from_longer_ones_and_from_none():
    async with desk_at(MarketOptions(seed=3, size=3_000, latency=0.0, limits=False)) as desk:
        for title in ("A", "no such thing"):
            report = await desk.scanner.scan(ScanQuery("csgo", "standard", title=title))
            assert (report.listed, report.opportunities, report.stopped) == (0, [], None)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_mild_chaos_changes_nothing(seed):
    async with desk_at(MarketOptions(seed=seed, size=1_800, latency=0.0, limits=False, chaos="mild", stall=0.5), attempts=8, read=0.4) as desk:
        for game, level in ALL:
            assert (await desk.scan(game, level)).opportunities == (await desk.truth(game, level)).opportunities
        served = await desk.asked("served")
        assert sum(served["faults"].values()) >= 8


@pytest.mark.parametrize(("seed", "chaos"), [(1, "off"), (2, "mild"), (3, "mild"), (4, "mild")])
async def test_what_stayed_unchanged_while_the_market_moved_is_found_and_nothing_else(seed, chaos):
    """Recall and precision over the titles that no event touched from the scan's first request to its last."""
    async with desk_at(MarketOptions(seed=seed, size=6_000, latency=0.005, limits=False, chaos=chaos, stall=0.05), attempts=8) as desk:
        moved = compared = 0
        for game, level in (("csgo", "boost"), ("dota2", "boost"), ("rust", "medium")):
            since = (await desk.asked("events"))["last"]
            before = await desk.truth(game, level)
            scan = asyncio.create_task(desk.scan(game, level))
            while not scan.done():
                await desk.tell("churn", {"events": 2})
            report, after = await scan, await desk.truth(game, level)
            events = (await desk.control.get("/sandbox/events", params={"since": since})).json()["events"]
            touched = {event["title"] for event in events if event["game"] == game}

            def untouched(found, touched=touched):
                return [one for one in found if one.title not in touched]

            assert untouched(before.opportunities) == untouched(after.opportunities) == untouched(report.opportunities)
            moved += len(touched)
            compared += len(untouched(report.opportunities))
        assert moved > 0
        assert compared > 0


@pytest.mark.parametrize("attempts", [1, 3, 8])
async def test_a_storm_ends_with_an_honest_report(attempts):
    """Whatever is given is true; what is missing has failures to show for it; too many of them are an error that keeps the finds."""
    async with desk_at(MarketOptions(seed=7, size=2_000, latency=0.0, limits=False, chaos="storm", stall=0.02), attempts=attempts) as desk:
        failed = 0
        for game, level in ALL:
            truth = await desk.truth(game, level)
            report, error = await outcome(desk.scanner, ScanQuery(game, level))
            missing = [found for found in truth.opportunities if found not in report.opportunities]
            account_known = not any(failure.what.startswith("own") for failure in report.failures)
            assert not account_known or all(found in truth.opportunities for found in report.opportunities)
            assert report.failures or not missing
            assert report.failures or error is None
            assert (error is None) == (report.stopped is None)
            failed += error is not None
        assert failed > len(ALL) / 2 if attempts == 1 else failed < len(ALL)


@pytest.mark.parametrize("offset", [3600.0, -3600.0])
async def test_a_market_whose_clock_is_an_hour_off_is_scanned_all_the_same(offset):
    async with desk_at(MarketOptions(seed=3, size=2_000, latency=0.0, limits=False, clock_offset=offset)) as desk:
        report, truth = await desk.scan("csgo", "medium"), await desk.truth("csgo", "medium")
        assert [found.offer_id for found in report.opportunities] == [found.offer_id for found in truth.opportunities]


@pytest.mark.asyncio(loop_scope="module")
async def test_two_scans_of_an_unchanged_market_give_the_same_list(desk):
    first, second = await desk.scan("csgo", "boost"), await desk.scan("csgo", "boost")
    assert first.opportunities == second.opportunities != []


@pytest.mark.asyncio(loop_scope="module")
async def test_two_scans_at_once_find_their_own_and_count_their_own(desk):
    await desk.tell("served/reset")
    one, two = await asyncio.gather(desk.scan("csgo", "boost"), desk.scan("rust", "pro"))
    served = (await desk.asked("served"))["requests"]
    for report in (one, two):
        assert report.opportunities == (await desk.truth(report.game, report.level)).opportunities
        assert report.requests.fee == 1
    assert {name: getattr(one.requests, name) + getattr(two.requests, name) for name in served} == served
    assert one.requests.market > two.requests.market > 0


@pytest.mark.asyncio(loop_scope="module")
async def test_the_report_counts_what_the_market_served(desk):
    for game, level in (("csgo", "boost"), ("dota2", "advanced")):
        await desk.tell("served/reset")
        report = await desk.scan(game, level)
        served = await desk.asked("served")
        assert {name: getattr(report.requests, name) for name in served["requests"]} == served["requests"]
        assert (report.throttled, report.retries) == (0, 0)
        assert report.quota_bound_seconds == max(count / desk.client.quota.limits[name] for name, count in served["requests"].items())


async def test_what_failed_and_was_repeated_is_counted_too():
    async with desk_at(MarketOptions(seed=2, size=2_000, latency=0.0, limits=False, chaos="mild", stall=0.02)) as desk:
        reports = [await desk.scan("csgo", level) for level in Level]
        served = await desk.asked("served")
        assert {name: sum(getattr(report.requests, name) for report in reports) for name in served["requests"]} == served["requests"]
        assert sum(report.throttled for report in reports) == served["chaos_refused"]
        spoiling = {name: times for name, times in served["faults"].items() if not name.startswith("stall")}
        assert sum(report.retries for report in reports) == sum(spoiling.values()) > 0


async def test_the_published_quotas_are_kept_in_real_time():
    """No request is refused by a market that counts as DMarket does. ``check_pace`` says what a machine that stood still excuses."""
    market, quota = MarketOptions(seed=1, size=1_500, latency=0.02), WatchedQuota()
    async with desk_at(market) as desk:
        address, arrivals = desk.server.address, arrivals_at(desk.server)
        async with client_at(address.url, KeyPair.parse(address.public_key, address.secret_key), quota=quota, attempts=8) as client:
            report = await Scanner(client).scan(ScanQuery("csgo", "medium"))
        adds_up(report)
        assert report.opportunities == (await desk.truth("csgo", "medium")).opportunities
        check_pace(quota, desk.server, arrivals)
        served = await desk.asked("served")
        assert report.throttled == report.retries == sum(served["refused"].values())
        assert served["requests"]["sales"] > 6


@pytest.mark.asyncio(loop_scope="module")
async def test_a_sandbox_is_called_so(desk):
    assert desk.server.address.url.startswith("http://127.0.0.1")
    assert CALM.limits is False
    assert (await desk.scan("tf2", "pro")).market == "sandbox"
