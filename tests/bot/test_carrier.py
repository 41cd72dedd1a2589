"""One message and what Telegram says to it, over HTTP and with the real aiogram."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from botcore.bot.carrier import Away, Blocked, Carrier, Delivered, Later, Moved, Parcel, Spoiled
from botcore.bot.posts import Button, Post
from tests.bot.posting import CALM, aiogram_at, open_office
from tests.bot.support import ANNA, TRADERS, buttons_of
from tests.sandbox.telegram import png

HELLO = Post("<b>hello</b>", ((Button("Go", press="go"), Button("Page", url="https://market.example/a?b=1")),))
NOBODY = 999_999
TOKEN = CALM.token


@pytest.fixture
async def office(tmp_path):
    async with open_office(tmp_path, started=False, patience=1.0) as made:
        yield made


@pytest.fixture
def carry(office):
    """Carries a message to Anna, unless something else is said."""

    async def carried(post=HELLO, chat_id=ANNA, **more):
        return await Carrier(office.bot).carry(Parcel(chat_id, post, **more))

    return carried


async def test_a_message_arrives_with_its_markup_and_its_buttons_and_without_a_preview(office, carry):
    outcome = await carry()
    (message,) = office.messages(ANNA)
    assert outcome == Delivered(message.message_id)
    assert (message.text, [one.type for one in message.entities]) == ("hello", ["bold"])
    assert [button["text"] for button in buttons_of(message)] == ["Go", "Page"]


async def test_a_message_is_changed_in_place(office, carry):
    there = await carry()
    assert await carry(Post("changed"), message=there.message) == there
    (message,) = office.messages(ANNA)
    assert (message.text, buttons_of(message)) == ("changed", [])


async def test_a_change_into_the_same_is_delivered(office, carry):
    there = await carry()
    assert await carry(message=there.message) == there
    assert office.statuses("editMessageText") == [400]


async def test_a_message_that_was_deleted_comes_anew(office, carry):
    there = await carry()
    office.server.people.delete(ANNA, there.message)
    again = await carry(message=there.message)
    assert [message.message_id for message in office.messages(ANNA)] == [again.message]


async def test_a_message_that_cannot_be_changed_comes_anew(office, carry):
    """It is somebody else's."""
    theirs = office.server.people.write(ANNA, ANNA, "mine")[1]
    again = await carry(message=theirs)
    assert [message.message_id for message in office.messages(ANNA)] == [again.message]


async def test_a_photo_arrives_with_its_words(office, carry):
    outcome = await carry(photo=png(40, 30, 500))
    (message,) = office.messages(ANNA)
    assert (outcome, message.caption, len(message.photo)) == (Delivered(message.message_id), "hello", 1)


async def test_flood_control_tells_how_long_to_wait(office, carry):
    await office.fail(status=429, retry_after=7)
    assert await carry() == Later(7.0)


async def test_a_group_that_moved_tells_where_to(office, carry):
    new = office.server.people.migrate(TRADERS)
    assert await carry(chat_id=TRADERS) == Moved(new)


async def test_who_blocked_the_bot_or_never_wrote_or_does_not_exist_takes_nothing_any_more(office, carry):
    office.server.people.block(ANNA, blocked=True)
    assert isinstance(await carry(), Blocked)
    office.telegram.rooms[ANNA].blocked, office.telegram.rooms[ANNA].started = False, False
    assert isinstance(await carry(), Blocked)
    assert isinstance(await carry(chat_id=NOBODY), Blocked)


@pytest.mark.parametrize(
    "words",
    [
        "Forbidden: bot was kicked from the group chat",
        "Forbidden: user is deactivated",
        "Forbidden: bot is not a member of the supergroup chat",
    ],
)
async def test_a_chat_that_is_forbidden_takes_nothing_any_more(office, carry, words):
    await office.fail(status=403, description=words)
    assert await carry() == Blocked(words)


@pytest.mark.parametrize("words", ["Bad Request: not enough rights to send text messages to the chat", "Bad Request: have no rights to send a message"])
async def test_a_group_in_which_the_bot_may_not_write_takes_nothing_any_more(office, carry, words):
    await office.fail(status=400, description=words)
    assert await carry() == Blocked(words)


@pytest.mark.parametrize(
    ("post", "words"),
    [
        (Post("<b>open"), "can't parse entities"),
        (Post("x" * 4097), "message is too long"),
        (Post(" "), "message text is empty"),
        (Post("x", ((Button("b", press="p" * 65),),)), "BUTTON_DATA_INVALID"),
    ],
)
async def test_a_message_that_telegram_will_never_take_is_spoiled(office, carry, post, words):
    outcome = await carry(post)
    assert isinstance(outcome, Spoiled)
    assert words in outcome.reason
    assert office.messages(ANNA) == []


@pytest.mark.parametrize("what", [{"status": 500}, {"html": 502}, {"status": 503}, {"drop": "before"}, {"drop": "after"}, {"delay": 20}])
@pytest.mark.parametrize("change", [False, True])
async def test_telegram_in_trouble_is_away_and_whether_it_arrived_stays_open(office, carry, what, change):
    there = await carry(Post("before"))
    await office.fail("*", **what)
    outcome = await carry(message=there.message if change else None)
    assert isinstance(outcome, Away)
    arrived = [text for _, text in office.happened(ANNA)][1:]
    assert arrived == (["hello"] if what == {"drop": "after"} else [])


async def test_a_token_that_was_revoked_keeps_messages_waiting(office):
    bot = aiogram_at(office.server.address.url, "7000000001:REVOKED")
    assert isinstance(await Carrier(bot).carry(Parcel(ANNA, HELLO)), Away)
    await bot.session.close()


# ---- whoever answers in Telegram's place

GARBAGE = {
    "no HTTP": b"220 mail.example ready\r\n\r\n",
    "half an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
    "an empty object": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "no JSON": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "no text": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\nContent-Type: text/html\r\n\r\n\xcd\xe5\xf2\xff\xfe",
    "no gzip": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\nhello",
    "elsewhere": b"HTTP/1.1 302 Found\r\nLocation: http://[bad/\r\nContent-Length: 0\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("answer", list(GARBAGE.values()), ids=list(GARBAGE))
async def test_whatever_answers_in_telegrams_place_it_is_away_and_the_token_is_not_told(answer):
    async with answering(answer) as url:
        bot = aiogram_at(url, TOKEN, 5)
        outcome = await Carrier(bot).carry(Parcel(ANNA, HELLO))
        await bot.session.close()
    assert isinstance(outcome, Away)
    assert TOKEN.partition(":")[2] not in outcome.reason


async def test_nobody_there_is_away():
    async with answering(b"") as url:
        pass
    bot = aiogram_at(url, TOKEN, 5)
    outcome = await Carrier(bot).carry(Parcel(ANNA, HELLO))
    await bot.session.close()
    assert isinstance(outcome, Away)


@asynccontextmanager
async def answering(answer):
    """A server that says the same to everybody."""

    async def say(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(say, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
