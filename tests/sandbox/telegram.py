"""What the tests of the local Telegram share: a client that speaks raw HTTP, the real aiogram, a clock that is turned by hand, pictures."""

from __future__ import annotations

import asyncio
import struct
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiogram import Bot, Dispatcher, Router
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from botcore.sandbox import TelegramOptions, serve_telegram

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from botcore.sandbox import TelegramAddress, TelegramServer

ANNA, BORIS, TRADERS = 1001, 2002, -5001
CALM = TelegramOptions(flood=False)
"""No flood control, for tests of something else."""


class Clock:
    """Unix seconds that pass when a test says so."""

    def __init__(self, at: float = 1_764_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class Line:
    """A served Telegram and a client that talks to it over the wire."""

    def __init__(self, server: TelegramServer, http: httpx.AsyncClient, close: Callable[[], Awaitable[None]]) -> None:
        self.server = server
        self.close = close
        self.telegram = server.telegram
        self.people = server.people
        self.http = http
        self.base = f"/bot{server.address.token}"

    async def call(self, method: str, **params: Any) -> httpx.Response:
        """A call as JSON."""
        return await self.http.post(f"{self.base}/{method}", json=params)

    async def ok(self, method: str, **params: Any) -> Any:
        """The result of a call that succeeds."""
        answer = await self.call(method, **params)
        assert answer.status_code == 200, answer.text
        assert answer.json()["ok"] is True
        return answer.json()["result"]

    async def refused(self, method: str, **params: Any) -> tuple[int, str]:
        """Status and description of a call that fails."""
        return failure(await self.call(method, **params))

    async def say(self, text: str, user_id: int = ANNA, chat_id: int | None = None, **more: Any) -> dict[str, Any]:
        """A person writes; in his private chat unless another is named."""
        return await self.posted("send", user_id=user_id, chat_id=chat_id or user_id, text=text, **more)

    async def posted(self, path: str, **body: Any) -> dict[str, Any]:
        """The answer of a control route that succeeds."""
        answer = await self.http.post(f"/sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def told(self, path: str, **params: Any) -> dict[str, Any]:
        """What a control route tells."""
        answer = await self.http.get(f"/sandbox/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def held(self) -> None:
        """Until a call of getUpdates waits for an update."""
        await until(lambda: self.telegram.updates.held)

    async def kinds(self, after: int = 0) -> list[str]:
        """The kinds of events since a number."""
        return [event["kind"] for event in (await self.told("log", after=after))["events"]]


async def until(condition: Callable[[], object]) -> None:
    """Until something in this loop holds, or ten seconds have gone."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it never came to that")


def failure(answer: httpx.Response) -> tuple[int, str]:
    """Status and description of an answer that is an error, after a look at its envelope."""
    body = answer.json()
    assert (body["ok"], body["error_code"]) == (False, answer.status_code)
    return answer.status_code, body["description"]


@asynccontextmanager
async def meet(options: TelegramOptions = CALM, now: Clock | None = None) -> AsyncIterator[Line]:
    """A served Telegram in which Anna has written to the bot and the bot has read it."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serve_telegram(options, now=now))
        server.people.write(ANNA, ANNA, "/start")
        server.telegram.updates.clear()
        async with httpx.AsyncClient(base_url=server.address.url, timeout=20) as http:
            yield Line(server, http, stack.aclose)


@asynccontextmanager
async def aiogram_bot(address: TelegramAddress, **more: Any) -> AsyncIterator[Bot]:
    """The real bot class, pointed at the local Telegram."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(address.url))
    async with Bot(address.token, session=session, **more) as bot:
        yield bot


@asynccontextmanager
async def polling(bot: Bot, router: Router) -> AsyncIterator[None]:
    """The real dispatcher, polling until the block ends."""
    dispatcher = Dispatcher()
    dispatcher.include_router(router)
    running = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False))
    try:
        yield
    finally:
        with suppress(RuntimeError):
            await dispatcher.stop_polling()
        await running


def png(width: int = 800, height: int = 400, size: int = 0) -> bytes:
    """The head of a PNG, filled up to ``size`` bytes."""
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", width, height) + b"\x08\x02\x00\x00\x00"
    return head.ljust(size, b"\x00")


def jpeg(width: int = 640, height: int = 360) -> bytes:
    """The head of a JPEG: an application segment, a fill byte, then the frame."""
    application = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\x00" + bytes(9)
    frame = b"\xff\xff\xc2" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8" + application + frame


def buttons(*rows: tuple[str, ...]) -> dict[str, Any]:
    """A keyboard; each word is the text and the data of a button."""
    return {"inline_keyboard": [[{"text": word, "callback_data": word} for word in row] for row in rows]}
