"""The writes: buying, listing, repricing, taking down, buy orders, deposits and withdrawals (api page, 9.4 to 9.8, 9.11 to 9.13, 9.16, 9.17, 9.20).

A write answers 200 with its failures inside, as the real market does; it changes the ledger or it
does not, never half.
"""

from __future__ import annotations

import uuid
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from botcore.model import Game
from botcore.sandbox.answers import account_error, runtime_error
from botcore.sandbox.goods import Order, float_part
from botcore.sandbox.ledger import TradeRefused
from botcore.sandbox.listing import game_of, limit_of
from botcore.sandbox.render import stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from botcore.sandbox.goods import Offer
    from botcore.sandbox.world import World

__all__ = ["Trading"]

_GAMES = {game.wire: game for game in Game}
_SYNC_GAMES = ("CSGO", "Dota2", "TF2", "Rust", "LifeBeyond")
_BATCH = 100
_PARTS = frozenset(float_part(number / 100) for number in range(101))
_PHASES = frozenset(("phase-1", "phase-2", "phase-3", "phase-4", "ruby", "sapphire", "emerald", "black-pearl"))
_DEPOSIT_SECONDS = 2.0


class _Price(msgspec.Struct):
    amount: str
    currency: str


class _Wanted(msgspec.Struct, rename="camel"):
    offer_id: str
    price: _Price
    type: str


class _Buy(msgspec.Struct):
    offers: list[_Wanted]


class _Line(msgspec.Struct, rename="camel"):
    asset_id: str = ""
    offer_id: str = ""
    price_cents: str | int | None = None


class _Batch(msgspec.Struct):
    requests: list[_Line]


class _TargetBatch(msgspec.Struct, rename="pascal"):
    targets: list[dict[str, Any]]
    game_id: str = msgspec.field(default="", name="GameID")


_Body = TypeVar("_Body")


class Trading:
    """Carries out what the account asks for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._orders = 0
        self._deposits: dict[str, tuple[list[str], float]] = {}

    def buy(self, body: bytes) -> dict[str, Any]:
        """``PATCH /exchange/v1/offers-buy``: all offers or none; HTTP 200 either way."""
        try:
            wanted = msgspec.json.decode(body, type=_Buy).offers
            lines = [(line.offer_id, int(line.price.amount), line.type) for line in wanted]
        except (msgspec.DecodeError, ValueError) as error:
            raise account_error("BadRequest", f"validation failed: {error}") from None
        if any(line.price.currency != "USD" for line in wanted):
            return self._bought(wanted, "TxFailed", "BalanceInsufficientFunds")  # the account holds no DMC
        if not lines:
            raise account_error("BadRequest", "validation failed: offers cannot be empty")
        self._orders += 1
        pending = self._orders % 5 == 0  # now and then the real market takes a moment
        try:
            self.world.ledger.buy(lines, pending=pending)
        except TradeRefused as refusal:
            return self._bought(wanted, "TxFailed", refusal.code)
        return self._bought(wanted, "TxPending" if pending else "TxSuccess", "")

    def create_offers(self, body: bytes) -> dict[str, Any]:
        """List items of the inventory."""
        return self._batch(body, "assetId", lambda line: self.world.ledger.sell(line.asset_id, _cents(line)))

    def update_offers(self, body: bytes) -> dict[str, Any]:
        """New prices; every success carries a new offer id."""
        return self._batch(body, "offerId", lambda line: self.world.ledger.reprice(line.offer_id, _cents(line)))

    def delete_offers(self, body: bytes) -> dict[str, Any]:
        """Take offers down."""
        return self._batch(body, "offerId", lambda line: self.world.ledger.withdraw_offer(line.offer_id))

    def create_targets(self, body: bytes) -> dict[str, Any]:
        """Place buy orders; prices arrive in dollars."""
        wanted = _decode(body, _TargetBatch)
        game = _GAMES.get(wanted.game_id)
        if game is None or not 1 <= len(wanted.targets) <= _BATCH:
            raise runtime_error(f"invalid request: GameID and 1 to {_BATCH} Targets are needed")
        return {"Result": [self._create_target(game, line) for line in wanted.targets]}

    def delete_targets(self, body: bytes) -> dict[str, Any]:
        """Cancel buy orders."""
        rows = []
        for line in _decode(body, _TargetBatch).targets:
            row: dict[str, Any] = {"DeleteTarget": {"TargetID": str(line.get("TargetID", ""))}, "Successful": True}
            try:
                self.world.ledger.cancel(str(line.get("TargetID", "")))
            except TradeRefused as refusal:
                row |= {"Successful": False, "Error": {"Code": refusal.code, "Message": refusal.message}}
            rows.append(row)
        return {"Result": rows}

    def sync_inventory(self, body: bytes) -> dict[str, Any]:
        """Nothing to refresh here, but the game must be spelled the way only this route spells it."""
        if _decode(body, dict[str, str]).get("GameID") not in _SYNC_GAMES:
            raise runtime_error("UnsupportedInventorySyncType")
        return {}

    def deposit(self, body: bytes) -> dict[str, Any]:
        """Move Steam items to DMarket, by their composite ids."""
        wanted = _decode(body, dict[str, list[str]]).get("AssetID", [])
        if not wanted or any(self._steam_asset(asset) is None for asset in wanted):
            raise runtime_error("InventoryItemsNotFound")
        if len(set(wanted)) < len(wanted):
            raise runtime_error("DuplicatedAssets")
        deposit_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.world.salt}/{len(self._deposits)}"))
        self._deposits[deposit_id] = (wanted, self.world.clock() + _DEPOSIT_SECONDS)
        return {"DepositID": deposit_id}

    def deposit_status(self, deposit_id: str) -> dict[str, Any]:
        """Where a deposit stands; it succeeds after two seconds."""
        if deposit_id not in self._deposits:
            raise runtime_error("DepositTransferNotFound", 404, 5)
        assets, ready = self._deposits[deposit_id]
        done = self.world.clock() >= ready
        moved = []
        for asset in assets if done else ():
            number = self._steam_asset(asset)
            if number is not None and number in self.world.ledger.holdings:
                self.world.ledger.holdings[number].in_market = True
                moved.append({"InGameAssetID": asset, "DmarketAssetID": self.world.asset_id(self.world.ledger.holdings[number].item)})
        status = "TransferStatusSuccess" if done else "TransferStatusCreated"
        offer = {"TradeOfferID": "7300000001", "Message": "DMarket deposit SANDBOX"}
        return {"DepositID": deposit_id, "AssetID": assets, "Status": status, "Error": "", "Assets": moved, "SteamDepositInfo": offer}

    def blocked_titles(self, params: dict[str, str]) -> dict[str, Any]:
        """Titles that cannot be deposited; the sandbox blocks the last two of a game."""
        game = game_of(params)
        limit_of(params, 5000, default=1000)
        at = stamp(self.world.start - 6 * 3600)
        rows = [{"title": name, "overstocked": True, "sellUnavailable": False, "updatedAt": at} for name in sorted(self.world.games[game].titles)[-2:]]
        return {"gameId": game.wire, "titles": rows, "updatedAt": at, "total": str(len(rows)), "cursor": ""}

    def withdraw(self, body: bytes) -> dict[str, Any]:
        """Send items from DMarket to Steam."""
        wanted = _decode(body, dict[str, Any])
        ids = {str(row.get("id", "")) for row in wanted.get("assets", []) if isinstance(row, dict)}
        held = [row for row in self.world.ledger.visible() if row.in_market and self.world.asset_id(row.item) in ids]
        if not ids or len(held) < len(ids) or not wanted.get("requestId"):
            raise account_error("InventoryItemsNotFound", "assets and requestId are required")
        for row in held:
            row.in_market = False
        return {"transferId": str(uuid.uuid5(uuid.NAMESPACE_OID, str(wanted["requestId"])))}

    def _bought(self, wanted: list[_Wanted], status: str, code: str) -> dict[str, Any]:
        started = {"started": status != "TxFailed"}
        name = f"{self.world.salt}/{self._orders}"
        return {
            "orderId": str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
            "txId": "" if status == "TxFailed" else str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            "status": status,
            "dmOffersStatus": {line.offer_id: started for line in wanted if line.type != "p2p"},
            "p2pOffersStatus": {line.offer_id: started for line in wanted if line.type == "p2p"},
            "dmOffersFailReason": {"code": code},
        }

    def _batch(self, body: bytes, key: str, act: Callable[[_Line], Offer]) -> dict[str, Any]:
        lines = _decode(body, _Batch).requests
        if not 1 <= len(lines) <= _BATCH:
            raise runtime_error(f"invalid requests: 1 to {_BATCH} are needed")
        done, failed = [], []
        for line in lines:
            try:
                offer = act(line)
                done.append({"id": self.world.offer_id(offer), "assetId": self.world.asset_id(offer.item)})
            except TradeRefused as refusal:
                name = line.asset_id if key == "assetId" else line.offer_id
                failed.append({key: name, "code": refusal.code, "message": refusal.message})
        return {"offers": done, "failed": failed}

    def _create_target(self, game: Game, line: dict[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = {"CreateTarget": line, "TargetID": "", "Successful": False}
        try:
            target = self.world.ledger.place(*self._order(game, line))
        except TradeRefused as refusal:
            return row | {"Error": {"Code": refusal.code, "Message": refusal.message}}
        return row | {"TargetID": self.world.ledger.target_id(target.number), "Successful": True}

    def _order(self, game: Game, line: dict[str, Any]) -> tuple[Any, Order]:
        title = self.world.games[game].titles.get(str(line.get("Title", "")))
        if title is None:
            raise TradeRefused("TitleRequired", "title not found")
        try:
            amount = int(line.get("Amount", 0))
            dollars = Decimal(str((line.get("Price") or {}).get("Amount", 0)))
        except (ValueError, InvalidOperation):
            raise TradeRefused("BadRequest", "amount and price must be numbers") from None
        cents = dollars * 100
        if not 1 <= amount <= _BATCH or not cents.is_finite() or cents < 1 or cents != cents.to_integral_value():
            raise TradeRefused("InvalidAmount", "amount is out of range")
        attrs = line.get("Attrs") or {}
        part, phase, seed = (str(attrs.get(name) or "") for name in ("floatPartValue", "phase", "paintSeed"))
        if (part and part not in _PARTS) or (phase and phase not in _PHASES):
            raise TradeRefused("BadRequest", "unknown attribute value")
        return title, Order(int(cents), amount, part, phase, "" if seed == "0" else seed)

    def _steam_asset(self, composite: str) -> int | None:
        """The number of an item that is still in Steam, from its composite id."""
        parts = composite.split(":")
        if len(parts) != 4 or not parts[2].isdigit():  # noqa: PLR2004 - instance, class, asset, app
            return None
        number = int(parts[2]) - 40_000_000_000
        holding = self.world.ledger.holdings.get(number)
        return number if holding is not None and not holding.in_market else None


def _decode(body: bytes, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise runtime_error(f"invalid body: {error}") from None


def _cents(line: _Line) -> int:
    """The asked price; without one the line fails, since what the real market would do is unknown."""
    given = str(line.price_cents or "")
    if not given.isdigit():
        raise TradeRefused("BadRequest", "priceCents is required")
    return int(given)
