"""Looks at one title of a watched game: its offers as they are now, and the evidence that they may need."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Iterable
from typing import TYPE_CHECKING, TypeVar

import msgspec

from botcore.client import Clock, DMarketClient, Priority
from botcore.errors import MarketError, Unauthorized
from botcore.model import Game, Offer, OwnTarget, Sale, Standing, Target, WatchQuery
from botcore.scan.bands import PAGE
from botcore.scan.books import Books, Ways
from botcore.scan.entry import Entry
from botcore.scan.inquiry import Inquiry
from botcore.scan.match import SALES_WINDOW
from botcore.scan.verdict import Look, Verdict, judge

if TYPE_CHECKING:
    from botcore.cache import Cache
    from botcore.store import Journal

__all__ = ["Judge"]

T = TypeVar("T")
FRESH_SALES = 60.0
"""Seconds for which sales count as known to which no quote tells that any was added: those of P2P offers and to buy orders show in none."""
SALES_KEPT = 500
"""Titles whose sales are kept, packed, so that one more costs one request."""
ENOUGH_RIVALS = 2
"""The two cheapest asks tell the next ask of every offer of a kind."""
MOST_PAGES = 20
SALES_AT_ONCE = 100
"""More than may wait: their turn is the quota's to give, by how urgent each is."""


class Judge:
    """Judges the titles of one game. ``refresh`` must have succeeded once before."""

    def __init__(
        self, client: DMarketClient, game: Game, query: WatchQuery, books: Books, *, cache: Cache | None, journal: Journal | None, clock: Clock
    ) -> None:
        self.game = game
        self.books = books
        self._client = client
        self._query = query
        self._clock = clock
        self._inquiry = Inquiry(client, game, SALES_AT_ONCE, cache=cache, journal=journal)
        self._own_targets: list[OwnTarget] = []
        self._kept: dict[str, bytes] = {}

    async def refresh(self) -> None:
        """Ask for fees, and for the account's own offers and targets. Without fees nothing is judged; the others, where they fail, stay as known."""
        self.books.fees = await self._inquiry.fee_book(Priority.WATCH)
        offers, targets = await asyncio.gather(
            _unless_it_fails(self._client.own_offers(self.game, priority=Priority.WATCH)),
            _unless_it_fails(self._client.own_targets(self.game, priority=Priority.WATCH)),
        )
        if offers is not None:
            self.books.own = frozenset(name for offer in offers for name in (offer.offer_id, offer.asset_id))
        if targets is not None:
            self._own_targets = targets

    async def quote(self, titles: Collection[str], priority: Priority) -> None:
        """Ask for the quotes of titles. One that the market does not quote stays without."""
        self.books.quoted((await self._inquiry.quotes(list(titles), priority)).values(), self._clock.monotonic())

    async def know_sales(self, entry: Entry, priority: Priority) -> None:
        """Ask for the sales of a title, unless they are known up to now."""
        if entry.known_sales is None or entry.sold or self._clock.monotonic() > entry.known_sales + FRESH_SALES:
            await self._sales(entry, priority)

    async def know_asks(self, entry: Entry, interest: Collection[Offer], priority: Priority) -> None:
        """Ask for the cheapest offers of a title, the rivals of those of interest among them."""
        await self._rows(entry, {offer.phase for offer in interest}, 0, priority)

    async def look(self, entry: Entry, ways: Ways, interest: Collection[Offer], told: Collection[Standing], priority: Priority) -> Look:
        """Look at a title now: its offers up to those of interest and those that were told, targets where they may pay, sales where anything may."""
        phases = {offer.phase for offer in interest} | {standing.alert.opportunity.phase for standing in told} | self.books.phases(entry)
        prices = (*(offer.price_cents for offer in interest), *(standing.price_now for standing in told))
        up_to, asked_at = max(prices, default=0), self._clock.monotonic()
        (rows, all_up_to, at), targets, sales = await asyncio.gather(
            self._rows(entry, phases, up_to, priority),
            self._none() if not ways.target else self._targets(entry, priority),
            self._none() if not ways.any else self._sales_known(entry, priority),
        )
        if targets is not None:
            self.books.met(entry, all_up_to, asked_at)
        return Look(entry.title, rows, all_up_to, at, targets, sales)

    def verdict(self, look: Look) -> Verdict:
        """What the look tells, by the full rules."""
        return judge(look, self.books, self._query, self.game, self._own_targets, self._client.now())

    # ---- asking -----------------------------------------------------------------------------------------------------

    async def _rows(self, entry: Entry, phases: Collection[str], up_to: int, priority: Priority) -> tuple[list[Offer], int | None, float]:
        """Offers of a title in rising order of price, until those asked for and the two cheapest of each phase are among them.

        Gives as well up to which price they are all, and when the first of them came.
        """
        rows: list[Offer] = []
        title, asked_at, all_up_to = entry.title, self._clock.monotonic(), None
        last, pages, at = 0, 0, 0.0
        async for page in self._client.offers(self.game, title=title, order_by="price", descending=False, limit=PAGE, priority=priority):
            rows += (offer for offer in page.offers if offer.title == title)
            last, pages, at = max((offer.price_cents for offer in page.offers), default=last), pages + 1, at or self._clock.monotonic()
            if page.cursor and (pages == MOST_PAGES or (last > up_to and all(self._rivals(rows, phase) >= ENOUGH_RIVALS for phase in phases))):
                all_up_to = last - 1
                break
        self.books.looked(entry, rows, asked_at, self._clock.monotonic(), all_up_to)
        return rows, all_up_to, at

    def _rivals(self, rows: Iterable[Offer], phase: str) -> int:
        return sum(offer.phase == phase and not (offer.locked or offer.p2p or self.books.mine(offer)) for offer in rows)

    async def _targets(self, entry: Entry, priority: Priority) -> list[Target] | None:
        return await self._inquiry.targets_now(entry.title, priority)

    async def _sales_known(self, entry: Entry, priority: Priority) -> list[Sale] | None:
        kept = self._unpacked(entry.title)
        if kept is None or entry.sold or entry.known_sales is None or self._clock.monotonic() > entry.known_sales + FRESH_SALES:
            return await self._sales(entry, priority)
        return kept

    async def _sales(self, entry: Entry, priority: Priority) -> list[Sale]:
        """The sales of a title up to now; those of the titles asked for last are kept."""
        sold = entry.sold
        sales = await self._inquiry.sales_now(entry.title, priority, self._unpacked(entry.title))
        self.books.sales(entry, [sale for sale in sales if sale.sold_at >= self._client.now() - SALES_WINDOW], sold, self._clock.monotonic())
        self._kept.pop(entry.title, None)
        self._kept[entry.title] = msgspec.msgpack.encode(sales)
        if len(self._kept) > SALES_KEPT:
            del self._kept[next(iter(self._kept))]
        return sales

    def _unpacked(self, title: str) -> list[Sale] | None:
        packed = self._kept.get(title)
        return None if packed is None else msgspec.msgpack.decode(packed, type=list[Sale])

    async def _none(self) -> None:
        return None


async def _unless_it_fails(asked: Awaitable[T]) -> T | None:
    try:
        return await asked
    except Unauthorized:
        raise
    except MarketError:
        return None
