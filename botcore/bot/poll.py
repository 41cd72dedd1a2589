"""Fetches updates and hands them to the dispatcher; what is wrong is said once, and the end of it too.

An update is confirmed to Telegram once its handler is done, or has had a second: a bot that dies meanwhile is given it again.
Updates of one chat are handled in their order, those of several at the same time.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from weakref import WeakValueDictionary

from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramAPIError, TelegramConflictError, TelegramNotFound, TelegramRetryAfter, TelegramUnauthorizedError
from aiogram.types import Update

from botcore.bot.carrier import AWAY
from botcore.errors import ConfigError, StoreError
from botcore.store import Chats

__all__ = ["KINDS", "Poller", "insisted"]

KINDS = ["message", "callback_query", "my_chat_member"]
"""Updates that are asked for; there is a handler for each."""
HOLD = 20
"""Seconds that Telegram may hold an empty answer back."""
PATIENCE = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
ENDING = 0.3
"""Seconds for a handler that is cut off to put away what it holds."""
_log = logging.getLogger(__name__)
_CONFLICT = "another program fetches this bot's updates: only one may, so end the other one, or give it a token of its own"
_WEBHOOK = "somebody set a webhook for this bot, so that no updates can be fetched: use polling or a webhook, not both"
T = TypeVar("T")


class Said:
    """Says that something went wrong when it begins and when it ends, and how long to wait before each try."""

    def __init__(self) -> None:
        self._kinds: set[str] = set()
        self._pause = 0.0

    def wrong(self, kind: str, words: str) -> float:
        """It failed; gives the seconds to wait, longer each time. Of each kind the words are said once until it works again."""
        if kind not in self._kinds:
            _log.warning("%s", words)
        self._kinds.add(kind)
        self._pause = min(max(FIRST_PAUSE, self._pause * 1.5), LONGEST_PAUSE)
        return self._pause * random.uniform(0.8, 1.0)  # noqa: S311 - only so that not all come back at once

    def right(self) -> None:
        """It works."""
        if self._kinds:
            _log.warning("Telegram answers again")
        self._kinds, self._pause = set(), 0.0


def _pause(error: Exception, said: Said) -> float:
    """Seconds to wait after a failed call. Raises ConfigError for a token that Telegram refuses, since no trying helps."""
    if isinstance(error, TelegramUnauthorizedError | TelegramNotFound):
        raise ConfigError("Telegram refuses TELEGRAM_TOKEN: copy it again from @BotFather, where it may have been revoked") from None
    if isinstance(error, TelegramConflictError):
        return said.wrong("webhook", _WEBHOOK) if "webhook" in error.message.lower() else said.wrong("conflict", _CONFLICT)
    pause = said.wrong("away", f"Telegram does not answer ({type(error).__name__}); trying again until it does")
    return max(pause, float(error.retry_after)) if isinstance(error, TelegramRetryAfter) else pause


async def insisted(call: Callable[[], Awaitable[T]]) -> T:
    """What a call gives, made until Telegram answers. Raises ConfigError when it refuses the token."""
    said = Said()
    while True:
        try:
            given = await call()
        except (TelegramAPIError, *AWAY) as error:
            await asyncio.sleep(_pause(error, said))
        else:
            said.right()
            return given


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
        self._fetched: dict[int, asyncio.Task[None]] = {}
        self._offset: int | None = None
        self._place = f"telegram/offset/{bot.id}"
        self._unnoted = False

    async def run(self) -> None:
        """Fetch and handle until cancelled. Raises ConfigError when the token is refused."""
        stored = await self._chats.recall(self._place)
        self._offset = int(stored) if stored else None
        while True:
            self._begin(await self._fetch())
            if self._fetched:
                await asyncio.wait(self._fetched.values(), timeout=PATIENCE)
                await self._confirm(max(self._fetched) + 1)

    async def finish(self, within: float) -> None:
        """Let handlers that run come to their end, for so many seconds. What was fetched last and was not handled then is fetched again by the next start."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)
        if self._fetched:
            await self._confirm(min((number for number, task in self._fetched.items() if not task.done()), default=max(self._fetched) + 1))
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=ENDING)

    async def _fetch(self) -> list[Update]:
        try:
            updates = await self._bot.get_updates(offset=self._offset, timeout=HOLD, allowed_updates=KINDS, request_timeout=HOLD + 15)
        except (TelegramAPIError, *AWAY) as error:
            await asyncio.sleep(_pause(error, self._said))
            return []
        self._said.right()
        return updates

    def _begin(self, updates: Sequence[Update]) -> None:
        self._fetched = {update.update_id: asyncio.create_task(self._one(update)) for update in updates}
        for task in self._fetched.values():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _confirm(self, offset: int) -> None:
        """Everything before ``offset`` is handled: Telegram hears of it with the next fetch, and the store now, for a next start that comes before that."""
        self._offset, self._fetched = offset, {}
        try:
            await self._chats.remember(self._place, str(offset), self._clock())
        except StoreError as error:
            if not self._unnoted:
                _log.warning("a restart may handle some updates twice, since the store does not take note of them: %s", error)
            self._unnoted = True
        else:
            self._unnoted = False

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
