"""The README's picture of a sweep comes from the newest record, and the same record gives the same file."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from botcore.cli import picture
from botcore.errors import MeasureError
from botcore.perf.record import RunRecord, Work, write


def kept(folder, day, ratio):
    samples = [{"bands": bands, "latency": latency, "ratio": ratio} for bands in ("one chain", 1, 2, "auto") for latency in (0.05, 0.15)]
    started = datetime(2026, 11, day, tzinfo=UTC)
    return write(RunRecord(question=picture.SWEPT, run="x.y", started_at=started, work=Work(answers=1), samples=samples), folder)


def test_the_sweep_is_drawn_from_the_newest_record_and_is_the_same_file_again(tmp_path):
    kept(tmp_path, 1, 1.2)
    drawn = [tmp_path / name for name in ("a.svg", "b.svg", "b.svg")]
    picture.sweep(drawn[0], tmp_path)
    kept(tmp_path, 2, 3.0)
    texts = []
    for path in drawn[1:]:
        picture.sweep(path, tmp_path)
        texts.append(path.read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    assert drawn[0].read_text(encoding="utf-8") != texts[0]


def test_without_a_record_it_says_what_to_measure(tmp_path):
    with pytest.raises(MeasureError, match="how-many-bands: measure it first"):
        picture.sweep(tmp_path / "a.svg", tmp_path)
