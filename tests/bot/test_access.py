"""Who may use the bot: nobody but those who are named, whatever kind of update comes, and a stranger hears no more than his id."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from botcore.app import open_app
from botcore.bot.presses import pack
from botcore.bot.run import open_bot
from botcore.errors import ConfigError
from botcore.sandbox.telegram.updates import KINDS
from botcore.settings import Telegram, load
from tests.bot.support import ANNA, BORIS, TRADERS, Gate, data_of, labels_of, text_of
from tests.bot.test_presses import every

if TYPE_CHECKING:
    from tests.bot.support import Chat

REFUSED = "This bot is private. Your id, to hand to its owner: 2002"
REFUSED_IN_RUSSIAN = "Это частный бот. Ваш id, чтобы передать владельцу: 2002"
STRANGER = {"id": BORIS, "is_bot": False, "first_name": "Boris", "language_code": "ru"}
OWNER = {"id": ANNA, "is_bot": False, "first_name": "Anna", "language_code": "en"}
CHANNEL = {"id": -1009, "type": "channel", "title": "News"}
GROUP = {"id": TRADERS, "type": "group", "title": "Traders"}


def private(user: dict[str, Any]) -> dict[str, Any]:
    return {"id": user["id"], "type": "private", "first_name": user["first_name"]}


def message(user: dict[str, Any] | None, chat: dict[str, Any], text: str = "/start", **more: Any) -> dict[str, Any]:
    command = {"type": "bot_command", "offset": 0, "length": len(text)}
    return {"message_id": 700, "date": 1, "chat": chat, "text": text, "entities": [command], **({"from": user} if user else {}), **more}


def membership(user: dict[str, Any], chat: dict[str, Any]) -> dict[str, Any]:
    bot = {"id": 7000000001, "is_bot": True, "first_name": "Sandbox Bot"}
    member, left = {"user": bot, "status": "member"}, {"user": bot, "status": "kicked", "until_date": 0}
    return {"chat": chat, "from": user, "date": 1, "old_chat_member": left, "new_chat_member": member}


def updates_of(user: dict[str, Any], chat: dict[str, Any]) -> dict[str, Any]:
    """What may come from a person in a chat, one of each kind that Telegram has for persons."""
    query = {"id": "1", "from": user, "chat_instance": "1", "data": '["s","csgo","boost",false]'}
    reaction = {"chat": chat, "message_id": 1, "user": user, "date": 1, "old_reaction": [], "new_reaction": []}
    connection = {"id": "1", "user": user, "user_chat_id": user["id"], "date": 1, "is_enabled": True}
    poll = {"poll_id": "1", "user": user, "option_ids": [0], "option_persistent_ids": ["1"]}
    return {
        "message": message(user, chat),
        "edited_message": message(user, chat, edit_date=2),
        "business_connection": connection,
        "business_message": message(user, chat, business_connection_id="1"),
        "edited_business_message": message(user, chat, business_connection_id="1"),
        "callback_query": {**query, "message": message({**OWNER, "is_bot": True}, chat)},
        "inline_query": {"id": "1", "from": user, "query": "scan", "offset": ""},
        "chosen_inline_result": {"result_id": "1", "from": user, "query": "scan"},
        "my_chat_member": membership(user, chat),
        "chat_member": membership(user, chat),
        "chat_join_request": {"chat": chat, "from": user, "user_chat_id": user["id"], "date": 1},
        "message_reaction": reaction,
        "poll_answer": poll,
        "pre_checkout_query": {"id": "1", "from": user, "currency": "USD", "total_amount": 1, "invoice_payload": "x"},
        "shipping_query": {"id": "1", "from": user, "invoice_payload": "x", "shipping_address": dict.fromkeys(ADDRESS, "x")},
    }


ADDRESS = ("country_code", "state", "city", "street_line1", "street_line2", "post_code")


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if "stranger" in record.getMessage()]


def heard(chat: Chat) -> list[tuple[str, str]]:
    """All that ever came into a chat from the bot."""
    return [(one.kind, text_of(one.message) if one.message else one.text or "") for one in chat.events()]


async def test_a_stranger_hears_his_id_once_in_his_language_and_the_log_has_a_line(scene, caplog):
    async with scene.bot() as running:
        boris = scene.chat(BORIS)
        assert text_of(await boris.ask("/start")) == REFUSED_IN_RUSSIAN
        for text in ("hello?", "/scan", "/start", "/config", "x" * 5000):
            boris.write(text)
        boris.send_press(boris.messages[0].message_id, pack_scan(), forged=True)
        await scene.settled(running)
        assert heard(boris) == [("message", REFUSED_IN_RUSSIAN)]
        assert labels_of(boris.messages[0]) == []
        assert warnings(caplog) == ["a stranger was refused: user 2002; to let him in, add the id to TELEGRAM_ALLOWED_USERS"]


def pack_scan() -> str:
    return '["s","csgo","boost",false]'


async def test_a_stranger_stays_one_after_a_restart_and_hears_nothing_more(scene, caplog):
    boris = scene.chat(BORIS)
    async with scene.bot():
        await boris.ask("/start", "2002")
    async with scene.bot() as running:
        boris.write("/start")
        await scene.settled(running)
    assert heard(boris) == [("message", REFUSED_IN_RUSSIAN)]
    assert len(warnings(caplog)) == 1


async def test_once_he_is_allowed_he_is_a_stranger_no_more(scene):
    boris = scene.chat(BORIS)
    async with scene.bot():
        await boris.ask("/start", "2002")
    async with scene.bot(allowed=(ANNA, BORIS)):
        await boris.ask("/start", "Здравствуйте, Boris")


@pytest.mark.parametrize("chat", [private(STRANGER), GROUP, {"id": -1007, "type": "supergroup", "title": "Others"}], ids=["private", "group", "supergroup"])
@pytest.mark.parametrize("kind", updates_of(STRANGER, GROUP))
async def test_no_kind_of_update_of_a_stranger_does_anything(scene, caplog, kind, chat):
    """Telegram brings kinds that were never asked for, when they are older than the wish not to have them."""
    telegram = scene.telegram.telegram
    telegram.updates.allow(list(KINDS))
    telegram.rooms[BORIS].started = True
    assert telegram.updates.add(kind, updates_of(STRANGER, chat)[kind]) is not None
    async with scene.bot() as running:
        await scene.settled(running)
        await running.desk.app.journal.flush()
        told = [("message", REFUSED_IN_RUSSIAN)]
        chats_known = kind not in NO_CHAT
        assert heard(scene.chat(BORIS)) == (told if chat["type"] == "private" and chats_known else [])
        assert heard(scene.chat(BORIS, TRADERS)) == heard(scene.chat()) == []
        assert await running.desk.chats.running() == []
        assert await running.desk.chats.everyone() == {}
        assert [line.partition(";")[0].partition(" in chat")[0] for line in warnings(caplog)] == ["a stranger was refused: user 2002"]
    assert sum(scene.market.served.requests.values()) == 0


NO_CHAT = ("inline_query", "chosen_inline_result", "poll_answer", "pre_checkout_query", "shipping_query", "business_connection")
"""Kinds that come from no chat: there is nowhere to answer."""


@pytest.mark.parametrize("kind", ["channel_post", "edited_channel_post"])
async def test_a_channel_hears_nothing(scene, caplog, kind):
    telegram = scene.telegram.telegram
    telegram.updates.allow(list(KINDS))
    telegram.updates.add(kind, message(None, CHANNEL))
    async with scene.bot(allowed=(ANNA, CHANNEL["id"])) as running:
        await scene.settled(running)
        assert await running.desk.chats.everyone() == {}
    assert len(warnings(caplog)) == 1
    assert "sendMessage" not in telegram.tally.report()["calls"]


@pytest.mark.parametrize("kind", updates_of(OWNER, GROUP))
async def test_no_kind_of_update_of_an_allowed_person_is_an_error(scene, caplog, kind):
    telegram = scene.telegram.telegram
    telegram.updates.allow(list(KINDS))
    telegram.rooms[ANNA].started = True
    telegram.updates.add(kind, updates_of(OWNER, private(OWNER))[kind])
    async with scene.bot() as running:
        await scene.settled(running)
        await scene.chat().ask("/level", "^Set for this chat")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_bot_is_refused_even_with_an_id_that_is_allowed(scene, caplog):
    robot = {"id": ANNA, "is_bot": True, "first_name": "Anna"}
    telegram = scene.telegram.telegram
    telegram.rooms[ANNA].started = True
    telegram.updates.add("message", message(robot, private(robot)))
    telegram.updates.add("message", message(robot, GROUP))
    async with scene.bot(allowed=(ANNA, TRADERS)) as running:
        await scene.settled(running)
    assert heard(scene.chat()) == heard(scene.chat(ANNA, TRADERS)) == []
    assert len(warnings(caplog)) == 2


async def test_somebody_allowed_in_anothers_private_chat_is_refused(scene):
    """No app can make such an update; should one come, it is not answered where it says."""
    telegram = scene.telegram.telegram
    telegram.rooms[BORIS].started = telegram.rooms[ANNA].started = True
    telegram.updates.add("message", message(OWNER, private(STRANGER)))
    async with scene.bot() as running:
        await scene.settled(running)
    assert heard(scene.chat()) == heard(scene.chat(BORIS)) == []


@pytest.mark.parametrize(
    ("allowed", "user", "answered"),
    [
        ((ANNA,), ANNA, False),
        ((ANNA,), BORIS, False),
        ((ANNA, TRADERS), ANNA, True),
        ((ANNA, TRADERS), BORIS, False),
        ((ANNA, BORIS), BORIS, False),
        ((ANNA, BORIS, TRADERS), BORIS, True),
    ],
)
async def test_a_group_is_answered_when_both_it_and_the_person_are_allowed(scene, caplog, allowed, user, answered):
    async with scene.bot(allowed=allowed) as running:
        group, alone = scene.chat(user, TRADERS), scene.chat(user)
        for _ in range(2):
            group.write("/level")
        await scene.settled(running)
        assert len(group.messages) == (2 if answered else 0)
        assert alone.messages == []
        assert warnings(caplog) == ([] if answered else [WARNING.format(user)])


WARNING = "a stranger was refused: user {} in chat -5001; to let him in, add the id to TELEGRAM_ALLOWED_USERS"


async def test_an_allowed_person_is_answered_in_private_though_his_group_is_not(scene):
    async with scene.bot() as running:
        scene.chat(ANNA, TRADERS).write("/level")
        assert text_of(await scene.chat().ask("/level")).startswith("Set for this chat")
        await scene.settled(running)
        assert scene.chat(ANNA, TRADERS).messages == []


async def test_a_stranger_may_press_no_button_of_a_group_that_is_allowed(scene):
    async with scene.bot(allowed=(ANNA, TRADERS)) as running:
        group, boris = scene.chat(ANNA, TRADERS), scene.chat(BORIS, TRADERS)
        offered = await group.ask("/level", "^Set for this chat")
        before = len(group.events())
        boris.press(offered, "Change")
        boris.send_press(offered.message_id, '["d","rust","pro"]', forged=True)
        await scene.settled(running)
        assert len(group.events()) == before
        assert (await running.desk.chats.settings(TRADERS)).game == "csgo"


@pytest.mark.parametrize("allowed", [(), (TRADERS,), (TRADERS, CHANNEL["id"])])
async def test_with_nobody_allowed_the_bot_does_not_start(scene, allowed):
    address = scene.telegram.address
    async with open_app(load(scene.environment(), scene.folder / ".env")) as app:
        with pytest.raises(ConfigError, match="TELEGRAM_ALLOWED_USERS is empty"):
            async with open_bot(app, Telegram(address.token, address.url, allowed)):
                pass
    assert scene.telegram.telegram.tally.last == 0


# ---- buttons that nobody made, or that belong to another chat -----------------------------------------------------------


async def standing(running, chat_id: int) -> tuple[object, ...]:
    """All that the bot keeps of a chat."""
    chats = running.desk.chats
    return await chats.settings(chat_id), await chats.mutes(chat_id), await chats.watches(chat_id), await chats.latest(chat_id), await chats.running()


SHORT = st.text(st.characters(exclude_categories=["Cs"]), max_size=64).filter(lambda text: 0 < len(text.encode()) <= 64)
MADE = every.map(pack).filter(lambda words: not words.startswith('["s"'))


class TestForged:
    """One bot, with things of Boris's that Anna must never reach; what is made up may begin no scan here, since each of them takes its time."""

    @pytest.fixture
    async def visited(self, scene):
        async with scene.bot(allowed=(ANNA, BORIS)) as running:
            boris = scene.chat(BORIS)
            found = await boris.scan("csgo pro")
            await boris.answered(boris.press(found, "Следить"))
            await boris.ask("/mute ★ Navaja Knife | Marble Fade (Factory New)", "^Скрыто")
            await scene.chat().ask("/start")
            await scene.settled(running)
            yield scene, running, await standing(running, BORIS), len(boris.events())

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(SHORT | MADE)
    @example('["p",1,0]')
    @example('["y",1,0]')
    @example('["w",1,0]')
    @example('["m",1,0]')
    @example('["x",1]')
    @example('["u",1]')
    @example('["u",1,true]')
    @example('["p",9007199254740992,9007199254740992]')
    @example("\x00")
    async def test_whatever_a_button_says_it_is_answered_and_no_other_chat_is_touched(self, visited, words):
        scene, running, before, events = visited
        anna = scene.chat()
        press = anna.send_press(anna.messages[0].message_id, words, forged=True)
        await anna.answered(press)
        await scene.settled(running)
        assert await standing(running, BORIS) == before
        assert len(scene.chat(BORIS).events()) == events
        assert running.desk.outbox.counts.spoiled == 0

    async def test_none_of_it_was_an_error(self, visited, caplog):
        scene, running, *_ = visited
        anna = scene.chat()
        for words in ("x", "[]", "{}", "null", '["zz"]', '["p"]', '["p",-1,0]', '["p","1","0"]', '["s","poker","boost",false]', "💥" * 16, "'", "<b>"):
            assert await anna.answered(anna.send_press(1, words, forged=True)) == "This button is too old to work. Please ask anew."
        await scene.settled(running)
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []

    @pytest.mark.parametrize("kind", ["p", "y", "w", "m"])
    async def test_a_find_of_another_chat_is_not_shown_watched_or_muted(self, visited, kind):
        scene, running, before, _ = visited
        anna = scene.chat()
        sent = len(anna.messages)
        assert await anna.answered(anna.send_press(1, f'["{kind}",1,0]', forged=True)) == "This button belongs to another chat."
        await scene.settled(running)
        assert len(anna.messages) == sent
        assert await standing(running, BORIS) == before
        assert await running.desk.chats.watches(ANNA) == await running.desk.chats.mutes(ANNA) == []

    async def test_a_watch_of_another_chat_goes_on(self, visited):
        scene, running, before, _ = visited
        anna = scene.chat()
        assert await anna.answered(anna.send_press(1, '["u",1]', forged=True)) == "This button is too old to work. Please ask anew."
        assert await standing(running, BORIS) == before

    async def test_a_scan_of_another_chat_is_not_stopped(self, visited):
        scene, running, *_ = visited
        anna, boris = scene.chat(), scene.chat(BORIS)
        gate = Gate()
        scene.between.hold = gate
        live = await boris.ask("/scan rust pro", "идёт поиск")
        words = data_of(live, "Остановить")
        assert await anna.answered(anna.send_press(1, words, forged=True)) == "Nothing is running here."
        assert text_of(await anna.ask("/cancel")) == "Nothing is running here."
        assert running.desk.views.running(BORIS) is not None
        gate.open()
        await boris.sees("^Rust pro: найдено 4")
