"""How long functions take: one structured log line a call, and a histogram for whoever listens.

Every layer wears ``measure_time``, so this module knows none of them. While nobody listens and the log does not want the
line, a call costs a fraction of a microsecond more.
"""

from __future__ import annotations

import inspect
import logging
import math
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

__all__ = ["EVENT", "Histogram", "Timings", "listening", "measure_time"]

P = ParamSpec("P")
R = TypeVar("R")
EVENT = "performance_metric"
"""What the log line is called; ``function``, ``elapsed_ms`` and ``outcome`` are its fields."""
_STEPS = 16
"""Buckets for each doubling of the time: a percentile is at most 2.2 % off."""
_QUANTILES = (0.5, 0.95, 0.99)
_log = logging.getLogger(__name__)
_heard: tuple[Timings, ...] = ()


class Histogram:
    """Times of one function in seconds, in buckets that grow with the time, so that any number of calls takes little memory."""

    __slots__ = ("_buckets", "calls", "errors", "most", "total")

    def __init__(self) -> None:
        self.calls = 0
        self.errors: dict[str, int] = {}
        self.total = 0.0
        self.most = 0.0
        self._buckets: dict[int, int] = {}

    def __repr__(self) -> str:
        return f"<Histogram of {self.calls} calls, median {1000 * self.quantile(0.5):.3f} ms>"

    def add(self, seconds: float, outcome: str = "ok") -> None:
        """One call, and ``ok`` or the name of the error that it raised."""
        self.calls += 1
        self.total += seconds
        self.most = max(self.most, seconds)
        bucket = math.floor(_STEPS * math.log2(seconds)) if seconds > 0 else -1000
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        if outcome != "ok":
            self.errors[outcome] = self.errors.get(outcome, 0) + 1

    def quantile(self, part: float) -> float:
        """The time in seconds that ``part`` (0 to 1) of the calls stayed below; 0 without any."""
        left = part * self.calls
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return min(self.most, math.exp2((bucket + 0.5) / _STEPS))
        return self.most


class Timings:
    """A histogram for each function that was called while this listened, under its dotted name."""

    def __init__(self) -> None:
        self.functions: dict[str, Histogram] = {}

    def __repr__(self) -> str:
        return f"<Timings of {len(self.functions)} functions>"

    def __getitem__(self, function: str) -> Histogram:
        return self.functions[function]

    def add(self, function: str, seconds: float, outcome: str) -> None:
        """One call of a function."""
        histogram = self.functions.get(function)
        if histogram is None:
            histogram = self.functions[function] = Histogram()
        histogram.add(seconds, outcome)

    def rows(self) -> list[dict[str, Any]]:
        """A row a function, the most time first: function, calls, errors, total_ms, mean_ms, p50_ms, p95_ms, p99_ms and max_ms."""
        ordered = sorted(self.functions.items(), key=lambda item: -item[1].total)
        return [_row(function, histogram) for function, histogram in ordered]


def _row(function: str, histogram: Histogram) -> dict[str, Any]:
    quantiles = {f"p{round(100 * part)}_ms": round(1000 * histogram.quantile(part), 4) for part in _QUANTILES}
    total = 1000 * histogram.total
    row: dict[str, Any] = {"function": function, "calls": histogram.calls, "errors": sum(histogram.errors.values())}
    return row | {"total_ms": round(total, 4), "mean_ms": round(total / histogram.calls, 4), **quantiles, "max_ms": round(1000 * histogram.most, 4)}


@contextmanager
def listening() -> Iterator[Timings]:
    """Hear every call in this process, tasks and threads that began earlier included, until the block ends; what was heard stays."""
    global _heard  # noqa: PLW0603 - a call must find out by one look whether anybody listens
    timings = Timings()
    _heard = (*_heard, timings)
    try:
        yield timings
    finally:
        _heard = tuple(one for one in _heard if one is not timings)


def measure_time(function: Callable[P, R]) -> Callable[P, R]:
    """Measure each call of a function, a coroutine function or an async generator function, also when it raises.

    An async generator's time is that of its own steps, without what its reader does in between. A generator function is
    refused, since a call of it does nothing yet.
    """
    name = f"{function.__module__}.{function.__qualname__}"
    if inspect.isgeneratorfunction(function):
        raise TypeError(f"{name} is a generator: what would be measured is its making")
    if inspect.isasyncgenfunction(function):
        return _dressed(function, lambda call: _Steps(name, call))
    if inspect.iscoroutinefunction(function):
        dressed = _dressed(function, lambda call: _awaited(name, call))
        # From 3.12 on a plain function can say that what it gives is a coroutine.
        mark: Callable[[Callable[P, R]], Callable[P, R]] = getattr(inspect, "markcoroutinefunction", lambda plain: plain)
        return mark(dressed)
    return _timed(name, function)


def _listened() -> bool:
    return bool(_heard) or _log.isEnabledFor(logging.DEBUG)


def _dressed(function: Callable[P, Any], measured: Callable[[Any], Any]) -> Callable[P, Any]:
    """The function, whose coroutine or generator goes out as it is unless somebody listens: so no profile is full of us."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        made = function(*args, **kwargs)
        return measured(made) if _listened() else made

    return call


def _timed(name: str, function: Callable[P, R]) -> Callable[P, R]:
    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not _listened():
            return function(*args, **kwargs)
        start = time.perf_counter()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            _tell(name, time.perf_counter() - start, type(error).__name__)
            raise
        _tell(name, time.perf_counter() - start, "ok")
        return result

    return call


async def _awaited(name: str, call: Coroutine[Any, Any, R]) -> R:
    start = time.perf_counter()
    try:
        result = await call
    except BaseException as error:
        _tell(name, time.perf_counter() - start, type(error).__name__)
        raise
    _tell(name, time.perf_counter() - start, "ok")
    return result


class _Steps(AsyncGenerator[Any, Any]):
    """An async generator whose steps are timed. It is told of once: at its end, when it raises, or when its reader closes it."""

    def __init__(self, name: str, steps: AsyncGenerator[Any, Any]) -> None:
        self._name = name
        self._steps = steps
        self._seconds = 0.0
        self._told = False

    async def __anext__(self) -> Any:
        return await self._step(self._steps.__anext__())

    async def asend(self, value: Any) -> Any:
        return await self._step(self._steps.asend(value))

    async def athrow(self, kind: Any, value: BaseException | object = None, trace: TracebackType | None = None) -> Any:
        return await self._step(self._steps.athrow(kind) if value is None and trace is None else self._steps.athrow(kind, value, trace))

    async def aclose(self) -> None:
        start = time.perf_counter()
        try:
            await self._steps.aclose()
        finally:
            self._seconds += time.perf_counter() - start
            self._end("ok")

    async def _step(self, step: Any) -> Any:
        start = time.perf_counter()
        outcome = ""
        try:
            return await step
        except (StopAsyncIteration, GeneratorExit):
            outcome = "ok"
            raise
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            self._seconds += time.perf_counter() - start
            if outcome:
                self._end(outcome)

    def _end(self, outcome: str) -> None:
        if not self._told:
            self._told = True
            _tell(self._name, self._seconds, outcome)


def _tell(function: str, seconds: float, outcome: str) -> None:
    for timings in _heard:
        timings.add(function, seconds, outcome)
    if _log.isEnabledFor(logging.DEBUG):
        told = {"event": EVENT, "function": function, "elapsed_ms": round(1000 * seconds, 4), "outcome": outcome}
        _log.debug("%s function=%s elapsed_ms=%.4f outcome=%s", *told.values(), extra=told)
