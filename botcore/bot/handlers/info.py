"""What there is to know: the best finds of a day, the account's money, how the bot does, which settings are in force."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from botcore import __version__
from botcore.bot import messages
from botcore.bot.desk import Desk, Talk
from botcore.bot.handlers.pressed import Pressed, answer, message_of, pressing
from botcore.bot.presses import Settings
from botcore.errors import ConfigError
from botcore.model import Game, Opportunity

__all__ = ["router"]

DAY = 86_400.0
LOOKED = 500
SHOWN = 10


def router(desk: Desk) -> Router:
    """``/top``, ``/balance``, ``/status`` and ``/config``."""
    made = Router(name="info")
    info = _Info(desk)
    for name, handler in (("top", info.top), ("balance", info.balance), ("status", info.status), ("config", info.config)):
        made.message.register(handler, Command(name))
    made.callback_query.register(info.config_pressed, pressing(Settings))
    return made


class _Info:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def top(self, _: Message, command: CommandObject, talk: Talk) -> None:
        """``/top [game]``: the best finds of the last day, each offer once and as it was seen last."""
        try:
            game = Game.parse(command.args) if command.args else talk.settings.game
        except ConfigError:
            await talk.say(messages.wrong_scan(talk.lang, command.args or ""))
            return
        store, now = self._desk.app.store, self._desk.clock()
        assert store is not None  # noqa: S101 - the bot does not start without a store
        muted = {title for of, title in await self._desk.chats.mutes(talk.chat_id) if of is game}
        seen: dict[str, tuple[float, Opportunity]] = {}
        for found_at, found in await store.finds(self._desk.app.market, game, since=now - DAY, limit=LOOKED):
            if found.title not in muted:
                seen.setdefault(found.offer_id, (now - found_at, found))
        rows = sorted(seen.values(), key=lambda row: row[1].order)[:SHOWN]
        await talk.say(messages.top(talk.lang, game=game, rows=rows, sandbox=self._desk.sandbox))

    async def balance(self, _: Message, talk: Talk) -> None:
        """``/balance``."""
        await talk.say(messages.balance(talk.lang, balance=await self._desk.app.client.balance(), sandbox=self._desk.sandbox))

    async def status(self, _: Message, talk: Talk) -> None:
        """``/status``."""
        await talk.say(messages.status(talk.lang, await self._status()))

    async def _status(self) -> messages.Status:
        desk, client = self._desk, self._desk.app.client
        last = desk.views.last
        sent = client.stats.requests
        return messages.Status(
            market=client.base_url,
            sandbox=desk.sandbox,
            sent={name: getattr(sent, name) for name in sent.__struct_fields__},
            recent=desk.meter.rates(),
            limits={str(kind): limit for kind, limit in client.quota.limits.items()},
            throttled=client.stats.throttled,
            cache=desk.app.cache.counts.flat(),
            scans=desk.views.made,
            last_scan=None if last is None else (last[0], last[1], desk.clock() - last[2].timestamp(), last[3]),
            watches=len(await desk.chats.watches()),
            levels=len(await desk.games.audience.levels()),
            engine=desk.games.watch.figures if desk.games.watch else None,
            gone=desk.outbox.counts.gone,
            outbox=len(desk.outbox),
            uptime=desk.clock() - desk.started,
            version=__version__,
        )

    async def config(self, _: Message, talk: Talk) -> None:
        """``/config``: the settings in force, secrets masked."""
        await talk.say(messages.config(talk.lang, self._desk.app.settings.shown, page=0))

    async def config_pressed(self, query: CallbackQuery, talk: Talk) -> None:
        """Another page of them."""
        await answer(query)
        await talk.put(message_of(query), messages.config(talk.lang, self._desk.app.settings.shown, page=Pressed(query).of(Settings).page))
