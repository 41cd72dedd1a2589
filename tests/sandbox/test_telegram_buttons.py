"""Buttons and what comes of pressing them; command menus."""

from __future__ import annotations

import json

import pytest

from tests.sandbox.telegram import ANNA, BORIS, TRADERS, Clock, buttons, meet

TOO_OLD = (400, "Bad Request: query is too old and response timeout expired or query ID is invalid")


@pytest.fixture
async def line():
    async with meet(now=Clock()) as found:
        yield found


def row(**button):
    return {"inline_keyboard": [[{"text": "t", **button}]]}


@pytest.mark.parametrize(
    ("markup", "reason"),
    [
        (row(callback_data=""), "BUTTON_DATA_INVALID"),
        (row(callback_data="x" * 65), "BUTTON_DATA_INVALID"),
        (row(callback_data="ж" * 33), "BUTTON_DATA_INVALID"),
        (row(callback_data=7), "BUTTON_DATA_INVALID"),
        (row(url="nonsense"), "BUTTON_URL_INVALID"),
        (row(url="javascript:alert(1)"), "BUTTON_URL_INVALID"),
        (row(url=7), "BUTTON_URL_INVALID"),
        (row(copy_text={"text": ""}), "BUTTON_COPY_TEXT_INVALID"),
        (row(copy_text={"text": "x" * 257}), "BUTTON_COPY_TEXT_INVALID"),
        (row(callback_data="a", url="https://a.b"), "BUTTON_TYPE_INVALID"),
        (row(), "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
        (row(text=" ", callback_data="a"), 'can\'t parse inline keyboard button: Field "text" must be a non-empty String'),
        ({"inline_keyboard": [["a"]]}, "can't parse inline keyboard button: expected an Object"),
        ({"inline_keyboard": "a"}, "inline keyboard expected"),
        ({"inline_keyboard": ["a"]}, "inline keyboard expected"),
        (buttons(tuple("abcdefghi")), "reply markup is too long"),
        (buttons(*[("a",)] * 101), "reply markup is too long"),
        ({"inline_keyboard": [[{"text": "x" * 500, "callback_data": "a"}]] * 25}, "reply markup is too long"),
    ],
)
async def test_a_keyboard_that_telegram_refuses(line, markup, reason):
    assert await line.refused("sendMessage", chat_id=ANNA, text="a", reply_markup=markup) == (400, f"Bad Request: {reason}")


async def test_a_keyboard_at_every_limit_passes(line):
    links = [{"text": "t", "url": url} for url in ("https://a.b", "HTTP://a.b/c?d#e", "tg://user?id=1")]
    others = [{"text": "t", "copy_text": {"text": "x" * 256}}, {"text": "t", "callback_data": "ж" * 32, "style": "danger"}]
    markup = {"inline_keyboard": [links, others, *buttons(*[("a",)] * 95)["inline_keyboard"]]}
    assert (await line.ok("sendMessage", chat_id=ANNA, text="a", reply_markup=markup))["reply_markup"] == markup


async def test_empty_rows_and_empty_keyboards_are_no_keyboard(line):
    assert "reply_markup" not in await line.ok("sendMessage", chat_id=ANNA, text="a", reply_markup={"inline_keyboard": [[]]})


async def pressed(line, *, user_id=ANNA, chat_id=ANNA, data="yes"):
    sent = await line.ok("sendMessage", chat_id=chat_id, text="a", reply_markup=buttons(("yes", "no")))
    return sent, await line.posted("press", user_id=user_id, chat_id=chat_id, message_id=sent["message_id"], data=data)


async def test_a_press_becomes_a_callback_query_with_its_message(line):
    sent, told = await pressed(line, user_id=BORIS, chat_id=TRADERS)
    (update,) = await line.ok("getUpdates")
    query = update["callback_query"]
    assert (update["update_id"], query["id"]) == (told["update_id"], told["callback_query_id"])
    assert (query["from"]["id"], query["data"], query["message"]) == (BORIS, "yes", sent)
    assert isinstance(query["chat_instance"], str)


async def test_a_press_is_answered_once_and_the_person_sees_it(line):
    _, told = await pressed(line)
    asked = {"callback_query_id": told["callback_query_id"], "text": "done", "show_alert": True}
    assert await line.ok("answerCallbackQuery", **asked) is True
    event = (await line.told("log"))["events"][-1]
    assert (event["kind"], event["chat_id"], event["user_id"], event["text"], event["show_alert"]) == ("answer", ANNA, ANNA, "done", True)
    assert await line.refused("answerCallbackQuery", **asked) == TOO_OLD
    assert await line.refused("answerCallbackQuery", callback_query_id="5") == TOO_OLD
    assert await line.refused("answerCallbackQuery") == TOO_OLD


async def test_an_answer_needs_no_text_and_takes_200_characters(line):
    for text, passes in (("", True), ("x" * 200, True), ("x" * 201, False)):
        _, told = await pressed(line)
        answer = await line.call("answerCallbackQuery", callback_query_id=told["callback_query_id"], text=text)
        assert (answer.status_code == 200) is passes
        if not passes:
            assert answer.json()["description"] == "Bad Request: MESSAGE_TOO_LONG"
            await line.ok("answerCallbackQuery", callback_query_id=told["callback_query_id"])  # a refused answer does not use it up


async def test_a_press_can_be_answered_for_a_while_only(line):
    _, early = await pressed(line)
    _, late = await pressed(line)
    line.telegram.now.at += 60
    await line.ok("answerCallbackQuery", callback_query_id=early["callback_query_id"])
    line.telegram.now.at += 0.5
    assert await line.refused("answerCallbackQuery", callback_query_id=late["callback_query_id"]) == TOO_OLD


async def test_only_buttons_that_are_there_can_be_pressed(line):
    sent, _ = await pressed(line)
    asked = {"user_id": ANNA, "chat_id": ANNA, "message_id": sent["message_id"], "data": "maybe"}
    for wrong in (asked, asked | {"message_id": 99}, asked | {"user_id": BORIS}, asked | {"user_id": 5}, asked | {"chat_id": 5}):
        answer = await line.http.post("/sandbox/press", json=wrong)
        assert (answer.status_code, list(answer.json())) == (404, ["message"])
    await line.ok("editMessageReplyMarkup", chat_id=ANNA, message_id=sent["message_id"])
    assert (await line.http.post("/sandbox/press", json=asked | {"data": "yes"})).status_code == 404
    line.telegram.updates.clear()
    await line.posted("press", **asked, forged=True)
    await line.posted("press", **(asked | {"message_id": 99}), forged=True)
    forged, gone = await line.ok("getUpdates")
    assert (forged["callback_query"]["data"], forged["callback_query"]["message"]["text"]) == ("maybe", "a")
    assert gone["callback_query"]["message"] == {"chat": {"id": ANNA, "type": "private", "first_name": "Anna"}, "message_id": 99, "date": 0}


def menu(*names):
    return [{"command": name, "description": name.title()} for name in names]


async def test_each_scope_and_language_has_its_menu(line):
    await line.ok("setMyCommands", commands=menu("start", "help"))
    await line.ok("setMyCommands", commands=menu("privet"), language_code="ru")
    await line.ok("setMyCommands", commands=menu("group"), scope={"type": "all_group_chats"})
    await line.ok("setMyCommands", commands=json.dumps(menu("owner")), scope=json.dumps({"type": "chat", "chat_id": ANNA}), language_code="ru")

    async def seen(chat, language=""):
        return [one["command"] for one in (await line.told(f"chats/{chat}", language=language))["commands"]]

    assert await seen(BORIS) == await seen(BORIS, "en") == await seen(ANNA) == ["start", "help"]
    assert (await seen(BORIS, "ru"), await seen(TRADERS, "ru"), await seen(ANNA, "ru")) == (["privet"], ["group"], ["owner"])
    assert await line.ok("getMyCommands", language_code="ru") == menu("privet")
    assert await line.ok("getMyCommands", scope={"type": "all_private_chats"}) == []
    await line.ok("deleteMyCommands", language_code="ru")
    assert await seen(BORIS, "ru") == ["start", "help"]
    await line.ok("setMyCommands", commands=[])
    assert await seen(BORIS) == []
    changes = [event["chat_id"] for event in (await line.told("log"))["events"] if event["kind"] == "commands"]
    assert changes == [None, None, None, ANNA, None, None]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"commands": menu("Start")}, "BOT_COMMAND_INVALID"),
        ({"commands": menu("a" * 33)}, "BOT_COMMAND_INVALID"),
        ({"commands": menu("a b")}, "BOT_COMMAND_INVALID"),
        ({"commands": [{"command": "a", "description": " "}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ({"commands": [{"command": "a", "description": "x" * 257}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ({"commands": [{"command": "a"}]}, "can't parse BotCommand: expected an Object with command and description"),
        ({"commands": ["a"]}, "can't parse BotCommand: expected an Object with command and description"),
        ({"commands": {}}, "can't parse commands: expected an Array"),
        ({"commands": "["}, "can't parse commands JSON object"),
        ({"commands": menu(*(f"c{n}" for n in range(101)))}, "BOT_COMMANDS_TOO_MUCH"),
        ({"commands": [], "language_code": "rus"}, "invalid language code specified"),
        ({"commands": [], "scope": {"type": "moon"}}, "can't parse BotCommandScope: unsupported type specified"),
        ({"commands": [], "scope": {"type": "chat"}}, "can't parse BotCommandScope: Can't find field \"chat_id\""),
        ({"commands": [], "scope": {"type": "chat_member", "chat_id": 1}}, "can't parse BotCommandScope: Can't find field \"user_id\""),
        ({"commands": [], "scope": []}, "can't parse BotCommandScope: expected an Object"),
    ],
)
async def test_a_menu_that_telegram_refuses(line, params, reason):
    assert await line.refused("setMyCommands", **params) == (400, f"Bad Request: {reason}")
