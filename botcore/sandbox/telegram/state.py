"""The whole state of a local Telegram: who there is, the chats, and what waits for the bot. Nothing here knows HTTP."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import msgspec

from botcore.sandbox.telegram.commands import Commands
from botcore.sandbox.telegram.events import EventLog
from botcore.sandbox.telegram.failures import bad_request, forbidden, too_many
from botcore.sandbox.telegram.files import Files
from botcore.sandbox.telegram.flood import Flood
from botcore.sandbox.telegram.objects import Message, User
from botcore.sandbox.telegram.presses import Presses
from botcore.sandbox.telegram.rooms import Room, group_room, private_room
from botcore.sandbox.telegram.tally import Tally
from botcore.sandbox.telegram.updates import UpdateQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from botcore.sandbox.telegram.options import Person, TelegramOptions

__all__ = ["Telegram"]

_CHAT_ID = re.compile(r"-?[0-9]{1,18}")
_BOT_NAME = "Sandbox Bot"
_BOT_USERNAME = "sandbox_dm_bot"


class Telegram:
    """One bot, some people, and their chats. ``now`` gives unix seconds and is the only clock."""

    def __init__(self, options: TelegramOptions, now: Callable[[], float] = time.time) -> None:
        self.options = options
        self.now = now
        self.bot = User(id=int(options.token.partition(":")[0]), is_bot=True, first_name=_BOT_NAME, username=_BOT_USERNAME)
        self.users = {person.id: _user(person) for person in options.people}
        rooms = [*map(private_room, options.people), *map(group_room, options.groups)]
        self.rooms = {room.chat.id: room for room in rooms}
        self.events = EventLog(now)
        self.updates = UpdateQueue(now)
        self.presses = Presses(options.callback_seconds, now)
        self.flood = Flood(options.burst, enforced=options.flood)
        self.files = Files()
        self.commands = Commands()
        self.tally = Tally()
        self.reactions: dict[tuple[int, int], list[dict[str, Any]]] = {}

    def __repr__(self) -> str:
        return f"Telegram({len(self.users)} people, {len(self.rooms)} chats, {len(self.updates)} updates wait)"

    def reachable(self, chat_id: str) -> Room:
        """The chat a call names, if the bot may write there. Raises Failure 400 or 403."""
        room = self.named(chat_id)
        if room.moved_to is not None:
            raise bad_request("group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": room.moved_to})
        if room.blocked:
            raise forbidden("bot was blocked by the user")
        if not room.started:
            raise forbidden("bot can't initiate conversation with a user")
        return room

    def named(self, chat_id: str) -> Room:
        """The chat a call names. Raises Failure 400."""
        if not chat_id:
            raise bad_request("chat_id is empty")
        room = self.rooms.get(int(chat_id)) if _CHAT_ID.fullmatch(chat_id) else None
        if room is None:
            raise bad_request("chat not found")
        return room

    def admit(self, room: Room) -> None:
        """Let a send or an edit pass flood control. Raises Failure 429."""
        at = self.now()
        wait = self.flood.take(room.chat.id, at, group=not room.private)
        self.tally.send(at, refused=bool(wait))
        if wait:
            raise too_many(wait)

    def post(self, room: Room, sender: User, **fields: Any) -> Message:
        """A new message in a chat."""
        message = Message(message_id=room.next_number(), date=int(self.now()), chat=room.chat, sender=sender, **fields)
        room.messages[message.message_id] = message
        self.events.add("message", room.chat.id, message=message)
        return message

    def change(self, room: Room, message: Message, **fields: Any) -> Message:
        """Another content for a message."""
        changed = msgspec.structs.replace(message, edit_date=int(self.now()), **fields)
        room.messages[message.message_id] = changed
        self.events.add("edit", room.chat.id, message=changed)
        return changed

    def remove(self, room: Room, message_id: int) -> None:
        """Take a message away, for everybody."""
        del room.messages[message_id]
        self.reactions.pop((room.chat.id, message_id), None)
        self.events.add("delete", room.chat.id, message_id=message_id)


def _user(person: Person) -> User:
    return User(
        id=person.id,
        is_bot=False,
        first_name=person.first_name,
        last_name=person.last_name,
        username=person.username,
        language_code=person.language_code,
    )
