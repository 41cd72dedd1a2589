"""Why an offer is a find, or why not: each is looked at again when somebody asks."""

from __future__ import annotations

import re

import msgspec
from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from botcore.bot import messages
from botcore.bot.desk import Desk, Talk
from botcore.bot.games import DOOR
from botcore.bot.handlers.pressed import Pressed, answer, pressing
from botcore.bot.handlers.scan import find_of
from botcore.bot.posts import Post
from botcore.bot.presses import Why, WhyAlert
from botcore.bot.scans import card_of
from botcore.errors import ConfigError, MarketError
from botcore.model import Game, Level, ScanQuery, Standing
from botcore.scan.confidence import Confidence
from botcore.scan.explain import Explainer
from botcore.scan.trace import Explanation

__all__ = ["alert_of", "router"]

LONGEST = 400
"""Letters of a question that are read: a link and a title."""
_LINK = re.compile(r"[?&]userOfferId=([^&#\s]+)")
_PAGE = re.compile(r"/(csgo|dota2|tf2|rust)-skins")


def router(desk: Desk) -> Router:
    """``/why`` and the buttons that ask it."""
    made = Router(name="why")
    whys = _Whys(desk)
    made.message.register(whys.command, Command("why"))
    made.callback_query.register(whys.find, pressing(Why))
    made.callback_query.register(whys.alert, pressing(WhyAlert))
    return made


async def alert_of(desk: Desk, number: int) -> Standing | None:
    """The alert of a watch by its number; None when it is forgotten. Raises StoreError."""
    kept = desk.app.alerts(DOOR)
    return None if kept is None else await kept.find(number)


class _Asked(msgspec.Struct):
    """What ``/why`` is asked about: an offer, and as much of its game, level and title as was said."""

    offer_id: str
    game: Game | None
    level: Level | None
    title: str


class _Whys:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def command(self, _: Message, command: CommandObject, talk: Talk) -> None:
        """``/why <offer id or link> [game] [level] [title]``."""
        words = (command.args or "").split()
        if not words or len(command.args or "") > LONGEST:
            await talk.say(messages.too_long(talk.lang) if words else messages.why_usage(talk.lang))
            return
        asked = _asked(words)
        query = await self._query(asked, talk)
        if query is None:
            await talk.say(messages.why_unseen(talk.lang, asked.offer_id))
            return
        told = await self._explained(asked.offer_id, query)
        if told.verdict == "price" and asked.level is None and (level := _level_of(told)) is not None:
            told = await self._explained(asked.offer_id, msgspec.structs.replace(query, level=level))
        await talk.say(self._post(talk, told))

    async def find(self, query: CallbackQuery, talk: Talk) -> None:
        """The button beside a find of a scan."""
        press = Pressed(query).of(Why)
        view = await find_of(self._desk, talk, press.view, press.place)
        if view is None or view.report is None:
            await answer(query, messages.foreign_button(talk.lang))
            return
        await answer(query)
        found = view.report.opportunities[press.place]
        try:
            told = await self._explained(found.offer_id, ScanQuery(view.game, view.level, title=found.title))
        except MarketError:
            told = None  # what the scan saw is there all the same
        post = messages.why(talk.lang, found=found, report=view.report, told=told, confidence=self._confidence(told))
        await self._desk.outbox.show(talk.chat_id, f"{card_of(view.id)}/why/{press.place}", post)

    async def alert(self, query: CallbackQuery, talk: Talk) -> None:
        """The button under a find of a watched level; its offer may have another id by now."""
        number = Pressed(query).of(WhyAlert).alert
        standing = await alert_of(self._desk, number)
        if standing is None:
            await answer(query, messages.old_button(talk.lang))
            return
        await answer(query)
        found = standing.alert.opportunity
        told = await self._explained(standing.offer_now, ScanQuery(found.game, standing.alert.level, title=found.title))
        await self._desk.outbox.show(talk.chat_id, f"why/{number}", self._post(talk, told))

    async def _explained(self, offer_id: str, query: ScanQuery) -> Explanation:
        app = self._desk.app
        return await Explainer(app.client, cache=app.cache, journal=app.journal).explain(offer_id, query)

    def _post(self, talk: Talk, told: Explanation) -> Post:
        return messages.explained(talk.lang, told, self._confidence(told), sandbox=self._desk.sandbox)

    def _confidence(self, told: Explanation | None) -> Confidence | None:
        return None if told is None or told.assessment is None else self._desk.app.confidence(told.assessment)

    async def _query(self, asked: _Asked, talk: Talk) -> ScanQuery | None:
        """The title and level at which to look; None when nobody knows the title. What was not said is what was told of the offer, else the chat's."""
        kept = self._desk.app.alerts(DOOR)
        alerts = [] if kept is None else await kept.of_offer(asked.offer_id)
        if alerts and not asked.title:
            told = alerts[0].alert
            return ScanQuery(told.opportunity.game, asked.level or told.level, title=told.opportunity.title)
        level = asked.level or talk.settings.level
        if asked.title:
            game, title = await self._desk.titles.find(asked.title, asked.game or talk.settings.game) or (asked.game or talk.settings.game, asked.title)
            return ScanQuery(game, level, title=title)
        games = [asked.game] if asked.game else [talk.settings.game, *(one for one in Game if one is not talk.settings.game)]
        for game in games:
            known = await self._desk.titles.of_offer(game, asked.offer_id)
            if known is not None:
                return ScanQuery(game, level, title=known)
        return None


def _asked(words: list[str]) -> _Asked:
    """What was said of an offer: its id or link first, then game and level in any order, then its title."""
    link, page = _LINK.search(words[0]), _PAGE.search(words[0])
    asked = _Asked(link[1] if link else words[0], Game.parse(page[1]) if page else None, None, "")
    rest = words[1:]
    while rest and _takes(asked, rest[0]):
        rest = rest[1:]
    asked.title = " ".join(rest)
    return asked


def _takes(asked: _Asked, word: str) -> bool:
    """Whether a word names a game or a level; it is noted."""
    try:
        asked.level = Level.parse(word)
    except ConfigError:
        try:
            asked.game = Game.parse(word)
        except ConfigError:
            return False
    return True


def _level_of(told: Explanation) -> Level | None:
    """The level in whose window of prices an offer lies."""
    price = told.price_cents or 0
    return next((level for level in Level if level.price_window[0] <= price <= level.price_window[1]), None)
