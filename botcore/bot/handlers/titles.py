"""What is done with single titles: prices with a picture, and muting."""

from __future__ import annotations

import asyncio

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from botcore.bot import messages
from botcore.bot.desk import Desk, Talk
from botcore.bot.handlers.pressed import Pressed, answer, message_of, pressing
from botcore.bot.handlers.scan import find_of
from botcore.bot.handlers.why import alert_of
from botcore.bot.presses import Mute, MuteAlert, Price, Unmute, name_of
from botcore.model import Game

__all__ = ["meant", "router"]

LONGEST = 200
"""Letters of a title that somebody may ask for; no item has more."""


def router(desk: Desk) -> Router:
    """``/price``, ``/mute``, ``/unmute`` and their buttons."""
    made = Router(name="titles")
    titles = _Titles(desk)
    for name, handler in (("price", titles.price), ("mute", titles.mute), ("unmute", titles.unmute)):
        made.message.register(handler, Command(name))
    presses = ((Price, titles.price_pressed), (Mute, titles.mute_pressed), (MuteAlert, titles.mute_alert), (Unmute, titles.unmute_pressed))
    for kind, pressed in presses:
        made.callback_query.register(pressed, pressing(kind))
    return made


class _Titles:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # ---- prices ------------------------------------------------------------------------------------------------------

    async def price(self, _: Message, command: CommandObject, talk: Talk) -> None:
        """``/price <title>``."""
        found = await meant(self._desk, talk, command.args, messages.price_usage(talk.lang))
        if found is not None:
            await self._price(talk, *found)

    async def price_pressed(self, query: CallbackQuery, talk: Talk) -> None:
        """A suggested title."""
        found = await self._desk.titles.named(Pressed(query).of(Price).name)
        if found is None:
            await answer(query, messages.old_button(talk.lang))
            return
        await answer(query)
        await self._price(talk, *found)

    async def _price(self, talk: Talk, game: Game, title: str) -> None:
        prices = await self._desk.titles.prices(game, title)
        caption = messages.price_caption(
            talk.lang, title=title, game=game, quote=prices.quote, sales=prices.sales, now=self._desk.app.client.now(), sandbox=self._desk.sandbox
        )
        await talk.say(caption, photo=prices.picture)

    # ---- muting ------------------------------------------------------------------------------------------------------

    async def mute(self, _: Message, command: CommandObject, talk: Talk) -> None:
        """``/mute <title>``; alone it lists what is muted."""
        if not (command.args or "").strip():
            await talk.say(messages.mutes(talk.lang, await self._desk.chats.mutes(talk.chat_id)))
            return
        found = await meant(self._desk, talk, command.args, messages.mute_usage(talk.lang))
        if found is not None:
            await self._desk.chats.mute(talk.chat_id, *found)
            await talk.say(messages.muted(talk.lang, found[1]))

    async def mute_pressed(self, query: CallbackQuery, talk: Talk) -> None:
        """The button beside a find; the page is shown anew without it."""
        press = Pressed(query).of(Mute)
        view = await find_of(self._desk, talk, press.view, press.place)
        if view is None or view.report is None:
            await answer(query, messages.foreign_button(talk.lang))
            return
        title = view.report.opportunities[press.place].title
        await self._desk.chats.mute(talk.chat_id, view.game, title)
        await asyncio.gather(answer(query, messages.muted(talk.lang, title)), self._desk.views.page(view, talk.lang, 0))

    async def mute_alert(self, query: CallbackQuery, talk: Talk) -> None:
        """The button under a find of a watched level."""
        found = await alert_of(self._desk, Pressed(query).of(MuteAlert).alert)
        if found is None:
            await answer(query, messages.old_button(talk.lang))
            return
        title = found.alert.opportunity.title
        await self._desk.chats.mute(talk.chat_id, found.alert.opportunity.game, title)
        await answer(query, messages.muted(talk.lang, title))

    async def unmute(self, _: Message, command: CommandObject, talk: Talk) -> None:
        """``/unmute <title>``; alone it lists what is muted, with buttons."""
        muted = await self._desk.chats.mutes(talk.chat_id)
        words = " ".join((command.args or "").split())
        if not words:
            await talk.say(messages.mutes(talk.lang, muted))
            return
        found = next(((game, title) for game, title in muted if title.casefold() == words.casefold()), None)
        if found is None:
            await talk.say(messages.not_muted(talk.lang, words))
            return
        await self._desk.chats.unmute(talk.chat_id, *found)
        await talk.say(messages.unmuted(talk.lang, found[1]))
        await self._desk.games.join(talk.chat_id)

    async def unmute_pressed(self, query: CallbackQuery, talk: Talk) -> None:
        """The button of a muted title."""
        name = Pressed(query).of(Unmute).name
        found = next((one for one in await self._desk.chats.mutes(talk.chat_id) if name_of(*one) == name), None)
        if found is None:
            await answer(query, messages.old_button(talk.lang))
            return
        await self._desk.chats.unmute(talk.chat_id, *found)
        await answer(query, messages.unmuted(talk.lang, found[1]))
        await talk.put(message_of(query), messages.mutes(talk.lang, await self._desk.chats.mutes(talk.chat_id)))
        await self._desk.games.join(talk.chat_id)


async def meant(desk: Desk, talk: Talk, words: str | None, usage: str, *, unknown: str = "") -> tuple[Game, str] | None:
    """The title that was meant; when none is, a line or a choice was said: ``unknown``, where no title is near."""
    if not words or not words.strip():
        await talk.say(usage)
        return None
    if len(words) > LONGEST:
        await talk.say(messages.too_long(talk.lang))
        return None
    found = await desk.titles.find(words, talk.settings.game)
    if found is None:
        near = await desk.titles.near(words, talk.settings.game)
        await talk.say(unknown if unknown and not near else messages.price_unknown(talk.lang, title=words, near=near))
    return found
