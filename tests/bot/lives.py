"""A bot's sending in a process of its own, which can be killed at any point, again and again over the same store.

Children are forked from a process that has loaded everything, so that a life costs a fraction of a second.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import event

from botcore.bot.carrier import Carrier
from botcore.bot.outbox import Outbox
from botcore.bot.posts import Post
from botcore.store import Letters, Store, StoreOptions
from tests.bot.posting import aiogram_at
from tests.bot.support import AT_ONCE, DEADLINE

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

CARD = "card"
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["botcore.bot.run"])


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a child does: hand numbered texts and cards to the outbox, in the chats by turns, and end once all is sent.

    ``statement`` and ``commit`` are the numbers of the SQL statement and of the commit before which it kills itself, 0 for never.
    """

    url: str
    token: str
    store: str
    chats: tuple[int, ...]
    numbers: tuple[int, ...]
    statement: int = 0
    commit: int = 0


def live(plan: Plan, told: Connection) -> None:
    """What the child runs. It tells of every text and card when it begins to hand it over, and when that is done."""
    asyncio.run(_live(plan, told))


async def _live(plan: Plan, told: Connection) -> None:
    bot = aiogram_at(plan.url, plan.token)
    async with Store(StoreOptions(url=plan.store)) as store:
        _kill_before(store, "before_cursor_execute", plan.statement)
        _kill_before(store, "commit", plan.commit)
        outbox = Outbox(Letters(store), Carrier(bot), digest=1000, sandbox=True, pace=AT_ONCE, blocked=_never, moved=_never)
        await outbox.start()
        for number in plan.numbers:
            chat = plan.chats[number % len(plan.chats)]
            told.send(("tried", chat, number))
            await outbox.say(chat, f"{number}")
            told.send(("kept", chat, number))
            await outbox.show(chat, CARD, Post(f"{CARD} {number}"))
            told.send(("shown", chat, number))
        await outbox.drained()
        await outbox.close(0)
    await bot.session.close()
    told.send(("done", 0, 0))


def _kill_before(store: Store, what: str, number: int) -> None:
    seen = 0

    def die(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(store._engine.sync_engine, what, die)  # type: ignore[union-attr]


async def _never(chat_id: int, what: Any) -> None:
    raise AssertionError((chat_id, what))


class Child:
    """A life that goes on. ``told`` is what it has told so far."""

    def __init__(self, plan: Plan) -> None:
        self.told: list[tuple[str, int, int]] = []
        self._ear, mouth = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=live, args=(plan, mouth), daemon=True)
        self._process.start()
        mouth.close()
        self._heard, self._ended = asyncio.Event(), asyncio.Event()
        asyncio.get_running_loop().add_reader(self._ear.fileno(), self._listen)

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()

    async def handed_over(self, cards: int) -> None:
        """Wait until it has handed over so many cards, and the texts before them."""
        async with asyncio.timeout(DEADLINE):
            while len([what for what, _, _ in self.told if what == "shown"]) < cards:
                self._heard.clear()
                await self._heard.wait()

    async def ended(self) -> bool:
        """Wait for the end; True when it was killed."""
        async with asyncio.timeout(DEADLINE):
            await self._ended.wait()
        self._process.join(DEADLINE)
        code = self._process.exitcode
        self._process.close()
        assert code in (0, -signal.SIGKILL), f"it ended with {code} after {self.told[-3:]}"
        return code != 0

    def _listen(self) -> None:
        try:
            self.told.append(self._ear.recv())
            self._heard.set()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(self._ear.fileno())
            self._ear.close()
            self._ended.set()
