"""What the tests of sending share: an outbox between a store and a Telegram, and a look at what arrived."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from botcore.bot.carrier import Carrier
from botcore.bot.notes import Note
from botcore.bot.outbox import Outbox, Pace
from botcore.bot.posts import Post
from botcore.sandbox import Person, TelegramOptions, serve_telegram
from botcore.store import Letters, Store, StoreOptions
from tests.bot.support import AT_ONCE, DEADLINE, text_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

    from botcore.bot.checks import Gate
    from botcore.sandbox import TelegramServer
    from botcore.sandbox.telegram.objects import Message

PEOPLE = tuple(Person(id=number, first_name=f"Person {number}") for number in (1001, 2002, *range(3000, 3100)))
CROWD = tuple(person.id for person in PEOPLE[2:])
"""People of whom there are many."""
CALM = TelegramOptions(flood=False, people=PEOPLE)
SLOW = TelegramOptions(flood=False, people=PEOPLE, latency=0.3)
"""One that takes its time between doing and telling."""
STILL = Pace(every=(1000, 1.0), chat=(1, 3600.0), group=(1, 3600.0))
"""One message in each chat, and then none for an hour."""
STRICT = TelegramOptions(people=PEOPLE)
"""With flood control."""
FAR = 4e9
"""Unix seconds that no test sees."""


class Office:
    """An outbox at work. ``blocked`` and ``moved`` are what it told of chats."""

    def __init__(self, server: TelegramServer, store: Store, bot: Bot, http: httpx.AsyncClient, **outbox: Any) -> None:
        self.server = server
        self.telegram = server.telegram
        self.store = store
        self.letters = Letters(store)
        self.blocked: list[int] = []
        self.moved: list[tuple[int, int]] = []
        self.bot = bot
        self._http = http
        self._options = outbox
        self._since = 0
        self.outbox = self.made()

    def made(self) -> Outbox:
        """An outbox over the same store that was not started yet."""

        async def blocked(chat_id: int, _: str) -> None:
            self.blocked.append(chat_id)

        async def moved(old: int, new: int) -> None:
            self.moved.append((old, new))

        return Outbox(self.letters, Carrier(self.bot), sandbox=True, blocked=blocked, moved=moved, **self._options)

    def renewed(self) -> Outbox:
        """Another outbox in place of the one that was closed."""
        self.outbox = self.made()
        return self.outbox

    async def leave(self, *words: tuple[int, str], alerts: tuple[tuple[int, Note], ...] = ()) -> None:
        """Let an earlier run leave alerts and words unsent."""
        earlier = self.made()
        await earlier.alert(alerts)
        for chat_id, text in words:
            await earlier.say(chat_id, text)
        await earlier.close(0)

    async def fail(self, method: str = "sendMessage", **what: Any) -> None:
        """Plan a failure."""
        answer = await self._http.post("/sandbox/fail", json={"method": method, **what})
        assert answer.status_code == 200, answer.text

    def answer_after(self, seconds: float = 0.0) -> None:
        """Let Telegram take so many seconds for every answer from now on."""
        self.telegram.options = msgspec.structs.replace(self.telegram.options, latency=seconds)

    async def kept(self) -> list[str]:
        """The texts of all letters in the store."""
        return [msgspec.json.decode(letter.body)["post"]["text"] for letter in await self.letters.waiting()]

    async def anew(self, chats: Iterable[int]) -> None:
        """Forget what these chats had."""
        self._since = self.telegram.events.last
        for chat_id in chats:
            self.telegram.rooms[chat_id].messages.clear()
            await self.letters.forget_chat(chat_id)

    async def until_kept(self, count: int) -> None:
        """Wait until no more than so many letters are in the store."""
        async with asyncio.timeout(DEADLINE):
            while await self.letters.count() > count:  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0.002)

    # ---- what arrived

    def happened(self, chat_id: int | None = None) -> list[tuple[str, str]]:
        """Every message and every change in the order in which they arrived, as kind ("message" or "edit") and text."""
        events = [one for one in self.telegram.events.since(self._since) if chat_id in (None, one.chat_id)]
        return [(one.kind, text_of(one.message)) for one in events if one.message is not None and one.message.sender.is_bot]

    def texts(self, chat_id: int | None = None) -> list[str]:
        """The texts of all messages in the order in which they arrived, later changes left out."""
        return [text for kind, text in self.happened(chat_id) if kind == "message"]

    def edits(self, chat_id: int | None = None) -> list[str]:
        """The texts of all changes."""
        return [text for kind, text in self.happened(chat_id) if kind == "edit"]

    def messages(self, chat_id: int) -> list[Message]:
        """The bot's messages as the chat shows them now."""
        return [one for one in self.telegram.rooms[chat_id].messages.values() if one.sender.is_bot]

    def shown(self, chat_id: int) -> list[str]:
        """Their texts."""
        return [text_of(one) for one in self.messages(chat_id)]

    def statuses(self, method: str = "sendMessage", chat_id: int | None = None) -> list[int]:
        """How the calls of a method were answered, 0 when the connection was cut."""
        return [call.status for call in self.telegram.tally.since(0) if call.method == method and chat_id in (None, call.chat_id)]

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until it is so."""
        try:
            async with asyncio.timeout(DEADLINE):
                while not condition():  # noqa: ASYNC110 - a call that fails sets no event
                    await asyncio.sleep(0.002)
        except TimeoutError:
            raise AssertionError(f"never came: {what}; there was {self.texts()} and {self.edits()}") from None

    async def until_texts(self, count: int, chat_id: int | None = None) -> list[str]:
        """Wait for so many messages, and give their texts."""
        await self.until(lambda: len(self.texts(chat_id)) >= count, f"{count} messages")
        return self.texts(chat_id)


@asynccontextmanager
async def open_office(  # noqa: PLR0913 - each is a neighbour that a test may choose
    folder: Path,
    *,
    telegram: TelegramOptions = CALM,
    now: Callable[[], float] | None = None,
    started: bool = True,
    patience: float = 60.0,
    digest: int = 1000,
    pace: Pace = AT_ONCE,
    clock: Callable[[], float] = time.time,
    gate: Gate | None = None,
) -> AsyncIterator[Office]:
    """An office of one's own, in which every person has written to the bot. ``patience`` is how long a call may take, in seconds."""
    options = StoreOptions(url=f"sqlite:///{folder}/bot.db", timeout=0.1)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serve_telegram(telegram, now=now))
        store = await stack.enter_async_context(Store(options))
        bot = aiogram_at(server.address.url, server.address.token, patience)
        stack.push_async_callback(bot.session.close)
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=server.address.url, timeout=DEADLINE))
        for person in telegram.people:
            server.people.write(person.id, person.id, "/start")
        office = Office(server, store, bot, http, digest=digest, pace=pace, clock=clock, gate=gate)
        if started:
            await office.outbox.start()
        yield office
        await office.outbox.close(0)


def aiogram_at(url: str, token: str, patience: float = 60.0) -> Bot:
    """The real bot class at a local Telegram; to be closed by its session."""
    return Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(url), timeout=patience))


def note(name: str, text: str = "", *, expires_at: float = FAR) -> Note:
    """An alert."""
    return Note(name, Post(text or name), f"line of {name}", "en", expires_at)


async def logged(caplog: Any, pattern: str) -> None:
    """Wait until something is in the log."""
    async with asyncio.timeout(DEADLINE):
        while not said(caplog, pattern):  # noqa: ASYNC110 - a log sets no event
            await asyncio.sleep(0.002)


def said(caplog: Any, pattern: str) -> list[str]:
    """The lines of the log in which the pattern is."""
    return [record.getMessage() for record in caplog.records if re.search(pattern, record.getMessage())]
