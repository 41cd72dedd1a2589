"""What a watch knows of a game's titles: quotes, the cheapest asks of each kind, and what they were sold for. Pure.

It serves to tell without asking which offers may pay. It errs on one side: what the full rules would keep is never ruled
out, as long as no more offers went away than the quotes tell.
"""

from __future__ import annotations

import math
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from botcore.fees import FeeBook
from botcore.model import Offer, Quote, Sale, WatchQuery
from botcore.scan.entry import KEPT, Ask, Entry, Kind, Sold
from botcore.scan.match import MIN_SALES, SALES_WINDOW, Profit, profit_window

__all__ = ["BOTH", "NEITHER", "Books", "Ways", "Window", "either", "windows"]

SURE = 6
"""With more offers gone than this since a title was looked at, its asks tell nothing."""
OLD_SALES = 3600.0
"""Seconds after which remembered sales rule nothing out any more."""
UNSEEN = 1
"""Sales of a title that may have come since of which no quote tells: of P2P offers, or to buy orders."""
LASTING = 600.0
"""Seconds after which a title that was ruled out may be suspected again with no reason but the rescan's."""


class Window(NamedTuple):
    """One level's prices in cents, inclusive, and its profit."""

    low: int
    high: int
    profit: Profit


def windows(query: WatchQuery) -> list[Window]:
    """The windows of the levels that are watched."""
    return [Window(*level.price_window, profit_window(query.at(query.games[0], level))) for level in query.levels]


class Ways(NamedTuple):
    """By which exits an offer may pay, and whether that is ``sure`` to come from its asks and not from knowing none."""

    target: bool
    relist: bool
    sure: bool = True

    @property
    def any(self) -> bool:
        """Whether it may pay at all."""
        return self.target or self.relist


NEITHER = Ways(target=False, relist=False)
BOTH = Ways(target=True, relist=True)


class Books:
    """All titles of a game. ``fees`` must be given before anything is judged; reduced ones count here also after their end.

    Times are seconds of a clock that never goes back; ``now`` gives the market's, in unix seconds.
    """

    def __init__(self, levels: Sequence[Window], muted: frozenset[str] = frozenset(), now: Callable[[], float] = time.time) -> None:
        self._now = now
        self.levels = levels
        self.muted = muted
        self.entries: dict[str, Entry] = {}
        self.fees: FeeBook | None = None
        self.own: frozenset[str] = frozenset()
        self.low = min(level.low for level in levels)
        self.high = max(level.high for level in levels)

    def __repr__(self) -> str:
        return f"<Books: {len(self.entries)} titles>"

    def entry(self, title: str) -> Entry:
        """What is known of a title, made when it is new."""
        found = self.entries.get(title)
        if found is None:
            found = self.entries[title] = Entry(title)
        return found

    # ---- taking in what the market says ---------------------------------------------------------------------------

    def refusal(self, offer: Offer) -> str | None:
        """The funnel's name for an offer that is none for us whatever it brings."""
        if not offer.p2p and not any(level.low <= offer.price_cents <= level.high for level in self.levels):
            return "price"
        return self.barred(offer)

    def barred(self, offer: Offer) -> str | None:
        """The same, whatever levels are watched."""
        if offer.p2p:
            return "p2p"
        if offer.locked:
            return "locked"
        if self.mine(offer):
            return "own"
        return "muted" if offer.title in self.muted else None

    def mine(self, offer: Offer) -> bool:
        """Whether it is the account's own."""
        return offer.offer_id in self.own or offer.asset_id in self.own

    def arrive(self, offer: Offer, *, counted: bool) -> Entry:
        """Take in an offer that was not seen before; ``counted``: the quotes have always counted it."""
        entry = self.entry(offer.title)
        kind = entry.kinds.get(offer.phase) if self._rival(entry, offer) else None
        entry.odd = entry.odd or (kind is None and bool(entry.kinds) and not offer.p2p)
        moved = kind is not None and kind.moved(offer)
        if kind is not None:
            kind.add(offer)
        if counted:
            return entry
        if entry.ahead:
            entry.ahead -= 1
            if moved:  # the quote that counted it told as well that it had gone from where it was
                entry.gone, entry.sold = max(0, entry.gone - 1), max(0, entry.sold - 1)
        else:
            entry.arrived += 1
            entry.repriced += moved
        return entry

    def quoted(self, quotes: Iterable[Quote], now: float) -> list[tuple[Entry, Quote | None]]:
        """Take in quotes. Gives the titles whose quote is another than before, with that."""
        changed = []
        for quote in quotes:
            entry = self.entry(quote.title)
            before, entry.quote, gone = entry.quote, quote, entry.gone
            if before is not None:
                self._count(entry, before, quote)
                if before.best_ask_cents != quote.best_ask_cents:
                    entry.previous_ask = before.best_ask_cents
            entry.arrived = entry.repriced = 0
            entry.cleared = entry.cleared and before == quote
            entry.met = entry.met and before is not None and (before.best_bid_cents, before.bid_count) == (quote.best_bid_cents, quote.bid_count)
            if before != quote or entry.gone > gone:
                entry.moved_at = now
            if before != quote or entry.gone:
                changed.append((entry, before))
        return changed

    def _count(self, entry: Entry, before: Quote, quote: Quote) -> None:
        """How many offers went away is what the counts leave over, once those that came are taken off."""
        missing = before.ask_count + entry.arrived - quote.ask_count
        entry.ahead = max(0, -missing)
        if missing > 0:
            unexplained = max(0, missing - entry.repriced)
            entry.gone += unexplained
            entry.sold += unexplained
        elif quote.best_ask_cents > before.best_ask_cents and not entry.repriced:
            entry.gone += 1  # the cheapest went, and one came that we have not seen
            entry.sold += 1
            entry.ahead += 1

    def rescanned(self, offers: Iterable[Offer], turn: int, asked_at: float) -> dict[str, Ways]:
        """Take in a page of the rescan, asked for at ``asked_at``, which comes in rising order of price. Gives the titles that may pay."""
        found: dict[str, Ways] = {}
        for offer in offers:
            entry = self.entry(offer.title)
            if entry.round != turn:
                entry.round, entry.odd = turn, entry.odd and entry.quote is not None and entry.quote.best_ask_cents < self.low
                entry.gone = entry.gone if entry.moved_at >= asked_at else 0
            relist = self._rival(entry, offer) and self._second(entry, offer, turn)
            target = self.refusal(offer) is None and self._target(entry, offer.price_cents)
            if target or relist:
                found[offer.title] = either(found.get(offer.title, NEITHER), Ways(target, relist))
        return found

    def _second(self, entry: Entry, offer: Offer, turn: int) -> bool:
        """Take in an ask. The cheapest of a kind is judged once the second is known, or when the round ends."""
        kind = entry.kind(offer.phase)
        if kind.round != turn:
            kind.round = turn
            kind.asks = [ask for ask in kind.asks if ask.price < self.low]
        kind.all_up_to = offer.price_cents
        kind.add(offer)
        second = len(kind.asks) == 2 and kind.asks[1].offer_id == offer.offer_id  # noqa: PLR2004 - the cheapest and its next ask
        return second and self._relist(entry, offer.phase, kind.asks[0].price, kind.asks[1].price, kind.asks[1].price)

    def rounded(self, turn: int, now: float) -> dict[str, Ways]:
        """A round of the rescan is over: forget what it did not see. Gives titles that may pay, having no second ask of a kind."""
        found: dict[str, Ways] = {}
        for entry in self.entries.values():
            if entry.known_sales is not None and now > entry.known_sales + OLD_SALES:
                entry.known_sales = None
            for phase, kind in list(entry.kinds.items()):
                if kind.round == turn and len(kind.asks) < KEPT:
                    kind.all_up_to = math.inf
                if kind.round < turn - 1:
                    del entry.kinds[phase]
                elif kind.round == turn and len(kind.asks) == 1 and self._relist(entry, phase, kind.asks[0].price, None):
                    found[entry.title] = Ways(target=False, relist=True)
        return found

    def sales(self, entry: Entry, sales: Iterable[Sale], sold: int, now: float) -> None:
        """Take in all sales of the last 30 days of a title, asked for when so many were known to have come since."""
        kinds: dict[str, list[tuple[int, int]]] = {}
        for sale in sales:
            kinds.setdefault(sale.phase, []).append((sale.price_cents, sale.sold_at))
        entry.sales = {phase: Sold(*(array("q", column) for column in zip(*sorted(kind), strict=True))) for phase, kind in kinds.items()}
        entry.known_sales = now
        entry.sold = max(0, entry.sold - sold)

    def looked(self, entry: Entry, rows: Iterable[Offer], asked_at: float, now: float, all_up_to: int | None = None) -> None:
        """Take in offers of a title, asked for at ``asked_at``: all up to a price, None for all there are."""
        entry.kinds.clear()
        entry.odd = False
        for offer in rows:
            if self._rival(entry, offer):
                entry.kinds.setdefault(offer.phase, Kind(math.inf if all_up_to is None else all_up_to)).add(offer)
        entry.cleared_at = now
        if entry.moved_at < asked_at:
            entry.gone = 0
            entry.cleared = entry.quote is not None

    def met(self, entry: Entry, all_up_to: int | None, asked_at: float) -> None:
        """All offers up to a price, None for all there are, were held against the bids of a title, which were asked for at ``asked_at``."""
        quote = entry.quote
        if quote is not None and entry.moved_at < asked_at and (all_up_to is None or all_up_to >= quote.best_bid_cents):
            entry.met = True

    # ---- suspecting -----------------------------------------------------------------------------------------------

    def cleared(self, entry: Entry, now: float) -> bool:
        """Whether the title was looked at and nothing is known to have happened since."""
        return entry.cleared and not entry.gone and now < entry.cleared_at + LASTING

    def ways_of(self, offer: Offer) -> Ways:
        """How a new offer may pay; ``arrive`` was told of it before."""
        entry = self.entry(offer.title)
        target = self._target(entry, offer.price_cents)
        kind = entry.kinds.get(offer.phase)
        cheapest = self._cheapest(entry)
        if kind is None or entry.gone > SURE:
            rival = cheapest if kind is not None and cheapest != offer.price_cents else None
            return Ways(target, self._relist(entry, offer.phase, offer.price_cents, rival), sure=False)
        others = [ask.price for ask in kind.asks if ask.offer_id != offer.offer_id]
        least = kind.least(kind.asks[0].offer_id == offer.offer_id if kind.asks else 0)
        # Those that went away may be the very ones that stand before the next ask, unless the quote tells that it is there.
        gone = 0 if others and others[0] == cheapest else entry.gone
        following = others[gone] if gone < len(others) else None
        return Ways(target, self._relist(entry, offer.phase, offer.price_cents, following, least))

    def likely(self, offer: Offer, ways: Ways) -> bool:
        """Whether it is worth a hurry to look at a new offer that may pay in these ways.

        Where its rivals are not known, the best ask before it came nearly always is one; only if that is none, it may wait for it.
        """
        entry = self.entry(offer.title)
        if ways.target or ways.sure or entry.quote is None:
            return True
        best = entry.quote.best_ask_cents
        rival = best if best != offer.price_cents else entry.previous_ask if entry.quote.ask_count > 1 else 0
        return not rival or self._relist(entry, offer.phase, offer.price_cents, rival)

    def ways(self, entry: Entry) -> Ways:
        """How any offer of a title may pay, by all that is known of it."""
        if entry.title in self.muted or entry.quote is None:
            return NEITHER
        target = self._target(entry, max(entry.quote.best_ask_cents, self.low)) and entry.quote.ask_count > 0
        if not entry.kinds or entry.gone > SURE:
            return Ways(target, self._relist_somewhere(entry), sure=False)
        return Ways(target, any(self._kind_pays(entry, phase, kind) for phase, kind in entry.kinds.items()))

    def unmet(self, entry: Entry) -> Ways:
        """The same without the bids where these are known: an offer that came since was held against them when it came."""
        ways = self.ways(entry)
        return ways._replace(target=False) if entry.met else ways

    def phases(self, entry: Entry) -> set[str]:
        """The phases of a title whose cheapest offers may pay by relisting."""
        return {phase for phase, kind in entry.kinds.items() if self._kind_pays(entry, phase, kind)}

    def _kind_pays(self, entry: Entry, phase: str, kind: Kind) -> bool:
        """Whether one of the cheapest may pay, should those that went away be the ones before it or right behind it.

        Where the quote tells which one is the cheapest, it alone may.
        """
        cheapest, places = self._cheapest(entry), range(min(entry.gone + 1, len(kind.asks)))
        if cheapest is not None:
            place = bisect_left(kind.asks, cheapest, key=_price)
            if kind.following(place) != cheapest:  # it will be judged when it is seen, unless it was left out, being dearer than those that are known
                return cheapest > kind.all_up_to and self._relist(entry, phase, cheapest, None)
            places = range(place, place + 1)
        # Of those that went away, the ones that do not stand before an ask may be the next ones behind it.
        return any(self._relist(entry, phase, kind.asks[place].price, kind.following(max(place, entry.gone) + 1), kind.least(place + 1)) for place in places)

    def _cheapest(self, entry: Entry) -> int | None:
        """The price in cents at which the cheapest rival of a title stands, by its quote; None where that need not be one of its only kind."""
        best = entry.quote.best_ask_cents if entry.quote is not None and not entry.odd and len(entry.kinds) == 1 else None
        return best if best is None or best >= self.low or entry.cleared_at else None

    def _relist_somewhere(self, entry: Entry) -> bool:
        """Where no asks are known: whether the sales leave room above the cheapest offer."""
        assert entry.quote is not None  # noqa: S101 - the caller looked
        price = max(entry.quote.best_ask_cents, self.low)
        phases = list(entry.sales) if entry.known_sales is not None else [""]
        return any(self._relist(entry, phase, price, None) for phase in phases) if entry.quote.ask_count else False

    def _target(self, entry: Entry, price: int) -> bool:
        """Whether the best bid, should it be a real one, pays for an offer at this price or above."""
        if entry.quote is None:
            return True
        bid = entry.quote.best_bid_cents
        if not bid:
            return False
        net = self._fees.best_net(entry.title, bid, 0.0)
        return any(level.low <= level.profit.dearest(net) and price <= min(level.high, level.profit.dearest(net)) for level in self.levels)

    def _relist(self, entry: Entry, phase: str, price: int, most: int | None, least: int | None = None) -> bool:
        """Whether what is known of next ask and sales lets an offer at this price pay at any level.

        ``most`` and ``least``: between which prices the next ask is, None where that is not known.
        """
        highest = None if most is None else most - 1
        lowest = None
        if entry.known_sales is not None:
            sold = entry.sales.get(phase)
            prices = sold.since(self._now() - SALES_WINDOW) if sold else []
            more = entry.sold + UNSEEN
            if len(prices) + more < MIN_SALES:
                return False
            # Each sale since may have moved the median by one place at most.
            middle = (len(prices) - 1) // 2
            down, up = middle - more, middle + more
            if prices and up < len(prices):
                highest = prices[up] if highest is None else min(highest, prices[up])
            if least is not None and not entry.ahead and down >= 0:
                lowest = min(least - 1, prices[down])
        if highest is None:
            return True
        return highest > price and self._fits(entry.title, price, highest, lowest)

    def _fits(self, title: str, price: int, highest: int, lowest: int | None) -> bool:
        """Whether a sale from ``lowest`` (None: whatever it is) to ``highest`` may leave what any level wants, not too little and not too much."""
        best = self._fees.best_net(title, highest, 0.0)
        worst = None if lowest is None else self._fees.worst_net(title, lowest, 0.0) - price
        return any(
            level.low <= price <= level.high and best >= level.profit.needed(price) and (worst is None or not level.profit.exceeded(worst, price))
            for level in self.levels
        )

    def _rival(self, entry: Entry, offer: Offer) -> bool:
        """Whether others compete with an offer of a title. That the quote counts one with which nobody does is noted."""
        rival = self._competes(offer)
        entry.odd = entry.odd or not (rival or offer.p2p)
        return rival

    def _competes(self, offer: Offer) -> bool:
        return not (offer.p2p or offer.locked or self.mine(offer))

    @property
    def _fees(self) -> FeeBook:
        """The fees, without which nothing is judged."""
        if self.fees is None:
            raise RuntimeError("an offer was judged before the fees were known")
        return self.fees


def _price(ask: Ask) -> int:
    return ask.price


def either(one: Ways, other: Ways) -> Ways:
    """The ways of both together."""
    return Ways(one.target or other.target, one.relist or other.relist, one.sure and other.sure)
