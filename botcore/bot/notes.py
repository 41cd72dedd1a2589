"""What the outbox is handed to tell of a find, and what it counts."""

from __future__ import annotations

import msgspec

from botcore.bot.posts import Post
from botcore.model import Alert

__all__ = ["Note", "OutboxCounts"]


class OutboxCounts(msgspec.Struct):
    """What became of letters since the start.

    Messages sent, cards changed, refused by flood control, too old, taken into digests, never taken, and alerts whose offer was
    gone or priced anew right before they were to be sent.
    """

    sent: int = 0
    changed: int = 0
    refused: int = 0
    expired: int = 0
    digested: int = 0
    spoiled: int = 0
    gone: int = 0


class Note(msgspec.Struct, frozen=True):
    """An alert: shown as a card of this name, or as one line of a digest; not sent at all after ``expires_at`` (unix seconds).

    ``alert`` is that of a watch, which is looked at once more right before it is sent.
    """

    card: str
    post: Post
    line: str
    lang: str
    expires_at: float
    alert: Alert | None = None
