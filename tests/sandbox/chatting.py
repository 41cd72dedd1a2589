"""What the tests of the chat page share: a small bot made with aiogram, and a browser that has the page open."""

from __future__ import annotations

import asyncio
import re
import struct
import zlib
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from aiogram import Bot, Dispatcher, Router
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command
from aiogram.types import BotCommand, BufferedInputFile, CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message
from playwright.async_api import expect

from botcore.sandbox import TelegramOptions, serve_telegram

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Locator, Page

    from botcore.sandbox import TelegramAddress, TelegramServer

ANNA, BORIS, TRADERS = 1001, 2002, -5001
BOT = "Sandbox Bot"
AWAY = "ERR_CONNECTION|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE"
"""What a browser says in its console while there is no server."""
UNHURRIED = TelegramOptions(flood=False)
"""The page is under test here, not how often a bot may write."""


def keyboard(*rows: tuple[tuple[str, str], ...]) -> InlineKeyboardMarkup:
    """Rows of (words, data); data that begins with https is an address."""

    def button(words: str, data: str) -> InlineKeyboardButton:
        return InlineKeyboardButton(text=words, url=data) if data.startswith("https:") else InlineKeyboardButton(text=words, callback_data=data)

    return InlineKeyboardMarkup(inline_keyboard=[[button(*each) for each in row] for row in rows])


def counter(count: int) -> InlineKeyboardMarkup:
    """The buttons under the answer to /start."""
    return keyboard(
        (("Count", f"count:{count}"),),
        (("Balance", "alert"), ("Note", "toast"), ("Wait", "slow")),
        (("Market", "https://market.example/offers"),),
    )


def picture(width: int = 640, height: int = 360) -> bytes:
    """A PNG in one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x1c\x6d\xb5" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Talker:
    """A bot that knows Anna. A press of Wait is answered when ``gate`` is set; ``presses`` counts the presses that arrived."""

    def __init__(self, address: TelegramAddress) -> None:
        session = AiohttpSession(api=TelegramAPIServer.from_base(address.url))
        self.bot = Bot(address.token, session=session, default=DefaultBotProperties(parse_mode="HTML"))
        self.gate = asyncio.Event()
        self.presses = 0

    def router(self) -> Router:
        router = Router()
        router.message.register(self.start, Command("start"))
        router.message.register(self.photo, Command("photo"))
        router.callback_query.register(self.pressed)
        return router

    async def start(self, message: Message) -> None:
        if message.chat.id == BORIS:
            await message.answer(f"This bot is not for you. Your id is <code>{BORIS}</code>.")
        elif message.chat.id == ANNA:
            await message.answer("Hello, <b>Anna</b>. Count 0", reply_markup=counter(0))
        else:
            await message.answer("Hello, traders.")

    async def photo(self, message: Message) -> None:
        await message.answer_photo(BufferedInputFile(picture(), "chart.png"), caption="Median <b>14.05</b>")

    async def pressed(self, query: CallbackQuery) -> None:
        self.presses += 1
        kind, _, number = (query.data or "").partition(":")
        if kind == "slow":
            await self.gate.wait()
        if kind == "count" and isinstance(query.message, Message):
            count = int(number) + 1
            await query.message.edit_text(f"Hello, <b>Anna</b>. Count {count}", reply_markup=counter(count))
        await query.answer({"alert": "Balance: $12.50", "toast": "Noted."}.get(kind), show_alert=kind == "alert")


@asynccontextmanager
async def talking(address: TelegramAddress) -> AsyncIterator[Talker]:
    """The bot, polling until the block ends."""
    talker, dispatcher = Talker(address), Dispatcher()
    dispatcher.include_router(talker.router())
    await talker.bot.set_my_commands([BotCommand(command="start", description="Begin here"), BotCommand(command="photo", description="See a chart")])
    await talker.bot.set_my_commands([BotCommand(command="start", description="Начать")], language_code="ru")
    polling = asyncio.create_task(dispatcher.start_polling(talker.bot, handle_signals=False))
    try:
        yield talker
    finally:
        talker.gate.set()
        with suppress(RuntimeError):  # it has not begun to poll
            await dispatcher.stop_polling()
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        await talker.bot.session.close()


class Stage(NamedTuple):
    """The page in a browser, the server under it and the bot behind that."""

    page: Page
    server: TelegramServer
    talker: Talker

    def pane(self, name: str) -> Locator:
        """Where a person's chats are."""
        return self.page.locator(".pane", has=self.page.get_by_role("heading", name=name, exact=True, include_hidden=True))

    def messages(self, name: str, title: str = BOT) -> Locator:
        """The messages that a person sees in a chat, oldest first."""
        return self.pane(name).get_by_role("list", name=f"Messages with {title}").get_by_role("listitem")

    @property
    def news(self) -> Locator:
        """What a screen reader was told, oldest first."""
        return self.page.get_by_role("log", name="News").locator("p")

    def field(self, name: str, title: str = BOT) -> Locator:
        """Where a person writes."""
        return self.page.get_by_role("textbox", name=f"Message to {title} as {name}")

    async def says(self, name: str, text: str, title: str = BOT) -> None:
        """Let a person write."""
        await self.field(name, title).fill(text)
        await self.field(name, title).press("Enter")

    async def started(self) -> Locator:
        """The bot's answer to Anna's /start."""
        await self.says("Anna", "/start")
        answer = self.messages("Anna").filter(has_text="Hello, Anna")
        await expect(answer).to_have_count(1)
        return answer


@asynccontextmanager
async def window(browser: Browser, *, width: int = 1280, height: int = 800, forgiven: str = "(?!)", **context: str) -> AsyncIterator[Page]:
    """An empty window, a desktop's unless told otherwise. At the end nothing may have failed in it but what ``forgiven``, a pattern, names."""
    found = await browser.new_context(viewport={"width": width, "height": height}, locale="en-GB", **context)  # type: ignore[arg-type]
    try:
        page = await found.new_page()
        failures: list[str] = []
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda line: failures.append(line.text) if line.type in {"error", "warning"} else None)
        yield page
        assert [line for line in failures if not re.search(forgiven, line)] == []
    finally:
        await found.close()


@asynccontextmanager
async def served(page: Page, options: TelegramOptions = UNHURRIED) -> AsyncIterator[Stage]:
    """The server and the bot, for a page that is opened or comes back by itself."""
    async with serve_telegram(options) as server, talking(server.address) as talker:
        yield Stage(page, server, talker)


@asynccontextmanager
async def staged(browser: Browser, options: TelegramOptions = UNHURRIED, **wanted: Any) -> AsyncIterator[Stage]:
    """The page, open and connected; ``wanted`` is what ``window`` takes."""
    async with AsyncExitStack() as stack:
        page = await stack.enter_async_context(window(browser, **wanted))
        stage = await stack.enter_async_context(served(page, options))
        await page.goto(stage.server.address.url)
        await expect(page.get_by_role("status")).to_have_text("Connected")
        yield stage
        await page.goto("about:blank")  # so that it does not see the server go
