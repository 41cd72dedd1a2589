"""The sandbox's own fee arithmetic: exact fractions, rounded up to the cent. It shares no code with the client's."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Levy", "Reduction"]


class Reduction(msgspec.Struct, frozen=True):
    """A reduced fee of one title: it holds for prices from ``low`` to ``high`` cents while the time is before ``expires`` (unix seconds)."""

    title: str
    fraction: str
    low: int
    high: int
    expires: int


class Levy:
    """What selling costs in one game: a default fraction, a minimum in cents and reduced rows by title."""

    def __init__(self, fraction: str, minimum: int, reductions: Iterable[Reduction] = ()) -> None:
        self.fraction = fraction
        self.minimum = minimum
        self.reductions = list(reductions)
        self._by_title: dict[str, list[Reduction]] = {}
        for row in self.reductions:
            self._by_title.setdefault(row.title, []).append(row)

    def fee(self, title: str, price: int, at: float) -> int:
        """The fee in cents of selling ``title`` for ``price`` cents at ``at`` unix seconds."""
        return self.fee_and_source(title, price, at)[0]

    def fee_and_source(self, title: str, price: int, at: float) -> tuple[int, str, bool]:
        """The fee in cents, the fraction it came from, and whether that was a reduced one."""
        rows = [row.fraction for row in self._by_title.get(title, ()) if row.low <= price <= row.high and at < row.expires]
        fraction = min(rows, key=Fraction) if rows else self.fraction
        share = Fraction(fraction) * price
        return max(self.minimum, -(-share.numerator // share.denominator)), fraction, bool(rows)
