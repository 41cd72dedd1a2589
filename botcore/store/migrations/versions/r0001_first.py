"""The first tables: scans, opportunities, items, price points, sales, and what the bot needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_COUNTED = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TABLES = ("state", "mutes", "chats", "sales", "price_points", "items", "opportunities", "scans")


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables."""
    _scans()
    _prices()
    _bot()


def downgrade() -> None:
    """Drop the tables, with all that is in them."""
    for name in _TABLES:
        op.drop_table(name)


def _scans() -> None:
    op.create_table(
        "scans",
        sa.Column("id", _COUNTED, nullable=False),
        *_words("market", "game", "level"),
        *_numbers("started_at"),
        sa.Column("seconds", sa.Double, nullable=False),
        *_numbers("listed", "finds"),
        sa.Column("stopped", sa.Text),
        *_words("report"),
        sa.PrimaryKeyConstraint("id", name="scans_pkey"),
        sa.UniqueConstraint("market", "game", "level", "started_at", name="scans_market_game_level_started_at_key"),
    )
    op.create_index("scans_started_at", "scans", ["started_at"])
    op.create_table(
        "opportunities",
        sa.Column("scan_id", _COUNTED, nullable=False),
        *_words("offer_id", "market"),
        *_numbers("found_at"),
        *_words("asset_id", "title", "phase", "game"),
        *_numbers("price_cents"),
        *_words("exit"),
        *_numbers("exit_price_cents", "fee_cents", "profit_cents"),
        sa.Column("profit_percent", sa.Double, nullable=False),
        *_numbers("trade_lock_days", "listed_at", "sales_30d"),
        sa.Column("median_cents", sa.BigInteger),
        sa.Column("next_ask_cents", sa.BigInteger),
        sa.Column("days_to_sell", sa.Double),
        *_words("url"),
        sa.PrimaryKeyConstraint("scan_id", "offer_id", name="opportunities_pkey"),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.id"], name="opportunities_scan_id_fkey", ondelete="CASCADE"),
    )
    op.create_index("opportunities_found_at", "opportunities", ["found_at"])
    op.create_index("opportunities_market_game_found_at", "opportunities", ["market", "game", "found_at"])


def _prices() -> None:
    op.create_table(
        "items",
        *_words("market", "game", "offer_id", "title", "phase"),
        *_numbers("price_cents", "updated_at"),
        sa.PrimaryKeyConstraint("market", "game", "offer_id", name="items_pkey"),
    )
    op.create_index("items_updated_at", "items", ["updated_at"])
    op.create_table(
        "price_points",
        *_words("market", "game", "title", "phase"),
        *_numbers("at", "best_ask_cents", "ask_count", "best_bid_cents", "bid_count"),
        sa.PrimaryKeyConstraint("market", "game", "title", "phase", "at", name="price_points_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("price_points_at", "price_points", ["at"])
    op.create_index("price_points_market_game_at", "price_points", ["market", "game", "at", "title"])
    op.create_table(
        "sales",
        *_words("market", "game", "title", "phase"),
        *_numbers("sold_at", "price_cents"),
        sa.Column("to_target", sa.Boolean, nullable=False),
        *_numbers("ordinal"),
        sa.PrimaryKeyConstraint("market", "game", "title", "phase", "sold_at", "price_cents", "to_target", "ordinal", name="sales_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("sales_sold_at", "sales", ["sold_at"])
    op.create_index("sales_market_game_sold_at", "sales", ["market", "game", "sold_at", "title"])


def _bot() -> None:
    op.create_table(
        "chats",
        sa.Column("chat_id", sa.BigInteger, nullable=False, autoincrement=False),
        *_words("settings"),
        sa.PrimaryKeyConstraint("chat_id", name="chats_pkey"),
    )
    op.create_table(
        "mutes",
        *_numbers("chat_id"),
        *_words("game", "title"),
        sa.PrimaryKeyConstraint("chat_id", "game", "title", name="mutes_pkey"),
        sa.ForeignKeyConstraint(["chat_id"], ["chats.chat_id"], name="mutes_chat_id_fkey", ondelete="CASCADE"),
    )
    op.create_table("state", *_words("name", "value"), *_numbers("updated_at"), sa.PrimaryKeyConstraint("name", name="state_pkey"))
