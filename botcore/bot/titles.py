"""Finds the title that a person means, and what there is to know of it."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Iterable
from difflib import get_close_matches

import msgspec

from botcore.app import App
from botcore.bot.presses import name_of
from botcore.client import Priority
from botcore.model import Game, Quote, Sale
from botcore.perf import charts
from botcore.scan.inquiry import Inquiry

__all__ = ["Prices", "Titles"]

Found = tuple[Game, str]
DAY = 86_400.0
SPAN = 30 * DAY
KNOWN = 20_000
"""Titles of a game among which one is looked for, the most traded first."""
NEAR = 5
ALIKE = 0.5
"""How alike a title must be to be suggested, from 0 to 1: people leave out the wear."""
AT_ONCE = 4


class Prices(msgspec.Struct, frozen=True):
    """What is known of a title: its quote, the sales of thirty days, and a picture of both over time as PNG."""

    quote: Quote | None
    sales: list[Sale]
    picture: bytes


class Titles:
    """Looks titles up in the store and on the market."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def find(self, words: str, game: Game) -> Found | None:
        """The title of these words, in this game first; upper and lower case are alike. None when neither store nor market knows it.

        Raises MarketError, StoreError.
        """
        games = [game, *(one for one in Game if one is not game)]
        known = await self._known(games)
        wanted = " ".join(words.split()).casefold()
        exact = next(((of, title) for of, title in known if title.casefold() == wanted), None)
        if exact is not None:
            return exact
        title = " ".join(words.split())
        for one in games:
            if title in await self._inquiry(one).quotes([title], Priority.INTERACTIVE):
                return one, title
        return None

    async def near(self, words: str, game: Game) -> list[Found]:
        """Known titles that these words may mean, a few. Raises StoreError."""
        known = await self._known([game, *(one for one in Game if one is not game)])
        return await asyncio.to_thread(_near, words.casefold(), known)

    async def of_offer(self, game: Game, offer_id: str) -> str | None:
        """The title of an offer that a scan found, or of which it was noted what became of it; None when nobody noted it. Raises StoreError."""
        store, outcomes = self._app.store, self._app.outcomes
        assert store is not None  # noqa: S101 - the bot does not start without a store
        title = await store.title(self._app.market, game, offer_id)
        if title is not None or outcomes is None:
            return title
        noted = await outcomes.of_offer(game, offer_id)
        return noted[0].title if noted else None

    async def named(self, name: str) -> Found | None:
        """The title that a button tells by ``presses.name_of``. Raises StoreError."""
        return next((found for found in await self._known(Game) if name_of(*found) == name), None)

    async def prices(self, game: Game, title: str) -> Prices:
        """Ask the market what a title costs now, and draw what the store knows of it. Raises MarketError, StoreError."""
        inquiry = self._inquiry(game)
        quotes, sales = await asyncio.gather(inquiry.quotes([title], Priority.INTERACTIVE), inquiry.sales(title, Priority.INTERACTIVE))
        if self._app.journal is not None:
            await self._app.journal.flush()
        return Prices(quotes.get(title), sales, await self._picture(game, title))

    async def _picture(self, game: Game, title: str) -> bytes:
        store, market, since = self._app.store, self._app.market, time.time() - SPAN
        assert store is not None  # noqa: S101 - the bot does not start without a store
        points = await store.points_frame(market, game, title, since=since)
        sales = await store.sales_frame(market, game, title, since=since)
        heading = f"{title} · sandbox" if market == "sandbox" else title

        def draw() -> bytes:
            file = io.BytesIO()
            charts.history(points, sales, heading).savefig(file, format="png")
            return file.getvalue()

        return await asyncio.to_thread(draw)

    def _inquiry(self, game: Game) -> Inquiry:
        return Inquiry(self._app.client, game, AT_ONCE, cache=self._app.cache, journal=self._app.journal)

    async def _known(self, games: Iterable[Game]) -> list[Found]:
        store = self._app.store
        assert store is not None  # noqa: S101 - the bot does not start without a store
        return [(game, title) for game in games for title in await store.titles(self._app.market, game, limit=KNOWN)]


def _near(words: str, known: list[Found]) -> list[Found]:
    parts = words.replace("|", " ").split()
    holding = [found for found in known if all(part in found[1].casefold() for part in parts)][:NEAR]
    if holding:
        return holding
    by_title = {title.casefold(): (game, title) for game, title in reversed(known)}
    return [by_title[title] for title in get_close_matches(words, by_title, NEAR, ALIKE)]
