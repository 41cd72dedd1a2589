"""``botcore db``."""

from __future__ import annotations

import asyncio
import json
import time

import polars as pl
import pytest

from botcore.model import Game, Quote
from botcore.store import PricePoint, Store, StoreOptions
from botcore.store.migrations import HEAD

PASSWORD = "s3cret-Passw0rd"


def fill(folder, *ages):
    """Points of these ages, in days."""

    async def write():
        async with Store(StoreOptions(url=f"sqlite:///{folder}/data/botcore.db")) as store:
            await store.add_points("sandbox", [PricePoint(Game.CSGO, time.time() - age * 86_400, Quote("title", 600, 1, 550, 1)) for age in ages])

    asyncio.run(write())


def test_upgrade_makes_the_store_and_says_when_there_is_nothing_to_do(inside, tmp_path):
    assert inside("db", "upgrade") == (f"sqlite:///data/botcore.db was made, revision {HEAD}.\n", "", 0)
    assert (tmp_path / "data" / "botcore.db").exists()
    assert inside("db", "upgrade")[0].endswith(f"is at revision {HEAD} already.\n")


def test_info_counts_the_rows(inside, tmp_path):
    fill(tmp_path, 1, 2)
    out, err, code = inside("db", "info")
    assert (err, code) == ("", 0)
    assert ["price_points", "2"] in [line.split() for line in out.splitlines()]
    document = json.loads(inside("db", "info", "--json")[0])
    assert (document["rows"]["price_points"], document["url"], document["revision"]) == (2, "sqlite:///data/botcore.db", HEAD)
    assert document["bytes"] > 0
    assert [document["rows"][name] for name in ("outbox", "cards", "views", "watches")] == [0] * 4


def test_prune_removes_what_is_older(inside, tmp_path):
    fill(tmp_path, 1, 100, 200)
    assert inside("db", "prune", "--older-than", "90d", "--yes") == ("Removed: 2 price points.\n", "", 0)
    assert inside("db", "prune", "--older-than", "12w", "--yes") == ("Removed: nothing, all of it is newer.\n", "", 0)


def test_prune_asks_first_and_takes_silence_for_no(keyless):
    fill(keyless.folder, 100)
    done = keyless("db", "prune", "--older-than", "90d")
    assert done.returncode == 130
    assert "older than 90 days from sqlite:///data/botcore.db?" in done.stderr
    assert json.loads(keyless("db", "info", "--json").stdout)["rows"]["price_points"] == 1


@pytest.mark.parametrize("age", ["90", "d", "-1d", "1y", "1.5d", "999999d"])
def test_an_age_that_is_none_is_wrong_use(inside, age):
    _, err, code = inside("db", "prune", "--older-than", age, "--yes")
    assert code == 2
    assert "write 12h, 90d or 6w" in err


def test_export_writes_parquet(inside, tmp_path):
    fill(tmp_path, 1, 2, 3)
    out, _, code = inside("db", "export", "--parquet", "copy")
    assert code == 0
    assert "copy/price_points.parquet  3 rows" in out
    assert pl.read_parquet(tmp_path / "copy" / "price_points.parquet").height == 3


@pytest.mark.parametrize("arguments", [["upgrade"], ["info"], ["prune", "--older-than", "1d", "--yes"], ["export", "--parquet", "copy"]])
def test_a_store_that_cannot_be_reached_is_said_without_its_password(inside, arguments):
    out, err, code = inside("db", *arguments, DATABASE_URL=f"postgresql://bot:{PASSWORD}@127.0.0.1:1/none")
    assert (out, code) == ("", 1)
    assert "botcore: the store postgresql://bot:***@127.0.0.1:1/none cannot be reached" in err
    assert PASSWORD not in err


def test_the_settings_show_no_password(inside):
    out, _, code = inside("config", DATABASE_URL=f"postgresql://bot:{PASSWORD}@host/db", COLUMNS="200")
    assert code == 0
    assert "postgresql://bot:***@host/db" in out
    assert PASSWORD not in out


def test_an_address_that_cannot_be_used_is_a_wrong_setting(inside):
    _, err, code = inside("db", "info", DATABASE_URL=f"mysql://bot:{PASSWORD}@host/db")
    assert code == 2
    assert "DATABASE_URL begins with mysql://" in err
    assert PASSWORD not in err


@pytest.mark.parametrize("name", ["upgrade", "info", "prune", "export"])
def test_help_keeps_to_a_narrow_terminal(inside, name):
    out, _, code = inside("db", name, "--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
