"""Builds a bot on an app, starts it, and ends it within seconds, with nothing lost."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import msgspec
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramAPIError
from aiogram.types import BotCommand

from botcore.app import App
from botcore.bot import messages
from botcore.bot.access import Access, Introduction
from botcore.bot.alerts import Watcher
from botcore.bot.audience import Audience, Weather
from botcore.bot.carrier import AWAY, Carrier, reason_of
from botcore.bot.desk import Desk
from botcore.bot.games import GameWatcher
from botcore.bot.handlers import routers
from botcore.bot.lookout import Lookout
from botcore.bot.meter import Meter
from botcore.bot.outbox import Outbox, Pace
from botcore.bot.poll import Poller, insisted
from botcore.bot.scans import Views
from botcore.bot.titles import Titles
from botcore.bot.troubles import Troubles
from botcore.bot.webhook import serve_webhook
from botcore.client import Priority
from botcore.errors import ConfigError, MarketError, StoreError
from botcore.model import Game, Level
from botcore.scan import Scanner
from botcore.settings import Telegram
from botcore.store import Chats, Letters

__all__ = ["RunningBot", "open_bot"]

FINISHING, SENDING = 1.0, 1.5
"""Seconds at the end for handlers that run, and for what waits to be sent: with what else there is to do, a bot ends within five."""
DAY = 86_400.0
MONTH = 30 * DAY
_log = logging.getLogger(__name__)


class RunningBot:
    """A bot at work. ``username`` is its name in Telegram; ``serving`` ends only with an error, such as a token that was revoked."""

    def __init__(self, desk: Desk, username: str, serving: asyncio.Task[None]) -> None:
        self.desk = desk
        self.username = username
        self.serving = serving


@asynccontextmanager
async def open_bot(app: App, telegram: Telegram, *, pace: Pace | None = None, clock: Callable[[], float] = time.time) -> AsyncIterator[RunningBot]:
    """A bot that works until the block ends. It begins even while Telegram does not answer.

    Raises:
        ConfigError: there is no token, nobody is allowed, Telegram refuses the token, or there is no store.
    """
    _check(app, telegram)
    assert app.store is not None  # noqa: S101 - checked a line ago
    options = app.settings.bot
    async with AsyncExitStack() as stack:
        session = AiohttpSession(api=TelegramAPIServer.from_base(telegram.url))
        bot = Bot(telegram.token, session=session)
        stack.push_async_callback(session.close)
        desk = _desk(app, telegram, bot, pace, clock)
        dispatcher = _dispatcher(desk, telegram)
        me = await insisted(bot.me)
        await desk.outbox.start(number for number, chosen in (await desk.chats.everyone()).items() if chosen.blocked)
        stack.push_async_callback(desk.outbox.close, SENDING)
        await desk.views.resume()
        stack.push_async_callback(desk.views.close)
        await stack.enter_async_context(_working(desk.meter.run(), desk.watcher.run(), desk.games.run(), _warm(desk), _tidy(desk), _menu(bot)))
        if options.webhook_url:
            await stack.enter_async_context(serve_webhook(bot, dispatcher, options))
            serving = await stack.enter_async_context(_listening())
        else:
            serving = await stack.enter_async_context(_polling(bot, dispatcher, desk))
        yield RunningBot(desk, me.username or str(me.id), serving)


def _check(app: App, telegram: Telegram) -> None:
    telegram.check()
    if app.store is None:
        raise ConfigError(f"the bot needs its store, and {app.settings.store.shown} cannot be opened: see the warning above")


def _desk(app: App, telegram: Telegram, bot: Bot, pace: Pace | None, clock: Callable[[], float]) -> Desk:
    assert app.store is not None  # noqa: S101 - the caller looked
    options, sandbox = app.settings.bot, app.market == "sandbox"
    chats, letters = Chats(app.store), Letters(app.store)
    owner = next(one for one in telegram.allowed if one > 0)

    async def blocked(chat_id: int, reason: str) -> None:
        await chats.save(chat_id, msgspec.structs.replace(await chats.settings(chat_id), blocked=True))
        games.hurry()
        _log.warning("chat %s takes no messages any more: %s", chat_id, reason)

    async def moved(old: int, new: int) -> None:
        if new not in telegram.allowed:
            await outbox.say(owner, messages.group_moved((await chats.settings(owner)).language or "en", new))
        _log.warning("group %s goes on as %s: put the new id into TELEGRAM_ALLOWED_USERS", old, new)

    audience = Audience(chats, telegram.allowed)
    lookout = Lookout(audience)
    outbox = Outbox(letters, Carrier(bot), gate=lookout, digest=options.digest, sandbox=sandbox, pace=pace, clock=clock, blocked=blocked, moved=moved)
    weather = Weather(audience, outbox, clock=clock)
    troubles = Troubles(chats, outbox, owner, clock=clock)

    async def view_failed(chat_id: int, lang: str, error: Exception) -> None:
        await troubles.tell(chat_id, lang, error)

    async def watch_failed(error: Exception) -> None:
        await troubles.tell(None, "en", error)

    views = Views(app.scanner, app.cache, chats, outbox, edit=options.edit, sandbox=sandbox, failed=view_failed, clock=clock)
    quiet = Scanner(app.client, msgspec.structs.replace(app.settings.scan, priority=Priority.WATCH), cache=app.cache, journal=app.journal)
    watcher = Watcher(quiet, weather, outbox, every=options.watch, alert=options.alert, sandbox=sandbox, failed=watch_failed, clock=clock)
    games = GameWatcher(app, lookout, weather, outbox, away=options.watch, alert=options.alert, failed=watch_failed, clock=clock)
    meter = Meter(lambda: app.client.stats.requests, time.monotonic)
    return Desk(app, chats, outbox, views, watcher, games, Titles(app), troubles, meter, clock, clock())


def _dispatcher(desk: Desk, telegram: Telegram) -> Dispatcher:
    dispatcher = Dispatcher(disable_fsm=True)
    dispatcher.update.outer_middleware(Access(desk, telegram.allowed))
    introduction = Introduction(desk)
    for observer in (dispatcher.message, dispatcher.callback_query, dispatcher.my_chat_member):
        observer.outer_middleware(introduction)
    dispatcher.include_routers(*routers(desk))
    return dispatcher


@asynccontextmanager
async def _polling(bot: Bot, dispatcher: Dispatcher, desk: Desk) -> AsyncIterator[asyncio.Task[None]]:
    """Poll until the block ends; then handlers that run may finish. A webhook of before is put away first."""
    await insisted(bot.delete_webhook)
    poller = Poller(bot, dispatcher, desk.chats, clock=desk.clock)
    serving = asyncio.create_task(poller.run())
    try:
        yield serving
    finally:
        await _ended(serving)
        await poller.finish(FINISHING)


@asynccontextmanager
async def _listening() -> AsyncIterator[asyncio.Task[None]]:
    """Nothing to do but to be called."""
    task = asyncio.create_task(asyncio.sleep(math.inf))
    try:
        yield task
    finally:
        await _ended(task)


@asynccontextmanager
async def _working(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run these beside the block, and end them with it."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            await _ended(task)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, ConfigError):
        await task


async def _menu(bot: Bot) -> None:
    """The command menu in both languages; English where no other is known."""
    for lang in ("en", "ru"):
        commands = [BotCommand(command=name, description=text) for name, text in messages.commands(lang)]
        await _tried(bot.set_my_commands(commands, language_code=None if lang == "en" else lang))


async def _tried(call: Awaitable[object]) -> None:
    """A call that may fail: without it the bot works all the same."""
    try:
        await call
    except (TelegramAPIError, *AWAY) as error:
        _log.warning("a call to Telegram failed that the bot can do without: %s", reason_of(error))


async def _warm(desk: Desk) -> None:
    """Fill the cache with the games that chats use, behind everybody else."""
    titles = desk.app.settings.bot.warm
    if not titles:
        return
    used = {(settings.game, settings.level) for settings in (await desk.chats.everyone()).values() if not settings.blocked}
    used = used or {(Game.CSGO, Level.STANDARD)}
    try:
        for game in {game for game, _ in used}:
            async for _ in desk.app.warmer.warm([game], [level for level in Level if (game, level) in used], titles):
                pass
    except MarketError as error:
        _log.warning("the cache was not warmed: %s", error)


async def _tidy(desk: Desk) -> None:
    """Remove what nobody will press any more."""
    while True:
        try:
            await desk.chats.prune_views(desk.clock() - MONTH)
            await desk.outbox.prune(desk.clock() - MONTH)
        except StoreError as error:
            _log.warning("old messages were not forgotten: %s", error)
        await asyncio.sleep(DAY)
