"""Killed writers, servers that go away, files that are none, and passwords that stay hidden."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import pytest

from botcore.bench.postgres import PostgresFailed, serve_postgres
from botcore.errors import ConfigError, StoreError
from botcore.model import Game
from botcore.store import Journal, Store, StoreOptions

from .support import NOW, PASSWORD, TITLE, point, report
from .test_journal import quotes, until

WRITER = """
import asyncio, sys
from botcore.model import Game, Quote
from botcore.store import PricePoint, Store, StoreOptions
async def work():
    async with Store(StoreOptions(url=sys.argv[1], timeout=30)) as store:
        for turn in range(100_000):
            await store.add_points("sandbox", [PricePoint(Game.CSGO, 1e9 + turn, Quote(f"title {n}", turn + 1, 1, 1, 1)) for n in range(500)])
            print(turn, flush=True)
asyncio.run(work())
"""


def started(code, *arguments):
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def test_a_writer_killed_in_mid_batch_loses_nothing_acknowledged_and_leaves_no_half(options):
    child = started(WRITER, options.url)
    assert child.stdout is not None
    for _ in range(4):
        child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    last = [3, *(int(line) for line in child.stdout.read().split("\n") if line)][-1]
    child.communicate()
    async with Store(options) as store:
        count = (await store.info()).rows["price_points"]
        assert count % 500 == 0
        assert count // 500 in {last + 1, last + 2}
        assert len(await store.points("sandbox", Game.CSGO, "title 499")) == count // 500
        await store.add_points("sandbox", [point()])


async def test_the_server_goes_away_and_comes_back(postgres, cluster, caplog):
    """Every connection is cut and none is let in; the journal keeps its rows and writes them when it may."""
    name = postgres.partition("?")[0].rpartition("/")[2]
    options = StoreOptions(url=postgres, flush=0.001, retry=0.01, timeout=5)
    admin = await asyncpg.connect(cluster)
    async with Store(options) as store, Journal(store, "sandbox") as journal:
        journal.quoted(Game.CSGO, quotes(10), NOW)
        await journal.flush()
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        journal.quoted(Game.CSGO, quotes(10), NOW + 1)
        await until(lambda: journal.counts.failures >= 2)
        assert (journal.waiting, journal.counts.written) == (10, 10)
        with pytest.raises(StoreError):
            await store.scans()
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await journal.flush()
        assert len(await store.points("sandbox", Game.CSGO, "title 3")) == 2
    await admin.close()
    assert len([record for record in caplog.records if "kept in memory" in record.getMessage()]) == 1


async def test_a_cut_connection_is_noticed_before_it_is_used(postgres, cluster):
    name = postgres.partition("?")[0].rpartition("/")[2]
    async with Store(StoreOptions(url=postgres)) as store:
        await store.save_scan(report())
        admin = await asyncpg.connect(cluster)
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        await admin.close()
        assert len(await store.scans()) == 1


async def test_a_file_that_is_no_database_is_said_and_left_alone(tmp_path):
    path = tmp_path / "notes.db"
    path.write_text("remember the milk, " * 100)
    with pytest.raises(StoreError, match="is no database: move the file away"):
        await Store(StoreOptions(url=f"sqlite:///{path}")).__aenter__()
    assert path.read_text().startswith("remember the milk")


async def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreError, match=r"the store sqlite:///.*botcore.db cannot be"):
        await Store(StoreOptions(url=f"sqlite:///{tmp_path}/data/botcore.db")).__aenter__()


async def test_a_folder_in_the_place_of_the_file_is_said(tmp_path):
    (tmp_path / "botcore.db").mkdir()
    with pytest.raises(StoreError, match="cannot be opened"):
        await Store(StoreOptions(url=f"sqlite:///{tmp_path}/botcore.db")).__aenter__()


async def test_a_folder_that_is_not_ours_is_said(tmp_path):
    """Root may write everywhere but into /proc."""
    tmp_path.chmod(0o555)
    folder = Path("/proc") if os.geteuid() == 0 else tmp_path
    with pytest.raises(StoreError, match="cannot be opened: its folder must exist and be yours"):
        await Store(StoreOptions(url=f"sqlite:///{folder}/botcore.db")).__aenter__()


async def test_a_held_database_is_said(sqlite):
    options = StoreOptions(url=sqlite, timeout=0.05)
    async with Store(options) as one, Store(options) as other, one.writing():
        with pytest.raises(StoreError, match="is held by another program"):
            await other.add_points("sandbox", [point()])


async def test_sqlite_is_set_up_for_one_writer_and_many_readers(sqlite):
    async with Store(StoreOptions(url=sqlite, timeout=7)) as store, store.reading() as connection:
        found = [(await connection.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")]
    assert found == ["wal", 1, 1, 7000]


async def test_the_pool_of_postgresql_is_as_the_options_say(postgres):
    async with Store(StoreOptions(url=postgres)) as store:
        pool = pool_of(store)
        assert (pool.size(), pool._max_overflow, pool._recycle, pool._pre_ping) == (10, 20, 3600, True)
    async with Store(StoreOptions(url=postgres, pool_size=2, max_overflow=0)) as store:
        await asyncio.gather(*(store.scans() for _ in range(20)))
        assert pool_of(store).checkedin() <= 2


def pool_of(store) -> Any:
    return store._engine.sync_engine.pool


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://bot:{PASSWORD}@127.0.0.1:1/none",
        f"postgres://bot:{PASSWORD}@/none?host=/nowhere",
        f"postgresql://bot:{PASSWORD}@name.invalid/none",
    ],
)
async def test_a_password_is_in_no_text(url):
    options = StoreOptions(url=url, timeout=5)
    store = Store(options)
    with pytest.raises(StoreError, match="cannot be reached") as failed:
        await store.__aenter__()
    texts = [repr(options), str(options), repr(store), repr(Journal(store, "sandbox")), str(failed.value), options.shown]
    assert not any(PASSWORD in text for text in texts)
    assert failed.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"mysql://bot:{PASSWORD}@host/db", "begins with mysql://"),
        (f"postgresql://bot:{PASSWORD}@host:port/db", "no address of a database"),
        (f"bot:{PASSWORD}", "no address of a database"),
        (f"postgresql://bot:{PASSWORD}@host/db?options={PASSWORD}", r"unknown parameters \(options\)"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite://data/botcore.db", "must name a file"),
    ],
)
def test_an_address_that_cannot_be_used_says_what_can_without_its_password(url, said):
    with pytest.raises(ConfigError, match=said) as refused:
        StoreOptions(url=url)
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize("wrong", [{"pool_size": 0}, {"batch": 0}, {"buffer": 0}, {"max_overflow": -1}, {"recycle": 0}, {"timeout": -1}, {"flush": -0.1}])
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError):
        StoreOptions(**wrong)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
async def test_every_spelling_of_postgresql_works(postgres, scheme):
    url = f"{scheme}://{postgres.partition('://')[2]}&sslmode=disable"
    async with Store(StoreOptions(url=url)) as store:
        assert await store.scans() == []


CLUSTER = """
import sys
from botcore.bench.postgres import serve_postgres
with serve_postgres(durable=False) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_server_ends_with_its_parent(cluster, number):
    """``cluster`` is asked for so that a platform without PostgreSQL skips."""
    del cluster
    child = started(CLUSTER)
    assert child.stdout is not None
    folder = Path(child.stdout.readline().strip().partition("host=")[2])
    assert (folder / ".s.PGSQL.5432").exists()
    child.send_signal(number)
    child.communicate()
    await until(lambda: not folder.exists())


def test_a_server_that_does_not_start_says_why(monkeypatch):
    monkeypatch.setattr("botcore.bench.postgres._LAX", "-c no_such_setting=1")
    with pytest.raises(PostgresFailed, match="no_such_setting"), serve_postgres(durable=False):
        pass


async def test_the_default_file_is_made_in_the_folder_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with Store() as store:
        await store.add_points("sandbox", [point()])
        assert len(await store.points("sandbox", Game.CSGO, TITLE)) == 1
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["botcore.db"]
