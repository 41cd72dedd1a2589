"""A record tells what was run and what came of it, is refused for what did no work, and old ones stay readable."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest

from botcore.errors import MeasureError
from botcore.model import Game, Level, RequestCounts, ScanReport
from botcore.perf import record
from botcore.perf.record import Measure, RunRecord, Work

ROOT = Path(__file__).parents[2]
WORK = Work(RequestCounts(market=3, other=2), bytes=100, offers=7)
SAMPLES = [{"batch": 1, "seconds": 2.0, "odd": [1]}, {"batch": 2, "seconds": 1.0, "odd": [2]}]


def made(**more):
    told = {"question": "how-fast", "run": "botcore.x.run", "started_at": datetime(2026, 9, 21, 12, 30, tzinfo=UTC), "work": WORK, "samples": SAMPLES}
    return RunRecord(**{**told, **more})


def test_a_record_is_read_back_as_it_was_written():
    one = made(options={"repeats": 2}, data={"seed": 1}, warmups=1, measures=[Measure.of("x", [1.0, 2.0, 4.0], "seconds", "<= 3")])
    path = record.write(one)
    assert re.fullmatch(r"profiling_results/20260921-123000-how-fast-\w+\.json", str(path))
    assert record.read(path) == one
    assert record.latest("how-fast") == one


@pytest.mark.parametrize("work", [Work(), Work(RequestCounts(market=2), refused=2), Work(bytes=5)])
def test_what_did_no_work_has_no_record(work):
    with pytest.raises(MeasureError, match="no record of how-fast: not one request was answered"):
        made(work=work)


def test_what_has_no_sample_has_no_record():
    with pytest.raises(MeasureError, match="it has no sample"):
        made(samples=[])


@pytest.mark.parametrize("work", [Work(RequestCounts(fee=1)), Work(offers=1), Work(answers=1), Work(rows=1)])
def test_any_work_is_enough(work):
    assert made(work=work).work.any


def test_work_adds_up():
    both = WORK + Work(RequestCounts(market=1), refused=1, answers=4)
    assert both == Work(RequestCounts(market=4, other=2), 1, 100, 7, 4)
    assert both.flat() == {"requests": 6, "refused": 1, "bytes": 100, "offers": 7, "answers": 4, "rows": 0}


def test_the_work_of_scans_is_what_their_reports_tell():
    report = ScanReport("sandbox", Game.CSGO, Level.PRO, datetime.now(UTC), listed=5, requests=RequestCounts(sales=2), throttled=1)
    assert Work.of_scans([report, report]) == Work(RequestCounts(sales=4), 2, offers=10)


def test_a_record_tells_commit_versions_and_machine_and_no_path():
    one = made().also(["redis", "no-such-package"])
    assert {"botcore", "httpx", "redis"} <= one.versions.keys()
    assert "no-such-package" not in one.versions
    assert {"python", "cores"} <= one.machine.keys()
    assert str(ROOT) not in msgspec.json.encode(one).decode()


def test_a_measure_has_its_median_and_the_middle_half_and_holds_or_not():
    measure = Measure.of("x", [4.0, 1.0, 2.0, 3.0, 100.0], "seconds", "<= 3")
    assert (measure.value, measure.low, measure.high, measure.holds) == (3.0, 2.0, 4.0, True)
    assert not Measure.of("x", [4.0], "seconds", "<= 3").holds
    assert Measure.of("x", [4.0], "seconds").holds
    assert record.spread([4.0]) == (4.0, 4.0)


def test_samples_and_measures_become_frames():
    one = made(measures=[Measure.of("x", [1.0, 2.0, 4.0], "seconds", "<= 3")])
    assert record.samples_frame(one).to_dicts() == [{"batch": 1, "seconds": 2.0}, {"batch": 2, "seconds": 1.0}]
    (row,) = record.measures_frame(one).to_dicts()
    assert (row["name"], row["value"], row["samples"], row["holds"]) == ("x", 2.0, 3, True)


def test_a_shelf_shows_every_record_the_newest_first():
    record.write(made())
    record.write(made(question="how-slow", started_at=datetime(2026, 9, 22, tzinfo=UTC)))
    shelf = record.shelf()
    assert isinstance(shelf, pl.DataFrame)
    assert shelf["question"].to_list() == ["how-slow", "how-fast"]
    assert shelf["requests"].to_list() == [5, 5]


RECORDS = sorted(path for path in (ROOT / "profiling_results").glob("*.json") if not path.name.endswith(".speedscope.json"))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name)
def test_every_record_of_the_project_can_be_read(path):
    one = record.read(path)
    assert one.work.any
    assert one.samples
    assert path.name.endswith(f"{one.question}-{one.commit}.json")


def test_a_record_that_a_bench_wrote_before_keeps_its_figures():
    one = record.read(ROOT / "profiling_results" / "20261124-134137-bench-scan-997549e140.json")
    assert one.question == "bench-scan"
    assert one.measures[0].value == 1.0264
    assert one.measures[0].low == pytest.approx(1.0242, abs=1e-3)
    assert one.work.requests.market > 1000
    assert one.work.offers > 100_000


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"bench": "x"}', '{"question": 1}'])
def test_what_is_no_record_is_refused(text):
    path = Path("x.json")
    path.write_text(text)
    with pytest.raises(MeasureError, match=r"x\.json is no record"):
        record.read(path)


def test_what_was_never_measured_has_no_latest_record():
    with pytest.raises(MeasureError, match="no record of how-fast: measure it first"):
        record.latest("how-fast")
