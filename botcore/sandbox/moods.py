"""Why the past of a title may mislead: prices that fall or rise, a pump, sales that have stopped. Most titles are steady.

A mood is drawn from a seed of its own and reshapes sales that are already grown, so that the rest of a world is as without it.
"""

from __future__ import annotations

import math
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING

import msgspec

from botcore.sandbox.history import CLEAR, DAY

if TYPE_CHECKING:
    from botcore.sandbox.goods import Sale, Title

__all__ = ["Mood", "draw_mood", "price_factor", "reshape"]

_SHARES = {"steady": 0.83, "falling": 0.05, "rising": 0.03, "pumped": 0.04, "stale": 0.05}
_SLOPES = {"falling": -0.009, "rising": 0.006}  # of the logarithm of the price, a day
_TREND_ENDS = 15.0
_PUMP_BEGAN, _PUMP_ENDS, _PUMP = -2.5, 0.4, 1.5
_LEAST_PUMPED = 8
_SILENT_DAYS = 12.0
_MONTH = 30 * DAY


class Mood(StrEnum):
    """How a title's price and pace go on."""

    STEADY = "steady"
    FALLING = "falling"
    RISING = "rising"
    PUMPED = "pumped"
    STALE = "stale"


def draw_mood(seed: int, title: Title) -> Mood:
    """The mood that a title has in the world of a seed."""
    rng = Random(f"{seed}/{title.game}/{title.name}/mood")
    return Mood(rng.choices(list(_SHARES), list(_SHARES.values()))[0])


def price_factor(mood: Mood, days: float) -> float:
    """A price at ``days`` after the start of the world against that of a steady title; before the start ``days`` is negative."""
    if mood is Mood.PUMPED:
        return _PUMP if _PUMP_BEGAN <= days <= _PUMP_ENDS else 1.0
    return math.exp(_SLOPES.get(mood, 0.0) * max(-30.0, min(_TREND_ENDS, days)))


def reshape(title: Title, mood: Mood, start: float, seed: int) -> Mood:
    """Give the last month's sales of a title its mood; gives the mood, which is steady where there are too few sales for a pump."""
    month = [sale for sale in title.sales if sale.sold_at >= start - _MONTH]
    if mood is Mood.PUMPED and len(month) < _LEAST_PUMPED:
        return Mood.STEADY
    rng = Random(f"{seed}/{title.game}/{title.name}/sales")
    moved = [_moved(sale, number, mood, (start, rng)) for number, sale in enumerate(month)]
    sales = [_priced(sale, price_factor(mood, (sale.sold_at - start) / DAY)) for sale in moved] + title.sales[len(month) :]
    title.sales = sorted(sales, key=lambda sale: sale.sold_at, reverse=True)
    return mood


def _moved(sale: Sale, number: int, mood: Mood, at: tuple[float, Random]) -> Sale:
    """A pump draws every second sale into its days; a title that has fallen silent sold what it did before that."""
    start, rng = at
    if mood is Mood.PUMPED and number % 2:
        return msgspec.structs.replace(sale, sold_at=int(start) - rng.randint(60, int(-_PUMP_BEGAN * DAY) - 60))
    if mood is Mood.STALE and sale.sold_at > start - _SILENT_DAYS * DAY:
        return msgspec.structs.replace(sale, sold_at=int(start) - rng.randint(int(_SILENT_DAYS * DAY), _MONTH - CLEAR))
    return sale


def _priced(sale: Sale, factor: float) -> Sale:
    return sale if factor == 1.0 else msgspec.structs.replace(sale, price=max(1, round(sale.price * factor)))
