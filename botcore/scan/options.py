"""How a scan works, and where one stands."""

from __future__ import annotations

from typing import Literal

import msgspec

from botcore.client import Priority
from botcore.errors import ConfigError
from botcore.model import Funnel, RequestCounts

__all__ = ["TITLES_A_QUOTE", "ScanOptions", "ScanProgress"]

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
