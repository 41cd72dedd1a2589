"""``botcore history``."""

from __future__ import annotations

import asyncio
import struct
import time

import pytest

from botcore.model import Game, Quote, Sale
from botcore.store import PricePoint, Store, StoreOptions

TITLE = "AK-47 | Redline (Field-Tested)"


@pytest.fixture
def stored(tmp_path):
    """Points and sales of one title, seen on a sandbox market."""
    now = time.time()

    async def write():
        async with Store(StoreOptions(url=f"sqlite:///{tmp_path}/data/botcore.db")) as store:
            await store.add_points("sandbox", [PricePoint(Game.CSGO, now - day * 86_400, Quote(TITLE, 600 + day, 1, 550, 1)) for day in range(20)])
            await store.add_sales("sandbox", Game.CSGO, TITLE, [Sale(580, int(now) - 86_400 * day) for day in range(20)])

    asyncio.run(write())


@pytest.mark.usefixtures("stored")
def test_it_writes_a_picture(inside, tmp_path):
    assert inside("history", TITLE, "--png", "picture.png") == ("picture.png\n", "", 0)
    data = (tmp_path / "picture.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (1080, 600)
    assert [path.name for path in tmp_path.glob("picture*")] == ["picture.png"]


@pytest.mark.usefixtures("stored")
def test_it_shows_the_picture_in_a_terminal(keyless):
    screen = keyless.terminal("history", TITLE, columns=80)
    assert screen.end() == 0
    assert sum(line.count("▀") + line.count("▄") for line in screen.seen.splitlines()) > 500 or "\x1bP" in screen.seen or "\x1b_G" in screen.seen


@pytest.mark.usefixtures("stored")
def test_without_a_terminal_it_says_to_write_a_file(inside):
    out, err, code = inside("history", TITLE)
    assert (out, code) == ("", 2)
    assert "use --png FILE" in err


@pytest.mark.usefixtures("stored")
def test_an_unknown_title_suggests_the_near_one(inside, tmp_path):
    _, err, code = inside("history", "AK-47 Redline", "--png", "picture.png")
    assert code == 1
    assert f"did you mean {TITLE!r}?" in err
    assert not (tmp_path / "picture.png").exists()


@pytest.mark.usefixtures("stored")
def test_a_title_like_no_other_suggests_a_scan(inside):
    assert "run a scan that meets it first" in inside("history", "zzzzzz", "--png", "x.png")[1]


def test_an_empty_store_says_to_scan_first(inside):
    _, err, code = inside("history", TITLE, "--game", "rust", "--png", "picture.png")
    assert code == 1
    assert "run a scan first, as in `botcore scan rust`" in err


@pytest.mark.usefixtures("stored")
def test_sandbox_data_is_not_shown_for_the_real_market(inside, market):
    keys = {"DMARKET_PUBLIC_KEY": market["public_key"], "DMARKET_SECRET_KEY": market["secret_key"]}
    assert "on the dmarket market is stored yet" in inside("history", TITLE, "--png", "x.png", **keys)[1]
    assert inside("history", TITLE, "--png", "x.png", "--sandbox", **keys)[2] == 0


@pytest.mark.usefixtures("stored")
def test_a_file_that_cannot_be_written_is_said(inside):
    _, err, code = inside("history", TITLE, "--png", "nowhere/picture.png")
    assert code == 1
    assert "nowhere/picture.png was not written" in err


@pytest.mark.parametrize("arguments", [["--days", "0"], ["--game", "chess"], []])
def test_wrong_use_is_said(inside, arguments):
    assert inside("history", *([TITLE] if arguments else []), *arguments, "--png", "x.png")[2] == 2
