"""Life of the market: offers are listed, sold and repriced, one event at a time, from a seeded generator."""

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
        kind = self._rng.choices(("list", "sell", "reprice"), (0.4, 0.35, 0.25))[0]
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
        base = min(asks) if asks else title.value * title.phases[phase]
        return max(2, round(base * self._rng.uniform(0.985, 1.12)))

    def _sell(self, market: GameMarket) -> Event:
        offer = self._pick(market)
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
        offer = self._pick(market)
        if offer.mine:  # only the account reprices its own
            return self._sell(market)
        self.world.drop(offer)
        price = max(2, round(offer.price * self._rng.uniform(0.95, 1.03)))
        again = self.world.list_item(offer.item, price, created=round(self.world.clock(), 3), p2p=offer.p2p)
        return self.world.record("reprice", offer, old=offer.price, new=price, new_offer=again)

    def _pick(self, market: GameMarket) -> Offer:
        """Any offer; one in three is among the cheapest of its title, as buyers would have it."""
        keys = market.ordered("all", "price")
        offer = market.offers[keys[self._rng.randrange(len(keys))][1]]
        if chance(self._rng, 1 / 3):
            return min(market.offers_of(offer.item.title), key=lambda rival: (rival.price, rival.serial))
        return offer
