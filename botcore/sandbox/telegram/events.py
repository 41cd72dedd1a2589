"""What happened in the chats, numbered, for the chat page and for tests that wait for something."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from botcore.sandbox.telegram.objects import Message

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Event", "EventLog"]

_KEPT = 10_000


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One happening; ``kind`` is message, edit, delete, answer, action or commands, and says which fields are there."""

    number: int
    at: float
    kind: str
    chat_id: int | None
    message: Message | None = None
    message_id: int | None = None
    callback_query_id: str | None = None
    user_id: int | None = None
    text: str | None = None
    show_alert: bool | None = None
    action: str | None = None


class EventLog:
    """The latest 10,000 events. ``now`` is unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.last = 0
        self._now = now
        self._kept: deque[Event] = deque(maxlen=_KEPT)
        self._news = asyncio.Event()
        self.closed = False

    def add(self, kind: str, chat_id: int | None, **fields: Any) -> None:
        """Keep a new event and wake everybody who waits for one."""
        self.last += 1
        self._kept.append(Event(number=self.last, at=self._now(), kind=kind, chat_id=chat_id, **fields))
        self._wake()

    def since(self, after: int) -> list[Event]:
        """The events after that number, oldest first. A number from before a restart, too high to be ours, gives everything."""
        first = after if after <= self.last else 0
        return list(islice(self._kept, max(0, first - (self.last - len(self._kept))), None))

    async def wait(self) -> None:
        """Until there is something new, or the log is closed."""
        if not self.closed:
            await self._news.wait()

    def close(self) -> None:
        """Let everybody go who waits."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
