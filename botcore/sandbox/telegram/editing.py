"""Methods that change or take away what is in a chat (api page, sections 3.6, 3.7, 3.12 and 3.13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botcore.sandbox.telegram.content import Content
from botcore.sandbox.telegram.failures import bad_request

if TYPE_CHECKING:
    from botcore.sandbox.telegram.calls import Call
    from botcore.sandbox.telegram.objects import Message
    from botcore.sandbox.telegram.rooms import Room
    from botcore.sandbox.telegram.state import Telegram

__all__ = ["Editing"]

_DELETABLE_SECONDS = 48 * 3600
_MOST_DELETED = 100
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"
)
_EMOJI = (  # what a bot may react with
    "👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 "
    "💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡"
)


class Editing:
    """Edits, deletes and reacts. Everything raises Failure."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._content = Content(telegram)

    def text(self, call: Call) -> Message:
        """``editMessageText``; a keyboard that is left out is gone."""
        room, message = self._own(call)
        fields = self._content.text(call) | {"reply_markup": self._content.keyboard(call)}
        if message.text is None:
            raise bad_request("there is no text in the message to edit")
        return self._change(room, message, fields)

    def caption(self, call: Call) -> Message:
        """``editMessageCaption``; a keyboard that is left out is gone."""
        room, message = self._own(call)
        fields = self._content.caption(call) | {"reply_markup": self._content.keyboard(call)}
        if message.text is not None:
            raise bad_request("there is no caption in the message to edit")
        return self._change(room, message, fields)

    def markup(self, call: Call) -> Message:
        """``editMessageReplyMarkup``."""
        room, message = self._own(call)
        return self._change(room, message, {"reply_markup": self._content.keyboard(call)})

    def delete(self, call: Call) -> bool:
        """``deleteMessage``."""
        room = self._telegram.reachable(call.text("chat_id"))
        message = room.messages.get(call.integer("message_id"))
        if message is None:
            raise bad_request("message to delete not found")
        if not self._deletable(room, message):
            raise bad_request("message can't be deleted for everyone")
        self._telegram.remove(room, message.message_id)
        return True

    def delete_several(self, call: Call) -> bool:
        """``deleteMessages``; what is missing or may not be deleted is passed over."""
        room = self._telegram.reachable(call.text("chat_id"))
        numbers = call.listing("message_ids", "message identifiers") or []
        if not numbers:
            raise bad_request("message identifiers are not specified")
        if len(numbers) > _MOST_DELETED:
            raise bad_request("too many message identifiers specified")
        found = [message for number in numbers if isinstance(number, int) and (message := room.messages.get(number))]
        for number in dict.fromkeys(message.message_id for message in found if self._deletable(room, message)):
            self._telegram.remove(room, number)
        return True

    def react(self, call: Call) -> bool:
        """``setMessageReaction``; the reactions are kept and shown nowhere but in ``Telegram.reactions``."""
        room = self._telegram.reachable(call.text("chat_id"))
        number = call.integer("message_id")
        if number not in room.messages:
            raise bad_request("message to react not found")
        reactions = call.listing("reaction", "reaction types") or []
        if len(reactions) > 1:
            raise bad_request("REACTIONS_TOO_MANY")
        if any(not isinstance(one, dict) or one.get("type") != "emoji" or one.get("emoji") not in _EMOJI.split() for one in reactions):
            raise bad_request("REACTION_INVALID")
        self._telegram.reactions[room.chat.id, number] = reactions
        return True

    def _own(self, call: Call) -> tuple[Room, Message]:
        """The message of the bot that a call names."""
        if not call.text("chat_id") and not call.text("message_id"):
            raise bad_request("MESSAGE_ID_INVALID" if call.text("inline_message_id") else "message identifier is not specified")
        room = self._telegram.reachable(call.text("chat_id"))
        message = room.messages.get(call.integer("message_id"))
        if message is None:
            raise bad_request("message to edit not found")
        if message.sender != self._telegram.bot or message.is_service:
            raise bad_request("message can't be edited")
        return room, message

    def _change(self, room: Room, message: Message, fields: dict[str, Any]) -> Message:
        self._telegram.admit(room)
        if all(getattr(message, name) == value for name, value in fields.items()):
            raise bad_request(_NOT_MODIFIED)
        return self._telegram.change(room, message, **fields)

    def _deletable(self, room: Room, message: Message) -> bool:
        """Younger than two days, and the bot's own or in a private chat: it is no administrator anywhere."""
        fresh = self._telegram.now() - message.date < _DELETABLE_SECONDS
        return fresh and (room.private or message.sender == self._telegram.bot) and not message.is_service
