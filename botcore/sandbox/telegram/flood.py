"""Flood control (api page, section 6): so many messages a second in all, in one chat, and in a group a minute.

Time is an argument everywhere: seconds of any clock.
"""

from __future__ import annotations

import math
from collections import deque

__all__ = ["Flood"]

_PER_SECOND = 30
_PER_GROUP_MINUTE = 20
# Sums of clock times round at about 1e-7; without this a call that is due would be sent away for another second.
_ROUNDING = 1e-6


class Flood:
    """Lets sends and edits pass or tells how long to wait.

    A chat takes one a second, ``burst`` at once after a pause; a group no more than 20 in any
    minute; all chats together 30 in any second. Once refused, a chat (or, for the common limit,
    everything) stays closed for the whole time told. A refused call counts for nothing.
    """

    def __init__(self, burst: int, *, enforced: bool = True) -> None:
        self.burst = burst
        self.enforced = enforced
        self._all = _Window(_PER_SECOND, 1.0)
        self._chats: dict[int, tuple[_Bucket, _Window]] = {}
        self._closed_until: dict[int | None, float] = {}

    def take(self, chat_id: int, now: float, *, group: bool) -> int:
        """0 when the call passes, otherwise the whole seconds to wait."""
        if not self.enforced:
            return 0
        closed = max(self._closed_until.get(key, 0.0) for key in (None, chat_id)) - now
        if closed > _ROUNDING:
            return _whole(closed)
        if chat_id not in self._chats:
            self._chats[chat_id] = (_Bucket(self.burst), _Window(_PER_GROUP_MINUTE, 60.0))
        bucket, minute = self._chats[chat_id]
        windows = [minute, self._all] if group else [self._all]
        waits: dict[int | None, float] = {chat_id: max(bucket.wait(now), minute.wait(now) if group else 0.0), None: self._all.wait(now)}
        for key, wait in waits.items():
            if wait > _ROUNDING:
                self._closed_until[key] = now + _whole(wait)
                return _whole(wait)
        bucket.take()
        for window in windows:
            window.take(now)
        return 0


class _Bucket:
    """Refills by one a second up to its size."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._tokens = float(size)
        self._filled_at: float | None = None

    def wait(self, now: float) -> float:
        if self._filled_at is not None:
            self._tokens = min(float(self.size), self._tokens + now - self._filled_at)
        self._filled_at = now
        return max(0.0, 1.0 - self._tokens)

    def take(self) -> None:
        self._tokens -= 1.0


class _Window:
    """So many in any span of so many seconds."""

    def __init__(self, limit: int, span: float) -> None:
        self.limit = limit
        self.span = span
        self._passed: deque[float] = deque()

    def wait(self, now: float) -> float:
        while self._passed and self._passed[0] + self.span <= now + _ROUNDING:
            self._passed.popleft()
        return self._passed[0] + self.span - now if len(self._passed) >= self.limit else 0.0

    def take(self, now: float) -> None:
        self._passed.append(now)


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds - _ROUNDING))
