"""How many requests were sent in the last seconds, by class."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from botcore.model import RequestCounts

__all__ = ["Meter"]

SPAN = 10
"""Seconds over which the rate is told."""


class Meter:
    """Looks at a count of requests once a second; ``clock`` gives seconds."""

    def __init__(self, counts: Callable[[], RequestCounts], clock: Callable[[], float]) -> None:
        self._counts = counts
        self._clock = clock
        self._seen: deque[tuple[float, dict[str, int]]] = deque([(clock(), self._now())], maxlen=SPAN + 1)

    async def run(self) -> None:
        """Look on until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            self.look()

    def look(self) -> None:
        """Note what was sent until now."""
        self._seen.append((self._clock(), self._now()))

    def rates(self) -> dict[str, float]:
        """Requests a second of each class over the last ten seconds."""
        at, before = self._seen[0]
        seconds = max(1.0, self._clock() - at)
        return {name: (count - before[name]) / seconds for name, count in self._now().items()}

    def _now(self) -> dict[str, int]:
        counts = self._counts()
        return {name: getattr(counts, name) for name in counts.__struct_fields__}
