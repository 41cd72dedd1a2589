"""What every handler has at hand, and the talk that an update belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from botcore.app import App
from botcore.bot.alerts import Watcher
from botcore.bot.games import GameWatcher
from botcore.bot.meter import Meter
from botcore.bot.outbox import Outbox
from botcore.bot.posts import Post
from botcore.bot.scans import Views
from botcore.bot.titles import Titles
from botcore.bot.troubles import Troubles
from botcore.store import Chats, ChatSettings

__all__ = ["Desk", "Talk"]


@dataclass(frozen=True)
class Desk:
    """One bot's objects. ``clock`` gives unix seconds; ``started`` is when the bot began."""

    app: App
    chats: Chats
    outbox: Outbox
    views: Views
    watcher: Watcher
    games: GameWatcher
    titles: Titles
    troubles: Troubles
    meter: Meter
    clock: Callable[[], float]
    started: float

    @property
    def sandbox(self) -> bool:
        """Whether what is shown is invented."""
        return self.app.market == "sandbox"


class Talk(msgspec.Struct, frozen=True):
    """Where an update came from, and how to answer there."""

    outbox: Outbox
    chat_id: int
    user_id: int
    name: str
    lang: str
    settings: ChatSettings

    async def say(self, post: Post | str, *, photo: bytes | None = None) -> None:
        """Answer with a new message."""
        await self.outbox.say(self.chat_id, post, photo=photo)

    async def put(self, message: int | None, post: Post) -> None:
        """Answer in place of a message; with a new one where there is none, or it is too old to be told."""
        await self.outbox.say(self.chat_id, post, message=message)
