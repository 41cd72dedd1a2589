"""Newest listings first: which offers of a game were not seen yet, up to when everything was decided, and when to look again. Pure.

An answer may lag: an offer can show up late, below others that are newer. So what is known is told by ids, as far back as the
last look went.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from botcore.model import Game, Offer

__all__ = ["Newest", "intervals"]

LAG = 120.0
"""Seconds by which a watch that goes on where another ended begins before that, for offers that show up late."""
LEAST_WEIGHT = 0.001
WORTH = 8.0
"""Looks for each new offer beyond which another one is not worth its request."""
HALVINGS = 60
MEMORY = 60.0
"""Seconds over which it is reckoned how busy a game is."""


class Newest:
    """What was seen of one game's newest listings. ``mark`` is where an earlier watch ended, in unix seconds, None where there was none."""

    def __init__(self, mark: float | None = None) -> None:
        self._first = mark is None
        self._horizon = -math.inf if mark is None else mark - LAG
        self._seen: dict[str, float] = {}
        self._unsure: set[str] = set()
        self._pending: dict[str, float] = {}
        self._complete = -math.inf
        self._newest = -math.inf
        self._reached = False
        self._at: float | None = None
        self._listed = self._passed = 0.0

    def __repr__(self) -> str:
        return f"<Newest: {len(self._seen)} seen, {len(self._pending)} pending, {self.rate:.2f} a second>"

    def take(self, offers: Sequence[Offer]) -> tuple[list[Offer], bool]:
        """Take in a page, newest first. Gives the offers that were not seen yet, which are pending now, and whether to read on.

        The very first look, of a game that was never watched, takes one page. What a look saw that was not brought to its end
        is no reason for the next one to stop.
        """
        fresh = []
        known = not offers or self._first
        for offer in offers:
            listed = offer.listed_at.timestamp()
            if offer.offer_id in self._seen or listed < self._horizon:
                known = known or offer.offer_id not in self._unsure
                continue
            self._unsure.add(offer.offer_id)
            self._seen[offer.offer_id] = self._pending[offer.offer_id] = listed
            self._newest = max(self._newest, listed)
            fresh.append(offer)
        return fresh, not known

    def looked(self, oldest: float | None, fresh: int, now: float) -> None:
        """A look is over, whose last page went back to the offer listed at ``oldest``.

        What is older than that was there before: it shows up on the last page when newer offers go, and is not new.
        """
        self._first, self._reached = False, True
        self._complete = self._newest
        self._unsure.clear()
        if oldest is not None:
            self._horizon = max(self._horizon, oldest)
            self._seen = {offer_id: listed for offer_id, listed in self._seen.items() if listed >= self._horizon}
        if self._at is not None and now > self._at:
            kept = math.exp(-(now - self._at) / MEMORY)
            self._listed, self._passed = kept * self._listed + fresh, kept * self._passed + now - self._at
        self._at = now

    @property
    def rate(self) -> float:
        """New offers a second, lately."""
        return self._listed / self._passed if self._passed else 0.0

    def decided(self, offer_id: str) -> None:
        """It is known of an offer what it is."""
        self._pending.pop(offer_id, None)

    @property
    def pending(self) -> int:
        """Offers that were seen and are not decided."""
        return len(self._pending)

    @property
    def watermark(self) -> float | None:
        """Everything listed before this time was decided; None before anything was read to its end."""
        if not self._reached or math.isinf(self._complete):
            return None
        return min((self._complete, *self._pending.values()))


def intervals(rates: Mapping[Game, float], looks: float, fastest: float, slowest: float) -> dict[Game, float]:
    """Seconds between two looks at each game, so that all together look ``looks`` times a second at most.

    The wait of all new offers together is least when each game is looked at in proportion to the root of its rate (new offers
    a second). What a game cannot use the others get; each is looked at every ``slowest`` seconds if the looks suffice.
    """
    weights = {game: math.sqrt(rate) + LEAST_WEIGHT for game, rate in rates.items()}
    least = min(1 / slowest, looks / len(rates))
    most = {game: max(least, min(1 / fastest, WORTH * rate)) for game, rate in rates.items()}

    def shared(scale: float) -> dict[Game, float]:
        return {game: min(most[game], max(least, scale * weight)) for game, weight in weights.items()}

    low, high = 0.0, looks / LEAST_WEIGHT
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if sum(shared(middle).values()) > looks else (middle, high)
    return {game: 1 / share for game, share in shared(low).items()}
