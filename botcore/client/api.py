"""DMarketClient: every read of DMarket's API that botcore needs, typed.

A read goes down a staircase: a public method says what to ask, ``_read`` repeats what may be repeated, ``_attempt``
waits for its place in the quota, sends and judges, ``_send`` signs. A repetition is a whole new attempt.
"""

from __future__ import annotations

import asyncio
import random
import time
from copy import copy
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypedDict, TypeVar
from urllib.parse import quote, unquote, urlencode

import httpx
import msgspec

from botcore.client import wire
from botcore.client.answers import judge
from botcore.client.auth import KeyPair, MarketClock, SignedAuth, http_date
from botcore.client.drift import DriftGuard
from botcore.client.paging import MOST_PAGES, HasBroken, Paged, pages
from botcore.client.quota import Priority, Quota, Slot
from botcore.client.stats import ClientStats, books
from botcore.client.transport import SENT_EVENTS, PoolOptions, make_transport, translate
from botcore.errors import BadAnswer, ConfigError, MarketError, NoAnswer, ServerFault, Throttled, Unauthorized, Unreachable
from botcore.fees import FeeBook, ReducedFee
from botcore.model import Game, Offer, OwnTarget, Quote, RequestClass, Target
from botcore.timing import measure_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from typing import Self, Unpack

__all__ = ["DMarketClient", "RetryOptions"]

T = TypeVar("T")
_P = TypeVar("_P", bound=Paged)
_B = TypeVar("_B", bound=HasBroken)
_Query: TypeAlias = "Mapping[str, str | int | None]"

_MOST_TITLES = 100
_MOST_OFFERS = 100
_MOST_QUOTES = 1000
_MOST_FEES = 10_000
_SMOOTHING = 0.2
_REPEATABLE = (Unreachable, NoAnswer, BadAnswer, ServerFault, Throttled)


class RetryOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How often a read is tried and how long we wait in between, in seconds.

    The wait before attempt ``n + 1`` is drawn evenly from 0 to ``first * 2**(n - 1)``, at most ``most``. When the
    market asks for more than ``patience``, the error goes to the caller at once.
    """

    attempts: int = 4
    first: float = 0.25
    most: float = 8.0
    patience: float = 60.0

    def __post_init__(self) -> None:
        """Refuse to never try."""
        if self.attempts < 1 or self.first < 0 or self.most < 0:
            raise ConfigError("retries: at least 1 attempt is needed, and no wait can be negative")


class OfferFilters(TypedDict, total=False):
    """What ``DMarketClient.offers`` can be asked with; the meanings are those of ``offers_page``."""

    price_from: int | None
    price_to: int | None
    order_by: str | None
    descending: bool
    title: str | None
    tree_filters: str | None
    limit: int
    priority: Priority


class _Call(NamedTuple, Generic[T]):
    """What to ask, whom it counts against, and how to read the answer."""

    kind: RequestClass
    path: str
    decode: Callable[[bytes], T]
    query: _Query | None = None
    body: bytes = b""

    @property
    def method(self) -> str:
        return "POST" if self.body else "GET"

    @property
    def target(self) -> str:
        query = urlencode({name: value for name, value in (self.query or {}).items() if value not in (None, "")}, quote_via=quote, safe="")
        return f"{self.path}?{query}" if query else self.path


class DMarketClient:
    """Asks DMarket. Use it as an async context manager, or call ``aclose``.

    ``quota`` may be shared by clients of one key. ``clock`` gives unix seconds, ``jitter`` numbers from 0 to 1, and
    ``sleep`` waits between attempts. ``transport`` takes the place of the pool's own. Every method raises MarketError for a
    request that failed for good; which kind says what to do.
    """

    def __init__(  # noqa: PLR0913  # each is a neighbour that a test or a recording may replace
        self,
        base_url: str,
        keys: KeyPair,
        *,
        pool: PoolOptions | None = None,
        quota: Quota | None = None,
        retry: RetryOptions | None = None,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.stats = ClientStats()
        self._drift = DriftGuard()
        self.quota = quota or Quota()
        self.base_url = _checked(base_url)
        self._pool = pool or PoolOptions()
        self._retry = retry or RetryOptions()
        self._clock = MarketClock(clock)
        self._auth = SignedAuth(keys, self._clock)
        self._jitter = jitter
        self._sleep = sleep
        self._http = httpx.AsyncClient(transport=transport or make_transport(self._pool), timeout=self._pool.timeout(), trust_env=False, headers=_headers())

    def __repr__(self) -> str:
        return f"<DMarketClient {self.base_url} by {self._pool.transport}, {self.quota!r}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @property
    def skew(self) -> float:
        """The market's clock less ours, in seconds."""
        return self._clock.skew

    def now(self) -> float:
        """Unix seconds by the market's clock."""
        return self._clock.now()

    def within(self, quota: Quota) -> DMarketClient:
        """The same keys, clock and connections, paced by another quota and counted apart. Closing is left to this client."""
        other = copy(self)
        other.quota, other.stats = quota, ClientStats()
        return other

    @measure_time
    async def offers_page(  # noqa: PLR0913  # each is one filter of the market's listing
        self,
        game: Game,
        *,
        price_from: int | None = None,
        price_to: int | None = None,
        order_by: str | None = "price",
        descending: bool = False,
        title: str | None = None,
        tree_filters: str | None = None,
        limit: int = _MOST_OFFERS,
        cursor: str = "",
        priority: Priority = Priority.INTERACTIVE,
    ) -> wire.OffersPage:
        """One page of bot-held offers. Prices are inclusive cents, ``limit`` is 1 to 100.

        ``title`` is a case-insensitive prefix, so compare titles again; ``tree_filters`` as in DMarket's grammar.
        """
        query: _Query = {
            "gameId": game.wire,
            "title": title,
            "treeFilters": tree_filters,
            "priceFrom": price_from,
            "priceTo": price_to,
            "orderBy": order_by,
            "orderDir": ("desc" if descending else "asc") if order_by else None,
            "limit": limit,
            "cursor": cursor,
        }
        page = await self._read(_Call(RequestClass.MARKET, "/marketplace-api/v2/offers", self._dated(wire.decode_offers), query), priority)
        return self._counted(page)

    def offers(self, game: Game, **filters: Unpack[OfferFilters]) -> AsyncIterator[wire.OffersPage]:
        """All pages of offers, asked for as in ``offers_page``; raises RepeatedCursor when the listing goes round in circles.

        Rows move between pages while they are read: the same offer may come twice.
        """
        return pages(lambda cursor: self.offers_page(game, cursor=cursor, **filters))

    @measure_time
    async def quotes(self, game: Game, titles: Sequence[str], *, priority: Priority = Priority.INTERACTIVE) -> dict[str, Quote]:
        """Best prices by title, P2P left out, 100 titles a request. Titles the market does not know are missing."""
        wanted = list(dict.fromkeys(titles))
        chunks = [wanted[start : start + _MOST_TITLES] for start in range(0, len(wanted), _MOST_TITLES)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._quotes(game, chunk, priority)) for chunk in chunks]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return {title: quote for task in tasks for title, quote in task.result().items()}

    @measure_time
    async def quotes_page(self, game: Game, *, limit: int = _MOST_QUOTES, cursor: str = "", priority: Priority = Priority.INTERACTIVE) -> wire.QuotesPage:
        """One page of the best prices of all titles of a game, P2P left out. Up to 1,000 a page have been seen to work."""
        body = wire.encode_catalogue_request(game, limit, cursor)
        call = _Call(RequestClass.OTHER, "/marketplace-api/v1/aggregated-prices", wire.decode_quotes, body=body)
        return self._counted(await self._read(call, priority))

    @measure_time
    async def targets(self, game: Game, title: str, *, priority: Priority = Priority.INTERACTIVE) -> list[Target]:
        """Standing buy orders of a title, highest price first. A title with a "/" may find nothing: the market's path has no way to say it."""
        path = f"/marketplace-api/v1/targets-by-title/{game.wire}/{quote(title, safe='')}"
        return self._counted(await self._read(_Call(RequestClass.OTHER, path, wire.decode_targets), priority)).targets

    @measure_time
    async def sales_page(self, game: Game, title: str, *, offset: int = 0, limit: int = 20, priority: Priority = Priority.INTERACTIVE) -> wire.SalesPage:
        """Finished trades of a title, newest first, of up to 12 months; ``limit`` is 1 to 20. A page shorter than it is the last."""
        query: _Query = {"gameId": game.wire, "title": title, "limit": limit, "offset": offset}
        return self._counted(await self._read(_Call(RequestClass.SALES, "/trade-aggregator/v1/last-sales", wire.decode_sales, query), priority))

    @measure_time
    async def fee_book(self, game: Game, *, priority: Priority = Priority.INTERACTIVE) -> FeeBook:
        """The fees of a game; raises BadAnswer when the default fee cannot be read. Reduced rows that cannot be read are left out."""
        decode = partial(wire.decode_fees, game=game)
        reduced: dict[str, tuple[ReducedFee, ...]] = {}
        offset = 0
        while True:
            query: _Query = {"gameId": game.wire, "limit": _MOST_FEES, "offset": offset}
            page = self._counted(await self._read(_Call(RequestClass.FEE, "/exchange/v1/customized-fees", decode, query), priority))
            for title, fees in page.book.reduced.items():
                reduced[title] = reduced.get(title, ()) + fees
            offset += page.rows
            # A market that gives more than was asked has given everything.
            if page.rows != _MOST_FEES or offset >= MOST_PAGES * _MOST_FEES:
                return FeeBook(game, page.book.default, page.book.minimum_cents, reduced)

    @measure_time
    async def own_offers(self, game: Game, *, priority: Priority = Priority.INTERACTIVE) -> list[Offer]:
        """What the account sells now."""
        pages = self._own("/marketplace-api/v2/user/offers", game, self._dated(wire.decode_offers), priority)
        return [offer async for page in pages for offer in page.offers]

    @measure_time
    async def own_targets(self, game: Game, *, priority: Priority = Priority.INTERACTIVE) -> list[OwnTarget]:
        """The account's standing buy orders, active or not."""
        pages = self._own("/marketplace-api/v2/user/targets", game, wire.decode_own_targets, priority)
        return [target async for page in pages for target in page.rows]

    @measure_time
    async def inventory(self, game: Game, *, priority: Priority = Priority.INTERACTIVE) -> list[wire.InventoryItem]:
        """What the account owns and does not sell, on DMarket and on Steam."""
        pages = self._own("/marketplace-api/v2/user/inventory", game, self._dated(wire.decode_inventory), priority)
        return [item async for page in pages for item in page.rows]

    @measure_time
    async def balance(self, *, priority: Priority = Priority.INTERACTIVE) -> wire.Balance:
        """The account's money, in cents."""
        return await self._read(_Call(RequestClass.OTHER, "/account/v1/balance", wire.decode_balance), priority)

    @measure_time
    async def profile(self, *, priority: Priority = Priority.INTERACTIVE) -> wire.Profile:
        """Who the account is; nothing secret of it is kept."""
        return await self._read(_Call(RequestClass.OTHER, "/account/v1/user", wire.decode_profile), priority)

    async def _quotes(self, game: Game, titles: Sequence[str], priority: Priority) -> dict[str, Quote]:
        async def page(cursor: str) -> wire.QuotesPage:
            body = wire.encode_quotes_request(game, titles, cursor)
            call = _Call(RequestClass.OTHER, "/marketplace-api/v1/aggregated-prices", wire.decode_quotes, body=body)
            return self._counted(await self._read(call, priority))

        missing = set(titles)
        found: dict[str, Quote] = {}
        async for answer in pages(page):
            found.update((quote.title, quote) for quote in answer.quotes if quote.title in missing)
            if len(found) == len(missing):
                break
        return found

    def _own(self, path: str, game: Game, decode: Callable[[bytes], _P], priority: Priority) -> AsyncIterator[_P]:
        async def page(cursor: str) -> _P:
            query: _Query = {"gameId": game.wire, "limit": _MOST_OFFERS, "cursor": cursor}
            return self._counted(await self._read(_Call(RequestClass.OTHER, path, decode, query), priority))

        return pages(page)

    def _dated(self, decode: Callable[[bytes, datetime], T]) -> Callable[[bytes], T]:
        """A decoder that knows when it decodes, since some locks are told as a duration."""
        return lambda data: decode(data, datetime.fromtimestamp(self.now(), UTC))

    def _counted(self, page: _B) -> _B:
        for stats in books(self.stats):
            stats.broken += page.broken
        return page

    async def _read(self, call: _Call[T], priority: Priority) -> T:
        """Try until there is an answer; raises the last error when the attempts are used up or repeating is no use."""
        attempt, clock_corrected = 1, False
        while True:
            skew = self._clock.skew
            try:
                return await self._attempt(call, priority)
            except Unauthorized:
                # The answer has just taught us the market's time: sign once more with that, then believe the 401.
                if clock_corrected or self._clock.skew == skew:
                    raise
                clock_corrected = True
            except _REPEATABLE as error:
                if attempt >= self._retry.attempts or (pause := self._pause(error, attempt)) is None:
                    raise
                attempt += 1
                await self._sleep(pause)
            for stats in books(self.stats):
                stats.retries += 1

    def _pause(self, error: MarketError, attempt: int) -> float | None:
        """Seconds until the next attempt, None when the market asks for more than we would wait."""
        backoff = self._jitter() * min(self._retry.most, self._retry.first * 2.0 ** (attempt - 1))
        asked: float = getattr(error, "retry_after", None) or 0.0
        if asked > self._retry.patience:
            return None
        # The quota already holds everything of a throttled class back, so the place in its queue is enough.
        return backoff if isinstance(error, Throttled) else max(backoff, asked)

    async def _attempt(self, call: _Call[T], priority: Priority) -> T:
        """Wait for a place, send, and learn from the answer."""
        with await self.quota.reserve(call.kind, priority) as slot:
            response = await self._send(call, slot)
        self._measure(call.kind, response, slot)
        path = unquote(call.path)
        retry_after = self._retry_after(response)
        self.quota.observe(call.kind, response.status_code, response.headers, retry_after=retry_after or 1.0, sent_at=slot.sent_at)
        if error := judge(response.status_code, response.headers, response.content, path, retry_after=retry_after):
            raise error
        self._drift.look(path, response.content, books(self.stats))
        try:
            return call.decode(response.content)
        except BadAnswer as error:
            raise BadAnswer(f"DMarket answered {response.status_code} for {path}, but {error}", path=path, status=response.status_code) from error

    @measure_time
    async def _send(self, call: _Call[T], slot: Slot) -> httpx.Response:
        """Sign and send; raises Unreachable when nothing was sent, NoAnswer when the answer was lost."""

        async def trace(event: str, _info: object) -> None:
            if event in SENT_EVENTS:
                slot.sent()

        request = self._http.build_request(call.method, self.base_url + call.target, content=call.body or None, extensions={"trace": trace})
        if call.body:
            request.headers["Content-Type"] = "application/json"
        try:
            async with asyncio.timeout(self._pool.whole):
                response = await self._http.send(request, auth=self._auth)
            slot.sent()  # for a transport that tells no events: an answer proves the sending
        except httpx.HTTPError as error:
            raise translate(error, unquote(call.path)) from error
        except TimeoutError as error:
            raise NoAnswer(f"DMarket's answer for {unquote(call.path)} took longer than {self._pool.whole:g} s", path=unquote(call.path)) from error
        finally:
            if slot.sent_at is not None:
                for stats in books(self.stats):
                    setattr(stats.requests, call.kind.value, getattr(stats.requests, call.kind.value) + 1)
        return response

    def _measure(self, kind: RequestClass, response: httpx.Response, slot: Slot) -> None:
        for stats in books(self.stats):
            stats.bytes += response.num_bytes_downloaded
            stats.throttled += response.status_code == httpx.codes.TOO_MANY_REQUESTS
        if slot.sent_at is not None:
            seconds = self.quota.clock() - slot.sent_at
            stats, known = self.stats, self.stats.latency[kind]
            stats.latency[kind] = seconds if known is None else known + _SMOOTHING * (seconds - known)
            stats.deviation[kind] += 0.0 if known is None else _SMOOTHING * (abs(seconds - known) - stats.deviation[kind])

    def _retry_after(self, response: httpx.Response) -> float | None:
        """Seconds the answer asks us to wait. A 429 that does not say means a second, and a little more so that not all come back at once."""
        told: str = response.headers.get("retry-after", "")
        if told.isascii() and told.isdecimal():
            return float(told)
        until = http_date(told)
        if until is not None:
            return max(0.0, until - (http_date(response.headers.get("date")) or self.now()))
        if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
            return None
        reset: str = response.headers.get("ratelimit-reset", "")
        return float(reset) if reset.isascii() and reset.isdecimal() else 1.0 + self._jitter() / 2


def _checked(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ConfigError(f"the market's address {base_url!r} is no address: {error}") from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query:
        raise ConfigError(f"the market's address {base_url!r} should look like https://api.dmarket.com")
    return base_url.rstrip("/")


def _headers() -> dict[str, str]:
    return {"User-Agent": f"botcore/{version('botcore')}", "Accept": "application/json", "Accept-Encoding": "gzip"}
