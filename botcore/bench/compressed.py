"""Outcomes by the hundred from sandbox worlds whose time is compressed: finds are weighed now, and the world tells what became of them.

The weighing is the scanner's own; what came true is the sandbox's to say, which shares no code with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from random import Random

import msgspec

from botcore.fees import FeeBook, ReducedFee
from botcore.model import Exit, Level, Opportunity, Sale, Target
from botcore.sandbox.deals import plant_offer
from botcore.sandbox.demand import Demand
from botcore.sandbox.goods import Offer, Title
from botcore.sandbox.growth import grow_world
from botcore.sandbox.truth import exit_came, true_opportunities
from botcore.sandbox.world import GameMarket, World
from botcore.scan.confidence import Judged
from botcore.scan.evidence import AT_ONCE_DAYS, Assessment, Background, assess, expected_days
from botcore.scan.match import DAY

__all__ = ["Weighed", "weighed_finds"]

START = 1_790_000_000.0
SIZE = 6000


class Weighed(msgspec.Struct, frozen=True):
    """A find as it was weighed, the hidden mood of its title, and whether its exit price came in time."""

    found: Opportunity
    level: Level
    assessment: Assessment
    mood: str
    came_true: bool

    @property
    def judged(self) -> Judged:
        """The outcome as a calibration takes it."""
        return Judged(self.found.exit, self.assessment.score, self.came_true)


class _Clock:
    """Unix seconds that pass when they are told to."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def weighed_finds(seed: int, size: int = SIZE) -> list[Weighed]:
    """Everything that a perfect scan of all games finds in the world of a seed, weighed, with what became of it; the first to be known comes first."""
    clock = _Clock(START)
    world = grow_world(seed, size, clock=clock)
    _add_deals(world)
    demand = Demand(world)
    finds = sorted(_finds(world), key=lambda find: (_due(find[2]), find[2].offer_id))
    weights = [_weigh(world, offer, found) for _, offer, found in finds]
    for offer in {offer.serial: offer for _, offer, _ in finds}.values():
        world.drop(offer)  # somebody bought it
    weighed = []
    for (level, offer, found), assessment in zip(finds, weights, strict=True):
        clock.at = _due(found)
        demand.live(clock.at)
        came = exit_came(world, found, offer.item, START + found.trade_lock_days * DAY)
        weighed.append(Weighed(found, level, assessment, str(offer.item.title.mood), came))
    return weighed


def _due(found: Opportunity) -> float:
    return START + (expected_days(found) + (AT_ONCE_DAYS if found.exit is Exit.TARGET else 0.0)) * DAY


def _add_deals(world: World) -> None:
    """One more underpriced offer for each title where that can be, so that few worlds give many outcomes."""
    rng = Random(f"{world.seed}/deals")  # noqa: S311 - a seeded world wants a seeded generator
    for market in world.games.values():
        for title in market.titles.values():
            for level in Level:
                if level.price_window[0] <= title.value <= level.price_window[1]:
                    plant_offer(world, market, title, rng, rng.uniform(*level.profit_window), age=0.0)
                    break


def _finds(world: World) -> Iterator[tuple[Level, Offer, Opportunity]]:
    for game in world.games:
        for level in Level:
            for found in true_opportunities(world, game, level):
                offer = world.find_offer(found.offer_id)
                if offer is not None:
                    yield level, offer, found


def _weigh(world: World, offer: Offer, found: Opportunity) -> Assessment:
    market, title = world.games[found.game], offer.item.title
    bids = [Target(order.price, order.amount) for order in title.orders if not order.target and order.accepts(offer.item)]
    sales = [Sale(sale.price, sale.sold_at, sale.phase, sale.to_target) for sale in title.sales]
    background = Background(sales=sales, bids=bids, asks=_asks(market, title, offer))
    return assess(found, background, _fee_book(market), world.clock())


def _asks(market: GameMarket, title: Title, offer: Offer) -> list[int]:
    others = (one for one in market.offers_of(title) if one.serial != offer.serial and one.item.phase == offer.item.phase)
    return sorted(one.price for one in others if not (one.p2p or one.locked or one.mine))


def _fee_book(market: GameMarket) -> FeeBook:
    reduced: dict[str, tuple[ReducedFee, ...]] = {}
    for row in market.levy.reductions:
        reduced[row.title] = (*reduced.get(row.title, ()), ReducedFee(Fraction(row.fraction), row.low, row.high, row.expires))
    return FeeBook(market.game, Fraction(market.levy.fraction), market.levy.minimum, reduced)
