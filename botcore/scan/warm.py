"""Fills the cache before anyone asks: fee books, quotes, and the sales of the most traded titles.

Every request takes the last turn in the quota, so that anything urgent goes before the rest of the warming at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from botcore.client import DMarketClient, Priority
from botcore.errors import MarketError, Unauthorized
from botcore.model import Game, Level, Quote
from botcore.scan.bands import PAGE
from botcore.scan.inquiry import Inquiry
from botcore.scan.options import TITLES_A_QUOTE
from botcore.timing import measure_time

if TYPE_CHECKING:
    from botcore.cache import Cache
    from botcore.store import Journal

__all__ = ["TitlesOf", "WarmProgress", "Warmer"]

TitlesOf = Callable[[Game, int], Awaitable[list[str]]]
"""Up to so many titles of a game that earlier scans found most traded."""
Answer = TypeVar("Answer")
_PAGES = 3
"""Pages of each level's listing that are read for titles nobody has seen yet."""
_AT_ONCE = 4


class WarmProgress(msgspec.Struct):
    """Where warming stands: what is being asked, how much of it is done, and what could not be had."""

    game: Game
    what: str
    done: int
    total: int
    failed: int = 0


class Warmer:
    """Warms one cache through one client. ``known`` gives titles from the store; without it the listing alone is read."""

    def __init__(self, client: DMarketClient, cache: Cache, *, journal: Journal | None = None, known: TitlesOf | None = None) -> None:
        self._client = client
        self._cache = cache
        self._journal = journal
        self._known = known

    @measure_time
    async def warm(self, games: Iterable[Game], levels: Sequence[Level], titles: int) -> AsyncIterator[WarmProgress]:
        """Fill fees and quotes of each game, and the sales of its ``titles`` most traded titles within the levels' prices.

        One title that cannot be had is counted and costs itself alone. Raises MarketError when the keys are refused.
        """
        for game in games:
            inquiry = Inquiry(self._client, game, _AT_ONCE, cache=self._cache, journal=self._journal)
            async for progress in self._game(inquiry, game, levels, titles):
                yield progress

    async def _game(self, inquiry: Inquiry, game: Game, levels: Sequence[Level], titles: int) -> AsyncIterator[WarmProgress]:
        fees = WarmProgress(game, "fees", 0, 1)
        yield fees
        await self._try(inquiry.fee_book(Priority.WARM), fees)
        yield fees
        names, progress = await self._titles(game, levels, titles), WarmProgress(game, "quotes", 0, 0)
        progress.total = len(names)
        quotes: dict[str, Quote] = {}
        for start in range(0, len(names), TITLES_A_QUOTE):
            yield progress
            batch = names[start : start + TITLES_A_QUOTE]
            quotes |= await self._try(inquiry.quotes(batch, Priority.WARM), progress, len(batch)) or {}
        yield progress
        traded = sorted(quotes.values(), key=lambda quote: (-quote.bid_count, -quote.ask_count, quote.title))[:titles]
        async for step in self._sales(inquiry, game, [quote.title for quote in traded]):
            yield step

    async def _sales(self, inquiry: Inquiry, game: Game, titles: list[str]) -> AsyncIterator[WarmProgress]:
        progress = WarmProgress(game, "sales", 0, len(titles))
        for start in range(0, len(titles), _AT_ONCE):
            yield progress
            await asyncio.gather(*(self._try(inquiry.sales(title, Priority.WARM), progress) for title in titles[start : start + _AT_ONCE]))
        yield progress

    async def _try(self, asked: Awaitable[Answer], progress: WarmProgress, count: int = 1) -> Answer | None:
        try:
            return await asked
        except Unauthorized:
            raise
        except MarketError:
            progress.failed += count
            return None
        finally:
            progress.done += count

    async def _titles(self, game: Game, levels: Sequence[Level], wanted: int) -> list[str]:
        """Titles of earlier scans first, then those that the listing shows now."""
        titles = dict.fromkeys(await self._known(game, wanted) if self._known is not None else ())
        for level in levels:
            if len(titles) >= wanted:
                break
            titles |= dict.fromkeys(await self._listed(game, level))
        return list(titles)

    async def _listed(self, game: Game, level: Level) -> list[str]:
        low, high = level.price_window
        titles: list[str] = []
        pages = 0
        try:
            async for page in self._client.offers(game, price_from=low, price_to=high, order_by="createdAt", limit=PAGE, priority=Priority.WARM):
                titles += (offer.title for offer in page.offers)
                pages += 1
                if pages == _PAGES:
                    break
        except Unauthorized:
            raise
        except MarketError:
            pass  # what was read so far will do
        return titles
