"""Quotas per class of requests, with the documented headers (api page, section 3), and the count of what arrived.

Time is an argument everywhere: seconds of a monotonic clock.
"""

from __future__ import annotations

import math
from collections import deque

import msgspec

from botcore.model import RequestClass

__all__ = ["QUOTAS", "Quota", "Served", "Verdict", "classify"]

QUOTAS = {RequestClass.MARKET: 10, RequestClass.SALES: 6, RequestClass.FEE: 110, RequestClass.OTHER: 20}
_MARKET_PATHS = ("/marketplace-api/v2/offers", "/exchange/v1/market/items", "/exchange/v1/offers-by-title")


def classify(method: str, path: str) -> RequestClass:
    """The class a request is counted in; everything that has no class of its own shares ``other``."""
    if method == "GET" and path in _MARKET_PATHS:
        return RequestClass.MARKET
    if path == "/trade-aggregator/v1/last-sales":
        return RequestClass.SALES
    return RequestClass.FEE if path == "/exchange/v1/customized-fees" else RequestClass.OTHER


class Verdict(msgspec.Struct, frozen=True):
    """Whether a request passes, and what the headers say: allowed a second, left of it, seconds until the window restarts."""

    passed: bool
    limit: int
    remaining: int
    reset: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The five documented headers."""
        limit, remaining = str(self.limit).encode(), str(self.remaining).encode()
        return [
            (b"x-ratelimit-limit-second", limit),
            (b"x-ratelimit-remaining-second", remaining),
            (b"ratelimit-limit", limit),
            (b"ratelimit-remaining", remaining),
            (b"ratelimit-reset", str(self.reset).encode()),
        ]


class Quota:
    """``limit`` requests a second, counted in ``fixed`` seconds of the clock, a ``sliding`` second, or a ``bucket`` that refills.

    A refused request consumes nothing.
    """

    def __init__(self, limit: int, window: str = "sliding") -> None:
        self.limit = limit
        self.window = window
        self._passed: deque[float] = deque()
        self._second = -1
        self._count = 0
        self._tokens = float(limit)
        self._filled_at: float | None = None

    def __repr__(self) -> str:
        return f"Quota({self.limit}/s, {self.window})"

    def take(self, now: float, *, enforced: bool = True) -> Verdict:
        """Let a request pass or refuse it; with ``enforced`` False everything passes and nothing is counted."""
        if not enforced:
            return Verdict(passed=True, limit=self.limit, remaining=self.limit, reset=1)
        taken = {"fixed": self._take_fixed, "sliding": self._take_sliding, "bucket": self._take_bucket}[self.window](now)
        return Verdict(taken[0], self.limit, taken[1], 1)

    def _take_fixed(self, now: float) -> tuple[bool, int]:
        if math.floor(now) != self._second:
            self._second, self._count = math.floor(now), 0
        passed = self._count < self.limit
        self._count += passed
        return passed, self.limit - self._count

    def _take_sliding(self, now: float) -> tuple[bool, int]:
        while self._passed and self._passed[0] <= now - 1:
            self._passed.popleft()
        passed = len(self._passed) < self.limit
        if passed:
            self._passed.append(now)
        return passed, self.limit - len(self._passed)

    def _take_bucket(self, now: float) -> tuple[bool, int]:
        if self._filled_at is not None:
            self._tokens = min(self.limit, self._tokens + (now - self._filled_at) * self.limit)
        self._filled_at = now
        passed = self._tokens >= 1
        self._tokens -= passed
        return passed, math.floor(self._tokens)


class Served:
    """What arrived, by class: how many, the most in any second, what was refused. Refused and unsigned requests count as arrivals."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything counted so far."""
        self.requests = dict.fromkeys(RequestClass, 0)
        self.most_in_a_second = dict.fromkeys(RequestClass, 0)
        self.refused = dict.fromkeys(RequestClass, 0)
        self.chaos_refused = 0
        self.faults: dict[str, int] = {}
        self.bad_signatures = 0
        self.bytes = 0
        self.paths: dict[str, int] = {}
        self._recent: dict[RequestClass, deque[float]] = {kind: deque() for kind in RequestClass}

    def arrive(self, kind: RequestClass, path: str, now: float) -> None:
        """Count a request at the moment it arrived."""
        self.requests[kind] += 1
        self.paths[path] = self.paths.get(path, 0) + 1
        recent = self._recent[kind]
        recent.append(now)
        while recent[0] <= now - 1:
            recent.popleft()
        self.most_in_a_second[kind] = max(self.most_in_a_second[kind], len(recent))

    def report(self) -> dict[str, object]:
        """The figures as the control route gives them."""
        names = ("requests", "most_in_a_second", "refused", "chaos_refused", "faults", "bad_signatures", "bytes", "paths")
        return {name: getattr(self, name) for name in names}
