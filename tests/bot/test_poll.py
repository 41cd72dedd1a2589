"""Fetching updates: trouble is said once, each update is handled once and in its chat's order, and a slow chat holds up no other."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from aiogram import Dispatcher

from botcore.bot.poll import Poller, insisted
from botcore.errors import ConfigError
from botcore.sandbox import TelegramOptions, serve_telegram
from botcore.store import Chats, Store, StoreOptions
from tests.bot.posting import CALM, aiogram_at, logged, said
from tests.bot.support import ANNA, BORIS, DEADLINE

AWAY = "Telegram does not answer"
BACK = "Telegram answers again"
CONFLICT = "another program fetches this bot's updates"


class Post:
    """A poller between a Telegram and handlers that note what they are given; a text that begins with ``slow`` waits for the gate."""

    def __init__(self, server, http, bot, chats):
        self.server, self.http, self.bot, self.chats = server, http, bot, chats
        self.handled = []
        self.begun = []
        self.gate = asyncio.Event()

    @asynccontextmanager
    async def polling(self, *, finish=1.0):
        """A poller at work until the block ends, as the bot has it."""
        dispatcher = Dispatcher(disable_fsm=True)
        dispatcher.message.register(self._handle)
        poller = Poller(self.bot, dispatcher, self.chats)
        running = asyncio.create_task(poller.run())
        try:
            yield running
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError, ConfigError):
                await running
            await poller.finish(finish)

    async def _handle(self, message):
        self.begun.append(message.text)
        if message.text.startswith("slow"):
            await self.gate.wait()
        if message.text == "breaks":
            raise RuntimeError("broken by the test")
        self.handled.append(message.text)

    def write(self, *texts, who=ANNA):
        for text in texts:
            self.server.people.write(who, who, text)

    async def until(self, condition):
        async with asyncio.timeout(DEADLINE):
            while not condition():  # noqa: ASYNC110 - a call that fails sets no event
                await asyncio.sleep(0.002)

    async def until_handled(self, *texts):
        try:
            await self.until(lambda: set(texts) <= set(self.handled))
        except TimeoutError:
            raise AssertionError(f"{texts} were not handled; {self.handled} were") from None

    async def until_asked(self):
        """Wait until the poller is waiting for news."""
        await self.until(lambda: self.server.telegram.updates._held is not None)

    async def fail(self, **what):
        assert (await self.http.post("/sandbox/fail", json=what)).status_code == 200

    @property
    def unconfirmed(self):
        return len(self.server.telegram.updates)


@asynccontextmanager
async def open_post(folder, options=CALM):
    async with (
        serve_telegram(options) as server,
        Store(StoreOptions(url=f"sqlite:///{folder}/bot.db", timeout=0.05)) as store,
        httpx.AsyncClient(base_url=server.address.url, timeout=DEADLINE) as http,
    ):
        bot = aiogram_at(server.address.url, server.address.token)
        yield Post(server, http, bot, Chats(store))
        await bot.session.close()


@pytest.fixture
async def post(tmp_path):
    async with open_post(tmp_path) as made:
        yield made


# ---- a call that is made until it succeeds


@pytest.mark.parametrize("what", [{"status": 500}, {"html": 502}, {"drop": "before"}, {"status": 429, "retry_after": 1}], ids=str)
async def test_a_bot_introduces_itself_as_soon_as_telegram_answers_and_says_once_that_it_waits(post, caplog, what):
    await post.fail(method="getMe", times=2, **what)
    me = await insisted(post.bot.me)
    assert me.username == "sandbox_dm_bot"
    assert (len(said(caplog, AWAY)), len(said(caplog, BACK))) == (1, 1)


async def test_troubles_of_several_kinds_one_after_the_other_are_one_outage(post, caplog):
    for what in ({"status": 500}, {"drop": "before"}, {"html": 502}):
        await post.fail(method="getMe", **what)
    await insisted(post.bot.me)
    assert (len(said(caplog, AWAY)), len(said(caplog, BACK))) == (1, 1)


async def test_a_bot_introduces_itself_once_telegram_is_there_at_all(caplog):
    async with serve_telegram(CALM) as server:
        port = int(server.address.url.rpartition(":")[2])
    bot = aiogram_at(server.address.url, CALM.token)
    asking = asyncio.create_task(insisted(bot.me))
    await logged(caplog, AWAY)
    async with serve_telegram(TelegramOptions(port=port)), asyncio.timeout(DEADLINE):
        assert (await asking).is_bot
    await bot.session.close()


@pytest.mark.parametrize("token", ["7000000001:ANOTHER", "7000000002:SANDBOXTOKENSANDBOXTOKENSANDBOXTOKE"])
async def test_a_token_that_is_refused_is_not_tried_again_and_not_told(post, caplog, token):
    bot = aiogram_at(post.server.address.url, token)
    with pytest.raises(ConfigError, match="Telegram refuses TELEGRAM_TOKEN: copy it again from @BotFather") as refused:
        await insisted(bot.me)
    await bot.session.close()
    assert token.partition(":")[2] not in f"{refused.value!r} {caplog.text}"
    assert refused.value.__suppress_context__


async def test_a_token_that_is_revoked_later_ends_the_poller(post):
    async with post.polling() as running:
        await post.until_asked()
        await post.fail(method="getUpdates", status=401, description="Unauthorized")
        post.write("wakes it")
        with pytest.raises(ConfigError, match="Telegram refuses TELEGRAM_TOKEN"):
            await asyncio.wait_for(asyncio.shield(running), DEADLINE)


# ---- trouble while polling


@pytest.mark.parametrize("what", [{"status": 500}, {"html": 502}, {"drop": "before"}, {"drop": "after"}], ids=str)
async def test_while_telegram_is_away_it_is_said_once_and_no_update_is_lost(post, caplog, what):
    async with post.polling():
        await post.until_asked()
        await post.fail(method="getUpdates", times=2, **what)
        post.write("before")
        await post.until_handled("before")
        post.write("meanwhile")
        await post.until_handled("meanwhile")
        assert (len(said(caplog, AWAY)), len(said(caplog, BACK))) == (1, 1)
    assert post.handled == ["before", "meanwhile"]


async def test_a_second_poller_is_said_clearly_and_once(post, caplog):
    async with post.polling():
        for number in range(2):
            await post.until_asked()
            assert (await post.http.get(f"/bot{CALM.token}/getUpdates", params={"offset": number + 1})).json()["ok"]
        await post.until_asked()
        assert post.server.telegram.tally.calls["getUpdates"] >= 4
        assert len(said(caplog, CONFLICT)) == 1
        post.write("after")
        await post.until_handled("after")
        assert len(said(caplog, BACK)) == 1


async def test_a_webhook_that_somebody_sets_meanwhile_is_said_clearly(post, caplog):
    async with post.polling():
        await post.until_asked()
        await post.http.post(f"/bot{CALM.token}/setWebhook", json={"url": "http://127.0.0.1:1/hook"})
        await logged(caplog, "use polling or a webhook, not both")
        await post.http.post(f"/bot{CALM.token}/deleteWebhook")
        post.write("after")
        await post.until_handled("after")


# ---- once


async def test_a_handled_update_is_not_handled_again_after_a_restart(post):
    async with post.polling():
        post.write("first", "second")
        await post.until_handled("second")
        await post.until_asked()
    async with post.polling():
        post.write("third")
        await post.until_handled("third")
    assert post.handled == ["first", "second", "third"]


async def test_a_handled_update_of_which_telegram_was_not_told_is_not_handled_again_after_a_restart(post):
    async with post.polling():
        await post.until_asked()
        await post.fail(method="getUpdates", times=100, status=500)
        post.write("once")
        await post.until_handled("once")
        await post.until(lambda: post.server.telegram.tally.calls["getUpdates"] >= 2)
    assert post.unconfirmed == 1
    await post.http.post("/sandbox/fail/clear")
    async with post.polling():
        post.write("later")
        await post.until_handled("later")
    assert post.handled == ["once", "later"]


async def test_an_update_whose_handler_comes_to_its_end_while_the_bot_ends_is_not_handled_again(post):
    async with post.polling():
        await post.until_asked()
        post.write("slow")
        await post.until(lambda: post.begun)
        asyncio.get_running_loop().call_soon(post.gate.set)
    async with post.polling():
        post.write("later")
        await post.until_handled("later")
    assert post.handled == ["slow", "later"]


async def test_an_update_whose_handler_was_cut_off_is_handled_by_the_next_start(post):
    async with post.polling(finish=0.0):
        await post.until_asked()
        post.write("done", "slow")
        await post.until_handled("done")
        await post.until(lambda: post.begun == ["done", "slow"])
    assert post.handled == ["done"]
    post.gate.set()
    async with post.polling():
        await post.until_handled("slow")
    assert post.handled == ["done", "slow"]


async def test_a_bot_with_another_token_on_the_same_store_begins_anew(tmp_path):
    """Its updates have numbers of their own."""
    async with open_post(tmp_path) as post, post.polling():
        post.write(*(f"{number}" for number in range(5)))
        await post.until_handled("4")
        await post.until_asked()
    async with open_post(tmp_path, TelegramOptions(token="7000000009:ANOTHERTOKENANOTHERTOKEN")) as post, post.polling():
        post.write("hello")
        await post.until_handled("hello")


async def test_a_store_that_does_not_take_note_costs_no_update(post, caplog):
    other = sqlite3.connect(post.chats._store.options.path, timeout=20, isolation_level=None)
    async with post.polling():
        await post.until_asked()
        other.execute("BEGIN IMMEDIATE")
        for text in ("1", "2"):
            post.write(text)
            await post.until_handled(text)
        await logged(caplog, "a restart may handle some updates twice")
        await post.until_asked()
        other.rollback()
        post.write("3")
        await post.until_handled("3")
    other.close()
    assert post.handled == ["1", "2", "3"]
    assert len(said(caplog, "a restart may handle some updates twice")) == 1


# ---- in order


async def test_updates_of_a_chat_are_handled_in_their_order_and_a_slow_one_holds_up_no_other_chat(post):
    async with post.polling():
        await post.until_asked()
        post.write("slow 1", "2", "3")
        post.write("1 of Boris", "2 of Boris", who=BORIS)
        await post.until_handled("2 of Boris")
        assert post.handled == ["1 of Boris", "2 of Boris"]
        await post.until_asked()  # a second later the next ones are fetched, though one is not done
        post.write("3 of Boris", who=BORIS)
        post.write("4")
        await post.until_handled("3 of Boris")
        assert post.begun == ["slow 1", "1 of Boris", "2 of Boris", "3 of Boris"]
        post.gate.set()
        await post.until_handled("4")
    assert post.handled[-4:] == ["slow 1", "2", "3", "4"]


async def test_an_update_over_which_its_handler_fails_holds_up_nothing(post, caplog):
    async with post.polling():
        post.write("before", "breaks", "after")
        await post.until_handled("after")
    assert post.handled == ["before", "after"]
    assert len(said(caplog, "failed, and so did telling of it")) == 1
