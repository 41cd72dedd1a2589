"""One chat of the outbox: what waits for it, what of that goes next, and how fast. No store, no network."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice, takewhile

import msgspec
from aiolimiter import AsyncLimiter

from botcore.bot.posts import Post
from botcore.model import Alert
from botcore.store import Letter

__all__ = ["ALERT", "MINUTE", "SAY", "SHOW", "Body", "Lane", "Pace", "Waiting"]

SAY, SHOW, ALERT = "say", "show", "alert"
"""Kinds of letters: a new message, a card, and a card that tells of a find and may come too late."""
MINUTE = 60.0
REST = 10.0
"""Seconds between two digests in a chat."""
DIGEST_MOST = 45
"""Alerts in one digest, as many as have a line there; the rest waits for the next one."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast to send, each as the size of a leaky bucket and the seconds in which it leaks so much: to all chats together, to one, to one group.

    Telegram allows 30 a second in all, one a second in a chat with short bursts, 20 a minute in a group. A bucketful may go out
    at once, so in any window at most its size and what leaks meanwhile is sent. A little more than one makes up for timers that
    are late.
    """

    every: tuple[float, float] = (1.3, 1.3 / 28.7)
    chat: tuple[float, float] = (3, 3.15)
    group: tuple[float, float] = (4, 16.0)


class Body(msgspec.Struct, frozen=True):
    """A letter's body: the post, the message that it changes, its line in a digest, the language of that, and the alert of a watch that it tells."""

    post: Post
    message: int | None = None
    line: str = ""
    lang: str = "en"
    alert: Alert | None = None


class Waiting:
    """A letter that waits, with its body read. ``checked``: its alert was looked at for this turn; ``not_before``: unix seconds until when it stays."""

    __slots__ = ("body", "checked", "letter", "not_before")

    def __init__(self, letter: Letter, body: Body) -> None:
        self.letter = letter
        self.body = body
        self.checked = False
        self.not_before = 0.0

    @staticmethod
    def read(letter: Letter) -> Waiting:
        """A letter as the store has it. Raises msgspec.DecodeError for one of another version."""
        return Waiting(letter, msgspec.json.decode(letter.body, type=Body))

    def moved(self, chat_id: int) -> Waiting:
        """The same for the chat's new id, where messages have other numbers."""
        return Waiting(msgspec.structs.replace(self.letter, chat_id=chat_id), msgspec.structs.replace(self.body, message=None))

    @property
    def alert(self) -> bool:
        """Whether it tells of a find, unasked."""
        return self.letter.kind == ALERT


class Lane:
    """One chat. ``digest`` is the number of alerts a minute beyond which they gather. Every ``now`` is unix seconds."""

    def __init__(self, chat_id: int, pace: Pace, digest: int) -> None:
        self.chat_id = chat_id
        self.waiting: deque[Waiting] = deque()
        self.alerted: deque[float] = deque()
        self.silent_until = 0.0
        self.changed = asyncio.Event()
        self.served = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self._limits = [AsyncLimiter(*pace.chat), *([AsyncLimiter(*pace.group)] if chat_id < 0 else [])]
        self._digest = digest
        self._digested_at = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing would be lost if it were forgotten."""
        return not self.waiting and self.task is None and not self.alerted and all(limit.has_capacity(limit.max_rate) for limit in self._limits)

    async def paced(self) -> None:
        """Wait until the chat may be sent another message, and count that."""
        for limit in self._limits:
            await limit.acquire()

    def open_at(self, now: float) -> float:
        """When something may be sent: not while Telegram wants silence, nor while all that waits has to stay or is an alert that gathers for a digest."""
        gathered = self._gathered(now)
        return max(self.silent_until, min((one.not_before if not one.alert else max(one.not_before, gathered) for one in self.waiting), default=0.0))

    def urgent(self, now: float) -> bool:
        """Whether what goes next is anything but an alert."""
        first = self._first(now)
        return first is not None and not first.alert

    def late(self, now: float) -> list[Waiting]:
        """What came too late, taken out."""
        found = [one for one in self.waiting if one.letter.expires_at is not None and one.letter.expires_at <= now]
        for one in found:
            self.waiting.remove(one)
        return found

    def next(self, now: float) -> list[Waiting]:
        """What goes out next: a letter, several alerts for a digest, or nothing while all has to stay."""
        first = self._first(now)
        if first is None or not (first.alert and self._crowded(now)):
            return [] if first is None else [first]
        free = (one for one in takewhile(lambda one: one.alert, self.waiting) if one.not_before <= now)
        return list(islice(free, DIGEST_MOST))

    def take(self, now: float) -> list[Waiting]:
        """What of that may be sent as it is, taken out."""
        taken = [one for one in self.next(now) if one.checked or one.body.alert is None]
        if taken and taken[0].alert and self._crowded(now):
            self._digested_at = now
        for one in taken:
            self.waiting.remove(one)
        for one in (*taken, *self.waiting):
            one.checked = False
        return taken

    def _first(self, now: float) -> Waiting | None:
        """The letter whose turn it is; any other passes alerts that gather, and what has to stay."""
        gathered = self._gathered(now)
        return next((one for one in self.waiting if max(one.not_before, gathered if one.alert else 0.0) <= now), None)

    def _gathered(self, now: float) -> float:
        """Until when alerts gather for their next digest, 0 where they do not."""
        return self._digested_at + REST if self._crowded(now) else 0.0

    def _crowded(self, now: float) -> bool:
        """Whether the chat had its number of alerts within the last minute."""
        while self.alerted and self.alerted[0] <= now - MINUTE:
            self.alerted.popleft()
        return len(self.alerted) >= self._digest
