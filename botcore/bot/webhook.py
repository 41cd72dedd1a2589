"""Takes updates that Telegram brings, instead of fetching them: an HTTP server on this machine, behind a proxy that speaks HTTPS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramAPIError
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

from botcore.bot.carrier import AWAY
from botcore.bot.poll import KINDS, Said, pause
from botcore.errors import ConfigError
from botcore.settings import BotOptions

__all__ = ["serve_webhook"]

_log = logging.getLogger(__name__)


@asynccontextmanager
async def serve_webhook(bot: Bot, dispatcher: Dispatcher, options: BotOptions) -> AsyncIterator[None]:
    """Listen on 127.0.0.1 and tell Telegram where; calls without the secret are refused. Raises ConfigError."""
    application = web.Application()
    handler = SimpleRequestHandler(dispatcher, bot, handle_in_background=False, secret_token=options.webhook_secret)
    handler.register(application, path=urlsplit(options.webhook_url).path or "/")
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", options.webhook_port).start()
        except OSError as error:
            raise ConfigError(f"BOTCORE_BOT_WEBHOOK_PORT={options.webhook_port} cannot be listened on: {error.strerror}") from None
        await _announce(bot, options)
        yield
    finally:
        await runner.cleanup()


async def _announce(bot: Bot, options: BotOptions) -> None:
    said = Said()
    while True:
        try:
            await bot.set_webhook(options.webhook_url, secret_token=options.webhook_secret, allowed_updates=KINDS)
        except (TelegramAPIError, *AWAY) as error:
            await asyncio.sleep(pause(error, said))
        else:
            said.right()
            return
