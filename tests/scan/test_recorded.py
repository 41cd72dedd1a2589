"""A scan that was recorded happens again, to the last byte of what is shown: on calm markets and on restless ones."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from botcore.app import open_app, open_replay
from botcore.cli import view
from botcore.cli.recorded import asked_of
from botcore.client import Recording, Replay
from botcore.client.tape import Answered, Tape
from botcore.errors import ConfigError, RecordingError, ScanFailed
from botcore.model import ScanQuery, ScanReport
from botcore.sandbox import MarketOptions
from botcore.settings import load

if TYPE_CHECKING:
    from botcore.app import App
    from botcore.settings import Settings

ROOT = Path(__file__).parent.parent.parent
QUERY = ScanQuery("csgo", "standard")
ASKED = [{"scan": msgspec.to_builtins(QUERY)}]
CORPUS: dict[str, dict[str, Any]] = {
    "calm": {"seed": 1},
    "far away and unsteady": {"seed": 2, "latency": 0.06, "jitter": 0.6},
    "churning": {"seed": 3, "churn": 200.0, "latency": 0.02},
    "mild chaos": {"seed": 4, "chaos": "mild", "latency": 0.01, "stall": 0.5},
    "mild chaos and churn": {"seed": 5, "chaos": "mild", "churn": 100.0, "latency": 0.03, "stall": 0.5},
    "storm": {"seed": 6, "chaos": "storm", "latency": 0.01, "stall": 0.3},
    "another clock": {"seed": 7, "clock_offset": 95.0},
}


def settings_in(folder: Path, **more: str) -> Settings:
    wide = {f"BOTCORE_QUOTA_{name}": "900" for name in ("MARKET", "SALES", "OTHER")}
    return load({"DATABASE_URL": f"sqlite:///{folder}/a.db", "BOTCORE_RETRY_FIRST": "0.01", **wide, **more}, folder / "none.env")


def shown(report: ScanReport) -> bytes:
    return view.as_json({"report": report, "opportunities": report.opportunities})


async def outcome(app: App, query: ScanQuery = QUERY) -> tuple[bytes, str]:
    """What a scan shows, and why it failed."""
    try:
        return shown(await app.scanner.scan(query)), ""
    except ScanFailed as failed:
        return b"" if failed.report is None else shown(failed.report), str(failed)


async def recorded(folder: Path, *, market: dict[str, Any], name: str = "a.rec", **more: str) -> tuple[bytes, str]:
    options = MarketOptions(**{"size": 3_000, "latency": 0.0, "limits": False, **market})
    async with open_app(settings_in(folder, **more), sandbox=options, record=folder / name, asked=ASKED) as app:
        return await outcome(app)


async def replayed(folder: Path, name: str = "a.rec", **more: Any) -> tuple[bytes, str]:
    async with open_replay(folder / name, load({}, folder / "none.env"), **more) as app:
        return await outcome(app)


@pytest.mark.parametrize("market", CORPUS.values(), ids=CORPUS)
async def test_a_replay_shows_what_the_scan_showed(tmp_path, market):
    """Opportunities, funnel, requests, failures and every figure of time; twice, since a replay changes nothing."""
    there = await recorded(tmp_path, market=market)
    assert await replayed(tmp_path) == there
    assert await replayed(tmp_path) == there
    funnel = msgspec.json.decode(there[0])["report"]["funnel"]
    assert funnel["listed"] > funnel["quoted"] > funnel["found"]  # evidence was asked of more than what was found


async def test_a_replay_in_another_process_shows_the_same(tmp_path):
    """There every set is in another order."""
    there, _ = await recorded(tmp_path, market=CORPUS["churning"])
    code = "import asyncio, sys; from pathlib import Path; from tests.scan.test_recorded import replayed; "
    code += "sys.stdout.buffer.write(asyncio.run(replayed(Path(sys.argv[1])))[0])"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code, str(tmp_path)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False, env=environment, cwd=ROOT)
        assert (done.stderr, done.stdout) == (b"", there)


@pytest.mark.parametrize("deadline", ["0.1", "0.3", "0.5"])
async def test_a_deadline_passes_at_the_same_moment(tmp_path, deadline):
    there = await recorded(tmp_path, market={"seed": 8, "latency": 0.2}, BOTCORE_SCAN_DEADLINE=deadline)
    assert await replayed(tmp_path) == there
    assert f"the deadline of {deadline} s passed" in there[0].decode()


async def test_the_quota_is_kept_while_recording_and_not_waited_for_again(tmp_path):
    there, _ = await recorded(tmp_path, market={"seed": 9, "limits": True}, BOTCORE_QUOTA_MARKET="10", BOTCORE_QUOTA_SALES="6", BOTCORE_QUOTA_OTHER="20")
    report = msgspec.json.decode(there)["report"]
    assert (report["throttled"], report["seconds"] > 1) == (0, True)
    began = asyncio.get_running_loop().time()
    assert (await replayed(tmp_path))[0] == there
    assert asyncio.get_running_loop().time() - began < report["seconds"]


async def test_a_speed_takes_its_part_of_the_recorded_time(tmp_path):
    there = await recorded(tmp_path, market={"seed": 1, "latency": 0.1})
    began = asyncio.get_running_loop().time()
    assert await replayed(tmp_path, speed=4.0) == there
    assert asyncio.get_running_loop().time() - began >= msgspec.json.decode(there[0])["report"]["seconds"] / 4 - 0.01


async def test_two_scans_of_one_recording_come_again_the_second_through_the_cache(tmp_path):
    async def both(app: App) -> list[bytes]:
        return [(await outcome(app))[0], (await outcome(app, ScanQuery("csgo", "boost")))[0], (await outcome(app))[0]]

    options = MarketOptions(seed=4, size=2_000, latency=0.01, limits=False)
    async with open_app(settings_in(tmp_path), sandbox=options, record=tmp_path / "a.rec") as app:
        there = await both(app)
    async with open_replay(tmp_path / "a.rec", load({}, tmp_path / "none.env")) as app:
        assert await both(app) == there
    assert msgspec.json.decode(there[2])["report"]["cache"]["memory_hits"] > 0


async def test_a_query_that_was_not_recorded_fails_by_its_requests_and_names_one(tmp_path):
    await recorded(tmp_path, market={"seed": 1})
    async with open_replay(tmp_path / "a.rec", load({}, tmp_path / "none.env")) as app:
        shown_then, why = await outcome(app, ScanQuery("rust", "boost"))
    assert "the recording holds no answer to GET /exchange/v1/customized-fees?gameId=rust" in why
    failures = msgspec.json.decode(shown_then)["report"]["failures"]
    assert {failure["error"] for failure in failures} == {"NotRecorded"}


async def test_a_recording_that_was_cut_gives_what_there_is_and_says_so(tmp_path):
    await recorded(tmp_path, market={"seed": 3, "latency": 0.02})
    data = (tmp_path / "a.rec").read_bytes()
    (tmp_path / "cut.rec").write_bytes(data[: len(data) * 2 // 3])
    async with open_replay(tmp_path / "cut.rec", load({}, tmp_path / "none.env")) as app:
        assert isinstance(app.course, Replay)
        assert not app.course.tape.whole
        shown_then, _ = await outcome(app)
        assert app.course.answers > 0
    report = msgspec.json.decode(shown_then)["report"]
    assert {failure["error"] for failure in report["failures"]} == {"NotRecorded"}
    assert report["listed"] > 0


async def test_what_is_replayed_is_not_kept_as_seen_now(tmp_path):
    await recorded(tmp_path, market={"seed": 1})
    async with open_replay(tmp_path / "a.rec", settings_in(tmp_path)) as app:
        await outcome(app)
        assert (app.store, app.journal, app.market) == (None, None, "recording")


async def test_a_recording_remembers_nothing_from_before_and_shares_nothing(tmp_path):
    settings = settings_in(tmp_path, REDIS_URL="redis://127.0.0.1:1/0")
    with pytest.raises(ConfigError, match="REDIS_URL"):
        async with open_app(settings, sandbox=MarketOptions(size=100), record=tmp_path / "a.rec"):
            pass
    assert not (tmp_path / "a.rec").exists()
    async with open_app(settings_in(tmp_path, REDIS_URL="embedded"), sandbox=MarketOptions(size=100, latency=0.0), record=tmp_path / "b.rec") as app:
        assert isinstance(app.course, Recording)
        assert app.cache.redis is None


async def test_a_recording_with_options_of_another_botcore_is_refused(tmp_path):
    async with Recording(tmp_path / "a.rec", _nothing(), "sandbox", options={"scan": {"concurrency": "many"}}):
        pass
    with pytest.raises(RecordingError, match="with options this one does not know"):
        async with open_replay(tmp_path / "a.rec", load({}, tmp_path / "none.env")):
            pass


async def test_a_small_scan_makes_a_small_file_that_holds_every_answer(tmp_path):
    there, _ = await recorded(tmp_path, market={"seed": 1, "size": 2_000})
    tape = Tape(tmp_path / "a.rec")
    bodies = [len(record.body) for _, _, record in tape.records() if isinstance(record, Answered)]
    tape.close()
    assert len(bodies) == sum(msgspec.json.decode(there)["report"]["requests"].values())
    assert (tmp_path / "a.rec").stat().st_size * 8 < sum(bodies)


def _nothing() -> Any:
    """A transport that sends nothing."""
    from httpx import MockTransport, Response  # noqa: PLC0415 - for one test

    return MockTransport(lambda _: Response(200))


@pytest.mark.parametrize("path", sorted((ROOT / "data" / "recordings").glob("*.rec")), ids=lambda path: path.name)
async def test_a_recording_of_the_house_still_comes_to_its_end(path, tmp_path):
    """Where a scan asks other things than it did, it is to be made anew: ``botcore scan tf2 medium --seed 7 --record FILE``."""
    async with open_replay(path, load({}, tmp_path / "none.env")) as app:
        assert isinstance(app.course, Replay)
        (query,) = asked_of(app.course, "scan", ScanQuery)
        report = await app.scanner.scan(query)
    assert report.failures == []
    assert report.drift == []
    assert report.opportunities
    assert path.stat().st_size < 300_000
