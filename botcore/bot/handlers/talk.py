"""Words of welcome, help, the chat's own game and level, and an answer to what nobody understood."""

from __future__ import annotations

import msgspec
from aiogram import F, Router
from aiogram.enums import ChatMemberStatus
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import CallbackQuery, ChatMemberUpdated, Message

from botcore.bot import messages
from botcore.bot.desk import Desk, Talk
from botcore.bot.handlers.pressed import answer
from botcore.bot.handlers.scan import choice
from botcore.errors import ConfigError

__all__ = ["router"]

GONE = {ChatMemberStatus.KICKED, ChatMemberStatus.LEFT}
LONGEST = 200


def router(desk: Desk) -> Router:
    """``/start``, ``/help``, ``/level``, and the rest."""
    made = Router(name="talk")
    talks = _Talks(desk)
    made.message.register(talks.start, CommandStart())
    made.message.register(talks.help, Command("help"))
    made.message.register(talks.level, Command("level"))
    made.message.register(talks.unknown_command, F.text.startswith("/"))
    made.message.register(talks.no_command)
    made.callback_query.register(talks.unknown_press)
    made.my_chat_member.register(talks.membership)
    return made


class _Talks:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def start(self, _: Message, talk: Talk) -> None:
        """``/start``."""
        settings = talk.settings
        await talk.say(messages.start(talk.lang, name=talk.name, game=settings.game, level=settings.level, sandbox=self._desk.sandbox))

    async def help(self, _: Message, talk: Talk) -> None:
        """``/help``."""
        await talk.say(messages.help_(talk.lang))

    async def level(self, _: Message, command: CommandObject, talk: Talk) -> None:
        """``/level [game] [level]``: the chat's own; alone it shows them, with buttons to change."""
        try:
            game, level = choice(command.args or "", talk.settings)
        except ConfigError:
            await talk.say(messages.wrong_scan(talk.lang, command.args or ""))
            return
        if (game, level) != (talk.settings.game, talk.settings.level):
            await self._desk.chats.save(talk.chat_id, msgspec.structs.replace(talk.settings, game=game, level=level))
        await talk.say(messages.level(talk.lang, game=game, level=level))

    async def unknown_command(self, _: Message, talk: Talk) -> None:
        """A command that does not exist."""
        await talk.say(messages.unknown_command(talk.lang))

    async def no_command(self, message: Message, talk: Talk) -> None:
        """Anything else that somebody wrote. In groups people talk to each other, so only a private chat gets an answer."""
        if message.chat.type == "private":
            await talk.say(messages.too_long(talk.lang) if len(message.text or "") > LONGEST else messages.not_a_command(talk.lang))

    async def unknown_press(self, query: CallbackQuery, talk: Talk) -> None:
        """A button of an older version, or one that nobody made."""
        await answer(query, messages.old_button(talk.lang))

    async def membership(self, event: ChatMemberUpdated, talk: Talk) -> None:
        """The bot was blocked, put out, or let in again."""
        blocked = event.new_chat_member.status in GONE
        await self._desk.chats.save(talk.chat_id, msgspec.structs.replace(talk.settings, blocked=blocked))
        if blocked:
            await self._desk.outbox.forget(talk.chat_id)
        self._desk.games.hurry()
