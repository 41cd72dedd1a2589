"""What persons do and what the bot hears of it: private chats, groups with privacy mode, blocking, supergroups."""

from __future__ import annotations

import pytest

from botcore.errors import SandboxError
from botcore.sandbox import Group, Person, TelegramOptions
from tests.sandbox.telegram import ANNA, BORIS, TRADERS, Clock, meet


@pytest.fixture
async def line():
    async with meet(now=Clock()) as found:
        yield found


async def refused(line, path, **body):
    answer = await line.http.post(f"/sandbox/{path}", json=body)
    assert list(answer.json()) == ["message"]
    return answer.status_code, answer.json()["message"]


async def test_a_message_reaches_the_bot_as_telegram_would_write_it(line):
    told = await line.say("/scan@sandbox_dm_bot  dota2 ")
    (update,) = await line.ok("getUpdates")
    assert update == {
        "update_id": told["update_id"],
        "message": {
            "message_id": told["message_id"],
            "date": 1_764_000_000,
            "chat": {"id": ANNA, "type": "private", "first_name": "Anna"},
            "from": {"id": ANNA, "is_bot": False, "first_name": "Anna", "language_code": "en"},
            "text": "/scan@sandbox_dm_bot  dota2",
            "entities": [{"type": "bot_command", "offset": 0, "length": 20}],
        },
    }


async def test_a_long_text_arrives_in_pieces_as_the_app_sends_it(line):
    told = await line.say("😀" * 5000)
    updates = await line.ok("getUpdates")
    assert [len(update["message"]["text"]) for update in updates] == [4096, 904]
    assert (told["update_id"], told["message_id"]) == (updates[-1]["update_id"], updates[-1]["message"]["message_id"])


async def test_a_reply_names_what_it_answers(line):
    sent = await line.ok("sendMessage", chat_id=ANNA, text="question", reply_to_message_id=1)
    await line.say("answer", reply_to=sent["message_id"])
    (update,) = await line.ok("getUpdates")
    replied = update["message"]["reply_to_message"]
    assert (replied["text"], "reply_to_message" in replied) == ("question", False)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("send", {"user_id": 5, "chat_id": 5, "text": "a"}, 404),
        ("send", {"user_id": ANNA, "chat_id": 5, "text": "a"}, 404),
        ("send", {"user_id": ANNA, "chat_id": BORIS, "text": "a"}, 404),
        ("send", {"user_id": ANNA, "chat_id": ANNA, "text": " \n"}, 400),
        ("send", {"user_id": ANNA, "chat_id": ANNA, "text": "a", "reply_to": 99}, 404),
        ("send", {"user_id": ANNA, "chat_id": ANNA}, 400),
        ("send", {"user_id": "Anna", "chat_id": ANNA, "text": "a"}, 400),
        ("block", {"user_id": 5, "blocked": True}, 404),
        ("delete", {"chat_id": ANNA, "message_id": 99}, 404),
        ("delete", {"chat_id": TRADERS, "message_id": 1}, 400),
        ("migrate", {"chat_id": ANNA}, 400),
        ("migrate", {"chat_id": 5}, 404),
        ("update", {"update": {}}, 400),
        ("update", {"update": {"dance": {}}}, 400),
        ("update", {"update": {"message": {}, "poll": {}}}, 400),
        ("dance", {}, 404),
    ],
)
async def test_what_a_person_cannot_do_is_said(line, path, body, status):
    assert (await refused(line, path, **body))[0] == status
    assert len(line.telegram.updates) == 0


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("hello all", False),
        ("/scan", True),
        ("/scan@sandbox_dm_bot rust", True),
        ("/SCAN@Sandbox_DM_Bot", True),
        ("/scan@another_bot rust", False),
        ("please /scan", False),
        ("@sandbox_dm_bot look", True),
        ("look, @Sandbox_dm_Bot", True),
        ("@another_bot look", False),
        ("mail@sandbox_dm_bot.org", False),
    ],
)
async def test_in_a_group_the_bot_hears_what_is_for_it(line, text, heard):
    told = await line.say(text, chat_id=TRADERS)
    assert (told["update_id"] is not None) is heard
    assert [message.text for message in line.telegram.rooms[TRADERS].messages.values()] == [text]


async def test_in_a_group_the_bot_hears_replies_to_itself_only(line):
    other = await line.say("an offer", chat_id=TRADERS)
    sent = await line.ok("sendMessage", chat_id=TRADERS, text="a")
    assert (await line.say("which?", BORIS, TRADERS, reply_to=other["message_id"]))["update_id"] is None
    assert (await line.say("thanks", BORIS, TRADERS, reply_to=sent["message_id"]))["update_id"] is not None


async def test_in_a_private_chat_everything_is_heard(line):
    for text in ("hello", "/scan@another_bot"):
        assert (await line.say(text))["update_id"] is not None


async def test_who_blocks_the_bot_is_out_of_its_reach_until_he_lets_it_back(line):
    sent = await line.ok("sendMessage", chat_id=ANNA, text="a")
    assert (await line.posted("block", user_id=ANNA, blocked=True))["update_id"] is not None
    for method, params in (("sendMessage", {"text": "a"}), ("editMessageText", {"text": "b", "message_id": sent["message_id"]}), ("sendChatAction", {})):
        assert await line.refused(method, chat_id=ANNA, **params) == (403, "Forbidden: bot was blocked by the user")
    assert await refused(line, "send", user_id=ANNA, chat_id=ANNA, text="a") == (400, "Anna has blocked the bot")
    assert (await line.posted("block", user_id=ANNA, blocked=True))["update_id"] is None
    await line.posted("block", user_id=ANNA, blocked=False)
    await line.ok("sendMessage", chat_id=ANNA, text="back")
    changes = [update["my_chat_member"] for update in await line.ok("getUpdates")]
    assert [(one["old_chat_member"]["status"], one["new_chat_member"]["status"]) for one in changes] == [("member", "kicked"), ("kicked", "member")]


async def test_a_person_s_deleted_message_is_gone_for_the_bot_too(line):
    sent = await line.ok("sendMessage", chat_id=ANNA, text="a")
    await line.posted("delete", chat_id=ANNA, message_id=sent["message_id"])
    assert await line.refused("editMessageText", chat_id=ANNA, message_id=sent["message_id"], text="b") == (400, "Bad Request: message to edit not found")
    assert (await line.kinds())[-1] == "delete"
    assert len(line.telegram.updates) == 0


async def test_a_group_that_became_a_supergroup_names_its_successor(line):
    new = (await line.posted("migrate", chat_id=TRADERS))["chat_id"]
    answer = await line.call("sendMessage", chat_id=TRADERS, text="a")
    assert answer.json() == {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": new},
    }
    sent = await line.ok("sendMessage", chat_id=new, text="a")
    assert (sent["chat"], new) == ({"id": new, "type": "supergroup", "title": "Traders"}, -1_000_000_005_001)
    old, young = [update["message"] for update in await line.ok("getUpdates")]
    assert (old["chat"]["id"], old["migrate_to_chat_id"], young["chat"]["id"], young["migrate_from_chat_id"]) == (TRADERS, new, new, TRADERS)
    assert (await line.say("/scan", chat_id=new))["update_id"] is not None
    assert (await refused(line, "send", user_id=ANNA, chat_id=TRADERS, text="a"))[0] == 400
    assert (await refused(line, "migrate", chat_id=TRADERS))[0] == 400
    listed = [(chat["id"], chat["type"]) for chat in (await line.told("people"))["chats"]]
    assert listed == [(ANNA, "private"), (BORIS, "private"), (new, "group")]


async def test_a_service_message_can_be_neither_edited_nor_deleted(line):
    new = (await line.posted("migrate", chat_id=TRADERS))["chat_id"]
    assert await line.refused("editMessageText", chat_id=new, message_id=1, text="a") == (400, "Bad Request: message can't be edited")
    assert (await line.refused("deleteMessage", chat_id=new, message_id=1))[0] == 400


async def test_any_kind_of_update_can_be_made(line):
    query = {"id": "1", "from": {"id": ANNA, "is_bot": False, "first_name": "Anna"}, "query": "ak", "offset": ""}
    told = await line.posted("update", update={"inline_query": query})
    assert await line.ok("getUpdates") == [{"update_id": told["update_id"], "inline_query": query}]


async def test_people_and_groups_are_an_option():
    people = (Person(id=1001, first_name="Ann", last_name="Test", username="ann"), Person(id=9, first_name="Igor", language_code="ru"))
    options = TelegramOptions(people=people, groups=(Group(id=-4, title="G", members=(9,)),))
    async with meet(options) as line:
        told = await line.told("people")
        assert told["bot"] == {"id": 7000000001, "username": "sandbox_dm_bot", "first_name": "Sandbox Bot"}
        assert told["people"][0] == {"id": 1001, "is_bot": False, "first_name": "Ann", "last_name": "Test", "username": "ann", "language_code": "en"}
        assert told["chats"] == [
            {"id": 1001, "type": "private", "title": "Ann Test", "people": [1001]},
            {"id": 9, "type": "private", "title": "Igor", "people": [9]},
            {"id": -4, "type": "group", "title": "G", "people": [9]},
        ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": "no token"},
        {"token": "0:SECRET"},
        {"token": "7:"},
        {"token": "7:a/b"},
        {"token": "7:" + "x" * 79},
        {"burst": 0},
        {"latency": -1.0},
        {"callback_seconds": -1.0},
        {"webhook_pause": 0.0},
        {"people": (Person(id=1, first_name="A"), Person(id=1, first_name="B"))},
        {"people": (Person(id=-1, first_name="A"),), "groups": ()},
        {"groups": (Group(id=5, title="G", members=()),)},
        {"groups": (Group(id=-5, title="G", members=(77,)),)},
    ],
)
def test_options_that_make_no_telegram_are_refused(wrong):
    with pytest.raises(SandboxError):
        TelegramOptions(**wrong)
