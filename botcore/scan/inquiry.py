"""The questions that a scan asks about one title: its buy orders, its sales, its rivals."""

from __future__ import annotations

import asyncio
import math
from http import HTTPStatus
from itertools import pairwise
from typing import NamedTuple

from botcore.client import DMarketClient, Priority
from botcore.errors import Refused
from botcore.model import Game, Sale, Target
from botcore.scan.bands import PAGE
from botcore.scan.match import SALES_WINDOW
from botcore.scan.table import Dossier, Table

__all__ = ["Inquiry", "SalesFound"]

SALES_PAGE = 20
MOST_AHEAD = 20
ENOUGH_RIVALS = 2
"""The two cheapest asks tell the next ask of every offer of a kind."""


class SalesFound(NamedTuple):
    """Sales of a title, and how many rows of them could not be read."""

    sales: list[Sale]
    broken: int


class Inquiry:
    """Asks about titles of one game. At most ``slots`` pages of sales are under way at once."""

    def __init__(self, client: DMarketClient, game: Game, slots: int) -> None:
        self._client = client
        self._game = game
        self._slots = asyncio.Semaphore(slots)

    async def targets(self, title: str, priority: Priority) -> list[Target]:
        """The orders of a title; none for a title that the market's path cannot say, one with a slash for example."""
        try:
            return await self._client.targets(self._game, title, priority=priority)
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return []
            raise

    async def sales(self, title: str, priority: Priority) -> SalesFound:
        """All sales of the last 30 days: the first page, then as many more at once as its pace foretells."""
        since = self._client.now() - SALES_WINDOW
        found = await self._page(title, 0, priority)
        sales, broken, offset = list(found.sales), found.broken, SALES_PAGE
        while _full(found) and _goes_on(sales, since):
            offsets = range(offset, offset + SALES_PAGE * _pages_to_come(sales, since), SALES_PAGE)
            pages = await self._pages(title, offsets, priority)
            for found in pages:
                sales += found.sales
                broken += found.broken
            offset = offsets[-1] + SALES_PAGE
        return SalesFound(sales, broken)

    async def rivals(self, table: Table, dossier: Dossier, phase: str, priority: Priority) -> None:
        """Take the two cheapest rivals of a kind into the table, found by title from the lowest price up."""
        rivals = 0
        async for page in self._client.offers(self._game, title=dossier.title, order_by="price", descending=False, limit=PAGE, priority=priority):
            rivals += table.rivals(dossier, phase, page.offers)
            if rivals >= ENOUGH_RIVALS:
                break
        table.asked(dossier, phase)

    async def _pages(self, title: str, offsets: range, priority: Priority) -> list[SalesFound]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._page(title, offset, priority)) for offset in offsets]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return [task.result() for task in tasks]

    async def _page(self, title: str, offset: int, priority: Priority) -> SalesFound:
        async with self._slots:
            page = await self._client.sales_page(self._game, title, offset=offset, limit=SALES_PAGE, priority=priority)
        return SalesFound(page.sales, page.broken)


def _full(page: SalesFound) -> bool:
    return len(page.sales) + page.broken >= SALES_PAGE


def _goes_on(sales: list[Sale], since: float) -> bool:
    """Whether more sales of the window may follow. Newest first is inferred, not promised: out of order, all are read."""
    in_order = all(newer.sold_at >= older.sold_at for newer, older in pairwise(sales))
    return bool(sales) and (not in_order or sales[-1].sold_at >= since)


def _pages_to_come(sales: list[Sale], since: float) -> int:
    """Full pages that the sales so far foretell until ``since``, at least 1."""
    span = sales[0].sold_at - sales[-1].sold_at
    rest = max(0.0, sales[-1].sold_at - since)
    expected = len(sales) * rest / span if span > 0 else SALES_PAGE
    return max(1, min(MOST_AHEAD, math.floor(expected / SALES_PAGE)))
