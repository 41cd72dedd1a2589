"""Why an offer is a find, or why not: everything about its title is asked anew, and its way through a scan is traced."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from botcore.client import DMarketClient, Priority
from botcore.model import Game, Offer, ScanQuery
from botcore.scan.bands import PAGE
from botcore.scan.inquiry import Inquiry
from botcore.scan.run import market_name
from botcore.scan.trace import Explanation, Known, trace

if TYPE_CHECKING:
    from botcore.cache import Cache
    from botcore.store import Journal

__all__ = ["Explainer"]

SALES_AT_ONCE = 6


class Explainer:
    """Explains offers through one client. Fees and sales may come from the cache; offers, prices and orders are asked anew."""

    def __init__(self, client: DMarketClient, *, cache: Cache | None = None, journal: Journal | None = None, priority: Priority = Priority.INTERACTIVE) -> None:
        self._client = client
        self._cache = cache
        self._journal = journal
        self._priority = priority

    async def explain(self, offer_id: str, query: ScanQuery) -> Explanation:
        """How the offer fares in a scan of ``query.title``, the exact Steam market name.

        Raises:
            MarketError: something that a verdict needs could not be had. Nothing is assumed in its place.
        """
        known = await self._known(query)
        explained = trace(query, offer_id, known, self._client.now())
        return msgspec.structs.replace(explained, market=market_name(self._client.base_url))

    async def _known(self, query: ScanQuery) -> Known:
        inquiry = Inquiry(self._client, query.game, SALES_AT_ONCE, cache=self._cache, journal=self._journal)
        game, title, turn = query.game, query.title, self._priority
        try:
            async with asyncio.TaskGroup() as group:
                fees = group.create_task(inquiry.fee_book(turn))
                offers = group.create_task(self._offers(game, title))
                quotes = group.create_task(self._client.quotes(game, [title], priority=turn))
                targets = group.create_task(inquiry.targets_now(title, turn))
                sales = group.create_task(inquiry.sales(title, turn))
                own_offers = group.create_task(self._client.own_offers(game, priority=turn))
                own_targets = group.create_task(self._client.own_targets(game, priority=turn))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return Known(
            offers=offers.result(),
            quote=quotes.result().get(title),
            targets=targets.result(),
            sales=sales.result(),
            fees=fees.result(),
            own_ids=frozenset(name for offer in own_offers.result() for name in (offer.offer_id, offer.asset_id)),
            own_targets=own_targets.result(),
        )

    async def _offers(self, game: Game, title: str) -> list[Offer]:
        """All offers of the title at any price, each once."""
        offers: dict[str, Offer] = {}
        async for page in self._client.offers(game, title=title, order_by="price", descending=False, limit=PAGE, priority=self._priority):
            offers |= {offer.offer_id: offer for offer in page.offers if offer.title == title}
        return list(offers.values())
