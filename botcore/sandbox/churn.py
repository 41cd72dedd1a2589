"""Life of the market: offers are listed, sold and repriced, one event at a time, from a seeded generator.

As many are sold as are listed, who sells knows about what a thing is worth, and what stands below that is bought sooner than the
rest. So the market stays as it is, however long it lives: its finds neither pile up nor run out.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from botcore.model import Game, Level
from botcore.sandbox.deals import plant_offer
from botcore.sandbox.goods import Sale
from botcore.sandbox.growth import SHARES, grow_item
from botcore.sandbox.history import chance, spelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from botcore.sandbox.goods import Offer, Title
    from botcore.sandbox.world import Event, GameMarket, World

__all__ = ["Churn"]

_SHELVES = 6
"""Titles that a buyer looks at who is after a bargain."""
_LEAST_ASKED = 0.95
"""Of what a thing is worth: nobody begins lower of his own accord, or asks would chase each other down for ever."""


class Churn:
    """Applies events to a world. ``deals`` is the share of new listings that are priced under what they would bring.

    ``paused`` is for whoever runs it by the clock; ``hear`` is called with each event once it has happened.
    """

    def __init__(self, world: World, deals: float = 0.03) -> None:
        self.world = world
        self.deals = deals
        self.paused = False
        self.hear: Callable[[Event], None] = lambda _: None
        self._rng = Random(f"{world.seed}/churn")

    def apply(self, count: int = 1) -> list[Event]:
        """Let ``count`` things happen now; gives what happened, in order."""
        return [self._heard() for _ in range(count)]

    def _heard(self) -> Event:
        event = self._event()
        self.hear(event)
        return event

    def _event(self) -> Event:
        games = [game for game in Game if self.world.games[game].titles]
        market = self.world.games[self._rng.choices(games, [SHARES[game] for game in games])[0]]
        kind = self._rng.choices(("list", "sell", "reprice"), (0.4, 0.4, 0.2))[0]
        if kind == "list" or len(market.offers) < len(market.titles):
            return self._list(market)
        return self._sell(market) if kind == "sell" else self._reprice(market)

    def _list(self, market: GameMarket) -> Event:
        title = self._rng.choice(list(market.titles.values()))
        offer = self._deal(market, title) if chance(self._rng, self.deals) else None
        if offer is None:
            phase = self._rng.choice(list(title.phases))
            price = self._asking(market, title, phase)
            offer = self.world.add_offer(title, price, created=round(self.world.clock(), 3), **grow_item(self.world, title, self._rng, phase))
        event = self.world.record("list", offer, new=offer.price)
        self.world.ledger.meet(offer)
        return event

    def _deal(self, market: GameMarket, title: Title) -> Offer | None:
        level = next((level for level in Level if level.price_window[0] <= title.value <= level.price_window[1]), None)
        if level is None:
            return None
        least, most = level.profit_window
        return plant_offer(self.world, market, title, self._rng, self._rng.uniform(least, most), age=0.0)

    def _asking(self, market: GameMarket, title: Title, phase: str) -> int:
        asks = [offer.price for offer in market.offers_of(title) if offer.item.phase == phase and not offer.p2p]
        base = max(min(asks, default=0), _LEAST_ASKED * _worth(title, phase))
        return max(2, round(base * self._rng.uniform(0.985, 1.12)))

    def _sell(self, market: GameMarket) -> Event:
        offer = self._bargain(market) if chance(self._rng, 1 / 3) else self._any(market)
        title = offer.item.title
        self.world.drop(offer)
        if offer.mine:
            self.world.ledger.sold(offer)
        else:
            item = offer.item
            spelling = spelled(item.phase, self._rng)
            sale = Sale(int(self.world.clock()), offer.price, item.phase, spelling, wear=item.wear, seed=item.seed)
            self.world.add_sale(title, sale)
        return self.world.record("sell", offer, old=offer.price)

    def _reprice(self, market: GameMarket) -> Event:
        offer = self._any(market)
        if chance(self._rng, 1 / 3):
            offer = min(market.offers_of(offer.item.title), key=_price)
        if offer.mine:  # only the account reprices its own
            return self._sell(market)
        self.world.drop(offer)
        price = max(2, round(offer.price * self._rng.uniform(0.95, 1.03)))
        again = self.world.list_item(offer.item, price, created=round(self.world.clock(), 3), p2p=offer.p2p)
        return self.world.record("reprice", offer, old=offer.price, new=price, new_offer=again)

    def _any(self, market: GameMarket) -> Offer:
        keys = market.ordered("all", "price")
        return market.offers[keys[self._rng.randrange(len(keys))][1]]

    def _bargain(self, market: GameMarket) -> Offer:
        """The cheapest for what it is worth, of a few titles."""
        titles = {offer.item.title.name: offer.item.title for offer in (self._any(market) for _ in range(_SHELVES))}
        return min((min(market.offers_of(title), key=_price) for title in titles.values()), key=_cheapness)


def _worth(title: Title, phase: str) -> float:
    return title.value * title.phases[phase]


def _price(offer: Offer) -> tuple[int, int]:
    return offer.price, offer.serial


def _cheapness(offer: Offer) -> tuple[float, int]:
    return offer.price / _worth(offer.item.title, offer.item.phase), offer.serial
