"""The questions that can be measured, each with how it is measured and which numbers its samples choose."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import polars as pl

from botcore.perf import batches, before, day, pools, remembering, scans
from botcore.perf.record import FOLDER
from botcore.perf.sweep import Progress, Sweep
from botcore.perf.tuning import Choice, choose
from botcore.tuned import Value

__all__ = ["OUTDATED", "QUESTIONS", "Question", "choices"]

OUTDATED = 0.05
"""The most answers that may be out of date, of all, for a lifetime to be chosen."""


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
    "batch": Question(
        "How many items to ask for at a time?", batches.measure, {"scan.batch_size": {"by": "batch", "per": "items", "where": {"way": "request"}}}
    ),
    "pool": Question(
        "How many connections, of which kind?",
        pools.measure,
        {"pool.max_connections": {"by": "connections", "of": "request_ms", "per": "distance", "where": {"quota": True}}},
    ),
    "bands": Question("How many price bands at once?", scans.bands, {"scan.bands": {"by": "bands", "of": "ratio", "per": "latency", "order": ("auto",)}}),
    "concurrency": Question("How much evidence at once?", scans.concurrency, {"scan.concurrency": {"by": "concurrency", "of": "ratio", "per": "latency"}}),
    "titles": Question("How many titles a quote within a scan?", scans.batch_sizes),
    "hits": Question("How long does an answer take from each level?", remembering.hits),
    "stampede": Question("What do many who ask the same at once cost?", remembering.stampede),
    "warming": Question("What does warming save a scan?", remembering.warming),
    "forgetting": Question("How long does forgetting take?", remembering.forgetting),
    "lifetimes": Question(
        "How long to remember?",
        day.measure,
        {f"cache.{subject}": {"by": "lifetime", "of": "upstream", "where": {"subject": subject}, "limit": ("outdated", OUTDATED)} for subject in day.LIFETIMES},
    ),
    "before": Question("What is it worth, all in all?", before.measure),
}


def choices(question: str, frame: pl.DataFrame, in_force: Mapping[str, Value] | None = None) -> list[Choice]:
    """What the samples of a question choose. ``in_force`` has the numbers that are used now, by name."""
    return [choose(frame, name, in_force=(in_force or {}).get(name), **how) for name, how in QUESTIONS[question].chooses.items()]
