"""The market as a scan has read it so far: asks by kind, quotes, evidence, and the offers still in question. Pure.

It keeps what is in flight and two asks a kind, never every offer. ``Table.judge`` is the heart: it says of an offer what
must be known next, or what it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import Enum

from botcore.fees import FeeBook
from botcore.model import Funnel, Game, Offer, Opportunity, OwnTarget, Quote, Sale, ScanQuery, Target
from botcore.scan.bands import Bands
from botcore.scan.match import MIN_SALES, Evidence, Profit, SalesFigures, best_bid, decide, foreign, profit_window, sales_figures

__all__ = ["Asks", "Case", "Dossier", "Need", "Table"]


class Need(Enum):
    """What a case needs before it can be decided."""

    WAIT = "more of the listing"
    TARGETS = "targets"
    SALES = "sales"
    ASK = "next ask"


class Asks:
    """The two cheapest rivals of one kind; ``complete`` once the market was asked for them by title, at any price."""

    __slots__ = ("complete", "first", "first_id", "second", "second_id")

    def __init__(self) -> None:
        self.first_id = self.second_id = ""
        self.first: int | None = None
        self.second: int | None = None
        self.complete = False

    def add(self, offer_id: str, price: int) -> None:
        """Take in an ask; one that is known already changes nothing."""
        if offer_id in (self.first_id, self.second_id):
            return
        if self.first is None or price < self.first:
            self.second, self.second_id = self.first, self.first_id
            self.first, self.first_id = price, offer_id
        elif self.second is None or price < self.second:
            self.second, self.second_id = price, offer_id

    def other(self, offer_id: str) -> int | None:
        """The cheapest known ask that is not this offer's, in cents."""
        return self.second if offer_id == self.first_id else self.first


class Dossier:
    """What is known of one title. ``early`` holds offers that came before its quote, ``pending`` what is being asked."""

    __slots__ = ("asks", "asks_total", "bid", "cap", "cases", "early", "failed", "floor", "hoped", "pending", "quoted", "sales", "seen", "targets", "title")

    def __init__(self, title: str) -> None:
        self.title = title
        self.quoted = False
        self.failed = False
        self.hoped = False
        self.early: list[Offer] = []
        self.cases: list[Case] = []
        self.pending: set[tuple[Need, str]] = set()
        self.asks: dict[str, Asks] = {}
        self.seen = 0
        self.asks_total: int | None = None
        self.bid: int | None = None
        self.floor: int | None = None
        self.cap: int | None = None
        self.targets: list[Target] | None = None
        self.sales: list[Sale] | None = None

    def __repr__(self) -> str:
        return f"<Dossier {self.title!r}: {len(self.cases)} cases>"


class Case:
    """An offer still in question. Below ``killing`` cents a rival makes its relist exit too poor."""

    __slots__ = ("asked", "checked", "dossier", "killing", "offer", "on_target")

    def __init__(self, offer: Offer, dossier: Dossier, *, on_target: bool, killing: int) -> None:
        self.offer = offer
        self.dossier = dossier
        self.on_target = on_target
        self.killing = killing
        self.asked = False
        self.checked = False

    def __repr__(self) -> str:
        return f"<Case {self.offer.title!r} at {self.offer.price_cents}>"


class Table:
    """One scan's knowledge.

    The scanner keeps current ``now``, unix seconds by the market's clock, and ``ask_first``: whether asking for rivals
    costs less time than asking for sales, and ``hurry``, the evidence that may be asked for before it is sure to be needed.
    """

    def __init__(self, query: ScanQuery, fees: FeeBook, bands: Bands, *, own_ids: frozenset[str], own_targets: Iterable[OwnTarget], now: float) -> None:
        self.game: Game = query.game
        self.muted = query.muted
        self.fees = fees
        self.bands = bands
        self.own_ids = own_ids
        self.own_targets = list(own_targets)
        self.now = now
        self.ask_first = False
        self.hurry: frozenset[Need] = frozenset()
        self.window: Profit = profit_window(query)
        self.funnel = Funnel()
        self.unquoted: list[Dossier] = []
        self._dossiers: dict[str, Dossier] = {}
        self._seen: set[int] = set()

    # ---- taking in what the market says -------------------------------------------------------------------------

    def read(self, offers: Iterable[Offer]) -> list[Dossier]:
        """Take in a page. Returns the titles whose cases may now be decided."""
        touched: dict[str, Dossier] = {}
        for offer in offers:
            self.funnel.listed += 1
            reason = self._refuse(offer)
            if reason is not None:
                self.funnel.drop(reason)
                if reason not in {"muted", "price"}:
                    continue
            dossier = self._rival(offer)
            touched[offer.title] = dossier
            if reason is None:
                self._enter(offer, dossier)
        return [dossier for dossier in touched.values() if dossier.cases]

    def quote(self, dossiers: Iterable[Dossier], quotes: Mapping[str, Quote]) -> None:
        """Take in the quotes asked for these titles. A title the market does not know is judged on its orders alone."""
        for dossier in dossiers:
            dossier.quoted = True
            quote = quotes.get(dossier.title)
            if quote is not None:
                dossier.floor = self._trusted(dossier, quote.best_ask_cents)
                dossier.asks_total = quote.ask_count
                dossier.bid = quote.best_bid_cents or None
                net = self.fees.best_net(dossier.title, quote.best_bid_cents, self.now) if quote.best_bid_cents else 0
                dossier.cap = self.window.dearest(net)
            early, dossier.early = dossier.early, []
            for offer in early:
                self._screen(offer, dossier)

    def expect(self, quotes: Mapping[str, Quote]) -> None:
        """Take in quotes of titles before any of their offers."""
        self._dossiers |= {title: Dossier(title) for title in quotes if title not in self._dossiers}
        self.quote([self._dossiers[title] for title in quotes], quotes)

    def _trusted(self, dossier: Dossier, best_ask: int) -> int | None:
        """The quote's best ask, unless an offer already read contradicts it."""
        known = min((asks.first for asks in dossier.asks.values() if asks.first is not None), default=best_ask)
        return best_ask if 0 < best_ask <= known else None

    def targets(self, dossier: Dossier, targets: list[Target]) -> None:
        """Take in the orders of a title."""
        dossier.targets = foreign(dossier.title, targets, self.own_targets)

    def sales(self, dossier: Dossier, sales: list[Sale]) -> None:
        """Take in all sales of the last 30 days of a title."""
        dossier.sales = sales

    def rivals(self, dossier: Dossier, phase: str, offers: Iterable[Offer]) -> int:
        """Take in offers found by title. Returns how many rivals of this kind were among them."""
        asks = dossier.asks.setdefault(phase, Asks())
        rivals = [offer for offer in offers if (offer.title, offer.phase) == (dossier.title, phase) and not (offer.locked or offer.p2p or self._own(offer))]
        for offer in rivals:
            asks.add(offer.offer_id, offer.price_cents)
        return len(rivals)

    def asked(self, dossier: Dossier, phase: str) -> None:
        """The two cheapest rivals of the kind have been taken in, whatever their price, or there are not so many."""
        dossier.asks.setdefault(phase, Asks()).complete = True

    def fail(self, dossier: Dossier) -> int:
        """Evidence of a title could not be had: what is in question of it fails. Returns how many offers."""
        dossier.failed = True
        count = len(dossier.cases) + len(dossier.early)
        dossier.cases.clear()
        dossier.early.clear()
        self.funnel.drop("failed", count)
        return count

    # ---- deciding ------------------------------------------------------------------------------------------------

    def settle(self, dossier: Dossier) -> tuple[set[tuple[Need, str]], list[Opportunity]]:
        """Decide what can be decided of a title. Returns what the rest needs, with the phase, and what was found."""
        needs: set[tuple[Need, str]] = set()
        found: list[Opportunity] = []
        rest: list[Case] = []
        for case in dossier.cases:
            verdict = self.judge(case)
            self._count(case, verdict)
            if isinstance(verdict, Need):
                rest.append(case)
                needs.add((verdict, case.offer.phase if verdict is Need.ASK else ""))
                if verdict is not Need.WAIT:
                    needs |= self._also(case)
            elif isinstance(verdict, Opportunity):
                found.append(verdict)
            else:
                self.funnel.drop(verdict)
        dossier.cases = rest
        self.funnel.found += len(found)
        return needs, found

    def promise(self, dossier: Dossier) -> float:
        """How likely a title is to give a find: the price its best bid would pay for, against the lowest price in question."""
        lowest = min((case.offer.price_cents for case in dossier.cases), default=1)
        return math.inf if dossier.cap is None else dossier.cap / lowest

    def chance(self, dossier: Dossier) -> float:
        """How much of what could still rule out the relist exits of a title has been read without doing so, 0 to 1."""
        if dossier.sales is not None:
            return 0.0
        return max((self.bands.share(case.offer.price_cents, case.killing - 1) for case in dossier.cases), default=0.0)

    def hopes(self, dossier: Dossier) -> set[str]:
        """The phases of a title in which the quote's bid, should it be a real one, makes a find."""
        if dossier.targets is not None:
            return set()
        return {case.offer.phase for case in dossier.cases if self._target_hit(case.offer, dossier.bid)}

    def judge(self, case: Case) -> Need | Opportunity | str:
        """What must be known next of an offer, the opportunity it is, or the funnel's name for why it is none."""
        dossier, offer = case.dossier, case.offer
        if case.on_target and dossier.targets is None:
            return Need.TARGETS
        bid = best_bid(offer, dossier.targets or ())
        hit = self._target_hit(offer, bid)
        figures = None if dossier.sales is None else sales_figures(dossier.sales, offer.phase, self.now)
        if not hit:
            if figures is not None and not self._may_relist(offer, figures):
                thin = figures.count < MIN_SALES
                return decide(offer, Evidence(bid, figures, None), self.fees, self.window, self.now, self.game) if thin else self._reason(offer, bid)
            relist = self._relist(case)
            if relist is not None:
                return relist if isinstance(relist, Need) else self._reason(offer, bid)
        if figures is None:
            return (self._missing(case) if self.ask_first and not hit else None) or Need.SALES
        missing = self._missing(case)
        if missing is not None:
            return missing
        asks = dossier.asks.get(offer.phase)
        evidence = Evidence(bid, figures, asks.other(offer.offer_id) if asks else None)
        return decide(offer, evidence, self.fees, self.window, self.now, self.game)

    def abandon(self, reason: str) -> None:
        """The scan ends: what is still in question is dropped for this reason."""
        for dossier in self._dossiers.values():
            self.funnel.drop(reason, len(dossier.cases) + len(dossier.early))
            dossier.cases.clear()
            dossier.early.clear()

    # ---- within --------------------------------------------------------------------------------------------------

    def _refuse(self, offer: Offer) -> str | None:
        fingerprint = hash(offer.offer_id)
        if fingerprint in self._seen:
            return "duplicate"
        self._seen.add(fingerprint)
        if offer.p2p:
            return "p2p"
        if not self.bands.low <= offer.price_cents <= self.bands.high:
            return "price"
        if offer.locked:
            return "locked"
        if self._own(offer):
            return "own"
        return "muted" if offer.title in self.muted else None

    def _own(self, offer: Offer) -> bool:
        return offer.offer_id in self.own_ids or offer.asset_id in self.own_ids

    def _rival(self, offer: Offer) -> Dossier:
        dossier = self._dossiers.get(offer.title)
        if dossier is None:
            dossier = self._dossiers[offer.title] = Dossier(offer.title)
        if not (offer.locked or self._own(offer)):
            asks = dossier.asks.get(offer.phase)
            if asks is None:
                asks = dossier.asks[offer.phase] = Asks()
            asks.add(offer.offer_id, offer.price_cents)
            dossier.seen += 1
        return dossier

    def _enter(self, offer: Offer, dossier: Dossier) -> None:
        if dossier.failed:
            self.funnel.drop("failed")
        elif dossier.quoted:
            self._screen(offer, dossier)
        else:
            if not dossier.early:
                self.unquoted.append(dossier)
            dossier.early.append(offer)

    def _screen(self, offer: Offer, dossier: Dossier) -> None:
        """Keep an offer in question, or drop it where quote and next ask already tell."""
        on_target = dossier.cap is None or offer.price_cents <= dossier.cap
        cheapest = dossier.asks[offer.phase].first_id == offer.offer_id
        if not (on_target or cheapest):
            self.funnel.drop("low")
            return
        dossier.cases.append(Case(offer, dossier, on_target=on_target, killing=self._killing(offer)))

    def _killing(self, offer: Offer) -> int:
        """The lowest next ask that leaves a relist exit, one cent below it, within reach of the window."""
        return self.fees.least_price(offer.title, self.window.needed(offer.price_cents), self.now) + 1

    def _count(self, case: Case, verdict: Need | Opportunity | str) -> None:
        """Count an offer as quoted once evidence of it is wanted, and as checked once some was had."""
        dossier = case.dossier
        if verdict is not Need.WAIT and not case.asked and not isinstance(verdict, str):
            case.asked = True
            self.funnel.quoted += 1
        if case.asked and not case.checked and (dossier.sales is not None or dossier.targets is not None):
            case.checked = True
            self.funnel.checked += 1

    def _also(self, case: Case) -> set[tuple[Need, str]]:
        """What the case may come to need, of the kinds that can be had without a queue."""
        dossier, phase = case.dossier, case.offer.phase
        needs: set[tuple[Need, str]] = set()
        if Need.SALES in self.hurry and dossier.sales is None:
            needs.add((Need.SALES, ""))
        if Need.ASK in self.hurry and self._missing(case) is not None:
            needs.add((Need.ASK, phase))
        return needs

    def _target_hit(self, offer: Offer, bid: int | None) -> bool:
        if bid is None:
            return False
        profit = bid - self.fees.fee(offer.title, bid, self.now) - offer.price_cents
        return self.window.reached(profit, offer.price_cents) and not self.window.exceeded(profit, offer.price_cents)

    def _reason(self, offer: Offer, bid: int | None) -> str:
        if bid is None:
            return "low"
        profit = bid - self.fees.fee(offer.title, bid, self.now) - offer.price_cents
        return "too-good" if self.window.exceeded(profit, offer.price_cents) else "low"

    def _relist(self, case: Case) -> Need | bool | None:
        """None when the relist exit may be good enough, True when it cannot be, or what must be known to tell."""
        dossier, offer = case.dossier, case.offer
        asks = dossier.asks[offer.phase]
        other = asks.other(offer.offer_id)
        if other is not None and other < case.killing:
            return True
        if asks.complete:
            return None
        if not (self._used_up(dossier) or self._covered(dossier, case.killing - 1)):
            return Need.ASK if self.bands.done else Need.WAIT
        return None if self._below_known(dossier) else Need.ASK

    def _missing(self, case: Case) -> Need | None:
        """What must be known before the next ask is exact. Where the listing will hardly tell it, or nothing was found yet, it is asked for at once."""
        dossier = case.dossier
        asks = dossier.asks[case.offer.phase]
        if asks.complete:
            return None
        other = asks.other(case.offer.offer_id)
        if not self._covered(dossier, self.bands.high if other is None else other - 1):
            return Need.ASK if self.bands.done or self._used_up(dossier) or not self.funnel.found else Need.WAIT
        outside = other is None or other > self.bands.high
        return Need.ASK if outside or not self._below_known(dossier) else None

    def _used_up(self, dossier: Dossier) -> bool:
        """Whether the quote counts no more offers than were read. Enough to hurry, not enough to decide."""
        return dossier.asks_total is not None and dossier.seen >= dossier.asks_total

    def _covered(self, dossier: Dossier, price: int) -> bool:
        return self.bands.covers(max(self.bands.low, dossier.floor or 0), min(price, self.bands.high))

    def _below_known(self, dossier: Dossier) -> bool:
        """Whether the quote rules out a rival below the window."""
        return dossier.floor is not None and dossier.floor >= self.bands.low

    def _may_relist(self, offer: Offer, figures: SalesFigures) -> bool:
        if figures.count < MIN_SALES or figures.median_cents is None:
            return False
        return self.fees.best_net(offer.title, figures.median_cents, self.now) >= self.window.needed(offer.price_cents)
