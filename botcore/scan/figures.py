"""What a watch did so far: how many offers, how soon its alerts, at what cost."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from math import ceil

import msgspec

from botcore.client import ClientStats
from botcore.model import Failure, Funnel, Game, RequestCounts

__all__ = ["PURPOSES", "GameFigures", "Tally", "WatchFigures"]

PURPOSES = ("newest", "prices", "evidence", "recheck", "rescan", "own", "outcomes")
"""What requests are spent on: new offers, the prices of all titles, what an offer's verdict needs, alerts that are out or to be handed
out, the rolling rescan, the account's own fees, offers and targets, and what became of what was told or dropped."""
LATEST = 500
SPAN = 10.0
"""Seconds over which rates and the use of the quota are told."""


class GameFigures(msgspec.Struct, frozen=True):
    """One game: new offers a second, seconds between two looks at its newest, looks so far, its titles, rescans that are over and the part of the next."""

    rate: float
    interval: float
    looks: int
    titles: int
    rescans: int
    rescanned: float


class WatchFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Where a watch stands.

    ``seen``: offers so far that were listed since the watch began, or since the one before it ended; ``per_second`` lately.
    ``alerts`` and ``changes``: events so far, ``gone``: alerts that held no more when they were to be handed out; ``live``:
    alerts that are as they were told. ``to_alert``: seconds from being listed to being queued, p50 and p95 of the latest
    alerts of offers that were found when they were seen first, None before there are any. ``waiting``: titles to be looked
    at. ``requests`` by purpose; ``used``: the share of the account's whole quota that the watch used lately, by class.
    """

    seconds: float
    seen: int
    per_second: float
    alerts: int
    changes: int
    gone: int
    live: int
    to_alert: tuple[float, float] | None
    waiting: int
    requests: dict[str, RequestCounts]
    used: dict[str, float]
    throttled: int
    retries: int
    games: dict[Game, GameFigures]
    funnel: Funnel
    failures: list[Failure]


class Tally:
    """Counts what a watch does. ``limits``: requests a second of the whole quota, by class."""

    def __init__(self, limits: Mapping[str, int], now: float) -> None:
        self.spent = {purpose: ClientStats() for purpose in PURPOSES}
        self.funnel = Funnel()
        self.seen = self.alerts = self.changes = self.gone = 0
        self._limits = limits
        self._began = now
        self._waits: deque[float] = deque(maxlen=LATEST)
        self._failures: dict[tuple[str, str], int] = {}
        self._samples: deque[tuple[float, int, dict[str, int]]] = deque([(now, 0, dict.fromkeys(limits, 0))])

    def failed(self, what: str, error: Exception) -> None:
        """Something could not be had."""
        key = (what, type(error).__name__)
        self._failures[key] = self._failures.get(key, 0) + 1

    def alerted(self, seconds: float | None) -> None:
        """An alert was queued, so many seconds after its offer was listed; None where that was before the watch began, or it began to pay later."""
        self.alerts += 1
        if seconds is not None:
            self._waits.append(seconds)

    def sample(self, now: float) -> None:
        """Note where the counts are, for what is told of the latest seconds."""
        self._samples.append((now, self.seen, self._by_class()))
        while len(self._samples) > 2 and self._samples[1][0] <= now - SPAN:  # noqa: PLR2004 - the last before the span stays
            self._samples.popleft()

    def figures(self, now: float, *, live: int, waiting: int, games: dict[Game, GameFigures]) -> WatchFigures:
        """All of it."""
        since, seen, before = self._samples[0]
        span = max(now - since, 1.0)
        stats = self.spent.values()
        return WatchFigures(
            seconds=now - self._began,
            seen=self.seen,
            per_second=(self.seen - seen) / span,
            alerts=self.alerts,
            changes=self.changes,
            gone=self.gone,
            live=live,
            to_alert=(_quantile(self._waits, 0.5), _quantile(self._waits, 0.95)) if self._waits else None,
            waiting=waiting,
            requests={purpose: msgspec.structs.replace(spent.requests) for purpose, spent in self.spent.items()},
            used={kind: (count - before[kind]) / span / self._limits[kind] for kind, count in self._by_class().items()},
            throttled=sum(one.throttled for one in stats),
            retries=sum(one.retries for one in stats),
            games=games,
            funnel=msgspec.structs.replace(self.funnel, dropped=dict(self.funnel.dropped)),
            failures=[Failure(what, error, times) for (what, error), times in sorted(self._failures.items())],
        )

    def _by_class(self) -> dict[str, int]:
        return {kind: sum(getattr(spent.requests, kind) for spent in self.spent.values()) for kind in self._limits}


def _quantile(samples: deque[float], share: float) -> float:
    ordered = sorted(samples)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
