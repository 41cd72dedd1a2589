"""What the market tells about a title: best prices, buy orders, last sales, fees (api page, 9.18 and 9.21 to 9.23)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from botcore.model import Game, normal_phase
from botcore.sandbox.answers import account_error, runtime_error
from botcore.sandbox.goods import float_part
from botcore.sandbox.listing import decode_cursor, encode_cursor, limit_of

if TYPE_CHECKING:
    from botcore.sandbox.goods import Sale, Title
    from botcore.sandbox.levy import Reduction
    from botcore.sandbox.world import GameMarket, World

__all__ = ["Book"]

_GAMES = {game.wire: game for game in Game}
_ALIASES = {"csgo": Game.CSGO, "dota2": Game.DOTA2} | _GAMES
_MOST_SALES = 20
_MOST_QUOTES = 10_000
_MOST_FEES = 100_000


class _PriceFilter(msgspec.Struct):
    game: str = ""
    titles: list[str] | None = None
    includeP2p: bool = True  # noqa: N815 - the wire's name


class _PriceRequest(msgspec.Struct):
    filter: _PriceFilter = msgspec.field(default_factory=_PriceFilter)
    limit: str | int = "100"
    cursor: str = ""


class Book:
    """Answers about titles. ``text`` is True when 64-bit integers go out as strings."""

    def __init__(self, world: World, *, text: bool = True) -> None:
        self.world = world
        self.text = text

    def aggregated_prices(self, body: bytes) -> dict[str, Any]:
        """Best ask and bid of titles, or of a game's whole catalogue page by page; unknown titles are left out."""
        try:
            wanted = msgspec.json.decode(body or b"{}", type=_PriceRequest)
            limit = int(wanted.limit)
        except (msgspec.DecodeError, ValueError) as error:
            raise runtime_error(f"invalid body: {error}") from None
        if not 1 <= limit <= _MOST_QUOTES:
            raise runtime_error(f"invalid limit: must be between 1 and {_MOST_QUOTES}")
        if wanted.filter.game and wanted.filter.game not in _GAMES:
            raise runtime_error(f"invalid game: {wanted.filter.game}")
        markets = [self.world.games[_GAMES[wanted.filter.game]]] if wanted.filter.game else list(self.world.games.values())
        titles = _chosen(markets, wanted.filter.titles)
        digest = msgspec.json.encode(wanted.filter).hex()[-40:]
        start = int(decode_cursor(wanted.cursor, digest, self.world.clock())) if wanted.cursor else 0
        rows = [self._quote(title, p2p=wanted.filter.includeP2p) for title in titles[start : start + limit]]
        more = start + limit < len(titles)  # titles never leave a game, so a place in their order stays good
        return {"aggregatedPrices": rows, "nextCursor": encode_cursor(digest, self.world.clock(), start + limit) if more else ""}

    def targets_by_title(self, game_id: str, name: str) -> dict[str, Any]:
        """The buy side of a title: orders grouped by price and requirement, in no particular order."""
        game = _ALIASES.get(game_id)
        if game is None:
            raise runtime_error(f"invalid game_id: {game_id}")
        title = self.world.games[game].titles.get(name)
        groups: dict[tuple[int, str, str, str], int] = {}
        for order in title.orders if title else ():
            group = (order.price, order.part, order.phase, order.seed)
            groups[group] = groups.get(group, 0) + order.amount
        rows = []
        for (price, part, phase, seed), amount in groups.items():
            given = {"floatPartValue": part or "any", "paintSeed": seed or "any"} if part or seed or (title and title.wear_range) else {}
            if phase or (title and len(title.phases) > 1):
                given["phase"] = phase or "any"
            rows.append({"amount": self._integer(amount), "price": str(price), "title": name, "attributes": given})
        return {"orders": rows}

    def last_sales(self, params: dict[str, str], pairs: list[tuple[str, str]]) -> dict[str, Any]:
        """Sales of a title, newest first, at most 20 at a time."""
        game = _GAMES.get(params.get("gameId", ""))
        if game is None or not params.get("title"):
            raise account_error("BadRequest", "gameId and title are required")
        limit, offset = params.get("limit", str(_MOST_SALES)), params.get("offset", "0")
        if not limit.isdigit() or not 1 <= int(limit) <= _MOST_SALES or not offset.isdigit():
            raise account_error("BadRequest", f"limit must be between 1 and {_MOST_SALES}")
        title = self.world.games[game].titles.get(params["title"])
        kinds = {value for name, value in pairs if name == "txOperationType"}
        sales = [sale for sale in (title.sales if title else ()) if not kinds or _operation(sale) in kinds]
        sales = [sale for sale in sales if _admits(sale, params.get("filters", ""))]
        return {"sales": [self._sale(sale, game) for sale in sales[int(offset) : int(offset) + int(limit)]]}

    def fees(self, params: dict[str, str]) -> dict[str, Any]:
        """Default and reduced fees of a game. Amounts are cents, ``expiresAt`` unix seconds."""
        game = _GAMES.get(params.get("gameId", ""))
        if game is None:
            raise account_error("BadRequest", "gameId is required")
        limit, offset = limit_of(params, _MOST_FEES, default=10), params.get("offset", "0")
        if not offset.isdigit():
            raise account_error("BadRequest", "invalid offset")
        levy = self.world.games[game].levy
        rows = [] if params.get("offerType") == "p2p" else levy.reductions[int(offset) : int(offset) + limit]
        return {"defaultFee": {"fraction": levy.fraction, "minAmount": levy.minimum}, "reducedFees": [_reduction(row) for row in rows]}

    def _quote(self, title: Title, *, p2p: bool) -> dict[str, Any]:
        # What is reserved still counts here, which is harder on a scanner than leaving it out; the real market's way is unknown.
        asks = [offer.price for offer in self.world.games[title.game].offers_of(title) if p2p or not offer.p2p]
        bids = [order.price for order in title.orders]
        count = sum(order.amount for order in title.orders) + bool(title.stale_bid)
        return {
            "title": title.name,
            "orderBestPrice": {"Currency": "USD", "Amount": str(max([*bids, title.stale_bid]))},
            "orderCount": self._integer(count),
            "offerBestPrice": {"Currency": "USD", "Amount": str(min(asks, default=0))},
            "offerCount": self._integer(len(asks)),
        }

    def _sale(self, sale: Sale, game: Game) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        if game is Game.CSGO:
            attributes = {"floatValue": max(sale.wear, 0), "paintSeed": sale.seed, "stickers": []}
            if sale.spelling or not sale.to_target:  # rows of buy orders leave empty keys out
                attributes |= {"phaseTitle": sale.spelling}
            if not sale.to_target:
                attributes |= {"rareInfo": "", "charms": [], "charmPattern": 0}
        elif game is Game.DOTA2:
            attributes = {"gems": []}
        return {
            "price": f"{sale.price // 100}.{sale.price % 100:02d}",
            "date": self._integer(sale.sold_at),
            "txOperationType": _operation(sale),
            "offerAttributes": attributes,
            "orderAttributes": {"isAdvanced": False, "rareInfo": ""} if sale.to_target else {},
        }

    def _integer(self, number: int) -> str | int:
        return str(number) if self.text else number


def _chosen(markets: list[GameMarket], names: list[str] | None) -> list[Title]:
    if names is None:
        return sorted((title for market in markets for title in market.titles.values()), key=lambda title: title.name)
    return [market.titles[name] for name in names for market in markets if name in market.titles]


def _operation(sale: Sale) -> str:
    return "Target" if sale.to_target else "Offer"


def _admits(sale: Sale, filters: str) -> bool:
    """The two filters of last-sales that matter to a kind: phase and float part; others are ignored."""
    wanted: dict[str, set[str]] = {}
    for part in filter(None, filters.split(",")):
        key, _, value = part.partition("=")
        wanted.setdefault(key.removesuffix("[]"), set()).add(value)
    phases = {normal_phase(value) for value in wanted.get("phase", ())}
    parts = wanted.get("floatPartValue")
    return (not phases or sale.phase in phases) and (not parts or (sale.wear >= 0 and float_part(sale.wear) in parts))


def _reduction(row: Reduction) -> dict[str, Any]:
    return {"title": row.title, "fraction": row.fraction, "minPrice": row.low, "maxPrice": row.high, "expiresAt": row.expires}
