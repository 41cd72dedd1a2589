"""The account's side of the market: money, inventory, own offers and own buy orders.

No balance ever goes negative, no asset is in two places, and nothing is bought twice. Fees and
payouts follow the sandbox's own arithmetic. Money is cents, times are unix seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from botcore.sandbox.goods import Item, Offer, Order, Title, identifier

if TYPE_CHECKING:
    from botcore.sandbox.world import World

__all__ = ["ASSET_LOCK_SECONDS", "ClosedOffer", "ClosedTarget", "Holding", "Ledger", "OwnTarget", "TradeRefused"]

ASSET_LOCK_SECONDS = 660  # api page 13.4: a listed asset is locked that long after each change
PROTECTION_SECONDS = 7 * 86_400
PENDING_SECONDS = 1.0
TARGETS_LIMIT = 500


class TradeRefused(Exception):
    """A trade that cannot be made; ``code`` is the market's word for the reason, ``message`` its detail."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class Holding(msgspec.Struct):
    """An item of the account. ``in_market`` is False for what is still in Steam; it shows from ``visible_at`` on."""

    item: Item
    since: float
    in_market: bool = True
    visible_at: float = 0.0


class OwnTarget(msgspec.Struct):
    """A buy order of the account."""

    number: int
    title: Title
    order: Order
    created: float
    updated: float
    active: bool = True


class ClosedOffer(msgspec.Struct, frozen=True):
    """One of the account's offers that somebody bought."""

    offer_id: str
    asset_id: str
    title: Title
    price: int
    fee: int
    fraction: str
    reduced: bool
    created: float
    closed: float


class ClosedTarget(msgspec.Struct, frozen=True):
    """One of the account's buy orders that was filled."""

    offer_id: str
    target_id: str
    asset_id: str
    title: str
    price: int
    closed: float


class Ledger:
    """The account. ``balance`` can be spent on items, ``payable`` of it can be paid out."""

    def __init__(self, world: World, balance: int) -> None:
        self.world = world
        self.balance = balance
        self.holdings: dict[int, Holding] = {}
        self.targets: dict[int, OwnTarget] = {}
        self.closed_offers: list[ClosedOffer] = []
        self.closed_targets: list[ClosedTarget] = []
        self.bought: dict[str, int] = {}
        self._time_locks: dict[int, float] = {}
        self._last_target = 0

    @property
    def payable(self) -> int:
        """What of the balance may leave the site: proceeds of the last seven days may not."""
        now = self.world.clock()
        held = sum(row.price - row.fee for row in self.closed_offers if now < row.closed + PROTECTION_SECONDS)
        return max(0, self.balance - held)

    def give(self, item: Item, *, in_market: bool = True, visible_at: float = 0.0) -> Holding:
        """Put an item into the inventory."""
        holding = Holding(item, self.world.clock(), in_market, visible_at)
        self.holdings[item.asset] = holding
        return holding

    def buy(self, wanted: list[tuple[str, int, str]], *, pending: bool = False) -> list[Offer]:
        """Buy offers ``(offer id, price, type)``, all or none; raises TradeRefused with OfferNotFound or BalanceInsufficientFunds."""
        offers = [self._buyable(offer_id, price, kind) for offer_id, price, kind in wanted]
        if len({offer.serial for offer in offers}) < len(offers):
            raise TradeRefused("OfferNotFound")
        cost = sum(offer.price for offer in offers)
        if cost > self.balance:
            raise TradeRefused("BalanceInsufficientFunds")
        self.balance -= cost
        for offer in offers:
            self.world.drop(offer)
            offer_id = self.world.offer_id(offer)
            self.bought[offer_id] = self.bought.get(offer_id, 0) + 1
            self.give(offer.item, visible_at=self.world.clock() + (PENDING_SECONDS if pending else 0.0))
        return offers

    def _buyable(self, offer_id: str, price: int, kind: str) -> Offer:
        offer = self.world.find_offer(offer_id)
        if offer is None or offer.locked or offer.mine or offer.p2p or kind != "dmarket" or offer.price != price:
            raise TradeRefused("OfferNotFound")
        return offer

    def sell(self, asset_id: str, price: int) -> Offer:
        """List an item of the inventory for ``price`` cents; raises TradeRefused."""
        holding = next((row for row in self.visible() if self.world.asset_id(row.item) == asset_id), None)
        if holding is None or not holding.in_market or price <= 0:
            raise TradeRefused("BadRequest", "asset not found" if holding is None else "")
        self._check_lock(holding.item)
        del self.holdings[holding.item.asset]
        return self._list(holding.item, price)

    def reprice(self, offer_id: str, price: int) -> Offer:
        """Give an own offer a new price, which makes it a new offer; raises TradeRefused."""
        offer = self._own_offer(offer_id)
        if price <= 0:
            raise TradeRefused("BadRequest", "price must be positive")
        self._check_lock(offer.item)
        self.world.drop(offer)
        return self._list(offer.item, price)

    def withdraw_offer(self, offer_id: str) -> Offer:
        """Take an own offer down; the item returns to the inventory, locked for a while. Raises TradeRefused."""
        offer = self._own_offer(offer_id)
        self.world.drop(offer)
        self.give(offer.item)
        self._time_locks[offer.item.asset] = self.world.clock() + ASSET_LOCK_SECONDS
        return offer

    def sold(self, offer: Offer) -> None:
        """Somebody bought an own offer: the price less the fee is credited."""
        now = self.world.clock()
        title = offer.item.title
        fee, fraction, reduced = self.world.games[title.game].levy.fee_and_source(title.name, offer.price, now)
        self.balance += max(0, offer.price - fee)
        row = ClosedOffer(self.world.offer_id(offer), self.world.asset_id(offer.item), title, offer.price, fee, fraction, reduced, offer.created / 1000, now)
        self.closed_offers.append(row)

    def place(self, title: Title, order: Order) -> OwnTarget:
        """A new buy order of the account; raises TradeRefused when it wants too much."""
        if sum(row.title.game is title.game for row in self.targets.values()) >= TARGETS_LIMIT:
            raise TradeRefused("BadRequest", "targets limit is reached")
        self._last_target += 1
        order.target = self._last_target
        now = self.world.clock()
        target = OwnTarget(order.target, title, order, now, now)
        self.targets[target.number] = target
        title.orders.append(order)
        return target

    def cancel(self, target_id: str) -> OwnTarget:
        """Take a buy order back; raises TradeRefused when there is none."""
        target = next((row for row in self.targets.values() if self.target_id(row.number) == target_id), None)
        if target is None:
            raise TradeRefused("BadRequest", "target not found")
        self._end(target)
        return target

    def meet(self, offer: Offer) -> bool:
        """Let a new offer fill the dearest own target that takes it; True when it was bought that way."""
        title = offer.item.title
        fitting = [
            row for row in self.targets.values() if row.title is title and row.active and row.order.price >= offer.price and row.order.accepts(offer.item)
        ]
        if not fitting or offer.mine or offer.p2p or offer.locked:
            return False
        target = max(fitting, key=lambda row: row.order.price)
        if offer.price > self.balance:
            self.pause(target)
            return False
        self.balance -= offer.price
        self.world.drop(offer)
        self.give(offer.item)
        row = ClosedTarget(
            self.world.offer_id(offer), self.target_id(target.number), self.world.asset_id(offer.item), title.name, offer.price, self.world.clock()
        )
        self.closed_targets.append(row)
        target.order.amount -= 1
        target.updated = self.world.clock()
        if target.order.amount == 0:
            self._end(target)
        return True

    def pause(self, target: OwnTarget) -> None:
        """An order the balance cannot cover becomes inactive and leaves the book."""
        target.active = False
        target.title.orders.remove(target.order)

    def visible(self) -> list[Holding]:
        """The inventory as it shows now."""
        now = self.world.clock()
        return [row for row in self.holdings.values() if row.visible_at <= now]

    def target_id(self, number: int) -> str:
        """The UUID of an own target."""
        return identifier(number, self.world.salt ^ 0x7A26E7)

    def _own_offer(self, offer_id: str) -> Offer:
        offer = self.world.find_offer(offer_id)
        if offer is None or not offer.mine:
            raise TradeRefused("OfferNotFound")
        return offer

    def _list(self, item: Item, price: int) -> Offer:
        self._time_locks[item.asset] = self.world.clock() + ASSET_LOCK_SECONDS
        return self.world.list_item(item, price, mine=True)

    def _check_lock(self, item: Item) -> None:
        left = self._time_locks.get(item.asset, 0.0) - self.world.clock()
        if left > 0:
            raise TradeRefused("AssetTimeLocked", f"{int(left) // 60:02d}:{int(left) % 60:02d}")

    def _end(self, target: OwnTarget) -> None:
        del self.targets[target.number]
        if target.active:
            target.title.orders.remove(target.order)
