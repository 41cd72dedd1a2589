"""``botcore watch``, seen from outside."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from botcore.tuned import write
from tests.entries import FILE, a_calibration

from .door import Door, clean_environment

NUMBERED = {"alert", "price_cents", "exit_price_cents", "fee_cents", "profit_cents", "profit_percent", "sales_30d"}
TIMES = ("seen_at", "decided_at", "queued_at")


def watch(door: Door, *arguments: str, **settings: Any) -> list[dict[str, Any]]:
    done = door("watch", *arguments, "--json", **settings)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def truth(market: dict[str, str], *levels: str) -> set[str]:
    found: set[str] = set()
    for level in levels:
        with urlopen(f"{market['url']}/sandbox/truth?game=csgo&level={level}") as answer:
            found |= {row["offer_id"] for row in json.loads(answer.read())["opportunities"]}
    return found


def test_json_lines_tell_what_is_true_of_the_market_once_and_go_on_after_a_restart(door, market):
    first = watch(door, "csgo", "--level", "boost", "--level", "pro", "--for", "6", "--figures", "2")
    alerts = [line for line in first if line["event"] == "alert"]
    assert {line["offer_id"] for line in alerts} == truth(market, "boost", "pro")
    assert len({line["alert"] for line in alerts}) == len(alerts)
    assert {line["level"] for line in alerts} == {"boost", "pro"}
    for line in alerts:
        assert all(isinstance(line[name], int | float) for name in NUMBERED)
        assert line["seen_at"] <= line["decided_at"] <= line["queued_at"]
        assert line["profit_cents"] == line["exit_price_cents"] - line["fee_cents"] - line["price_cents"]
        assert line["again"] is False
        assert (line["confidence"], line["outcomes"]) == (None, 0)
        assert 0 <= line["score"] <= 1
        assert line["orders_known"] or line["worst_cents"] is None
        assert re.search(r"sales? in 30 days|no sale", line["evidence"])
        assert isinstance(line["concerns"], list)
    figures = [line for line in first if line["event"] == "figures"]
    assert len(figures) >= 2
    assert figures[-1]["requests"]["newest"]["market"] > 0
    again = watch(door, "csgo", "--level", "boost", "--level", "pro", "--for", "3", "--figures", "0")
    assert [line for line in again if line["event"] == "alert" and not line["again"]] == []


def test_without_keys_it_watches_a_sandbox_that_lives_and_says_so(keyless):
    done = keyless("watch", "rust", "--seed", "3", "--churn", "20", "--for", "4", "--json", "--figures", "1")
    assert done.returncode == 0
    assert "sandbox" in done.stderr
    assert "20 events a second" in done.stderr
    figures = [line for line in map(json.loads, done.stdout.splitlines()) if line["event"] == "figures"]
    assert figures[-1]["seen"] > 0
    assert figures[-1]["throttled"] == 0


def test_in_a_pipe_each_alert_is_a_line_that_ends_with_its_address(door, market):
    done = door("watch", "csgo", "--level", "standard", "--for", "5")
    lines = done.stdout.splitlines()
    assert {line.rsplit("userOfferId=")[1] for line in lines} == truth(market, "standard")
    assert all("csgo standard" in line and "confidence not yet known" in line for line in lines)
    assert "alerts" in done.stderr


def test_how_sure_an_alert_is_comes_from_what_this_market_taught(door, monkeypatch):
    monkeypatch.chdir(door.folder)
    write(FILE, {"confidence.sandbox": a_calibration("sandbox")})
    alerts = [line for line in watch(door, "csgo", "--level", "pro", "--for", "4", "--figures", "0") if line["event"] == "alert"]
    assert alerts
    assert all(line["confidence"] == pytest.approx(0.5, abs=0.01) for line in alerts)
    assert {line["outcomes"] for line in alerts} == {400}
    lines = [line for line in door("watch", "csgo", "--level", "boost", "--for", "4").stdout.splitlines() if "csgo boost" in line]
    assert lines
    assert all("sure 0.50" in line for line in lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_ends_cleanly_and_says_what_was_found(door, number):
    command = [sys.executable, "-m", "botcore", "watch", "csgo", "--json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment(**door.settings), cwd=door.folder, start_new_session=True
    )
    assert process.stdout is not None
    while json.loads(process.stdout.readline())["event"] != "alert":
        pass
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert all(json.loads(line) for line in out.splitlines())
    assert "Traceback" not in err
    assert "Watched for" in err
    assert "alerts" in err.splitlines()[-1]


def test_a_terminal_shows_the_board_and_ctrl_c_leaves_the_summary(door):
    terminal = door.terminal("watch", "csgo", columns=120)
    terminal.until("new offers a second")
    terminal.until("quota used")
    terminal.until(r"looked at every")
    terminal.until(r"buy \$")
    terminal.type("\x03")
    assert terminal.end() == 130
    assert "Watched for" in terminal.text


def test_a_recording_is_watched_again_with_the_same_events(door, tmp_path):
    recording = str(Path(tmp_path) / "watch.rec")
    first = watch(door, "csgo", "--level", "boost", "--for", "3", "--figures", "0", "--record", recording)
    assert first
    replayed = watch(door, "--replay", recording, "--figures", "0")
    assert replayed == first


@pytest.mark.parametrize("arguments", ["chess", "csgo --level mild", "--for 0", "--max-profit -1", "--replay nowhere csgo", "--replay x --for 3", "--speed 2"])
def test_wrong_use_is_said_before_anything_is_asked(inside, arguments):
    out, err, code = inside("watch", *arguments.split())
    assert (out, code) == ("", 2)
    assert err


def test_refused_keys_end_it_with_the_reason(door):
    wrong = {"DMARKET_PUBLIC_KEY": "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"}
    wrong["DMARKET_SECRET_KEY"] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" + wrong["DMARKET_PUBLIC_KEY"]
    done = door("watch", "csgo", **wrong)
    assert done.returncode == 1
    assert "keys" in done.stderr
