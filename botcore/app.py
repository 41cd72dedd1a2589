"""Where objects are built: one client, one scanner, and a sandbox market when there are no keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from botcore.client import DMarketClient, KeyPair, Quota
from botcore.sandbox import MarketOptions, spawn_market
from botcore.scan import Scanner
from botcore.settings import Settings, load

__all__ = ["App", "open_app"]


class App:
    """Everything a door needs. ``sandbox`` holds the sandbox market's options, or None on a market given by the settings."""

    def __init__(self, settings: Settings, client: DMarketClient, sandbox: MarketOptions | None) -> None:
        self.settings = settings
        self.client = client
        self.scanner = Scanner(client, settings.scan)
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
        if sandbox is not None:
            address = await stack.enter_async_context(spawn_market(sandbox))
            url, keys = address.url, KeyPair.parse(address.public_key, address.secret_key)
            pool = msgspec.structs.replace(pool, ca_file=address.ca_file or pool.ca_file)
        assert keys is not None  # noqa: S101 - either the settings or the sandbox gave a pair
        client = await stack.enter_async_context(DMarketClient(url, keys, pool=pool, quota=Quota(settings.quota), retry=settings.retry))
        yield App(settings, client, sandbox)
