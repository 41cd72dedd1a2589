"""Up, down and up again; at once from two processes; and every table as the schema says."""

from __future__ import annotations

import asyncio
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Boolean, Double, Text, insert, inspect, select, text

from botcore.errors import StoreError
from botcore.model import Game
from botcore.store import Chats, Store
from botcore.store.connect import connect, disconnect
from botcore.store.migrations import HEAD, _migrate, downgrade, upgrade
from botcore.store.schema import METADATA

from .support import report

OPENS = """
import asyncio, sys
from botcore.store import Store, StoreOptions
async def work():
    async with Store(StoreOptions(url=sys.argv[1], timeout=30)):
        pass
asyncio.run(work())
"""


async def look(options, work):
    engine = connect(options)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(work)
    finally:
        await disconnect(engine)


def tables(connection):
    return set(inspect(connection).get_table_names()) - {"alembic_version"}


async def test_up_down_and_up_again(options):
    assert await upgrade(options) == (None, HEAD)
    assert await look(options, tables) == set(METADATA.tables)
    await downgrade(options)
    assert await look(options, tables) == set()
    assert await upgrade(options) == (None, HEAD)
    assert await upgrade(options) == (HEAD, HEAD)
    async with Store(options) as store:
        assert await store.save_scan(report())


async def test_the_migrations_make_what_the_schema_says(options):
    await upgrade(options)
    assert await look(options, lambda connection: compare_metadata(MigrationContext.configure(connection), METADATA)) == []


async def test_names_of_keys_and_indexes_are_those_of_the_schema(options):
    await upgrade(options)

    def names(connection):
        look = inspect(connection)
        return {name: {index["name"] for index in look.get_indexes(name)} for name in METADATA.tables}

    found = await look(options, names)
    assert all({index.name for index in table.indexes} <= found[name] for name, table in METADATA.tables.items())


FIRST_TABLES = ("scans", "opportunities", "items", "price_points", "sales", "chats", "mutes", "state")


def values(table, number):
    """A row for any table of the first revision."""
    kinds = {Text: f"text {number}", Double: number / 4, Boolean: True}
    return {column.name: next((value for kind, value in kinds.items() if isinstance(column.type, kind)), number) for column in table.columns}


def all_rows(connection):
    return {name: sorted(map(tuple, connection.execute(select(METADATA.tables[name])))) for name in FIRST_TABLES}


async def fill_first(options):
    """A database as the first revision left it, with three rows in each table."""
    engine = connect(options)
    try:
        await _migrate(engine, "0001", down=False)
        async with engine.begin() as connection:
            for table in (METADATA.tables[name] for name in FIRST_TABLES):
                await connection.execute(insert(table), [values(table, number) for number in (1, 2, 3)])
            await connection.execute(text("""UPDATE mutes SET game = 'csgo'"""))
            await connection.execute(text("""UPDATE chats SET settings = '{"language": "ru", "level": "pro"}'"""))
    finally:
        await disconnect(engine)


async def test_a_filled_store_of_the_first_revision_keeps_every_row_on_the_way_up_and_down(options):
    await fill_first(options)
    before = await look(options, all_rows)
    assert {len(found) for found in before.values()} == {3}
    assert await look(options, tables) == set(FIRST_TABLES)
    assert await upgrade(options) == ("0001", HEAD)
    assert await look(options, all_rows) == before
    assert await look(options, tables) == set(METADATA.tables)
    async with Store(options) as store:
        assert (await Chats(store).settings(2)).language == "ru"
        assert await Chats(store).mutes(2) == [(Game.CSGO, "text 2")]
    await downgrade(options, "0001")
    assert await look(options, all_rows) == before
    assert await look(options, tables) == set(FIRST_TABLES)


async def test_a_store_of_a_newer_botcore_is_left_alone(options):
    await upgrade(options)
    engine = connect(options)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await disconnect(engine)
    for work in (upgrade(options), downgrade(options), Store(options).__aenter__()):
        with pytest.raises(StoreError, match=r"a newer botcore wrote this store \(revision 9999"):
            await work


async def test_two_processes_at_once_on_a_fresh_database_both_succeed(options):
    children = [await asyncio.create_subprocess_exec(sys.executable, "-c", OPENS, options.url, stderr=asyncio.subprocess.PIPE) for _ in range(3)]
    ends = await asyncio.gather(*(child.communicate() for child in children))
    assert [(child.returncode, err) for child, (_, err) in zip(children, ends, strict=True)] == [(0, b"")] * 3
    assert await upgrade(options) == (HEAD, HEAD)
