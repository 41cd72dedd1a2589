"""``botcore profile``: tables on standard output, files in profiling_results/, and a scan that can be stopped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from botcore.perf import record


def kept(folder: Path) -> dict[str, Path]:
    return {re.sub(r"^\d+-\d+-|-unknown", "", path.name): path for path in (folder / "profiling_results").iterdir()}


def test_the_slowest_functions_are_shown_work_and_wait_apart_and_kept(door):
    done = door("profile", "scan", "--top", "3", "--level", "boost")
    assert done.returncode == 0
    assert re.search(r"^[\d.]+ s: [\d.]+ s of work, [\d.]+ s waited with nothing to do$", done.stdout, flags=re.MULTILINE)
    work, wait = re.split(r"The 3 functions that wait longest.*\n", done.stdout.split("The 3 functions that work longest")[1])
    assert len(re.findall(r"%$", work, flags=re.MULTILINE)) == 3
    assert "client.api.DMarketClient" in wait
    files = kept(door.folder)
    assert set(files) == {f"profile-scan-functions.{suffix}" for suffix in ("json", "prof", "html")}
    one = record.read(files["profile-scan-functions.json"])
    assert (one.run, one.options["profiler"]) == ("botcore.scan.scanner.Scanner.scan", "cProfile")
    assert one.work.offers > 0
    assert str(door.folder) not in files["profile-scan-functions.html"].read_text()


def test_lines_are_shown_of_the_functions_that_are_named(door):
    done = door("profile", "--with", "line", "--function", "botcore.scan.table.Table.read", "--top", "2")
    assert done.returncode == 0
    assert len(re.findall(r"^scan\.table\.Table\.read ", done.stdout, flags=re.MULTILINE)) == 2
    assert set(kept(door.folder)) == {"profile-scan-lines.json"}


def test_a_flame_graph_is_drawn_from_another_process(keyless):
    done = keyless("profile", "scan", "--with", "pyspy", "--seed", "2", "--level", "pro")
    assert done.returncode == 0
    files = kept(keyless.folder)
    assert set(files) == {"profile-scan-stacks.svg", "profile-scan-stacks.speedscope.json"}
    drawing = files["profile-scan-stacks.svg"].read_text()
    assert "botcore scan csgo pro" in drawing
    assert "DMarketClient" in drawing


def test_ctrl_c_stops_the_scan_and_shows_what_was_measured(keyless):
    terminal = keyless.terminal("profile", "scan", "--seed", "2", "--level", "boost")
    terminal.until("a sandbox on this machine")
    while not list(keyless.folder.glob("data/botcore.db")):
        pass
    terminal.type("\x03")
    assert terminal.end() in (0, 130)
    assert "s of work" in terminal.text or "Stopped." in terminal.text


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--with", "gprof"], "gprof"), (["--level", "x"], "unknown level"), (["--with", "line", "--function", "a.b"], "no function a.b")]
)
def test_wrong_use_is_named(keyless, arguments, said):
    done = keyless("profile", "scan", "--seed", "1", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
