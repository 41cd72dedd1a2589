"""Bad input of every kind: an error that says what to do, or a failure that is counted while the scan goes on."""

from __future__ import annotations

import asyncio
import gzip
import socket

import msgspec
import pytest

from botcore.client import KeyPair
from botcore.errors import ConfigError, ScanFailed
from botcore.model import Failure, ScanQuery
from botcore.sandbox.signature import make_keys
from botcore.scan import Scanner
from tests.client.support import Answer
from tests.scan.support import FEES, LISTING, OWN_OFFERS, OWN_TARGETS, adds_up, changed, client_at, outcome, still_running

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUERY = ScanQuery("csgo", "boost")
HTML = Answer(b"<html><head><title>502 Bad Gateway</title></head></html>", kind="text/html")


def always(path, answer):
    """Bend every answer of a path, and no other."""
    return lambda asked, said: answer if asked.path.startswith(path) else said


def once(stage, answer):
    """Bend the first answer of a stage."""
    left = [answer]
    return lambda asked, said: left.pop() if asked.stage == stage and left else said


def torn(body=b'{"items":[]}' * 50):
    packed = gzip.compress(body)[:-30]
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed


SPOILED = {"malformed JSON": Answer(b'{"items":[{"offerId":'), "HTML with 200": HTML, "truncated gzip": torn(), "a cut line": None, "no object": Answer(b"[]")}


@pytest.mark.parametrize(("game", "level"), [("doom", "boost"), ("csgo", "legendary"), ("", "boost"), ("csgo", "")])
async def test_an_unknown_game_or_level_is_refused_with_the_choices(game, level):
    with pytest.raises(ConfigError, match=r"choose one of (csgo, dota2, tf2, rust|boost, standard, medium, advanced, pro)$"):
        ScanQuery(game, level)


async def test_keys_that_do_not_belong_together_are_refused_before_anything_is_sent():
    with pytest.raises(ConfigError, match="does not belong to the public key") as refused:
        KeyPair.parse(make_keys(1)[0], make_keys(2)[1])
    assert make_keys(2)[1][:16] not in str(refused.value)


async def test_keys_that_the_market_does_not_know_end_the_scan_with_advice(desk):
    async with client_at(desk.server.address.url, KeyPair.parse(*make_keys(99))) as client:
        report, error = await outcome(Scanner(client), QUERY)
    assert "check that the key pair is valid" in str(error)
    assert report.listed == 0
    assert "Unauthorized" in {failure.error for failure in report.failures}


async def test_an_unreachable_market_ends_the_scan_and_names_the_reason():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with client_at(f"http://127.0.0.1:{nobody.getsockname()[1]}", KeyPair.parse(*make_keys(1)), attempts=2) as client:
            report, error = await outcome(Scanner(client), QUERY)
    assert "could not reach " in str(error)
    assert str(error).endswith("check the address and the network")
    assert {failure.error for failure in report.failures} == {"Unreachable"}
    assert (report.listed, report.requests.market) == (0, 0)


@pytest.mark.parametrize("stage", ["listing", "quotes", "targets", "sales", "next ask", "fees", OWN_OFFERS, OWN_TARGETS])
@pytest.mark.parametrize("fault", SPOILED)
async def test_one_spoiled_answer_is_asked_for_again_and_changes_nothing(between, fault, stage):
    between.between.bend = once(stage, SPOILED[fault])
    report = await between.scanner().scan(QUERY)
    assert report.opportunities == (await between.desk.truth("csgo", "boost")).opportunities
    assert report.failures == []
    assert report.retries == 1
    adds_up(report)


@pytest.mark.parametrize("fault", SPOILED)
async def test_a_listing_that_is_always_spoiled_fails_the_scan_and_says_so(between, fault):
    between.between.bend = always(LISTING, SPOILED[fault])
    report, error = await outcome(between.scanner(), QUERY)
    assert "more than a tenth of the requests for listing failed" in str(error)
    assert report.opportunities == []
    assert [failure.what for failure in report.failures] == ["listing"]


async def test_a_refused_listing_ends_the_scan_at_once_with_the_markets_words(between):
    between.between.bend = always(LISTING, Answer(b'{"code":3,"message":"invalid priceFrom"}', 400))
    report, error = await outcome(between.scanner(), QUERY)
    assert "the listing was refused: DMarket answered 400 for /marketplace-api/v2/offers: invalid priceFrom" in str(error)
    assert report.requests.market <= 2


async def test_a_cursor_that_repeats_is_counted_and_nothing_is_lost(between):
    """One chain of the listing is sent round in a circle once."""
    circle: list[str] = []

    def bend(asked, said):
        cursor = msgspec.json.decode(said.body).get("cursor") if asked.stage == "listing" else ""
        if not cursor or len(circle) > 1 or asked.query["orderDir"] == "desc":
            return said
        circle.append(cursor)
        return changed(said, cursor=circle[0])

    between.between.bend = bend
    report, error = await outcome(between.scanner(bands=1), QUERY)
    assert len(circle) == 2
    assert Failure("listing", "RepeatedCursor", 1) in report.failures
    assert report.opportunities == (await between.desk.truth("csgo", "boost")).opportunities
    assert error is None or "more than a tenth of the requests for listing" in str(error)


async def test_a_listing_that_only_goes_in_circles_ends_and_says_so(between):
    first: dict[str, Answer] = {}
    between.between.bend = lambda asked, said: first.setdefault(asked.query["orderDir"], changed(said, cursor="again")) if asked.stage == "listing" else said
    report, error = await outcome(between.scanner(), QUERY)
    assert "more than a tenth of the requests for listing failed" in str(error)
    assert "RepeatedCursor" in {failure.error for failure in report.failures}


def with_row(change):
    """Bend one row, the first, of every listing page's hundred."""

    def bend(asked, said):
        if asked.stage != "listing":
            return said
        rows = msgspec.json.decode(said.body)["items"]
        return changed(said, items=[change(rows[0]), *rows[1:]]) if len(rows) == 100 else said

    return bend


BROKEN = {
    "a price of zero": {"priceCents": "0"},
    "a negative price": {"priceCents": "-5"},
    "a price of no number": {"priceCents": "many"},
    "no price": {"priceCents": None},
    "no title": {"attributes": {}},
    "no time": {"createdAt": "yesterday"},
}


@pytest.mark.parametrize("name", BROKEN)
async def test_one_broken_offer_among_a_hundred_costs_itself_alone(between, name):
    broken = []

    def bend_row(row):
        broken.append(row["offerId"])
        return row | BROKEN[name]

    between.between.bend = with_row(bend_row)
    report = await between.scanner(bands=1).scan(QUERY)
    adds_up(report)
    assert Failure("offer", "BadAnswer", len(broken)) in report.failures
    truth = (await between.desk.truth("csgo", "boost")).opportunities
    kinds = {(found.title, found.phase) for found in truth if found.offer_id in broken}
    assert [found for found in report.opportunities if (found.title, found.phase) not in kinds] == [
        found for found in truth if found.offer_id not in broken and (found.title, found.phase) not in kinds
    ]
    assert report.stopped is None


async def test_a_broken_sale_costs_itself_alone_and_is_counted(between):
    def bend(asked, said):
        if asked.stage != "sales":
            return said
        rows = msgspec.json.decode(said.body)["sales"]
        return changed(said, sales=[*rows, {"price": "0", "date": "0"}])

    between.between.bend = bend
    report = await between.scanner().scan(QUERY)
    adds_up(report)
    assert [failure.what for failure in report.failures] == ["sale"]
    assert report.opportunities == (await between.desk.truth("csgo", "boost")).opportunities


@pytest.mark.parametrize(
    "answer",
    [Answer(b"{}", 503), HTML, Answer(b'{"defaultFee":{},"reducedFees":[]}'), Answer(b"{}"), None],
    ids=["503", "HTML", "no default", "nothing", "a cut line"],
)
async def test_without_fees_there_is_no_scan(between, answer):
    between.between.bend = always(FEES, answer)
    report, error = await outcome(between.scanner(), QUERY)
    assert str(error).startswith("no fee book for csgo, and no fee is ever assumed: ")
    assert report.opportunities == []
    assert [failure.what for failure in report.failures] == ["fees"]
    assert report.stopped == str(error)


@pytest.mark.parametrize(("path", "what"), [(OWN_OFFERS, "own offers"), (OWN_TARGETS, "own targets")])
async def test_own_offers_or_targets_that_cannot_be_had_are_counted_and_the_scan_goes_on(between, path, what):
    between.between.bend = always(path, Answer(b"{}", 500))
    report = await between.scanner().scan(QUERY)
    adds_up(report)
    assert report.failures == [Failure(what, "ServerFault", 1)]
    assert len(report.opportunities) > 0
    assert report.stopped is None


@pytest.mark.parametrize("stage", ["targets", "sales", "next ask"])
async def test_a_title_whose_evidence_fails_is_dropped_as_failed_and_the_rest_is_found(between, stage):
    """One title in more than ten fails for good: its offers are counted, the scan is whole for all others."""
    await between.scanner().scan(QUERY)
    title = next(_title(asked) for asked in between.between.log if asked.stage == stage)
    between.between.bend = lambda asked, said: Answer(b"{}", 502) if asked.stage == stage and _title(asked) == title else said
    report, error = await outcome(between.scanner(), QUERY)
    assert report.failures == [Failure(stage, "ServerFault", 1)]
    assert report.funnel.dropped["failed"] >= 1
    truth = (await between.desk.truth("csgo", "boost")).opportunities
    assert report.opportunities == [found for found in truth if found.title != title]
    assert (error is None) == (report.stages[stage] >= 10)


def _title(asked):
    return asked.query.get("title") or asked.path


@pytest.mark.parametrize("stage", ["quotes", "targets", "sales", "next ask"])
async def test_a_stage_that_fails_altogether_ends_the_scan_and_names_it(between, stage):
    between.between.bend = lambda asked, said: Answer(b"{}", 502) if asked.stage == stage else said
    with pytest.raises(ScanFailed, match=f"more than a tenth of the requests for {stage} failed") as failed:
        await between.scanner().scan(QUERY)
    report = failed.value.report
    assert report is not None
    adds_up(report)
    assert [(failure.what, failure.error) for failure in report.failures] == [(stage, "ServerFault")]
    truth = (await between.desk.truth("csgo", "boost")).opportunities
    assert all(found in truth for found in report.opportunities)
    assert still_running() == []


async def test_a_failure_ends_the_scan_while_other_requests_hang(between):
    """The refusal comes first, the other answers never."""
    never = asyncio.Event()
    between.between.hold = lambda asked: asyncio.sleep(0) if asked.path == FEES else never.wait()
    between.between.bend = always(FEES, Answer(b'{"message":"no"}', 403))
    async with asyncio.timeout(5):
        _, error = await outcome(between.scanner(), QUERY)
    assert "no fee book" in str(error)
