"""kill -9 at any point: nothing that was handed over is lost, and of all that was sent at most the one message in flight is sent twice."""

from __future__ import annotations

import asyncio
import math
import random

import msgspec
import pytest

from botcore.sandbox import serve_telegram
from botcore.store import Letters, Store, StoreOptions
from tests.bot.lives import CARD, Child, Plan
from tests.bot.posting import CALM, CROWD
from tests.bot.support import DEADLINE, text_of

CHATS = CROWD[:3]
TEXTS = 9
"""Texts that each life hands over, and as many cards."""
KILLS = 5
LATEST = 20
"""A statement or commit that every life comes to."""


class Ordeal:
    """Lives over one store and one Telegram, and what came of them."""

    def __init__(self, server, url):
        self.server, self.url = server, url
        self.told = []
        self.begins = []
        """The number of the last event before each life."""
        self.kills = 0

    async def live(self, *, texts=TEXTS, messages=0, shown=0, **death):
        """One life. It is killed once Telegram carried out so many messages, once so many cards were handed over, or by itself as ``Plan`` says."""
        self.begins.append(self.server.telegram.events.last)
        first = 1 + max((number for what, _, number in self.told if what == "tried"), default=-1)
        address, numbers = self.server.address, tuple(range(first, first + texts))
        child = Child(Plan(url=address.url, token=address.token, store=self.url, chats=CHATS, numbers=numbers, **death))
        if messages or shown:
            await self.messages_carried_out(messages)
            await child.handed_over(shown)
            child.kill()
        killed = await child.ended()
        assert killed == bool(messages or shown or death), "it came to its end before it was to be killed"
        self.kills += killed
        self.told += child.told

    async def messages_carried_out(self, count):
        """Wait until Telegram has carried out so many messages of this life; they may be answered or not."""
        async with asyncio.timeout(DEADLINE):
            while len([one for one in self.events(len(self.begins) - 1) if one.kind == "message"]) < count:
                await self.server.telegram.events.wait()

    def events(self, life):
        """What the bot sent and changed in a life."""
        end = [*self.begins, math.inf][life + 1]
        found = self.server.telegram.events.since(self.begins[life])
        return [one for one in found if one.message is not None and one.message.sender.is_bot and one.number <= end]

    def repeated(self):
        """What each life sent that an earlier one had sent already; each must have been the last thing that an earlier life sent, so it was in flight."""
        sent: set[tuple[int, str]] = set()
        in_flight: set[tuple[int, str]] = set()
        repeated = []
        for life in range(len(self.begins)):
            names = [name_of(one) for one in self.events(life)]
            new = [name_of(one) for one in self.events(life) if one.kind == "message"]
            assert len(set(new)) == len(new), "something was sent twice within a life"
            repeated.append(sent & set(new))
            assert repeated[-1] <= in_flight, "what was not in flight is sent twice"
            sent |= set(new)
            in_flight |= set(names[-1:])
        return repeated

    def check(self):
        """Everything is as promised after whatever happened."""
        assert sum(map(len, self.repeated())) <= self.kills
        for chat in CHATS:
            tried, kept, shown = ([number for kind, of, number in self.told if (kind, of) == (what, chat)] for what in ("tried", "kept", "shown"))
            texts = [text_of(one) for one in self.server.telegram.rooms[chat].messages.values() if one.sender.is_bot]
            arrived = [int(text) for text in texts if text.isdecimal()]
            assert arrived == sorted(arrived), "out of order"
            assert set(kept) <= set(arrived) <= set(tried)
            cards = [int(text.split()[1]) for text in texts if text.startswith(CARD)]
            assert cards[-1:] in ([*shown[-1:]], [*tried[-1:]])


def name_of(event):
    """The chat and the text of a message; a card is one message whatever it says."""
    text = text_of(event.message)
    return event.chat_id, CARD if text.startswith(CARD) else text


@pytest.fixture
async def ordeal(tmp_path):
    url = f"sqlite:///{tmp_path}/bot.db"
    async with serve_telegram(CALM) as server:
        for chat in CHATS:
            server.people.write(chat, chat, "/start")
        made = Ordeal(server, url)
        yield made
        async with Store(StoreOptions(url=url)) as store:
            assert await Letters(store).count() == 0


@pytest.mark.parametrize("seed", range(8))
async def test_killed_before_any_statement_or_commit_or_while_messages_go_out_nothing_is_lost_and_no_two_are_repeated(ordeal, seed):
    chance = random.Random(seed)
    for _ in range(KILLS):
        moment = chance.choice(["statement", "commit", "message"])
        if moment == "message":
            await ordeal.live(messages=chance.randint(1, TEXTS))
        else:
            await ordeal.live(**{moment: chance.randint(1, LATEST)})
    await ordeal.live(texts=0)
    assert ordeal.kills == KILLS
    ordeal.check()


async def test_killed_after_telegram_did_it_and_before_it_said_so_that_message_is_sent_twice_and_no_other(ordeal):
    ordeal.server.telegram.options = msgspec.structs.replace(CALM, latency=0.1)
    for count in range(1, KILLS + 1):
        await ordeal.live(messages=count)
    await ordeal.live(texts=0)
    ordeal.check()
    assert [len(names) for names in ordeal.repeated()] == [0, *[1] * KILLS]


@pytest.mark.parametrize("what", ["statement", "commit"])
async def test_killed_before_each_statement_and_each_commit_in_turn_nothing_is_lost_and_no_two_are_repeated(ordeal, what):
    for number in range(1, LATEST + 1):
        await ordeal.live(**{what: number})
    await ordeal.live(texts=0)
    assert ordeal.kills == LATEST
    ordeal.check()


async def test_a_full_outbox_is_sent_after_a_crash_in_its_order(ordeal):
    """The life is killed once everything was handed over, while Telegram has taken one message and keeps silent."""
    ordeal.server.telegram.options = msgspec.structs.replace(CALM, latency=60.0)
    await ordeal.live(texts=100, shown=100)
    ordeal.server.telegram.options = CALM
    await ordeal.live(texts=0)
    ordeal.check()
    assert len(ordeal.repeated()[1]) == 1
