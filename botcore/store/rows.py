"""Model objects ↔ rows, and the statements that write many rows at once. Pure: no connection here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from botcore.model import Exit, Game, Opportunity, Quote, Sale, ScanReport
from botcore.store.schema import items, opportunities, price_points, sales, scans

__all__ = ["History", "PricePoint", "milliseconds"]

Row = tuple[Any, ...]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class PricePoint(msgspec.Struct, frozen=True, gc=False):
    """The quote of a kind at a time; ``at`` is unix seconds. Quotes tell titles apart and not phases, so ``phase`` is mostly empty."""

    game: Game
    at: float
    quote: Quote
    phase: str = ""


class History(msgspec.Struct, frozen=True):
    """Sales of a title, as one answer of the market tells them."""

    game: Game
    title: str
    sales: Sequence[Sale]


def milliseconds(at: float | datetime) -> int:
    """Unix milliseconds of unix seconds or of a moment."""
    return (at - _EPOCH) // _MILLISECOND if isinstance(at, datetime) else round(at * 1000)


def moment(stored: int) -> datetime:
    """The moment of unix milliseconds."""
    return _EPOCH + stored * _MILLISECOND


def storable(text: str) -> str:
    """The text without what no database takes: a zero character and half of a surrogate pair are replaced."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def scan_row(report: ScanReport) -> Row:
    """A scan without its id, which the database gives."""
    bare = msgspec.structs.replace(report, opportunities=[])
    found = len(report.opportunities)
    started = milliseconds(report.started_at)
    words = (report.market, str(report.game), str(report.level))
    return (*words, started, report.seconds, report.listed, found, report.stopped, msgspec.json.encode(bare).decode())


def opportunity_rows(report: ScanReport, scan: int) -> list[Row]:
    """What a scan found, each offer once."""
    start = milliseconds(report.started_at)
    rows = {}
    for found in report.opportunities:
        values = dict(zip(found.__struct_fields__, msgspec.structs.astuple(found), strict=True))
        values |= {"scan_id": scan, "market": report.market, "found_at": start, "game": str(found.game), "exit": str(found.exit)}
        values["listed_at"] = milliseconds(found.listed_at)
        rows[found.offer_id] = tuple(values[column.name] for column in opportunities.columns)
    return list(rows.values())


def opportunity(row: Any) -> Opportunity:
    """A row as it was found."""
    values = {name: getattr(row, name) for name in Opportunity.__struct_fields__}
    return Opportunity(**{**values, "game": Game(row.game), "exit": Exit(row.exit), "listed_at": moment(row.listed_at)})


def item_rows(report: ScanReport) -> list[Row]:
    """The price of each offer that was found, as of the end of its scan."""
    at = milliseconds(report.started_at) + round(report.seconds * 1000)
    rows = {found.offer_id: (report.market, str(found.game), found.offer_id, found.title, found.phase, found.price_cents, at) for found in report.opportunities}
    return list(rows.values())


def point_rows(market: str, points: Iterable[PricePoint]) -> list[Row]:
    """Points, the last one where two are of the same kind and time."""
    rows: dict[Row, Row] = {}
    for point in points:
        quote = point.quote
        key = (market, str(point.game), quote.title, point.phase, milliseconds(point.at))
        rows[key] = (*key, quote.best_ask_cents, quote.ask_count, quote.best_bid_cents, quote.bid_count)
    return list(rows.values())


def sale_rows(market: str, histories: Iterable[History]) -> list[Row]:
    """Sales, those alike in all else numbered within the answer they came in: the same answer again gives the same rows."""
    rows: dict[Row, None] = {}
    for history in histories:
        seen: Counter[Row] = Counter()
        for sale in history.sales:
            key = (market, str(history.game), history.title, sale.phase, sale.sold_at * 1000, sale.price_cents, sale.to_target)
            rows[*key, seen[key]] = None
            seen[key] += 1
    return list(rows)


_CHANGED = {
    scans.name: ("seconds", "listed", "finds", "stopped", "report"),
    opportunities.name: (),
    items.name: ("title", "phase", "price_cents", "updated_at"),
    price_points.name: ("best_ask_cents", "ask_count", "best_bid_cents", "bid_count"),
    sales.name: (),
}
"""What a row that is already there takes from the new one; nothing: it stays as it is."""
_NEWER = {items.name: "updated_at"}
"""The column by which a row takes over only what is no older."""


def insert(table: Table, dialect: str) -> Any:
    """An INSERT that may say what to do about rows that are there already; both dialects say it by the same names."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


@cache
def statement(table: Table, dialect: str) -> str:
    """Insert or update many rows by one statement: placeholders a row for SQLite, an array a column for PostgreSQL."""
    names = [column.name for column in table.columns]
    marks = ", ".join("?" * len(names))
    source = f"VALUES ({marks})" if dialect == "sqlite" else f"SELECT * FROM unnest({_arrays(table)})"  # noqa: S608 - names of our own schema
    return f"INSERT INTO {table.name} ({', '.join(names)}) {source} ON CONFLICT ({', '.join(column.name for column in table.primary_key)}) {_action(table)}"


def _arrays(table: Table) -> str:
    kinds = [column.type.compile(postgresql.dialect()) for column in table.columns]  # type: ignore[no-untyped-call]
    return ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(kinds, 1))


def _action(table: Table) -> str:
    changed = _CHANGED[table.name]
    if not changed:
        return "DO NOTHING"
    newer = _NEWER.get(table.name)
    guard = f" WHERE excluded.{newer} >= {table.name}.{newer}" if newer else ""
    return f"DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in changed)}{guard}"


def parameters(rows: Sequence[Row], dialect: str) -> Any:
    """Rows as the statement takes them."""
    return rows if dialect == "sqlite" else tuple(map(list, zip(*rows, strict=True)))
