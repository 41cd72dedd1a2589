"""Up, down and up again; at once from two processes; and every table as the schema says."""

from __future__ import annotations

import asyncio
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from botcore.errors import StoreError
from botcore.store import Store
from botcore.store.connect import connect, disconnect
from botcore.store.migrations import HEAD, downgrade, upgrade
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
