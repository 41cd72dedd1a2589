"""Each test of the contract runs over SQLite and over PostgreSQL, each time on a database of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count

import asyncpg  # type: ignore[import-untyped]
import pytest

from botcore.bench.postgres import NoPostgres, serve_postgres
from botcore.store import Store, StoreOptions

NUMBERS = count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """One PostgreSQL for the tests of a process. Only a platform for which there is none skips; a server that does not start fails."""
    try:
        serving = serve_postgres(durable=False)
        url = serving.__enter__()
    except NoPostgres as error:
        pytest.skip(str(error))
    try:
        yield url
    finally:
        serving.__exit__(None, None, None)


@pytest.fixture
def postgres(cluster) -> str:
    """An empty PostgreSQL database."""
    name = f"test{next(NUMBERS)}"

    async def create() -> None:
        connection = await asyncpg.connect(cluster)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(create())
    return str(cluster).replace("/postgres?", f"/{name}?")


@pytest.fixture
def sqlite(tmp_path) -> str:
    """The address of a SQLite file that is not there yet, nor its folder."""
    return f"sqlite:///{tmp_path / 'data' / 'botcore.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request) -> str:
    """An empty database of either kind."""
    found: str = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def options(url) -> StoreOptions:
    return StoreOptions(url=url, timeout=30, flush=0.01, retry=0.01)


@pytest.fixture
async def store(options):
    async with Store(options) as opened:
        yield opened
