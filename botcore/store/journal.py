"""What a scan hands its observations to. Nothing here waits for the database, or fails because of it, but ``flush`` and ``close``."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import msgspec

from botcore.errors import StoreError
from botcore.model import Game, Quote, Sale, ScanReport
from botcore.store.connect import Unfit
from botcore.store.rows import History, PricePoint
from botcore.store.store import Store
from botcore.timing import measure_time

__all__ = ["Journal", "JournalCounts"]

CLOSING = 15.0
_log = logging.getLogger(__name__)


class JournalCounts(msgspec.Struct):
    """Rows written, transactions, rows lost because the buffer was full or the database refuses them, failed transactions."""

    written: int = 0
    batches: int = 0
    dropped: int = 0
    failures: int = 0


class _Entry(msgspec.Struct, frozen=True):
    """What was handed over in one call."""

    rows: int
    points: Sequence[PricePoint] = ()
    history: History | None = None
    report: ScanReport | None = None


class Journal:
    """Takes price points, sales and reports of one market, and writes them in batches from a task of its own.

    An async context manager. While the store cannot be written to, rows stay in memory, up to ``StoreOptions.buffer``;
    one warning is logged, and they are tried again. Cancelling the scan that hands rows over takes none of them back.
    ``closing``: seconds that closing waits for the last rows.
    """

    def __init__(self, store: Store, market: str, *, closing: float = CLOSING) -> None:
        self.counts = JournalCounts()
        self._store = store
        self._market = market
        self._closing = closing
        self._entries: deque[_Entry] = deque()
        self._rows = 0
        self._ended = 0  # rows written or dropped so far, by which a flush knows that its own are among them
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._trouble: StoreError | None = None
        self._overflowing = False
        self._alone = 0  # entries still to be written one by one, since one of them is refused

    def __repr__(self) -> str:
        return f"<Journal of {self._market}: {self._rows} rows waiting, {self.counts}>"

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            await self.close()
        except StoreError as failure:
            if error is None:
                raise
            _log.warning("%s", failure)  # the other error is what the caller must hear of

    @property
    def waiting(self) -> int:
        """Rows handed over and not written yet."""
        return self._rows

    # What a scan calls

    def quoted(self, game: Game, quotes: Iterable[Quote], at: float) -> None:
        """Quotes that were read, at unix seconds."""
        points = tuple(PricePoint(game, at, quote) for quote in quotes)
        self._take(_Entry(len(points), points=points))

    def sold(self, game: Game, title: str, sales: Sequence[Sale]) -> None:
        """The sales of a title, all that one answer told."""
        self._take(_Entry(len(sales), history=History(game, title, tuple(sales))))

    def scanned(self, report: ScanReport) -> None:
        """A scan that ended, however it ended; taken as it is now."""
        kept = msgspec.structs.replace(report, opportunities=list(report.opportunities))
        self._take(_Entry(1 + 2 * len(kept.opportunities), report=kept))

    def _take(self, entry: _Entry) -> None:
        if not entry.rows:
            return
        if self._rows + entry.rows > self._store.options.buffer:
            self.counts.dropped += entry.rows
            if not self._overflowing:
                _log.warning("the store does not keep up: what is seen from now on is not kept until it does")
            self._overflowing = True
            return
        self._entries.append(entry)
        self._rows += entry.rows
        self._wake.set()
        if self._rows >= self._store.options.batch and self._trouble is None:
            self._hurry.set()

    # What the app calls

    @measure_time
    async def flush(self) -> None:
        """Wait until all that was handed over so far is written."""
        if not self._entries:
            return
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((self._ended + self._rows, done))
        self._hurry.set()
        await done

    async def close(self, deadline: float | None = None) -> None:
        """Write what is left and end. Raises StoreError with the number of rows that could not be written within ``deadline`` seconds."""
        deadline = self._closing if deadline is None else deadline
        task, self._task = self._task, None
        if task is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline):
                await self.flush()
        task.cancel()
        await asyncio.wait([task])
        if self._rows:
            why = self._trouble or f"the store did not answer within {deadline:g} s"
            raise StoreError(f"{self._rows:,} rows could not be written: {why}")

    # The task

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            pause = self._store.options.flush if self._trouble is None else self._store.options.retry
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), pause)
            self._hurry.clear()
            while self._entries and await self._write():
                pass

    async def _write(self) -> bool:
        """Write one batch; False when that failed and a pause is due."""
        batch = self._batch()
        try:
            await self._store.write(
                self._market,
                points=[point for entry in batch for point in entry.points],
                histories=[entry.history for entry in batch if entry.history is not None],
                reports=[entry.report for entry in batch if entry.report is not None],
            )
        except Unfit as error:
            self._part(batch, error)
            return True
        except StoreError as error:
            self._fail(error)
            return False
        self.counts.written += sum(entry.rows for entry in batch)
        self.counts.batches += 1
        self._end(batch)
        if self._trouble is not None:
            _log.info("the store can be written to again")
        self._trouble = None
        return True

    def _batch(self) -> list[_Entry]:
        """The oldest entries that make a batch."""
        batch: list[_Entry] = []
        rows = 0
        for entry in self._entries:
            if batch and (self._alone or rows + entry.rows > self._store.options.batch):
                break
            batch.append(entry)
            rows += entry.rows
        return batch

    def _end(self, batch: list[_Entry]) -> None:
        for entry in batch:
            self._entries.popleft()
            self._rows -= entry.rows
            self._ended += entry.rows
            self._alone = max(0, self._alone - 1)
        if not self._entries:
            self._wake.clear()
        self._overflowing = False
        for target, waiter in self._waiting:
            if target <= self._ended and not waiter.done():
                waiter.set_result(None)
        self._waiting = [(target, waiter) for target, waiter in self._waiting if not waiter.done()]

    def _part(self, batch: list[_Entry], error: Unfit) -> None:
        """One entry is refused for good: find it by writing each alone, and leave it out."""
        self.counts.failures += 1
        if len(batch) > 1:
            self._alone = len(batch)
            return
        _log.warning("%s", error)
        self.counts.dropped += batch[0].rows
        self._end(batch)

    def _fail(self, error: StoreError) -> None:
        self.counts.failures += 1
        if self._trouble is None:
            _log.warning("%s. Up to %s rows are kept in memory and tried again", error, f"{self._store.options.buffer:,}")
        self._trouble = error
