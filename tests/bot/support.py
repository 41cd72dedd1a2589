"""What the tests of the bot share: a market and a Telegram on loopback, a bot between them, and people who write, press and look."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from botcore.app import open_app
from botcore.bot.outbox import Pace
from botcore.bot.run import RunningBot, open_bot
from botcore.sandbox import MarketOptions, TelegramOptions, serve_market, serve_telegram
from botcore.settings import Telegram, load
from tests.client.support import raw_server
from tests.scan.support import Between

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from botcore.sandbox import MarketServer, TelegramServer, World
    from botcore.sandbox.telegram.events import Event
    from botcore.sandbox.telegram.objects import Message
    from tests.scan.support import Asked

ANNA, BORIS, TRADERS = 1001, 2002, -5001
"""The people and the group that a local Telegram has; Boris reads Russian."""
DEADLINE = 30.0
DONE = r"^[^\n]+: (\d+ found|найдено \d+)"
"""How the results of a scan begin."""
MARKET = MarketOptions(seed=5, size=2_000, latency=0.0, limits=False)
TELEGRAM = TelegramOptions(flood=False)
AT_ONCE = Pace(every=(1000, 1.0), chat=(1000, 1.0), group=(1000, 1.0))
"""A pace that holds nothing back, for a Telegram without flood control."""
QUICK = {f"BOTCORE_QUOTA_{kind}": "2000" for kind in ("MARKET", "SALES", "FEE", "OTHER")} | {
    "BOTCORE_BOT_WARM": "0",
    "BOTCORE_BOT_EDIT": "0.02",
    "BOTCORE_RETRY_ATTEMPTS": "1",
}


class Clock:
    """Unix seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.at = time.time()

    def __call__(self) -> float:
        return self.at


class Gate:
    """Holds requests to the market until it is opened: those of some stages (``Asked.stage``), or all. Put it into ``Between.hold``."""

    def __init__(self, *stages: str) -> None:
        self.stages = stages
        self.reached = asyncio.Event()
        self._open = asyncio.Event()

    async def __call__(self, asked: Asked) -> None:
        if not self.stages or asked.stage in self.stages:
            self.reached.set()
            await self._open.wait()

    def open(self) -> None:
        """Let everything pass from now on."""
        self._open.set()


class Chat:
    """One person in one chat. What he sees comes after the last thing that he did or saw, and the answer to a press after the last that he did."""

    def __init__(self, server: TelegramServer, user_id: int, chat_id: int) -> None:
        self.telegram = server.telegram
        self.people = server.people
        self.user_id = user_id
        self.chat_id = chat_id
        self.did = 0
        self.seen = 0

    # ---- what he does

    def write(self, text: str) -> int:
        """Write something; gives the message's id."""
        self.did = self.seen = self.telegram.events.last
        return self.people.write(self.user_id, self.chat_id, text)[1]

    def press(self, message: Message, words: str) -> str:
        """Press the first button whose words match; gives the press's id."""
        return self.send_press(message.message_id, data_of(message, words))

    def send_press(self, message_id: int, data: str, *, forged: bool = False) -> str:
        """Press whatever a button might say."""
        self.did = self.seen = self.telegram.events.last
        return self.people.press(self.user_id, self.chat_id, message_id, data, forged=forged)[1]

    # ---- what he sees

    @property
    def messages(self) -> list[Message]:
        """The bot's messages as the chat shows them now."""
        return [one for one in self.telegram.rooms[self.chat_id].messages.values() if one.sender.is_bot]

    def events(self, after: int = 0) -> list[Event]:
        """What the bot sent, changed or answered here."""
        found = [one for one in self.telegram.events.since(after) if one.number > after and one.chat_id == self.chat_id]
        return [one for one in found if one.kind != "message" or (one.message and one.message.sender.is_bot)]

    async def sees(self, pattern: str = "") -> Message:
        """The next message, or change of one, whose text matches."""
        event = await self._next(lambda one: one.message is not None and bool(re.search(pattern, text_of(one.message))), self.seen, pattern)
        assert event.message is not None
        self.seen = event.number
        return event.message

    async def answered(self, press: str) -> str:
        """The words that a press was answered with."""
        event = await self._next(lambda one: one.kind == "answer" and one.callback_query_id == press, self.did, f"answer to {press}")
        return event.text or ""

    async def ask(self, text: str, pattern: str = "") -> Message:
        """Write, and see the next message that matches."""
        self.write(text)
        return await self.sees(pattern)

    async def scan(self, words: str = "") -> Message:
        """Have something scanned, and see what was found in the end."""
        return await self.ask(f"/scan {words}", DONE)

    async def _next(self, wanted: Callable[[Event], bool], after: int, what: str) -> Event:
        try:
            async with asyncio.timeout(DEADLINE):
                while True:
                    found = next(filter(wanted, self.events(after)), None)
                    if found is not None:
                        return found
                    await self.telegram.events.wait()
        except TimeoutError:
            raise AssertionError(f"{what!r} never came; seen was {[shown(one) for one in self.events(after)]}") from None


class Scene:
    """A market and a Telegram, between which bots are opened and closed; all of them use the same store.

    ``between`` stands before the market: it keeps what was asked, and lets a test hold, bend or cut every answer.
    """

    def __init__(self, market: MarketServer, telegram: TelegramServer, folder: Path, between: Between, url: str) -> None:
        self.market = market
        self.telegram = telegram
        self.folder = folder
        self.between = between
        self.url = url

    def chat(self, user_id: int = ANNA, chat_id: int | None = None) -> Chat:
        """Somebody in a chat, his private one by default."""
        return Chat(self.telegram, user_id, user_id if chat_id is None else chat_id)

    def environment(self, **settings: str) -> dict[str, str]:
        """The settings of a bot here."""
        address = self.market.address
        keys = {"DMARKET_URL": self.url, "DMARKET_PUBLIC_KEY": address.public_key, "DMARKET_SECRET_KEY": address.secret_key}
        return QUICK | keys | {"DATABASE_URL": f"sqlite:///{self.folder}/bot.db"} | settings

    @asynccontextmanager
    async def bot(
        self, *, allowed: tuple[int, ...] = (ANNA,), pace: Pace | None = AT_ONCE, clock: Callable[[], float] = time.time, **settings: str
    ) -> AsyncIterator[RunningBot]:
        """A bot at work until the block ends; ``settings`` are variables of the environment."""
        address = self.telegram.address
        async with (
            open_app(load(self.environment(**settings), self.folder / ".env")) as app,
            open_bot(app, Telegram(address.token, address.url, allowed), pace=pace, clock=clock) as running,
        ):
            yield running

    async def settled(self, running: RunningBot) -> None:
        """Wait until the bot has done with everything that it was told, and has sent what it had to say."""
        await self.until(lambda: not len(self.telegram.telegram.updates), "the end of the updates")
        await running.desk.outbox.drained()

    async def looked(self, running: RunningBot) -> None:
        """Wait until all that is watched was looked at once more from beginning to end, and what there was to tell is told."""
        watcher = running.desk.watcher
        titles = {(one.game, one.level, one.title) for one in await running.desk.chats.watches()}
        wanted = watcher.looks + 2 * len(titles)
        await self.until(lambda: watcher.looks >= wanted, "another look")
        await running.desk.outbox.drained()

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        try:
            async with asyncio.timeout(DEADLINE):
                while not condition():  # noqa: ASYNC110 - what is waited for is a number, or stands in a store
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"never came: {what}") from None


@asynccontextmanager
async def open_scene(folder: Path, *, market: MarketOptions = MARKET, telegram: TelegramOptions = TELEGRAM, world: World | None = None) -> AsyncIterator[Scene]:
    """A scene of one's own."""
    async with serve_market(market, world=world) as selling, serve_telegram(telegram) as talking:
        between = Between(selling.address.url)
        async with raw_server(between.handle) as url:
            yield Scene(selling, talking, folder, between, url)


def text_of(message: Message) -> str:
    """The words of a message, or those under its picture."""
    return message.text or message.caption or ""


def buttons_of(message: Message) -> list[dict[str, str]]:
    """All buttons under a message."""
    return [button for row in (message.reply_markup or {}).get("inline_keyboard", []) for button in row]


def labels_of(message: Message) -> list[str]:
    """What is written on them."""
    return [button["text"] for button in buttons_of(message)]


def data_of(message: Message, words: str) -> str:
    """What the first button says whose words match."""
    found = [button["callback_data"] for button in buttons_of(message) if "callback_data" in button and re.search(words, button["text"])]
    assert found, f"no button {words!r} among {labels_of(message)}"
    return found[0]


def shown(event: Event) -> tuple[str, str]:
    """An event in short, to be read when something is wrong."""
    return event.kind, (text_of(event.message) if event.message else event.text or "")[:120]
