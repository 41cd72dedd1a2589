"""Rows → polars frames and Parquet files. polars is loaded when the first frame is made."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, Table
from sqlalchemy.engine import Row

from botcore.errors import StoreError
from botcore.model import Game, Quote, ScanReport
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
    columns = [table.c[name] for name in names or table.c.keys()]
    places = [list(table.c).index(column) for column in columns]
    return _made(columns, places, found)


def of_query(found: Sequence[Row[Any]], columns: Mapping[str, Column[Any]]) -> pl.DataFrame:
    """The rows of a query over several tables, with its columns by name, in their order."""
    return _made(list(columns.values()), range(len(columns)), found)


def of_scans(reports: Sequence[ScanReport]) -> pl.DataFrame:
    """A row a scan: when, what, how long, its stages from listed to found, requests, and a column for each reason why offers were dropped."""
    polars = _polars()
    reasons = sorted({reason for report in reports for reason in report.funnel.dropped})
    rows = [_scan(report) | {f"dropped_{reason}": report.funnel.dropped.get(reason, 0) for reason in reasons} for report in reports]
    made: pl.DataFrame = polars.DataFrame(rows, infer_schema_length=None)
    return made


def _scan(report: ScanReport) -> dict[str, Any]:
    told = {"started_at": report.started_at, "game": report.game.value, "level": report.level.value, "seconds": report.seconds}
    stages = {name: getattr(report.funnel, name) for name in ("listed", "quoted", "checked", "found")}
    requests = {f"requests_{name}": getattr(report.requests, name) for name in report.requests.__struct_fields__}
    return {**told, "bound_seconds": report.quota_bound_seconds, "stopped": report.stopped, **stages, **requests}


def _made(columns: Sequence[Column[Any]], places: Sequence[int], found: Sequence[Row[Any]]) -> pl.DataFrame:
    polars = _polars()
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
