"""The sell-side listing: filters, orders, totals and cursors (api page, sections 7, 8 and 9.19).

A cursor holds the place after the last row as its sort key and serial number, so offers that come
and go between two pages never repeat a row. It is bound to the parameters it was made with and
lives ten minutes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from bisect import bisect_left, bisect_right
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from botcore.model import Game
from botcore.sandbox.answers import runtime_error
from botcore.sandbox.filters import parse_filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botcore.sandbox.goods import Item, Offer
    from botcore.sandbox.render import Renderer
    from botcore.sandbox.world import GameMarket, World

__all__ = ["CURSOR_SECONDS", "MAX_TOTAL", "Listing", "decode_cursor", "encode_cursor", "game_of", "limit_of", "whole_number"]

MAX_TOTAL = 10_000
CURSOR_SECONDS = 600
_HIGHEST = 1 << 62
_ORDERS = ("price", "title", "float", "createdAt", "discount")
_GAMES = {game.wire: game for game in Game}


class Query(msgspec.Struct, frozen=True):
    """One request for a listing, checked. Prices are cents, both ends included."""

    market: Any
    prefix: str
    low: int
    high: int
    kind: str
    order: str
    backward: bool
    limit: int
    accept: Any

    def admits(self, offer: Offer) -> bool:
        """Whether the offer passes price and tree filters."""
        accept: Callable[[Item], bool] | None = self.accept
        return self.low <= offer.price <= self.high and (accept is None or accept(offer.item))


class Listing:
    """Answers ``GET /marketplace-api/v2/offers``."""

    def __init__(self, world: World, renderer: Renderer) -> None:
        self.world = world
        self.renderer = renderer
        self._totals: dict[str, tuple[int, int]] = {}

    def page(self, params: dict[str, str]) -> bytes:
        """One page as JSON; raises Refusal for parameters that are no good."""
        query = self._query(params)
        digest = _digest(params)
        after = decode_cursor(params["cursor"], digest, self.world.clock()) if params.get("cursor") else None
        rows = list(islice(_walk(query, after), query.limit + 1))
        cursor = encode_cursor(digest, self.world.clock(), rows[query.limit - 1]) if len(rows) > query.limit else ""
        offers = query.market.offers
        images = params.get("withImages", "").lower() == "true"
        items = ",".join(self.renderer.offer(offers[serial], images=images) for _, serial in rows[: query.limit])
        total = self.renderer.integer(self._total(query, digest))
        return f'{{"items":[{items}],"total":{total},"cursor":"{cursor}"}}'.encode()

    def _query(self, params: dict[str, str]) -> Query:
        kind = params.get("offerType") or "dmarket"
        if kind not in ("dmarket", "p2p", "all"):
            raise runtime_error(f"invalid offerType: {kind}")
        if params.get("onlineSellersOnly", "").lower() == "true" and kind != "p2p":
            raise runtime_error("onlineSellersOnly needs offerType=p2p")
        order, direction = params.get("orderBy", ""), params.get("orderDir") or ("asc" if params.get("orderBy") else "desc")
        if order and order not in _ORDERS:
            raise runtime_error(f"invalid orderBy: {order}")
        if direction not in ("asc", "desc"):
            raise runtime_error(f"invalid orderDir: {direction}")
        accept = parse_filters(params.get("treeFilters", ""), self.world.clock())
        market = self.world.games[game_of(params)]
        key, backward = (f"discount-{direction}", False) if order == "discount" else (order or "createdAt", direction == "desc")
        low, high = whole_number(params, "priceFrom", 0), whole_number(params, "priceTo", _HIGHEST)
        return Query(market, params.get("title", "").casefold(), low, high, kind, key, backward, limit_of(params), accept)

    def _total(self, query: Query, digest: str) -> int:
        """Matches in all, exact up to 10,000; counted again only when the market has changed."""
        market: GameMarket = query.market
        if not query.prefix and query.accept is None:
            return min(MAX_TOTAL, market.count_priced(query.low, query.high, query.kind))
        known = self._totals.get(digest)
        if known is None or known[0] != market.version:
            if len(self._totals) > MAX_TOTAL:
                self._totals.clear()
            known = self._totals[digest] = (market.version, sum(1 for _ in islice(_walk(query, None), MAX_TOTAL)))
        return known[1]


def _walk(query: Query, after: tuple[Any, int] | None) -> Iterator[tuple[Any, int]]:
    """The matching ``(key, serial)`` in the order asked for, from behind ``after``."""
    market: GameMarket = query.market
    if query.prefix:
        titles = [title for name, title in market.titles.items() if name.casefold().startswith(query.prefix)]
        offers = (offer for title in titles for offer in market.offers_of(title) if query.kind == "all" or offer.p2p == (query.kind == "p2p"))
        keys = market.sort(offers, query.order)
    else:
        keys = market.ordered(query.kind, query.order)
    start, stop = _bounds(keys, query)
    if after is not None:
        start, stop = (start, min(stop, bisect_left(keys, after))) if query.backward else (max(start, bisect_right(keys, after)), stop)
    places = range(stop - 1, start - 1, -1) if query.backward else range(start, stop)
    for place in places:
        if query.admits(market.offers[keys[place][1]]):
            yield keys[place]


def _bounds(keys: list[tuple[Any, int]], query: Query) -> tuple[int, int]:
    if query.order != "price":
        return 0, len(keys)
    return bisect_left(keys, (query.low, -1)), bisect_left(keys, (query.high + 1, -1))


def game_of(params: dict[str, str]) -> Game:
    """The game of ``gameId``; 400 for any other id."""
    game = _GAMES.get(params.get("gameId", ""))
    if game is None:
        raise runtime_error(f"invalid gameId: {params.get('gameId', '')}")
    return game


def limit_of(params: dict[str, str], highest: int = 100, default: int | None = None) -> int:
    """``limit`` within 1 and ``highest``; 400 when it is missing or out of range."""
    if default is not None and "limit" not in params:
        return default
    given = params.get("limit", "")
    if not given.isdigit() or not 1 <= int(given) <= highest:
        raise runtime_error(f"invalid limit: must be between 1 and {highest}")
    return int(given)


def whole_number(params: dict[str, str], name: str, default: int) -> int:
    """A parameter that is a whole number, such as a price in cents; 400 when it is something else."""
    given = params.get(name, "")
    if not given:
        return default
    if not given.isdigit():
        raise runtime_error(f"invalid {name}: {given}")
    return int(given)


def encode_cursor(digest: str, now: float, place: Any) -> str:
    """An opaque cursor for the place behind a row, in standard base64 as on the wire."""
    return base64.b64encode(msgspec.json.encode([digest, int(now), place])).decode()


def decode_cursor(cursor: str, digest: str, now: float) -> Any:
    """The place in a cursor; 400 when it is broken, too old or made with other parameters."""
    try:
        made_with, made_at, place = msgspec.json.decode(base64.b64decode(cursor, validate=True), type=tuple[str, int, Any])
    except (binascii.Error, ValueError, msgspec.DecodeError, msgspec.ValidationError):
        raise runtime_error("invalid cursor") from None
    if made_with != digest:
        raise runtime_error("invalid cursor: it belongs to other parameters")
    if now - made_at > CURSOR_SECONDS:
        raise runtime_error("invalid cursor: expired")
    return _as_key(place)


def _as_key(place: Any) -> Any:
    return tuple(_as_key(part) for part in place) if isinstance(place, list) else place


def _digest(params: dict[str, str]) -> str:
    fixed = sorted((name, value) for name, value in params.items() if name != "cursor")
    return hashlib.blake2b(repr(fixed).encode(), digest_size=9).hexdigest()
