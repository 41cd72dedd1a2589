"""The client against the sandbox market: a server that was written without it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from botcore.client import DMarketClient, KeyPair, PoolOptions, Priority, Quota, RetryOptions
from botcore.model import Game, RequestClass
from botcore.sandbox import MarketAddress, MarketOptions, serve_market

from .support import WatchedQuota, arrivals_at, check_pace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SMALL = 800


def connect(address: MarketAddress, transport: str = "aiohttp", *, attempts: int = 4, quota: Quota | None = None, **pool: float) -> DMarketClient:
    options = PoolOptions(transport=transport, ca_file=address.ca_file, **pool)  # type: ignore[arg-type]
    retry = RetryOptions(attempts=attempts, first=0.01)
    return DMarketClient(address.url, KeyPair.parse(address.public_key, address.secret_key), pool=options, quota=quota, retry=retry)


@pytest.fixture
async def address() -> AsyncIterator[MarketAddress]:
    async with serve_market(MarketOptions(size=SMALL, latency=0, limits=False, tls=True)) as server:
        yield server.address


async def test_every_read_works_with_every_transport(address: MarketAddress, transport: str):
    """Titles with stars and bars included, and every row readable."""
    async with connect(address, transport) as client:
        offers = [offer async for page in client.offers(Game.CSGO, title="★") for offer in page.offers]
        titles = sorted({offer.title for offer in offers})[:5]
        assert titles
        quotes = await client.quotes(Game.CSGO, titles)
        assert sorted(quotes) == titles
        for title in titles[:2]:
            cheapest = min(offer.price_cents for offer in offers if offer.title == title and not offer.p2p)
            assert quotes[title].best_ask_cents <= cheapest
            book = await client.targets(Game.CSGO, title)
            assert [target.price_cents for target in book] == sorted((target.price_cents for target in book), reverse=True)
            sales = (await client.sales_page(Game.CSGO, title)).sales
            assert all(sale.sold_at <= client.now() for sale in sales)
        fees = await client.fee_book(Game.CSGO)
        assert 0 < fees.default < 1
        balance, profile = await client.balance(), await client.profile()
        assert balance.usd_cents >= balance.withdrawable_cents
        assert profile.account_id
        owned = [len(await client.own_offers(Game.CSGO)), len(await client.own_targets(Game.CSGO)), len(await client.inventory(Game.CSGO))]
        assert all(count >= 0 for count in owned)
        assert (client.stats.broken, client.stats.throttled, client.stats.retries) == (0, 0, 0)


async def test_no_way_of_counting_refuses_us_in_real_time():
    """Three markets at once, each asked faster than it allows. ``check_pace`` says what a machine that stood still excuses."""

    async def press(window: str) -> None:
        quota = WatchedQuota()
        market = MarketOptions(size=SMALL, latency=0.01, jitter=0.3, window=window)
        async with serve_market(market) as server, connect(server.address, attempts=8, quota=quota) as client:
            arrivals = arrivals_at(server)
            await asyncio.gather(*(client.offers_page(Game.RUST, limit=1, priority=Priority.SCAN) for _ in range(25)))
            check_pace(quota, server, arrivals)
            refused = server.served.refused[RequestClass.MARKET]
            assert (client.stats.throttled, client.stats.requests.market) == (refused, 25 + refused)

    await asyncio.gather(*map(press, ("fixed", "sliding", "bucket")))


async def test_a_storm_of_faults_changes_no_answer():
    """What comes through is what a calm market would have said."""
    async with serve_market(MarketOptions(size=SMALL, latency=0)) as calm, connect(calm.address) as client:
        wanted = await read(client)
    async with serve_market(MarketOptions(size=SMALL, latency=0, chaos="mild")) as rough, connect(rough.address, attempts=8, read=2.0) as client:
        assert await read(client) == wanted


async def read(client: DMarketClient) -> tuple[set[str], int]:
    ids = {offer.offer_id async for page in client.offers(Game.TF2) for offer in page.offers}
    return ids, len((await client.fee_book(Game.TF2)).reduced)


async def test_a_market_with_another_clock_is_understood():
    """Three minutes off, which no signature survives."""
    async with serve_market(MarketOptions(size=SMALL, latency=0, clock_offset=-180)) as server, connect(server.address) as client:
        assert (await client.balance()).usd_cents > 0
        assert client.stats.requests.other == 2
