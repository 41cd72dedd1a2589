"""Where the store is and how it is used."""

from __future__ import annotations

from pathlib import Path

import msgspec
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from botcore.errors import ConfigError

__all__ = ["StoreOptions"]

DEFAULT = "sqlite:///data/botcore.db"
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
_ACCEPTED = "sqlite:///a/file.db or postgresql://user:password@host/database"
_QUERY = {"host": "host", "ssl": "ssl", "sslmode": "ssl"}
"""What may follow the question mark, and what asyncpg calls it."""


class StoreOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where the store is and how it is used. Times in seconds.

    ``url``: a SQLite file, relative to the working directory, or a PostgreSQL database; its password is shown nowhere.
    ``pool_size``, ``max_overflow``, ``recycle`` and ``pre_ping``: the connections to PostgreSQL that are kept, those beyond
    them, how old one may get, and whether each is tried before use. ``timeout``: how long to wait for a connection or a lock.
    ``batch``: rows written in one transaction. ``flush``: how long a row waits for others. ``retry``: the pause after a
    failed write. ``buffer``: rows kept in memory while nothing can be written.
    """

    url: str = DEFAULT
    pool_size: int = 10
    max_overflow: int = 20
    recycle: float = 3600.0
    pre_ping: bool = True
    timeout: float = 10.0
    batch: int = 2000
    flush: float = 0.5
    retry: float = 2.0
    buffer: int = 500_000

    def __post_init__(self) -> None:
        """Refuse what could not be opened, without repeating a password."""
        driven(self.url)
        if min(self.pool_size, self.batch, self.buffer) < 1 or self.max_overflow < 0:
            raise ConfigError("pool_size, batch and buffer need at least 1, max_overflow at least 0")
        if min(self.recycle, self.timeout, self.retry) <= 0 or self.flush < 0:
            raise ConfigError("recycle, timeout and retry need some seconds above 0, flush at least 0")

    def __repr__(self) -> str:
        fields = ((name, self.shown if name == "url" else getattr(self, name)) for name in self.__struct_fields__)
        return f"StoreOptions({', '.join(f'{name}={value!r}' for name, value in fields)})"

    @property
    def shown(self) -> str:
        """The address as a person may see it: the password masked."""
        return shown_url(self.url)

    @property
    def path(self) -> Path | None:
        """The SQLite file; None for PostgreSQL."""
        url = driven(self.url)
        return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def shown_url(text: str) -> str:
    """An address that was accepted, as a person may see it: the password masked."""
    return make_url(text).render_as_string(hide_password=True)


def driven(text: str) -> URL:
    """The address with the driver that is used. Raises ConfigError, which repeats nothing but the scheme."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigError(f"DATABASE_URL is no address of a database: use {_ACCEPTED}") from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise ConfigError(f"DATABASE_URL begins with {url.drivername}://, which is not supported: use {_ACCEPTED}")
    if driver.startswith("sqlite"):
        return _file(url.set(drivername=driver))
    unknown = sorted(set(url.query) - set(_QUERY))
    if unknown:
        raise ConfigError(f"DATABASE_URL has unknown parameters ({', '.join(unknown)}): only {', '.join(_QUERY)} are understood")
    return url.set(drivername=driver, query={_QUERY[name]: value for name, value in url.query.items()})


def _file(url: URL) -> URL:
    if not url.database or url.database == ":memory:" or url.host or url.query:
        raise ConfigError(f"DATABASE_URL must name a file, as sqlite:///data/botcore.db does with three slashes: use {_ACCEPTED}")
    return url
