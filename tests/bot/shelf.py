"""A market of one title, whose finds a test puts there and takes away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botcore.model import Game
from botcore.sandbox import World

if TYPE_CHECKING:
    from botcore.sandbox.goods import Offer

REDLINE = "AK-47 | Redline (Field-Tested)"


class Shelf:
    """One title, for which somebody pays $2.16, less 11 cents of fee: up to $2.02 an offer is a find at the level boost."""

    def __init__(self, name: str = REDLINE, world: World | None = None) -> None:
        self.world = world or World(1)
        self.market = self.world.games[Game.CSGO]
        self.title = self.world.add_title(Game.CSGO, name, 216, traits={"wear_range": (0.15, 0.38)})
        self.world.add_offer(self.title, 300, wear=0.3, seed=8)
        self.world.add_order(self.title, 216, amount=99)

    def add(self, price: int) -> Offer:
        return self.world.add_offer(self.title, price, wear=0.2, seed=7)

    def reprice(self, offer: Offer, price: int) -> None:
        """The same offer at another price."""
        self.world.drop(offer)
        offer.price = price
        self.market.add(offer)
