"""What a local Telegram can be told, and how it is reached. Light: nothing here starts anything."""

from __future__ import annotations

import msgspec

from botcore.errors import SandboxError

__all__ = ["Group", "Person", "TelegramAddress", "TelegramOptions"]

_TOKEN_LENGTH = 80


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can write to the bot; ``language_code`` is the language of his app."""

    id: int
    first_name: str
    language_code: str = "en"
    last_name: str | None = None
    username: str | None = None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group with the bot in it; ``id`` is negative, ``members`` are ids of people."""

    id: int
    title: str
    members: tuple[int, ...]


_PEOPLE = (Person(id=1001, first_name="Anna"), Person(id=2002, first_name="Boris", language_code="ru"))
_GROUPS = (Group(id=-5001, title="Traders", members=(1001, 2002)),)


class TelegramOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the local Telegram behaves. Seconds for every time.

    ``flood`` says whether calls are refused with 429, ``burst`` how many messages one chat takes
    before one a second holds. ``latency`` comes before every answer of the Bot API.
    ``callback_seconds`` is how long the press of a button may be answered, ``webhook_pause`` how
    long a failed delivery waits before it is tried again, at first; it doubles up to 30 times that.
    """

    port: int = 0
    token: str = "7000000001:SANDBOXTOKENSANDBOXTOKENSANDBOXTOKE"  # noqa: S105 - opens nothing but this server
    people: tuple[Person, ...] = _PEOPLE
    groups: tuple[Group, ...] = _GROUPS
    flood: bool = True
    burst: int = 4
    latency: float = 0.0
    callback_seconds: float = 60.0
    webhook_pause: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what would only show later as a strange Telegram."""
        number, colon, secret = self.token.partition(":")
        if not (colon and secret and number.isdecimal() and number[0] != "0" and len(self.token) <= _TOKEN_LENGTH) or set(self.token) & set("/ "):
            raise SandboxError("token must be digits, a colon and a secret without slash or blank, such as 7000000001:SECRET")
        for name, value, least in (("burst", self.burst, 1), ("latency", self.latency, 0), ("callback_seconds", self.callback_seconds, 0)):
            if value < least:
                raise SandboxError(f"{name} is {value}: it cannot be less than {least}")
        if self.webhook_pause <= 0:
            raise SandboxError(f"webhook_pause is {self.webhook_pause}: it must be more than 0")
        _check_chats(self.people, self.groups)


class TelegramAddress(msgspec.Struct, frozen=True):
    """Where a local Telegram listens and the token it accepts; ``url`` is also the chat page."""

    url: str
    token: str


def _check_chats(people: tuple[Person, ...], groups: tuple[Group, ...]) -> None:
    known = {person.id for person in people}
    ids = [person.id for person in people] + [group.id for group in groups]
    if len(set(ids)) < len(ids):
        raise SandboxError("two people or groups have the same id")
    if any(number <= 0 for number in known) or any(group.id >= 0 for group in groups):
        raise SandboxError("the id of a person is positive, the id of a group negative")
    for group in groups:
        if strangers := set(group.members) - known:
            raise SandboxError(f"group {group.title} has members who are not among the people: {sorted(strangers)}")
