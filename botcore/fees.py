"""What selling costs. The fee book of a game and exact profit arithmetic; money is integer US cents.

Source of the numbers: ``GET /exchange/v1/customized-fees``. No fee is ever assumed.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from botcore.model import Game

__all__ = ["FeeBook", "ReducedFee"]


class ReducedFee(msgspec.Struct, frozen=True):
    """A lower fraction for one title, while the sale price is in its range and ``time < expires_at`` (unix seconds)."""

    fraction: Fraction
    min_price_cents: int
    max_price_cents: int
    expires_at: int


class FeeBook(msgspec.Struct, frozen=True):
    """The fees of one game: a default fraction, a minimum in cents, and reduced rows by title. Fractions are below 1."""

    game: Game
    default: Fraction
    minimum_cents: int
    reduced: dict[str, tuple[ReducedFee, ...]]

    def fee(self, title: str, price_cents: int, at: float) -> int:
        """The fee in cents for selling ``title`` at ``price_cents`` at unix time ``at``."""
        return self._charge(price_cents, self._fraction(title, price_cents, at))

    def until(self, title: str, price_cents: int, at: float) -> int | None:
        """The unix time at which the reduced fee for such a sale at ``at`` ends; None when the default one applies."""
        fraction = self._fraction(title, price_cents, at)
        held = [row.expires_at for row in self._rows(title, at) if row.fraction == fraction and row.min_price_cents <= price_cents <= row.max_price_cents]
        return max(held, default=None)

    def best_net(self, title: str, ceiling_cents: int, now: float) -> int:
        """A bound on what any sale at or below ``ceiling_cents``, now or later, can leave after the fee.

        What is left grows with the price within one fraction, so only the ceiling itself and the upper ends of reduced
        ranges below it can be best. A row that holds later holds now as well, and any row may have expired by then.
        """
        best = ceiling_cents - self._charge(ceiling_cents, self.default)
        for row in self._rows(title, now):
            end = min(ceiling_cents, row.max_price_cents)
            if end >= row.min_price_cents:
                best = max(best, end - self._charge(end, row.fraction))
        return best

    def worst_net(self, title: str, floor_cents: int, now: float) -> int:
        """A bound on what any sale at or above ``floor_cents``, now or later, leaves at least after the fee.

        Within one fraction what is left grows with the price, so it is what the highest fraction leaves at the floor.
        """
        return floor_cents - self._charge(floor_cents, max((self.default, *(row.fraction for row in self._rows(title, now)))))

    def least_price(self, title: str, net_cents: int, now: float) -> int:
        """The lowest ceiling at which ``best_net`` reaches ``net_cents``: no sale below it, now or later, leaves so much."""
        prices = [self._gross(net_cents, self.default)]
        for row in self._rows(title, now):
            price = max(self._gross(net_cents, row.fraction), row.min_price_cents)
            if price <= row.max_price_cents:
                prices.append(price)
        return min(prices)

    def _rows(self, title: str, at: float) -> list[ReducedFee]:
        return [row for row in self.reduced.get(title, ()) if at < row.expires_at]

    def _gross(self, net_cents: int, fraction: Fraction) -> int:
        """The lowest price that leaves ``net_cents`` at this fraction: price less its rounded-up fee is the floor of price times the rest."""
        rest = fraction.denominator - fraction.numerator
        return max(-(-net_cents * fraction.denominator // rest), net_cents + self.minimum_cents)

    def _fraction(self, title: str, price_cents: int, at: float) -> Fraction:
        holding = [row.fraction for row in self._rows(title, at) if row.min_price_cents <= price_cents <= row.max_price_cents]
        return min(holding, default=self.default)

    def _charge(self, price_cents: int, fraction: Fraction) -> int:
        return max(self.minimum_cents, -(-price_cents * fraction.numerator // fraction.denominator))
