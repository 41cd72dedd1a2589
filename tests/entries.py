"""Measured numbers to test with, each with a record that exists."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from botcore.model import RequestCounts
from botcore.perf import record
from botcore.perf.record import RunRecord, Work
from botcore.tuned import Tuned

FILE = Path("data/tuned.toml")


def a_record():
    rows = [{"batch": batch, "way": way, "seconds": 1 / batch + round_ / 100, "refused": 0} for round_ in range(3) for batch in (10, 50) for way in ("a", "b")]
    return record.write(
        RunRecord(
            question="how-large",
            run="botcore.perf.batches.measure",
            started_at=datetime(2026, 9, 21, tzinfo=UTC),
            work=Work(RequestCounts(other=10)),
            samples=rows,
        )
    )


def an_entry(value: object = 50, **more: object) -> Tuned:
    told = {"record": f"../{a_record()}", "source": "notebooks/02-how-large-a-batch.ipynb", "commit": "abc", "date": date(2026, 9, 21)}
    return msgspec.convert({"value": value, "by": "batch", "of": "seconds", "why": "it is best", **told, **more}, type=Tuned)
