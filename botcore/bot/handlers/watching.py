"""Watching: whole levels of games, and single titles."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from botcore.bot import messages
from botcore.bot.desk import Desk, Talk
from botcore.bot.handlers.pressed import Pressed, answer, message_of, pressing
from botcore.bot.handlers.scan import find_of
from botcore.bot.handlers.titles import LONGEST, meant
from botcore.bot.posts import Post
from botcore.bot.presses import Unwatch, UnwatchLevel, Watch
from botcore.errors import ConfigError
from botcore.model import Game, Level

__all__ = ["router"]


def router(desk: Desk) -> Router:
    """``/watch`` and its buttons."""
    made = Router(name="watching")
    watching = _Watching(desk)
    made.message.register(watching.command, Command("watch"))
    for kind, pressed in ((Watch, watching.pressed), (Unwatch, watching.unwatch), (UnwatchLevel, watching.unwatch_level)):
        made.callback_query.register(pressed, pressing(kind))
    return made


class _Watching:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def command(self, _: Message, command: CommandObject, talk: Talk) -> None:
        """``/watch [game] [levels]`` or ``/watch <title>``; alone it lists what is watched."""
        words = " ".join((command.args or "").split())
        if not words:
            await talk.say(await self._watched(talk))
        elif len(words) > LONGEST:
            await talk.say(messages.too_long(talk.lang))
        elif pairs := _named(words, talk.settings.game):
            await self._watch_levels(talk, pairs)
        else:
            await self._watch_words(talk, words)

    async def _watch_levels(self, talk: Talk, pairs: set[tuple[Game, Level]]) -> None:
        await self._desk.chats.watch_levels(talk.chat_id, pairs, self._desk.clock())
        await talk.say(messages.watching_levels(talk.lang, pairs))
        await self._desk.games.join(talk.chat_id)

    async def _watch_words(self, talk: Talk, words: str) -> None:
        """A title; where none is named so and one word is a game or a level, another word is wrong."""
        if any(_read(word) for word in words.split()) and await self._desk.titles.find(words, talk.settings.game) is None:
            await talk.say(messages.wrong_watch(talk.lang, words))
            return
        found = await meant(self._desk, talk, words, "", unknown=messages.wrong_watch(talk.lang, words))
        if found is not None:
            await talk.say(await self._watch(talk, *found, talk.settings.level, {}))

    async def _watched(self, talk: Talk) -> Post:
        rows = await self._desk.chats.watches(talk.chat_id)
        pairs = (await self._desk.chats.levels()).get(talk.chat_id, frozenset())
        engine = self._desk.games.watch
        titles = [(row.id, row.game, row.level, row.title) for row in rows]
        return messages.watches(talk.lang, pairs, titles, engine.figures if engine else None, gone=self._desk.outbox.counts.gone)

    async def pressed(self, query: CallbackQuery, talk: Talk) -> None:
        """The button beside a find. What the scan found of the title is known already and not told again."""
        press = Pressed(query).of(Watch)
        view = await find_of(self._desk, talk, press.view, press.place)
        if view is None or view.report is None:
            await answer(query, messages.foreign_button(talk.lang))
            return
        title = view.report.opportunities[press.place].title
        known = {found.offer_id: found.price_cents for found in view.report.opportunities if found.title == title}
        await answer(query, await self._watch(talk, view.game, title, view.level, known))

    async def _watch(self, talk: Talk, game: Game, title: str, level: Level, known: dict[str, int]) -> str:
        """Begin to watch a title; gives what to say."""
        most = self._desk.app.settings.bot.watches
        watched = await self._desk.chats.watches(talk.chat_id)
        if len(watched) >= most and (game, title) not in {(row.game, row.title) for row in watched}:
            return messages.watch_full(talk.lang, most)
        row = await self._desk.chats.watch(talk.chat_id, game, level, title, self._desk.clock(), known)
        self._desk.watcher.hurry()
        return messages.watching(talk.lang, title=title, game=game, level=row.level)

    async def unwatch(self, query: CallbackQuery, talk: Talk) -> None:
        """The button of a watched title."""
        press = Pressed(query).of(Unwatch)
        row = await self._desk.chats.unwatch(talk.chat_id, press.watch)
        await answer(query, messages.unwatched(talk.lang, row.title) if row else messages.old_button(talk.lang))
        if press.listed:
            await talk.put(message_of(query), await self._watched(talk))

    async def unwatch_level(self, query: CallbackQuery, talk: Talk) -> None:
        """The button of a watched level, or of all levels of a game."""
        press = Pressed(query).of(UnwatchLevel)
        ended = await self._desk.chats.unwatch_levels(talk.chat_id, press.game, press.level)
        self._desk.games.hurry()
        await answer(query, messages.unwatched_levels(talk.lang, press.game, ended) if ended else messages.old_button(talk.lang))
        if press.listed:
            await talk.put(message_of(query), await self._watched(talk))


def _named(words: str, game: Game) -> set[tuple[Game, Level]]:
    """The levels of games that words name: all levels where none is named, those of ``game`` where no game is; nothing where a word is neither."""
    read = [_read(word) for word in words.split()]
    if None in read:
        return set()
    games = {one for one in read if isinstance(one, Game)} or {game}
    levels = {one for one in read if isinstance(one, Level)} or set(Level)
    return {(one, level) for one in games for level in levels}


def _read(word: str) -> Game | Level | None:
    for kind in (Level, Game):
        try:
            return kind.parse(word)
        except ConfigError:
            continue
    return None
