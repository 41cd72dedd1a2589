"""What is known of one title of a watched game: its quote, the cheapest asks of each kind, and what it was sold for. Pure."""

from __future__ import annotations

import math
from array import array
from bisect import insort
from typing import NamedTuple

from botcore.model import Offer, Quote

__all__ = ["KEPT", "Ask", "Entry", "Kind", "Sold"]

KEPT = 12
"""Asks that are remembered of a kind: with fewer, those that go away would leave the next one unknown."""


class Ask(NamedTuple):
    """An offer that others compete with, its price in cents."""

    price: int
    offer_id: str
    asset_id: str


class Kind:
    """The cheapest asks of a kind, at most ``KEPT``, all that there are up to the price ``all_up_to``; ``round`` is the rescan that saw them last."""

    __slots__ = ("all_up_to", "asks", "round")

    def __init__(self, all_up_to: float = math.inf) -> None:
        self.asks: list[Ask] = []
        self.all_up_to = all_up_to
        self.round = 0

    def add(self, offer: Offer) -> None:
        """Take in an ask; one that is known already changes nothing."""
        ask = Ask(offer.price_cents, offer.offer_id, offer.asset_id)
        if ask not in self.asks:
            insort(self.asks, ask)
        if len(self.asks) > KEPT:
            del self.asks[KEPT:]
            self.all_up_to = min(self.all_up_to, self.asks[-1].price)

    def moved(self, offer: Offer) -> bool:
        """Forget the ask of which the offer is the same item under another id, priced anew. Gives whether there was one."""
        before = [ask for ask in self.asks if ask.asset_id == offer.asset_id and ask.offer_id != offer.offer_id]
        for ask in before:
            self.asks.remove(ask)
        return bool(before)

    def following(self, place: int) -> int | None:
        """The price at a place, None where none is known."""
        return self.asks[place].price if place < len(self.asks) else None

    def least(self, place: int) -> int | None:
        """The price below which nothing follows from a place on; None where nothing follows that is known."""
        least = min(self.all_up_to, *(ask.price for ask in self.asks[place : place + 1]), math.inf)
        return None if math.isinf(least) else int(least)


class Sold(NamedTuple):
    """The sales of a kind in rising order of price: prices in cents, and when each was (unix seconds)."""

    prices: array[int]
    times: array[int]

    def since(self, time: float) -> list[int]:
        """The prices of those from a time on."""
        return [price for price, sold_at in zip(self.prices, self.times, strict=True) if sold_at >= time]


class Entry:
    """One title.

    ``arrived`` counts offers that were seen newly and the quote does not count yet, ``ahead`` those that it counts and were
    not seen yet; ``gone`` offers that went away since its asks were known, ``sold`` those since its sales were. ``repriced`` counts
    asks that were seen to come back at another price, of which the quote does not tell yet that they went. ``moved_at`` is
    when the quote was seen to change last: what was asked for before that may not know of it. ``cleared``: it was
    looked at since; ``met``: every offer was held against its bids since these changed. ``odd``: the quote counts offers that are no rivals of the only kind.
    """

    __slots__ = (
        "ahead",
        "arrived",
        "cleared",
        "cleared_at",
        "gone",
        "kinds",
        "known_sales",
        "met",
        "moved_at",
        "odd",
        "previous_ask",
        "quote",
        "repriced",
        "round",
        "sales",
        "sold",
        "title",
    )

    def __init__(self, title: str) -> None:
        self.title = title
        self.quote: Quote | None = None
        self.previous_ask = 0
        self.round = 0
        self.kinds: dict[str, Kind] = {}
        self.sales: dict[str, Sold] = {}
        self.known_sales: float | None = None
        self.moved_at = 0.0
        self.odd = False
        self.met = False
        self.cleared = False
        self.cleared_at = 0.0
        self.arrived = 0
        self.ahead = 0
        self.repriced = 0
        self.gone = 0
        self.sold = 0

    def __repr__(self) -> str:
        return f"<Entry {self.title!r}: {sum(len(kind.asks) for kind in self.kinds.values())} asks, {self.gone} gone>"

    def kind(self, phase: str) -> Kind:
        """The asks of a kind, made when it is new."""
        found = self.kinds.get(phase)
        if found is None:
            found = self.kinds[phase] = Kind()
        return found
