"""What a watch told, held against the market's own account of what happened: how soon, how fully, how rightly. Pure.

All times are unix seconds of the one clock that market and door share.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from botcore.model import Alert, AlertState, Change, Game

__all__ = ["HARDLY", "LIVED", "SOON", "Event", "Heard", "Life", "Told"]

LIVED = 10.0
"""Seconds for which an opportunity must have lived so that it must have been told."""
HARDLY = 0.05
"""Seconds between the listing of an offer and its being an opportunity, up to which it was one from the start."""
SOON = 2.0
"""Seconds within which an opportunity may end untold without counting among the waits: it gave a watch no time."""


class Life(msgspec.Struct):
    """An opportunity as the market's witness saw it: listed, an opportunity from ``born`` to ``died``, None while it is one."""

    offer_id: str
    game: Game
    title: str
    price_cents: int
    listed: float
    born: float
    died: float | None


class Event(msgspec.Struct):
    """Something that the market's churn did: ``list``, ``sell`` or ``reprice``, which takes the offer away and lists another."""

    kind: str
    time: float
    offer_id: str


class Heard(msgspec.Struct):
    """An event as the door had it in hand, at ``at``: from here on a message would be under way."""

    at: float
    event: Alert | Change

    @property
    def offer_id(self) -> str:
        """The offer that it is about."""
        return self.event.opportunity.offer_id if isinstance(self.event, Alert) else self.event.offer_id

    @property
    def recommends(self) -> bool:
        """Whether who reads it would go and buy."""
        return isinstance(self.event, Alert) or self.event.state is AlertState.LIVE or self.event.opportunity is not None


class Told(msgspec.Struct):
    """What a door heard, and what was true, from ``since``, from when on everything counts, until ``until``, when the account was taken."""

    since: float
    until: float
    heard: list[Heard]
    lives: list[Life]
    events: list[Event]

    def waits(self) -> list[tuple[float, float]]:
        """When each offer was listed that was an opportunity from the start, and the seconds until the door had its alert.

        What is told as the new price of an offer of before is told as well. One that was not told is there with the seconds
        that it lived, unless they were too few.
        """
        first: dict[str, float] = {}
        for heard in self.heard:
            if heard.recommends and heard.at <= self.until:
                first.setdefault(heard.offer_id, heard.at)
        found = []
        for life in self.lives:
            if not self.since <= life.listed <= self.until or life.born - life.listed > HARDLY:
                continue
            waited = first.get(life.offer_id, self._end(life)) - life.listed
            if life.offer_id in first or waited > SOON:
                found.append((life.listed, waited))
        return found

    def due(self) -> list[Life]:
        """Opportunities that came while everything counted and lived so long that the door must have known of them."""
        return [life for life in self.lives if self.since <= life.born and self._end(life) - life.born > LIVED]

    def missed(self) -> list[Life]:
        """Those of them that the door knew at no time of their lives."""
        known = self._known()
        return [life for life in self.due() if not any(begin <= self._end(life) and end > life.born for begin, end in known.get(life.offer_id, ()))]

    def alerts(self) -> list[Heard]:
        """The alerts that the door had while everything counted."""
        return [heard for heard in self.heard if isinstance(heard.event, Alert) and self.since <= heard.at <= self.until]

    def stale(self) -> list[Heard]:
        """Those of them whose offer was sold or priced anew before the door had them."""
        ended = {event.offer_id: event.time for event in self.events if event.kind != "list"}
        return [heard for heard in self.alerts() if ended.get(heard.offer_id, math.inf) <= heard.at]

    def void(self) -> list[Heard]:
        """Those of them whose offer was no opportunity when the door had them, be it that only its exit was gone."""
        lives: dict[str, list[Life]] = {}
        for life in self.lives:
            lives.setdefault(life.offer_id, []).append(life)
        return [
            heard
            for heard in self.alerts()
            if not any(life.born <= heard.at and (life.died is None or life.died > heard.at) for life in lives.get(heard.offer_id, ()))
        ]

    def _end(self, life: Life) -> float:
        return self.until if life.died is None else min(life.died, self.until)

    def _known(self) -> dict[str, list[tuple[float, float]]]:
        """By offer, the spans of time in which the door took it for an opportunity."""
        known: dict[str, list[tuple[float, float]]] = {}
        for heard, until in self._spans():
            if heard.recommends:
                known.setdefault(heard.offer_id, []).append((heard.at, until))
        return known

    def _spans(self) -> Iterator[tuple[Heard, float]]:
        """Everything heard, each with when something else was heard of the same offer."""
        after: dict[str, float] = {}
        for heard in reversed(self.heard):
            yield heard, after.get(heard.offer_id, math.inf)
            after[heard.offer_id] = heard.at
