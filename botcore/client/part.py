"""A part of a quota, for one of its users: what it may send at most, and what its patient callers leave free.

A place counts twice: in the part, where its users go first by their priority, and in the whole with all others. There
the part stands behind everybody else by default: it takes what they leave, and never more than it was given.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from botcore.client.quota import Lane, Priority, Quota, Slot, Timer, on_loop
from botcore.errors import ConfigError
from botcore.model import RequestClass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["PartQuota"]


class PartQuota(Quota):
    """At most ``part`` (above 0, at most 1) of each class of ``whole``, rounded down, at least one request.

    ``spare`` is the share of that which callers of ``Priority.SCAN`` and ``Priority.WARM`` leave free, so that whoever is more
    urgent finds a place at once. ``turn`` is the part's priority in the whole. What the market answers teaches the whole.
    """

    def __init__(
        self,
        whole: Quota,
        part: float,
        *,
        spare: float = 0.0,
        turn: Priority = Priority.WARM,
        call_later: Callable[[float, Callable[[], None]], Timer] = on_loop,
    ) -> None:
        if not 0 < part <= 1 or not 0 <= spare < 1:
            raise ConfigError("a part of a quota is above 0 and at most 1, what it leaves free from 0 up to, not including, 1")
        self._whole = whole
        self._spare = spare
        self._turn = turn
        limits = {kind.value: max(1, math.floor(part * whole.options.limit(kind))) for kind in RequestClass}
        super().__init__(msgspec.structs.replace(whole.options, **limits), clock=whole.clock, call_later=call_later)

    async def reserve(self, kind: RequestClass, priority: Priority = Priority.INTERACTIVE) -> Slot:
        """Wait for a place in the part and then for one in the whole; raises Throttled as that does."""
        mine = await super().reserve(kind, priority)
        try:
            return _Both(mine, await self._whole.reserve(kind, self._turn))
        except BaseException:
            mine.close()
            raise

    def observe(self, kind: RequestClass, status: int, headers: Mapping[str, str], *, retry_after: float = 1.0, sent_at: float | None = None) -> None:
        """Let the whole learn from an answer."""
        self._whole.observe(kind, status, headers, retry_after=retry_after, sent_at=sent_at)

    def _lane(self, kind: RequestClass) -> Lane:
        spare = math.floor(self._spare * self.options.limit(kind))
        return _PartLane(kind, self.options, self.clock, self._call_later, self.sent, spare=spare)


class _PartLane(Lane):
    """A lane whose patient callers leave ``spare`` places free."""

    def __init__(self, *lane: object, spare: int) -> None:
        super().__init__(*lane)  # type: ignore[arg-type]
        self._spare = spare

    def _most(self) -> int:
        patient = bool(self._waiters) and self._waiters[0][0] >= Priority.SCAN
        return max(1, self.share - self._spare) if patient else self.share


class _Both(Slot):
    """A place in the part and one in the whole."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, outer: Slot, inner: Slot) -> None:
        self._outer = outer
        self._inner = inner
        self.sent_at = None

    def sent(self) -> None:
        """The request goes out now: both places count."""
        self._outer.sent()
        self._inner.sent()
        self.sent_at = self._inner.sent_at

    def close(self) -> None:
        """Give both back when nothing was sent."""
        self._outer.close()
        self._inner.close()
