"""Measured numbers: written with where they come from, read back, and never trusted when something does not fit."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from botcore.cache import CacheOptions
from botcore.errors import ConfigError
from botcore.model import Exit
from botcore.scan import ScanOptions
from botcore.scan.confidence import Confidence
from botcore.settings import load
from botcore.tuned import LEARNED, TUNABLE, read, record_of, variable, write
from tests.entries import FILE, a_calibration, an_entry


@pytest.fixture
def written():
    write(FILE, {"scan.batch_size": an_entry(where={"way": "a"})})


def test_what_is_written_is_read_back():
    words = 'a "quoted" back\\slash,\nanother line, ä and 日'
    entries = {
        "scan.batch_size": an_entry({"100": 20, "10000": 100}, why=words, per="items", where={"way": "request", "on": True, "x": 1.5}, items=[100, 10_000]),
        "scan.bands": an_entry("auto"),
        "cache.quotes": an_entry(12.5),
    }
    write(FILE, entries)
    assert read(FILE) == entries
    assert record_of(FILE, entries["scan.bands"]).is_file()


def test_no_file_is_no_number():
    assert read(FILE) == {}
    assert load({}).tuned == {}


@pytest.mark.usefixtures("written")
def test_a_measured_number_takes_the_place_of_the_default_and_tells_its_record():
    settings = load({})
    (row,) = [row for row in settings.shown if row.name == "BOTCORE_SCAN_BATCH_SIZE"]
    assert settings.scan == ScanOptions(batch_size=50)
    assert row.value == "50"
    assert re.fullmatch(r"tuned, 20260921-000000-how-large-\w+\.json", row.source)


@pytest.mark.usefixtures("written")
def test_environment_and_file_go_before_a_measured_number(tmp_path):
    assert load({"BOTCORE_SCAN_BATCH_SIZE": "7"}).scan.batch_size == 7
    (tmp_path / ".env").write_text("BOTCORE_SCAN_BATCH_SIZE=8\n")
    settings = load({})
    assert settings.scan.batch_size == 8
    assert {row.source for row in settings.shown if row.name == "BOTCORE_SCAN_BATCH_SIZE"} == {".env"}


def test_a_number_may_depend_on_how_many_offers_there_are():
    write(FILE, {"scan.batch_size": an_entry({"100": 20, "10000": 80})})
    scan = load({}).scan
    assert scan.batch_size == {100: 20, 10_000: 80}
    assert [scan.titles(offers) for offers in (0, 100, 101, 10_000, 99_999)] == [20, 20, 80, 80, 80]


def test_a_lifetime_may_be_measured_and_stays_a_number_of_seconds():
    write(FILE, {"cache.quotes": an_entry(30)})
    assert load({}).cache == CacheOptions(quotes=30.0)


@pytest.mark.usefixtures("written")
def test_another_file_may_be_named(tmp_path):
    elsewhere = tmp_path / "other" / "numbers.toml"
    write(elsewhere, {"scan.concurrency": an_entry(9)})
    assert load({"BOTCORE_TUNED": str(elsewhere)}).scan == ScanOptions(concurrency=9)


def test_a_file_that_is_named_must_be_there():
    with pytest.raises(ConfigError, match=r"^BOTCORE_TUNED='nowhere.toml' cannot be used: there is no such file$"):
        load({"BOTCORE_TUNED": "nowhere.toml"})


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("change", [("value = 50", "value = 60"), ('commit = "abc"', 'commit = "abd"'), ('digest = "', 'digest = "0'), ('by = "batch"\n', "")])
def test_an_entry_that_was_changed_by_hand_is_refused(change):
    text = FILE.read_text()
    assert change[0] in text
    FILE.write_text(text.replace(*change))
    with pytest.raises(ConfigError, match=r"scan\.batch_size was changed by hand .* set BOTCORE_SCAN_BATCH_SIZE"):
        load({})


@pytest.mark.usefixtures("written")
def test_an_entry_that_was_moved_to_another_name_is_refused():
    FILE.write_text(FILE.read_text().replace("[scan.batch_size]", "[scan.concurrency]"))
    with pytest.raises(ConfigError, match=r"scan\.concurrency was changed by hand"):
        load({})


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("name", ["scan.deadline", "kitchen.colour"])
def test_an_entry_that_is_not_measured_is_refused(name):
    FILE.write_text(FILE.read_text().replace("[scan.batch_size]", f"[{name}]"))
    with pytest.raises(ConfigError, match=f"has an entry {name}, which is no number that is tuned"):
        load({})


@pytest.mark.usefixtures("written")
def test_a_record_that_is_gone_makes_the_file_stale():
    for path in Path("profiling_results").iterdir():
        path.unlink()
    with pytest.raises(ConfigError, match=r"stale: scan\.batch_size = 50 rests on profiling_results/\S+, which is gone; measure it anew with notebooks/02"):
        load({})


@pytest.mark.parametrize(
    ("name", "value"), [("scan.batch_size", 500), ("scan.bands", 0), ("scan.concurrency", "auto"), ("cache.sales", -1), ("pool.max_connections", 1.5)]
)
def test_a_value_that_its_option_does_not_accept_makes_the_file_stale(name, value):
    write(FILE, {name: an_entry(value)})
    with pytest.raises(ConfigError, match=rf"stale: {name} = {value} cannot be used any more \(.*\); measure it anew with notebooks/02"):
        load({})


@pytest.mark.parametrize("text", ["value = 1", "[scan]\nbatch_size = 1", "scan = 3", "[scan.batch_size", "\x00"])
def test_what_is_no_such_file_is_refused(text):
    FILE.parent.mkdir()
    FILE.write_text(text)
    with pytest.raises(ConfigError, match=r"^data/tuned\.toml .*restore it, or remove it"):
        load({})


def test_every_number_that_can_be_measured_is_an_option():
    assert {name if name in LEARNED else variable(name) for name in TUNABLE} <= {row.name for row in load({}).shown}


# ---- what is learned from outcomes ------------------------------------------------------------------------------------


def test_a_calibration_is_written_with_its_curves_and_read_back_for_its_market_alone():
    entry = a_calibration("sandbox")
    write(FILE, {"confidence.sandbox": entry})
    assert read(FILE) == {"confidence.sandbox": entry}
    settings = load({})
    chance = settings.confidence.sandbox.confidence(Exit.RELIST, 0.9).chance
    assert chance == pytest.approx(0.5, abs=0.01)
    assert settings.confidence.dmarket.curves == {}
    (row,) = [row for row in settings.shown if row.name == "confidence.sandbox"]
    assert row.value == "400 outcomes of target, 400 outcomes of relist"
    assert re.fullmatch(r"tuned, 20260921-000000-were-the-alerts-right-\w+\.json", row.source)


def test_without_enough_outcomes_a_calibration_says_no_number():
    write(FILE, {"confidence.dmarket": a_calibration("dmarket", half=99, exits=(Exit.TARGET,))})
    known = load({}).confidence.of("dmarket")
    assert [known.confidence(way, 0.5) for way in (Exit.TARGET, Exit.RELIST)] == [Confidence(None, 198), Confidence(None, 0)]


@pytest.mark.parametrize("change", [('"outcomes" = 400', '"outcomes" = 500'), ("[confidence.sandbox]", "[confidence.dmarket]")])
def test_a_calibration_that_was_changed_or_moved_to_another_market_is_refused(change):
    write(FILE, {"confidence.sandbox": a_calibration("sandbox")})
    text = FILE.read_text()
    assert change[0] in text
    FILE.write_text(text.replace(*change))
    with pytest.raises(ConfigError, match=r"the entry confidence\.\w+ was changed by hand \(its digest does not fit\)\. to have a measured one, remove"):
        load({})


def test_a_calibration_whose_record_is_gone_is_stale_and_says_so_without_its_curves():
    write(FILE, {"confidence.sandbox": a_calibration("sandbox")})
    for path in Path("profiling_results").iterdir():
        path.unlink()
    with pytest.raises(
        ConfigError, match=r"stale: confidence\.sandbox = 400 outcomes of target, 400 outcomes of relist rests on .* measure it anew with notebooks/08"
    ):
        load({})


@pytest.mark.parametrize("value", [5, "auto", {"relist": {"scores": [0.2, 0.1], "chances": [0.1, 0.2], "outcomes": 300}}, {"auction": {"outcomes": 3}}])
def test_what_is_no_calibration_makes_the_file_stale(value):
    write(FILE, {"confidence.sandbox": msgspec.structs.replace(a_calibration("sandbox"), value=value)})
    with pytest.raises(ConfigError, match=r"stale: confidence\.sandbox = .* cannot be used any more"):
        load({})


def test_no_variable_sets_what_was_learned():
    with pytest.raises(ConfigError, match="unknown setting BOTCORE_CONFIDENCE_SANDBOX"):
        load({"BOTCORE_CONFIDENCE_SANDBOX": "0.9"})
