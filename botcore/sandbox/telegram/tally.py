"""What arrived: the log of calls and the figures a bench reads. Times are unix seconds and an argument."""

from __future__ import annotations

from collections import Counter, deque
from itertools import islice
from typing import Any

import msgspec

__all__ = ["CallRecord", "Tally"]

_KEPT = 20_000


class CallRecord(msgspec.Struct, frozen=True):
    """One call; ``status`` is that of its answer, 0 when the connection was cut, ``message_id`` of the message it made or changed."""

    number: int
    at: float
    method: str
    chat_id: int | None
    status: int
    message_id: int | None


class Tally:
    """The latest 20,000 calls, in the order of their answers, and counts since the last reset."""

    def __init__(self) -> None:
        self.last = 0
        self._kept: deque[CallRecord] = deque(maxlen=_KEPT)
        self.reset()

    def reset(self) -> None:
        """Start counting anew; the log of calls stays."""
        self.calls: Counter[str] = Counter()
        self.refused = 0
        self.most_in_a_second = 0
        self._recent: deque[float] = deque()

    def call(self, at: float, method: str, chat_id: int | None, status: int, message_id: int | None) -> None:
        """Note a call that arrived at that time and has its answer."""
        self.last += 1
        self.calls[method] += 1
        self._kept.append(CallRecord(self.last, at, method, chat_id, status, message_id))

    def send(self, at: float, *, refused: bool) -> None:
        """Count a send or an edit when it comes to flood control; a refused one is an arrival too."""
        self.refused += refused
        self._recent.append(at)
        while self._recent[0] <= at - 1:
            self._recent.popleft()
        self.most_in_a_second = max(self.most_in_a_second, len(self._recent))

    def since(self, after: int) -> list[CallRecord]:
        """The calls after that number, oldest first."""
        return list(islice(self._kept, max(0, after - (self.last - len(self._kept))), None))

    def report(self) -> dict[str, Any]:
        """The figures since the last reset."""
        return {"calls": dict(self.calls), "refused": self.refused, "most_in_a_second": self.most_in_a_second}
