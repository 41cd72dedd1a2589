"""Which method of the Bot API is answered by what."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from botcore.sandbox.telegram.editing import Editing
from botcore.sandbox.telegram.failures import Failure, not_found
from botcore.sandbox.telegram.objects import message_id_of
from botcore.sandbox.telegram.polling import Polling
from botcore.sandbox.telegram.profile import Profile
from botcore.sandbox.telegram.sending import Sending
from botcore.sandbox.telegram.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Callable

    from botcore.sandbox.telegram.calls import Call
    from botcore.sandbox.telegram.state import Telegram

__all__ = ["Methods"]


class Methods:
    """Carries out calls. Names are found in any case."""

    def __init__(self, telegram: Telegram) -> None:
        self.webhook = Webhook(telegram, self._answered)
        self._telegram = telegram
        handlers = {**self._updates(telegram), **_sends(telegram), **_edits(telegram), **_profile(telegram)}
        self._table = {name.lower(): (name, handler) for name, handler in handlers.items()}

    def name(self, asked: str) -> str:
        """The name as the documentation writes it; an unknown one as it was asked for."""
        return self._table[asked.lower()][0] if asked.lower() in self._table else asked

    async def carry_out(self, call: Call) -> Any:
        """The result of a call. Raises Failure."""
        if call.method.lower() not in self._table:
            raise not_found("method not found")
        result = self._table[call.method.lower()][1](call)
        return await result if inspect.isawaitable(result) else result

    async def _answered(self, call: Call) -> None:
        """Carry out the call that the answer to a webhook brought. It counts as a call; only the log says what came of it."""
        at, status, result = self._telegram.now(), 200, None
        try:
            result = await self.carry_out(call)
        except Failure as failure:
            status = failure.status
        self._telegram.tally.call(at, self.name(call.method), call.chat_id, status, message_id_of(result))

    def _updates(self, telegram: Telegram) -> dict[str, Callable[[Call], Any]]:
        webhook = self.webhook
        return {
            "getUpdates": Polling(telegram, webhook).updates,
            "setWebhook": webhook.set,
            "deleteWebhook": webhook.delete,
            "getWebhookInfo": webhook.info,
        }


def _sends(telegram: Telegram) -> dict[str, Callable[[Call], Any]]:
    sending = Sending(telegram)
    return {
        "sendMessage": sending.message,
        "sendPhoto": sending.photo,
        "sendDocument": sending.document,
        "sendChatAction": sending.action,
        "answerCallbackQuery": sending.answer,
    }


def _edits(telegram: Telegram) -> dict[str, Callable[[Call], Any]]:
    editing = Editing(telegram)
    return {
        "editMessageText": editing.text,
        "editMessageCaption": editing.caption,
        "editMessageReplyMarkup": editing.markup,
        "deleteMessage": editing.delete,
        "deleteMessages": editing.delete_several,
        "setMessageReaction": editing.react,
    }


def _profile(telegram: Telegram) -> dict[str, Callable[[Call], Any]]:
    profile = Profile(telegram)
    agreed = ("setMyName", "setMyDescription", "setMyShortDescription", "setChatMenuButton", "setMyDefaultAdministratorRights", "close", "logOut")
    return {
        "getMe": profile.me,
        "getChat": profile.chat,
        "getFile": profile.file,
        "setMyCommands": profile.set_commands,
        "getMyCommands": profile.get_commands,
        "deleteMyCommands": profile.delete_commands,
        **dict.fromkeys(agreed, profile.agree),
    }
