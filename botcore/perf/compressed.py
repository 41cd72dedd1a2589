"""Outcomes by the hundred from sandbox worlds whose time is compressed: finds are weighed now, and the world tells what became of them.

The weighing is the scanner's own; what came true is the sandbox's to say, which shares no code with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from random import Random

import msgspec

from botcore.fees import FeeBook, ReducedFee
from botcore.model import Exit, Level, Opportunity, Sale, Target
from botcore.sandbox.churn import Churn
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
HOUR, STEP = 3600.0, 30.0
"""Seconds for which a market that lives is looked at, and how often."""


class Weighed(msgspec.Struct, frozen=True):
    """A find as it was weighed, the hidden mood of its title, and whether its exit price came in time.

    ``earned_cents`` is what it left after the fee, at its exit, or at the best order then where that did not come; None where there was
    no order either. ``gone_after``: seconds, to the next half minute, after which it was no longer for sale; None after the hour that
    was looked at.
    """

    found: Opportunity
    level: Level
    assessment: Assessment
    mood: str
    came_true: bool
    earned_cents: int | None
    gone_after: float | None

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


def weighed_finds(seed: int, size: int = SIZE, *, events: float = 0.0) -> list[Weighed]:
    """Everything that a perfect scan of all games finds in the world of a seed, weighed, with what became of it; the first to be known comes first.

    ``events`` are listed, sold or repriced offers a second for the first hour; without any, every find is bought at once.
    """
    clock = _Clock(START)
    world = grow_world(seed, size, clock=clock)
    _add_deals(world)
    demand = Demand(world)
    finds = sorted(_finds(world), key=lambda find: (_due(find[2]), find[2].offer_id))
    weights = [_weigh(world, offer, found) for _, offer, found in finds]
    gone = _first_hour(world, demand, clock, finds, events) if events else {}
    for _, offer, found in finds:
        if world.find_offer(found.offer_id) is not None:
            world.drop(offer)  # somebody bought it
    books = {game: _fee_book(market) for game, market in world.games.items()}
    weighed = []
    for (level, offer, found), assessment in zip(finds, weights, strict=True):
        clock.at = _due(found)
        demand.live(clock.at)
        came = exit_came(world, found, offer.item, START + found.trade_lock_days * DAY)
        earned = _earned(found, offer, books[found.game], clock.at, came=came)
        weighed.append(Weighed(found, level, assessment, str(offer.item.title.mood), came, earned, gone.get(found.offer_id)))
    return weighed


def _first_hour(world: World, demand: Demand, clock: _Clock, finds: Sequence[tuple[Level, Offer, Opportunity]], events: float) -> dict[str, float]:
    """Let the market live for an hour; gives after how many seconds finds were no longer there, by offer id."""
    churn, there, gone = Churn(world), {found.offer_id for _, _, found in finds}, dict[str, float]()
    for step in range(1, round(HOUR / STEP) + 1):
        clock.at = START + step * STEP
        demand.live(clock.at)
        churn.apply(round(step * STEP * events) - round((step - 1) * STEP * events))
        sold = {offer_id for offer_id in there if world.find_offer(offer_id) is None}
        gone |= dict.fromkeys(sold, step * STEP)
        there -= sold
    return gone


def _earned(found: Opportunity, offer: Offer, fees: FeeBook, at: float, *, came: bool) -> int | None:
    """What a find left when it was sold at ``at``: at its exit price, else to the best order."""
    bids = (order.price for order in offer.item.title.orders if not order.target and order.accepts(offer.item))
    price = found.exit_price_cents if came else max(bids, default=None)
    return None if price is None else price - fees.fee(found.title, price, at) - found.price_cents


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
