"""People with phones: they write to a bot and press its buttons over the local Telegram, and see when something happens."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx

from botcore.sandbox import TelegramAddress

__all__ = ["Phones", "process", "resident_megabytes"]

PATIENCE = 60.0
LOOK = 0.002
"""Seconds between two looks at the log of what happened. The times in it are the server's own, so this costs no accuracy."""
CLOSING = 10.0


class Phones:
    """Everybody's phone at one local Telegram. Use it as a context manager."""

    def __init__(self, address: TelegramAddress) -> None:
        self._http = httpx.AsyncClient(base_url=address.url, trust_env=False, timeout=PATIENCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def tell(self, path: str, **what: object) -> Any:
        """POST to one of the server's own routes."""
        answer = await self._http.post(f"/sandbox/{path}", json=what)
        return answer.raise_for_status().json()

    async def ask(self, path: str) -> Any:
        """GET one of them."""
        return (await self._http.get(f"/sandbox/{path}")).raise_for_status().json()

    async def write(self, person: int, text: str) -> float:
        """Somebody writes to the bot; gives unix seconds of just before."""
        before = time.time()
        await self.tell("send", user_id=person, chat_id=person, text=text)
        return before

    async def press(self, person: int, message: int, data: str) -> tuple[float, str]:
        """Somebody presses a button; gives unix seconds of just before, and the press's id."""
        before = time.time()
        told = await self.tell("press", user_id=person, chat_id=person, message_id=message, data=data)
        return before, told["callback_query_id"]

    async def number(self) -> int:
        """The number of the newest event."""
        last: int = (await self.ask("log?after=999999999"))["last"]
        return last

    async def until(self, wanted: Callable[[dict[str, Any]], bool], after: int) -> dict[str, Any]:
        """The first event since then that is wanted; raises TimeoutError when it does not come within a minute."""
        async with asyncio.timeout(PATIENCE):
            while True:
                log = await self.ask(f"log?after={after}")
                for event in log["events"]:
                    if wanted(event):
                        return dict(event)
                after = log["last"]
                await asyncio.sleep(LOOK)

    async def says(self, person: int, text: str, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """What the bot answers somebody: the message."""
        after = await self.number()
        await self.write(person, text)

        def answered(event: dict[str, Any]) -> bool:
            told = event.get("message") or {}
            return event["kind"] == "message" and event["chat_id"] == person and bool(told.get("from", {}).get("is_bot")) and wanted(told)

        message: dict[str, Any] = (await self.until(answered, after))["message"]
        return message


@asynccontextmanager
async def process(arguments: list[str], environment: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python program of its own, ended politely with the block. What it prints goes nowhere."""
    nowhere = asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(sys.executable, *arguments, env={**_own(), **environment}, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    try:
        yield child
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
            await asyncio.wait_for(child.wait(), CLOSING)


def _own() -> dict[str, str]:
    """This process's environment without settings of botcore."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("BOTCORE_", "DMARKET_", "TELEGRAM_", "REDIS_URL", "DATABASE_URL"))}


async def resident_megabytes(process_id: int) -> float:
    """Memory that a process holds now, in megabytes, by ``ps``."""
    ps = await asyncio.create_subprocess_exec("ps", "-o", "rss=", "-p", str(process_id), stdout=asyncio.subprocess.PIPE)
    out, _ = await ps.communicate()
    return int(out) / 1024
