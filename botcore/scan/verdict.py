"""What a look at a title tells of its offers: which are opportunities, at which level, and why the others are none. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec

from botcore.fees import FeeBook
from botcore.model import Game, Level, Offer, Opportunity, OwnTarget, Sale, Target, WatchQuery
from botcore.scan.books import Books
from botcore.scan.evidence import Assessment, assess, background
from botcore.scan.match import Evidence, SalesFigures, best_bid, decide, foreign, profit_window, sales_figures
from botcore.scan.table import Asks

__all__ = ["Look", "Verdict", "Weighed", "judge"]


class Look(msgspec.Struct):
    """Offers of one title from the cheapest up, as an answer told them that came at ``at``, in seconds of a clock that never goes back.

    ``all_up_to``: every offer at this price in cents or below is among them, None when they are all there are. ``targets``
    and ``sales`` are None where they need not be known.
    """

    title: str
    rows: list[Offer]
    all_up_to: int | None
    at: float
    targets: Sequence[Target] | None = None
    sales: Sequence[Sale] | None = None

    def holds(self, price_cents: int) -> bool:
        """Whether an offer at this price would be among the rows, if there were one."""
        return self.all_up_to is None or price_cents <= self.all_up_to


class Weighed(msgspec.Struct, frozen=True):
    """An offer as a look saw it, and how the evidence of its opportunity looks."""

    offer: Offer
    assessment: Assessment


class Verdict(msgspec.Struct):
    """Of the offers of a look by offer id: the opportunities with their levels, and the funnel's name for why the others are none.

    ``at`` tells of one of the offers what it is at a level, be that watched or not: an opportunity, or the reason why it is none.
    ``weigh`` weighs an opportunity by what the look saw, which is worth its while for those alone that are told.
    """

    found: dict[str, tuple[Level, Opportunity]]
    reasons: dict[str, str]
    at: Callable[[Offer, Level], Opportunity | str]
    weigh: Callable[[Opportunity], Weighed]


def judge(look: Look, books: Books, query: WatchQuery, game: Game, own: Iterable[OwnTarget], now: float) -> Verdict:
    """Judge every offer of a look by the full rules. What is not known of targets or sales counts as none."""
    fees = books.fees
    if fees is None:
        raise RuntimeError("an offer was judged before the fees were known")
    case = _Case(look, books, fees, None if look.targets is None else foreign(look.title, look.targets, own))
    verdict = Verdict({}, {}, partial(case.at, query=query, game=game, now=now), partial(case.weigh, now=now))
    for offer in look.rows:
        reason = books.refusal(offer)
        outcome = reason if reason is not None else case.outcome(offer, query, game, now)
        if isinstance(outcome, str):
            verdict.reasons[offer.offer_id] = outcome
        else:
            verdict.found[offer.offer_id] = outcome
    return verdict


class _Case:
    """What is the same for all offers of a title."""

    def __init__(self, look: Look, books: Books, fees: FeeBook, targets: Sequence[Target] | None) -> None:
        self._rows = look.rows
        self._books = books
        self._fees = fees
        self._targets = targets
        self._sales = look.sales or ()
        self._figures: dict[str, SalesFigures] = {}
        self._asks: dict[str, Asks] = {}
        for offer in look.rows:
            if not (offer.p2p or offer.locked or books.mine(offer)):
                self._asks.setdefault(offer.phase, Asks()).add(offer.offer_id, offer.price_cents)

    def outcome(self, offer: Offer, query: WatchQuery, game: Game, now: float) -> tuple[Level, Opportunity] | str:
        """The opportunity that an offer is at one of the watched levels, or why it is none."""
        reason = "price"
        for level in query.levels:
            outcome = self.at(offer, level, query, game, now)
            if not isinstance(outcome, str):
                return level, outcome
            reason = reason if outcome == "price" else outcome
        return reason

    def at(self, offer: Offer, level: Level, query: WatchQuery, game: Game, now: float) -> Opportunity | str:
        """The opportunity that an offer is at a level, or why it is none."""
        low, high = level.price_window
        if not low <= offer.price_cents <= high:
            return "price"
        barred = self._books.barred(offer)
        return decide(offer, self._evidence(offer, now), self._fees, profit_window(query.at(game, level)), now, game) if barred is None else barred

    def weigh(self, found: Opportunity, now: float) -> Weighed:
        """An opportunity among the offers, weighed."""
        offer = next(row for row in self._rows if row.offer_id == found.offer_id)
        return Weighed(offer, assess(found, background(offer, self._rows, self._targets, self._sales, self._books.own), self._fees, now))

    def _evidence(self, offer: Offer, now: float) -> Evidence:
        return Evidence(best_bid(offer, self._targets or ()), self._figures_of(offer.phase, now), self._asks[offer.phase].other(offer.offer_id))

    def _figures_of(self, phase: str, now: float) -> SalesFigures:
        if phase not in self._figures:
            self._figures[phase] = sales_figures(self._sales, phase, now)
        return self._figures[phase]
