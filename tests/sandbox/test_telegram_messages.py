"""Messages: sent, edited, deleted, replied to, reacted to, with every limit and every reason to refuse."""

from __future__ import annotations

import pytest

from tests.sandbox.telegram import ANNA, BORIS, TRADERS, Clock, buttons, meet, png

SAME = "specified new message content and reply markup are exactly the same as a current content and reply markup of the message"
NOT_MODIFIED = (400, f"Bad Request: message is not modified: {SAME}")


@pytest.fixture
async def line():
    async with meet(now=Clock()) as found:
        yield found


def bad(text):
    return 400, f"Bad Request: {text}"


async def test_a_message_comes_back_parsed(line):
    message = await line.ok("sendMessage", chat_id=ANNA, text="<b>Price</b> 12 &lt; 13 ★", parse_mode="html", reply_markup=buttons(("a", "b")))
    assert message == {
        "message_id": 2,
        "date": 1_764_000_000,
        "chat": {"id": ANNA, "type": "private", "first_name": "Anna"},
        "from": {"id": 7000000001, "is_bot": True, "first_name": "Sandbox Bot", "username": "sandbox_dm_bot"},
        "text": "Price 12 < 13 ★",
        "entities": [{"type": "bold", "offset": 0, "length": 5}],
        "reply_markup": buttons(("a", "b")),
    }


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"text": "a"}, "chat_id is empty"),
        ({"chat_id": "", "text": "a"}, "chat_id is empty"),
        ({"chat_id": 77, "text": "a"}, "chat not found"),
        ({"chat_id": "@nobody", "text": "a"}, "chat not found"),
        ({"chat_id": "9" * 5000, "text": "a"}, "chat not found"),
        ({"chat_id": ANNA}, "message text is empty"),
        ({"chat_id": ANNA, "text": " \n\t "}, "message text is empty"),
        ({"chat_id": ANNA, "text": "<b></b>", "parse_mode": "HTML"}, "message text is empty"),
        ({"chat_id": ANNA, "text": "a" * 4097}, "message is too long"),
        ({"chat_id": ANNA, "text": "a" * 32_769}, "text is too long"),
        ({"chat_id": ANNA, "text": "ж" * 16_385}, "text is too long"),
        ({"chat_id": ANNA, "text": "a", "parse_mode": "BBCode"}, "unsupported parse_mode"),
        ({"chat_id": ANNA, "text": "a", "parse_mode": "MarkdownV2"}, "unsupported parse_mode"),
        ({"chat_id": ANNA, "text": "<b>a", "parse_mode": "HTML"}, "can't parse entities: Can't find end tag corresponding to start tag \"b\""),
        ({"chat_id": ANNA, "text": "hello <div>", "parse_mode": "HTML"}, 'can\'t parse entities: Unsupported start tag "div" at byte offset 6'),
        ({"chat_id": ANNA, "text": "a", "message_thread_id": 5}, "message thread not found"),
        ({"chat_id": ANNA, "text": "a", "reply_parameters": {"message_id": 99}}, "message to be replied not found"),
        ({"chat_id": ANNA, "text": "a", "reply_to_message_id": 99}, "message to be replied not found"),
        ({"chat_id": ANNA, "text": "a", "reply_parameters": {"message_id": 1, "quote": "/stop"}}, "QUOTE_TEXT_INVALID"),
    ],
)
async def test_what_cannot_be_sent_is_refused_with_its_reason(line, params, reason):
    assert await line.refused("sendMessage", **params) == bad(reason)
    assert len(line.telegram.rooms[ANNA].messages) == 1


async def test_length_counts_characters_after_parsing(line):
    markup = "<b>😀</b>" * 50 + "x" * 4046
    message = await line.ok("sendMessage", chat_id=ANNA, text=markup, parse_mode="HTML")
    assert len(message["text"]) == 4096
    assert await line.refused("sendMessage", chat_id=ANNA, text=markup + "x", parse_mode="HTML") == bad("message is too long")
    assert len((await line.ok("sendMessage", chat_id=ANNA, text="😀" * 4096))["text"]) == 4096


async def test_a_text_is_trimmed_and_cleaned(line):
    message = await line.ok("sendMessage", chat_id=ANNA, text="\n  a\r\n\tb\u202e\u0007 <i>c </i> \n", parse_mode="HTML")
    assert message["text"] == "a\n b  c"
    assert message["entities"] == [{"type": "italic", "offset": 6, "length": 1}]


async def test_entities_may_come_beside_the_text(line):
    given = [{"type": "bold", "offset": 0, "length": 2}, {"type": "italic", "offset": 1, "length": 50}, {"type": "code", "offset": -1, "length": 1}]
    message = await line.ok("sendMessage", chat_id=ANNA, text="😀 x", entities=given)
    assert message["entities"] == [{"type": "bold", "offset": 0, "length": 2}]
    assert await line.refused("sendMessage", chat_id=ANNA, text="x", entities=[{"type": "bold"}]) == bad(
        "can't parse entities: expected an Array of MessageEntity"
    )


async def test_a_reply_shows_what_it_answers_and_no_further(line):
    first = await line.ok("sendMessage", chat_id=ANNA, text="one", reply_parameters={"message_id": 1, "quote": "/st", "quote_parse_mode": "HTML"})
    assert (first["reply_to_message"]["text"], first["quote"]) == ("/start", {"text": "/st", "position": 0, "is_manual": True})
    second = await line.ok("sendMessage", chat_id=ANNA, text="two", reply_to_message_id=first["message_id"])
    assert second["reply_to_message"]["text"] == "one"
    assert not {"reply_to_message", "quote"} & set(second["reply_to_message"])
    for params in (
        {"reply_parameters": {"message_id": 99, "allow_sending_without_reply": True}},
        {"reply_to_message_id": 99, "allow_sending_without_reply": True},
    ):
        assert "reply_to_message" not in await line.ok("sendMessage", chat_id=ANNA, text="three", **params)


async def test_a_reply_may_answer_a_message_of_another_chat(line):
    line.people.write(ANNA, TRADERS, "in the group")
    sent = await line.ok("sendMessage", chat_id=ANNA, text="a", reply_parameters={"message_id": 1, "chat_id": TRADERS})
    assert sent["reply_to_message"]["text"] == "in the group"


async def test_options_show_in_the_message(line):
    preview = {"is_disabled": True}
    sent = await line.ok("sendMessage", chat_id=ANNA, text="https://a.b/c", link_preview_options=preview, protect_content=True, disable_notification=True)
    assert (sent["link_preview_options"], sent["has_protected_content"]) == (preview, True)
    assert "link_preview_options" not in await line.ok("sendMessage", chat_id=ANNA, text="no link", link_preview_options=preview)


async def test_a_reply_keyboard_is_accepted_and_leaves_no_trace(line):
    for markup in ({"keyboard": [[{"text": "a"}]]}, {"remove_keyboard": True}, {"force_reply": True}):
        assert "reply_markup" not in await line.ok("sendMessage", chat_id=ANNA, text="a", reply_markup=markup)


async def test_an_edit_changes_text_and_removes_a_keyboard_that_is_left_out(line):
    sent = await line.ok("sendMessage", chat_id=ANNA, text="a", reply_markup=buttons(("x",)))
    where = {"chat_id": ANNA, "message_id": sent["message_id"]}
    line.telegram.now.at += 5
    edited = await line.ok("editMessageText", text="b", reply_markup=buttons(("x",)), **where)
    assert (edited["text"], edited["reply_markup"], edited["date"], edited["edit_date"]) == ("b", buttons(("x",)), sent["date"], sent["date"] + 5)
    assert "reply_markup" not in await line.ok("editMessageText", text="b", **where)
    assert (await line.ok("editMessageReplyMarkup", reply_markup=buttons(("y",)), **where))["reply_markup"] == buttons(("y",))
    assert "reply_markup" not in await line.ok("editMessageReplyMarkup", **where)
    assert (await line.kinds())[-4:] == ["edit"] * 4


async def test_an_edit_that_changes_nothing_is_refused(line):
    sent = await line.ok("sendMessage", chat_id=ANNA, text="<b>a</b> b", parse_mode="HTML", reply_markup=buttons(("x",)))
    where = {"chat_id": ANNA, "message_id": sent["message_id"]}
    same = {"text": "<strong>a</strong> b ", "parse_mode": "HTML", "reply_markup": buttons(("x",))}
    assert await line.refused("editMessageText", **same, **where) == NOT_MODIFIED
    assert await line.refused("editMessageReplyMarkup", reply_markup=buttons(("x",)), **where) == NOT_MODIFIED
    await line.ok("editMessageText", **(same | {"text": "a b"}), **where)  # other entities are another content
    await line.ok("editMessageText", text="a b", **where)  # so is another keyboard
    assert await line.refused("editMessageReplyMarkup", **where) == NOT_MODIFIED
    photo = await line.http.post(f"{line.base}/sendPhoto", data={"chat_id": ANNA, "caption": "c"}, files={"photo": ("a.png", png())})
    where["message_id"] = photo.json()["result"]["message_id"]
    assert await line.refused("editMessageCaption", caption="c", **where) == NOT_MODIFIED
    assert "caption" not in await line.ok("editMessageCaption", **where)


@pytest.mark.parametrize(
    ("method", "params", "reason"),
    [
        ("editMessageText", {"text": "a"}, "message identifier is not specified"),
        ("editMessageText", {"text": "a", "inline_message_id": "abc"}, "MESSAGE_ID_INVALID"),
        ("editMessageText", {"text": "a", "chat_id": ANNA, "message_id": 99}, "message to edit not found"),
        ("editMessageText", {"text": "a", "chat_id": ANNA}, "message to edit not found"),
        ("editMessageText", {"text": "a", "message_id": 2}, "chat_id is empty"),
        ("editMessageText", {"text": "a", "chat_id": ANNA, "message_id": 1}, "message can't be edited"),
        ("editMessageText", {"text": "a", "chat_id": ANNA, "message_id": 3}, "there is no text in the message to edit"),
        ("editMessageCaption", {"caption": "a", "chat_id": ANNA, "message_id": 2}, "there is no caption in the message to edit"),
        ("editMessageCaption", {"caption": "a" * 1025, "chat_id": ANNA, "message_id": 3}, "message caption is too long"),
        ("editMessageText", {"text": " ", "chat_id": ANNA, "message_id": 2}, "message text is empty"),
        ("editMessageText", {"text": "a" * 4097, "chat_id": ANNA, "message_id": 2}, "message is too long"),
        ("editMessageText", {"text": "a", "chat_id": ANNA, "message_id": 2, "reply_markup": {"keyboard": []}}, "inline keyboard expected"),
        ("deleteMessage", {"chat_id": ANNA, "message_id": 99}, "message to delete not found"),
        ("deleteMessages", {"chat_id": ANNA}, "message identifiers are not specified"),
        ("deleteMessages", {"chat_id": ANNA, "message_ids": list(range(101))}, "too many message identifiers specified"),
        ("setMessageReaction", {"chat_id": ANNA, "message_id": 99}, "message to react not found"),
        ("setMessageReaction", {"chat_id": ANNA, "message_id": 1, "reaction": [{"type": "emoji", "emoji": "x"}]}, "REACTION_INVALID"),
        ("setMessageReaction", {"chat_id": ANNA, "message_id": 1, "reaction": [{"type": "emoji", "emoji": "👍"}] * 2}, "REACTIONS_TOO_MANY"),
        ("sendChatAction", {"chat_id": ANNA, "action": "dancing"}, "wrong parameter action in request"),
    ],
)
async def test_what_cannot_be_changed_is_refused_with_its_reason(line, method, params, reason):
    await line.ok("sendMessage", chat_id=ANNA, text="two")
    await line.http.post(f"{line.base}/sendPhoto", data={"chat_id": ANNA}, files={"photo": ("a.png", png())})
    assert await line.refused(method, **params) == bad(reason)


async def test_messages_are_deleted_and_what_is_missing_passed_over(line):
    numbers = [(await line.ok("sendMessage", chat_id=ANNA, text=text))["message_id"] for text in "abc"]
    assert await line.ok("deleteMessage", chat_id=ANNA, message_id=numbers[0]) is True
    assert await line.ok("deleteMessages", chat_id=ANNA, message_ids=[1, numbers[1], numbers[1], 99, "x"]) is True  # his own /start, too
    assert list(line.telegram.rooms[ANNA].messages) == [numbers[2]]
    deleted = [event["message_id"] for event in (await line.told("log"))["events"] if event["kind"] == "delete"]
    assert deleted == [numbers[0], 1, numbers[1]]


async def test_the_bot_deletes_nothing_old_and_nothing_of_others_in_a_group(line):
    sent = await line.ok("sendMessage", chat_id=ANNA, text="a")
    line.people.write(ANNA, TRADERS, "mine")
    assert await line.refused("deleteMessage", chat_id=TRADERS, message_id=1) == bad("message can't be deleted for everyone")
    line.telegram.now.at += 48 * 3600
    assert await line.refused("deleteMessage", chat_id=ANNA, message_id=sent["message_id"]) == bad("message can't be deleted for everyone")
    assert await line.ok("deleteMessages", chat_id=ANNA, message_ids=[sent["message_id"]]) is True
    assert sent["message_id"] in line.telegram.rooms[ANNA].messages


async def test_a_reaction_replaces_the_one_before(line):
    for reaction in ([{"type": "emoji", "emoji": "👍"}], [{"type": "emoji", "emoji": "👨‍💻"}], []):
        assert await line.ok("setMessageReaction", chat_id=ANNA, message_id=1, reaction=reaction) is True
        assert line.telegram.reactions[ANNA, 1] == reaction


async def test_a_chat_action_is_an_event(line):
    assert await line.ok("sendChatAction", chat_id=ANNA, action="typing") is True
    assert (await line.told("log"))["events"][-1] == {"number": 2, "at": line.telegram.now(), "kind": "action", "chat_id": ANNA, "action": "typing"}


@pytest.mark.parametrize("method", ["sendMessage", "sendPhoto", "sendChatAction", "editMessageText", "deleteMessage"])
async def test_the_bot_cannot_begin_a_conversation(line, method):
    told = await line.refused(method, chat_id=BORIS, text="hi", action="typing", message_id=1)
    assert told == (403, "Forbidden: bot can't initiate conversation with a user")
    line.people.write(BORIS, BORIS, "hello")
    assert (await line.ok("sendMessage", chat_id=BORIS, text="hi"))["chat"]["id"] == BORIS


async def test_each_chat_counts_its_own_messages(line):
    numbers = [(await line.ok("sendMessage", chat_id=chat, text="a"))["message_id"] for chat in (ANNA, TRADERS, ANNA, TRADERS)]
    assert numbers == [2, 1, 3, 2]


async def test_chats_commands_and_the_bot_can_be_asked_for(line):
    assert (await line.ok("getChat", chat_id=TRADERS))["title"] == "Traders"
    assert (await line.ok("getChat", chat_id=BORIS))["first_name"] == "Boris"
    assert await line.refused("getChat", chat_id=5) == bad("chat not found")
    for method in ("setMyName", "setMyDescription", "setMyShortDescription", "setChatMenuButton"):
        assert await line.ok(method) is True
