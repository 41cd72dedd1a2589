"""``python -m botcore bot`` in a process of its own, while Telegram and market are served by the test."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from tests.bot.support import ANNA, DEADLINE
from tests.cli.door import clean_environment

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from botcore.sandbox import TelegramAddress
    from tests.bot.support import Scene

UP = "The bot is up"
SOON = 10.0
"""Seconds within which a bot must have ended; it promises five, and a busy machine may take longer."""


class BotProcess:
    """A bot that was started. ``output`` is what it wrote so far, to standard output and to standard error."""

    def __init__(self, process: asyncio.subprocess.Process, token: str) -> None:
        self.output = ""
        self._began = time.monotonic()
        self._start_took = 0.0
        self._process = process
        self._token = token
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def until(self, pattern: str) -> None:
        """Wait until it wrote this."""
        async with asyncio.timeout(2 * DEADLINE):
            while not re.search(pattern, self.output):
                assert not self._reading.done(), f"{pattern!r} never came: {self.output}"
                self._news.clear()
                await self._news.wait()
        self._start_took = time.monotonic() - self._began

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end; gives its exit code. Nowhere may it have written its token or a traceback."""
        async with asyncio.timeout(2 * DEADLINE):
            await self._reading
            code = await self._process.wait()
        assert "Traceback" not in self.output
        assert self._token.partition(":")[2] not in self.output
        return code

    async def ends_soon(self, number: signal.Signals) -> int:
        """Send it a signal and wait for its end; gives its exit code. Where its start took longer than that, the machine is busy, and it may take as long."""
        self.send(number)
        sent = time.monotonic()
        code = await self.ended()
        assert time.monotonic() - sent < max(SOON, self._start_took)
        return code

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while data := await self._process.stdout.read(65_536):
            self.output += data.decode()
            self._news.set()
        self._news.set()


@asynccontextmanager
async def started(folder: Path, address: TelegramAddress, **settings: str) -> AsyncIterator[BotProcess]:
    """A bot that Anna may use; it is killed at the end of the block if it still runs."""
    telegram = {"TELEGRAM_TOKEN": address.token, "TELEGRAM_API_URL": address.url, "TELEGRAM_ALLOWED_USERS": f"{ANNA}"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "botcore", "bot"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=clean_environment(**telegram, **settings),
        cwd=folder,
    )
    bot = BotProcess(process, address.token)
    try:
        yield bot
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await bot._reading


def started_in(scene: Scene, **settings: str) -> AbstractAsyncContextManager[BotProcess]:
    """A bot on the market and the Telegram of a scene."""
    return started(scene.folder, scene.telegram.address, **scene.environment(**settings))
