"""What a kind's sales of the last 30 days say: how often, how lately, at what price, how steadily, and what of it is odd. Pure.

A price is a spike when the logarithm of it lies farther from the median of all logarithms than ``FAR`` times the median
absolute deviation, scaled to be a standard deviation and at least ``LEAST_SPREAD``; where a quarter of the sales or more would
be spikes, none is: then the market has several prices. A trend is the median of the slopes between all pairs of sales (Theil
and Sen), on logarithms as well. Neither follows a few wild prices.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import combinations
from statistics import median, pstdev

import msgspec

from botcore.model import Sale
from botcore.scan.match import DAY, SALES_WINDOW

__all__ = ["SalesStudy", "study"]

FAR = 3.5
LEAST_SPREAD = 0.03
MOST_SPIKES = 0.25
_TO_DEVIATION = 1.4826  # the median absolute deviation of a normal distribution times this is its standard deviation
RECENT = 3.0
"""Days that count as now when a price is compared with what it was."""
FEW = 3
PUMPED = 1.2
"""A recent price so many times the earlier one, or more, is called pumped."""
TREND = 0.05
"""The least change within 30 days that is called one."""
STEEPEST = math.log(1000) * DAY / SALES_WINDOW
"""The change of the logarithm in a day beyond which no trend goes: sales of one minute at different prices tell of none so steep."""
ENOUGH_FOR_TREND = 8
SURE = 2.0
"""Standard errors from zero at which a trend is taken for real."""
QUIET = 0.08
"""How many of all titles have stopped selling, before anything is known of one: what a long silence is weighed against."""
MIXED = 0.2
"""The share of a title's sales that do not tell their phase from which on a phase's own sales say little."""
_MOST_PAIRED = 60  # the newest so many sales tell the trend; all pairs of more would take long and say no more


class SalesStudy(msgspec.Struct, frozen=True, kw_only=True):
    """Sales of one kind within 30 days.

    ``count`` is all of them, ``spikes`` those left out of every other figure. ``rate`` is sales a day; ``silence`` days since the
    last one. ``spread`` is the standard deviation of the prices around their trend, ``trend`` the change of the price within 30
    days, both as fractions, 0 while too few tell. ``lift`` is the price of the last three days against the one before, 1 while it
    cannot be told or is within what was usual before. ``reach`` holds the prices, lowest first, as they would be now: moved along
    a sure trend, without those of a pump. ``unphased`` is the share of the title's sales that do not tell which phase was sold
    though some do. ``to_target`` is the share that buy orders made.
    """

    count: int = 0
    spikes: int = 0
    rate: float = 0.0
    silence: float | None = None
    median_cents: int | None = None
    spread: float = 0.0
    trend: float = 0.0
    lift: float = 1.0
    reach: tuple[float, ...] = ()
    unphased: float = 0.0
    to_target: float = 0.0

    @property
    def pumped(self) -> bool:
        """Whether the price of the last days is far above the one before."""
        return self.lift >= PUMPED

    @property
    def mixed(self) -> bool:
        """Whether many of the title's sales do not tell their phase."""
        return self.unphased >= MIXED

    @property
    def alive(self) -> float:
        """How likely it is that the title still sells, from 0 to 1: the longer it is silent for its own pace, the less."""
        if self.silence is None:
            return 0.0
        pace = self.count / max(1.0, SALES_WINDOW / DAY - self.silence)
        going = (1 - QUIET) * math.exp(-pace * self.silence)
        return going / (going + QUIET)

    def reaching(self, price_cents: int) -> float:
        """The share of buyers that pay so much, with one more either way, so that few sales never say all or none."""
        above = len(self.reach) - bisect_left(self.reach, price_cents)
        return (above + 1) / (len(self.reach) + 2)


def study(sales: Iterable[Sale], phase: str, now: float) -> SalesStudy:
    """The study of one phase, from a title's sales; those older than 30 days or later than ``now`` (unix seconds) do not count."""
    recent = [sale for sale in sales if now - SALES_WINDOW <= sale.sold_at <= now]
    own = sorted((sale for sale in recent if sale.phase == phase), key=lambda sale: sale.sold_at)
    unphased = _unphased(recent, phase)
    if not own:
        return SalesStudy(unphased=unphased)
    kept = _without_spikes(own)
    ages = [(now - sale.sold_at) / DAY for sale in kept]
    logs = [math.log(sale.price_cents) for sale in kept]
    slope = _slope(ages, logs)
    rest = [log + slope * age for age, log in zip(ages, logs, strict=True)]
    spread = pstdev(rest)
    lift = _lift([((now - sale.sold_at) / DAY, math.log(sale.price_cents)) for sale in own])  # with spikes: a pump looks like them
    return SalesStudy(
        count=len(own),
        spikes=len(own) - len(kept),
        rate=len(own) * DAY / SALES_WINDOW,
        silence=(now - own[-1].sold_at) / DAY,
        median_cents=sorted(sale.price_cents for sale in kept)[(len(kept) - 1) // 2],
        spread=spread,
        trend=math.expm1(slope * SALES_WINDOW / DAY),
        lift=lift,
        reach=_reach(ages, logs, slope if _sure(slope, spread, len(kept)) else 0.0, pumped=lift >= PUMPED),
        unphased=unphased,
        to_target=sum(sale.to_target for sale in own) / len(own),
    )


def _unphased(sales: Sequence[Sale], phase: str) -> float:
    """The share of sales without a phase, where phases are told apart at all."""
    if not sales or not (phase or any(sale.phase for sale in sales)):
        return 0.0
    if not phase:
        return 1.0  # the offer does not tell its phase, and its price is that of any
    return sum(not sale.phase for sale in sales) / len(sales)


def _without_spikes(sales: Sequence[Sale]) -> list[Sale]:
    logs = [math.log(sale.price_cents) for sale in sales]
    middle, far = median(logs), FAR * max(LEAST_SPREAD, _deviation(logs))
    kept = [sale for sale, log in zip(sales, logs, strict=True) if abs(log - middle) <= far]
    return kept if MOST_SPIKES * len(sales) > len(sales) - len(kept) else list(sales)


def _deviation(logs: Sequence[float]) -> float:
    middle = median(logs)
    return _TO_DEVIATION * median(abs(log - middle) for log in logs)


def _slope(ages: Sequence[float], logs: Sequence[float]) -> float:
    """The change of the logarithm in a day, at most ``STEEPEST`` either way; 0 with too few sales."""
    points = list(zip(ages, logs, strict=True))[-_MOST_PAIRED:]
    slopes = [(older[1] - newer[1]) / (newer[0] - older[0]) for older, newer in combinations(points, 2) if newer[0] != older[0]]
    slope = median(slopes) if len(points) >= ENOUGH_FOR_TREND and slopes else 0.0
    return max(-STEEPEST, min(STEEPEST, slope))


def _sure(slope: float, spread: float, count: int) -> bool:
    """Whether so many sales, this far apart in price, hardly show such a slope by chance."""
    days = SALES_WINDOW / DAY
    error = max(LEAST_SPREAD, spread) * math.sqrt(12 / count) / days
    return abs(math.expm1(slope * days)) >= TREND and abs(slope) > SURE * error


def _lift(points: Iterable[tuple[float, float]]) -> float:
    new: list[float] = []
    old: list[float] = []
    for age, log in points:
        (new if age <= RECENT else old).append(log)
    if min(len(new), len(old)) < FEW:
        return 1.0
    rise = median(new) - median(old)
    return math.exp(rise) if abs(rise) > SURE * pstdev(old) else 1.0


def _reach(ages: Sequence[float], logs: Sequence[float], slope: float, *, pumped: bool) -> tuple[float, ...]:
    if pumped:
        return tuple(sorted(math.exp(log) for age, log in zip(ages, logs, strict=True) if age > RECENT))
    return tuple(sorted(math.exp(log + slope * age) for age, log in zip(ages, logs, strict=True)))
