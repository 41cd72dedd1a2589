"""What persons do: write, press buttons, delete, block the bot, turn a group into a supergroup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botcore.sandbox.telegram.text import Formatted, clean, tidy

if TYPE_CHECKING:
    from botcore.sandbox.telegram.objects import Message, User
    from botcore.sandbox.telegram.rooms import Room
    from botcore.sandbox.telegram.state import Telegram

__all__ = ["Missing", "People", "Unfit"]

_MOST_TEXT = 4096


class Missing(Exception):
    """There is no such person, chat, message or button."""


class Unfit(Exception):
    """There is, and it cannot be done."""


class People:
    """Acts for the persons of a Telegram; every deed tells the bot as Telegram would. Raises Missing and Unfit with a sentence."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram

    def write(self, user_id: int, chat_id: int, text: str, *, reply_to: int | None = None) -> tuple[int | None, int]:
        """Write a text; what is longer than one message takes becomes several, as the app does it.

        The ids of the (last) update and message; no update when the bot is not told: in a group it
        sees commands, replies to it and mentions only.
        """
        user, room = self._member(user_id, chat_id)
        formatted = tidy(Formatted(clean(text)))
        if not formatted.text:
            raise Unfit("a message needs a text")
        replied = self._message(room, reply_to).unreplied if reply_to is not None else None
        room.started = True
        pieces = [formatted.text[start : start + _MOST_TEXT] for start in range(0, len(formatted.text), _MOST_TEXT)]
        return [self._say(user, room, piece, replied) for piece in pieces][-1]

    def press(self, user_id: int, chat_id: int, message_id: int, data: str, *, forged: bool = False) -> tuple[int | None, str]:
        """Press the button with that data. The ids of the update and of the callback query.

        ``forged`` lets through what no app sends: data that no button has, or a message that is gone.
        """
        user, room = self._member(user_id, chat_id)
        message = room.messages.get(message_id)
        if not forged and data not in _buttons(self._message(room, message_id)):
            raise Missing(f"message {message_id} has no button with the data {data!r}")
        number = self._telegram.presses.add(user_id, chat_id)
        shown = message or {"chat": room.chat, "message_id": message_id, "date": 0}
        query = {"id": number, "from": user, "message": shown, "chat_instance": str(3_042_211_223_344_556_677 + room.chat.id), "data": data}
        return self._telegram.updates.add("callback_query", query), number

    def block(self, user_id: int, *, blocked: bool) -> int | None:
        """Block the bot, or let it write again. The id of the update."""
        user, room = self._user(user_id), self._room(user_id)
        before, room.blocked = room.blocked, blocked
        if before == blocked:
            return None
        change = {
            "chat": room.chat,
            "from": user,
            "date": int(self._telegram.now()),
            "old_chat_member": self._membership(blocked=before),
            "new_chat_member": self._membership(blocked=blocked),
        }
        return self._telegram.updates.add("my_chat_member", change)

    def delete(self, chat_id: int, message_id: int) -> None:
        """Delete a message of a private chat, for both sides; the bot is not told."""
        room = self._room(chat_id)
        if not room.private:
            raise Unfit("only messages of a private chat can be deleted")
        self._message(room, message_id)
        self._telegram.remove(room, message_id)

    def migrate(self, chat_id: int) -> int:
        """Turn a group into a supergroup. The new chat's id; from then on the old one refuses everything."""
        room = self._room(chat_id)
        if room.chat.type != "group" or not room.members or room.moved_to is not None:
            raise Unfit(f"chat {chat_id} is no group that can become a supergroup")
        successor = room.supergroup()
        self._telegram.rooms[successor.chat.id] = successor
        room.moved_to = successor.chat.id
        user = self._telegram.users[room.members[0]]
        self._tell(room, self._telegram.post(room, user, migrate_to_chat_id=successor.chat.id))
        self._tell(successor, self._telegram.post(successor, user, migrate_from_chat_id=chat_id))
        return successor.chat.id

    def _say(self, user: User, room: Room, text: str, replied: Message | None) -> tuple[int | None, int]:
        formatted = tidy(Formatted(text))
        message = self._telegram.post(room, user, text=formatted.text or text, entities=formatted.entities, reply_to_message=replied)
        return self._tell(room, message), message.message_id

    def _tell(self, room: Room, message: Message) -> int | None:
        told = room.private or message.is_service or self._concerns_bot(message)
        return self._telegram.updates.add("message", message) if told else None

    def _concerns_bot(self, message: Message) -> bool:
        """Privacy mode: a command that is not for another bot, a reply to the bot, or a mention of it."""
        text, name = message.text or "", f"@{self._telegram.bot.username}".lower()
        if message.reply_to_message and message.reply_to_message.sender == self._telegram.bot:
            return True
        spots = [(one.type, one.offset, _cut(text, one.offset, one.length).lower()) for one in message.entities]
        if any(kind == "mention" and spot == name for kind, _, spot in spots):
            return True
        command = next((spot for kind, offset, spot in spots if kind == "bot_command" and not offset), "")
        return bool(command) and command.partition("@")[2] in ("", name[1:])

    def _membership(self, *, blocked: bool) -> dict[str, Any]:
        return {"user": self._telegram.bot, "status": "kicked", "until_date": 0} if blocked else {"user": self._telegram.bot, "status": "member"}

    def _member(self, user_id: int, chat_id: int) -> tuple[User, Room]:
        user, room = self._user(user_id), self._room(chat_id)
        if user_id not in room.members:
            raise Missing(f"{user.first_name} is not in chat {chat_id}")
        if room.blocked:
            raise Unfit(f"{user.first_name} has blocked the bot")
        if room.moved_to is not None:
            raise Unfit(f"chat {chat_id} became {room.moved_to}")
        return user, room

    def _user(self, user_id: int) -> User:
        if user_id not in self._telegram.users:
            raise Missing(f"there is nobody with id {user_id}")
        return self._telegram.users[user_id]

    def _room(self, chat_id: int) -> Room:
        if chat_id not in self._telegram.rooms:
            raise Missing(f"there is no chat {chat_id}")
        return self._telegram.rooms[chat_id]

    @staticmethod
    def _message(room: Room, message_id: int) -> Message:
        if message_id not in room.messages:
            raise Missing(f"chat {room.chat.id} has no message {message_id}")
        return room.messages[message_id]


def _buttons(message: Message) -> list[str]:
    rows = (message.reply_markup or {}).get("inline_keyboard", [])
    return [button["callback_data"] for row in rows for button in row if "callback_data" in button]


def _cut(text: str, offset: int, length: int) -> str:
    """The part of a text that UTF-16 code units name."""
    return text.encode("utf-16-le")[2 * offset : 2 * (offset + length)].decode("utf-16-le")
