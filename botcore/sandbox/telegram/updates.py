"""The queue of updates and the one call that may wait for them (api page, section 3.2).

Times are unix seconds, and an argument or the clock given.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from botcore.sandbox.telegram.failures import conflict

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KINDS", "UpdateQueue"]

KINDS = (
    *("message", "edited_message", "channel_post", "edited_channel_post", "business_connection", "business_message", "edited_business_message"),
    *("deleted_business_messages", "guest_message", "message_reaction", "message_reaction_count", "inline_query", "chosen_inline_result"),
    *("callback_query", "shipping_query", "pre_checkout_query", "purchased_paid_media", "poll", "poll_answer", "my_chat_member", "chat_member"),
    *("chat_join_request", "chat_boost", "removed_chat_boost", "managed_bot", "subscription", "stopped_message_generation"),
)
_USUAL = frozenset(KINDS) - {"chat_member", "message_reaction", "message_reaction_count"}
_KEPT_SECONDS = 86_400.0
_FIRST_ID = 900_000_001


class _Update(msgspec.Struct, frozen=True):
    number: int
    made_at: float
    body: msgspec.Raw


class UpdateQueue:
    """Updates that no bot has confirmed yet. Only kinds that are allowed at that moment enter; a day later they are gone."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.made = 0
        self._now = now
        self._next_id = _FIRST_ID
        self._queue: deque[_Update] = deque()
        self._kinds = _USUAL
        self._held: asyncio.Future[None] | None = None
        self._news = asyncio.Event()

    def __len__(self) -> int:
        self._expire()
        return len(self._queue)

    def allow(self, kinds: list[Any] | None) -> None:
        """Take these kinds from now on; None keeps the setting, an empty list or no known kind is the usual ones."""
        if kinds is not None:
            self._kinds = frozenset(kind for kind in KINDS if kind in kinds) or _USUAL

    @property
    def held(self) -> bool:
        """Whether a call waits for an update."""
        return self._held is not None

    @property
    def allowed(self) -> list[str]:
        """The kinds asked for, empty when they are the usual ones."""
        return [] if self._kinds == _USUAL else sorted(self._kinds)

    def add(self, kind: str, content: Any) -> int | None:
        """Queue an update and hand it to whoever waits. Its id, or None when this kind is not allowed."""
        if kind not in self._kinds:
            return None
        number = self._next_id
        self._next_id += 1
        self.made += 1
        self._queue.append(_Update(number, self._now(), msgspec.Raw(msgspec.json.encode({"update_id": number, kind: content}))))
        self._wake()
        return number

    async def poll(self, offset: int, limit: int, hold: float) -> list[msgspec.Raw]:
        """The updates from ``offset`` on, waiting up to ``hold`` seconds for the first. Raises Failure 409 when another call takes over."""
        self.interrupt("terminated by other getUpdates request; make sure that only one bot instance is running")
        self._move_to(offset)
        if self._queue or not hold:
            return self._first(limit)
        held = self._held = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(hold):
                await held
        except TimeoutError:
            return []
        finally:
            if self._held is held:
                self._held = None
        return self._first(limit)

    def interrupt(self, reason: str) -> None:
        """Fail the call that waits, if there is one."""
        if self._held and not self._held.done():
            self._held.set_exception(conflict(reason))
        self._held = None

    def release(self) -> None:
        """Answer the call that waits with what there is: nothing."""
        self._wake()

    async def next(self) -> tuple[int, msgspec.Raw]:
        """The oldest update, for a webhook: it stays until it is confirmed."""
        while not len(self):
            await self._news.wait()
        return self._queue[0].number, self._queue[0].body

    def confirm(self, number: int) -> None:
        """Forget every update up to this one."""
        while self._queue and self._queue[0].number <= number:
            self._queue.popleft()

    def clear(self) -> None:
        """Forget everything that waits."""
        self._queue.clear()

    def _move_to(self, offset: int) -> None:
        """Forget what is before ``offset``; a negative one counts from the end, one past the end means nothing."""
        self._expire()
        if offset < 0:
            offset = self._next_id + offset
        if offset <= self._next_id:
            self.confirm(offset - 1)

    def _first(self, limit: int) -> list[msgspec.Raw]:
        return [self._queue[place].body for place in range(min(limit, len(self._queue)))]

    def _expire(self) -> None:
        oldest = self._now() - _KEPT_SECONDS
        while self._queue and self._queue[0].made_at < oldest:
            self._queue.popleft()

    def _wake(self) -> None:
        if self._held and not self._held.done():
            self._held.set_result(None)
        self._news.set()
        self._news = asyncio.Event()
