"""Where objects are built: one client, one cache, one store, one scanner, and a sandbox market when there are no keys."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from hashlib import blake2b

import msgspec

# Modules where a name would bring Redis along: it is imported when it is used.
from botcore import cache as caching
from botcore import client as talking
from botcore.cache.address import EMBEDDED
from botcore.client import DMarketClient, KeyPair, Quota
from botcore.errors import StoreError
from botcore.model import Game
from botcore.sandbox import MarketOptions, spawn_market
from botcore.scan import Scanner, Warmer
from botcore.scan.run import market_name
from botcore.settings import Settings, load
from botcore.store import Journal, Store

__all__ = ["App", "account", "open_app"]

_log = logging.getLogger(__name__)


class App:
    """Everything a door needs.

    ``sandbox`` holds the sandbox market's options, or None on a market given by the settings. ``store`` and ``journal`` are
    None where the store could not be opened: then nothing is kept for good, and the log says why.
    """

    def __init__(
        self, settings: Settings, client: DMarketClient, cache: caching.Cache, store: Store | None, journal: Journal | None, sandbox: MarketOptions | None
    ) -> None:
        self.settings = settings
        self.client = client
        self.cache = cache
        self.store = store
        self.journal = journal
        self.sandbox = sandbox
        self.market = market_name(client.base_url)
        self.scanner = Scanner(client, settings.scan, cache=cache, journal=journal)
        self.warmer = Warmer(client, cache, journal=journal, known=partial(_titles, store, self.market) if store is not None else None)

    async def update_item_price(self, game: Game, offer_id: str, price_cents: int) -> None:
        """Change the stored price of an offer that a scan found; what depended on it is forgotten everywhere once that is committed.

        Raises StoreError for an offer that is not stored, and when the store cannot be written.
        """
        if self.store is None:
            raise StoreError("the store is not open, so no price in it can be changed: see the warning at the start")
        await self.store.update_item_price(self.market, game, offer_id, price_cents)


async def _titles(store: Store, market: str, game: Game, limit: int) -> list[str]:
    """The titles of which the store knows most; none while it does not answer."""
    try:
        return await store.titles(market, game, limit=limit)
    except StoreError as error:
        _log.warning("%s", error)
        return []


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
            share = account(url, keys, owner)
            connection = await stack.enter_async_context(caching.open_connection(settings.redis_url, settings.cache.timeout))
            redis = caching.RedisLevel(connection, space=share, options=settings.cache)
            if settings.redis_url != EMBEDDED:  # nobody else reaches a private one
                quota = await stack.enter_async_context(talking.SharedQuota(connection.commands, share, settings.quota))
        client = await stack.enter_async_context(DMarketClient(url, keys, pool=pool, quota=quota, retry=settings.retry))
        cache = await stack.enter_async_context(caching.Cache(settings.cache, redis))
        store, journal = await stack.enter_async_context(_kept(settings, market_name(url), cache))
        yield App(settings, client, cache, store, journal, sandbox)


@asynccontextmanager
async def _kept(settings: Settings, market: str, cache: caching.Cache) -> AsyncIterator[tuple[Store, Journal] | tuple[None, None]]:
    """The store and its journal. A store that fails costs what it would have kept, never a scan."""

    async def changed(game: Game, title: str, _: str) -> None:
        await cache.price_changed(game, title)

    async with AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(Store(settings.store, changed=changed))
        except StoreError as error:
            _log.warning("nothing is kept for good: %s", error)
            yield None, None
            return
        journal = Journal(store, market)
        await journal.__aenter__()
        try:
            yield store, journal
        finally:
            try:
                await journal.close()
            except StoreError as error:
                _log.warning("%s", error)


def account(url: str, keys: KeyPair, owner: str = "") -> str:
    """The name under which processes share what belongs to one account on one market; no key can be read from it."""
    return blake2b(f"{url} {keys.public_hex} {owner}".encode(), digest_size=8).hexdigest()
