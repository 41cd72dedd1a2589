"""``botcore explain``."""

from __future__ import annotations

import json

import pytest

from botcore.tuned import write
from tests.entries import FILE, a_calibration


@pytest.fixture
def found(door):
    """The best find of a scan of the shared market, which the store then knows."""
    done = door("scan", "rust", "medium", "--json")
    return json.loads(done.stdout)["opportunities"][0]


@pytest.fixture
def calibrated(monkeypatch, tmp_path):
    """A sandbox of whose outcomes half came true, whatever their score."""
    monkeypatch.chdir(tmp_path)
    write(FILE, {"confidence.sandbox": a_calibration("sandbox")})


def test_a_find_is_explained_by_its_id_alone_stage_by_stage(door, found):
    done = door("explain", found["offer_id"], "--game", "rust", "--level", "medium")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith(found["title"])
    assert [line.split()[:2] for line in lines[1:5]] == [[stage, "passed"] for stage in ("listed", "quoted", "checked", "found")]
    assert any(line.startswith("expected $") and "worst case" in line for line in lines)
    assert any(line.startswith("evidence ") and "in 30 days" in line for line in lines)
    assert "confidence not yet known (no outcome so far)" in lines[-1]


@pytest.mark.usefixtures("calibrated")
def test_the_same_as_json_with_the_confidence_that_was_learned_on_this_market(door, found):
    done = door("explain", found["offer_id"], "--game", "rust", "--level", "medium", "--json")
    document = json.loads(done.stdout)
    explanation = document["explanation"]
    assert {name: found[name] for name in found if name in explanation["found"] and name != "listed_at"} == {
        name: value for name, value in explanation["found"].items() if name != "listed_at"
    }
    assert (explanation["verdict"], explanation["stage"], explanation["market"]) == ("found", "found", "sandbox")
    assert 0.3 < document["confidence"]["chance"] < 0.7
    assert document["confidence"]["outcomes"] == 400
    assert "in 30 days" in document["evidence"]


def test_an_offer_that_is_dropped_is_told_where_and_why(door, found):
    done = door("explain", found["offer_id"], "--game", "rust", "--level", "boost", "--title", found["title"])
    assert done.returncode == 0
    assert "quoted   dropped   outside the price window" in done.stdout
    assert "price: outside the price window (wanted: 1 to 5 %)" in done.stdout
    assert "too-good" in done.stdout


def test_an_offer_that_is_not_listed_is_said_to_be_gone(door, found):
    done = door("explain", "11111111-1111-5111-8111-111111111111", "--game", "rust", "--title", found["title"])
    assert done.returncode == 0
    assert "listed   dropped   not listed under this id" in done.stdout
    assert len(done.stdout.splitlines()) == 2


def test_an_offer_that_nobody_stored_asks_for_its_title(door):
    done = door("explain", "unknown", "--game", "rust")
    assert (done.returncode, done.stdout) == (1, "")
    assert "give its title with --title" in done.stderr


def test_wrong_use_is_said(inside):
    assert inside("explain")[2] == 2
    assert inside("explain", "x", "--game", "chess")[2] == 2
    assert inside("explain", "x", "--level", "hard")[2] == 2
