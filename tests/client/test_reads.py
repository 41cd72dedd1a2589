"""What the client asks for, page by page and class by class; one transport is enough here."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import botcore.client
from botcore.client import ClientStats, DMarketClient, KeyPair, PoolOptions, Priority, Quota, QuotaOptions, RetryOptions, counting
from botcore.errors import BadAnswer, ConfigError, RepeatedCursor, ServerFault
from botcore.fees import ReducedFee
from botcore.model import Game, RequestClass, RequestCounts
from tests.vectors import PUBLIC, SECRET, SEED

from .rows import attributes, listing, offer_row
from .support import Answer, Client, Doors, Request, ScriptedMarket, client_of, json_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def client(doors: Doors, market: ScriptedMarket) -> AsyncIterator[Client]:
    assert market is doors.market
    async with client_of(doors.plain, "aiohttp") as made:
        yield made


def quote_row(title: str, ask: int = 100) -> dict[str, Any]:
    return {"title": title, "offerBestPrice": {"Amount": str(ask)}, "offerCount": "1", "orderBestPrice": {"Amount": "90"}, "orderCount": "2"}


def quotes_answer(*titles: str, cursor: str = "") -> Answer:
    return json_answer({"aggregatedPrices": [quote_row(title) for title in titles], "nextCursor": cursor})


def titles_of(request: Request) -> list[str]:
    titles: list[str] = msgspec.json.decode(request.body)["filter"]["titles"]
    return titles


async def test_quotes_are_asked_a_hundred_at_a_time_and_matched_by_title(client: Client, market: ScriptedMarket):
    """Doubles are asked once; strangers in the answer are ignored."""
    market.answers(lambda request: quotes_answer("stranger", *titles_of(request), cursor="more"))
    titles = [f"title {number}" for number in range(250)]
    quotes = await client.api.quotes(Game.CSGO, [*titles, *titles[:10]])
    assert sorted(quotes) == sorted(titles)
    assert sorted(len(titles_of(request)) for request in market.requests) == [50, 100, 100]
    assert all(request.signed and request.method == "POST" and request.headers["content-type"] == "application/json" for request in market.requests)
    assert client.api.stats.requests == RequestCounts(other=3)


async def test_quotes_follow_the_cursor_until_every_title_is_there(client: Client, market: ScriptedMarket):
    """A title the market does not know is missing."""
    market.answers(quotes_answer("a", cursor="2"), quotes_answer("b"))
    assert sorted(await client.api.quotes(Game.CSGO, ["a", "b", "unknown"])) == ["a", "b"]
    assert [msgspec.json.decode(request.body).get("cursor") for request in market.requests] == [None, "2"]


async def test_quotes_that_go_round_in_circles_are_an_error(client: Client, market: ScriptedMarket):
    """The error is the market's, not a group of them."""
    market.answers(quotes_answer(cursor="2"))
    with pytest.raises(RepeatedCursor):
        await client.api.quotes(Game.CSGO, ["a", "b"])


async def test_no_titles_need_no_request(client: Client, market: ScriptedMarket):
    """And give no quotes."""
    assert await client.api.quotes(Game.CSGO, []) == {}
    assert market.requests == []


def fees(*titles: str, fraction: str = "0.05") -> dict[str, Any]:
    rows = [{"title": title, "fraction": "0.02", "minPrice": 1, "maxPrice": 9, "expiresAt": 5} for title in titles]
    return {"defaultFee": {"fraction": fraction, "minAmount": 1}, "reducedFees": rows}


async def test_a_fee_book_is_one_request_when_the_list_is_shorter_than_asked(client: Client, market: ScriptedMarket):
    """Which it is on most days."""
    market.answers(json_answer(fees("a", "b")))
    book = await client.api.fee_book(Game.CSGO)
    assert (book.default, book.minimum_cents, sorted(book.reduced)) == (Fraction(1, 20), 1, ["a", "b"])
    assert [request.target for request in market.requests] == ["/exchange/v1/customized-fees?gameId=a8db&limit=10000&offset=0"]


async def test_a_long_fee_list_is_read_to_its_end(client: Client, market: ScriptedMarket):
    """By offset; rows of one title come together."""
    market.answers(json_answer(fees(*map(str, range(10_000)))), json_answer(fees("0", "last")))
    book = await client.api.fee_book(Game.CSGO)
    assert (len(book.reduced), len(book.reduced["0"])) == (10_001, 2)
    assert book.reduced["last"] == (ReducedFee(Fraction(1, 50), 1, 9, 5),)
    assert market.requests[1].target.endswith("&offset=10000")


async def test_a_fee_book_whose_default_is_unreadable_is_no_fee_book(client: Client, market: ScriptedMarket):
    """No fee is ever assumed."""
    market.answers(json_answer(fees("a", fraction="five")))
    with pytest.raises(BadAnswer, match="customized-fees"):
        await client.api.fee_book(Game.CSGO)


async def test_own_things_are_read_to_the_last_page(client: Client, market: ScriptedMarket):
    """Offers, targets and inventory alike."""
    target = {"title": "a", "amount": "2", "status": "TARGET_STATUS_ACTIVE", "priceCents": "2800"}
    item = {"attributes": attributes(), "inMarket": False}
    for read, row, path in [
        (client.api.own_offers, offer_row(), "/marketplace-api/v2/user/offers"),
        (client.api.own_targets, target, "/marketplace-api/v2/user/targets"),
        (client.api.inventory, item, "/marketplace-api/v2/user/inventory"),
    ]:
        market.reset()
        market.answers(Answer(listing([row, {}], cursor="c")), Answer(listing([row])))
        found: object = await read(Game.TF2)
        assert isinstance(found, list)
        assert len(found) == 2
        assert [request.target for request in market.requests] == [f"{path}?gameId=tf2&limit=100", f"{path}?gameId=tf2&limit=100&cursor=c"]
    assert client.api.stats.broken == 3
    assert client.api.stats.requests == RequestCounts(other=6)


async def test_the_profile_holds_no_secret(client: Client, market: ScriptedMarket):
    """Only who it is and how many targets it may have."""
    market.answers(json_answer({"id": "f4dd", "username": "trader", "email": "x@example.test", "settings": {"targetsLimit": 500}}))
    profile = await client.api.profile()
    assert (profile.account_id, profile.username, profile.targets_limit) == ("f4dd", "trader", 500)


async def test_sales_are_asked_by_offset_and_an_offset_of_zero_is_said(client: Client, market: ScriptedMarket):
    """In a class of their own."""
    market.answers(json_answer({"sales": [{"price": "1.00", "date": "5"}, {"price": "free"}]}))
    page = await client.api.sales_page(Game.CSGO, "Fracture Case", offset=20)
    assert (len(page.sales), page.broken) == (1, 1)
    assert market.requests[0].target == "/trade-aggregator/v1/last-sales?gameId=a8db&title=Fracture%20Case&limit=20&offset=20"
    assert client.api.stats.requests == RequestCounts(sales=1)
    assert client.api.stats.latency[RequestClass.SALES] is not None


async def test_what_a_block_asks_is_counted_for_it_alone(client: Client, market: ScriptedMarket):
    """Its tasks included; the client's own count goes on."""
    market.answers(json_answer({"sales": [{"price": "free"}]}))
    await client.api.sales_page(Game.CSGO, "before")
    with counting(ClientStats()) as inside:
        await asyncio.gather(*(client.api.sales_page(Game.CSGO, "inside") for _ in range(3)))
    await client.api.sales_page(Game.CSGO, "after")
    assert (inside.requests, inside.broken) == (RequestCounts(sales=3), 3)
    assert (client.api.stats.requests, client.api.stats.broken) == (RequestCounts(sales=5), 5)
    assert 0 < inside.bytes < client.api.stats.bytes


async def test_more_than_the_market_allows_waits(client: Client, market: ScriptedMarket):
    """Thirty pages of ten a second take two windows."""
    market.answers(Answer(listing([])))
    await asyncio.gather(*(client.api.offers_page(Game.CSGO, priority=Priority.SCAN) for _ in range(30)))
    widest = QuotaOptions().window
    assert 2 * 1.02 - 1e-6 <= client.time.now <= 2 * widest + 1e-6


async def test_the_number_of_attempts_and_the_waits_are_options(doors: Doors, market: ScriptedMarket):
    """Each wait at most twice the one before, up to the most."""
    market.answers(json_answer({}, 500))
    async with client_of(doors.plain, retry=RetryOptions(attempts=5, first=1.0, most=3.0)) as client:
        with pytest.raises(ServerFault):
            await client.api.balance()
        assert client.waits.seconds == [1.0, 2.0, 3.0, 3.0]
    async with client_of(doors.plain, retry=RetryOptions(attempts=1)) as client:
        with pytest.raises(ServerFault):
            await client.api.balance()
        assert client.waits.seconds == []


async def test_a_pause_longer_than_our_patience_is_told_at_once(doors: Doors, market: ScriptedMarket):
    """The error carries how long."""
    market.answers(json_answer({}, 503, retry_after="300"))
    async with client_of(doors.plain) as client:
        with pytest.raises(ServerFault) as caught:
            await client.api.balance()
    assert caught.value.retry_after == 300
    assert len(market.requests) == 1


async def test_clients_of_one_key_share_a_quota(doors: Doors, market: ScriptedMarket):
    """The market counts by account."""
    market.answers(Answer(listing([])))
    quota = Quota(QuotaOptions(market=2))
    keys = KeyPair.parse(PUBLIC, SECRET)
    async with DMarketClient(doors.plain, keys, quota=quota) as first, DMarketClient(doors.plain + "/", keys, quota=quota) as second:
        await first.offers_page(Game.CSGO)
        await second.offers_page(Game.CSGO)
    assert quota.sent.market == 2
    assert (first.stats.requests.market, second.stats.requests.market) == (1, 1)


NO_ADDRESSES = ["", "api.dmarket.com", "ftp://api.dmarket.com", "https://", "https://user:word@api.dmarket.com", "https://api.dmarket.com?x=1", "http://[::1"]


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_an_address_that_is_none_is_refused(address):
    """When the client is built, in words that show a right one."""
    with pytest.raises(ConfigError, match="the market's address"):
        DMarketClient(address, KeyPair.parse(PUBLIC, SECRET))


@pytest.mark.parametrize("options", [{"attempts": 0}, {"first": -1}, {"most": -1}])
def test_retries_that_make_no_sense_are_refused(options):
    """When they are made."""
    with pytest.raises(ConfigError, match="retries"):
        RetryOptions(**options)


async def test_the_client_shows_its_state_and_no_secret():
    """For logs and for people."""
    async with DMarketClient("https://api.dmarket.com", KeyPair.parse(PUBLIC, SECRET), pool=PoolOptions(transport="http1")) as client:
        assert repr(client).startswith("<DMarketClient https://api.dmarket.com by http1, <Quota market: 0 sent")
        assert SEED not in repr(client)


def test_the_public_names_are_complete_sorted_and_real():
    """A new name that is exported is importable."""
    assert list(botcore.client.__all__) == sorted(botcore.client.__all__)
    assert set(botcore.client.__all__) <= set(dir(botcore.client))
    for name in botcore.client.__all__:
        assert getattr(botcore.client, name).__module__.startswith("botcore.client.")
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = botcore.client.Nonsense


@pytest.mark.parametrize("module", ["wire", "quota", "answers"])
def test_the_light_modules_load_no_network_library(module):
    """A test of the middle starts without them."""
    check = f"import sys, botcore.client.{module}; sys.exit(' '.join({{'httpx', 'aiohttp', 'nacl'}} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
