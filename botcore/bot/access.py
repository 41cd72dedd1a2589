"""Who may: nobody but the people and groups that the settings name. One gate before every kind of update."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiogram import BaseMiddleware
from aiogram.types import Chat, TelegramObject, User

from botcore.bot import messages
from botcore.bot.desk import Desk, Talk
from botcore.bot.texts import language

__all__ = ["Access", "Introduction"]

PRIVATE = "private"
_log = logging.getLogger(__name__)
Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class Access(BaseMiddleware):
    """Lets through what comes from an allowed person, in his own chat with the bot or in an allowed group.

    A stranger who writes to the bot gets his own id, once for ever, to hand to the owner; everything else goes unanswered.
    """

    def __init__(self, desk: Desk, allowed: tuple[int, ...]) -> None:
        self._desk = desk
        self._allowed = frozenset(allowed)

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Pass the update on, or not."""
        user: User | None = data.get("event_from_user")
        chat: Chat | None = data.get("event_chat")
        if user is not None and not user.is_bot and user.id in self._allowed and (chat is None or self._may_in(chat, user)):
            return await handler(event, data)
        await self._refuse(user, chat)
        return None

    def _may_in(self, chat: Chat, user: User) -> bool:
        return chat.id == user.id if chat.type == PRIVATE else chat.id in self._allowed

    async def _refuse(self, user: User | None, chat: Chat | None) -> None:
        who = "nobody" if user is None else f"{user.id}"
        where = "" if chat is None or (user is not None and chat.id == user.id) else f" in chat {chat.id}"
        if not await self._desk.chats.once(f"stranger/{who}{where}", within=math.inf, at=self._desk.clock()):
            return
        _log.warning("a stranger was refused: user %s%s; to let him in, add the id to TELEGRAM_ALLOWED_USERS", who, where)
        if user is not None and not user.is_bot and chat is not None and chat.type == PRIVATE and user.id not in self._allowed:
            await self._desk.outbox.say(user.id, messages.stranger(language(user.language_code), user.id))


class Introduction(BaseMiddleware):
    """Gives handlers the ``talk``: the chat, its settings and the language of the person, which is kept for messages that nobody asks for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Pass the update on with its talk."""
        user, chat = data["event_from_user"], data.get("event_chat")
        chat_id = user.id if chat is None else chat.id
        lang = language(user.language_code)
        settings = await self._desk.chats.settings(chat_id)
        back = settings.blocked
        if settings.language != lang or back:
            settings = msgspec.structs.replace(settings, language=lang, blocked=False)
            await self._desk.chats.save(chat_id, settings)
        self._desk.outbox.welcome(chat_id)
        if back:
            await self._desk.games.join(chat_id)
        data["talk"] = Talk(self._desk.outbox, chat_id, user.id, user.first_name, lang, settings)
        return await handler(event, data)
