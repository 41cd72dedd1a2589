"""``botcore bot``: the Telegram bot, on a real account or on a Telegram of this machine."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

import click
import msgspec
from rich.console import Console

from botcore.app import open_app
from botcore.cli import view
from botcore.sandbox import MarketOptions, TelegramOptions, spawn_telegram
from botcore.settings import Settings, Telegram, load

__all__ = ["command"]

STOPPED = 130
_console = Console(stderr=True, highlight=False, soft_wrap=True)


@click.command("bot", short_help="Run the Telegram bot.")
@click.option("--sandbox", is_flag=True, help="Use a sandbox market even when keys are set.")
@click.option("--seed", type=int, default=None, help="The sandbox market's seed; implies --sandbox.")
@click.option("--port", type=click.IntRange(0, 65535), default=8766, show_default=True, help="Port of the local Telegram on 127.0.0.1; 0 takes a free one.")
def command(*, sandbox: bool, seed: int | None, port: int) -> int:
    """Run the Telegram bot until Ctrl-C.

    Without TELEGRAM_TOKEN a Telegram of this machine is started, and the address of its chat page is printed: open it in a
    browser and write /start. With TELEGRAM_TOKEN, which @BotFather gives, it is the real bot; TELEGRAM_ALLOWED_USERS says who
    may use it, by their ids and separated by commas, the owner first. Nobody else gets an answer but his own id, once. A group
    needs its id in the list as well as those of the people in it.

    Ctrl-C or SIGTERM ends it within five seconds; what was not sent until then is sent at the next start.
    """
    settings = load()
    options = None
    if sandbox or seed is not None or settings.keys is None:
        options = MarketOptions() if seed is None else MarketOptions(seed=seed)
    _log_to_terminal(settings)
    return asyncio.run(_until_stopped(settings, options, port))


class _Discreet(logging.Formatter):
    """Writes no secret, not even one that stands in an address within a traceback of somebody else's."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._secrets = [secret for secret in secrets if secret]

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "(secret)")
        return text


def _log_to_terminal(settings: Settings) -> None:
    """Warnings and errors, for a person or for whatever keeps the logs of a service."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Discreet([settings.telegram.token, settings.telegram.token.partition(":")[2], settings.bot.webhook_secret]))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


async def _until_stopped(settings: Settings, sandbox: MarketOptions | None, port: int) -> int:
    """Work until a signal comes; Ctrl-C gives 130, a polite kill 0. A second one ends at once."""
    work = asyncio.create_task(_work(settings, sandbox, port))
    came: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        if came:
            os._exit(128 + number)
        came.append(number)
        work.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        await work
    except asyncio.CancelledError:
        _console.print("Stopped.", style="dim")
    return STOPPED if came == [signal.SIGINT] else 0


async def _work(settings: Settings, sandbox: MarketOptions | None, port: int) -> None:
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        telegram, page = settings.telegram, ""
        if not telegram.token:
            telegram, page = await stack.enter_async_context(_local(port, telegram))
            # Chats and messages of a Telegram that ends with us mean nothing to the next one, and a real bot must never meet them.
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="botcore-bot-"))
            settings = msgspec.structs.replace(settings, store=msgspec.structs.replace(settings.store, url=f"sqlite:///{folder}/bot.db"))
        telegram.check()
        _console.print(view.market_line(settings.url, sandbox, keys=settings.keys is not None), style="dim")
        app = await stack.enter_async_context(open_app(settings, sandbox=sandbox))
        from botcore.bot.run import open_bot  # noqa: PLC0415 - seconds of aiogram, after what needs no waiting for it was said

        running = await stack.enter_async_context(open_bot(app, telegram))
        _announce(running.username, page, time.monotonic() - started)
        await running.serving


@asynccontextmanager
async def _local(port: int, given: Telegram) -> AsyncIterator[tuple[Telegram, str]]:
    """A Telegram of this machine with its first person allowed, and the address of its chat page."""
    options = TelegramOptions(port=port)
    async with spawn_telegram(options) as address:
        allowed = given.allowed or (options.people[0].id,)
        yield msgspec.structs.replace(given, token=address.token, url=address.url, allowed=allowed), address.url


def _announce(username: str, page: str, seconds: float) -> None:
    if page:
        _console.print(f"A local Telegram, with the bot in it: [bold]{page}[/bold]", markup=True)
        _console.print("Open it in a browser, write /start and press the buttons. Nothing there reaches Telegram.", style="dim")
    else:
        _console.print(f"The bot is up: [bold]https://t.me/{username}[/bold]")
    _console.print(f"Ready after {seconds:.1f} s. Ctrl-C ends it.", style="dim")
