"""Tables and indexes, as they are after the newest migration. Times are unix milliseconds, money is cents."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

__all__ = [
    "METADATA",
    "SEEN",
    "alerts",
    "cards",
    "chats",
    "items",
    "mutes",
    "opportunities",
    "outbox",
    "outcomes",
    "price_points",
    "sales",
    "scans",
    "state",
    "told",
    "views",
    "watched_levels",
    "watches",
    "watermarks",
]

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
"""Watermarks and the like: a name and its text, or only when it was noted."""

outbox = Table(
    "outbox",
    METADATA,
    Column("id", _COUNTED, primary_key=True),
    *_numbers("chat_id"),
    *_words("kind", "card", "body"),
    Column("photo", LargeBinary),
    *_numbers("created_at"),
    Column("expires_at", BigInteger),
    Index("outbox_chat_id", "chat_id"),
    sqlite_autoincrement=True,  # the id is the order: none may be given twice, however many are deleted
)
"""What is to be sent and was not yet, in the order of its ids. ``card`` is the name of the message that it makes or edits, or empty."""

cards = Table(
    "cards",
    METADATA,
    Column("chat_id", BigInteger, primary_key=True),
    *_keys("name"),
    *_numbers("message_id", "shown_at"),
    Index("cards_shown_at", "shown_at"),
)
"""Messages in a chat that may be edited later, each by its name."""

views = Table(
    "views",
    METADATA,
    Column("id", _COUNTED, primary_key=True),
    *_numbers("chat_id"),
    *_words("game", "level"),
    *_numbers("started_at"),
    *_words("state"),
    Column("report", Text),
    Column("said", Text),
    Index("views_chat_id", "chat_id", "id"),
    Index("views_state", "state", "started_at"),
    sqlite_autoincrement=True,  # a button of an old message must not open somebody's newer scan
)
"""Scans that a chat asked for; ``report`` is the whole report as JSON, ``said`` is why it failed."""

watches = Table(
    "watches",
    METADATA,
    Column("id", _COUNTED, primary_key=True),
    *_numbers("chat_id"),
    *_words("game", "level", "title"),
    *_numbers("since"),
    *_words("known"),
    UniqueConstraint("chat_id", "game", "title"),
    sqlite_autoincrement=True,  # same as for views
)
"""Titles that a chat wants to hear of; ``known`` is the JSON of the offers it was told of: offer id → price in cents."""

watched_levels = Table(
    "watched_levels",
    METADATA,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    *_keys("game", "level"),
    *_numbers("since"),
)
"""Levels of games of which a chat wants to hear every find."""

told = Table(
    "told",
    METADATA,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    *_keys("card"),
    *_numbers("told_at"),
    Index("told_told_at", "told_at"),
)
"""Cards that are told to a chat once: put among what is to be sent, whether or not that was sent already."""

watermarks = Table("watermarks", METADATA, *_keys("market", "door", "game", "scope"), *_numbers("listed_at", "updated_at"))
"""Up to when of the market's listing everything was decided, for each door and what it watches."""

alerts = Table(
    "alerts",
    METADATA,
    Column("id", _COUNTED, primary_key=True),
    *_words("market", "door", "game", "level", "offer_id", "asset_id", "title"),
    *_numbers("price_cents", "listed_at", "seen_at", "decided_at", "queued_at"),
    Column("sent_at", BigInteger),
    *_words("state", "offer_now"),
    *_numbers("price_now", "changed_at"),
    Column("told", Text),
    Column("watched", Boolean, nullable=False),
    *_words("found"),
    UniqueConstraint("market", "door", "offer_id", "price_cents"),
    Index("alerts_market_door_watched", "market", "door", "watched", "id"),
    Index("alerts_market_door_queued_at", "market", "door", "queued_at"),
    Index("alerts_queued_at", "queued_at"),
    sqlite_autoincrement=True,  # an alert's number is known outside and must not come again
)
"""Alerts that a door was given. ``state``, ``offer_now`` and ``price_now`` are what became of one, ``told`` what its door knows
of that, null before it has the alert itself; ``watched`` until it is gone and that was told. ``found`` is the opportunity as JSON."""

outcomes = Table(
    "outcomes",
    METADATA,
    Column("id", _COUNTED, primary_key=True),
    *_words("market", "game", "level", "offer_id", "title", "phase"),
    *_numbers("price_cents"),
    *_words("exit"),
    *_numbers("exit_price_cents", "fee_cents", "profit_cents", "lock_days", "noted_at", "due_at"),
    *_words("float_part", "paint_seed", "reason"),
    Column("score", Double),
    *_words("features"),
    *_numbers("step"),
    Column("next_at", BigInteger),
    *(Column(name, Boolean) for name in ("there_30s", "there_5min", "there_1h", "came_true")),
    Column("earned_cents", BigInteger),
    UniqueConstraint("market", "game", "offer_id", "price_cents"),
    Index("outcomes_market_next_at", "market", "next_at"),
    Index("outcomes_market_noted_at", "market", "noted_at"),
    Index("outcomes_noted_at", "noted_at"),
)
"""What was said of an offer, and what became of it. ``reason`` is empty for an alert, else why the offer was rejected. ``step`` counts
the questions that were asked, ``next_at`` is when the next one is due, null after the last."""

SEEN = {"opportunities": "found_at", "scans": "started_at", "items": "updated_at", "price_points": "at", "sales": "sold_at", "outcomes": "noted_at"}
"""The tables of what was seen, each with the column that tells when; in the order in which rows are removed."""
