"""Tables and indexes, as they are after the newest migration. Times are unix milliseconds, money is cents."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, Table, Text, UniqueConstraint

__all__ = ["METADATA", "SEEN", "chats", "items", "mutes", "opportunities", "price_points", "sales", "scans", "state"]

METADATA = MetaData(
    naming_convention={"pk": "%(table_name)s_pkey", "uq": "%(table_name)s_%(column_0_N_name)s_key", "fk": "%(table_name)s_%(column_0_N_name)s_fkey"}
)
_COUNTED = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only what it calls INTEGER


def _words(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False) for name in names]


def _keys(*names: str) -> list[Column[str]]:
    return [Column(name, Text, primary_key=True) for name in names]


def _numbers(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False) for name in names]


scans = Table(
    "scans",
    METADATA,
    Column("id", _COUNTED, primary_key=True),
    *_words("market", "game", "level"),
    *_numbers("started_at"),
    Column("seconds", Double, nullable=False),
    *_numbers("listed", "finds"),
    Column("stopped", Text),
    *_words("report"),
    UniqueConstraint("market", "game", "level", "started_at"),
    Index("scans_started_at", "started_at"),
)
"""One row a scan; ``report`` is the whole report as JSON, its opportunities left out."""

opportunities = Table(
    "opportunities",
    METADATA,
    Column("scan_id", _COUNTED, ForeignKey(scans.c.id, ondelete="CASCADE"), primary_key=True),
    *_keys("offer_id"),
    *_words("market"),
    *_numbers("found_at"),
    *_words("asset_id", "title", "phase", "game"),
    *_numbers("price_cents"),
    *_words("exit"),
    *_numbers("exit_price_cents", "fee_cents", "profit_cents"),
    Column("profit_percent", Double, nullable=False),
    *_numbers("trade_lock_days", "listed_at", "sales_30d"),
    Column("median_cents", BigInteger),
    Column("next_ask_cents", BigInteger),
    Column("days_to_sell", Double),
    *_words("url"),
    Index("opportunities_found_at", "found_at"),
    Index("opportunities_market_game_found_at", "market", "game", "found_at"),
)
"""What a scan found; ``found_at`` is the start of its scan."""

items = Table(
    "items",
    METADATA,
    *_keys("market", "game", "offer_id"),
    *_words("title", "phase"),
    *_numbers("price_cents", "updated_at"),
    Index("items_updated_at", "updated_at"),
)
"""The last known price of each offer that was found."""

price_points = Table(
    "price_points",
    METADATA,
    *_keys("market", "game", "title", "phase"),
    Column("at", BigInteger, primary_key=True),
    *_numbers("best_ask_cents", "ask_count", "best_bid_cents", "bid_count"),
    Index("price_points_at", "at"),
    Index("price_points_market_game_at", "market", "game", "at", "title"),
    sqlite_with_rowid=False,  # the key is nearly the whole row: without it the file is half as large
)
"""The quote of a kind at a time."""

sales = Table(
    "sales",
    METADATA,
    *_keys("market", "game", "title", "phase"),
    Column("sold_at", BigInteger, primary_key=True),
    Column("price_cents", BigInteger, primary_key=True),
    Column("to_target", Boolean, primary_key=True),
    Column("ordinal", BigInteger, primary_key=True),
    Index("sales_sold_at", "sold_at"),
    Index("sales_market_game_sold_at", "market", "game", "sold_at", "title"),
    sqlite_with_rowid=False,
)
"""Each sale once; ``ordinal`` tells sales apart that are alike in all else."""

chats = Table("chats", METADATA, Column("chat_id", BigInteger, primary_key=True, autoincrement=False), *_words("settings"))
"""A chat of the bot and its settings, as JSON."""

mutes = Table(
    "mutes",
    METADATA,
    Column("chat_id", BigInteger, ForeignKey(chats.c.chat_id, ondelete="CASCADE"), primary_key=True),
    *_keys("game", "title"),
)
"""Titles that a chat does not want to hear of."""

state = Table("state", METADATA, *_keys("name"), *_words("value"), *_numbers("updated_at"))
"""Watermarks and the like: a name and its JSON."""

SEEN = {"opportunities": "found_at", "scans": "started_at", "items": "updated_at", "price_points": "at", "sales": "sold_at"}
"""The tables of what was seen, each with the column that tells when; in the order in which rows are removed."""
