"""The sandbox's own routes under ``/sandbox/``: no signature, no quota, no latency, no faults. A real market has none of them.

GET served, truth, world, events, lives; POST served/reset, churn, pause, resume, witness. From ``witness`` on it is kept when
which offer became an opportunity and when it ceased to be one; ``lives`` tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from botcore.errors import ConfigError
from botcore.model import Game, Level
from botcore.sandbox.answers import Answer, json_answer, not_found
from botcore.sandbox.truth import true_opportunities
from botcore.sandbox.witness import Witness

if TYPE_CHECKING:
    from botcore.sandbox.churn import Churn
    from botcore.sandbox.limits import Served
    from botcore.sandbox.world import World

__all__ = ["Control"]


class _Churned(msgspec.Struct):
    events: int = 1


class Control:
    """Tells what the market served and what is true of its world, and lets time pass on demand."""

    def __init__(self, world: World, churn: Churn, served: Served) -> None:
        self.world = world
        self.churn = churn
        self.served = served
        self.witness: Witness | None = None

    def answer(self, method: str, path: str, params: dict[str, str], body: bytes) -> Answer:
        """The answer to a control request; 400 with a message for parameters that are no good."""
        action = f"{method} {path.removeprefix('/sandbox/')}"
        try:
            return self._act(action, params, body)
        except (ConfigError, ValueError, msgspec.DecodeError) as error:
            return json_answer({"message": str(error)}, 400)

    def _act(self, action: str, params: dict[str, str], body: bytes) -> Answer:
        reads = {
            "GET served": lambda _: self.served.report(),
            "GET truth": self._truth,
            "GET world": self._world,
            "GET events": self._events,
            "GET lives": self._lives,
        }
        if action in reads:
            return json_answer(reads[action](params))
        if action == "POST churn":
            return json_answer({"events": self.churn.apply(msgspec.json.decode(body or b"{}", type=_Churned).events)})
        if action == "POST served/reset":
            self.served.reset()
        elif action == "POST witness":
            self.witness = self.witness or Witness(self.world, self.churn)
        elif action in ("POST pause", "POST resume"):
            self.churn.paused = action == "POST pause"
        else:
            return not_found("")
        return json_answer({})

    def _events(self, params: dict[str, str]) -> dict[str, Any]:
        since = int(params.get("since", "0"))
        return {"events": [event for event in self.world.events if event.number > since], "last": self.world.event_count}

    def _lives(self, _: dict[str, str]) -> dict[str, Any]:
        if self.witness is None:
            raise ValueError("nobody looked: POST /sandbox/witness first")
        return {"lives": self.witness.lives, "now": self.world.clock()}

    def _truth(self, params: dict[str, str]) -> dict[str, Any]:
        game, level = Game.parse(params.get("game", "")), Level.parse(params.get("level", ""))
        cap = float(params["max_profit"]) if params.get("max_profit") else None
        listed = self.world.games[game].count_priced(*level.price_window)
        return {"opportunities": true_opportunities(self.world, game, level, max_profit=cap), "listed": listed}

    def _world(self, _: dict[str, str]) -> dict[str, Any]:
        games = {}
        for game, market in self.world.games.items():
            titles = market.titles.values()
            games[game.value] = {
                "offers": len(market.offers),
                "p2p": sum(offer.p2p for offer in market.offers.values()),
                "levels": {level.value: market.count_priced(*level.price_window) for level in Level},
                "titles": len(titles),
                "sales": sum(len(title.sales) for title in titles),
                "targets": sum(len(title.orders) for title in titles),
            }
        return {"seed": self.world.seed, "games": games, "offers": sum(len(market.offers) for market in self.world.games.values())}
