"""What a scan saves by what is remembered, and what it never takes from there."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager

import pytest

from botcore.cache import Cache, CacheCounts, RedisLevel, open_connection
from botcore.cache.embedded import EmbeddedServer
from botcore.client import Priority, Quota
from botcore.errors import ScanFailed, Unauthorized
from botcore.model import Exit, Game, Level, ScanQuery, ScanReport
from botcore.sandbox import MarketOptions
from botcore.scan import Scanner, ScanOptions, Warmer
from tests.client.support import JumpingTime, json_answer

from .support import PLENTY, SALES, adds_up, bent, desk_at

QUERY = ScanQuery("csgo", "standard")
MARKET = MarketOptions(seed=5, size=8_000, latency=0.0, limits=False)


class Clock:
    """Real seconds since 1970, and those that a test lets pass."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return time.time() + self.passed


def asked(report: ScanReport) -> int:
    """Requests beyond the pages of the listing."""
    counts = report.requests
    return counts.market + counts.sales + counts.fee + counts.other - report.stages["listing"]


async def test_a_scan_a_minute_later_finds_the_same_with_a_third_of_the_questions():
    clock = Clock()
    async with desk_at(MARKET) as desk, Cache(clock=clock) as cache:
        scanner = Scanner(desk.client, cache=cache)
        first = await scanner.scan(QUERY)
        clock.passed = 60
        second = await scanner.scan(QUERY)
        truth = await desk.truth("csgo", "standard")
    for report in (first, second):
        adds_up(report)
        assert report.opportunities == truth.opportunities != []
    assert second.listed == first.listed
    assert (second.requests.sales, second.requests.fee) == (0, 0)
    assert asked(second) <= asked(first) / 2


async def test_a_scan_at_once_after_asks_for_the_listing_and_rivals_alone():
    async with desk_at(MARKET) as desk, Cache() as cache:
        scanner = Scanner(desk.client, cache=cache)
        first, second = await scanner.scan(QUERY), await scanner.scan(QUERY)
    assert second.opportunities == first.opportunities
    assert second.requests.market == second.stages["listing"] + second.stages.get("next ask", 0)
    assert second.requests.other == 2  # the account's own offers and targets are never remembered
    assert second.cache["memory_hits"] > 0
    assert second.cache["loads"] < first.cache["loads"]


async def test_two_accounts_do_not_share_fees():
    """They may have different ones."""
    async with desk_at(MARKET) as desk, Cache() as mine, Cache() as yours:
        reports = [await Scanner(desk.client, cache=cache).scan(QUERY) for cache in (mine, yours)]
    assert [report.requests.fee for report in reports] == [1, 1]


async def test_after_a_price_changed_its_quote_and_book_are_asked_again_and_nothing_else():
    async with desk_at(MARKET) as desk, Cache(clock=lambda: 1_000.0) as cache:
        scanner = Scanner(desk.client, cache=cache)
        first = await scanner.scan(QUERY)
        title = next(one.title for one in first.opportunities if one.exit is Exit.TARGET)
        await cache.price_changed(Game.CSGO, title)
        second = await scanner.scan(QUERY)
    assert second.opportunities == first.opportunities
    assert second.stages["quotes"] > 0
    assert second.cache["loads"] == 2  # one quote and one book
    assert (second.requests.sales, second.requests.fee) == (0, 0)


async def test_a_scan_is_recalled_without_a_request_while_it_is_fresh_and_no_longer():
    clock = Clock()
    async with desk_at(MARKET) as desk, Cache(clock=clock) as cache:
        scanner = Scanner(desk.client, cache=cache)
        one, two = await asyncio.gather(scanner.recall(QUERY), scanner.recall(QUERY))
        assert one == two
        before = repr(desk.client.stats.requests)
        again = await scanner.recall(QUERY)
        assert (again.started_at, again.opportunities) == (one.started_at, one.opportunities)
        assert repr(desk.client.stats.requests) == before
        assert (await scanner.recall(ScanQuery("csgo", "standard", muted=frozenset({one.opportunities[0].title})))).started_at > one.started_at
        clock.passed = cache.options.scans
        assert (await scanner.recall(QUERY)).started_at > one.started_at


async def test_a_changed_price_makes_the_scans_of_its_game_old_and_no_others():
    async with desk_at() as desk, Cache() as cache:
        scanner = Scanner(desk.client, cache=cache)
        queries = [ScanQuery("csgo", "boost"), ScanQuery("csgo", "pro"), ScanQuery("rust", "boost")]
        before = [(await scanner.recall(query)).started_at for query in queries]
        await cache.price_changed(Game.CSGO, "AK-47 | Redline (Field-Tested)")
        after = [(await scanner.recall(query)).started_at for query in queries]
    assert [one == two for one, two in zip(before, after, strict=True)] == [False, False, True]


async def test_half_a_scan_and_a_failed_one_are_never_recalled():
    async with desk_at(MARKET) as desk, bent(desk) as between, Cache() as cache:
        never = asyncio.Event()
        between.between.hold = lambda request: never.wait() if request.path == SALES else asyncio.sleep(0)
        scanner = Scanner(between.client, ScanOptions(deadline=0.3), cache=cache)
        half = await scanner.recall(QUERY)
        assert half.stopped is not None
        assert await scanner.recall(QUERY) != half
        between.between.bend = lambda _, answer: answer._replace(status=401)
        for _ in range(2):
            with pytest.raises(ScanFailed):
                await scanner.recall(QUERY)


async def test_a_stopped_scan_leaves_no_question_behind():
    async with desk_at(MarketOptions(seed=5, size=8_000, latency=0.05, limits=False)) as desk, Cache() as cache:
        async with Scanner(desk.client, cache=cache).stream(QUERY) as stream:
            await anext(stream)
        sent = repr(desk.client.stats.requests)
        assert "0 flights" in repr(cache)
        assert repr(desk.client.stats.requests) == sent


@asynccontextmanager
async def cache_on(server: EmbeddedServer):
    async with open_connection(server.url, 1.0) as connection, Cache(redis=RedisLevel(connection, space="test")) as cache:
        yield cache


async def test_another_process_goes_on_from_what_the_first_asked():
    with EmbeddedServer() as server:
        async with desk_at(MARKET) as desk, cache_on(server) as one, cache_on(server) as two:
            first = await Scanner(desk.client, cache=one).scan(QUERY)
            second = await Scanner(desk.client, cache=two).scan(QUERY)
    assert second.opportunities == first.opportunities
    assert (second.requests.sales, second.requests.fee) == (0, 0)
    assert second.cache["redis_hits"] > 0


async def test_a_scan_whose_redis_is_killed_half_way_finds_everything_and_complains_once(caplog):
    caplog.set_level(logging.INFO, "botcore")
    with EmbeddedServer() as server:
        async with desk_at(MarketOptions(seed=5, size=8_000, latency=0.01, limits=False)) as desk, cache_on(server) as cache:
            async with Scanner(desk.client, cache=cache).stream(QUERY) as stream:
                found = [await anext(stream)]
                await asyncio.to_thread(server.kill)
                found += [one async for one in stream]
                report = stream.report
            truth = await desk.truth("csgo", "standard")
            assert [record.levelname for record in caplog.records].count("WARNING") == 1
            await asyncio.to_thread(server.restart)
            assert cache.redis is not None
            await cache.redis.wait(up=True)
            again = await Scanner(desk.client, cache=cache).scan(QUERY)
    assert report.opportunities == again.opportunities == truth.opportunities
    assert len(found) == len(truth.opportunities)
    assert report.cache["redis_errors"] > 0


# ---- warming ---------------------------------------------------------------------------------------------------------


class Noting(Quota):
    """A quota that notes the turn of every request."""

    def __init__(self) -> None:
        jumping = JumpingTime()
        super().__init__(PLENTY, clock=jumping.clock, call_later=jumping.call_later)
        self.turns: set[Priority] = set()

    async def reserve(self, kind, priority=Priority.INTERACTIVE):
        self.turns.add(priority)
        return await super().reserve(kind, priority)


async def warm(warmer: Warmer, titles: int = 40):
    return [(step.game, step.what, step.done, step.total, step.failed) async for step in warmer.warm([Game.CSGO], [Level.STANDARD], titles)]


async def test_a_warm_cache_spares_a_scan_its_sales_and_its_fees():
    quota = Noting()
    async with desk_at(MARKET, quota=quota) as desk, Cache() as cache:
        steps = await warm(Warmer(desk.client, cache), titles=1_000)
        report = await Scanner(desk.client, cache=cache).scan(QUERY)
        truth = await desk.truth("csgo", "standard")
    assert quota.turns >= {Priority.WARM}
    assert steps[1][1:] == ("fees", 1, 1, 0)
    assert steps[-1][1] == "sales"
    assert steps[-1][2] == steps[-1][3] > 10
    assert report.opportunities == truth.opportunities
    assert report.requests.fee == 0
    assert report.cache["memory_hits"] > 0


async def test_warming_takes_the_last_turn_in_every_queue():
    quota = Noting()
    async with desk_at(MARKET, quota=quota) as desk, Cache() as cache:
        await warm(Warmer(desk.client, cache))
    assert quota.turns == {Priority.WARM}


async def test_titles_that_earlier_scans_knew_are_warmed_without_reading_the_listing():
    async with desk_at(MARKET) as desk, Cache() as cache:
        titles = sorted({one.title for one in (await desk.scan("csgo", "standard")).opportunities})
        before = desk.client.stats.requests.sales

        async def known(game, count):
            return titles[:count] if game is Game.CSGO else []

        steps = await warm(Warmer(desk.client, cache, known=known), titles=len(titles))
        assert steps[-1][2:] == (len(titles), len(titles), 0)
        assert desk.client.stats.requests.sales >= before + len(titles)
        tally = CacheCounts()
        with cache.counting(tally):
            await warm(Warmer(desk.client, cache, known=known), titles=len(titles))
        assert (tally.loads, tally.memory.misses) == (0, 0)


async def test_what_cannot_be_warmed_costs_itself_alone_and_is_counted():
    async with desk_at(MARKET) as desk, bent(desk) as between, Cache() as cache:
        between.between.bend = lambda request, answer: json_answer({}, 400) if request.path == SALES else answer
        steps = await warm(Warmer(between.client, cache), titles=5)
        assert steps[-1] == (Game.CSGO, "sales", 5, 5, 5)
        between.between.bend = lambda _, __: json_answer({}, 401)
        with pytest.raises(Unauthorized):
            await warm(Warmer(between.client, Cache()), titles=5)
