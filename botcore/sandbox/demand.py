"""Days of trade, as fast as they can be worked out: buyers, sellers and orders come and go at each title's own pace.

What happens follows from a title's hidden mood, pace and price alone, and a world that was alike before is alike after: the
steps in which time passes change no sale. Whoever asks for the future must move the world's clock first.
"""

from __future__ import annotations

import heapq
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from botcore.sandbox.goods import Sale
from botcore.sandbox.growth import grow_item
from botcore.sandbox.history import DAY, chance, draw_phase, spelled
from botcore.sandbox.moods import Mood, price_factor

if TYPE_CHECKING:
    from collections.abc import Callable

    from botcore.sandbox.goods import Offer, Order, Title
    from botcore.sandbox.world import World

__all__ = ["Demand"]

_MONTH = 30 * DAY
_LEAST_PACE = 0.1 / 30
_STALE_PACE = 0.1
_PUMPED_PACE = 0.6  # what drew buyers is over
_SPREAD = 0.05
_TO_TARGET = 0.25
_UNNAMED = 0.04
_COMES_AGAIN = 0.92  # what was sold or taken back is mostly offered or wanted again
_WANDER = 0.01  # standard deviation of a day's change of price
_REFUSED = 0.7  # nobody sells into an order below this share of the price
_DEAR = 0.93  # an order at more than this share of the price is gone within hours, one way or another
_DEAR_LIFE = 0.5 * DAY
_LIFE = 6.0 * DAY


class Demand:
    """Trade in one world from now on. ``live`` lets everything happen up to a time, in unix seconds; ``at`` is how far it has come."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.at = world.clock()
        self._rng = Random(f"{world.seed}/demand")
        self._number = count()
        self._coming: list[tuple[float, int, Callable[[float], None]]] = []
        self._wandered: dict[int, tuple[float, float]] = {}
        for market in world.games.values():
            for title in market.titles.values():
                self._await_buyer(title, self._pace(title), self.at)
                for order in title.orders:
                    self._await_end(title, order, self.at)

    def live(self, until: float) -> int:
        """Let happen what is due by then, in order; gives how many things did."""
        happened = 0
        while self._coming and self._coming[0][0] <= until:
            self.at, _, event = heapq.heappop(self._coming)
            event(self.at)
            happened += 1
        self.at = until
        return happened

    def price(self, title: Title, phase: str) -> float:
        """What buyers pay on average for a piece at ``at``, in cents."""
        days = (self.at - self.world.start) / DAY
        return title.value * title.phases[phase] * title.level * price_factor(Mood(title.mood), days) * self._wander(title)

    # ---- what is to come -------------------------------------------------------------------------------------------

    def _pace(self, title: Title) -> float:
        """Sales a second. The past month is a sample of it, so the true pace is a little different."""
        sold = sum(sale.sold_at >= self.world.start - _MONTH for sale in title.sales)
        moods = {Mood.STALE: _STALE_PACE, Mood.PUMPED: _PUMPED_PACE}
        return max(_LEAST_PACE, sold / 30 * self._rng.lognormvariate(0, 0.25)) * moods.get(Mood(title.mood), 1.0) / DAY

    def _later(self, at: float, mean: float, event: Callable[[float], None]) -> None:
        heapq.heappush(self._coming, (at + self._rng.expovariate(1 / mean), next(self._number), event))

    def _await_buyer(self, title: Title, pace: float, at: float) -> None:
        def come(when: float) -> None:
            self._trade(title, when)
            self._await_buyer(title, pace, when)

        self._later(at, 1 / pace, come)

    def _await_end(self, title: Title, order: Order, at: float) -> None:
        if order.target:
            return  # the account's own stay until the account says otherwise
        dear = order.price > _DEAR * title.value * min(title.phases.values()) * title.level
        self._later(at, _DEAR_LIFE if dear else _LIFE, lambda when: self._take_back(title, order, when))

    def _wander(self, title: Title) -> float:
        """How far the price has wandered off by itself."""
        factor, since = self._wandered.get(id(title), (1.0, self.world.start))
        factor *= self._rng.lognormvariate(0, _WANDER * (max(0.0, self.at - since) / DAY) ** 0.5)
        self._wandered[id(title)] = (factor, self.at)
        return factor

    # ---- what happens ----------------------------------------------------------------------------------------------

    def _trade(self, title: Title, at: float) -> None:
        phase = draw_phase(title, self._rng)
        fair = self.price(title, phase)
        if not (chance(self._rng, _TO_TARGET) and self._sell_into(title, phase, fair, at)):
            self._buy(title, phase, fair, at)

    def _sell_into(self, title: Title, phase: str, fair: float, at: float) -> bool:
        """Somebody sells to the best order; False when none is worth it."""
        item = self.world.new_item(title, **grow_item(self.world, title, self._rng, phase))
        taking = [order for order in title.orders if not order.target and order.accepts(item) and order.price >= _REFUSED * fair]
        if not taking:
            return False
        order = max(taking, key=lambda one: one.price)
        self._sold(title, Sale(int(at), order.price, *self._named(phase), to_target=True, wear=item.wear, seed=item.seed))
        order.amount -= 1
        if not order.amount:
            self._remove(title, order)
            self._want_again(title, at)
        return True

    def _buy(self, title: Title, phase: str, fair: float, at: float) -> None:
        """A buyer takes the cheapest offer, at its price where he is willing, else at what he pays: then a seller gave in."""
        willing = max(2, round(fair * self._rng.lognormvariate(0, _SPREAD)))
        market = self.world.games[title.game]
        offers = [one for one in market.offers_of(title) if one.item.phase == phase and not (one.p2p or one.locked or one.mine)]
        cheapest = min(offers, key=lambda one: (one.price, one.serial), default=None)
        wear, seed = (cheapest.item.wear, cheapest.item.seed) if cheapest else (-1.0, 0)
        price = min(cheapest.price, willing) if cheapest else willing
        if cheapest is not None:
            self._leave(cheapest, price)
        self._sold(title, Sale(int(at), price, *self._named(phase), wear=wear, seed=seed))
        if chance(self._rng, _COMES_AGAIN):
            asked = max(2, round(fair * self._rng.uniform(0.98, 1.10)))
            offer = self.world.add_offer(title, asked, created=round(at, 3), **grow_item(self.world, title, self._rng, phase))
            self.world.record("list", offer, new=asked)
            self.world.ledger.meet(offer)

    def _leave(self, offer: Offer, price: int) -> None:
        self.world.drop(offer)
        self.world.record("sell", offer, old=price)

    def _named(self, phase: str) -> tuple[str, str | None]:
        """The phase as this sale tells it, and its spelling; some do not say which phase it was."""
        named = "" if chance(self._rng, _UNNAMED) else phase
        return named, spelled(named, self._rng)

    def _sold(self, title: Title, sale: Sale) -> None:
        self.world.add_sale(title, sale)

    def _take_back(self, title: Title, order: Order, at: float) -> None:
        if self._remove(title, order):
            self._want_again(title, at)

    def _remove(self, title: Title, order: Order) -> bool:
        """Take this very order out of the book; False when it is gone already."""
        place = next((number for number, one in enumerate(title.orders) if one is order), None)
        if place is not None:
            del title.orders[place]
        return place is not None

    def _want_again(self, title: Title, at: float) -> None:
        """Somebody else wants a piece of any kind, at an ordinary price."""
        if not chance(self._rng, _COMES_AGAIN):
            return
        cheapest_phase = min(title.phases, key=lambda phase: title.phases[phase])
        price = max(1, round(self.price(title, cheapest_phase) * self._rng.uniform(0.74, 0.93)))
        self._await_end(title, self.world.add_order(title, price, self._rng.choice((1, 1, 2, 5, 14))), at)
