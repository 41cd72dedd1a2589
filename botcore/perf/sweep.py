"""A grid of options → a frame of samples: in random order, interleaved, warmed up, repeated, and resumed after a stop.

Each round measures every point once, in an order of its own, so that what happens to the machine meanwhile happens to all of
them. What was measured is on the disk at once: a sweep that is stopped goes on where it was when it is asked for again.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import IO, Any, Protocol, Self

import msgspec
import polars as pl

from botcore.errors import MeasureError
from botcore.perf.record import FOLDER, Measure, RunRecord, Work, commit, write

__all__ = ["Plan", "Progress", "Sample", "Sweep", "grid", "short", "sweep"]

Point = dict[str, Any]


class Progress(Protocol):
    """Hears where a measurement stands."""

    def __call__(self, done: int, total: int, text: str) -> None:
        """``done`` of ``total`` samples are there; ``text`` is being measured now."""


class Sample(msgspec.Struct):
    """What one run gave: its figures by column, ``seconds`` among them, and the work that was done for them."""

    values: dict[str, Any]
    work: Work


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure: a question (part of the record's file name), the dotted name of what is run, its points, and how often.

    ``options`` and ``data`` go into the record as they are. ``seed`` is of the order; ``warmups`` rounds are thrown away. ``of`` is
    the column whose medians the record shows. Points that differ in ``beside`` are measured side by side, each value of it in its
    own time: only for what waits far longer than it works, each at a market of its own. A sample that was refused by quota is
    measured ``again`` so often at most, and has ``tries``: what a setting causes comes again, what a busy machine did does not.
    """

    question: str
    run: str
    points: tuple[Point, ...]
    repeats: int
    options: dict[str, Any] = {}
    data: dict[str, Any] = {}
    warmups: int = 1
    seed: int = 1
    of: str = "seconds"
    beside: str = ""
    again: int = 0

    def schedule(self) -> list[tuple[int, int]]:
        """Round and point of each sample, in the order of measuring."""
        chance = random.Random(self.seed)  # noqa: S311 - an order, not a secret
        places = range(len(self.points))
        return [(turn, place) for turn in range(self.repeats) for place in chance.sample(places, len(places))]

    @property
    def order(self) -> str:
        """The order in words, for the record."""
        beside = f", each {self.beside} beside the others" if self.beside else ""
        again = f", what was refused {self.again} times again" if self.again else ""
        return f"{self.repeats} rounds, each over all {len(self.points)} points in random order, seed {self.seed}{beside}{again}"


class Sweep(msgspec.Struct):
    """A sweep that was measured."""

    plan: Plan
    started_at: datetime
    samples: list[dict[str, Any]]
    work: Work

    @property
    def frame(self) -> pl.DataFrame:
        """A row a sample: ``round``, the point's options, what was measured, and the work done for it."""
        return pl.DataFrame(self.samples, infer_schema_length=None, strict=False)

    def record(self, *, measures: Sequence[Measure] = ()) -> RunRecord:
        """The record; without ``measures`` it has the medians of each point. Raises MeasureError when nothing was done."""
        plan = self.plan
        return RunRecord(
            question=plan.question,
            run=plan.run,
            started_at=self.started_at,
            work=self.work,
            options={**plan.options, "repeats": plan.repeats},
            data=plan.data,
            order=plan.order,
            warmups=plan.warmups,
            samples=self.samples,
            measures=list(measures) or self._medians(),
        )

    def save(self, folder: Path = FOLDER) -> Path:
        """Write the record, and give its path."""
        return write(self.record(), folder)

    def _medians(self) -> list[Measure]:
        names = list(dict.fromkeys(name for point in self.plan.points for name in point))
        groups: dict[str, list[float]] = {}
        for row in self.samples:
            groups.setdefault(_named({name: row[name] for name in names if row.get(name) is not None}), []).append(float(row[self.plan.of]))
        return [Measure.of(name, values, self.plan.of) for name, values in sorted(groups.items())]


def grid(**axes: Iterable[Any]) -> tuple[Point, ...]:
    """Every combination of the axes' values."""
    return tuple(dict(zip(axes, values, strict=True)) for values in product(*axes.values()))


def short(*, wanted: bool | None = None) -> bool:
    """Whether the short form of a measurement is wanted: as said, else ``BOTCORE_NOTEBOOKS=short`` in the environment."""
    return os.environ.get("BOTCORE_NOTEBOOKS", "") == "short" if wanted is None else wanted


async def sweep(
    plan: Plan, measure: Callable[[Point], Awaitable[Sample]], *, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True
) -> Sweep:
    """Measure a plan. What an earlier, stopped sweep of the same plan at the same commit measured is taken over, unless ``resume`` is False.

    Raises:
        MeasureError: a run did no work, or what is measured cannot be kept.
    """
    said = progress or _silent
    with _Kept(plan, folder, resume=resume) as kept:
        schedule = plan.schedule()
        left = [one for one in schedule if one not in kept.taken]
        if left:
            await _warm(plan, measure, said, len(kept.samples), len(schedule))
        await _side_by_side([_lane(plan, some, measure, said, kept) for some in _lanes(plan, left)])
        said(len(schedule), len(schedule), "done")
        kept.done = True
        return Sweep(plan, kept.started_at, kept.samples, kept.work)


async def _lane(plan: Plan, some: Sequence[tuple[int, int]], measure: Callable[[Point], Awaitable[Sample]], said: Progress, kept: _Kept) -> None:
    """Measure some of the samples, one after the other."""
    for turn, place in some:
        point = plan.points[place]
        said(len(kept.samples), len(plan.points) * plan.repeats, _named(point))
        kept.add((turn, place), point, await _measured(plan, point, measure))


async def _measured(plan: Plan, point: Point, measure: Callable[[Point], Awaitable[Sample]]) -> Sample:
    """A sample that was not refused, or the last of so many."""
    tries = 0
    while True:
        tries += 1
        sample = _checked(plan, point, await measure(point))
        if not sample.work.refused or tries > plan.again:
            return Sample({**sample.values, **({"tries": tries} if plan.again else {})}, sample.work)


def _lanes(plan: Plan, left: Iterable[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """What is left to be measured, by what may be measured side by side."""
    lanes: dict[Any, list[tuple[int, int]]] = {}
    for turn, place in left:
        lanes.setdefault(plan.points[place].get(plan.beside), []).append((turn, place))
    return list(lanes.values())


async def _side_by_side(works: Sequence[Coroutine[Any, Any, None]]) -> None:
    """All of them, until one fails; that ends the others, and its error is raised as it is."""
    if len(works) == 1:
        await works[0]  # within this very task, so that an interrupt ends it as it ends any
        return
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _warm(plan: Plan, measure: Callable[[Point], Awaitable[Sample]], said: Progress, done: int, total: int) -> None:
    for _ in range(plan.warmups):
        for point in plan.points:
            said(done, total, f"warming up: {_named(point)}")
            await measure(point)


def _checked(plan: Plan, point: Point, sample: Sample) -> Sample:
    if not sample.work.any:
        raise MeasureError(f"{plan.question}: nothing was done at {_named(point)}; see why before measuring again")
    return sample


def _named(point: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in point.items())


def _silent(done: int, total: int, text: str) -> None:
    del done, total, text


class _Line(msgspec.Struct):
    """A sample as it is kept on the disk: its round and the place of its point, its row, and its work."""

    taken: tuple[int, int]
    row: dict[str, Any]
    work: Work


class _Head(msgspec.Struct):
    """What the samples of a file belong to."""

    digest: str
    started_at: datetime


class _Kept:
    """Samples of a sweep under way, in a file beside the records, a line each, until the sweep is done."""

    def __init__(self, plan: Plan, folder: Path, *, resume: bool) -> None:
        self.path = folder / f"{plan.question}.part.jsonl"
        self.started_at = datetime.now(UTC)
        self.taken: set[tuple[int, int]] = set()
        self.samples: list[dict[str, Any]] = []
        self.work = Work()
        self.done = False
        self._digest = blake2b(msgspec.json.encode([plan, *commit()], order="sorted", enc_hook=str), digest_size=8).hexdigest()
        self._resume = resume
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not (self._resume and self._take_over()):
                self.path.write_bytes(msgspec.json.encode(_Head(self._digest, self.started_at)) + b"\n")
            self._file = self.path.open("ab")
        except OSError as error:
            raise MeasureError(f"{self.path} cannot be written, so nothing would be kept: {error.strerror}") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        if self.done:
            with suppress(OSError):
                self.path.unlink()

    def add(self, taken: tuple[int, int], point: Point, sample: Sample) -> None:
        """Keep a sample for good before the next is measured."""
        line = _Line(taken, {"round": taken[0], **point, **sample.values, **sample.work.flat()}, sample.work)
        if self._file is None:
            raise MeasureError("the sweep is over")
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()
        self._take(line)

    def _take(self, line: _Line) -> None:
        self.taken.add(line.taken)
        self.samples.append(line.row)
        self.work += line.work

    def _take_over(self) -> bool:
        """Whether there is a file of this very plan and commit; its samples are taken. A torn last line is left out."""
        if not self.path.exists():
            return False
        first, *rest = self.path.read_bytes().splitlines(keepends=True) or [b""]
        try:
            head = msgspec.json.decode(first, type=_Head)
            lines = [msgspec.json.decode(line, type=_Line) for line in rest if line.endswith(b"\n")]
        except msgspec.MsgspecError:
            return False
        if head.digest != self._digest:
            return False
        self.started_at = head.started_at
        self.path.write_bytes(first + b"".join(line for line in rest if line.endswith(b"\n")))
        for line in lines:
            self._take(line)
        return True
