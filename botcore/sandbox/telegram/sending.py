"""Methods that put something into a chat (api page, sections 3.5 and 3.8 to 3.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botcore.sandbox.telegram.content import Content
from botcore.sandbox.telegram.failures import bad_request
from botcore.sandbox.telegram.objects import Document, PhotoSize

if TYPE_CHECKING:
    from botcore.sandbox.telegram.calls import Call
    from botcore.sandbox.telegram.files import StoredFile
    from botcore.sandbox.telegram.objects import Message
    from botcore.sandbox.telegram.state import Telegram

__all__ = ["Sending"]

_ACTIONS = frozenset(
    (
        *("typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document", "choose_sticker"),
        *("find_location", "record_video_note", "upload_video_note"),
    )
)
_MOST_ANSWER = 200


class Sending:
    """Sends messages and shows what the bot does. Everything raises Failure."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._content = Content(telegram)

    def message(self, call: Call) -> Message:
        """``sendMessage``."""
        return self._send(call, self._content.text(call))

    def photo(self, call: Call) -> Message:
        """``sendPhoto``. The photo comes in one size, its own: nothing here scales pictures."""
        self._telegram.reachable(call.text("chat_id"))
        fields = self._content.caption(call)
        stored = self._telegram.files.take(call, "photo")
        return self._send(call, {**fields, "photo": (_photo(stored),), "has_media_spoiler": call.flag("has_spoiler")})

    def document(self, call: Call) -> Message:
        """``sendDocument``."""
        self._telegram.reachable(call.text("chat_id"))
        fields = self._content.caption(call)
        return self._send(call, {**fields, "document": _document(self._telegram.files.take(call, "document"))})

    def action(self, call: Call) -> bool:
        """``sendChatAction``."""
        room = self._telegram.reachable(call.text("chat_id"))
        action = call.text("action").lower()
        if action not in _ACTIONS:
            raise bad_request("wrong parameter action in request")
        self._telegram.events.add("action", room.chat.id, action=action)
        return True

    def answer(self, call: Call) -> bool:
        """``answerCallbackQuery``."""
        text = call.text("text")
        if len(text) > _MOST_ANSWER:
            raise bad_request("MESSAGE_TOO_LONG")
        number = call.text("callback_query_id")
        press = self._telegram.presses.answer(number)
        if press is None:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        shown = {"callback_query_id": number, "user_id": press.user_id, "text": text, "show_alert": call.flag("show_alert")}
        self._telegram.events.add("answer", press.chat_id, **shown)
        return True

    def _send(self, call: Call, fields: dict[str, Any]) -> Message:
        """Everything that can be wrong with a call is said before flood control counts it."""
        room = self._telegram.reachable(call.text("chat_id"))
        fields = fields | self._content.common(call, room)
        self._telegram.admit(room)
        return self._telegram.post(room, self._telegram.bot, **fields)


def _photo(stored: StoredFile) -> PhotoSize:
    return PhotoSize(file_id=stored.file_id, file_unique_id=stored.file_unique_id, width=stored.width, height=stored.height, file_size=len(stored.data))


def _document(stored: StoredFile) -> Document:
    return Document(
        file_id=stored.file_id,
        file_unique_id=stored.file_unique_id,
        file_size=len(stored.data),
        file_name=stored.name or None,
        mime_type=stored.mime_type,
    )
