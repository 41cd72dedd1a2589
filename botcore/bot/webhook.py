"""Takes updates that Telegram brings, instead of fetching them: an HTTP server on this machine, behind a proxy that speaks HTTPS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramBadRequest
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

from botcore.bot.poll import KINDS, insisted
from botcore.errors import ConfigError
from botcore.settings import BotOptions

__all__ = ["serve_webhook"]

FINISHING = 1.0
"""Seconds that handlers have at the end to finish."""


@asynccontextmanager
async def serve_webhook(bot: Bot, dispatcher: Dispatcher, options: BotOptions) -> AsyncIterator[None]:
    """Listen on 127.0.0.1 and tell Telegram where; calls without the secret are refused. Raises ConfigError."""
    application = web.Application()
    handler = SimpleRequestHandler(dispatcher, bot, handle_in_background=False, secret_token=options.webhook_secret)
    application.router.add_post(urlsplit(options.webhook_url).path or "/", handler.handle)  # its own way would close the outbox's connection too
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=FINISHING)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", options.webhook_port).start()
        except OSError as error:
            raise ConfigError(f"BOTCORE_BOT_WEBHOOK_PORT={options.webhook_port} cannot be listened on: {error.strerror}") from None
        await insisted(partial(_announce, bot, options))
        yield
    finally:
        await runner.cleanup()


async def _announce(bot: Bot, options: BotOptions) -> None:
    try:
        await bot.set_webhook(options.webhook_url, secret_token=options.webhook_secret, allowed_updates=KINDS)
    except TelegramBadRequest as error:
        raise ConfigError(f"Telegram does not take BOTCORE_BOT_WEBHOOK_URL={options.webhook_url}: {error.message}") from None
