"""Changes of the market's answers are noticed, counted and named once; answers as they are today are no change."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from botcore.client import ClientStats, counting
from botcore.client.drift import EVERY, ROWS, differences
from botcore.client.known import answer_of, known_fields
from botcore.model import Drift, Game, ScanQuery
from botcore.sandbox import MarketOptions
from tests.scan.support import LISTING, QUOTES, SALES, BentDesk, bent, desk_at

from .rows import listing, offer_row
from .support import Answer, Doors, ScriptedMarket, client_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

QUERY = ScanQuery("csgo", "boost")
SMALL = MarketOptions(seed=5, size=2_000, latency=0.0, limits=False)


@pytest.fixture
async def bench() -> AsyncIterator[BentDesk]:
    """A small market behind a go-between."""
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(desk_at(SMALL))
        yield await stack.enter_async_context(bent(desk))


def bending(bench: BentDesk, path: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Let the go-between change what the market answers under a path."""

    def bend(asked: Any, answer: Answer) -> Answer:
        if asked.path != path or answer.status != 200:
            return answer
        body = msgspec.json.decode(answer.body)
        change(body)
        return answer._replace(body=msgspec.json.encode(body))

    bench.between.bend = bend


def found(report) -> list[tuple[str, str, str]]:
    return [(one.answer, one.field, one.how) for one in report.drift]


# ---- no drift where nothing has changed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("integers", ["string", "number"])
async def test_the_sandbox_s_answers_are_known_to_the_last_field(integers):
    """Every kind of answer, for every game, every row of it."""
    async with desk_at(MarketOptions(seed=2, size=3_000, latency=0.0, limits=False, integers=integers)) as desk, bent(desk) as through:
        seen: dict[str, int] = {}
        changes: list[tuple[str, tuple[str, str]]] = []

        def look(asked: Any, answer: Answer) -> Answer:
            kind = answer_of(asked.path)
            if kind is not None and answer.status == 200:
                seen[kind] = seen.get(kind, 0) + 1
                changes.extend((kind, one) for one in differences(kind, answer.body))
            return answer

        through.between.bend = look
        client = through.client
        for game in Game:
            await through.scanner().scan(ScanQuery(game, "boost"))
            await client.inventory(game)
        await client.balance()
        await client.profile()
    assert changes == []
    assert set(seen) == set(known_fields())


async def test_a_scan_of_an_unchanged_market_reports_no_drift(bench):
    report = await bench.scanner().scan(QUERY)
    assert report.drift == []
    assert report.opportunities


# ---- what has changed ----------------------------------------------------------------------------------------------------


async def test_a_new_field_is_reported_and_costs_no_find(bench):
    before = await bench.scanner().scan(QUERY)
    bending(bench, LISTING, lambda page: [row.update(mood="fine") for row in page["items"]])
    report = await bench.scanner().scan(QUERY)
    assert found(report) == [("offers", "items.mood", "unknown")]
    assert report.opportunities == before.opportunities
    assert report.drift[0].times >= 1


async def test_a_new_field_deep_inside_is_reported_with_its_way(bench):
    bending(bench, LISTING, lambda page: [row["attributes"]["cs2"].update(glow=1) for row in page["items"]])
    assert found(await bench.scanner().scan(QUERY)) == [("offers", "items.attributes.cs2.glow", "unknown")]


async def test_a_new_field_beside_the_rows_is_reported(bench):
    bending(bench, SALES, lambda page: page.update(currency="USD"))
    assert found(await bench.scanner().scan(QUERY)) == [("sales", "currency", "unknown")]


async def test_a_field_that_goes_missing_without_breaking_anything_is_reported(bench):
    bending(bench, LISTING, lambda page: [row.pop("locked") for row in page["items"]])
    report = await bench.scanner().scan(QUERY)
    assert found(report) == [("offers", "items.locked", "missing")]
    assert report.failures == []


async def test_a_renamed_field_is_reported_under_both_names(bench):
    bending(bench, QUOTES, lambda page: [row.update(bidCount=row.pop("orderCount")) for row in page["aggregatedPrices"]])
    assert found(await bench.scanner().scan(QUERY)) == [
        ("quotes", "aggregatedPrices.bidCount", "unknown"),
        ("quotes", "aggregatedPrices.orderCount", "missing"),
    ]


async def test_a_needed_field_that_is_renamed_is_named_beside_the_rows_it_breaks(bench):
    """The price is gone: no offer can be read, and the report says why."""
    bending(bench, LISTING, lambda page: [row.update(price=row.pop("priceCents")) for row in page["items"]])
    report = await bench.scanner().scan(QUERY)
    assert found(report) == [("offers", "items.price", "unknown"), ("offers", "items.priceCents", "missing")]
    assert [failure.what for failure in report.failures] == ["offer"]


async def test_a_page_without_its_rows_is_named_though_it_cannot_be_read(market: ScriptedMarket, doors: Doors):
    market.answers(Answer(b'{"objects": [], "total": "0", "cursor": ""}'))
    async with client_of(doors.plain) as client:
        with pytest.raises(Exception, match="another shape"):
            await client.api.offers_page(Game.CSGO)
        assert client.api.stats.drifted()[:2] == [Drift("offers", "items", "missing", 1), Drift("offers", "objects", "unknown", 1)]


# ---- how often, and how loudly -------------------------------------------------------------------------------------------


async def test_a_change_is_logged_once_for_each_client(market: ScriptedMarket, doors: Doors, caplog):
    market.answers(Answer(listing([offer_row(mood="fine")])))
    with caplog.at_level(logging.WARNING, "botcore.client.drift"):
        async with client_of(doors.plain) as client:
            for _ in range(2 * EVERY):
                await client.api.offers_page(Game.CSGO)
    assert [record.getMessage() for record in caplog.records] == [
        "DMarket's answer for offers has a field that this botcore does not know: items.mood",
    ]
    assert client.api.stats.drift == {("offers", "items.mood", "unknown"): 2}


async def test_the_first_answer_of_each_kind_is_looked_at_and_then_one_in_so_many(market: ScriptedMarket, doors: Doors):
    async with client_of(doors.plain) as client:
        for number in range(EVERY + 1):
            market.answers(Answer(listing([offer_row(**{f"field{number}": 1})])))
            await client.api.offers_page(Game.CSGO)
        assert {field for _, field, _ in client.api.stats.drift} == {"items.field0", f"items.field{EVERY}"}


async def test_whoever_counts_has_his_own_first_look(market: ScriptedMarket, doors: Doors):
    market.answers(Answer(listing([offer_row(mood="fine")])))
    async with client_of(doors.plain) as client:
        await client.api.offers_page(Game.CSGO)
        with counting(ClientStats()) as mine:
            await client.api.offers_page(Game.CSGO)
        assert mine.drifted() == client.api.stats.drifted() == [Drift("offers", "items.mood", "unknown", 1)]


def test_of_a_long_page_a_few_rows_are_looked_at_the_first_and_the_last_among_them():
    rows = [offer_row(**{f"row{number}": 1}) for number in range(101)]
    named = {field for field, _ in differences("offers", listing(rows))}
    assert len(named) == ROWS
    assert {"items.row0", "items.row100"} <= named


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'"x"', b'{"items": [1, null, "x"], "total": "1"}', b'{"items": null, "total": "1"}', b"\xff{", b'{"items": [']
)
def test_what_is_no_answer_of_its_kind_is_no_drift(body):
    assert list(differences("offers", body)) == []
