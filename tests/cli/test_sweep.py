"""``botcore sweep``: medians and a record; a stopped sweep goes on; and with --save the number is in force."""

from __future__ import annotations

import re

import pytest

from botcore.cache.embedded import find_server
from botcore.perf import record

needs_redis = pytest.mark.skipif(find_server() is None, reason="no Valkey or Redis to start")


@needs_redis
def test_medians_are_printed_and_a_record_is_written(keyless):
    done = keyless("sweep", "forgetting", "--short")
    assert done.returncode == 0
    assert len(re.findall(r"^10+ +[\d.e-]+ +[\d.e-]+ to [\d.e-]+ +7 *$", done.stdout, flags=re.MULTILINE)) == 3
    one = record.latest("how-long-to-forget", keyless.folder / "profiling_results")
    assert len(one.samples) == 21


def test_what_was_chosen_is_in_force_from_then_on_and_nothing_moves_the_second_time(keyless):
    done = keyless("sweep", "lifetimes", "--short", "--save")
    assert done.returncode == 0
    chosen = dict(re.findall(r"^(cache\.\w+): ([\d.]+)$", done.stdout, flags=re.MULTILINE))
    assert set(chosen) == {"cache.quotes", "cache.targets", "cache.sales"}
    assert done.stdout.count("written to data/tuned.toml") == 3
    shown = keyless("config").stdout
    for name, value in chosen.items():
        assert re.search(rf"BOTCORE_{name.replace('.', '_').upper()} +{value} +tuned,", shown)
    why = keyless("config", "why", "quotes").stdout
    assert "botcore sweep lifetimes" in why
    assert len(re.findall(r"^[\d.]+ +[\d,]+ +[\d,]+ to [\d,]+ +[\d.e-]+ +\d", why.split("\n\n")[1], flags=re.MULTILINE)) == 6
    before = (keyless.folder / "data" / "tuned.toml").read_bytes()
    again = keyless("sweep", "lifetimes", "--short", "--save")
    assert again.stdout.count("already in data/tuned.toml") == 3
    assert (keyless.folder / "data" / "tuned.toml").read_bytes() == before


def test_a_stopped_sweep_keeps_what_was_measured_and_goes_on(keyless):
    terminal = keyless.terminal("sweep", "lifetimes", "--short")
    part = keyless.folder / "profiling_results" / "how-long-to-remember.part.jsonl"
    terminal.until("How long to remember")
    while not (part.exists() and part.read_bytes().count(b"\n") > 3):
        pass
    terminal.type("\x03")
    assert terminal.end() == 130
    assert "the same command goes on from there" in " ".join(terminal.text.split())
    kept = part.read_bytes().splitlines()[1:]
    assert keyless("sweep", "lifetimes", "--short").returncode == 0
    one = record.latest("how-long-to-remember", keyless.folder / "profiling_results")
    assert len(one.samples) == 54
    assert not part.exists()
    assert [row["upstream"] for row in one.samples][: len(kept)] == [int(re.findall(rb'"upstream":(\d+)', line)[0]) for line in kept]


def test_a_question_that_does_not_exist_is_wrong_use(keyless):
    done = keyless("sweep", "weather")
    assert done.returncode == 2
    assert "weather" in done.stderr
