"""The door to a scan: ``scan`` for the whole, ``stream`` for opportunities as they are found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from botcore.cache import policy
from botcore.cache.policy import Question
from botcore.client import Clock, DMarketClient
from botcore.errors import ScanFailed
from botcore.model import Opportunity, ScanQuery, ScanReport
from botcore.scan.options import ScanOptions, ScanProgress
from botcore.scan.run import Run
from botcore.timing import measure_time

if TYPE_CHECKING:
    from botcore.cache import Cache
    from botcore.store import Journal

__all__ = ["ScanStream", "Scanner"]


class Scanner:
    """Looks for opportunities through one client.

    ``cache`` remembers what is asked about titles; without one everything is asked anew. ``journal`` keeps for good what the
    market told and what was found. ``clock`` is where time comes from, the world's by default.
    """

    def __init__(
        self,
        client: DMarketClient,
        options: ScanOptions | None = None,
        *,
        cache: Cache | None = None,
        journal: Journal | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.client = client
        self.options = options or ScanOptions()
        self.cache = cache
        self.journal = journal
        self.clock = clock

    def stream(self, query: ScanQuery) -> ScanStream:
        """Opportunities as soon as they are known.

        Use it as ``async with scanner.stream(query) as stream: async for found in stream``. ``stream.report`` is complete
        when the loop ends; ``stream.stop()`` ends it early and keeps what was found.

        Raises:
            ScanFailed: no fees, keys refused, or more than a tenth of a stage failed; it carries what was found.
        """
        return ScanStream(Run(self.client, self.options, query, cache=self.cache, journal=self.journal, clock=self.clock))

    @measure_time
    async def scan(self, query: ScanQuery) -> ScanReport:
        """The whole scan; ``report.opportunities`` is sorted best first. Raises as ``stream`` does."""
        return await self._watched(query, None)

    @measure_time
    async def recall(self, query: ScanQuery, began: Callable[[ScanStream], None] | None = None) -> ScanReport:
        """The report of a scan that is fresh by the cache's policy, else of a new one; who asks while it runs waits for the same.

        ``began`` is called with the scan when this call makes a new one, to look on while it runs, or to stop it.
        ``report.started_at`` tells its age. Raises as ``stream`` does.
        """
        if self.cache is None:
            return await self._watched(query, began)
        asked = policy.scan(query)

        async def load(_: Sequence[Question], behind: bool) -> dict[str, ScanReport]:  # noqa: ARG001 - scans are never given out stale
            return {asked.name: await self._watched(query, began)}

        report: ScanReport = await self.cache.get_or_load(asked, load, self.options.priority)
        return report

    async def _watched(self, query: ScanQuery, began: Callable[[ScanStream], None] | None) -> ScanReport:
        async with self.stream(query) as stream:
            if began is not None:
                began(stream)
            async for _ in stream:
                pass
            return stream.report


class ScanStream:
    """A scan under way, as an async iterator of opportunities."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._begin()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    def __aiter__(self) -> AsyncIterator[Opportunity]:
        return self

    async def __anext__(self) -> Opportunity:
        task = self._begin()
        found = await self._run.results.get()
        if found is not None:
            return found
        await task
        raise StopAsyncIteration

    @property
    def report(self) -> ScanReport:
        """The report as far as the scan has come, with the opportunities best first."""
        return self._run.summary()

    @property
    def progress(self) -> ScanProgress:
        """Where the scan stands."""
        return self._run.progress()

    @property
    def latest(self) -> list[Opportunity]:
        """What was found so far, in the order of finding."""
        return list(self._run.found)

    async def first(self) -> None:
        """Wait until something was found, or the scan is over."""
        self._begin()
        await self._run.first.wait()

    async def stop(self, reason: str = "stopped") -> None:
        """End the scan now, with everything found so far in ``report``. Ending twice is harmless."""
        task = self._begin()
        self._run.stop(reason)
        with suppress(ScanFailed):
            await asyncio.shield(task)

    def _begin(self) -> asyncio.Task[None]:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run.run())
        return self._task
