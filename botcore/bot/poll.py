"""Fetches updates and hands them to the dispatcher; what is wrong is said once, and the end of it too.

An update is confirmed to Telegram once its handler is done, or has had a second: a bot that dies meanwhile is given it again.
Updates of one chat are handled in their order, those of several at the same time.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from weakref import WeakValueDictionary

from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramAPIError, TelegramConflictError, TelegramNotFound, TelegramRetryAfter, TelegramUnauthorizedError
from aiogram.types import Update, User

from botcore.bot.carrier import AWAY
from botcore.errors import ConfigError
from botcore.store import Chats

__all__ = ["KINDS", "Poller", "Said", "introduced", "pause"]

KINDS = ["message", "callback_query", "my_chat_member"]
"""Updates that are asked for; there is a handler for each."""
OFFSET = "telegram/offset"
HOLD = 20
"""Seconds that Telegram may hold an empty answer back."""
PATIENCE = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
_log = logging.getLogger(__name__)
_CONFLICT = "another program fetches this bot's updates: only one may, so end the other one, or give it a token of its own"


class Said:
    """Says that something went wrong when it begins and when it ends, and how long to wait before each try."""

    def __init__(self) -> None:
        self._reason = ""
        self._pause = 0.0

    def wrong(self, reason: str) -> float:
        """It failed, for this reason; gives the seconds to wait, longer each time."""
        if reason != self._reason:
            _log.warning("%s", reason)
        self._reason = reason
        self._pause = min(max(FIRST_PAUSE, self._pause * 1.5), LONGEST_PAUSE)
        return self._pause * random.uniform(0.8, 1.0)  # noqa: S311 - only so that not all come back at once

    def right(self) -> None:
        """It works."""
        if self._reason:
            _log.warning("Telegram answers again")
        self._reason, self._pause = "", 0.0


def _reason(error: Exception) -> str:
    if isinstance(error, TelegramConflictError):
        return f"{error.message.split(';')[0]}: use polling or a webhook, not both" if "webhook" in error.message.lower() else _CONFLICT
    return f"Telegram does not answer ({type(error).__name__}); trying again until it does"


def pause(error: Exception, said: Said) -> float:
    """Seconds to wait after a failed call. Raises ConfigError for a token that Telegram refuses, since no trying helps."""
    if isinstance(error, TelegramUnauthorizedError | TelegramNotFound):
        raise ConfigError("Telegram refuses TELEGRAM_TOKEN: copy it again from @BotFather, where it may have been revoked") from None
    pause = said.wrong(_reason(error))
    return max(pause, float(error.retry_after)) if isinstance(error, TelegramRetryAfter) else pause


async def introduced(bot: Bot) -> User:
    """Who the bot is; asked until Telegram answers. Raises ConfigError when it refuses the token."""
    said = Said()
    while True:
        try:
            me = await bot.me()
        except (TelegramAPIError, *AWAY) as error:
            await asyncio.sleep(pause(error, said))
        else:
            said.right()
            return me


class Poller:
    """Fetches the updates of one bot."""

    def __init__(self, bot: Bot, dispatcher: Dispatcher, chats: Chats, *, clock: Callable[[], float] = time.time) -> None:
        self._bot = bot
        self._dispatcher = dispatcher
        self._chats = chats
        self._clock = clock
        self._said = Said()
        self._order: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Fetch and handle until cancelled. Raises ConfigError when the token is refused."""
        stored = await self._chats.recall(OFFSET)
        offset = int(stored) if stored else None
        while True:
            updates = await self._fetch(offset)
            if updates:
                await self._handle(updates)
                offset = updates[-1].update_id + 1
                await self._chats.remember(OFFSET, str(offset), self._clock())

    async def finish(self, within: float) -> None:
        """Let handlers that run come to their end, for so many seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)
        for task in self._tasks:
            task.cancel()

    async def _fetch(self, offset: int | None) -> list[Update]:
        try:
            updates = await self._bot.get_updates(offset=offset, timeout=HOLD, allowed_updates=KINDS, request_timeout=HOLD + 15)
        except (TelegramAPIError, *AWAY) as error:
            await asyncio.sleep(pause(error, self._said))
            return []
        self._said.right()
        return updates

    async def _handle(self, updates: Sequence[Update]) -> None:
        tasks = [asyncio.create_task(self._one(update)) for update in updates]
        for task in tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await asyncio.wait(tasks, timeout=PATIENCE)

    async def _one(self, update: Update) -> None:
        """Handle one update, after those of its chat that came before. aiogram's error handlers have every error but a cancellation."""
        order = self._order.setdefault(_chat_of(update), asyncio.Lock())
        async with order:
            try:
                await self._dispatcher.feed_update(self._bot, update)
            except Exception:  # noqa: BLE001 - the outermost boundary: even the handler of errors failed
                _log.exception("update %s failed, and so did telling of it", update.update_id)


def _chat_of(update: Update) -> int:
    """What belongs together and is handled in order: a chat, or a person outside of one."""
    if update.message is not None:
        return update.message.chat.id
    if update.callback_query is not None:
        query = update.callback_query
        return query.message.chat.id if query.message is not None else query.from_user.id
    return update.my_chat_member.chat.id if update.my_chat_member is not None else 0
