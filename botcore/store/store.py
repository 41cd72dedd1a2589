"""What is remembered for good. Methods take and give model objects, or polars frames; rows stay inside."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec
from sqlalchemy import Column, Select, Table, Update, delete, func, select, text, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from botcore.errors import StoreError
from botcore.model import Game, Opportunity, Sale, ScanReport
from botcore.store import frames, rows
from botcore.store.connect import connect, disconnect, translated, whole, writing
from botcore.store.migrations import HEAD, bring_up
from botcore.store.options import StoreOptions
from botcore.store.rows import History, PricePoint, milliseconds, moment
from botcore.store.schema import METADATA, SEEN, items, opportunities, price_points, sales, scans
from botcore.timing import measure_time

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Store", "StoreInfo", "StoredScan"]

CHUNK = 5000
"""Rows removed in one transaction, so that nobody waits long for the lock."""
Changed = Callable[[Game, str, str], Awaitable[None]]


class StoreInfo(msgspec.Struct, frozen=True):
    """What a store holds. ``url`` without its password, ``bytes`` on disk, ``rows`` by table; oldest and newest of what was seen."""

    url: str
    revision: str
    bytes: int
    rows: dict[str, int]
    oldest: datetime | None
    newest: datetime | None


class StoredScan(msgspec.Struct, frozen=True):
    """A scan as it is listed: its number, and its report without the opportunities, which ``Store.scan`` adds."""

    id: int
    finds: int
    report: ScanReport


class Store:
    """The store, as an async context manager; opening it brings its tables to this version.

    ``changed`` is awaited with game, title and offer id once a stored price was changed and that was committed.
    Every method raises StoreError when the database cannot do what is asked.
    """

    def __init__(self, options: StoreOptions | None = None, *, changed: Changed | None = None) -> None:
        self.options = options or StoreOptions()
        self._changed = changed
        self._engine: AsyncEngine | None = None

    def __repr__(self) -> str:
        return f"<Store {self.options.shown}, {'closed' if self._engine is None else 'open'}>"

    async def __aenter__(self) -> Self:
        engine = connect(self.options)
        try:
            with translated(self.options):
                await bring_up(engine, self.options)
        except BaseException:
            await disconnect(engine)
            raise
        self._engine = engine
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await whole(disconnect(engine))

    # Writing

    @measure_time
    async def write(
        self, market: str, *, points: Iterable[PricePoint] = (), histories: Iterable[History] = (), reports: Iterable[ScanReport] = ()
    ) -> list[int]:
        """Store all of it in one transaction, or nothing; what is there already is brought up to date. Gives the scans' ids."""
        many = [(price_points, rows.point_rows(market, points)), (sales, rows.sale_rows(market, histories))]
        return await whole(self._write(many, list(reports)))

    async def _write(self, many: list[tuple[Table, list[rows.Row]]], reports: list[ScanReport]) -> list[int]:
        async with self.writing() as connection:
            for table, chunk in many:
                await self._put(connection, table, chunk)
            return [await self._put_scan(connection, report) for report in reports]

    async def _put(self, connection: AsyncConnection, table: Table, chunk: Sequence[rows.Row]) -> None:
        if chunk:
            dialect = connection.dialect.name
            await connection.exec_driver_sql(rows.statement(table, dialect), rows.parameters(chunk, dialect))

    async def _put_scan(self, connection: AsyncConnection, report: ScanReport) -> int:
        values = dict(zip([column.name for column in scans.columns][1:], rows.scan_row(report), strict=True))
        found: int = (await connection.execute(_scan_upsert(connection.dialect.name, values))).scalar_one()
        await connection.execute(delete(opportunities).where(opportunities.c.scan_id == found))
        await self._put(connection, opportunities, rows.opportunity_rows(report, found))
        await self._put(connection, items, rows.item_rows(report))
        return found

    async def save_scan(self, report: ScanReport) -> int:
        """Store a scan with its opportunities and their prices; the same scan again replaces what it stored. Gives its id."""
        return (await self.write(report.market, reports=[report]))[0]

    async def add_points(self, market: str, points: Iterable[PricePoint]) -> None:
        """Store price points; a second one of the same kind and time replaces the first."""
        await self.write(market, points=points)

    async def add_sales(self, market: str, game: Game, title: str, history: Sequence[Sale]) -> None:
        """Store the sales of one answer of the market; those that are stored already are not stored again."""
        await self.write(market, histories=[History(game, title, history)])

    @measure_time
    async def update_item_price(self, market: str, game: Game, offer_id: str, price_cents: int, *, at: float | None = None) -> None:
        """Change the stored price of an offer, and then tell ``changed``, so that no cache keeps the old one.

        ``at`` is unix seconds, now by default. ``changed`` is awaited after the commit alone, also when the caller is cancelled meanwhile.

        Raises:
            StoreError: the price is below one cent, or no such offer is stored.
        """
        if price_cents < 1:
            raise StoreError(f"a price of {price_cents} cents cannot be stored: at least 1 is needed")
        await whole(self._update_item_price(market, game, offer_id, price_cents, time.time() if at is None else at))

    async def _update_item_price(self, market: str, game: Game, offer_id: str, price_cents: int, at: float) -> None:
        async with self.writing() as connection:
            title = (await connection.execute(_price_change(market, game, offer_id, price_cents, at))).scalar()
            if title is None:
                raise StoreError(f"no offer {offer_id} of {game} is stored for {market}: only offers that a scan found have a price here")
        if self._changed is not None:
            await self._changed(game, title, offer_id)

    @measure_time
    async def prune(self, older_than: float, *, now: float | None = None) -> dict[str, int]:
        """Remove what was seen longer ago than so many seconds; gives the rows removed, by table. The bot's tables are left alone."""
        cutoff = milliseconds((time.time() if now is None else now) - older_than)
        return {name: await self._prune(METADATA.tables[name], column, cutoff) for name, column in SEEN.items()}

    async def _prune(self, table: Table, column: str, cutoff: int) -> int:
        removed = 0
        while True:
            count, bound = await whole(self._prune_chunk(table, table.c[column], cutoff))
            removed += count
            if bound == cutoff:
                return removed

    async def _prune_chunk(self, table: Table, seen: Column[Any], cutoff: int) -> tuple[int, int]:
        """Remove the oldest rows, about a chunk of them: all up to a moment, so that an index finds them."""
        async with self.writing() as connection:
            last = (await connection.execute(_chunk_end(seen, cutoff))).scalar()
            bound = cutoff if last is None else last + 1
            done = await connection.execute(delete(table).where(seen < bound))
            return done.rowcount, bound

    # Reading

    @measure_time
    async def scans(self, limit: int = 20, *, market: str | None = None) -> list[StoredScan]:
        """The newest scans, newest first."""
        return [_stored(row) for row in await self.fetch(_newest_scans(limit, market))]

    async def scan(self, number: int) -> ScanReport:
        """A scan with its opportunities, the best first. Raises StoreError when there is none of that number."""
        found = await self.fetch(select(scans).where(scans.c.id == number))
        if not found:
            raise StoreError(f"no scan has the number {number}")
        report = _stored(found[0]).report
        report.opportunities = sorted(map(rows.opportunity, await self.fetch(_of_scan(number))), key=lambda one: one.order)
        return report

    @measure_time
    async def opportunities(self, market: str, game: Game, *, since: float = 0.0, limit: int = 100) -> list[Opportunity]:
        """What scans that began at ``since`` (unix seconds) or later found, newest scan first."""
        return [rows.opportunity(row) for row in await self.fetch(_found(market, game, since, limit))]

    async def finds(self, market: str, game: Game, *, since: float = 0.0, limit: int = 100) -> list[tuple[float, Opportunity]]:
        """The same, each with the unix seconds at which its scan began."""
        return [(row.found_at / 1000, rows.opportunity(row)) for row in await self.fetch(_found(market, game, since, limit))]

    async def finds_frame(self, market: str, *, since: float = 0.0) -> pl.DataFrame:
        """What scans that began at ``since`` (unix seconds) or later found, oldest first, with the level of their scan. Needs the extra `lab`."""
        found = await self.fetch(_finds(market, since))
        return frames.of_query(found, {"level": scans.c.level} | dict(opportunities.c.items()))

    async def scans_frame(self, market: str, *, since: float = 0.0) -> pl.DataFrame:
        """The scans that began then or later, oldest first, each with its stages and why offers were dropped. Needs the extra `lab`."""
        stored = await self.fetch(select(scans).where(scans.c.market == market, scans.c.started_at >= milliseconds(since)).order_by(scans.c.started_at))
        return frames.of_scans([_stored(row).report for row in stored])

    async def price(self, market: str, game: Game, offer_id: str) -> int | None:
        """The stored price of an offer in cents; None when it is not stored."""
        found = await self.fetch(select(items.c.price_cents).where(items.c.market == market, items.c.game == str(game), items.c.offer_id == offer_id))
        return found[0].price_cents if found else None

    async def title(self, market: str, game: Game, offer_id: str) -> str | None:
        """The title of an offer that a scan found; None when it is not stored."""
        found = await self.fetch(select(items.c.title).where(items.c.market == market, items.c.game == str(game), items.c.offer_id == offer_id))
        return found[0].title if found else None

    @measure_time
    async def points(self, market: str, game: Game, title: str, *, phase: str | None = None, since: float = 0.0) -> list[PricePoint]:
        """The price points of a title from ``since`` (unix seconds) on, oldest first; of all its phases, or of one."""
        found = await self.fetch(_of_title(price_points, price_points.c.at, market, game, title, phase, since))
        return [frames.point(row) for row in found]

    @measure_time
    async def sales(self, market: str, game: Game, title: str, *, phase: str | None = None, since: float = 0.0) -> list[Sale]:
        """The sales of a title from ``since`` (unix seconds) on, oldest first; of all its phases, or of one."""
        found = await self.fetch(_of_title(sales, sales.c.sold_at, market, game, title, phase, since))
        return [Sale(row.price_cents, row.sold_at // 1000, row.phase, row.to_target) for row in found]

    async def points_frame(self, market: str, game: Game, title: str, *, phase: str | None = None, since: float = 0.0) -> pl.DataFrame:
        """The same as a frame: at (UTC), phase, best_ask_cents, ask_count, best_bid_cents, bid_count. Needs the extra `lab`."""
        found = await self.fetch(_of_title(price_points, price_points.c.at, market, game, title, phase, since))
        return frames.frame(price_points, found, frames.POINTS)

    async def sales_frame(self, market: str, game: Game, title: str, *, phase: str | None = None, since: float = 0.0) -> pl.DataFrame:
        """The same as a frame: sold_at (UTC), phase, price_cents, to_target. Needs the extra `lab`."""
        found = await self.fetch(_of_title(sales, sales.c.sold_at, market, game, title, phase, since))
        return frames.frame(sales, found, frames.SALES)

    @measure_time
    async def titles(self, market: str, game: Game, *, since: float = 0.0, limit: int = 100) -> list[str]:
        """The titles with the most sales since then (unix seconds), then those whose price was seen most often."""
        found: dict[str, None] = {}
        for table, seen in ((sales, sales.c.sold_at), (price_points, price_points.c.at)):
            if len(found) < limit:
                found |= {row.title: None for row in await self.fetch(_most(table, seen, market, game, since, limit))}
        return list(found)[:limit]

    async def info(self) -> StoreInfo:
        """What the store holds; counts every table."""
        async with self.reading() as connection:
            counts = {name: (await connection.execute(select(func.count()).select_from(METADATA.tables[name]))).scalar_one() for name in METADATA.tables}
            ends = [(await connection.execute(select(func.min(seen), func.max(seen)))).one() for seen in _seen()]
            size = await self._size(connection)
        oldest = [row[0] for row in ends if row[0] is not None]
        newest = [row[1] for row in ends if row[1] is not None]
        return StoreInfo(self.options.shown, HEAD, size, counts, moment(min(oldest)) if oldest else None, moment(max(newest)) if newest else None)

    async def _size(self, connection: AsyncConnection) -> int:
        path = self.options.path
        if path is None:
            size: int = (await connection.execute(text("SELECT pg_database_size(current_database())"))).scalar_one()
            return size
        return sum(one.stat().st_size for one in (path, path.with_name(f"{path.name}-wal")) if one.exists())

    @measure_time
    async def export(self, folder: Path) -> dict[str, int]:
        """Write one Parquet file a table of what was seen; gives the rows of each. Needs the extra `lab`.

        Raises:
            StoreError: the folder cannot be written to; each file is there whole or not at all.
        """
        counts = {}
        with translated(self.options):
            for name in SEEN:
                table = METADATA.tables[name]
                counts[name] = await frames.write(table, await self.fetch(select(table)), folder)
        return counts

    # What the modules of this package build on: rows stay inside it

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read over; errors of drivers leave it as StoreError."""
        with translated(self.options):
            async with self._open.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes, committed at the end. Use it within ``whole`` or ``unbroken``: a cancelled caller must not tear it."""
        with translated(self.options):
            async with writing(self._open).begin() as connection:
                yield connection

    async def fetch(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """All rows of a query."""
        async with self.reading() as connection:
            found: Sequence[Row[Any]] = (await connection.execute(query)).all()
            return found

    @property
    def _open(self) -> AsyncEngine:
        if self._engine is None:
            raise StoreError(f"the store {self.options.shown} is not open: use `async with`")
        return self._engine


def _stored(row: Row[Any]) -> StoredScan:
    return StoredScan(row.id, row.finds, msgspec.json.decode(row.report, type=ScanReport))


def _seen() -> list[Column[Any]]:
    return [METADATA.tables[name].c[column] for name, column in SEEN.items()]


def _scan_upsert(dialect: str, values: dict[str, Any]) -> Any:
    query = rows.insert(scans, dialect).values(values)
    changed = {name: query.excluded[name] for name in ("seconds", "listed", "finds", "stopped", "report")}
    return query.on_conflict_do_update(index_elements=["market", "game", "level", "started_at"], set_=changed).returning(scans.c.id)


def _price_change(market: str, game: Game, offer_id: str, price_cents: int, at: float) -> Any:
    change: Update = update(items).where(items.c.market == market, items.c.game == str(game), items.c.offer_id == offer_id)
    return change.values(price_cents=price_cents, updated_at=milliseconds(at)).returning(items.c.title)


def _chunk_end(seen: Column[Any], cutoff: int) -> Select[Any]:
    return select(seen).where(seen < cutoff).order_by(seen).limit(1).offset(CHUNK)


def _newest_scans(limit: int, market: str | None) -> Select[Any]:
    query = select(scans).order_by(scans.c.started_at.desc()).limit(limit)
    return query if market is None else query.where(scans.c.market == market)


def _of_scan(number: int) -> Select[Any]:
    return select(opportunities).where(opportunities.c.scan_id == number)


def _found(market: str, game: Game, since: float, limit: int) -> Select[Any]:
    table = opportunities.c
    query = select(opportunities).where(table.market == market, table.game == str(game), table.found_at >= milliseconds(since))
    return query.order_by(table.found_at.desc(), table.profit_cents.desc(), table.offer_id).limit(limit)


def _finds(market: str, since: float) -> Select[Any]:
    query = select(scans.c.level, *opportunities.c).join(scans, scans.c.id == opportunities.c.scan_id)
    return query.where(opportunities.c.market == market, opportunities.c.found_at >= milliseconds(since)).order_by(opportunities.c.found_at)


def _of_title(table: Table, seen: Column[Any], market: str, game: Game, title: str, phase: str | None, since: float) -> Select[Any]:
    columns = table.c
    query = select(table).where(columns.market == market, columns.game == str(game), columns.title == title, seen >= milliseconds(since))
    query = query if phase is None else query.where(columns.phase == phase)
    return query.order_by(seen, columns.phase)


def _most(table: Table, seen: Column[Any], market: str, game: Game, since: float, limit: int) -> Select[Any]:
    columns = table.c
    query = select(columns.title).where(columns.market == market, columns.game == str(game), seen >= milliseconds(since))
    return query.group_by(columns.title).order_by(func.count().desc(), columns.title).limit(limit)
