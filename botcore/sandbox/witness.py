"""Sees every opportunity of a world come and go, from the moment it begins to look: what a watch should have told.

After each event it judges the title in question anew, by the rules of ``truth``. What only time changes is not seen: a sale
that grows too old, a reduced fee that ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from botcore.model import Game, Level
from botcore.sandbox.truth import opportunities_of

if TYPE_CHECKING:
    from botcore.sandbox.churn import Churn
    from botcore.sandbox.goods import Title
    from botcore.sandbox.world import Event, GameMarket, World

__all__ = ["Life", "Witness"]


class Life(msgspec.Struct):
    """One opportunity. Times are unix seconds; ``born`` is when it became one, ``died`` None while it is one."""

    game: Game
    level: Level
    offer_id: str
    title: str
    price_cents: int
    listed: float
    born: float
    died: float | None = None


class Witness:
    """Keeps the lives of all opportunities from now on, those that are there already included."""

    def __init__(self, world: World, churn: Churn) -> None:
        self.lives: list[Life] = []
        self._world = world
        self._alive: dict[tuple[Game, str], dict[int, Life]] = {}
        for market in world.games.values():
            for title in market.titles.values():
                self._look(market, title)
        churn.hear = self._hear

    def _hear(self, event: Event) -> None:
        market = self._world.games[event.game]
        self._look(market, market.titles[event.title])

    def _look(self, market: GameMarket, title: Title) -> None:
        now = self._world.clock()
        found = opportunities_of(market, title, now)
        alive = self._alive.get((title.game, title.name), {})
        for serial in alive.keys() - found.keys():
            alive.pop(serial).died = now
        for serial in found.keys() - alive.keys():
            offer = market.offers[serial]
            life = Life(title.game, found[serial], self._world.offer_id(offer), title.name, offer.price, offer.created / 1000, now)
            alive[serial] = life
            self.lives.append(life)
        if alive:
            self._alive[title.game, title.name] = alive
