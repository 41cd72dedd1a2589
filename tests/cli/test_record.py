"""``botcore scan --record`` and ``--replay``, seen from outside."""

from __future__ import annotations

import json
import re
import resource

import msgspec
import pytest

from botcore.client.tape import Answered, Asked, Tape

from .door import Door, door_to

QUIET = {f"BOTCORE_QUOTA_{name}": "3" for name in ("MARKET", "SALES", "OTHER")}
"""Quotas so low that a scan of the small market lasts for seconds."""
NOBODY = {"DMARKET_URL": "http://127.0.0.1:1", "REDIS_URL": "redis://127.0.0.1:1/0"}


@pytest.fixture(scope="module")
def once(market, tmp_path_factory) -> tuple[str, bytes]:
    """A scan that was recorded: its JSON, and the file."""
    door = door_to(market, tmp_path_factory.mktemp("recorded"))
    done = door("scan", "csgo", "boost", "--json", "--record", "a.rec")
    assert done.returncode == 0, done.stderr
    return done.stdout, (door.folder / "a.rec").read_bytes()


@pytest.fixture
def recorded(once, tmp_path) -> str:
    """The recording as ``a.rec``; gives the JSON of its scan."""
    (tmp_path / "a.rec").write_bytes(once[1])
    return str(once[0])


def test_a_replay_prints_the_same_json_to_the_last_byte_without_keys_and_without_a_market(recorded, tmp_path):
    done = Door(tmp_path, NOBODY)("scan", "--replay", "a.rec", "--json")
    assert (done.returncode, done.stdout) == (0, recorded)
    assert json.loads(recorded)["opportunities"]


def test_a_replay_shows_the_same_table_and_says_that_it_is_a_recording(door, tmp_path):
    there = door("scan", "csgo", "boost", "--limit", "5", "--record", "a.rec")
    done = Door(tmp_path, {})("scan", "--replay", "a.rec", "--limit", "5")
    assert re.match(r"Market: a recording of a sandbox market, items and prices invented, made 2\d{3}-\d\d-\d\d \d\d:\d\d UTC by botcore", done.stderr)
    first, rest = done.stdout.split("\n", 1)
    assert re.search(r"\(a recording of .* UTC\)$", first)
    assert rest == there.stdout.split("\n", 1)[1]


def test_all_levels_come_again_one_after_the_other(door):
    there = door("scan", "rust", "--all-levels", "--json", "--record", "a.rec")
    assert there.returncode == 0
    assert door("scan", "--replay", "a.rec", "--json").stdout == there.stdout
    assert len(json.loads(there.stdout)["reports"]) == 5


def test_a_lifted_cap_is_part_of_what_was_asked(door):
    there = door("scan", "csgo", "boost", "--max-profit", "--json", "--record", "a.rec")
    assert door("scan", "--replay", "a.rec", "--json").stdout == there.stdout
    assert "too-good" not in json.loads(there.stdout)["report"]["funnel"]["dropped"]


def test_the_settings_of_the_recording_hold_not_those_of_now(recorded, door):
    now = {"BOTCORE_SCAN_BANDS": "7", "BOTCORE_SCAN_BATCH_SIZE": "3", "BOTCORE_RETRY_ATTEMPTS": "1", "BOTCORE_QUOTA_MARKET": "1", "BOTCORE_CACHE_QUOTES": "0"}
    assert door("scan", "--replay", "a.rec", "--json", **now).stdout == recorded


@pytest.mark.usefixtures("recorded")
def test_a_replay_leaves_no_store_and_no_change_of_the_recording(tmp_path):
    data = (tmp_path / "a.rec").read_bytes()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.rec").write_bytes(data)
    Door(tmp_path / "elsewhere", {})("scan", "--replay", "a.rec", "--csv", "found.csv")
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == ["a.rec", "found.csv"]
    assert (tmp_path / "elsewhere" / "a.rec").read_bytes() == data


def test_a_speed_changes_nothing_that_is_shown(recorded, door):
    assert door("scan", "--replay", "a.rec", "--json", "--speed", "30").stdout == recorded
    assert door("scan", "--replay", "a.rec", "--json", "--speed", "max").stdout == recorded


@pytest.mark.usefixtures("recorded")
def test_no_secret_is_in_the_file(market, tmp_path):
    tape = Tape(tmp_path / "a.rec")
    kept = msgspec.msgpack.encode([tape.head, *(record for _, _, record in tape.records())]).lower()
    tape.close()
    assert b"/marketplace-api/v2/user/offers" in kept
    secret = market["secret_key"].lower()
    words = [market["public_key"], secret, secret[:64], "dmar ed25519", "x-api-key", "x-request-sign", "set-cookie", "@example"]
    assert [word for word in words if word.lower().encode() in kept] == []


# ---- what goes wrong -----------------------------------------------------------------------------------------------------


def test_a_scan_killed_while_it_is_recorded_can_be_replayed_as_far_as_it_came(door, tmp_path):
    screen = door.terminal("scan", "csgo", "boost", "--record", "a.rec", **QUIET)
    screen.until(r"found [1-9]")
    screen.process.kill()
    screen.end()
    tape = Tape(tmp_path / "a.rec")
    kinds = [type(record) for _, _, record in tape.records()]
    tape.close()
    assert (tape.whole, tape.end) == (False, None)
    assert kinds.count(Answered) > 3
    assert kinds.count(Asked) >= kinds.count(Answered)
    done = door("scan", "--replay", "a.rec", "--json")
    assert done.returncode == 0
    assert "It was cut off" in done.stderr
    document = json.loads(done.stdout)
    assert document["report"]["stopped"] == "the recording ends here"
    assert document["opportunities"]


def test_ctrl_c_comes_again_at_its_moment(door, tmp_path):
    with (tmp_path / "there.json").open("w") as out:
        screen = door.terminal("scan", "csgo", "boost", "--json", "--record", "a.rec", stdout=out, **QUIET)
        screen.until(r"found [1-9]")
        screen.type("\x03")
        assert screen.end() == 130
    done = door("scan", "--replay", "a.rec", "--json")
    assert done.stdout == (tmp_path / "there.json").read_text()
    assert json.loads(done.stdout)["report"]["stopped"] == "stopped by Ctrl-C"
    assert "cut off" not in done.stderr


def test_a_full_disk_ends_the_recording_and_not_the_scan(door, tmp_path):
    done = door("scan", "csgo", "boost", "--record", "a.rec", "--json", before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)))
    assert done.returncode == 1
    assert re.search(r"the recording a\.rec ends after \d+ answers: File too large", done.stderr)
    assert json.loads(done.stdout)["report"]["stopped"] is None
    tape = Tape(tmp_path / "a.rec")
    assert not tape.whole
    assert sum(isinstance(record, Answered) for _, _, record in tape.records()) >= 1
    tape.close()


@pytest.mark.usefixtures("recorded")
def test_an_altered_recording_is_refused_and_says_where(door, tmp_path):
    data = bytearray((tmp_path / "a.rec").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "a.rec").write_bytes(data)
    done = door("scan", "--replay", "a.rec")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"the recording a\.rec was altered or damaged: its check sum is wrong from byte \d+ on", done.stderr)


@pytest.mark.usefixtures("recorded")
def test_a_recording_is_not_written_over(door, tmp_path):
    data = (tmp_path / "a.rec").read_bytes()
    done = door("scan", "--record", "a.rec")
    assert done.returncode == 1
    assert "a.rec exists already" in done.stderr
    assert (tmp_path / "a.rec").read_bytes() == data


WRONG = {
    "no such file": (["--replay", "none.rec"], 1, "cannot be read: No such file"),
    "a file of another kind": (["--replay", "notes.txt"], 1, "notes.txt is no recording of botcore"),
    "a game": (["--replay", "none.rec", "csgo"], 2, "GAME cannot be chosen any more"),
    "a level": (["--replay", "none.rec", "--level", "boost"], 2, "LEVEL cannot be chosen any more"),
    "all levels": (["--replay", "none.rec", "--all-levels"], 2, "--all-levels cannot be chosen any more"),
    "a cap": (["--replay", "none.rec", "--max-profit", "50"], 2, "--max-profit cannot be chosen any more"),
    "a sandbox": (["--replay", "none.rec", "--seed", "0"], 2, "a sandbox cannot be chosen any more"),
    "both": (["--replay", "none.rec", "--record", "b.rec"], 2, "another recording cannot be chosen any more"),
    "a speed without a recording": (["--speed", "3"], 2, "name it with --replay"),
    "a speed that is none": (["--replay", "none.rec", "--speed", "0"], 2, "neither a number above 0 nor max"),
    "no such folder": (["--sandbox", "--record", "nowhere/b.rec"], 1, "nowhere/b.rec cannot be written: No such file"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_says_what_is_wrong(inside, tmp_path, case):
    arguments, code, words = WRONG[case]
    (tmp_path / "notes.txt").write_text("these are notes\n")
    out, err, ended = inside("scan", *arguments)
    assert (ended, out) == (code, "")
    assert words in err
    assert not (tmp_path / "b.rec").exists()


def test_a_recording_of_something_else_is_no_scan(inside, tmp_path):
    from botcore.client.tape import End, Head, TapeWriter  # noqa: PLC0415 - for this test alone

    TapeWriter(tmp_path / "w.rec", Head("dmarket", "0.1.0", 0, 1, [{"watch": {}}], {})).close(End(0, 0.0))
    _, err, ended = inside("scan", "--replay", "w.rec")
    assert ended == 1
    assert "was made by watch, not by scan" in err
