"""``botcore scan``, seen from outside."""

from __future__ import annotations

import csv
import json
import os
import re
import resource
import signal
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from .door import Door, door_to

CENTS = int | None
REPORT = {
    "market": str,
    "game": str,
    "level": str,
    "started_at": str,
    "seconds": float,
    "listed": int,
    "funnel": dict,
    "requests": dict,
    "throttled": int,
    "retries": int,
    "quota_bound_seconds": float,
    "cache": dict,
    "failures": list,
}
OPPORTUNITY = {
    "offer_id": str,
    "asset_id": str,
    "title": str,
    "phase": str,
    "game": str,
    "price_cents": int,
    "exit": str,
    "exit_price_cents": int,
    "fee_cents": int,
    "profit_cents": int,
    "profit_percent": float,
    "trade_lock_days": int,
    "listed_at": str,
    "sales_30d": int,
    "median_cents": CENTS,
    "next_ask_cents": CENTS,
    "days_to_sell": float | None,
    "url": str,
}
QUIET = {f"BOTCORE_QUOTA_{name}": "3" for name in ("MARKET", "SALES", "OTHER")}
"""Quotas so low that a scan of the small market lasts for seconds."""


def scan(door: Door, *arguments: str, **settings: Any) -> dict[str, Any]:
    done = door("scan", *arguments, "--json", **settings)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def names(folder: Path) -> list[str]:
    """What a command left behind, beside the store that every scan keeps."""
    return [path.name for path in folder.iterdir() if path.name != "data"]


def wrong_types(row: dict[str, Any], kinds: dict[str, Any]) -> dict[str, Any]:
    return {name: row.get(name, "missing") for name, kind in kinds.items() if name not in row or not isinstance(row[name], kind)}


@pytest.fixture(scope="module")
def boost(market, tmp_path_factory) -> dict[str, Any]:
    """One scan that several tests look at."""
    return scan(door_to(market, tmp_path_factory.mktemp("boost")), "csgo", "boost")


def test_the_json_document_has_every_field_of_the_promised_kind(boost):
    report, found = boost["report"], boost["opportunities"]
    assert found
    assert wrong_types(report, REPORT) == {}
    assert [wrong for row in found if (wrong := wrong_types(row, OPPORTUNITY))] == []
    assert (report["market"], report["game"], report["level"]) == ("sandbox", "csgo", "boost")
    assert set(report["requests"]) == {"market", "sales", "fee", "other"}
    assert report["funnel"]["listed"] == report["listed"]
    assert report["funnel"]["found"] == len(found)
    assert all(datetime.fromisoformat(text).tzinfo for text in [report["started_at"], *(row["listed_at"] for row in found)])


def test_the_figures_of_each_find_add_up(boost):
    found = boost["opportunities"]
    assert found
    for row in found:
        assert row["profit_cents"] == row["exit_price_cents"] - row["fee_cents"] - row["price_cents"]
        assert row["profit_percent"] == round(100 * row["profit_cents"] / row["price_cents"], 2)
        assert row["exit"] in {"target", "relist"}
        assert row["offer_id"] in row["url"]
    assert found == sorted(found, key=lambda row: (-row["profit_cents"], -row["profit_percent"], row["listed_at"], row["offer_id"]))


@pytest.mark.parametrize(("game", "level"), [("csgo", "standard"), ("dota2", "boost")])
def test_it_finds_what_is_true_of_the_market(door, market, game, level):
    with urlopen(f"{market['url']}/sandbox/truth?game={game}&level={level}") as answer:
        truth = json.loads(answer.read())["opportunities"]
    assert [row["offer_id"] for row in scan(door, game, level)["opportunities"]] == [row["offer_id"] for row in truth]


def test_the_csv_holds_what_the_json_holds(door):
    found = scan(door, "csgo", "boost", "--csv", "found.csv")["opportunities"]
    with (door.folder / "found.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert found
    assert rows == [{name: "" if value is None else str(value) for name, value in row.items()} for row in found]
    assert names(door.folder) == ["found.csv"]


def test_limit_keeps_the_best(door, boost):
    every = boost["opportunities"]
    assert len(every) > 2
    assert scan(door, "csgo", "boost", "--limit", "2")["opportunities"] == every[:2]


def test_max_profit_lifts_the_cap_or_moves_it(door, boost):
    capped, lifted, moved = boost, *(scan(door, "csgo", "boost", *more) for more in (["--max-profit"], ["--max-profit", "3"]))
    assert capped["report"]["funnel"]["dropped"]["too-good"]
    assert "too-good" not in lifted["report"]["funnel"]["dropped"]
    assert len(lifted["opportunities"]) > len(capped["opportunities"])
    assert all(row["profit_percent"] <= 3 for row in moved["opportunities"])


def test_all_levels_gives_a_report_for_each_and_one_sorted_list(door):
    document = scan(door, "rust", "--all-levels")
    assert [report["level"] for report in document["reports"]] == ["boost", "standard", "medium", "advanced", "pro"]
    profits = [row["profit_cents"] for row in document["opportunities"]]
    assert profits == sorted(profits, reverse=True)
    assert len(profits) == sum(report["funnel"]["found"] for report in document["reports"])


def test_game_and_level_may_be_spelled_as_options(door):
    for arguments in (["--game", "dota2", "boost"], ["9a92", "--level", "BOOST"]):
        report = scan(door, *arguments)["report"]
        assert (report["game"], report["level"]) == ("dota2", "boost")


def test_nothing_found_is_no_failure(door):
    done = door("scan", "csgo", "boost", "--max-profit", "0.01")
    assert done.returncode == 0
    assert "csgo boost: 0 found" in done.stdout


def test_on_a_pipe_each_find_is_a_line_with_its_address_and_no_escape_codes(door, boost):
    found = boost["opportunities"]
    done = door("scan", "csgo", "boost")
    assert "\x1b" not in done.stdout + done.stderr
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert lines[0] == f"csgo boost: {len(found)} found (sandbox: invented items and prices)"
    assert [line.split()[-1] for line in lines if "https://" in line] == [row["url"] for row in found]
    assert any(re.fullmatch(r"listed [\d,]+ → quoted [\d,]+ → checked [\d,]+ → found \d+", line) for line in lines)
    assert done.stderr.startswith("Market: http://127.0.0.1:")


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_on_a_terminal_the_table_shows_the_essentials_at_any_width(door, boost, columns):
    best = boost["opportunities"][0]
    screen = door.terminal("scan", "csgo", "boost", columns=columns)
    assert screen.end() == 0
    results = screen.text[screen.text.index("csgo boost: ") :].replace("\r", "").splitlines()
    assert max(map(len, results)) <= columns
    assert {"buy", "exit", "profit", "%", "item"} <= set(results[1].split())
    row = next(line for line in results[2:] if best["title"].split()[0] in line)
    assert re.findall(r"\$(\d+\.\d\d)", row)[:2] == [f"{best[name] / 100:.2f}" for name in ("price_cents", "exit_price_cents")]
    assert f"${best['profit_cents'] / 100:.2f}" in row
    assert f"{best['profit_percent']:.2f}" in row
    assert best["url"] in screen.seen


def test_no_color_is_obeyed(door):
    screen = door.terminal("scan", "csgo", "boost", NO_COLOR="1")
    assert screen.end() == 0
    assert re.findall(r"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])(?:;\d+)*m", screen.seen) == []


def test_progress_tells_offers_stages_and_quota(door):
    screen = door.terminal("scan", "csgo", "boost", columns=120, **QUIET)
    screen.until(r"[\d,]+ of [\d,]+ offers +about \d+ s left")
    screen.until(r"listed [\d,]+ → quoted \d+ → checked \d+ .*→ found \d+")
    screen.until(r"requests a second: market [\d.]+ of 3, .*other [\d.]+ of 3")
    screen.type("\x03")
    assert screen.end() == 130


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are looked up in /proc")
def test_ctrl_c_shows_what_was_found_and_leaves_no_sandbox_behind(keyless):
    screen = keyless.terminal("scan", "csgo", "boost")
    screen.until(r"found [1-9]")
    pid = screen.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert children
    screen.type("\x03")
    assert screen.end() == 130
    assert re.search(r"csgo boost: [1-9]\d* found", screen.text)
    assert "ended early: stopped by Ctrl-C" in screen.text
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []


def test_ctrl_c_before_the_market_is_up_ends_quietly(keyless):
    screen = keyless.terminal("scan")
    screen.until("Market: a sandbox")
    screen.type("\x03")
    assert screen.end() == 130
    assert "Stopped." in screen.text


def test_a_second_ctrl_c_does_no_harm(door):
    screen = door.terminal("scan", "csgo", "boost", **QUIET)
    screen.until(r"found [1-9]")
    screen.type("\x03\x03")
    assert screen.end() == 130


def test_a_polite_kill_shows_what_was_found(door):
    screen = door.terminal("scan", "csgo", "boost", **QUIET)
    screen.until(r"found [1-9]")
    screen.process.send_signal(signal.SIGTERM)
    assert screen.end() == 128 + signal.SIGTERM
    assert "ended early: stopped by SIGTERM" in screen.text
    assert screen.seen.rindex("\x1b[?25h") > screen.seen.rindex("\x1b[?25l")


def test_a_stopped_scan_still_prints_one_json_document_and_the_csv(door):
    with (door.folder / "out.json").open("w") as out:
        screen = door.terminal("scan", "csgo", "boost", "--json", "--csv", "found.csv", stdout=out, **QUIET)
        screen.until(r"found [1-9]")
        screen.type("\x03")
        assert screen.end() == 130
    document = json.loads((door.folder / "out.json").read_text())
    assert document["report"]["stopped"] == "stopped by Ctrl-C"
    assert document["opportunities"]
    assert len((door.folder / "found.csv").read_text().splitlines()) == 1 + len(document["opportunities"])


def test_without_keys_the_first_line_says_that_it_is_a_sandbox(keyless):
    done = keyless("scan", "rust", "pro", "--json")
    assert done.returncode == 0
    first = done.stderr.splitlines()[0]
    assert "sandbox" in first
    assert "DMARKET_PUBLIC_KEY" in first
    assert json.loads(done.stdout)["report"]["market"] == "sandbox"


def test_a_sandbox_can_be_asked_for_although_keys_are_set(door, market):
    done = door("scan", "rust", "pro", "--sandbox", "--seed", "7", BOTCORE_QUOTA_MARKET="10", BOTCORE_QUOTA_SALES="6", BOTCORE_QUOTA_OTHER="20")
    assert done.returncode == 0
    assert "seed 7" in done.stderr.splitlines()[0]
    assert market["url"] not in done.stderr


def test_a_full_disk_leaves_no_half_file_and_loses_no_find(door):
    done = door("scan", "csgo", "boost", "--csv", "found.csv", before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)))
    assert done.returncode == 1
    assert "found.csv was not written" in done.stderr
    assert "https://dmarket.com/" in done.stdout
    assert names(door.folder) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_device_is_written_to_as_it_is(door):
    done = door("scan", "csgo", "boost", "--csv", "/dev/full")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert not Path("/dev/full").is_file()
    assert Path("/dev/full").exists()
    assert "offer_id,asset_id" in door("scan", "csgo", "boost", "--csv", "/dev/stderr").stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_full_standard_output_is_said_and_fails(door, more):
    with Path("/dev/full").open("w") as full:
        done = door("scan", "csgo", "boost", *more, stdout=full)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr


def test_a_reader_that_leaves_early_meets_no_traceback(door):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nowhere:
        assert door("scan", "csgo", "boost", stdout=nowhere).returncode == 1


FOREIGN = {"DMARKET_PUBLIC_KEY": "2152f8d19b791d24453242e15f2eab6cb7cffa7b6a5ed30097960e069881db12"}
WRONG = {
    "unknown game": (["halo"], {}, 2, "choose one of csgo, dota2, tf2, rust"),
    "unknown level": (["csgo", "hard"], {}, 2, "choose one of boost, standard, medium, advanced, pro"),
    "a word too many": (["csgo", "boost", "--game", "rust"], {}, 2, "one word too many"),
    "limit of nothing": (["--limit", "0"], {}, 2, "--limit"),
    "a profit that is none": (["--max-profit", "much"], {}, 2, "not a percentage"),
    "no profit": (["--max-profit", "0"], {}, 2, "not a percentage"),
    "no such folder": (["--csv", "nowhere/found.csv"], {}, 2, "does not exist"),
    "unknown option": (["--fast"], {}, 2, "--fast"),
    "one key missing": ([], {"DMARKET_SECRET_KEY": ""}, 2, "DMARKET_SECRET_KEY is missing"),
    "keys that do not belong together": ([], FOREIGN, 2, "does not belong to the public key"),
    "a damaged secret": ([], {"DMARKET_SECRET_KEY": "ab" * 64}, 2, "copy it again"),
    "a short secret": ([], {"DMARKET_SECRET_KEY": "ab" * 20}, 2, "40 characters"),
    "no hex": ([], {"DMARKET_SECRET_KEY": "xy" * 64}, 2, "no hex digits"),
    "unknown setting": ([], {"BOTCORE_QUOTA_MARKETS": "3"}, 2, "did you mean BOTCORE_QUOTA_MARKET?"),
    "a setting that is no number": ([], {"BOTCORE_QUOTA_MARKET": "many"}, 2, "BOTCORE_QUOTA_MARKET"),
    "no address": ([], {"DMARKET_URL": "127.0.0.1"}, 2, "must begin with http"),
    "an unreachable market": ([], {"DMARKET_URL": "http://127.0.0.1:1"}, 1, "check the address and the network"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_error_says_what_to_do(door, inside, case):
    arguments, settings, code, words = WRONG[case]
    out, err, ended = inside("scan", *arguments, **{**door.settings, **settings})
    assert ended == code
    assert words in err
    if code == 2:
        assert out == ""


def test_keys_that_the_market_refuses_fail_the_scan(door):
    from nacl.signing import SigningKey  # noqa: PLC0415 - only here a key is made

    key = SigningKey(bytes(range(32)))
    done = door("scan", DMARKET_PUBLIC_KEY=bytes(key.verify_key).hex(), DMARKET_SECRET_KEY=bytes(key).hex())
    assert done.returncode == 1
    assert "check that the key pair is valid" in done.stderr


def test_a_failed_scan_still_gives_its_json(door):
    done = door("scan", "--json", DMARKET_URL="http://127.0.0.1:1")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["opportunities"] == []
    assert {"what", "error", "times"} == set(document["report"]["failures"][0])
