"""What a scan asks about a game and its titles, through the cache: fees, quotes, buy orders, sales; and rivals, always anew.

What the market told, and the cache did not know, is handed to the store's journal as it comes.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from botcore.cache import policy
from botcore.cache.policy import Question
from botcore.client import DMarketClient, Priority
from botcore.errors import Refused
from botcore.fees import FeeBook
from botcore.model import Game, Quote, Sale, Target
from botcore.scan.bands import PAGE
from botcore.scan.match import SALES_WINDOW
from botcore.scan.table import Dossier, Table
from botcore.timing import measure_time

if TYPE_CHECKING:
    from botcore.cache import Cache
    from botcore.store import Journal

__all__ = ["Inquiry"]

T = TypeVar("T")
SALES_PAGE = 20
MOST_AHEAD = 20
ENOUGH_RIVALS = 2
"""The two cheapest asks tell the next ask of every offer of a kind."""


class _SalesPage(NamedTuple):
    """Sales of a title, and how many rows of them could not be read."""

    sales: list[Sale]
    broken: int


class Inquiry:
    """Asks about one game. At most ``slots`` pages of sales are under way at once; ``broken`` hears of sales that could not be read."""

    def __init__(
        self,
        client: DMarketClient,
        game: Game,
        slots: int,
        *,
        cache: Cache | None = None,
        journal: Journal | None = None,
        broken: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._game = game
        self._slots = asyncio.Semaphore(slots)
        self._cache = cache
        self._journal = journal
        self._broken = broken

    @measure_time
    async def fee_book(self, priority: Priority) -> FeeBook:
        """The account's fees in the game."""
        return await self._one(policy.fee_book(self._game), lambda turn: self._client.fee_book(self._game, priority=turn), priority)

    @measure_time
    async def quotes(self, titles: Sequence[str], priority: Priority) -> dict[str, Quote]:
        """Best prices by title; a title that the market does not quote is left out. Those not remembered are asked in one request."""
        asked = {policy.quote(self._game, title): title for title in titles}

        async def load(questions: Sequence[Question], turn: Priority) -> dict[str, Quote | None]:
            quotes = await self._client.quotes(self._game, [asked[question] for question in questions], priority=turn)
            if self._journal is not None:
                self._journal.quoted(self._game, quotes.values(), self._client.now())
            return {question.name: quotes.get(asked[question]) for question in questions}

        answers = await self._many(list(asked), load, priority)
        return {title: answers[question.name] for question, title in asked.items() if answers[question.name] is not None}

    @measure_time
    async def targets(self, title: str, priority: Priority) -> list[Target]:
        """The orders of a title; none for a title that the market's path cannot say, one with a slash for example."""
        return await self._one(policy.targets(self._game, title), lambda turn: self._targets(title, turn), priority)

    @measure_time
    async def sales(self, title: str, priority: Priority) -> list[Sale]:
        """All sales of the last 30 days."""
        return await self._one(policy.sales(self._game, title), lambda turn: self._sales(title, turn), priority)

    async def targets_now(self, title: str, priority: Priority) -> list[Target]:
        """The orders of a title as they are now, whatever is remembered."""
        return await self._targets(title, priority)

    async def sales_now(self, title: str, priority: Priority, kept: Sequence[Sale] | None = None) -> list[Sale]:
        """All sales of the last 30 days up to now. Where some are ``kept`` or remembered, one request brings those that came since."""
        kept = kept or (await self.remembered_sales([title])).get(title)
        if kept is None:
            return await self.sales(title, priority)
        page = await self._page(title, 0, priority)
        if not _full(page):
            return page.sales
        joined = _joined(page.sales, kept)
        return await self._sales(title, priority) if joined is None else joined

    async def remembered_sales(self, titles: Sequence[str]) -> dict[str, list[Sale]]:
        """The sales of those titles whose sales are remembered and fresh. Asks the market nothing."""
        if self._cache is None or not titles:
            return {}
        asked = {policy.sales(self._game, title): title for title in titles}
        kept = await self._cache.recall(list(asked))
        return {title: kept[question.name] for question, title in asked.items() if question.name in kept}

    @measure_time
    async def rivals(self, table: Table, dossier: Dossier, phase: str, priority: Priority) -> None:
        """Take the two cheapest rivals of a kind into the table, found by title from the lowest price up."""
        rivals = 0
        async for page in self._client.offers(self._game, title=dossier.title, order_by="price", descending=False, limit=PAGE, priority=priority):
            rivals += table.rivals(dossier, phase, page.offers)
            if rivals >= ENOUGH_RIVALS:
                break
        table.asked(dossier, phase)

    # ---- through the cache -------------------------------------------------------------------------------------------

    async def _one(self, question: Question, ask: Callable[[Priority], Awaitable[T]], priority: Priority) -> T:
        async def load(questions: Sequence[Question], turn: Priority) -> dict[str, T]:
            return {questions[0].name: await ask(turn)}

        return cast("T", (await self._many([question], load, priority))[question.name])

    async def _many(
        self, questions: Sequence[Question], load: Callable[[Sequence[Question], Priority], Awaitable[dict[str, Any]]], priority: Priority
    ) -> dict[str, Any]:
        """The answers under the questions' names; what is renewed behind takes the last turn in the quota."""
        if self._cache is None:
            return await load(questions, priority)

        async def in_turn(missing: Sequence[Question], behind: bool) -> dict[str, Any]:
            return await load(missing, Priority.WARM if behind else priority)

        return await self._cache.get_or_load_many(questions, in_turn, priority)

    # ---- the market --------------------------------------------------------------------------------------------------

    async def _targets(self, title: str, priority: Priority) -> list[Target]:
        try:
            return await self._client.targets(self._game, title, priority=priority)
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return []
            raise

    async def _sales(self, title: str, priority: Priority) -> list[Sale]:
        """The first page, then as many more at once as its pace foretells."""
        since = self._client.now() - SALES_WINDOW
        page = await self._page(title, 0, priority)
        sales, broken, offset = list(page.sales), page.broken, SALES_PAGE
        while _full(page) and _goes_on(sales, since):
            offsets = range(offset, offset + SALES_PAGE * _pages_to_come(sales, since), SALES_PAGE)
            pages = await self._pages(title, offsets, priority)
            for page in pages:
                sales += page.sales
                broken += page.broken
            offset = offsets[-1] + SALES_PAGE
        if broken:
            self._broken(broken)
        if self._journal is not None:
            self._journal.sold(self._game, title, sales)
        return sales

    async def _pages(self, title: str, offsets: range, priority: Priority) -> list[_SalesPage]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._page(title, offset, priority)) for offset in offsets]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return [task.result() for task in tasks]

    async def _page(self, title: str, offset: int, priority: Priority) -> _SalesPage:
        async with self._slots:
            page = await self._client.sales_page(self._game, title, offset=offset, limit=SALES_PAGE, priority=priority)
        return _SalesPage(page.sales, page.broken)


def _joined(newest: Sequence[Sale], kept: Sequence[Sale]) -> list[Sale] | None:
    """The newest sales and those kept from before; None when there may be some between the two."""
    oldest = min(sale.sold_at for sale in newest)
    if not kept or max(sale.sold_at for sale in kept) <= oldest:
        return None
    both = Counter(sale for sale in kept if sale.sold_at == oldest) - Counter(sale for sale in newest if sale.sold_at == oldest)
    return [*newest, *both.elements(), *(sale for sale in kept if sale.sold_at < oldest)]


def _full(page: _SalesPage) -> bool:
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
