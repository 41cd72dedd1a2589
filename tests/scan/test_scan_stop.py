"""A scan ends when it is told to, within 100 ms, and keeps what it found."""

from __future__ import annotations

import asyncio

import pytest

from botcore.client import Quota, QuotaOptions
from botcore.errors import ScanFailed
from botcore.model import RequestClass, ScanQuery
from botcore.sandbox import MarketOptions
from botcore.scan import ScanOptions
from tests.client.support import Answer
from tests.scan.support import FEES, adds_up, desk_at, outcome, still_running

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUERY = ScanQuery("csgo", "boost")
ROUNDS = 4


class Standstill:
    """A market that answers until it is told to stand still, and tells when so many requests hang."""

    def __init__(self, between, hanging=1):
        self.still = asyncio.Event()
        self.hanging = hanging
        self.reached = asyncio.Event()
        self._never = asyncio.Event()
        self._count = 0
        between.hold = self

    async def __call__(self, _):
        if self.still.is_set():
            self._count += 1
            if self._count >= self.hanging:
                self.reached.set()
            await self._never.wait()


async def seconds(work):
    """What the loop's clock says that something takes."""
    clock = asyncio.get_running_loop().time
    started = clock()
    await work
    return clock() - started


async def test_stop_ends_within_100_ms_while_every_request_hangs():
    """Answers take 5 s: the scan can be ended right after its first requests went out."""
    taken = []
    async with desk_at(MarketOptions(seed=5, size=2_000, latency=5.0, limits=False)) as desk:
        for _ in range(ROUNDS):
            async with desk.scanner.stream(QUERY) as stream:
                wanted = sum(desk.server.served.requests.values()) + 4
                while sum(desk.server.served.requests.values()) < wanted:  # noqa: ASYNC110 - what is waited for is a number
                    await asyncio.sleep(0)
                taken.append(await seconds(stream.stop("enough")))
                assert stream.report.stopped == "enough"
                assert stream.report.listed == 0
                assert still_running() == []
    assert min(taken) < 0.1


async def test_stop_keeps_what_was_found_while_requests_are_in_flight(between):
    taken = []
    truth = (await between.desk.truth("csgo", "boost")).opportunities
    for _ in range(ROUNDS):
        market = Standstill(between.between)
        async with between.scanner(concurrency=1).stream(QUERY) as stream:
            first = await anext(stream)
            market.still.set()
            await market.reached.wait()
            taken.append(await seconds(stream.stop()))
            report = stream.report
        adds_up(report)
        assert first in report.opportunities
        assert all(found in truth for found in report.opportunities)
        assert len(report.opportunities) < len(truth)
        assert report.funnel.dropped["stopped"] > 0
        assert report.stopped == "stopped"
        assert still_running() == []
    assert min(taken) < 0.1


async def test_what_was_found_before_the_stop_is_still_given(between):
    """After stop() the iteration gives the rest of the finds and ends."""
    async with between.scanner().stream(QUERY) as stream:
        first = await anext(stream)
        await stream.stop()
        rest = [found async for found in stream]
        assert sorted([first, *rest], key=lambda found: found.order) == stream.report.opportunities


async def test_cancelling_the_task_of_a_scan_ends_it_within_100_ms(between):
    taken = []
    for _ in range(ROUNDS):
        market = Standstill(between.between)
        market.still.set()
        scan = asyncio.create_task(between.scanner().scan(QUERY))
        await market.reached.wait()
        scan.cancel()
        taken.append(await seconds(asyncio.wait([scan])))
        assert scan.cancelled()
        assert still_running() == []
    assert min(taken) < 0.1


async def test_after_a_cancelled_scan_the_client_scans_as_before(between):
    market = Standstill(between.between)
    async with between.scanner().stream(QUERY) as stream:
        await anext(stream)
        market.still.set()
        await market.reached.wait()
    between.between.hold = lambda _: asyncio.sleep(0)
    report = await between.scanner().scan(QUERY)
    assert report.opportunities == (await between.desk.truth("csgo", "boost")).opportunities


async def test_breaking_out_of_the_stream_ends_the_scan(between):
    async with between.scanner().stream(QUERY) as stream:
        async for found in stream:
            first = found
            break
    assert still_running() == []
    assert first in stream.report.opportunities
    assert stream.report.stopped == "stopped"
    adds_up(stream.report)


async def test_an_error_in_the_body_of_the_stream_ends_the_scan(between):
    async def give_up():
        async with between.scanner().stream(QUERY) as stream:
            async for _ in stream:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await give_up()
    assert still_running() == []


@pytest.mark.parametrize("listed", [0, 1, 300])
async def test_nothing_stirs_after_the_end(listed):
    """No timer of a scan that was stopped goes off: the loop has nothing to complain about, the market nothing to answer."""
    window = 0.3
    loop, complaints = asyncio.get_running_loop(), []
    async with desk_at(MarketOptions(seed=5, size=24_000, latency=0.02, limits=False), quota=Quota(QuotaOptions(window=window))) as desk:
        async with desk.scanner.stream(QUERY) as stream:
            while desk.server.served.requests[RequestClass.MARKET] < 1 or stream.progress.listed < listed:  # noqa: ASYNC110 - what is waited for is a number
                await asyncio.sleep(0)
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        asked = repr(desk.client.stats.requests)
        await asyncio.sleep(1.2 * window)  # longer than the scanner waits for anything
        loop.set_exception_handler(None)
        assert (complaints, repr(desk.client.stats.requests)) == ([], asked)


async def test_a_deadline_for_the_whole_scan_says_so_and_is_no_failure(between):
    market = Standstill(between.between)
    market.still.set()
    report = await between.scanner(deadline=0.05).scan(QUERY)
    adds_up(report)
    assert report.stopped == "the deadline of 0.05 s passed"
    assert still_running() == []
    assert report.seconds >= 0.05


async def test_a_deadline_keeps_what_was_found(between):
    market = Standstill(between.between)
    async with between.scanner(deadline=1.5, concurrency=1).stream(QUERY) as stream:
        found = [await anext(stream)]
        market.still.set()
        found += [more async for more in stream]
        report = stream.report
    adds_up(report)
    assert report.stopped == "the deadline of 1.5 s passed"
    assert sorted(found, key=lambda one: one.order) == report.opportunities
    assert report.funnel.dropped["stopped"] > 0


async def test_stopping_twice_or_after_the_end_changes_nothing(between):
    async with between.scanner().stream(QUERY) as stream:
        found = [one async for one in stream]
        whole = stream.report
        await stream.stop()
        await stream.stop()
        assert stream.report.stopped is None
        assert len(stream.report.opportunities) == len(whole.opportunities) == len(found)


async def test_a_failed_stream_raises_after_its_finds_and_leaves_quietly(between):
    """The error comes out of the iteration, once; leaving the block adds nothing."""
    between.between.bend = lambda asked, said: Answer(b"{}", 500) if asked.path == FEES else said
    async with between.scanner().stream(QUERY) as stream:
        with pytest.raises(ScanFailed, match="no fee book"):
            await anext(stream)


async def test_stopping_a_scan_that_waits_for_its_turn_gives_the_place_back(between):
    """The next scan gets through although the stopped one had queued up for more than the quota."""
    market = Standstill(between.between)
    market.still.set()
    async with between.scanner(batch_size=1).stream(QUERY):
        await market.reached.wait()
    between.between.hold = lambda _: asyncio.sleep(0)
    _, error = await outcome(between.scanner(), QUERY)
    assert error is None
    assert "0 held" in repr(between.client.quota)
    assert "1 held" not in repr(between.client.quota)
    assert ScanOptions().deadline is None
