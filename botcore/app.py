"""Where objects are built: one client, one cache, one scanner, and a sandbox market when there are no keys."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import blake2b

import msgspec

from botcore import cache as caching
from botcore.client import DMarketClient, KeyPair, Quota
from botcore.sandbox import MarketOptions, spawn_market
from botcore.scan import Scanner, Warmer
from botcore.settings import Settings, load

__all__ = ["App", "account", "open_app"]


class App:
    """Everything a door needs. ``sandbox`` holds the sandbox market's options, or None on a market given by the settings."""

    def __init__(self, settings: Settings, client: DMarketClient, cache: caching.Cache, sandbox: MarketOptions | None) -> None:
        self.settings = settings
        self.client = client
        self.cache = cache
        self.scanner = Scanner(client, settings.scan, cache=cache)
        self.warmer = Warmer(client, cache)
        self.sandbox = sandbox


@asynccontextmanager
async def open_app(settings: Settings | None = None, *, sandbox: MarketOptions | None = None) -> AsyncIterator[App]:
    """An app for the market of the settings; without keys, or with ``sandbox``, for a sandbox market of its own.

    ``settings`` default to the environment and ``.env``.

    Raises:
        ConfigError: the settings cannot be used.
        SandboxError: the sandbox market did not start.
    """
    settings = load() if settings is None else settings
    async with AsyncExitStack() as stack:
        if sandbox is None and settings.keys is None:
            sandbox = MarketOptions()
        url, keys, pool = settings.url, settings.keys, settings.pool
        owner = ""
        if sandbox is not None:
            address = await stack.enter_async_context(spawn_market(sandbox))
            url, keys = address.url, KeyPair.parse(address.public_key, address.secret_key)
            pool = msgspec.structs.replace(pool, ca_file=address.ca_file or pool.ca_file)
            owner = secrets.token_hex(8)  # another sandbox may stand at the same address later, and knows nothing of this one
        assert keys is not None  # noqa: S101 - either the settings or the sandbox gave a pair
        redis, quota = None, Quota(settings.quota)
        if settings.redis_url:
            connection = await stack.enter_async_context(caching.open_connection(settings.redis_url, settings.cache.timeout))
            redis = caching.RedisLevel(connection, space=account(url, keys, owner), options=settings.cache)
        client = await stack.enter_async_context(DMarketClient(url, keys, pool=pool, quota=quota, retry=settings.retry))
        cache = await stack.enter_async_context(caching.Cache(settings.cache, redis))
        yield App(settings, client, cache, sandbox)


def account(url: str, keys: KeyPair, owner: str = "") -> str:
    """The name under which processes share what belongs to one account on one market; no key can be read from it."""
    return blake2b(f"{url} {keys.public_hex} {owner}".encode(), digest_size=8).hexdigest()
