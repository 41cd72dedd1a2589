"""What holds for every method, whatever a call carries."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botcore.sandbox import TelegramOptions
from botcore.sandbox.telegram.calls import Call
from botcore.sandbox.telegram.failures import Failure
from botcore.sandbox.telegram.methods import Methods
from botcore.sandbox.telegram.people import People
from botcore.sandbox.telegram.state import Telegram
from tests.sandbox.telegram import ANNA, Clock, meet

METHODS = (
    *("getMe", "getUpdates", "deleteWebhook", "getWebhookInfo", "sendMessage", "sendPhoto", "sendDocument", "sendChatAction", "answerCallbackQuery"),
    *("editMessageText", "editMessageCaption", "editMessageReplyMarkup", "deleteMessage", "deleteMessages", "setMessageReaction", "getChat", "getFile"),
    *("setMyCommands", "getMyCommands", "deleteMyCommands", "setMyName", "setMyDescription", "setMyShortDescription", "setChatMenuButton"),
    *("setMyDefaultAdministratorRights", "close", "logOut"),
)
NAMES = ("message_id", "message_ids", "text", "parse_mode", "entities", "reply_markup", "reply_parameters", "reaction", "commands", "scope", "language_code")
KEYS = ("type", "offset", "length", "inline_keyboard", "text", "callback_data", "url", "message_id", "chat_id", "quote", "emoji", "command", "description")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "a", "HTML", "<b>a</b>", "👍", "chat", "emoji", "1" * 30])
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4), max_leaves=12)
PARAMS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5)


async def carried_out(method, params):
    telegram = Telegram(TelegramOptions(), Clock())
    People(telegram).write(ANNA, ANNA, "/start")
    telegram.post(telegram.rooms[ANNA], telegram.bot, text="a")
    return await Methods(telegram).carry_out(Call(method, {"chat_id": ANNA, "message_id": 2, "photo": "x", **params}, {}))


@given(st.sampled_from(METHODS), PARAMS)
@settings(deadline=None, max_examples=400)
def test_a_call_gives_a_result_or_a_failure_of_the_bot_api(method, params):
    try:
        result = asyncio.run(carried_out(method, params))
    except Failure as failure:
        result = failure.envelope["description"]
    assert result is not None


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_is_known_under_any_spelling(method):
    async with meet() as line:
        spelled = {(await line.call(name, offset=place)).status_code for place, name in enumerate((method, method.lower()))}
        assert 404 not in spelled
        assert (await line.told("served"))["calls"] == {method: 2}
