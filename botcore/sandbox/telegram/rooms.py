"""A chat and what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botcore.sandbox.telegram.objects import Chat

if TYPE_CHECKING:
    from botcore.sandbox.telegram.objects import Message
    from botcore.sandbox.telegram.options import Group, Person

__all__ = ["Room", "group_room", "private_room"]

_SUPERGROUPS_END = -1_000_000_000_000


class Room:
    """One chat: its members by id, its messages by number, and what stands in the bot's way.

    ``started`` says whether the person of a private chat ever wrote, ``blocked`` whether he wants
    no more of the bot, ``moved_to`` is the supergroup a group became.
    """

    def __init__(self, chat: Chat, members: tuple[int, ...], *, started: bool) -> None:
        self.chat = chat
        self.members = members
        self.started = started
        self.blocked = False
        self.moved_to: int | None = None
        self.messages: dict[int, Message] = {}
        self.last_number = 0

    def __repr__(self) -> str:
        return f"Room({self.chat.id}, {self.chat.type}, {len(self.messages)} messages)"

    @property
    def private(self) -> bool:
        """Whether it is a chat of one person with the bot."""
        return self.chat.type == "private"

    def next_number(self) -> int:
        """The id of a new message."""
        self.last_number += 1
        return self.last_number

    def latest(self, count: int) -> list[Message]:
        """The newest messages, oldest first."""
        return list(self.messages.values())[-count:]

    def supergroup(self) -> Room:
        """The supergroup this group turns into, empty."""
        chat = Chat(id=_SUPERGROUPS_END + self.chat.id, type="supergroup", title=self.chat.title)
        return Room(chat, self.members, started=True)


def private_room(person: Person) -> Room:
    """The chat of somebody who has not written yet."""
    chat = Chat(id=person.id, type="private", first_name=person.first_name, last_name=person.last_name, username=person.username)
    return Room(chat, (person.id,), started=False)


def group_room(group: Group) -> Room:
    """A group the bot is a member of."""
    return Room(Chat(id=group.id, type="group", title=group.title), group.members, started=True)
