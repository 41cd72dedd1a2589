"""Brings a database to the schema of this version, and back. Whole or not at all, and one process at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from botcore.errors import StoreError
from botcore.store.connect import connect, disconnect, translated, whole, writing
from botcore.store.options import StoreOptions

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

__all__ = ["HEAD", "downgrade", "revision", "upgrade"]

HEAD = "0005"
"""The newest revision. Kept here, so that a store that has it is opened without loading Alembic."""
LOCK = 0x626F7463
"""The advisory lock that a migrating process holds in PostgreSQL: ``botc``."""
_SWITCH_PAUSE = 0.01


async def upgrade(options: StoreOptions) -> tuple[str | None, str]:
    """Bring the store to the newest revision; gives the revision before and after, None for an empty database.

    Raises:
        StoreError: it cannot be opened, or a newer botcore wrote it.
    """
    engine = connect(options)
    try:
        with translated(options):
            return await bring_up(engine, options)
    finally:
        await disconnect(engine)


async def downgrade(options: StoreOptions, target: str = "base") -> None:
    """Take migrations back, by default all of them, with everything that is stored. Raises StoreError."""
    engine = connect(options)
    try:
        with translated(options):
            await whole(_migrate(engine, target, down=True))
    finally:
        await disconnect(engine)


async def bring_up(engine: AsyncEngine, options: StoreOptions) -> tuple[str | None, str]:
    """Migrate over an open engine, unless there is nothing to do."""
    if options.path is not None:
        await _switch_to_wal(engine, options.timeout)
    before = await revision(engine)
    if before != HEAD:
        await whole(_migrate(engine, HEAD, down=False))
    return before, HEAD


async def _switch_to_wal(engine: AsyncEngine, timeout: float) -> None:
    """Write-ahead log: readers and the writer do not wait for each other. Another process may be switching just now, and SQLite does not wait for that."""
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        try:
            async with engine.connect() as connection:
                raw = (await connection.get_raw_connection()).driver_connection
                assert raw is not None  # noqa: S101 - it was opened a line ago
                await (await raw.execute("PRAGMA journal_mode=WAL")).close()
        except DBAPIError as error:
            if not _busy(error, deadline):
                raise
        except Exception as error:  # the driver's own, since we went past SQLAlchemy
            if not _busy(error, deadline):
                raise
        else:
            return
        await asyncio.sleep(_SWITCH_PAUSE)


def _busy(error: Exception, deadline: float) -> bool:
    return "locked" in str(error) and asyncio.get_running_loop().time() < deadline


async def revision(engine: AsyncEngine) -> str | None:
    """The revision of a database; None when it has none."""
    async with engine.connect() as connection:
        if not await connection.run_sync(lambda bound: bound.dialect.has_table(bound, "alembic_version")):
            return None
        found: str | None = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
        return found


async def _migrate(engine: AsyncEngine, target: str, *, down: bool) -> None:
    async with writing(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        await connection.run_sync(_run, target, down)


def _run(connection: Connection, target: str, down: bool) -> None:
    from alembic.config import Config  # noqa: PLC0415 - Alembic is needed only when something is to be migrated
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415 - same
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - same

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)

    def steps(current: object, _: object) -> list[object]:
        _check_known(scripts, current)
        walk = scripts._downgrade_revs if down else scripts._upgrade_revs  # noqa: SLF001 - as Alembic's own commands do
        return list(walk(target, current))  # type: ignore[arg-type]

    environment = EnvironmentContext(config, scripts, fn=steps)
    with environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()


def _check_known(scripts: ScriptDirectory, current: object) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    for one in current if isinstance(current, tuple | list) else [current] if current else []:
        if one not in known:
            raise StoreError(
                f"a newer botcore wrote this store (revision {one}, this version knows {HEAD}): install that version, or set DATABASE_URL to another"
            )
