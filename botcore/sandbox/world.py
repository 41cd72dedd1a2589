"""The seeded market: who sells what, who wants what, what was sold. No HTTP here.

Every time is an argument or comes from the ``clock`` given to the world, in unix seconds.
"""

from __future__ import annotations

import time
from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any

import msgspec

from botcore.model import Game
from botcore.sandbox.goods import Item, Offer, Order, Sale, Title, identifier, serial_of
from botcore.sandbox.ledger import Ledger
from botcore.sandbox.levy import Levy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Event", "GameMarket", "World"]

_ORDERS = ("price", "title", "float", "createdAt", "discount-asc", "discount-desc")
_KEPT_EVENTS = 100_000


class Event(msgspec.Struct, frozen=True):
    """Something the churn did: ``list``, ``sell`` or ``reprice``. Prices in cents, time in unix seconds."""

    number: int
    kind: str
    time: float
    game: Game
    title: str
    offer_id: str
    old_price_cents: int | None = None
    new_price_cents: int | None = None
    new_offer_id: str | None = None


class GameMarket:
    """One game: its titles, its fees and its offers in every order that was ever asked for.

    An order is a sorted list of ``(key, serial)``; it is built when first asked for and kept up to
    date from then on, so a page costs a bisection and not a sort.
    """

    def __init__(self, game: Game, levy: Levy) -> None:
        self.game = game
        self.levy = levy
        self.titles: dict[str, Title] = {}
        self.offers: dict[int, Offer] = {}
        self.version = 0
        self._orders: dict[tuple[str, str], list[tuple[Any, int]]] = {}

    def add(self, offer: Offer) -> None:
        """Put an offer on the market."""
        self.offers[offer.serial] = offer
        offer.item.title.serials[offer.serial] = None
        self.version += 1
        for (kind, order), keys in self._orders.items():
            if _belongs(offer, kind):
                insort(keys, (_key(offer, order), offer.serial))

    def remove(self, offer: Offer) -> None:
        """Take an offer off the market."""
        del self.offers[offer.serial]
        del offer.item.title.serials[offer.serial]
        self.version += 1
        for (kind, order), keys in self._orders.items():
            if _belongs(offer, kind):
                del keys[bisect_left(keys, (_key(offer, order), offer.serial))]

    def ordered(self, kind: str, order: str) -> list[tuple[Any, int]]:
        """All offers of a kind (``dmarket``, ``p2p``, ``all``) as sorted ``(key, serial)``; not to be changed by the caller."""
        keys = self._orders.get((kind, order))
        if keys is None:
            keys = self.sort((offer for offer in self.offers.values() if _belongs(offer, kind)), order)
            self._orders[kind, order] = keys
        return keys

    @staticmethod
    def sort(offers: Iterable[Offer], order: str) -> list[tuple[Any, int]]:
        """Offers in an order, as ``(key, serial)``; ties are broken by serial number."""
        return sorted((_key(offer, order), offer.serial) for offer in offers)

    def count_priced(self, low: int, high: int, kind: str = "dmarket") -> int:
        """How many offers of a kind cost between ``low`` and ``high`` cents, both included."""
        keys = self.ordered(kind, "price")
        return bisect_left(keys, (high + 1, -1)) - bisect_left(keys, (low, -1))

    def offers_of(self, title: Title) -> list[Offer]:
        """The offers of one title, p2p and locked ones included."""
        return [self.offers[serial] for serial in title.serials]


class World:
    """Four games and one account. ``account_id`` is the account's UUID; ``salt`` makes its ids differ from another seed's."""

    def __init__(self, seed: int = 0, *, clock: Callable[[], float] = time.time, balance: int = 1_000_000) -> None:
        self.seed = seed
        self.clock = clock
        self.start = float(int(clock()))
        self.salt = (seed * 0x9E3779B1 + 0x1F123BB5) & 0xFFFFFFFF
        self.games = {game: GameMarket(game, Levy("0.05", 1)) for game in Game}
        self.events: list[Event] = []
        self.event_count = 0
        self.account_id = identifier(1, self.salt ^ 0xACC)
        self._last_serial = 0
        self._last_asset = 0
        self.ledger = Ledger(self, balance)

    def __repr__(self) -> str:
        return f"World(seed={self.seed}, offers={sum(len(market.offers) for market in self.games.values())}, balance={self.ledger.balance})"

    def add_title(self, game: Game, name: str, value: int = 0, *, traits: dict[str, Any] | None = None, phases: dict[str, float] | None = None) -> Title:
        """A title, new or known. ``value`` in cents is also its reference price."""
        market = self.games[game]
        if name not in market.titles:
            described = {"name": name, "type": "item", "path": "", **(traits or {})}
            market.titles[name] = Title(game, name, value, described | ({"phases": phases} if phases else {}))
        return market.titles[name]

    def new_item(self, title: Title, *, phase: str = "", wear: float = -1.0, seed: int = 0, unlock: float = 0.0) -> Item:
        """An asset with a number of its own. ``unlock`` is unix seconds."""
        self._last_asset += 1
        return Item(self._last_asset, title, phase, wear, seed, unlock)

    def list_item(self, item: Item, price: int, *, created: float | None = None, p2p: bool = False, locked: bool = False, mine: bool = False) -> Offer:
        """Put an item on sale for ``price`` cents; ``created`` is unix seconds, now when left out."""
        self._last_serial += 1
        at = self.clock() if created is None else created
        offer = Offer(self._last_serial, item, price, round(at * 1000), p2p, locked, mine)
        self.games[item.title.game].add(offer)
        return offer

    def add_offer(
        self, title: Title, price: int, *, created: float | None = None, p2p: bool = False, locked: bool = False, mine: bool = False, **asset: Any
    ) -> Offer:
        """Make an item (``phase``, ``wear``, ``seed``, ``unlock``) and put it on sale for ``price`` cents."""
        return self.list_item(self.new_item(title, **asset), price, created=created, p2p=p2p, locked=locked, mine=mine)

    def add_order(self, title: Title, price: int, amount: int = 1, *, part: str = "", phase: str = "", seed: str = "") -> Order:
        """Somebody else's standing buy order."""
        order = Order(price, amount, part, phase, seed)
        title.orders.append(order)
        return order

    def add_sale(self, title: Title, sale: Sale) -> None:
        """One more finished trade; sales stay newest first."""
        place = next((n for n, old in enumerate(title.sales) if old.sold_at <= sale.sold_at), len(title.sales))
        title.sales.insert(place, sale)

    def drop(self, offer: Offer) -> None:
        """Take an offer off the market."""
        self.games[offer.item.title.game].remove(offer)

    def offer_id(self, offer: Offer) -> str:
        """The UUID under which an offer is bought."""
        return identifier(offer.serial, self.salt)

    def asset_id(self, item: Item) -> str:
        """The UUID of an asset."""
        return identifier(item.asset, self.salt ^ 0xA55E7)

    def find_offer(self, offer_id: str) -> Offer | None:
        """The offer on the market with this UUID, None when there is none (any more)."""
        serial = serial_of(offer_id, self.salt)
        if serial is None:
            return None
        return next((market.offers[serial] for market in self.games.values() if serial in market.offers), None)

    def record(self, kind: str, offer: Offer, *, old: int | None = None, new: int | None = None, new_offer: Offer | None = None) -> Event:
        """Write down what the churn did; the newest 100,000 are kept."""
        self.event_count += 1
        title = offer.item.title
        new_id = None if new_offer is None else self.offer_id(new_offer)
        event = Event(self.event_count, kind, self.clock(), title.game, title.name, self.offer_id(offer), old, new, new_id)
        self.events.append(event)
        if len(self.events) > _KEPT_EVENTS:
            del self.events[: _KEPT_EVENTS // 2]
        return event


def _belongs(offer: Offer, kind: str) -> bool:
    return kind == "all" or offer.p2p == (kind == "p2p")


def _key(offer: Offer, order: str) -> Any:
    if order == "price":
        return offer.price
    if order == "createdAt":
        return offer.created
    if order == "title":
        return offer.item.title.name
    if order == "float":
        return offer.item.wear if offer.item.wear >= 0 else 2.0  # unknown floats after every known one
    share = discount(offer)
    if order == "discount-desc":
        return (-share if share else 1.0, offer.created)
    return (share or 101.0, offer.created)


def discount(offer: Offer) -> float:
    """Percent below DMarket's appraised price, one decimal; 0 when there is none or the appraisal is missing."""
    title = offer.item.title
    reference = title.reference * title.phases.get(offer.item.phase, 1.0)
    if reference <= offer.price:
        return 0.0
    return round(100 * (reference - offer.price) / reference, 1)
