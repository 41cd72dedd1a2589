"""How much a scan keeps under way: as much as quota and latency can use, and no more."""

from __future__ import annotations

from collections.abc import Mapping

from botcore.client import Clock, DMarketClient
from botcore.model import RequestClass
from botcore.scan.bands import PAGE, TOTAL_CAP, Bands, chains_wanted
from botcore.scan.options import ScanOptions
from botcore.scan.table import Need

__all__ = ["CLASSES", "Pace"]

CLASSES = {Need.TARGETS: RequestClass.OTHER, Need.SALES: RequestClass.SALES, Need.ASK: RequestClass.MARKET}
"""What each kind of evidence counts against."""
FIRST_LATENCY = 0.15
"""Seconds an answer is thought to take before the first one came."""
LARGE = TOTAL_CAP
FIRST_PAGES = 8
"""Pages that a window of at least ``LARGE`` offers begins with; the rest of the first second's quota is for the evidence of the first find."""


class Pace:
    """The pace of one scan, which begins now."""

    def __init__(self, client: DMarketClient, options: ScanOptions, bands: Bands, clock: Clock) -> None:
        self._client = client
        self._options = options
        self._bands = bands
        self._clock = clock
        self._started = clock.monotonic()

    def under_way(self, kind: RequestClass) -> int:
        """Requests of a class that keep its quota busy."""
        stats = self._client.stats
        return chains_wanted(self._client.quota.rate(kind), stats.latency[kind] or FIRST_LATENCY, stats.deviation[kind])

    def bound(self, kind: RequestClass) -> int:
        """Requests for evidence under way at once: what the quota can use, and one that waits for its turn."""
        return min(self._options.concurrency, self.under_way(kind) + 1)

    def pages(self, read: int, *, found: bool) -> tuple[int, int]:
        """Pages under way, and bands open at once, when so many pages were asked for."""
        if self._options.bands != "auto":
            return 2 * self._options.bands, self._options.bands
        wanted = self.under_way(RequestClass.MARKET)
        if not found and self._bands.total >= LARGE and read < FIRST_PAGES:
            wanted = max(wanted, FIRST_PAGES - 2)
        return wanted, (wanted + 1) // 2

    def holding_back(self, read: int, *, found: bool) -> bool:
        """Whether what is left of the first second's quota is kept for the evidence of the first find."""
        early = self._clock.monotonic() - self._started < self._client.quota.options.window
        return early and not found and self._bands.total >= LARGE and read >= FIRST_PAGES

    def ask_first(self, asks: int, sales: int) -> bool:
        """Whether asking for rivals before sales would end the scan earlier: where sales have the longer queue."""
        quota = self._client.quota
        market = (max(0.0, self._bands.left / PAGE) + asks) / quota.rate(RequestClass.MARKET)
        return sales / quota.rate(RequestClass.SALES) > market

    def unqueued(self, queues: Mapping[Need, int]) -> frozenset[Need]:
        """The scarce evidence that no one queues for. Once the listing is read it is asked for at once: only latency still costs time."""
        scarce = (need for need in queues if need is not Need.TARGETS)
        return frozenset(need for need in scarce if not self._client.quota.waiting(CLASSES[need]) and queues[need] <= self.under_way(CLASSES[need]))
