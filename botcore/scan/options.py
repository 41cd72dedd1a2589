"""How a scan works, and where one stands."""

from __future__ import annotations

from typing import Literal

import msgspec

from botcore.client import Priority
from botcore.errors import ConfigError
from botcore.model import Funnel, RequestCounts

__all__ = ["TITLES_A_QUOTE", "ScanOptions", "ScanProgress", "WatchOptions"]

TITLES_A_QUOTE = 100


class ScanOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a scan works.

    ``batch_size``: titles a quote request asks for, 1 to 100; ``auto`` follows the number of offers, and so do several, each
    under the most offers that it is for, the last for any more. ``concurrency``: the
    most requests under way for each kind of evidence; fewer when quota and latency can use no more. ``bands``: price bands
    read at the same time, each from both ends; ``auto`` follows quota and latency. ``deadline``: seconds for the whole
    scan, None for no limit. ``priority``: its turn in the quota.
    """

    batch_size: int | Literal["auto"] | dict[int, int] = "auto"
    concurrency: int = 32
    bands: int | Literal["auto"] = "auto"
    deadline: float | None = None
    priority: Priority = Priority.SCAN

    def __post_init__(self) -> None:
        """Refuse a scan that could never ask for anything."""
        sizes = self.batch_size.values() if isinstance(self.batch_size, dict) else () if self.batch_size == "auto" else (self.batch_size,)
        if self.batch_size == {} or not all(1 <= size <= TITLES_A_QUOTE for size in sizes):
            raise ConfigError(f"batch_size is {self.batch_size}: choose 1 to {TITLES_A_QUOTE}, or auto")
        if self.concurrency < 1 or (self.bands != "auto" and self.bands < 1):
            raise ConfigError("a scan needs a concurrency of at least 1 and at least 1 band")
        if self.deadline is not None and self.deadline <= 0:
            raise ConfigError(f"deadline is {self.deadline:g}: a scan needs some seconds above 0, or none for no limit")

    def titles(self, offers: int) -> int:
        """Titles a quote request when so many offers are to be read. ``auto`` is one twentieth of them, so that a small scan shows results early."""
        if isinstance(self.batch_size, dict):
            fitting = [most for most in self.batch_size if most >= offers]
            return self.batch_size[min(fitting) if fitting else max(self.batch_size)]
        return self.batch_size if self.batch_size != "auto" else max(TITLES_A_QUOTE // 10, min(TITLES_A_QUOTE, offers // 20))


class WatchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a watch works. Seconds for every time.

    ``part``: the share of each class of the quota that it may use. ``newest``: the share of its market requests that look
    for new offers; how they are shared out follows how busy each game is, between ``fastest`` and ``slowest`` from one look at
    a game to the next. ``learn``: the share that reads the whole listing once, at the beginning. ``sweep``: the time between
    two looks at all prices of a game. ``spare``: the share of its quota that whatever can wait leaves free, so that what cannot
    finds a place at once. ``workers``: titles looked at side by side. ``recheck``: how old what is known of an alert may be
    when it is handed out; older, it is asked for again. ``verify``: how often an offer that was told is looked at again
    without any reason. ``own``: how often the account's own offers and targets are asked for. ``catch_up``: pages read at most
    to reach the place where an earlier watch ended; what lies beyond is left to the rescan. ``keep``: how long alerts are
    kept. ``figures``: the time between two ``WatchFigures`` among the events, 0 for none.
    """

    part: float = 0.9
    newest: float = 0.5
    learn: float = 0.2
    fastest: float = 0.4
    slowest: float = 2.0
    sweep: float = 2.0
    spare: float = 0.2
    workers: int = 12
    recheck: float = 0.5
    verify: float = 30.0
    own: float = 60.0
    catch_up: int = 100
    keep: float = 30 * 86_400.0
    figures: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a watch that would ask for nothing, or for more than it may."""
        if not (0 < self.part <= 1 and 0 < self.newest <= 1 and 0 < self.learn <= 1 and 0 <= self.spare < 1):
            raise ConfigError("watch: part, newest and learn are above 0 and at most 1, spare from 0 up to, not including, 1")
        if min(self.fastest, self.sweep, self.recheck, self.verify, self.own, self.keep) <= 0 or self.slowest < self.fastest or self.figures < 0:
            raise ConfigError("watch: its times need some seconds above 0, slowest no less than fastest, figures at least 0")
        if self.workers < 1 or self.catch_up < 1:
            raise ConfigError("watch: at least 1 worker and 1 page to catch up are needed")


class ScanProgress(msgspec.Struct, frozen=True):
    """Where a scan stands. ``total`` is the number of offers to read as far as the market tells; ``waiting`` counts offers in question."""

    seconds: float
    listed: int
    total: int
    listing: bool
    waiting: int
    evidence: int
    found: int
    requests: RequestCounts
    funnel: Funnel
