"""Where objects are built: one client, one cache, one store, one scanner, and a sandbox market when there are no keys.

Or all of it on a recording, where nothing is asked and nothing is kept.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from nacl.signing import SigningKey

# Modules where a name would bring Redis along: it is imported when it is used.
from botcore import cache as caching
from botcore import client as talking
from botcore.cache.address import EMBEDDED
from botcore.client import Clock, DMarketClient, KeyPair, PartQuota, PoolOptions, Priority, Quota, RealClock, Recording, Replay
from botcore.client.replay import FASTEST
from botcore.client.transport import make_transport
from botcore.errors import ConfigError, RecordingError, StoreError
from botcore.model import Game, Offer, Standing, WatchQuery
from botcore.sandbox import MarketOptions, spawn_market
from botcore.scan import Scanner, Warmer, Watch
from botcore.scan.confidence import Confidence
from botcore.scan.evidence import Assessment
from botcore.scan.explain import Explainer
from botcore.scan.follow import Follower
from botcore.scan.following import Following
from botcore.scan.outcomes import Asker
from botcore.scan.run import market_name
from botcore.settings import Settings, load
from botcore.store import Journal, Outcomes, Store, Watching

__all__ = ["App", "account", "open_app", "open_replay"]

RECORDED = "recording"
"""The market's name for everything that might be kept of a replay."""
_HOMES = {"dmarket": "https://api.dmarket.com", "sandbox": "http://sandbox.invalid"}
"""Addresses that are never called, by which a replayed market has its name."""
_OPTIONS = ("scan", "watch", "quota", "retry", "cache")
"""The settings on which it depends what is asked when; they go with a recording."""
_Dropped: TypeAlias = "Callable[[Game, Offer, str, float], None]"
_DROP = 5.0
_LATELY = 3600.0
"""Seconds for which an alert that was not noted may still be: later its score would not be that of its time."""
_log = logging.getLogger(__name__)


class App:
    """Everything a door needs.

    ``sandbox`` holds the sandbox market's options, or None on a market given by the settings. ``store`` and ``journal`` are
    None where the store could not be opened: then nothing is kept for good, and the log says why. ``course`` is the recording
    that is made or replayed, None where there is none; ``clock`` is where everything takes its time from. ``owner`` names a
    market that is gone with this app, so that no later one goes on where a watch of it was.
    """

    def __init__(
        self,
        settings: Settings,
        client: DMarketClient,
        cache: caching.Cache,
        store: Store | None,
        journal: Journal | None,
        sandbox: MarketOptions | None,
        *,
        course: Recording | Replay | None = None,
        owner: str = "",
    ) -> None:
        self.settings = settings
        self.client = client
        self.cache = cache
        self.store = store
        self.journal = journal
        self.sandbox = sandbox
        self.course = course
        self.clock: Clock = course or RealClock()
        self._turn = asyncio.Lock()
        self.market = RECORDED if isinstance(course, Replay) else market_name(client.base_url)
        self._realm = f"{self.market} {owner}" if owner else self.market
        self._calibration = settings.confidence.of(course.head.market if isinstance(course, Replay) else self.market)
        self.scanner = Scanner(client, settings.scan, cache=cache, journal=journal, clock=self.clock)
        self.warmer = Warmer(client, cache, journal=journal, known=partial(_titles, store, self.market) if store is not None else None)

    def watch(self, query: WatchQuery | None = None, *, dropped: Callable[[Game, Offer, str, float], None] | None = None) -> Watch:
        """A watch over the games and levels of ``query``, all by default, within its part of the quota; ``dropped`` hears of each new offer that is none.

        Use it as ``async with app.watch(query) as watch: async for event in watch``. What it keeps is in the store, where it also follows
        what becomes of its alerts and of a sample of what it drops; without a store, on a recording and in a recorded app it keeps nothing.
        """
        query, options = query or WatchQuery(), self.settings.watch
        client = self.client.within(PartQuota(self.client.quota, options.part, spare=options.spare, call_later=self.clock.call_later))
        keeper = self.alerts(query.door)
        following = None if keeper is None else self._following(client, keeper)
        hears = [one for one in (dropped, following and following.dropped) if one]
        return Watch(
            client,
            query,
            options,
            whole=self.client.quota.limits,
            keeper=keeper,
            cache=self.cache,
            journal=self.journal,
            dropped=partial(_all, hears) if hears else None,
            following=following,
            clock=self.clock,
        )

    def alerts(self, door: str) -> Watching | None:
        """The alerts that the watches of a door gave, and what they keep; None where nothing is kept."""
        return None if self.store is None or self.course is not None else Watching(self.store, self._realm, door)

    def _following(self, client: DMarketClient, keeper: Watching) -> Following | None:
        outcomes = self.outcomes
        if outcomes is None:
            return None
        explainer = Explainer(client, cache=self.cache, journal=self.journal, priority=Priority.WARM)
        earlier = partial(_lately, keeper, client.now)
        return Following(Follower(explainer, outcomes), Asker(client, outcomes), client.now, earlier=earlier, turn=self._turn)

    @property
    def outcomes(self) -> Outcomes | None:
        """What was told of this market's offers, and what became of them; None without a store."""
        return None if self.store is None else Outcomes(self.store, self._realm)

    def confidence(self, assessment: Assessment) -> Confidence:
        """How sure it is that the exit of a find comes in time, by the outcomes of this very market; no number while they are too few."""
        return self._calibration.confidence(assessment.exit, assessment.score)

    async def update_item_price(self, game: Game, offer_id: str, price_cents: int) -> None:
        """Change the stored price of an offer that a scan found; what depended on it is forgotten everywhere once that is committed.

        Raises StoreError for an offer that is not stored, and when the store cannot be written.
        """
        if self.store is None:
            raise StoreError("the store is not open, so no price in it can be changed: see the warning at the start")
        await self.store.update_item_price(self.market, game, offer_id, price_cents)


def _all(hears: Sequence[_Dropped], game: Game, offer: Offer, reason: str, at: float) -> None:
    """Let each hear of an offer that was dropped."""
    for hear in hears:
        hear(game, offer, reason, at)


async def _lately(keeper: Watching, now: Callable[[], float]) -> list[Standing]:
    """The alerts that a door was given in the last hour."""
    return await keeper.alerts(since=now() - _LATELY)


async def _titles(store: Store, market: str, game: Game, limit: int) -> list[str]:
    """The titles of which the store knows most; none while it does not answer."""
    try:
        return await store.titles(market, game, limit=limit)
    except StoreError as error:
        _log.warning("%s", error)
        return []


@asynccontextmanager
async def open_app(
    settings: Settings | None = None, *, sandbox: MarketOptions | None = None, record: Path | None = None, asked: Sequence[Mapping[str, Any]] = ()
) -> AsyncIterator[App]:
    """An app for the market of the settings; without keys, or with ``sandbox``, for a sandbox market of its own.

    ``settings`` default to the environment and ``.env``. ``record`` names a new file for all that is asked and answered, which
    begins with ``asked``: plain values that tell what it is for, ``{"scan": ...}`` for example. A recorded app remembers
    nothing from before, and shares neither answers nor quota with other processes.

    Raises:
        ConfigError: the settings cannot be used.
        SandboxError: the sandbox market did not start.
        RecordingError: the recording cannot be begun, or, at the end, was not written to its end.
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
        course = None
        if record is not None:
            course = await stack.enter_async_context(_recording(settings, record, url, keys, pool, asked))
            pool = msgspec.structs.replace(pool, whole=pool.whole + _DROP)  # the recording drops what takes too long, and knows of it
        clock: Clock = course or RealClock()
        redis, quota = None, Quota(settings.quota, clock=clock.monotonic, call_later=clock.call_later)
        if settings.redis_url and course is None:
            share = account(url, keys, owner)
            connection = await stack.enter_async_context(caching.open_connection(settings.redis_url, settings.cache.timeout))
            redis = caching.RedisLevel(connection, space=share, options=settings.cache)
            if settings.redis_url != EMBEDDED:  # nobody else reaches a private one
                quota = await stack.enter_async_context(talking.SharedQuota(connection.commands, share, settings.quota))
        client = await stack.enter_async_context(_client(settings, url, keys, pool, quota, course))
        cache = await stack.enter_async_context(caching.Cache(settings.cache, redis, clock=clock.unix, chance=clock.chance))
        store, journal = await stack.enter_async_context(_kept(settings, market_name(url), cache))
        yield App(settings, client, cache, store, journal, sandbox, course=course, owner=owner)


@asynccontextmanager
async def open_replay(path: Path, settings: Settings | None = None, *, speed: float = FASTEST) -> AsyncIterator[App]:
    """An app on a recording: it asks what was recorded and nobody else, with the options of then, and keeps nothing for good.

    ``speed`` is how many recorded seconds pass in one; by default nothing waits. ``app.course.head.asked`` tells what was asked.

    Raises:
        RecordingError: the file is no recording, was altered, or comes from another version of botcore.
    """
    settings = load() if settings is None else settings
    course = Replay(path, speed=speed)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(course)
        settings = _as_recorded(settings, course)
        quota = Quota(settings.quota, clock=course.monotonic, call_later=course.call_later)
        pool = PoolOptions(whole=365 * 86_400.0)  # whatever took too long was dropped when it was recorded
        client = await stack.enter_async_context(_client(settings, _HOMES.get(course.head.market, _HOMES["sandbox"]), _nobody(), pool, quota, course))
        cache = await stack.enter_async_context(caching.Cache(settings.cache, clock=course.unix, chance=course.chance))
        yield App(settings, client, cache, None, None, None, course=course)


@asynccontextmanager
async def _recording(
    settings: Settings, path: Path, url: str, keys: KeyPair, pool: PoolOptions, asked: Sequence[Mapping[str, Any]]
) -> AsyncIterator[Recording]:
    """The recording of what goes on within."""
    if settings.redis_url and settings.redis_url != EMBEDDED:
        raise ConfigError("a recording paces itself and cannot share its quota through Redis: stop what else uses the key, and leave REDIS_URL out")
    options = {part: msgspec.to_builtins(getattr(settings, part)) for part in _OPTIONS}
    kept = [dict(one) for one in asked]
    async with Recording(path, make_transport(pool), market_name(url), asked=kept, options=options, whole=pool.whole, hidden=(keys.public_hex,)) as course:
        yield course


def _as_recorded(settings: Settings, course: Replay) -> Settings:
    """The settings with the options of the recording."""
    try:
        kept = {part: msgspec.convert(course.head.options.get(part, {}), type(getattr(settings, part))) for part in _OPTIONS}
    except msgspec.ValidationError as error:
        raise RecordingError(
            f"the recording {course.tape.path} was made by botcore {course.head.version} with options this one does not know: {error}"
        ) from None
    return msgspec.structs.replace(settings, **kept)


def _client(settings: Settings, url: str, keys: KeyPair, pool: PoolOptions, quota: Quota, course: Recording | Replay | None) -> DMarketClient:
    """A client that asks through the course where there is one."""
    if course is None:
        return DMarketClient(url, keys, pool=pool, quota=quota, retry=settings.retry)
    client = DMarketClient(
        url, keys, pool=pool, quota=quota, retry=settings.retry, clock=course.unix, jitter=course.chance, sleep=course.sleep, transport=course.transport()
    )
    if isinstance(course, Recording):
        course.skew = lambda: client.skew
    return client


def _nobody() -> KeyPair:
    """A pair that belongs to no account, for requests that go nowhere."""
    signer = SigningKey.generate()
    return KeyPair(bytes(signer.verify_key).hex(), signer)


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
