"""What a watch keeps: how far it has come in the market's listing, and the alerts that it gave."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_COUNTED = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables."""
    _watermarks()
    _alerts()


def downgrade() -> None:
    """Drop the tables, with all that is in them."""
    op.drop_table("alerts")
    op.drop_table("watermarks")


def _watermarks() -> None:
    op.create_table(
        "watermarks",
        *_words("market", "door", "game", "scope"),
        *_numbers("listed_at", "updated_at"),
        sa.PrimaryKeyConstraint("market", "door", "game", "scope", name="watermarks_pkey"),
    )


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", _COUNTED, nullable=False),
        *_words("market", "door", "game", "level", "offer_id", "asset_id", "title"),
        *_numbers("price_cents", "listed_at", "seen_at", "decided_at", "queued_at"),
        sa.Column("sent_at", sa.BigInteger),
        *_words("state", "offer_now"),
        *_numbers("price_now", "changed_at"),
        sa.Column("told", sa.Text),
        sa.Column("watched", sa.Boolean, nullable=False),
        *_words("found"),
        sa.PrimaryKeyConstraint("id", name="alerts_pkey"),
        sa.UniqueConstraint("market", "door", "offer_id", "price_cents", name="alerts_market_door_offer_id_price_cents_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("alerts_market_door_watched", "alerts", ["market", "door", "watched", "id"])
    op.create_index("alerts_market_door_queued_at", "alerts", ["market", "door", "queued_at"])
    op.create_index("alerts_queued_at", "alerts", ["queued_at"])
