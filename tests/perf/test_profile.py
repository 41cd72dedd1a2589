"""A profile names the functions that work and those that wait, apart, and the pages made of it need nothing from elsewhere."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import snakeviz  # type: ignore[import-untyped]

from botcore.errors import ConfigError, MeasureError
from botcore.model import Game, Level, RequestCounts, ScanReport
from botcore.perf import flame, flame_chart, profile
from botcore.perf.record import read, write
from botcore.timing import measure_time

REPORT = ScanReport("sandbox", Game.CSGO, Level.BOOST, datetime(2026, 9, 21, tzinfo=UTC), listed=9, requests=RequestCounts(market=1))
WAIT = 0.15


def toil(rounds=200_000):
    return sum(number * number for number in range(rounds))


@measure_time
async def rest():
    await asyncio.sleep(WAIT)


@measure_time
async def a_scan(report=REPORT):
    toil()
    await asyncio.gather(rest(), rest(), rest())
    return report


async def test_working_and_waiting_are_told_apart():
    profiled = await profile.by_cprofile(a_scan)
    assert profiled.result is REPORT
    assert profiled.waited >= WAIT * 0.9
    assert profiled.worked < profiled.seconds - WAIT * 0.9
    assert "<genexpr>" in profiled.working(2)["function"].to_list()
    assert not any("poll" in name for name in profiled.working(1000)["function"])
    assert profiled.working(1000)["part"].sum() == pytest.approx(1)


async def test_what_waits_side_by_side_is_added_up_and_work_is_left_out_of_it():
    rows = {row["function"].rsplit(".", 1)[-1]: row for row in (await profile.by_cprofile(a_scan)).waiting().to_dicts()}
    assert rows["rest"]["calls"] == 3
    assert rows["rest"]["wait_ms"] >= 3 * WAIT * 900
    assert rows["rest"]["work_ms"] < 20
    assert rows["a_scan"]["work_ms"] > 2
    assert rows["a_scan"]["wait_ms"] >= WAIT * 900


async def test_a_place_is_told_without_the_folders_of_this_machine():
    places = (await profile.by_cprofile(a_scan)).working(1000)["where"].to_list()
    assert any(re.fullmatch(r"botcore/timing\.py:\d+", place) for place in places)
    assert not any(place.startswith("/") for place in places)


async def test_lines_are_counted_and_timed_by_the_name_of_their_function():
    name = "botcore.fees.FeeBook.best_net"
    lines = await profile.by_lines(a_scan, functions=[f"{__name__}.toil", f"{__name__}.a_scan"])
    assert lines.result is REPORT
    rows = {(row["function"].rsplit(".", 1)[-1], row["source"]): row for row in lines.frame.to_dicts()}
    toiled = rows["toil", "return sum(number * number for number in range(rounds))"]
    assert (toiled["hits"], toiled["part"]) == (1, 1.0)
    assert lines.hottest(1)["own_ms"][0] >= toiled["own_ms"]
    waited = rows["a_scan", "await asyncio.gather(rest(), rest(), rest())"]
    assert waited["own_ms"] < WAIT * 500
    assert profile.resolve(name).__qualname__ == "FeeBook.best_net"


@pytest.mark.parametrize("name", ["botcore.nothing.x", "botcore.fees.FeeBook.nothing", "nothing", "botcore.fees.__all__"])
def test_a_function_that_does_not_exist_is_named(name):
    with pytest.raises(ConfigError, match=f"there is no function {re.escape(name)}"):
        profile.resolve(name)


async def test_what_is_not_written_in_python_has_no_lines():
    with pytest.raises(ConfigError, match="has no lines"):
        await profile.by_lines(a_scan, functions=["math.floor"])


async def test_the_functions_that_are_watched_by_default_exist():
    assert [profile.resolve(name).__name__ for name in profile.LINES] == [name.rsplit(".", 1)[-1] for name in profile.LINES]


async def test_what_was_heard_becomes_a_frame():
    result, told = await profile.heard(a_scan)
    frame = profile.timings(told)
    assert result is REPORT
    assert frame["function"].to_list()[0].endswith("rest")
    assert frame.columns == ["function", "calls", "errors", "total_ms", "mean_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms"]


async def test_a_profile_has_a_record_with_both_kinds_and_the_scans_work():
    kept = read(write(profile.record(await profile.by_cprofile(a_scan), top=5, data={"market": "sandbox"})))
    assert kept.question == "profile-scan-functions"
    assert {row["kind"] for row in kept.samples} == {"work", "wait"}
    assert [measure.name for measure in kept.measures] == ["worked", "waited", "whole"]
    assert kept.work.offers == 9
    lines = read(write(profile.record(await profile.by_lines(a_scan, functions=[f"{__name__}.toil"]))))
    assert (lines.question, lines.samples[0]["hits"]) == ("profile-scan-lines", 1)


async def test_a_scan_that_did_nothing_has_no_record():
    empty = ScanReport("sandbox", Game.CSGO, Level.BOOST, datetime(2026, 9, 21, tzinfo=UTC))
    with pytest.raises(MeasureError, match="no record"):
        profile.record(await profile.by_cprofile(a_scan, empty))


async def test_snakeviz_becomes_one_page_that_loads_nothing_and_names_no_folder():
    profiled = await profile.by_cprofile(a_scan)
    text = read_text(flame.page(profiled.stats, profiled.save(Path("x/scan.prof")).with_suffix(".html"), "scan"))
    assert not re.search(r"<script[^>]* src|<link |/static/", text)
    assert "importScripts" not in text
    assert read_text(Path(snakeviz.__file__).parent / "static/vendor/jquery.dataTables.min.js") in text
    assert "<title>scan</title>" in text
    assert "a_scan" in text
    assert str(Path(sys.prefix)) not in text
    assert len(re.findall(r"<script[ >].*?</script>", text, flags=re.DOTALL)) == text.count("</script>") == 10


def read_text(path):
    return path.read_text(encoding="utf-8")


BUSY = "import time\nend = time.time() + 1.2\ndef burn():\n    while time.time() < end: sum(range(500))\nburn()"


def test_another_process_is_drawn_and_its_hot_spots_are_told():
    command = [sys.executable, "-c", BUSY]
    drawing = read_text(flame.record(Path("f/scan.svg"), command))
    assert drawing.startswith("<?xml")
    assert "burn" in drawing
    spots = flame.hot_spots(flame.record(Path("f/scan.json"), command), 3, under="")
    assert spots["function"][0] == "burn"
    assert spots["own"][0] > 0.8
    assert all(0 <= part <= 1 for part in spots["with_callees"])


FRAMES = [
    {"name": "<module>", "file": "x.py"},
    {"name": "BaseEventLoop.run_forever", "file": "asyncio/base_events.py"},
    {"name": "Table.read", "file": "botcore/scan/table.py"},
    {"name": "request<T>", "file": "aiohttp/client.py"},
    {"name": "sleep", "file": "asyncio/tasks.py"},
]
STACKS = [[0, 1, 2], [0, 1, 2], [0, 1, 2, 3], [0, 1, 4], [0]]


def test_a_flame_graph_shows_what_runs_below_the_loop_and_whose_it_is():
    root = flame_chart.tree(FRAMES, STACKS)
    assert root.looks == 4
    assert {node.name: (node.looks, node.owner) for node in root.called.values()} == {
        "Table.read (scan/table.py)": (3, "botcore"),
        "sleep (asyncio/tasks.py)": (1, "Python itself"),
    }
    drawing = flame_chart.draw(root, "a <scan>")
    widths = {title: float(width) for title, width in re.findall(r"<title>(.*?)</title><rect [^>]*width=\"([\d.]+)\"", drawing)}
    assert widths["Table.read (scan/table.py): 75.0 %"] == pytest.approx(widths["all: 100.0 %"] * 0.75, rel=0.01)
    assert "request&lt;T&gt; (aiohttp/client.py): 25.0 %" in widths
    assert ET.fromstring(drawing).tag.endswith("svg")


def test_a_flame_graph_may_show_everything_and_is_refused_when_there_is_nothing():
    stacks = Path("s.json")
    stacks.write_text(json.dumps({"shared": {"frames": FRAMES}, "profiles": [{"samples": STACKS}]}))
    assert "&lt;module&gt; (x.py): 100.0 %" in read_text(flame.picture(stacks, Path("s.svg"), "t", under=""))
    with pytest.raises(MeasureError, match="nothing below nowhere"):
        flame.picture(stacks, Path("s.svg"), "t", under="nowhere")


def test_moments_in_which_a_thread_waits_are_no_hot_spots():
    frames = [{"name": "EpollSelector.select", "file": "selectors.py", "line": 1}, {"name": "burn", "file": "x.py", "line": 2}]
    Path("s.json").write_text(json.dumps({"shared": {"frames": frames}, "profiles": [{"samples": [[0], [0], [1]]}]}))
    assert flame.hot_spots(Path("s.json"), under="").to_dicts() == [{"function": "burn", "where": "x.py:2", "own": 1.0, "with_callees": 1.0}]
    assert flame.hot_spots(Path("s.json")).is_empty()


@pytest.mark.parametrize("text", ["", "{}", '{"shared": {"frames": []}, "profiles": []}'])
def test_what_is_no_speedscope_file_is_refused(text):
    Path("s.json").write_text(text)
    with pytest.raises(MeasureError, match=r"s\.json"):
        flame.hot_spots(Path("s.json"))


def test_a_command_that_fails_and_a_file_of_another_kind_are_refused():
    with pytest.raises(MeasureError, match="no flame graph was made"):
        flame.record(Path("x.svg"), ["no-such-command"])
    with pytest.raises(ConfigError, match=r"x\.txt is neither"):
        flame.record(Path("x.txt"))


def test_a_scan_is_started_by_this_interpreter():
    assert flame.scan_command("tf2", "boost", "--sandbox") == [sys.executable, "-m", "botcore", "scan", "tf2", "boost", "--json", "--sandbox"]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("<method 'send' of '_socket.socket' objects>", "_socket.socket.send"),
        ("<built-in method builtins.max>", "builtins.max"),
        ("<built-in method __new__ of type object at 0x7f00>", "type.__new__"),
        ("<genexpr>", "<genexpr>"),
        ("_run_once", "_run_once"),
    ],
)
def test_what_is_built_in_is_named_as_one_would_write_it(told, name):
    assert profile._named(told) == name
