"""What clients did, counted for themselves and for whoever asks for his own figures."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import msgspec

from botcore.model import Drift, RequestClass, RequestCounts

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ClientStats", "books", "counting"]


class ClientStats(msgspec.Struct):
    """What the client did: requests sent by class (every attempt), 429 met, attempts repeated, bytes of answers, rows left out.

    ``latency`` is a smoothed number of seconds from sending to the whole answer, None before the first answer, and
    ``deviation`` how far single answers are from it. ``looked`` counts good answers by kind, and ``drift`` what was new or
    missing in those of them that were looked at: kind, field, and ``unknown`` or ``missing``.
    """

    requests: RequestCounts = msgspec.field(default_factory=RequestCounts)
    throttled: int = 0
    retries: int = 0
    bytes: int = 0
    broken: int = 0
    latency: dict[RequestClass, float | None] = msgspec.field(default_factory=lambda: dict.fromkeys(RequestClass))
    deviation: dict[RequestClass, float] = msgspec.field(default_factory=lambda: dict.fromkeys(RequestClass, 0.0))
    looked: dict[str, int] = msgspec.field(default_factory=dict)
    drift: dict[tuple[str, str, str], int] = msgspec.field(default_factory=dict)

    def drifted(self) -> list[Drift]:
        """What was new or missing, sorted."""
        return [Drift(kind, name, how, times) for (kind, name, how), times in sorted(self.drift.items())]


_COUNTED_HERE: ContextVar[ClientStats | None] = ContextVar("counted_here", default=None)


@contextmanager
def counting(stats: ClientStats) -> Iterator[ClientStats]:
    """Whatever the block asks of any client, its tasks included, is counted in ``stats`` as well."""
    token = _COUNTED_HERE.set(stats)
    try:
        yield stats
    finally:
        _COUNTED_HERE.reset(token)


def books(stats: ClientStats) -> tuple[ClientStats, ...]:
    """Where to count: a client's own figures, and those of whoever asked for his."""
    here = _COUNTED_HERE.get()
    return (stats,) if here is None else (stats, here)
