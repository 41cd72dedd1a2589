"""What the bot keeps: letters to be sent, messages to be edited, scans that were asked for, and titles that are watched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_COUNTED = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TABLES = ("watches", "views", "cards", "outbox")


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables."""
    _letters()
    _views()
    _watches()


def downgrade() -> None:
    """Drop the tables, with all that is in them."""
    for name in _TABLES:
        op.drop_table(name)


def _letters() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _COUNTED, nullable=False),
        *_numbers("chat_id"),
        *_words("kind", "card", "body"),
        sa.Column("photo", sa.LargeBinary),
        *_numbers("created_at"),
        sa.Column("expires_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="outbox_pkey"),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_chat_id", "outbox", ["chat_id"])
    op.create_table(
        "cards",
        *_numbers("chat_id"),
        *_words("name"),
        *_numbers("message_id", "shown_at"),
        sa.PrimaryKeyConstraint("chat_id", "name", name="cards_pkey"),
    )
    op.create_index("cards_shown_at", "cards", ["shown_at"])


def _views() -> None:
    op.create_table(
        "views",
        sa.Column("id", _COUNTED, nullable=False),
        *_numbers("chat_id"),
        *_words("game", "level"),
        *_numbers("started_at"),
        *_words("state"),
        sa.Column("report", sa.Text),
        sa.Column("said", sa.Text),
        sa.PrimaryKeyConstraint("id", name="views_pkey"),
        sqlite_autoincrement=True,
    )
    op.create_index("views_chat_id", "views", ["chat_id", "id"])
    op.create_index("views_state", "views", ["state", "started_at"])


def _watches() -> None:
    op.create_table(
        "watches",
        sa.Column("id", _COUNTED, nullable=False),
        *_numbers("chat_id"),
        *_words("game", "level", "title"),
        *_numbers("since"),
        *_words("known"),
        sa.PrimaryKeyConstraint("id", name="watches_pkey"),
        sa.UniqueConstraint("chat_id", "game", "title", name="watches_chat_id_game_title_key"),
        sqlite_autoincrement=True,
    )
