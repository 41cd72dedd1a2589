"""What became of offers that were alerted or rejected."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_COUNTED = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "outcomes",
        sa.Column("id", _COUNTED, nullable=False),
        *_words("market", "game", "level", "offer_id", "title", "phase"),
        *_numbers("price_cents"),
        *_words("exit"),
        *_numbers("exit_price_cents", "fee_cents", "profit_cents", "lock_days", "noted_at", "due_at"),
        *_words("float_part", "paint_seed", "reason"),
        sa.Column("score", sa.Double),
        *_words("features"),
        *_numbers("step"),
        sa.Column("next_at", sa.BigInteger),
        *(sa.Column(name, sa.Boolean) for name in ("there_30s", "there_5min", "there_1h", "came_true")),
        sa.Column("earned_cents", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="outcomes_pkey"),
        sa.UniqueConstraint("market", "game", "offer_id", "price_cents", name="outcomes_market_game_offer_id_price_cents_key"),
    )
    op.create_index("outcomes_market_next_at", "outcomes", ["market", "next_at"])
    op.create_index("outcomes_market_noted_at", "outcomes", ["market", "noted_at"])
    op.create_index("outcomes_noted_at", "outcomes", ["noted_at"])


def downgrade() -> None:
    """Drop the table, with all that is in it."""
    op.drop_table("outcomes")
