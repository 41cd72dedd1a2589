"""Rows → polars frames and Parquet files. polars is loaded when the first frame is made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, Table
from sqlalchemy.engine import Row

from botcore.errors import StoreError
from botcore.model import Game, Quote
from botcore.store.rows import PricePoint

if TYPE_CHECKING:
    import polars as pl

__all__ = ["frame", "write"]

POINTS = ("at", "phase", "best_ask_cents", "ask_count", "best_bid_cents", "bid_count")
SALES = ("sold_at", "phase", "price_cents", "to_target")


def point(row: Row[Any]) -> PricePoint:
    """A stored price point."""
    quote = Quote(row.title, row.best_ask_cents, row.ask_count, row.best_bid_cents, row.bid_count)
    return PricePoint(Game(row.game), row.at / 1000, quote, row.phase)


def frame(table: Table, found: Sequence[Row[Any]], names: Sequence[str] | None = None) -> pl.DataFrame:
    """The rows, of the whole table, as a frame of these columns; times are UTC, to the millisecond. Raises StoreError without polars."""
    polars = _polars()
    columns = [table.c[name] for name in names or table.c.keys()]
    places = [list(table.c).index(column) for column in columns]
    series = []
    for column, place in zip(columns, places, strict=True):
        values = polars.Series(column.name, [row[place] for row in found], dtype=_kind(polars, column))
        series.append(values.cast(polars.Datetime("ms", "UTC")) if _is_time(column) else values)
    made: pl.DataFrame = polars.DataFrame(series)
    return made


def _polars() -> Any:
    try:
        import polars  # noqa: ICN001, PLC0415 - the store works without the extra, but for its frames
    except ModuleNotFoundError:
        raise StoreError("frames need the extra `lab`: pip install 'botcore[lab]'") from None
    return polars


def _is_time(column: Column[Any]) -> bool:
    return column.name == "at" or column.name.endswith("_at")


def _kind(polars: Any, column: Column[Any]) -> Any:
    if isinstance(column.type, Boolean):
        return polars.Boolean
    if isinstance(column.type, Double):
        return polars.Float64
    return polars.Int64 if isinstance(column.type, BigInteger | Integer) else polars.String


async def write(table: Table, found: Sequence[Row[Any]], folder: Path) -> int:
    """Write the rows to ``<table>.parquet`` in the folder; beside it first, so that a full disk leaves no half of it."""

    def work() -> None:
        made = frame(table, found)
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"{table.name}.parquet.part"
        made.write_parquet(partial)
        partial.replace(folder / f"{table.name}.parquet")

    try:
        await asyncio.to_thread(work)
    except OSError as error:
        raise StoreError(f"{folder / table.name}.parquet was not written: {error.strerror or error}") from None
    return len(found)
