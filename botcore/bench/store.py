"""What writing in batches gains: 100,000 price points at once against one by one, on SQLite and on PostgreSQL.

One by one is the store's own method with one point a call, each with its own commit. Both in one run, in turns.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from botcore.bench.postgres import NoPostgres, PostgresFailed, serve_postgres
from botcore.model import Game, Quote
from botcore.perf.record import Measure, RunRecord, Work, dotted
from botcore.store import PricePoint, Store, StoreOptions

__all__ = ["run"]

POINTS = 100_000
SINGLE = 2000
"""Points written one by one; the time of one is what counts."""
TITLES = 2000
BOUND = 30
_MARKET = "sandbox"


def run(*, quick: bool, say: Callable[[str], None]) -> RunRecord:
    """Measure both databases; ``quick`` takes fewer turns, and fewer points one by one."""
    started = datetime.now(UTC)
    turns, single = (3, SINGLE // 4) if quick else (5, SINGLE)
    measures: list[Measure] = []
    runs: list[dict[str, object]] = []
    for name, opened in {"SQLite": _sqlite, "PostgreSQL": _postgres}.items():
        say(f"{POINTS:,} price points, batched against one by one, {name}, {turns} turns")
        try:
            with opened() as url:
                found = asyncio.run(_measure(url, turns, single))
        except (NoPostgres, PostgresFailed) as error:
            say(f"nothing on {name}: {error}")
            runs.append({"database": name, "failed": str(error)})
            found = []
        runs += [{"database": name, **one} for one in found]
        samples = [one["single_us"] / one["batched_us"] for one in found] or [0.0]
        measures.append(Measure.of(f"{POINTS:,} price points, batched against one by one, {name}", samples, "times", f">= {BOUND}"))
    options = StoreOptions()
    told: dict[str, object] = {"batch": options.batch, "turns": turns, "points": POINTS, "single": single}
    return RunRecord(
        question="bench-store",
        run=dotted(run),
        started_at=started,
        work=Work(rows=(POINTS + single) * sum("failed" not in one for one in runs)),
        options=told,
        data={"titles": TITLES, "order": "by time, as scans write"},
        order="interleaved",
        samples=runs,
        measures=measures,
    ).also(("sqlalchemy", "aiosqlite", "asyncpg"))


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'bench.db'}"


@contextmanager
def _postgres() -> Iterator[str]:
    with serve_postgres(durable=True) as url:
        yield url


async def _measure(url: str, turns: int, single: int) -> list[dict[str, float]]:
    """Microseconds a point, batched and one by one, a turn each; every turn writes other points into the same tables."""
    found = []
    async with Store(StoreOptions(url=url)) as store:
        for turn in range(turns):
            points = _points(turn)
            alone, batched = points[:single], points[SINGLE:]
            one_by_one = await _timed(store, [[point] for point in alone])
            size = store.options.batch
            in_batches = await _timed(store, [batched[start : start + size] for start in range(0, len(batched), size)])
            found.append({"single_us": one_by_one, "batched_us": in_batches})
    return found


async def _timed(store: Store, chunks: list[list[PricePoint]]) -> float:
    start = time.perf_counter()
    for chunk in chunks:
        await store.add_points(_MARKET, chunk)
    return (time.perf_counter() - start) / sum(map(len, chunks)) * 1e6


def _points(turn: int) -> list[PricePoint]:
    """What one turn writes: so many titles, over and over, a minute apart, and as many more as are written one by one."""
    start = 1_700_000_000.0 + turn * 10_000_000
    return [
        PricePoint(Game.CSGO, start + number // TITLES * 60, Quote(f"AK-47 | Title {number % TITLES} (Field-Tested)", 1000 + number % 97, 12, 900, 3))
        for number in range(POINTS + SINGLE)
    ]
