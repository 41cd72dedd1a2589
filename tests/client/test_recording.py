"""Recording what a client asks, and letting it happen again."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from botcore.client import DMarketClient, KeyPair, PoolOptions, Quota, Recording, Replay, RetryOptions
from botcore.client.course import SECOND, Ask
from botcore.client.private import KEPT_HEADERS, blanked
from botcore.client.tape import Answered, Asked, Began, Failed, Head, Interrupted, Record, Sent, Tape, TapeWriter
from botcore.client.transport import make_transport
from botcore.errors import ConfigError, MarketError, NoAnswer, NotRecorded, Refused, ServerFault
from botcore.model import Game, RequestClass
from botcore.sandbox import MarketOptions, serve_market
from tests.vectors import PUBLIC, SECRET

from .rows import listing, offer_row
from .support import Answer, Doors, ScriptedMarket, json_answer, raw_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from botcore.client.course import Course

KEYS = KeyPair.parse(PUBLIC, SECRET)
ITEMS = Ask("GET", "/items", b"")


def client_on(course: Recording | Replay, url: str = "http://market.invalid", attempts: int = 1) -> DMarketClient:
    quota = Quota(clock=course.monotonic, call_later=course.call_later)
    retry = RetryOptions(attempts=attempts)
    return DMarketClient(url, KEYS, quota=quota, retry=retry, clock=course.unix, jitter=course.chance, sleep=course.sleep, transport=course.transport())


def recording_of(path: Path, **options: Any) -> Recording:
    return Recording(path, make_transport(PoolOptions()), "sandbox", hidden=(PUBLIC,), **options)


def seconds(number: float) -> int:
    return round(number * SECOND)


@asynccontextmanager
async def replayed(path: Path, *records: Record, speed: float = float("inf")) -> AsyncIterator[Replay]:
    """The replay of a recording that holds these records."""
    writer = TapeWriter(path, Head("sandbox", "0.1.0", 1_795_435_200 * SECOND, 1, [], {}))
    for record in records:
        writer.put(record)
    writer.close()
    async with Replay(path, speed=speed) as replay:
        yield replay


def exchange(number: int, asked: float, answered: float, body: bytes, ask: Ask = ITEMS) -> list[Record]:
    first, last = seconds(asked), seconds(answered)
    return [Asked(number, first, *ask), Sent(number, first + 1), Answered(number, last, 200, [], body)]


# ---- the whole way, at a market ------------------------------------------------------------------------------------------


async def test_answers_and_errors_come_again_in_their_order(market: ScriptedMarket, doors: Doors, tmp_path):
    """The same question is asked four times, and answered in four ways."""

    async def ask(client: DMarketClient) -> list[object]:
        said: list[object] = []
        for _ in range(4):
            try:
                said.append(await client.offers_page(Game.CSGO))
            except MarketError as error:
                said.append((type(error), str(error).replace(client.base_url, "")))
        return said

    market.answers(
        Answer(listing([offer_row(offerId="a")])), json_answer({}, 503), Answer(listing([offer_row(offerId="b")])), json_answer({"message": "no"}, 400)
    )
    async with recording_of(tmp_path / "a.rec") as recording, client_on(recording, doors.plain) as client:
        there = await ask(client)
    async with Replay(tmp_path / "a.rec") as replay, client_on(replay) as client:
        here = await ask(client)
        requests = client.stats.requests
    assert here == there
    assert [type(one) if not isinstance(one, tuple) else one[0] for one in there][1::2] == [ServerFault, Refused]
    assert len(market.requests) == 4
    assert requests.market == 4


async def test_a_lost_answer_is_lost_again(tmp_path):
    """Nobody listens at the port of the recording."""
    async with recording_of(tmp_path / "a.rec") as recording, client_on(recording, "http://127.0.0.1:9", attempts=3) as client:
        with pytest.raises(MarketError) as there:
            await client.balance()
        repeated = client.stats.retries
    async with Replay(tmp_path / "a.rec") as replay, client_on(replay, attempts=3) as client:
        with pytest.raises(type(there.value)) as here:
            await client.balance()
        assert client.stats.retries == repeated == 2
    assert str(here.value) == str(there.value)


async def test_moments_and_the_market_s_clock_come_again(market: ScriptedMarket, doors: Doors, tmp_path):
    async def ask(course: Course, client: DMarketClient) -> list[float]:
        times = []
        for _ in range(3):
            await client.offers_page(Game.CSGO)
            times += [course.monotonic(), course.unix(), client.now(), client.quota.rate(RequestClass.MARKET), course.chance()]
        return times

    market.answers(Answer(listing([])))
    async with recording_of(tmp_path / "a.rec") as recording, client_on(recording, doors.plain) as client:
        there = await ask(recording, client)
        recording.skew = lambda: client.skew
        skew = client.skew
    async with Replay(tmp_path / "a.rec") as replay, client_on(replay) as client:
        assert await ask(replay, client) == there
        assert replay.end is not None
        assert replay.end.skew == skew != 0


async def test_what_takes_too_long_is_dropped_and_dropped_again(tmp_path):
    """The market takes the request and never answers."""

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(silent) as url, recording_of(tmp_path / "a.rec", whole=0.05) as recording, client_on(recording, url) as client:
        with pytest.raises(NoAnswer):
            await client.balance()
    async with Replay(tmp_path / "a.rec") as replay, client_on(replay) as client:
        with pytest.raises(NoAnswer):
            await client.balance()
        assert replay.monotonic() >= 0.05


# ---- what is kept --------------------------------------------------------------------------------------------------------


def everything(path: Path) -> bytes:
    """All that a recording holds, unpacked."""
    tape = Tape(path)
    data = msgspec.msgpack.encode([tape.head, *(record for _, _, record in tape.records())])
    tape.close()
    return data


async def test_no_secret_of_the_account_is_in_a_recording(tmp_path):
    async with serve_market(MarketOptions(seed=3, size=600, latency=0, limits=False)) as server:
        address = server.address
        keys = KeyPair.parse(address.public_key, address.secret_key)
        transport = make_transport(PoolOptions())
        async with Recording(tmp_path / "a.rec", transport, "sandbox", hidden=(keys.public_hex,)) as recording:
            quota = Quota(clock=recording.monotonic, call_later=recording.call_later)
            async with DMarketClient(address.url, keys, quota=quota, clock=recording.unix, sleep=recording.sleep, transport=recording.transport()) as client:
                profile = await client.profile()
                balance = await client.balance()
                owned = [await client.own_offers(Game.CSGO), await client.own_targets(Game.CSGO), await client.inventory(Game.CSGO)]
    kept = everything(tmp_path / "a.rec").lower()
    assert all(owned)
    assert balance.usd_cents > 0
    secrets = ["dmar ed25519", "x-api-key", "x-sign-date", address.public_key, address.secret_key, address.secret_key[:64], "@example", "tradeoffer", "token="]
    assert [word for word in [*secrets, profile.account_id, profile.username, f'"usd":"{balance.usd_cents}"'] if word.lower().encode() in kept] == []
    assert address.secret_key.encode() not in (tmp_path / "a.rec").read_bytes()


async def test_keys_and_cookies_that_the_market_repeats_are_left_out(market: ScriptedMarket, doors: Doors, tmp_path):
    echo = json_answer({"message": f"key {PUBLIC.upper()} is not known"}, 400, Set_Cookie="session=abc", X_Request_Id="abc", Server="x", Retry_After="1")
    market.answers(echo)
    async with recording_of(tmp_path / "a.rec") as recording, client_on(recording, doors.plain) as client:
        with pytest.raises(Refused):
            await client.offers_page(Game.CSGO)
    tape = Tape(tmp_path / "a.rec")
    answers = [record for _, _, record in tape.records() if isinstance(record, Answered)]
    tape.close()
    assert [name for answer in answers for name, _ in answer.headers if name not in KEPT_HEADERS] == []
    assert dict(answers[0].headers)["retry-after"] == "1"
    assert b"0" * 64 in answers[0].body
    kept = everything(tmp_path / "a.rec")
    assert [word for word in (PUBLIC, PUBLIC.upper(), "session") if word.encode() in kept] == []


@pytest.mark.parametrize("body", [b'{"email": "a@b.c', b"<html>a@b.c</html>", b"", b'["a@b.c"'])
def test_an_answer_about_the_account_that_cannot_be_read_is_kept_as_unreadable(body):
    kept = blanked("/account/v1/user", 200, body)
    assert b"a@b.c" not in kept
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(kept)


def test_an_address_in_an_error_about_the_account_is_left_out():
    assert b"@" not in blanked("/account/v1/user", 401, b'{"message": "no such person: trader@example.test"}')


# ---- what was never recorded ---------------------------------------------------------------------------------------------


async def test_a_request_that_was_never_recorded_is_named_and_not_repeated(tmp_path):
    async with replayed(tmp_path / "a.rec", *exchange(0, 0, 1, b"{}")) as replay, client_on(replay, attempts=4) as client:
        with pytest.raises(NotRecorded, match=r"no answer to GET /marketplace-api/v2/user/targets\?gameId=tf2") as failed:
            await client.own_targets(Game.TF2)
        assert failed.value.path == "/marketplace-api/v2/user/targets"
        assert (client.stats.retries, client.stats.requests.other) == (0, 0)


async def test_a_request_whose_answer_is_missing_ends_where_the_recording_ends(tmp_path):
    async with replayed(tmp_path / "a.rec", Asked(0, 5, *ITEMS), Sent(0, 6)) as replay:
        with pytest.raises(NotRecorded, match="the recording ends before the answer to GET /items"):
            await replay.exchange(ITEMS)


async def test_whoever_listens_hears_once_that_the_recording_ends(tmp_path):
    heard = []
    async with replayed(tmp_path / "a.rec", Asked(0, 5, *ITEMS), Asked(1, 6, *ITEMS)) as replay:
        replay.on_dry = lambda: heard.append(replay.monotonic())
        answers = await asyncio.gather(replay.exchange(ITEMS), replay.exchange(ITEMS), return_exceptions=True)
    assert len(heard) == 1
    assert [type(answer) for answer in answers] == [NotRecorded, NotRecorded]


# ---- which answer --------------------------------------------------------------------------------------------------------


async def test_equal_requests_of_one_moment_are_answered_in_their_order(tmp_path):
    records = [*exchange(0, 1, 5, b"first"), *exchange(1, 1, 3, b"second"), *exchange(2, 1, 4, b"third")]
    async with replayed(tmp_path / "a.rec", *records) as replay:
        answers = await asyncio.gather(*(replay.exchange(ITEMS) for _ in range(3)))
        assert [answer.body for answer in answers] == [b"first", b"second", b"third"]
        assert replay.monotonic() == 5


async def test_whoever_asks_at_another_time_gets_the_answer_of_then(tmp_path):
    records = [record for number in range(5) for record in exchange(number, 10 * number, 10 * number + 1, str(number).encode())]
    async with replayed(tmp_path / "a.rec", *records) as replay:
        said = []
        for pause in (0, 25, 0, 3, 100, 100):
            await replay.sleep(pause)
            keeps_time = asyncio.create_task(replay.sleep(1000))  # or the time would be that of the recorded request
            await asyncio.sleep(0)
            said.append((await replay.exchange(ITEMS)).body)
            keeps_time.cancel()
    assert said == [b"0", b"2", b"3", b"3", b"4", b"4"]


async def test_a_failure_comes_again_as_the_error_it_was(tmp_path):
    async with replayed(
        tmp_path / "a.rec", Asked(0, 0, *ITEMS), Failed(0, 9, "ReadError", "line cut"), Asked(1, 0, *ITEMS), Failed(1, 9, "exit", "?")
    ) as replay:
        answers = await asyncio.gather(replay.exchange(ITEMS), replay.exchange(ITEMS), return_exceptions=True)
    assert [(type(answer).__name__, str(answer)) for answer in answers] == [("ReadError", "line cut"), ("TransportError", "?")]


# ---- time ----------------------------------------------------------------------------------------------------------------


async def test_timers_fire_in_their_order_exactly_when_they_are_due_and_nothing_waits(tmp_path):
    fired: list[tuple[str, float]] = []
    started = time.monotonic()
    async with replayed(tmp_path / "a.rec") as replay:
        for name, delay in (("late", 7200.0), ("early", 0.25), ("never", 1.0), ("also late", 7200.0)):
            timer = replay.call_later(delay, lambda name=name: fired.append((name, replay.monotonic())))  # type: ignore[misc]
            if name == "never":
                timer.cancel()
        await replay.sleep(7200.5)
    assert fired == [("early", 0.25), ("late", 7200.0), ("also late", 7200.0)]
    assert time.monotonic() - started < 60


async def test_a_timer_keeps_the_context_in_which_it_was_set(tmp_path):
    from contextvars import ContextVar  # noqa: PLC0415 - for this test alone

    word: ContextVar[str] = ContextVar("word", default="none")
    heard: list[str] = []
    async with replayed(tmp_path / "a.rec") as replay:
        word.set("mine")
        replay.call_later(1, lambda: heard.append(word.get()))
        word.set("changed")
        await replay.sleep(2)
    assert heard == ["mine"]


async def test_a_speed_makes_recorded_seconds_pass(tmp_path):
    async with replayed(tmp_path / "a.rec", *exchange(0, 0, 4, b"x"), speed=50) as replay:
        started = time.monotonic()
        await replay.exchange(ITEMS)
        assert time.monotonic() - started >= 0.079
        assert replay.monotonic() == 4


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
async def test_a_speed_that_is_none_is_refused(tmp_path, speed):
    with pytest.raises(ConfigError, match="choose a number above 0"):
        async with replayed(tmp_path / "a.rec", speed=speed):
            pass


async def test_what_begins_later_begins_at_its_recorded_time(tmp_path):
    async with replayed(tmp_path / "a.rec", Began(seconds(1), "one"), Began(seconds(60), "two")) as replay:
        times = []
        for what in ("one", "two", "nobody recorded this"):
            replay.begin(what)
            times.append(replay.monotonic())
    assert times == [1, 60, 60]


async def test_an_interruption_comes_again_at_its_time(tmp_path):
    async with replayed(tmp_path / "a.rec", Asked(0, 0, *ITEMS), Interrupted(seconds(3), "Ctrl-C")) as replay:
        heard: list[tuple[str, float]] = []
        waiting = asyncio.create_task(replay.exchange(ITEMS))

        def stop(reason: str) -> None:
            heard.append((reason, replay.monotonic()))
            waiting.cancel()

        replay.on_interrupt = stop
        await asyncio.wait([waiting])
    assert heard == [("Ctrl-C", 3.0)]


async def test_an_exchange_given_up_leaves_nothing_behind(tmp_path):
    arrived = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await reader.read()

    async with raw_server(silent) as url, recording_of(tmp_path / "a.rec") as recording, client_on(recording, url) as client:
        waiting = asyncio.create_task(client.balance())
        await arrived.wait()
        idle = [recording.idle]
        waiting.cancel()
        await asyncio.wait([waiting])
        assert [*idle, recording.idle] == [False, True]
    async with Replay(tmp_path / "a.rec") as replay:
        assert replay.answers == 0
