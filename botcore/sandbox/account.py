"""The account's reads: profile, balance, inventory, own offers and targets, closed trades (api page, 9.1 to 9.3, 9.9, 9.10, 9.14, 9.15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botcore.sandbox.answers import runtime_error
from botcore.sandbox.filters import parse_filters
from botcore.sandbox.ledger import PROTECTION_SECONDS, TARGETS_LIMIT
from botcore.sandbox.listing import decode_cursor, encode_cursor, game_of, limit_of, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from botcore.sandbox.goods import Item
    from botcore.sandbox.ledger import ClosedOffer, ClosedTarget, Holding, OwnTarget
    from botcore.sandbox.render import Renderer
    from botcore.sandbox.world import World

__all__ = ["Account"]

_HIGHEST = 1 << 62


class Account:
    """Answers about the account itself."""

    def __init__(self, world: World, renderer: Renderer, public_key: str) -> None:
        self.world = world
        self.renderer = renderer
        self.public_key = public_key

    def balance(self) -> dict[str, str]:
        """Money in cents, as strings."""
        ledger = self.world.ledger
        return {"usd": str(ledger.balance), "usdAvailableToWithdraw": str(ledger.payable), "dmc": "0", "dmcAvailableToWithdraw": "0"}

    def profile(self) -> dict[str, Any]:
        """The whole profile; every figure in it is invented."""
        steam_id = "76561190000000001"
        return {
            "agreementsInfo": {"isConfirmed": True, "updated": 1735689600},
            "countryCode": "EE",
            "countryCodeFromIP": "EE",
            "email": "trader@example.test",
            "features": [{"enabled": True, "name": "P2P"}],
            "ga_client_id": "1111111111.2222222222",
            "hasActiveSubscriptions": False,
            "hasHistoryEvents": True,
            "id": self.world.account_id,
            "imageUrl": "https://img.example.test/avatar.png",
            "isEmailVerified": True,
            "isPasswordSet": True,
            "level": 3,
            "linkedGames": [{"gameId": "a8db", "gameUserId": steam_id, "username": "sandbox_trader"}],
            "migrated": True,
            "publicKey": self.public_key,
            "regType": "steam",
            "restrictions": [{"expirationTime": 0, "name": "P2POfferCreation"}],
            "settings": {"enabledDeviceConfirmation": False, "isSubscribedToNewsletters": False, "targetsLimit": TARGETS_LIMIT, "tradingApiToken": ""},
            "steamAccount": {
                "apiKey": "",
                "apiKeyStatus": "New",
                "icon": "",
                "isProfilePrivate": False,
                "level": 12,
                "steamId": steam_id,
                "tradeUrl": "https://steamcommunity.com/tradeoffer/new/?partner=1&token=SANDBOX0",
                "username": "sandbox_trader",
            },
            "twitchAccount": {"icon": "", "userId": "", "username": ""},
            "username": "sandbox_trader",
        }

    def inventory(self, params: dict[str, str]) -> bytes:
        """Own items, on DMarket and in Steam."""
        game, accept = game_of(params), self._filter(params)
        wanted = _flag(params, "inMarket")
        rows = [
            row
            for row in self.world.ledger.visible()
            if row.item.title.game is game and _named(row.item, params) and accept(row.item) and wanted in (None, row.in_market)
        ]
        keys: dict[str, Callable[[Holding], Any]] = {
            "price": lambda row: row.item.title.value,
            "title": lambda row: row.item.title.name,
            "float": lambda row: row.item.wear,
            "createdAt": lambda row: row.since,
            "updatedAt": lambda row: row.since,
        }
        return self._page(params, rows, keys, lambda row: row.item.asset, self.renderer.holding)

    def offers(self, params: dict[str, str]) -> bytes:
        """Own offers that are on sale."""
        game, accept = game_of(params), self._filter(params)
        offers = [offer for offer in self.world.games[game].offers.values() if offer.mine and _named(offer.item, params) and accept(offer.item)]
        keys: dict[str, Callable[[Any], Any]] = {
            "price": lambda offer: offer.price,
            "title": lambda offer: offer.item.title.name,
            "float": lambda offer: offer.item.wear,
            "createdAt": lambda offer: offer.created,
        }
        return self._page(params, offers, keys, lambda offer: offer.serial, lambda offer: self.renderer.offer(offer, images=True, shared=False))

    def targets(self, params: dict[str, str]) -> bytes:
        """Own buy orders, active and inactive."""
        game, prefix = game_of(params), params.get("title", "").casefold()
        low, high = whole_number(params, "priceFrom", 0), whole_number(params, "priceTo", _HIGHEST)
        rows = [
            row
            for row in self.world.ledger.targets.values()
            if row.title.game is game and row.title.name.casefold().startswith(prefix) and low <= row.order.price <= high
        ]
        keys: dict[str, Callable[[OwnTarget], Any]] = {
            "price": lambda row: row.order.price,
            "title": lambda row: row.title.name,
            "createdAt": lambda row: row.created,
        }
        return self._page(params, rows, keys, lambda row: row.number, self.renderer.target)

    def closed_offers(self, params: dict[str, str], pairs: list[tuple[str, str]]) -> dict[str, Any]:
        """Own offers that were bought; parameter names are capitalised, prices are dollars."""
        return self._closed(params, pairs, self.world.ledger.closed_offers, self._closed_offer)

    def closed_targets(self, params: dict[str, str], pairs: list[tuple[str, str]]) -> dict[str, Any]:
        """Own buy orders that were filled."""
        return self._closed(params, pairs, self.world.ledger.closed_targets, self._closed_target)

    def _filter(self, params: dict[str, str]) -> Callable[[Item], bool]:
        return parse_filters(params.get("treeFilters", ""), self.world.clock()) or (lambda _: True)

    def _page(
        self, params: dict[str, str], rows: list[Any], keys: dict[str, Callable[[Any], Any]], number: Callable[[Any], int], render: Callable[[Any], str]
    ) -> bytes:
        order = params.get("orderBy") or "createdAt"
        if order not in keys:
            raise runtime_error(f"invalid orderBy: {order}")
        limit = limit_of(params)
        backward = (params.get("orderDir") or ("asc" if params.get("orderBy") else "desc")) == "desc"
        digest = repr((order, backward, params.get("title"), params.get("treeFilters"), params.get("gameId")))
        found = sorted(((keys[order](row), number(row), row) for row in rows), key=lambda one: one[:2], reverse=backward)
        if params.get("cursor"):
            after = decode_cursor(params["cursor"], digest, self.world.clock())
            found = [one for one in found if (one[:2] < after if backward else one[:2] > after)]
        cursor = encode_cursor(digest, self.world.clock(), found[limit - 1][:2]) if len(found) > limit else ""
        items = ",".join(render(row) for *_, row in found[:limit])
        return f'{{"items":[{items}],"total":{self.renderer.integer(len(rows))},"cursor":"{cursor}"}}'.encode()

    def _closed(self, params: dict[str, str], pairs: list[tuple[str, str]], rows: Iterable[Any], tell: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        wanted = {value for name, value in pairs if name == "Status"}
        trades = [trade for trade in map(tell, rows) if not wanted or trade["Status"] in wanted]
        if params.get("OrderDir", "desc") == "desc":
            trades.reverse()
        limit, start = whole_number(params, "Limit", 100), whole_number(params, "Cursor", 0)
        more = start + limit < len(trades)
        total: Any = len(trades)
        return {"Trades": trades[start : start + limit], "Total": str(total) if self.renderer.quote else total, "Cursor": str(start + limit) if more else ""}

    def _closed_offer(self, row: ClosedOffer) -> dict[str, Any]:
        return {
            "OfferID": row.offer_id,
            "TargetID": "",
            "AssetID": row.asset_id,
            "Price": _dollars(row.price),
            "CurrencyCode": "USD",
            "Amount": self._integer(1),
            "Title": row.title.name,
            "Fee": {"Amount": _dollars(row.fee), "Percent": f"{float(row.fraction) * 100:g}", "IsPersonal": row.reduced},
            "OfferCreatedAt": self._integer(int(row.created)),
            "OfferClosedAt": self._integer(int(row.closed)),
            **self._protection(row.closed),
        }

    def _closed_target(self, row: ClosedTarget) -> dict[str, Any]:
        return {
            "OfferID": row.offer_id,
            "TargetID": row.target_id,
            "AssetID": row.asset_id,
            "Price": _dollars(row.price),
            "CurrencyCode": "USD",
            "Amount": self._integer(1),
            "Title": row.title,
            "ClosedAt": self._integer(int(row.closed)),
            **self._protection(row.closed),
        }

    def _protection(self, closed: float) -> dict[str, Any]:
        final = closed + PROTECTION_SECONDS
        return {"Status": "trade_protected" if self.world.clock() < final else "successful", "FinalizationTime": self._integer(int(final))}

    def _integer(self, number: int) -> str | int:
        return str(number) if self.renderer.quote else number


def _named(item: Item, params: dict[str, str]) -> bool:
    return item.title.name.casefold().startswith(params.get("title", "").casefold())


def _flag(params: dict[str, str], key: str) -> bool | None:
    filters = params.get("treeFilters", "").lower()
    return True if f"{key.lower()}=true" in filters else False if f"{key.lower()}=false" in filters else None


def _dollars(cents: int) -> dict[str, Any]:
    return {"Currency": "USD", "Amount": cents / 100}
