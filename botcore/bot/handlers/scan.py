"""Scans: the command, the choice of game and level, and the pages of results."""

from __future__ import annotations

import msgspec
from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from botcore.bot import messages
from botcore.bot.desk import Desk, Talk
from botcore.bot.handlers.pressed import Pressed, answer, message_of, pressing
from botcore.bot.presses import ChooseGame, ChooseLevel, Page, Scan, SetLevel, Stop
from botcore.errors import ConfigError
from botcore.model import Game, Level, ScanQuery
from botcore.store import ChatSettings, View

__all__ = ["choice", "find_of", "router"]


def router(desk: Desk) -> Router:
    """``/scan``, ``/cancel`` and every button of a scan."""
    made = Router(name="scan")
    scans = _Scans(desk)
    made.message.register(scans.command, Command("scan"))
    made.message.register(scans.cancel, Command("cancel"))
    for kind, handler in (
        (ChooseGame, scans.choose_game),
        (ChooseLevel, scans.choose_level),
        (Scan, scans.pressed),
        (SetLevel, scans.set_level),
        (Stop, scans.stop),
        (Page, scans.page),
    ):
        made.callback_query.register(handler, pressing(kind))
    return made


class _Scans:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def command(self, _: Message, command: CommandObject, talk: Talk) -> None:
        """``/scan [game] [level]``, in either order; what is left out is the chat's own."""
        words = command.args or ""
        try:
            game, level = choice(words, talk.settings)
        except ConfigError:
            await talk.say(messages.wrong_scan(talk.lang, words))
            return
        await self._begin(talk, ScanQuery(game, level), anew=False)

    async def pressed(self, query: CallbackQuery, talk: Talk) -> None:
        """A button that begins a scan."""
        press = Pressed(query).of(Scan)
        await answer(query)
        await self._begin(talk, ScanQuery(press.game, press.level), anew=press.anew)

    async def _begin(self, talk: Talk, query: ScanQuery, *, anew: bool) -> None:
        running = self._desk.views.running(talk.chat_id)
        if running is not None:
            await talk.say(messages.already_running(talk.lang, running.game, running.level))
            return
        await self._desk.views.open(talk.chat_id, talk.lang, query, anew=anew)

    async def cancel(self, _: Message, talk: Talk) -> None:
        """``/cancel``: end the scan that runs in this chat."""
        running = self._desk.views.running(talk.chat_id)
        stopped = running is not None and await self._desk.views.stop(talk.chat_id, running.id)
        await talk.say(messages.stopping(talk.lang) if stopped else messages.nothing_runs(talk.lang))

    async def stop(self, query: CallbackQuery, talk: Talk) -> None:
        """The button under a scan that runs."""
        stopped = await self._desk.views.stop(talk.chat_id, Pressed(query).of(Stop).view)
        await answer(query, messages.stopping(talk.lang) if stopped else messages.nothing_runs(talk.lang))

    async def choose_game(self, query: CallbackQuery, talk: Talk) -> None:
        """Show the games in place of what was pressed."""
        await answer(query)
        await talk.put(message_of(query), messages.choose_game(talk.lang, Pressed(query).of(ChooseGame).then))

    async def choose_level(self, query: CallbackQuery, talk: Talk) -> None:
        """Show the levels in place of what was pressed."""
        press = Pressed(query).of(ChooseLevel)
        await answer(query)
        await talk.put(message_of(query), messages.choose_level(talk.lang, press.then, press.game))

    async def set_level(self, query: CallbackQuery, talk: Talk) -> None:
        """Keep a game and a level as the chat's own."""
        press = Pressed(query).of(SetLevel)
        await answer(query)
        await self._desk.chats.save(talk.chat_id, msgspec.structs.replace(talk.settings, game=press.game, level=press.level))
        await talk.put(message_of(query), messages.level(talk.lang, game=press.game, level=press.level))

    async def page(self, query: CallbackQuery, talk: Talk) -> None:
        """Turn to another page of results."""
        press = Pressed(query).of(Page)
        view = await self._desk.chats.view(talk.chat_id, press.view)
        if view is None or view.report is None:
            await answer(query, messages.foreign_button(talk.lang))
            return
        await answer(query)
        await self._desk.views.page(view, talk.lang, press.page)


async def find_of(desk: Desk, talk: Talk, view: int, place: int) -> View | None:
    """The view of this chat that has a find at this place; None for what was made up, or belongs to another chat."""
    found = await desk.chats.view(talk.chat_id, view)
    if found is None or found.report is None or not 0 <= place < len(found.report.opportunities):
        return None
    return found


def choice(words: str, settings: ChatSettings) -> tuple[Game, Level]:
    """Game and level named by a few words, in any order; raises ConfigError for any other word, or one too many."""
    game: Game | None = None
    level: Level | None = None
    for word in words.split():
        if game is None and word.strip().lower() not in set(Level):
            game = Game.parse(word)
        elif level is None:
            level = Level.parse(word)
        else:
            raise ConfigError(f"{word!r} is one word too many")
    return game or settings.game, level or settings.level
