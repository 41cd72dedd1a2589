"""Games and levels that a chat watches, and which alerts it was told of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "watched_levels",
        sa.Column("chat_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("game", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("chat_id", "game", "level", name="watched_levels_pkey"),
    )
    op.create_table(
        "told",
        sa.Column("chat_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("card", sa.Text, nullable=False),
        sa.Column("told_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("chat_id", "card", name="told_pkey"),
    )
    op.create_index("told_told_at", "told", ["told_at"])


def downgrade() -> None:
    """Drop the tables, with all that is in them."""
    op.drop_table("told")
    op.drop_table("watched_levels")
