"""Workers for one kind of evidence."""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Coroutine
from typing import Generic, TypeVar

__all__ = ["Pool"]

_Work = Coroutine[None, None, None]
Subject = TypeVar("Subject")


class Pool(Generic[Subject]):
    """Jobs of one kind, the most promising first, with a bounded number under way."""

    def __init__(self, start: Callable[[_Work], object], bound: Callable[[], int], work: Callable[[Subject, str], Awaitable[None]]) -> None:
        self._start = start
        self._bound = bound
        self._work = work
        self._jobs: list[tuple[float, int, Subject, str]] = []
        self._added = 0
        self._busy = 0

    def __len__(self) -> int:
        return len(self._jobs) + self._busy

    def put(self, rank: float, subject: Subject, phase: str) -> None:
        """Add a job; a higher rank goes first, then the older."""
        self._added += 1
        heapq.heappush(self._jobs, (-rank, self._added, subject, phase))
        self._fill()

    def _fill(self) -> None:
        while self._jobs and self._busy < self._bound():
            _, _, subject, phase = heapq.heappop(self._jobs)
            self._busy += 1
            self._start(self._do(subject, phase))

    async def _do(self, subject: Subject, phase: str) -> None:
        try:
            await self._work(subject, phase)
        finally:
            self._busy -= 1
        self._fill()
