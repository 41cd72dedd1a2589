"""Measured numbers to test with, each with a record that exists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from botcore.model import Exit, RequestCounts
from botcore.perf import record
from botcore.perf.record import RunRecord, Work
from botcore.scan.confidence import Judged, calibrate
from botcore.tuned import Tuned

FILE = Path("data/tuned.toml")


def a_record(**more: object) -> Path:
    """Three rounds of two batches, each in two ways; ``more`` are columns with one value."""
    rows = [
        {"batch": batch, "way": way, "seconds": 1 / batch + round_ / 100, "asked": 10_000 * batch + round_, "refused": 0, **more}
        for round_ in range(3)
        for batch in (10, 50)
        for way in ("a", "b")
    ]
    return record.write(
        RunRecord(
            question="how-large",
            run="botcore.perf.batches.measure",
            started_at=datetime(2026, 9, 21, tzinfo=UTC),
            work=Work(RequestCounts(other=10)),
            samples=rows,
        )
    )


def an_entry(value: object = 50, *, columns: Mapping[str, object] | None = None, **more: object) -> Tuned:
    """An entry that rests on a record with these columns as well."""
    told = {"record": f"../{a_record(**(columns or {}))}", "source": "notebooks/02-how-large-a-batch.ipynb", "commit": "abc", "date": date(2026, 9, 21)}
    return msgspec.convert({"value": value, "by": "batch", "of": "seconds", "why": "it is best", **told, **more}, type=Tuned)


def a_calibration(market: str, *, half: int = 200, exits: tuple[Exit, ...] = tuple(Exit)) -> Tuned:
    """A calibration of a market where half of the outcomes came true, at low scores as at high ones, and as many as it learned from were held out."""
    outcomes = [Judged(way, number / half, came) for way in exits for number in range(half) for came in (True, False)]
    rows = [
        {"part": part, "exit": str(one.exit), "score": one.score, "chance": 0.5 if part == "held out" else None, "came_true": one.came_true}
        for part in ("learned", "held out")
        for one in outcomes
    ]
    made = RunRecord(
        question="were-the-alerts-right",
        run="botcore.perf.trust.learn",
        started_at=datetime(2026, 9, 21, tzinfo=UTC),
        work=Work(offers=len(rows)),
        data={"market": market},
        samples=rows,
    )
    told = {"record": f"../{record.write(made)}", "source": "notebooks/08-were-the-alerts-right.ipynb", "commit": "abc", "date": date(2026, 9, 21)}
    compared = {"by": "chance", "of": "came_true", "per": "exit", "where": {"part": "held out"}}
    return msgspec.convert({"value": calibrate(outcomes).plain(), "why": "it is right", **told, **compared}, type=Tuned)
