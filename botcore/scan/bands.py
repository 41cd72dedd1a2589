"""A price window, read as several bands at once. Pure: it plans page requests and is told what came back.

The pages of a listing hang on a cursor, so one chain of them is held back by latency. Each band is read from both ends,
one chain upwards in price and one downwards, until they meet. When more pages should be under way than there are chains,
the band with the most left is cut in two where about half of its offers lie. Prices are cents, bounds inclusive.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["PAGE", "TOTAL_CAP", "Bands", "Chain", "chains_wanted"]

PAGE = 100
"""Offers a page, the most DMarket gives."""
TOTAL_CAP = 10_000
"""DMarket counts matches exactly only below this."""
MAX_RESTARTS = 3
STEEPEST = 20
"""Bound of the power by which density may fall, so that the arithmetic stays finite."""
WORTH_CUTTING = 4 * PAGE
"""A cut costs about half a page, so a band with less left than this is not worth one."""


def chains_wanted(rate: float, latency: float, deviation: float) -> int:
    """How many pages must be under way to use ``rate`` requests a second when answers take ``latency`` seconds, give or take."""
    return max(2, math.ceil(rate * (latency + 2 * deviation)))


class Chain:
    """One direction of reading. ``frontier`` is the last price read: beyond it nothing is known, at it not everything."""

    def __init__(self, band: _Band, low: int, high: int, *, descending: bool) -> None:
        self.band = band
        self.low = low
        self.high = high
        self.descending = descending
        self.frontier = high if descending else low
        self.cursor = ""
        self.cursors: set[str] = set()
        self.density = 0.0
        self.flying = False
        self.failures = 0
        self.restarts = 0

    def __repr__(self) -> str:
        return f"<Chain {'down' if self.descending else 'up'} {self.low}..{self.high} at {self.frontier}{', flying' * self.flying}>"

    @property
    def over(self) -> bool:
        """Whether it has read to the end of its query."""
        return self.frontier < self.low if self.descending else self.frontier > self.high

    @property
    def dead(self) -> bool:
        """Whether it was begun anew too often without getting on."""
        return self.restarts > MAX_RESTARTS

    def advance(self, prices: Sequence[int]) -> None:
        """Move the frontier to the last of ``prices``, which come in the chain's order."""
        if not prices:
            return
        self.density = len(prices) / (abs(prices[-1] - prices[0]) + 1)
        further = min(self.frontier, prices[-1]) if self.descending else max(self.frontier, prices[-1])
        if further != self.frontier:
            self.frontier, self.restarts = further, 0

    def finish(self) -> None:
        """The chain's last page came: nothing is left on its side up to the end of its query."""
        self.frontier = self.low - 1 if self.descending else self.high + 1

    def restart(self) -> None:
        """Begin anew at the frontier, without a cursor."""
        self.restarts += 1
        self.cursor = ""
        self.cursors.clear()
        if self.descending:
            self.high = self.frontier
        else:
            self.low = self.frontier


class _Band:
    """Prices ``low`` to ``high``, read from both ends. ``total`` offers were between the chains when it was made."""

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high
        self.up = Chain(self, low, high, descending=False)
        self.down = Chain(self, low, high, descending=True)
        self.gauges: tuple[Chain, ...] = self.chains
        self.total = math.inf
        self.read = 0
        self.closed = False

    @property
    def chains(self) -> tuple[Chain, Chain]:
        return (self.up, self.down)

    @property
    def lost(self) -> bool:
        return not self.closed and all(chain.dead or chain.over for chain in self.chains)

    @property
    def open(self) -> bool:
        return not (self.closed or self.lost)

    @property
    def left(self) -> float:
        """Offers still to come beyond the pages under way."""
        return self.total - self.read - PAGE * sum(chain.flying for chain in self.chains)

    def idle(self) -> Chain | None:
        """A chain that can go on; none while what is under way should be the rest."""
        flying = any(chain.flying for chain in self.chains)
        if not self.open or (flying and (self.left <= 0 or self.up.frontier == self.down.frontier)):
            return None
        return next((chain for chain in self.chains if not (chain.flying or chain.dead or chain.over)), None)

    def width_covered(self, low: int, high: int) -> int:
        low, high = max(low, self.low), min(high, self.high)
        if self.closed:
            return max(0, high - low + 1)
        return max(0, min(high, self.up.frontier - 1) - low + 1) + max(0, high - max(low, self.down.frontier + 1) + 1)

    def covers(self, low: int, high: int) -> bool:
        low, high = max(low, self.low), min(high, self.high)
        return low > high or self.closed or high < self.up.frontier or low > self.down.frontier


class Bands:
    """The plan of reading one window of prices.

    ``next`` gives the chain of which a page should be read, ``landed`` and ``failed`` tell what came of it.
    """

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high
        self.total = 0
        self._bands = [_Band(low, high)]

    def __repr__(self) -> str:
        return f"<Bands {self.low}..{self.high}: {sum(band.open for band in self._bands)} open, {self.flying} pages flying>"

    @property
    def done(self) -> bool:
        """Whether nothing more can be read."""
        return not any(band.open for band in self._bands)

    @property
    def whole(self) -> bool:
        """Whether everything has been read, with nothing lost to failures."""
        return all(band.closed for band in self._bands)

    @property
    def flying(self) -> int:
        """Pages under way."""
        return sum(chain.flying for band in self._bands for chain in band.chains)

    @property
    def left(self) -> float:
        """Offers still to be read, by totals where the market gives them and by density elsewhere; infinite before the first pages."""
        return sum(_expected(band) if band.up.density and band.down.density else math.inf for band in self._bands if band.open)

    def covers(self, low: int, high: int) -> bool:
        """Whether every offer of the window at these prices has been read."""
        return all(band.covers(low, high) for band in self._bands)

    def share(self, low: int, high: int) -> float:
        """How much of these prices has been read, 0 to 1, by width."""
        low, high = max(low, self.low), min(high, self.high)
        return 1.0 if low > high else sum(band.width_covered(low, high) for band in self._bands) / (high - low + 1)

    def next(self, limit: int) -> Chain | None:
        """The chain to read a page of, marked as under way; None when enough is. At most ``limit`` bands are open at once."""
        chains = [chain for band in self._bands if (chain := band.idle())]
        # Few pages at once read the dear end first: its titles have fewer offers and so more to ask about, which then goes on
        # beside the rest. Many pages at once read all bands side by side, so that they end together.
        chain = (chains[-1] if limit == 1 else max(chains, key=lambda chain: chain.band.left)) if chains else self._cut(limit)
        if chain is not None:
            chain.flying = True
        return chain

    def landed(self, chain: Chain, prices: Sequence[int], total: int, cursor: str) -> bool:
        """A page of the chain came. False when its cursor leads in a circle, so that the chain begins anew at its frontier."""
        chain.flying = False
        chain.failures = 0
        band = chain.band
        if not self.total:
            self.total = total
        if chain in band.gauges:
            band.total = total if total < TOTAL_CAP else math.inf
        band.read += len(prices)
        chain.advance(prices)
        if not cursor:
            chain.finish()
        band.closed = band.closed or band.up.frontier > band.down.frontier
        if cursor in chain.cursors:
            self._restart(chain)
            return False
        chain.cursor = cursor
        chain.cursors.add(cursor)
        return True

    def failed(self, chain: Chain) -> None:
        """A page of the chain could not be had: ask once more, then begin anew at the frontier, then give the chain up."""
        chain.flying = False
        chain.failures += 1
        if chain.failures > 1:
            self._restart(chain)

    def _restart(self, chain: Chain) -> None:
        chain.restart()
        chain.band.gauges = tuple(gauge for gauge in chain.band.gauges if gauge is not chain)

    def _cut(self, limit: int) -> Chain | None:
        """Cut the band with the most left in two, and give the lower half's new chain."""
        opened = [band for band in self._bands if band.open]
        ready = [band for band in opened if band.up.density and band.down.density and _expected(band) >= WORTH_CUTTING]
        if len(opened) >= limit or not ready:
            return None
        band = max(ready, key=_expected)
        middle = _half(band)
        return self._split(band, middle) if band.up.frontier + 1 < middle < band.down.frontier else None

    def _split(self, band: _Band, middle: int) -> Chain:
        """Prices from ``middle`` on become a band of their own, which takes over the downward chain."""
        half, density = _expected(band) / 2, _density(band, middle)
        upper = _Band(middle, band.high)
        # A price that is half read is left out of the new queries, so that their totals count only what is still to come.
        upper.up = Chain(upper, middle, band.down.frontier - 1, descending=False)
        upper.down, band.down.band = band.down, upper
        upper.gauges = (upper.up,)
        band.high = middle - 1
        band.down = Chain(band, band.up.frontier + 1, middle - 1, descending=True)
        band.gauges = (band.down,)
        band.read = 0
        band.total = upper.total = half
        band.down.density = upper.up.density = density
        self._bands.insert(self._bands.index(band) + 1, upper)
        return band.down


def _expected(band: _Band) -> float:
    """Offers left in a band, from its total or, where DMarket stopped counting, from the density at its ends."""
    if not math.isinf(band.left):
        return band.left
    width = band.down.frontier - band.up.frontier
    return math.sqrt(band.up.density * band.down.density) * width


def _half(band: _Band) -> int:
    """The price below which about half of the rest lies."""
    low, high = band.up.frontier, band.down.frontier
    if high <= low + 1:
        return high
    power = 1 - _slope(band)
    if abs(power) < 1 / STEEPEST:
        return round(math.sqrt(low * high))
    middle: float = ((low**power + high**power) / 2) ** (1 / power)
    return round(middle)


def _density(band: _Band, price: int) -> float:
    """Offers a cent to be expected at a price between the two ends."""
    expected: float = band.up.density * (band.up.frontier / price) ** _slope(band)
    return expected


def _slope(band: _Band) -> float:
    """The power by which density falls from the low end to the high one."""
    low, high = band.up.frontier, band.down.frontier
    return max(-STEEPEST, min(STEEPEST, math.log(band.up.density / band.down.density) / math.log(high / low)))
