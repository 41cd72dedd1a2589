"""``botcore config why``: the chain from a number in force down to the samples that chose it."""

from __future__ import annotations

import re

import pytest

from botcore.tuned import write
from tests.entries import FILE, a_calibration, an_entry


@pytest.fixture
def written():
    write(FILE, {"scan.batch_size": an_entry(where={"way": "a"})})


@pytest.mark.usefixtures("written")
def test_why_shows_the_chain_down_to_the_medians(inside):
    out, err, code = inside("config", "why", "batch_size")
    assert (err, code) == ("", 0)
    assert out.startswith("scan.batch_size is 50, from data/tuned.toml\n")
    told = {line.split()[0]: line.split(maxsplit=1)[1].strip() for line in out.split("\n\n")[0].splitlines()[1:]}
    assert told["measured"] == "50, on 2026-09-21, at commit abc"
    assert (told["because"], told["chart"]) == ("it is best", "notebooks/02-how-large-a-batch.ipynb")
    assert told["record"].startswith("profiling_results/20260921-000000-how-large-")
    assert told["ran"].startswith("botcore.perf.batches.measure, 12 samples, 10 requests")
    rows = [re.split(r"  +", line.strip()) for line in out.split("\n\n")[1].splitlines()]
    assert [row[:2] for row in rows[1:]] == [["10", "0.11"], ["50", "0.03"]]
    assert {row[3] for row in rows[1:]} == {"3"}


def test_why_tells_large_numbers_whole_and_what_a_choice_was_limited_by(inside):
    write(FILE, {"cache.quotes": an_entry(50.0, of="asked", where={"way": "a"}, columns={"outdated": 0.04321})})
    out, err, code = inside("config", "why", "quotes")
    assert (err, code) == ("", 0)
    assert [re.split(r"  +", line.strip()) for line in out.split("\n\n")[1].splitlines()] == [
        ["batch", "median asked", "half of the samples", "median outdated", "samples", "refused"],
        ["10", "100,001", "100,000 to 100,002", "0.04321", "3", "0"],
        ["50", "500,001", "500,000 to 500,002", "0.04321", "3", "0"],
    ]


@pytest.mark.usefixtures("written")
def test_why_says_what_goes_before_the_measured_number(inside):
    out, _, _ = inside("config", "why", "scan.batch_size", BOTCORE_SCAN_BATCH_SIZE="5")
    assert out.startswith("scan.batch_size is 5, from the environment\n")
    assert "because" in out


def test_why_of_a_default_says_that_nothing_was_measured(inside):
    out, _, code = inside("config", "why", "BOTCORE_SCAN_BANDS")
    assert code == 0
    assert "scan.bands is auto, from default" in out
    assert "Nothing was measured" in out


def test_why_of_anything_else_suggests_what_is_near(inside):
    _, err, code = inside("config", "why", "batchsize")
    assert code == 2
    assert "did you mean batch_size?" in err


def test_why_of_a_calibration_shows_what_was_told_beside_what_came(inside):
    write(FILE, {"confidence.sandbox": a_calibration("sandbox")})
    out, err, code = inside("config", "why", "confidence.sandbox")
    assert (err, code) == ("", 0)
    assert out.startswith("confidence.sandbox is 400 outcomes of target, 400 outcomes of relist, from data/tuned.toml\n")
    assert "instead" not in out
    rows = [re.split(r"  +", line.strip()) for line in out.split("\n\n")[1].splitlines()]
    assert rows == [["exit", "told", "came true", "outcomes"], ["relist", "50 %", "50 %", "400"], ["target", "50 %", "50 %", "400"]]


def test_why_of_a_market_that_taught_nothing_yet_says_who_learns(inside):
    out, _, code = inside("config", "why", "confidence.dmarket")
    assert code == 0
    assert "confidence.dmarket is not known, from default" in out
    assert "No outcome was learned from yet; notebooks/08-were-the-alerts-right.ipynb does that." in out
