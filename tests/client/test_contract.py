"""What every transport must do alike, over real connections."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import zlib
from contextlib import suppress
from email.utils import formatdate
from urllib.parse import quote

import msgspec
import pytest

from botcore.client.api import RetryOptions
from botcore.client.quota import Priority
from botcore.errors import BadAnswer, NoAnswer, Refused, RepeatedCursor, ServerFault, Throttled, Unauthorized, Unreachable
from botcore.model import Game, RequestClass
from tests.vectors import POSITIVE, SIGN_DATE, Vector

from .rows import listing, offer_row
from .support import NOON, Answer, Client, Doors, Request, ScriptedMarket, client_of, json_answer, raw_server

AWKWARD = [
    "★ StatTrak™ Karambit | Doppler (Factory New)",
    "M4A4 | 龍王 (Dragon King) (Field-Tested)",
    "Sticker | 100% Off, 'q' & #1 + =? ;:@!$*~",
    "a/b%2Fc",
    'Music Kit | Rock+Roll, "Quoted" [x] {y} \\ ^ `',
    "é\u0301 🦄",
]
ONCE = RetryOptions(attempts=1)


@pytest.mark.parametrize("title", AWKWARD)
async def test_awkward_titles_go_out_signed_as_they_are(client: Client, market: ScriptedMarket, title: str, transport: str):
    """In the path, in the query and in the body, escapes untouched."""
    market.answers(json_answer({"orders": [], "items": [], "total": "0", "cursor": "", "aggregatedPrices": [], "nextCursor": "", "sales": []}))
    await client.api.targets(Game.CSGO, title)
    await client.api.offers_page(Game.CSGO, title=title, tree_filters="phase[]=ruby,category=★", cursor="eyJz+/==")
    await client.api.sales_page(Game.CSGO, title)
    await client.api.quotes(Game.CSGO, [title])
    escaped = quote(title, safe="")
    path, offers, sales, quotes = market.requests
    assert path.target == f"/marketplace-api/v1/targets-by-title/a8db/{escaped}"
    assert f"title={escaped}&treeFilters=phase%5B%5D%3Druby%2Ccategory%3D%E2%98%85&" in offers.target
    assert offers.target.endswith("&limit=100&cursor=eyJz%2B%2F%3D%3D")
    assert f"title={escaped}&" in sales.target
    assert msgspec.json.decode(quotes.body) == {"filter": {"game": "a8db", "titles": [title], "includeP2p": False}, "limit": "1"}
    assert [request.signed for request in market.requests] == [True] * 4
    assert {request.http_version for request in market.requests} == {"2" if transport == "http2" else "1.1"}


@pytest.mark.parametrize("vector", POSITIVE, ids=lambda vector: vector.name)
async def test_every_signing_vector_arrives_digit_for_digit(doors: Doors, market: ScriptedMarket, transport: str, vector: Vector):
    """Target, body and signature as published, over a real connection."""
    async with client_of(doors.tls, transport, ca_file=doors.ca_file, unix=SIGN_DATE) as client:
        http, auth = client.api._http, client.api._auth
        await http.request(vector.method, doors.tls + vector.target, content=vector.body.encode() or None, auth=auth)
    [request] = market.requests
    assert (request.method, request.target, request.body.decode()) == (vector.method, vector.target, vector.body)
    assert request.headers["x-request-sign"] == f"dmar ed25519 {vector.signature}"
    assert request.headers["x-sign-date"] == str(SIGN_DATE)
    assert request.signed


async def test_requests_say_who_asks_and_what_they_take(client: Client, market: ScriptedMarket):
    """A descriptive agent, JSON, gzip, and no body on a GET."""
    market.answers(json_answer({"usd": "152340", "usdAvailableToWithdraw": "120000", "dmc": "0"}))
    balance = await client.api.balance()
    assert (balance.usd_cents, balance.withdrawable_cents) == (152340, 120000)
    [request] = market.requests
    assert request.method == "GET"
    assert request.body == b""
    assert request.headers["user-agent"].startswith("botcore/")
    assert (request.headers["accept"], request.headers["accept-encoding"]) == ("application/json", "gzip")


async def test_compressed_answers_are_unpacked(client: Client, market: ScriptedMarket):
    """And their bytes are counted as they came."""
    packed = gzip.compress(listing([offer_row()] * 100))
    market.answers(Answer(packed, headers=(("content-encoding", "gzip"),)))
    page = await client.api.offers_page(Game.CSGO)
    assert len(page.offers) == 100
    assert client.api.stats.bytes == len(packed)


HTML = b"<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head></html>"


def torn(body: bytes) -> Answer:
    return Answer(body, headers=(("content-encoding", "gzip"),))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(HTML, kind="text/html"), "a web page titled 'Just a moment...'"),
        (Answer(b""), "the answer is empty"),
        (Answer(b'{"items": [{"offerId": "1"'), "JSON of another shape or cut short"),
        (Answer(b"error code: 520"), "the text 'error code: 520'"),
        (json_answer({"message": "no items here"}), "missing required field `items`"),
        (json_answer([1, 2]), "JSON of another shape"),
        (torn(gzip.compress(listing([offer_row()] * 50))[:-30]), "cut short"),
        (torn(b"this was never gzip at all"), "could not be unpacked"),
        (torn(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + b"\xff" * 40), "could not be unpacked"),
        (Answer(b"", status=302, headers=(("location", "https://elsewhere.test/"),)), "sends us elsewhere"),
    ],
    ids=["html", "empty", "torn json", "text", "other shape", "list", "truncated gzip", "no gzip", "broken gzip", "redirect"],
)
async def test_an_answer_that_is_none_is_repeated_and_then_told(client: Client, market: ScriptedMarket, answer: Answer, words: str):
    """As a 502 would be; the error says what came."""
    market.answers(answer)
    with pytest.raises(BadAnswer, match="for /marketplace-api/v2/offers") as caught:
        await client.api.offers_page(Game.CSGO, title="secret wish")
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.path == "/marketplace-api/v2/offers"
    assert len(market.requests) == 4
    assert client.waits.seconds == [0.25, 0.5, 1.0]
    assert (client.api.stats.retries, client.api.stats.requests.market) == (3, 4)


async def test_a_read_recovers_when_the_answer_comes_right(client: Client, market: ScriptedMarket):
    """Each attempt is signed anew."""
    market.answers(Answer(HTML, 502, kind="text/html"), json_answer({"message": "overload"}, 503), Answer(listing([offer_row()])))
    page = await client.api.offers_page(Game.CSGO)
    assert len(page.offers) == 1
    assert [request.signed for request in market.requests] == [True] * 3
    assert client.api.stats.retries == 2


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 526])
async def test_a_fault_of_the_market_is_repeated_and_then_told(client: Client, market: ScriptedMarket, status: int):
    """With the market's own words."""
    market.answers(json_answer({"code": 14, "message": "elasticsearch unavailable", "error": "x"}, status))
    with pytest.raises(ServerFault, match="elasticsearch unavailable; the fault is on its side") as caught:
        await client.api.offers_page(Game.CSGO)
    assert (caught.value.status, caught.value.code, len(market.requests)) == (status, "14", 4)


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (400, {"error": "invalid limit", "code": 3, "message": "invalid limit"}, "3", "invalid limit"),
        (403, {"Code": "Banned", "Message": "account blocked"}, "Banned", "account blocked"),
        (404, {"message": "Not Found"}, "", "there is nothing under this path"),
        (409, {"message": '{"code": "Nested", "message": "deep down"}'}, "Nested", "deep down"),
        (410, {"code": "Gone", "message": "endpoint is no longer available"}, "Gone", "the route is retired"),
    ],
)
async def test_a_refusal_is_never_repeated(client: Client, market: ScriptedMarket, status: int, body: object, code: str, words: str):
    """And says what the market said."""
    market.answers(json_answer(body, status))
    with pytest.raises(Refused, match=words) as caught:
        await client.api.offers_page(Game.CSGO)
    assert (caught.value.status, caught.value.code, len(market.requests)) == (status, code, 1)
    assert not isinstance(caught.value, Unauthorized)


async def test_a_gate_before_the_market_is_told_apart(client: Client, market: ScriptedMarket):
    """A 403 of the delivery network is no word of DMarket's."""
    market.answers(Answer(HTML, 403, kind="text/html; charset=UTF-8"))
    with pytest.raises(Refused, match="the content delivery network before DMarket turned us away"):
        await client.api.balance()
    assert len(market.requests) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"Code": "Unauthorized", "Message": "Unauthorized"}),
        (400, {"code": "InvalidAPIKey", "message": "bad key 03a107bff3ce10be1d70dd18e74bc099 of trader@example.test"}),
    ],
)
async def test_a_bad_key_is_told_without_showing_it(client: Client, market: ScriptedMarket, status: int, body: object):
    """One attempt, since the clock is right."""
    market.answers(json_answer(body, status))
    with pytest.raises(Unauthorized, match="check that the key pair is valid") as caught:
        await client.api.balance()
    assert len(market.requests) == 1
    assert "03a107bf" not in str(caught.value)
    assert "example.test" not in str(caught.value)


def strict_about_time(market: ScriptedMarket, request: Request) -> Answer:
    late = abs(market.now - int(request.headers["x-sign-date"])) > 120
    return json_answer({"Code": "Unauthorized", "Message": "Unauthorized"}, 401) if late else Answer(listing([]))


@pytest.mark.parametrize("skew", [3600, -3600, 180])
async def test_a_wrong_clock_is_corrected_once(client: Client, market: ScriptedMarket, skew: int):
    """The 401 itself tells the time; later requests are right at once."""
    market.now += skew
    market.answers(lambda request: strict_about_time(market, request))
    await client.api.offers_page(Game.CSGO)
    await client.api.offers_page(Game.CSGO)
    assert len(market.requests) == 3
    assert client.api.now() == pytest.approx(NOON + skew, abs=1)
    assert client.waits.seconds == []


async def test_a_401_that_stays_is_believed_after_one_correction(client: Client, market: ScriptedMarket):
    """Even with a clock that ran wrong."""
    market.now += 3600
    market.answers(json_answer({"Code": "Unauthorized"}, 401))
    with pytest.raises(Unauthorized):
        await client.api.offers_page(Game.CSGO)
    assert len(market.requests) == 2


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": formatdate(NOON + 9, usegmt=True)}, 9.0),
        ({"ratelimit_reset": "2"}, 2.0),
        ({}, 1.5),
        ({"retry_after": "soon"}, 1.5),
    ],
    ids=["seconds", "date", "reset", "nothing", "nonsense"],
)
async def test_a_429_is_repeated_after_the_pause_it_asks_for(client: Client, market: ScriptedMarket, headers: dict[str, str], pause: float):
    """The whole class waits, not only this request, and its ceiling falls."""
    market.answers(json_answer({"message": "API rate limit exceeded"}, 429, **headers), Answer(listing([])))
    await client.api.offers_page(Game.CSGO)
    assert client.time.now == pytest.approx(pause)
    assert len(market.requests) == 2
    assert (client.api.stats.throttled, client.api.quota.throttled, client.api.quota.ceiling(RequestClass.MARKET)) == (1, 1, 7)


async def test_a_429_for_ten_minutes_is_told_at_once(client: Client, market: ScriptedMarket):
    """Nobody hangs."""
    market.answers(json_answer({"message": "API rate limit exceeded"}, 429, retry_after="600"))
    with pytest.raises(Throttled, match="too many requests") as caught:
        await client.api.offers_page(Game.CSGO)
    assert caught.value.retry_after == 600
    assert len(market.requests) == 1


async def test_a_busy_market_says_when_to_come_back(client: Client, market: ScriptedMarket):
    """Retry-After of a 503 is obeyed."""
    market.answers(json_answer({}, 503, retry_after="5"), Answer(listing([])))
    await client.api.offers_page(Game.CSGO)
    assert client.waits.seconds == [5.0]


async def test_one_broken_offer_costs_itself(client: Client, market: ScriptedMarket):
    """A price of zero among a hundred rows."""
    rows = [offer_row(offerId=str(number)) for number in range(99)]
    market.answers(Answer(listing([*rows[:50], offer_row(priceCents="0"), *rows[50:]], cursor="next")))
    page = await client.api.offers_page(Game.CSGO)
    assert [offer.offer_id for offer in page.offers] == [str(number) for number in range(99)]
    assert (page.broken, page.cursor, client.api.stats.broken) == (1, "next", 1)


async def test_pages_follow_the_cursor_and_stop_where_it_is_empty(client: Client, market: ScriptedMarket):
    """All other parameters stay."""
    market.answers(Answer(listing([offer_row(offerId="1")], cursor="a==")), Answer(listing([offer_row(offerId="2")])))
    ids = [
        offer.offer_id
        async for page in client.api.offers(Game.RUST, price_from=50, price_to=300, descending=True, order_by="createdAt")
        for offer in page.offers
    ]
    assert ids == ["1", "2"]
    first = "/marketplace-api/v2/offers?gameId=rust&priceFrom=50&priceTo=300&orderBy=createdAt&orderDir=desc&limit=100"
    assert [request.target for request in market.requests] == [first, first + "&cursor=a%3D%3D"]


async def test_a_repeated_cursor_ends_the_listing_with_an_error(client: Client, market: ScriptedMarket):
    """Instead of going round in circles."""
    pages = [Answer(listing([offer_row()], cursor=cursor)) for cursor in ("a", "b", "a")]
    market.answers(*pages)
    listing_of_all = client.api.offers(Game.CSGO)
    seen = [await anext(listing_of_all) for _ in range(3)]
    with pytest.raises(RepeatedCursor, match="for the second time"):
        await anext(listing_of_all)
    assert [page.cursor for page in seen] == ["a", "b", "a"]
    assert len(market.requests) == 3


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_refused_connection_is_unreachable_and_costs_no_place(transport: str):
    """Tried again, and the quota keeps its places."""
    async with client_of(f"http://127.0.0.1:{free_port()}", transport) as client:
        with pytest.raises(Unreachable, match="check the address and the network"):
            await client.api.offers_page(Game.CSGO)
        assert client.waits.seconds == [0.25, 0.5, 1.0]
        assert client.api.stats.requests.market == 0
        assert client.api.quota.sent.market == 0


async def test_an_unknown_host_is_unreachable(transport: str):
    """Names that do not resolve."""
    async with client_of("http://no.such.host.invalid", transport, retry=ONCE) as client:
        with pytest.raises(Unreachable):
            await client.api.balance()


async def test_an_untrusted_certificate_is_unreachable(doors: Doors, transport: str):
    """Nothing is sent to a stranger."""
    async with client_of(doors.tls, transport, retry=ONCE) as client:
        with pytest.raises(Unreachable, match=r"(?i)certificate"):
            await client.api.balance()


async def test_a_reset_after_sending_is_a_lost_answer_and_is_repeated(transport: str):
    """Each attempt in sight of the quota."""
    connections = []

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(await reader.read(65536))
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with raw_server(reset) as address, client_of(address, transport) as client:
        with pytest.raises(NoAnswer, match="was lost"):
            await client.api.offers_page(Game.CSGO)
        assert len(connections) == 4
        assert client.api.stats.retries == 3


async def test_a_silent_market_times_out(transport: str):
    """After the read time-out."""

    async def stall(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass

    async with raw_server(stall) as address, client_of(address, transport, retry=ONCE, read=0.05) as client:
        with pytest.raises(NoAnswer, match="ReadTimeout"):
            await client.api.offers_page(Game.CSGO)


ONE_LINE_TRANSPORTS = pytest.mark.parametrize("transport", ["http1", "aiohttp"])


@ONE_LINE_TRANSPORTS
@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"items": [',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"ite',
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"",
    ],
    ids=["short body", "bad chunk", "torn chunk", "no http", "torn head", "closed"],
)
async def test_a_torn_answer_is_a_lost_answer(transport: str, answer: bytes):
    """Whatever the library below calls it."""

    async def tear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with raw_server(tear) as address, client_of(address, transport, retry=ONCE) as client:
        with pytest.raises(NoAnswer):
            await client.api.offers_page(Game.CSGO)
        assert client.api.stats.requests.market == 1


@ONE_LINE_TRANSPORTS
async def test_an_answer_that_drips_for_ever_ends_with_the_whole_time(transport: str):
    """Each byte in time, and still no answer."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0)

    async with raw_server(drip) as address, client_of(address, transport, retry=ONCE, read=5, whole=0.1) as client:
        with pytest.raises(NoAnswer, match=r"took longer than 0\.1 s"):
            await client.api.offers_page(Game.CSGO)


@ONE_LINE_TRANSPORTS
async def test_a_connection_that_went_stale_is_repeated_by_us_not_behind_our_back(transport: str):
    """The quota sees every request that was sent."""
    heads = []

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            if len(heads) == 2:
                return
            body = listing([])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    async with raw_server(answer_once) as address, client_of(address, transport) as client:
        await client.api.offers_page(Game.CSGO)
        await client.api.offers_page(Game.CSGO)
        assert len(heads) == 3
        assert client.api.stats.requests.market == 3
        assert client.api.quota.sent.market == 3
        assert client.api.stats.retries == 1


@ONE_LINE_TRANSPORTS
async def test_a_full_pool_is_unreachable(transport: str):
    """Waiting for a connection has its own bound; with HTTP/2 one connection carries them all."""
    arrived = asyncio.Event()

    async def stall(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            arrived.set()

    async with raw_server(stall) as address, client_of(address, transport, retry=ONCE, max_connections=1, pool=0.05, connect=0.05) as client:
        first = asyncio.create_task(client.api.offers_page(Game.CSGO))
        await arrived.wait()
        with pytest.raises(Unreachable):
            await client.api.offers_page(Game.CSGO)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_a_cancelled_request_leaves_the_client_fit_for_the_next(doors: Doors, market: ScriptedMarket, transport: str):
    """Wherever it was cancelled. In the clear, since httpcore forgets a socket whose TLS handshake is cancelled."""
    market.answers(Answer(listing([offer_row()])))
    async with client_of(doors.plain, transport) as client:
        for steps in range(24):
            task = asyncio.create_task(client.api.offers_page(Game.CSGO, priority=Priority.SCAN))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        page = await client.api.offers_page(Game.CSGO)
        assert len(page.offers) == 1
        assert "+ 0 held of 10/10, 0 waiting" in repr(client.api.quota).partition("sales")[0]


async def test_many_requests_share_the_pool(client: Client, market: ScriptedMarket):
    """A hundred at once, each with its own answer, latency measured."""
    market.answers(lambda request: json_answer({"orders": [{"price": request.target.rpartition("/")[2], "amount": "1"}]}))
    books = await asyncio.gather(*(client.api.targets(Game.CSGO, str(number)) for number in range(1, 101)))
    assert [book[0].price_cents for book in books] == list(range(1, 101))
    assert client.api.stats.requests.other == 100
    assert client.api.stats.latency[RequestClass.OTHER] is not None
    assert client.api.stats.latency[RequestClass.SALES] is None


def test_a_stream_cut_in_its_middle_is_told_from_one_that_is_whole():
    """What the truncated gzip above relies on: zlib itself raises nothing."""
    packed = gzip.compress(b"x" * 1000)
    assert zlib.decompressobj(31).decompress(packed[:-12]) != b"x" * 1000


async def test_a_handshake_that_is_given_up_closes_its_connection(transport: str):
    """A server that never answers it sees the end, though the caller is gone."""
    began, ended = asyncio.Event(), asyncio.Event()

    async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read(1)
        began.set()
        with suppress(ConnectionError):
            await reader.read()
        ended.set()
        del writer

    async with raw_server(be_silent) as address, client_of(address.replace("http://", "https://"), transport, retry=ONCE) as client:
        asking = asyncio.create_task(client.api.balance())
        await began.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(10):
            await ended.wait()
