"""How far a find can be trusted: worst case beside expected, money by the day, odd markets by name, and a score. Pure.

The score is worked out from what was seen, as if buyers came one by one at the pace of the last 30 days: the chance that one of
them pays the exit price in the days expected, or that a buy order still stands when the item may be sold. It is no probability
before it was held against outcomes: see ``botcore.scan.confidence``.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum

import msgspec

from botcore.fees import FeeBook
from botcore.model import Exit, Offer, Opportunity, Sale, Target
from botcore.scan.match import DAY, accepts
from botcore.scan.sales import SalesStudy, study

__all__ = ["AT_ONCE_DAYS", "Assessment", "Background", "Book", "Concern", "Reason", "assess", "background", "expected_days"]

THIN = 10
"""Fewer sales in 30 days than this are called thin: a relist exit needs five, and five say little."""
SCATTERED = 0.12
"""The spread of prices from which on a median says little about the next sale."""
STALE = 0.25
"""How likely a title must still be alive not to be called stale."""
DROP = 0.10
"""A loss within 30 days that is named."""
NEAR = 1.05
"""Asks up to so many times the exit price are its neighbours: one repricing away from undercutting it."""
CROWD = 5
LASTING_DAYS = 6.0
FLEETING_DAYS = 0.5
DEAR = 0.93
"""An order above this share of the median is dear: it is fulfilled or taken back within hours, others last for days."""
AT_ONCE_DAYS = 1 / 24
"""The time that selling into an order takes, in days: buying and offering the item."""


class Concern(StrEnum):
    """What is odd about a market, by name."""

    THIN = "thin"
    PUMPED = "pumped"
    STALE = "stale"
    MIXED = "mixed"
    FALLING = "falling"
    SCATTERED = "scattered"
    CROWDED = "crowded"
    SHALLOW = "shallow"
    FEE_ENDS = "fee-ends"


class Reason(msgspec.Struct, frozen=True):
    """Something that speaks for or against a find: a key that every door words in its own way, and its whole numbers."""

    key: str
    values: dict[str, int] = {}


class Background(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a title beside one offer of it.

    ``sales``: all of the last 30 days, of any phase. ``bids``: the orders that accept this very item, the account's own left out;
    None where nobody asked for orders. ``asks``: prices in cents at which others sell the same kind, as many as are known.
    """

    sales: Sequence[Sale] = ()
    bids: Sequence[Target] | None = ()
    asks: Sequence[int] = ()


def background(offer: Offer, offers: Iterable[Offer], targets: Iterable[Target] | None, sales: Sequence[Sale], own: Collection[str] = ()) -> Background:
    """The background of one offer, from offers, foreign orders (None: not asked) and sales of its title; ``own``: the account's offers and assets by id."""
    bids = None if targets is None else [target for target in targets if accepts(target, offer)]
    rivals = (one for one in offers if one.kind == offer.kind and offer.offer_id != one.offer_id and not (one.locked or one.p2p))
    return Background(sales=sales, bids=bids, asks=sorted(one.price_cents for one in rivals if one.offer_id not in own and one.asset_id not in own))


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at the exit price: ``orders`` at or above it and the ``pieces`` they want; asks of others below and little above it."""

    orders: int
    pieces: int
    asks_below: int
    asks_near: int


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """A find, weighed. Money in cents.

    ``expected_cents`` is the profit at its exit. ``worst_cents`` is what the best order leaves at once, below zero for a loss; None
    when no order accepts the item, so that nothing is sure, or nobody asked: then ``orders_known`` is false. ``days`` is how long
    the money is expected to be bound, ``lock_days`` of them by Steam; ``per_day_cents`` is the profit a day of that, at least one,
    and ``lock_cost_cents`` what the lock takes away from it. ``fee_until`` is the unix time at which the reduced fee ends that was
    reckoned with, None for the ordinary one. ``score`` is from 0 to 1.
    """

    exit: Exit
    expected_cents: int
    worst_cents: int | None
    days: float
    lock_days: int
    per_day_cents: float
    lock_cost_cents: float
    fee_cents: int
    fee_until: int | None
    sales: SalesStudy
    book: Book
    concerns: tuple[Concern, ...]
    reasons: tuple[Reason, ...]
    features: dict[str, float]
    score: float
    orders_known: bool = True


def expected_days(found: Opportunity) -> float:
    """Days from buying to selling: what Steam's lock takes, and for a relist what a sale is expected to take."""
    selling = found.days_to_sell if found.exit is Exit.RELIST and found.days_to_sell is not None else 0.0
    return found.trade_lock_days + selling


def assess(found: Opportunity, seen: Background, fees: FeeBook, now: float) -> Assessment:
    """Weigh a find against what was seen beside it, at ``now`` unix seconds."""
    sales = study(seen.sales, found.phase, now)
    book = _book(found, seen)
    score = _relist_score(found, sales, book) if found.exit is Exit.RELIST else _target_score(found, sales, book)
    days = expected_days(found)
    free = max(1.0, days - found.trade_lock_days)
    until = fees.until(found.title, found.exit_price_cents, now + days * DAY)
    concerns = _concerns(found, sales, book, until, now)
    return Assessment(
        exit=found.exit,
        expected_cents=found.profit_cents,
        worst_cents=_worst(found, seen, fees, now),
        days=days,
        lock_days=found.trade_lock_days,
        per_day_cents=found.profit_cents / max(1.0, days),
        lock_cost_cents=found.profit_cents / free - found.profit_cents / max(1.0, days),
        fee_cents=found.fee_cents,
        fee_until=until,
        sales=sales,
        book=book,
        concerns=concerns,
        reasons=tuple(_reasons(found, sales, book, concerns, until)),
        features=_features(found, sales, book, days),
        score=score,
        orders_known=seen.bids is not None,
    )


def _worst(found: Opportunity, seen: Background, fees: FeeBook, now: float) -> int | None:
    best = max((bid.price_cents for bid in seen.bids or ()), default=None)
    return None if best is None else best - fees.fee(found.title, best, now) - found.price_cents


def _book(found: Opportunity, seen: Background) -> Book:
    exit_price = found.exit_price_cents
    fitting = [bid for bid in seen.bids or () if bid.price_cents >= exit_price]
    below = sum(ask < exit_price for ask in seen.asks)
    near = sum(exit_price <= ask <= exit_price * NEAR for ask in seen.asks)
    return Book(orders=len(fitting), pieces=sum(bid.amount for bid in fitting), asks_below=below, asks_near=near)


# ---- the score -------------------------------------------------------------------------------------------------------


def _relist_score(found: Opportunity, sales: SalesStudy, book: Book) -> float:
    """The chance that, within the expected days, more buyers pay the exit price than there are cheaper offers for them."""
    selling = max(1.0, found.days_to_sell or 1.0)
    buyers = sales.rate * sales.alive * selling * sales.reaching(found.exit_price_cents)
    return _more_than(buyers, book.asks_below)


def _target_score(found: Opportunity, sales: SalesStudy, book: Book) -> float:
    """The chance that one of the orders still stands, and was not filled by others, when the item may be sold."""
    days = found.trade_lock_days + AT_ONCE_DAYS
    dear = sales.median_cents is None or found.exit_price_cents > DEAR * sales.median_cents
    leaves = 1 - math.exp(-days / (FLEETING_DAYS if dear else LASTING_DAYS))
    stays = 1 - leaves ** max(1, book.orders)
    sold_into = sales.rate * sales.to_target * days
    left = 1 - _more_than(sold_into, max(1, book.pieces) - 1)
    rivals = max(0, book.asks_below + 1 - max(1, book.pieces))
    return stays * left / (1 + 0.1 * rivals)


def _more_than(mean: float, count: int) -> float:
    """The chance that more than ``count`` come where ``mean`` are expected (Poisson)."""
    term = math.exp(-mean)
    total = term
    for number in range(1, count + 1):
        term *= mean / number
        total += term
    return min(1.0, max(0.0, 1 - total))


# ---- what is odd, and what to say of it --------------------------------------------------------------------------------


def _concerns(found: Opportunity, sales: SalesStudy, book: Book, until: int | None, now: float) -> tuple[Concern, ...]:
    relist = found.exit is Exit.RELIST
    days = found.trade_lock_days if relist else found.trade_lock_days + AT_ONCE_DAYS
    holds = {
        Concern.THIN: sales.count < THIN,
        Concern.PUMPED: sales.pumped,
        Concern.STALE: sales.count > 0 and sales.alive < STALE,
        Concern.MIXED: sales.mixed,
        Concern.FALLING: sales.trend <= -DROP,
        Concern.SCATTERED: sales.spread >= SCATTERED,
        Concern.CROWDED: relist and book.asks_below + book.asks_near >= CROWD,
        Concern.SHALLOW: not relist and book.pieces <= 1,
        Concern.FEE_ENDS: until is not None and until < now + 2 * (expected_days(found) if relist else days) * DAY,
    }
    return tuple(name for name, so in holds.items() if so)


def _reasons(found: Opportunity, sales: SalesStudy, book: Book, concerns: Sequence[Concern], until: int | None) -> list[Reason]:
    """Sales first, then the book, then what binds the money, then what is odd."""
    reasons = [Reason("sales", {"count": sales.count})] if sales.count else [Reason("no_sales")]
    if sales.silence is not None:
        reasons += [Reason("last_sale", {"seconds": round(sales.silence * DAY)}), _price(sales)]
    if sales.spikes:
        reasons.append(Reason("spikes", {"count": sales.spikes}))
    if found.exit is Exit.TARGET:
        reasons.append(Reason("orders", {"count": book.orders, "pieces": book.pieces}))
    reasons.append(Reason("asks_below", {"count": book.asks_below}))
    if found.exit is Exit.RELIST and book.asks_near:
        reasons.append(Reason("asks_near", {"count": book.asks_near}))
    if found.trade_lock_days:
        reasons.append(Reason("lock", {"days": found.trade_lock_days}))
    if until is not None:
        reasons.append(Reason("fee_until", {"at": until}))
    told = {"price_falling": Concern.FALLING, "price_scattered": Concern.SCATTERED}
    said = {told.get(reason.key) for reason in reasons}
    return reasons + [Reason(f"concern_{concern}") for concern in concerns if concern not in said]


def _price(sales: SalesStudy) -> Reason:
    if abs(sales.trend) >= DROP:
        return Reason("price_rising" if sales.trend > 0 else "price_falling", {"percent": round(100 * abs(sales.trend))})
    if sales.spread >= SCATTERED:
        return Reason("price_scattered", {"percent": round(100 * sales.spread)})
    return Reason("price_steady")


def _features(found: Opportunity, sales: SalesStudy, book: Book, days: float) -> dict[str, float]:
    """Numbers that a model may learn from, under names that stay."""
    middle = sales.median_cents
    return {
        "sales_a_day": sales.rate,
        "silence_days": -1.0 if sales.silence is None else sales.silence,
        "alive": sales.alive,
        "spread": sales.spread,
        "trend": sales.trend,
        "lift": sales.lift,
        "spikes": float(sales.spikes),
        "reaching": sales.reaching(found.exit_price_cents),
        "exit_to_median": found.exit_price_cents / middle if middle else 0.0,
        "profit_percent": found.profit_percent,
        "orders": float(book.orders),
        "pieces": float(book.pieces),
        "asks_below": float(book.asks_below),
        "asks_near": float(book.asks_near),
        "days": days,
        "lock_days": float(found.trade_lock_days),
    }
