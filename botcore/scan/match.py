"""The rules: an offer and its evidence in, an opportunity or the reason against it out. Pure.

Every rule is the one of the domain: which orders accept an item, what a relisted item fetches, which profit lies in the
level's window. Comparisons are exact, before any rounding for the eye.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import msgspec

from botcore.fees import FeeBook
from botcore.model import Exit, Game, Offer, Opportunity, OwnTarget, Sale, ScanQuery, Target

__all__ = [
    "ANY",
    "DAY",
    "MIN_SALES",
    "SALES_WINDOW",
    "Evidence",
    "Profit",
    "SalesFigures",
    "accepts",
    "best_bid",
    "decide",
    "exits",
    "float_part",
    "foreign",
    "profit_window",
    "sales_figures",
]

DAY = 86_400
SALES_WINDOW = 30 * DAY
MIN_SALES = 5
"""A relist exit needs at least this many sales within the window."""

_PARTS = (
    ("FN", "0 0.01 0.02 0.03 0.04 0.05 0.06"),
    ("MW", "0.07 0.08 0.09 0.10 0.11"),
    ("FT", "0.15 0.18 0.21 0.24 0.27"),
    ("WW", "0.38 0.39 0.40 0.41 0.42"),
    ("BS", "0.45 0.50 0.63 0.76 0.80"),
)
_FLOOR = [Decimal(low) for _, lows in _PARTS for low in lows.split()]
_NAMES = [f"{wear}-{n}" for wear, lows in _PARTS for n in range(len(lows.split()))]


class Profit(msgspec.Struct, frozen=True):
    """A level's window of profit, in percent of the buy price, both ends inclusive; ``most`` None is no cap."""

    least: Fraction
    most: Fraction | None

    def reached(self, profit_cents: int, price_cents: int) -> bool:
        """Whether the profit is at or above the window's lower end."""
        return 100 * profit_cents >= self.least * price_cents

    def exceeded(self, profit_cents: int, price_cents: int) -> bool:
        """Whether the profit is above the window's upper end."""
        return self.most is not None and 100 * profit_cents > self.most * price_cents

    def verdict(self, profit_cents: int, price_cents: int) -> str:
        """``fits``, or the funnel's name for why the profit does not: ``low`` or ``too-good``."""
        if not self.reached(profit_cents, price_cents):
            return "low"
        return "too-good" if self.exceeded(profit_cents, price_cents) else "fits"

    def dearest(self, net_cents: int) -> int:
        """The highest buy price from which ``net_cents`` still reaches the window."""
        return 100 * net_cents * self.least.denominator // (100 * self.least.denominator + self.least.numerator)

    def needed(self, price_cents: int) -> int:
        """What a sale must leave after its fee, in cents, for a buy at ``price_cents`` to reach the window."""
        return price_cents - (-self.least.numerator * price_cents // (100 * self.least.denominator))


ANY = Profit(Fraction(-100), None)
"""The window of whatever sells at all, be it at a loss."""


def profit_window(query: ScanQuery) -> Profit:
    """The window of a query: the level's, with the cap moved or lifted when the query says so."""
    least, most = query.level.profit_window
    if query.max_profit_percent is None:
        return Profit(Fraction(least), Fraction(most))
    cap = None if math.isinf(query.max_profit_percent) else Fraction(str(query.max_profit_percent))
    return Profit(Fraction(least), cap)


class SalesFigures(msgspec.Struct, frozen=True):
    """A kind's sales of the last 30 days: how many, and the median price (the lower middle one), None without any."""

    count: int = 0
    median_cents: int | None = None

    @property
    def days_to_sell(self) -> Fraction | None:
        """Expected days until a listed item is sold, at least 1; None without sales."""
        return max(Fraction(1), Fraction(30, self.count)) if self.count else None


class Evidence(msgspec.Struct, frozen=True):
    """What is known against which an offer is judged. ``bid_cents`` is None when no order accepts the item."""

    bid_cents: int | None
    sales: SalesFigures
    next_ask_cents: int | None


def float_part(value: str) -> str:
    """The bucket a float falls in, lower end included, ``FT-2`` for example; empty when the float is unknown or out of 0 to 1."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return ""
    return _NAMES[bisect_right(_FLOOR, number) - 1] if 0 <= number <= 1 else ""


def best_bid(offer: Offer, targets: Iterable[Target]) -> int | None:
    """The highest order that accepts this very item, in cents; None when there is none."""
    return max((target.price_cents for target in targets if accepts(target, offer)), default=None)


def accepts(target: Target, offer: Offer) -> bool:
    """Whether an order takes this very item: all that it requires must be known of the item, and equal."""
    return (
        target.phase in ("", offer.phase)
        and (not target.paint_seed or (offer.paint_seed > 0 and target.paint_seed == str(offer.paint_seed)))
        and (not target.float_part or target.float_part == float_part(offer.float_value))
    )


def foreign(title: str, targets: Sequence[Target], own: Iterable[OwnTarget]) -> list[Target]:
    """The book of a title without the account's own active orders, which are no bids."""
    mine: dict[tuple[int, str, str, str], int] = {}
    for order in own:
        if order.active and order.title == title:
            key = _terms(order.target)
            mine[key] = mine.get(key, 0) + order.target.amount
    return [target for target in targets if target.amount > mine.get(_terms(target), 0)]


def _terms(target: Target) -> tuple[int, str, str, str]:
    return (target.price_cents, target.float_part, target.phase, target.paint_seed)


def sales_figures(sales: Iterable[Sale], phase: str, now: float) -> SalesFigures:
    """Count and median of the sales of one phase within the last 30 days, offer and target sales alike."""
    prices = sorted(sale.price_cents for sale in sales if sale.phase == phase and sale.sold_at >= now - SALES_WINDOW)
    return SalesFigures(len(prices), prices[(len(prices) - 1) // 2]) if prices else SalesFigures()


def decide(offer: Offer, evidence: Evidence, fees: FeeBook, window: Profit, now: float, game: Game) -> Opportunity | str:
    """The opportunity that an offer is, or the funnel's name for why it is none."""
    options = list(exits(offer, evidence, fees, now))
    within = [option for option in options if window.reached(option[0], offer.price_cents) and not window.exceeded(option[0], offer.price_cents)]
    if within:
        return _opportunity(offer, evidence, max(within, key=_preference), now, game)
    if evidence.bid_cents is None and evidence.sales.count < MIN_SALES:
        return "thin" if evidence.sales.count else "no-exit"
    return "too-good" if any(window.exceeded(profit, offer.price_cents) for profit, *_ in options) else "low"


_Option = tuple[int, Exit, int, int]


def _preference(option: _Option) -> tuple[int, bool]:
    return (option[0], option[1] is Exit.TARGET)


def exits(offer: Offer, evidence: Evidence, fees: FeeBook, now: float) -> Iterable[_Option]:
    """Each exit that an offer has as (profit, exit, exit price, fee), in cents, whatever it leaves."""
    if evidence.bid_cents is not None:
        yield _option(offer, Exit.TARGET, evidence.bid_cents, fees, now)
    sales = evidence.sales
    if sales.count >= MIN_SALES and sales.median_cents is not None and sales.days_to_sell is not None:
        price = sales.median_cents if evidence.next_ask_cents is None else min(evidence.next_ask_cents - 1, sales.median_cents)
        yield _option(offer, Exit.RELIST, price, fees, now + float(sales.days_to_sell * DAY))


def _option(offer: Offer, way: Exit, price: int, fees: FeeBook, at: float) -> _Option:
    fee = fees.fee(offer.title, price, at)
    return (price - fee - offer.price_cents, way, price, fee)


def _opportunity(offer: Offer, evidence: Evidence, option: _Option, now: float, game: Game) -> Opportunity:
    profit, way, exit_price, fee = option
    days = evidence.sales.days_to_sell
    return Opportunity(
        offer_id=offer.offer_id,
        asset_id=offer.asset_id,
        title=offer.title,
        phase=offer.phase,
        game=game,
        price_cents=offer.price_cents,
        exit=way,
        exit_price_cents=exit_price,
        fee_cents=fee,
        profit_cents=profit,
        profit_percent=round(100 * profit / offer.price_cents, 2),
        trade_lock_days=lock_days(offer, now),
        listed_at=offer.listed_at,
        sales_30d=evidence.sales.count,
        median_cents=evidence.sales.median_cents,
        next_ask_cents=evidence.next_ask_cents,
        days_to_sell=None if days is None else float(days),
        url=f"https://dmarket.com/ingame-items/item-list/{game}-skins?userOfferId={offer.offer_id}",
    )


def lock_days(offer: Offer, now: float) -> int:
    """Whole days until Steam lets the item go, rounded up."""
    return 0 if offer.unlock_at is None else max(0, math.ceil((offer.unlock_at.timestamp() - now) / DAY))
