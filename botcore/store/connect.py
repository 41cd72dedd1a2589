"""Options → an engine, and the errors of drivers → StoreError. No password passes through here in a text."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import Thread
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary, WeakSet

import aiosqlite
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from botcore.errors import StoreError
from botcore.store.options import StoreOptions, driven

__all__ = ["Unfit", "connect", "disconnect", "translated", "unbroken", "whole", "writing"]

P = ParamSpec("P")
T = TypeVar("T")
_ADVICE = {
    "unable to open": "cannot be opened: its folder must exist and be yours to write to",
    "readonly": "cannot be written: give yourself the right to write the file and its folder, or set DATABASE_URL",
    "full": "cannot grow: the disk is full. Free some room; what was written before is safe",
    "not a database": "is no database: move the file away, or set DATABASE_URL to another",
    "malformed": "is damaged: move the file away, or restore it from a copy",
    "locked": "is held by another program: end that one, or try again",
    "password authentication": "refused the login: check user and password in DATABASE_URL",
    "no password": "refused the login: DATABASE_URL has no password",
    "pg_hba": "refused the login: the server lets nobody in from here under this name",
    "does not exist": "has no such database or role: create it, or correct DATABASE_URL",
    "too many": "has no connection left: lower BOTCORE_STORE_POOL_SIZE, or raise the server's limit",
}
"""What a driver says in some of its words, and what that means for a person."""
_AWAY = "cannot be reached: check that the server runs and that DATABASE_URL is right"


_THREADS: WeakKeyDictionary[Engine, WeakSet[Thread]] = WeakKeyDictionary()
"""The threads of each engine's SQLite connections."""
_ENDING = 5.0


class Unfit(StoreError):
    """A row that the database will never take. Leave it out; the others are fine."""


def connect(options: StoreOptions) -> AsyncEngine:
    """An engine; nothing is opened yet, but the folder of a SQLite file is made. Raises StoreError."""
    if options.path is not None:
        return _sqlite(options)
    try:
        return create_async_engine(
            driven(options.url),
            pool_size=options.pool_size,
            max_overflow=options.max_overflow,
            pool_recycle=int(options.recycle) or 1,
            pool_pre_ping=options.pre_ping,
            pool_timeout=options.timeout,
            connect_args={"timeout": options.timeout},
            hide_parameters=True,
        )
    except ModuleNotFoundError:
        raise StoreError("PostgreSQL needs the extra `postgres`: pip install 'botcore[postgres]'") from None


def _sqlite(options: StoreOptions) -> AsyncEngine:
    assert options.path is not None  # noqa: S101 - the caller looked
    with translated(options):
        options.path.parent.mkdir(parents=True, exist_ok=True)
    threads: WeakSet[Thread] = WeakSet()

    def create(*place: Any, **settings: Any) -> aiosqlite.Connection:
        # We begin ourselves: a driver's own BEGIN leaves tables out.
        connection = aiosqlite.connect(*place, **settings, isolation_level=None, timeout=options.timeout)
        connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does: one that hangs must not keep the program from ending
        threads.add(connection._thread)  # noqa: SLF001 - it tells in no other way when it is done
        return connection

    engine = create_async_engine(driven(options.url), connect_args={"async_creator_fn": create}, hide_parameters=True)
    _THREADS[engine.sync_engine] = threads
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


async def disconnect(engine: AsyncEngine) -> None:
    """Close every connection, and see the threads of SQLite's end: one that reports to a loop that is gone leaves a traceback."""
    await engine.dispose()
    for thread in list(_THREADS.get(engine.sync_engine, ())):
        if thread.is_alive():
            await asyncio.to_thread(thread.join, _ENDING)


def _prepare(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    """A writer takes its lock first: one that begins as a reader may be refused later, however long it would wait."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writing") else "BEGIN")


def writing(engine: AsyncEngine) -> AsyncEngine:
    """The same engine, for transactions that write."""
    return engine.execution_options(writing=True)


@contextmanager
def translated(options: StoreOptions) -> Iterator[None]:
    """Turn whatever a driver raises into StoreError, with the store's address and what to do."""
    try:
        yield
    except StoreError:
        raise
    except (SQLAlchemyError, sqlite3.Error, OSError, OverflowError, TimeoutError, UnicodeError) as error:
        raise _told(options, error) from None
    except Exception as error:
        if not type(error).__module__.startswith("asyncpg"):
            raise
        raise _told(options, error) from None  # asyncpg's own errors reach us bare while it connects


def _told(options: StoreOptions, error: Exception) -> StoreError:
    said = _first_line(error)
    if isinstance(error, DataError | IntegrityError | OverflowError | UnicodeError) or "invalid input for query argument" in said:
        return Unfit(f"the store {options.shown} does not take a row: {said}")
    if options.path is None and _away(error):
        return StoreError(f"the store {options.shown} {_AWAY}")
    for words, advice in _ADVICE.items():
        if words in said:
            return StoreError(f"the store {options.shown} {advice}")
    if isinstance(error, OSError):
        return StoreError(f"the store {options.shown} cannot be used: {error.strerror or said}")
    return StoreError(f"the store {options.shown} failed: {said}")


def _away(error: Exception) -> bool:
    """Whether the server is not there, or went away."""
    gone = isinstance(error, DBAPIError) and (error.connection_invalidated or "connection" in _first_line(error).lower())
    return gone or isinstance(error, OSError | TimeoutError) or "ConnectionError" in type(error).__name__ or "CannotConnectNow" in type(error).__name__


def _first_line(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(cause).splitlines() or [type(cause).__name__]
    return lines[0].rpartition("'>: ")[2]


async def whole(work: Coroutine[Any, Any, T]) -> T:
    """Do the work to its end also when the caller is cancelled meanwhile, who then hears of that alone."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # looked at, or asyncio would complain
        raise


def unbroken(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """A method that is done to its end in this way, whoever calls it."""

    @wraps(method)
    async def done(*arguments: P.args, **named: P.kwargs) -> T:
        return await whole(method(*arguments, **named))

    return done
