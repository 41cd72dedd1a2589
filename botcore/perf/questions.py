"""The questions that can be measured, each with how it is measured and which numbers its samples choose."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import polars as pl

from botcore.perf import batches, before, day, pools, remembering, scans
from botcore.perf.record import FOLDER, read, samples_frame
from botcore.perf.sweep import Progress, Sweep, short
from botcore.perf.tuning import Choice, choose, save
from botcore.tuned import DEFAULT, Tuned, Value, record_of

__all__ = ["OUTDATED", "QUESTIONS", "Question", "again", "choices", "keep", "told"]

OUTDATED = {"quotes": 0.05, "targets": 0.02, "sales": 0.05}
"""The most of what memory gives that may be out of date, for a lifetime to be chosen: least of buy orders, on which whoever buys relies at once."""


class Measure(Protocol):
    """Measures a question, or its short form."""

    def __call__(self, *, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True) -> Awaitable[Sweep]:
        """The sweep, with its frame."""


class Question(NamedTuple):
    """What is asked, how it is measured, and how each number that it chooses is chosen: the arguments of ``tuning.choose`` by its name."""

    text: str
    measure: Measure
    chooses: Mapping[str, Mapping[str, Any]] = {}


QUESTIONS: dict[str, Question] = {
    "batch": Question("How many items to ask for at a time?", batches.measure),
    "pool": Question(
        "How many connections, of which kind?",
        pools.measure,
        {
            "pool.max_connections": {"by": "connections", "of": "request_ms", "per": "distance", "where": {"quota": True}},
            "pool.max_keepalive": {"by": "kept", "of": "request_ms", "per": "distance", "where": pools.AMONG},
        },
    ),
    "bands": Question("How many price bands at once?", scans.bands, {"scan.bands": {"by": "bands", "per": "latency", "order": ("auto",)}}),
    "concurrency": Question("How much evidence at once?", scans.concurrency, {"scan.concurrency": {"by": "concurrency", "per": "latency"}}),
    "titles": Question(
        "How many titles a quote within a scan?", scans.batch_sizes, {"scan.batch_size": {"by": "batch_size", "per": "items", "order": ("auto",)}}
    ),
    "hits": Question("How long does an answer take from each level?", remembering.hits),
    "stampede": Question("What do many who ask the same at once cost?", remembering.stampede),
    "warming": Question("What does warming save a scan?", remembering.warming),
    "forgetting": Question("How long does forgetting take?", remembering.forgetting),
    "lifetimes": Question(
        "How long to remember?",
        day.measure,
        {
            f"cache.{subject}": {"by": "lifetime", "of": "upstream", "where": {"subject": subject}, "limit": ("outdated", most)}
            for subject, most in OUTDATED.items()
        },
    ),
    "before": Question("What is it worth, all in all?", before.measure),
}


def choices(question: str, frame: pl.DataFrame, in_force: Callable[[str], Value | None] = lambda _: None) -> list[Choice]:
    """What the samples of a question choose. ``in_force`` gives the number that is used now, by name: ``Settings.value`` for one."""
    return [choose(frame, name, in_force=in_force(name), **how) for name, how in QUESTIONS[question].chooses.items()]


def told(chosen: Sequence[Choice]) -> pl.DataFrame:
    """A row a choice: name, value as text, moved, why."""
    schema = {"name": pl.String, "value": pl.String, "moved": pl.Boolean, "why": pl.String}
    return pl.DataFrame([{"name": one.name, "value": str(one.value), "moved": one.moved, "why": one.why} for one in chosen], schema=schema)


def keep(swept: Sweep, chosen: Sequence[Choice], source: str, *, folder: Path = FOLDER, file: Path = DEFAULT) -> Path:
    """Write the record, and what it chose; gives the record's path. ``source`` is the notebook or command.

    The short form of a notebook has too few samples to change what the bot uses: then the record alone is written.

    Raises:
        MeasureError: nothing was measured, or nothing can be chosen.
        ConfigError: the file of the numbers in force cannot be trusted, or not be written.
    """
    path = swept.save(folder)
    for choice in () if short() else chosen:
        save(choice, path, source, path=file)
    return path


def again(question: str, entries: Mapping[str, Tuned], file: Path = DEFAULT) -> list[Choice]:
    """What the records behind the numbers in force choose when they are asked again: the same, or the file is older than the rules.

    ``entries`` and ``file`` are ``tuned`` and ``tuned_file`` of the settings; numbers that another question chooses are left out.

    Raises:
        MeasureError: a record cannot be read.
    """
    rules = QUESTIONS[question].chooses
    asked = [(name, entries[name], samples_frame(read(record_of(file, entries[name])))) for name in rules if name in entries]
    return [choose(frame, name, in_force=entry.value, **rules[name]) for name, entry, frame in asked]
