"""Where the time of one run goes: by function, waiting told apart from working, and by line.

``by_cprofile`` and ``by_lines`` run a coroutine function in this process; ``flame`` in its own module watches another process. What
waits is told by ``measure_time``: a function's time from call to end, less what the processor did in it, is waiting.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import reduce
from importlib import import_module
from inspect import unwrap
from linecache import getline
from pathlib import Path
from types import CodeType
from typing import Any, Generic, TypeVar

import polars as pl

from botcore.errors import ConfigError, MeasureError
from botcore.model import ScanReport
from botcore.perf.record import Measure, RunRecord, Work, dotted
from botcore.timing import Timings, listening

__all__ = ["LINES", "Lines", "Profiled", "by_cprofile", "by_lines", "heard", "record", "resolve", "timings"]

T = TypeVar("T")
LINES = (
    "botcore.client.wire.decode_offers",
    "botcore.scan.table.Table.read",
    "botcore.scan.table.Table.settle",
    "botcore.scan.table.Table.judge",
    "botcore.scan.match.decide",
    "botcore.scan.run.Run._take",
)
"""The functions that work for each page, title or offer."""
_WAITS = ("'poll' of 'select.", "'select.epoll'", "select.select", "'control' of 'select.", "time.sleep", "'acquire' of '_thread.lock'")
"""How the profile names waiting: the loop that waits for the network or for a timer, and threads that wait."""
_BUILT_IN = re.compile(r"<(?:built-in )?method '?([\w.]+)'?(?: of '?([\w.]+)'? objects?(?: at 0x\w+)?)?>")
_OURS = "botcore"


class Profiled(Generic[T]):
    """A run under cProfile: what it gave, how long it took, and its statistics."""

    def __init__(self, run: str, result: T, seconds: float, stats: pstats.Stats, timings: Timings, started_at: datetime) -> None:
        self.run = run
        self.result = result
        self.seconds = seconds
        self.stats = stats
        self.timings = timings
        self.started_at = started_at

    def __repr__(self) -> str:
        return f"<Profiled {self.run}, {self.seconds:.2f} s: {self.worked:.2f} s of work, {self.waited:.2f} s waited>"

    @property
    def waited(self) -> float:
        """Seconds in which the loop had nothing to do."""
        return float(sum(own for key, (_, _, own, _, _) in self._rows() if _waits(key)))

    @property
    def worked(self) -> float:
        """Seconds in which the processor did something, the profiler's own share included."""
        return float(sum(own for key, (_, _, own, _, _) in self._rows() if not _waits(key)))

    def working(self, top: int = 10) -> pl.DataFrame:
        """The functions that worked longest by themselves: function, where, calls, own_ms, with_callees_ms, part of all work."""
        rows = [(key, row) for key, row in self._rows() if not _waits(key)]
        total = sum(row[2] for _, row in rows) or 1.0
        longest = sorted(rows, key=lambda item: -item[1][2])[:top]
        return pl.DataFrame([_work_row(key, row, total) for key, row in longest])

    def waiting(self, top: int = 10) -> pl.DataFrame:
        """The functions that waited longest, of those that wear ``measure_time``: function, calls, wait_ms, work_ms, median_ms of a call.

        Those that run side by side wait side by side, so together it is more than the run took.
        """
        work = self._work_by_name()
        rows = [_wait_row(row, work.get(row["function"], 0.0)) for row in self.timings.rows()]
        return pl.DataFrame(sorted(rows, key=lambda row: -row["wait_ms"])[:top])

    def save(self, path: Path) -> Path:
        """Write the ``.prof`` file, for snakeviz and other readers."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.stats.dump_stats(path)
        return path

    def _rows(self) -> list[tuple[Any, Any]]:
        return list(self.stats.stats.items())  # type: ignore[attr-defined] # typeshed does not tell what every reader of profiles reads

    def _work_by_name(self) -> dict[str, float]:
        """Processor seconds with callees, by the dotted name that ``measure_time`` tells."""
        by_place = {(file, line): row[3] for (file, line, _), row in self._rows()}
        found = {}
        for name in self.timings.functions:
            with suppress(ConfigError):
                code = _code(resolve(name))
                found[name] = by_place.get((code.co_filename, code.co_firstlineno), 0.0)
        return found


async def by_cprofile(work: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> Profiled[T]:
    """Run a coroutine function under cProfile. Only this thread is seen; the profile makes small functions look up to twice as slow."""
    profile, started = cProfile.Profile(), datetime.now(UTC)
    start = time.perf_counter()
    with listening() as timings, profile:
        result = await work(*args, **kwargs)
    return Profiled(dotted(work), result, time.perf_counter() - start, pstats.Stats(profile), timings, started)


class Lines(Generic[T]):
    """A run under line_profiler: what it gave, and the lines of the functions that were watched."""

    def __init__(self, run: str, result: T, rows: list[dict[str, Any]], seconds: float, started_at: datetime) -> None:
        self.run = run
        self.result = result
        self.rows = rows
        self.seconds = seconds
        self.started_at = started_at

    @property
    def frame(self) -> pl.DataFrame:
        """A row a line that ran: function, line, hits, own_ms, part (of its function), source. Suspended time is left out."""
        return pl.DataFrame(self.rows)

    def hottest(self, top: int = 10) -> pl.DataFrame:
        """The lines that took the most."""
        return self.frame.sort("own_ms", descending=True).head(top)


async def by_lines(work: Callable[..., Awaitable[T]], *args: Any, functions: Iterable[str] = LINES, **kwargs: Any) -> Lines[T]:
    """Run a coroutine function while line_profiler watches the functions of these dotted names. A tight loop runs ten times slower.

    Raises:
        ConfigError: there is no such function, or line_profiler is not installed.
    """
    watched = {_code(resolve(name)): name for name in functions}
    profiler, started = _line_profiler(), datetime.now(UTC)
    for name in watched.values():
        profiler.add_function(unwrap(resolve(name)))
    start = time.perf_counter()
    profiler.enable_by_count()
    try:
        result = await work(*args, **kwargs)
    finally:
        profiler.disable_by_count()
    seconds = time.perf_counter() - start
    stats = profiler.get_stats()
    named = {(code.co_filename, code.co_firstlineno): name for code, name in watched.items()}
    rows = [row for key, lines in stats.timings.items() for row in _line_rows(named[key[0], key[1]], key[0], lines, stats.unit)]
    return Lines(dotted(work), result, rows, seconds, started)


async def heard(work: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> tuple[T, Timings]:
    """Run a coroutine function while ``measure_time`` is listened to: its result and what was heard."""
    with listening() as told:
        result = await work(*args, **kwargs)
    return result, told


def timings(told: Timings) -> pl.DataFrame:
    """What was heard, a row a function, the most time first: function, calls, errors, total_ms, mean_ms, p50_ms, p95_ms, p99_ms, max_ms."""
    return pl.DataFrame(told.rows())


def record(profiled: Profiled[ScanReport] | Lines[ScanReport], *, top: int = 10, data: dict[str, Any] | None = None) -> RunRecord:
    """The record of a profiled scan: its work, and the slowest functions or lines as its samples. Raises MeasureError when it did nothing."""
    if isinstance(profiled, Lines):
        rows, how, measures = profiled.hottest(top).to_dicts(), "line_profiler", []
    else:
        rows = [{"kind": "work", **row} for row in profiled.working(top).to_dicts()] + [{"kind": "wait", **row} for row in profiled.waiting(top).to_dicts()]
        how, measures = "cProfile", [Measure.of("worked", [profiled.worked], "seconds"), Measure.of("waited", [profiled.waited], "seconds")]
    return RunRecord(
        question=f"profile-scan-{'lines' if isinstance(profiled, Lines) else 'functions'}",
        run=profiled.run,
        started_at=profiled.started_at,
        work=Work.of_scans([profiled.result]),
        options={"profiler": how, "top": top},
        data=data or {},
        samples=rows,
        measures=[*measures, Measure.of("whole", [profiled.seconds], "seconds")],
    )


def resolve(name: str) -> Callable[..., Any]:
    """The function of a dotted name. Raises ConfigError when there is none."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            module = import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        try:
            found = reduce(getattr, parts[cut:], module)
        except AttributeError:
            break
        if callable(found):
            return found
    raise ConfigError(f"there is no function {name}: write its dotted name, such as {LINES[1]}")


def _code(function: Callable[..., Any]) -> CodeType:
    code = getattr(unwrap(function), "__code__", None)
    if not isinstance(code, CodeType):
        raise ConfigError(f"{function!r} has no lines that could be watched: it is not written in Python")
    return code


def _waits(key: tuple[str, int, str]) -> bool:
    return any(word in key[2] for word in _WAITS)


def _work_row(key: tuple[str, int, str], row: Sequence[Any], total: float) -> dict[str, Any]:
    return {
        "function": _named(key[2]),
        "where": _where(key[0], key[1]),
        "calls": row[1],
        "own_ms": 1000 * row[2],
        "with_callees_ms": 1000 * row[3],
        "part": row[2] / total,
    }


def _wait_row(row: dict[str, Any], work: float) -> dict[str, Any]:
    waited = max(0.0, row["total_ms"] - 1000 * work)
    return {"function": row["function"], "calls": row["calls"], "wait_ms": waited, "work_ms": 1000 * work, "median_ms": row["p50_ms"]}


def _named(function: str) -> str:
    """A function as one would write it: ``socket.send`` for what the profile calls ``<method 'send' of '_socket.socket' objects>``."""
    built_in = _BUILT_IN.fullmatch(function)
    return ".".join(filter(None, (built_in[2], built_in[1]))) if built_in else function


def _where(file: str, line: int) -> str:
    """A place without the folders of this machine: from the package on."""
    if not line:
        return "built in"
    parts = Path(file).parts
    start = next((place for place, part in enumerate(parts) if part in (_OURS, "site-packages")), len(parts) - 1)
    start += parts[start] == "site-packages"
    return f"{'/'.join(parts[start:])}:{line}"


def _line_profiler() -> Any:
    # From 3.12 on its newer core loses hits where profiled code also runs in threads; this must be said before it is imported.
    if sys.version_info >= (3, 12):
        os.environ.setdefault("LINE_PROFILER_CORE", "legacy")
    try:
        from line_profiler import LineProfiler  # noqa: PLC0415 - as just said
    except ModuleNotFoundError:
        raise ConfigError("profiling by line needs the extra `lab`: pip install 'botcore[lab]'") from None
    return LineProfiler()


def _line_rows(name: str, file: str, lines: Sequence[tuple[int, int, int]], unit: float) -> list[dict[str, Any]]:
    total = sum(spent for _, _, spent in lines) or 1
    if any(hits < 0 for _, hits, _ in lines):
        raise MeasureError(f"line_profiler counted wrongly in {name}: measure again")
    return [
        {"function": name, "line": line, "hits": hits, "own_ms": 1000 * spent * unit, "part": spent / total, "source": getline(file, line).strip()}
        for line, hits, spent in lines
    ]
