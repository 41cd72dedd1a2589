"""What the market tells about titles: quotes, sales, fees."""

from __future__ import annotations

import pytest

from botcore.model import Game, normal_phase

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRICES = "/marketplace-api/v1/aggregated-prices"
SALES = "/trade-aggregator/v1/last-sales"


def titles(peer, game=Game.CSGO):
    return peer.world.games[game].titles


async def test_quotes_follow_the_offers_with_and_without_p2p(peer):
    names = list(titles(peer))[:60]
    for p2p in (True, False):
        body = {"filter": {"game": "a8db", "titles": [*names, "Nothing"], "includeP2p": p2p}, "limit": 100}
        rows = (await peer.posted(PRICES, body))["aggregatedPrices"]
        assert [row["title"] for row in rows] == names
        for row in rows:
            asks = [o.price for o in peer.world.games[Game.CSGO].offers_of(titles(peer)[row["title"]]) if p2p or not o.p2p]
            assert int(row["offerBestPrice"]["Amount"]) == min(asks, default=0)
            assert int(row["offerCount"]) == len(asks)


async def test_the_best_bid_is_never_under_the_true_one_and_sometimes_nobodys(peer):
    rows = (await peer.posted(PRICES, {"filter": {"game": "a8db"}, "limit": "10000"}))["aggregatedPrices"]
    true = {title.name: max((order.price for order in title.orders), default=0) for title in titles(peer).values()}
    bids = {row["title"]: int(row["orderBestPrice"]["Amount"]) for row in rows}
    assert bids.keys() == true.keys()
    assert all(bids[name] >= true[name] for name in true)
    assert 0 < sum(bids[name] > true[name] for name in true) < len(true) / 10


async def test_the_catalogue_comes_by_pages(peer):
    names, cursor = [], ""
    while True:
        page = await peer.posted(PRICES, {"filter": {"game": "rust"}, "limit": "25", "cursor": cursor})
        names += [row["title"] for row in page["aggregatedPrices"]]
        cursor = page["nextCursor"]
        if not cursor:
            break
    assert sorted(names) == sorted(titles(peer, Game.RUST))
    assert (await peer.post(PRICES, {"filter": {"game": "chess"}})).status_code == 400
    assert (await peer.post(PRICES, {"filter": {"game": "rust"}, "limit": "0"})).status_code == 400


async def test_sales_come_newest_first_twenty_at_most(peer):
    title = max(titles(peer).values(), key=lambda title: len(title.sales))
    assert len(title.sales) > 40
    rows = []
    for offset in range(0, len(title.sales) + 20, 20):
        rows += (await peer.ok(SALES, gameId="a8db", title=title.name, limit=20, offset=offset))["sales"]
    assert [(row["date"], row["price"]) for row in rows] == [(str(sale.sold_at), f"{sale.price / 100:.2f}") for sale in title.sales]
    assert (await peer.get(SALES, gameId="a8db", title=title.name, limit=21)).status_code == 400
    assert (await peer.get(SALES, gameId="a8db", limit=5)).status_code == 400
    assert await peer.ok(SALES, gameId="a8db", title="Nothing") == {"sales": []}
    one = await peer.ok(SALES, gameId="a8db", title=title.name, txOperationType="Target")
    assert {row["txOperationType"] for row in one["sales"]} == {"Target"}


async def test_phases_are_spelled_in_many_ways_and_mean_the_same(peer):
    spellings = set()
    for title in titles(peer).values():
        if len(title.phases) == 1:
            continue
        rows = (await peer.ok(SALES, gameId="a8db", title=title.name, limit=20))["sales"]
        told = [row["offerAttributes"].get("phaseTitle") for row in rows]
        assert [normal_phase(phase) for phase in told] == [sale.phase for sale in title.sales[:20]]
        spellings |= {phase for phase in told if normal_phase(phase) == "phase-2"}
    assert len(spellings) >= 3


async def test_sale_histories_are_dense_thin_old_and_absent(peer):
    month = peer.world.start - 30 * 86_400
    every = [(len(t.sales), sum(s.sold_at > month for s in t.sales)) for market in peer.world.games.values() for t in market.titles.values()]
    assert any(recent > 100 for _, recent in every)
    assert any(0 < recent < 5 for _, recent in every)
    assert any(total and not recent for total, recent in every)
    assert any(not total for total, _ in every)


async def test_fees_page_by_offset(peer):
    path = "/exchange/v1/customized-fees"
    whole = await peer.ok(path, gameId="a8db", limit=100_000)
    assert len((await peer.ok(path, gameId="a8db"))["reducedFees"]) == 10
    rows = []
    for offset in range(0, 1000, 7):
        part = (await peer.ok(path, gameId="a8db", limit=7, offset=offset))["reducedFees"]
        rows += part
        if len(part) < 7:
            break
    assert rows == whole["reducedFees"]
    now = peer.world.start
    assert {row["expiresAt"] > now for row in rows} == {True, False}
    assert (await peer.get(path)).status_code == 400
