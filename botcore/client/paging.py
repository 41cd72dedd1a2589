"""Listings that come page by page, each page with the cursor of the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from botcore.errors import RepeatedCursor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["MOST_PAGES", "HasBroken", "HasCursor", "Paged", "pages"]

MOST_PAGES = 10_000


class HasCursor(Protocol):
    """A page that knows where the next begins; an empty cursor is the end."""

    @property
    def cursor(self) -> str:
        """Where the next page begins."""


class HasBroken(Protocol):
    """Rows of which some may have been unreadable."""

    @property
    def broken(self) -> int:
        """How many were left out."""


class Paged(HasCursor, HasBroken, Protocol):
    """A page of rows."""


C = TypeVar("C", bound=HasCursor)


async def pages(fetch: Callable[[str], Awaitable[C]]) -> AsyncIterator[C]:
    """Pages until the cursor is empty; raises RepeatedCursor instead of asking for a page twice."""
    cursor, seen = "", set[str]()
    while len(seen) < MOST_PAGES:
        page = await fetch(cursor)
        yield page
        cursor = page.cursor
        if not cursor:
            return
        if cursor in seen:
            raise RepeatedCursor("DMarket returned a cursor for the second time: start the listing anew")
        seen.add(cursor)
    raise RepeatedCursor(f"DMarket returned {MOST_PAGES:,} pages and no end: narrow what you ask for")
