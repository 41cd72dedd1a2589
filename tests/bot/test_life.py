"""How the bot begins and ends: whole processes that are stopped and killed, and what the next start makes of it."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from urllib.request import urlopen

import httpx
import msgspec
import pytest

from botcore.errors import ConfigError
from botcore.model import Game, Level
from botcore.sandbox import TelegramAddress
from botcore.store import Draft, Letters, Store, StoreOptions
from tests.bot.posting import said
from tests.bot.process import UP, started, started_in
from tests.bot.support import ANNA, BORIS, DEADLINE, DONE, TRADERS, Gate, text_of
from tests.bot.test_carrier import GARBAGE, answering
from tests.cli.door import Door

LETTERS = 12
TOKEN = "7000000001:SANDBOXTOKENSANDBOXTOKENSANDBOXTOKE"


def store_of(scene):
    return Store(StoreOptions(url=f"sqlite:///{scene.folder}/bot.db", timeout=20))


# ---- ends and beginnings of whole processes


async def test_sigterm_with_a_full_outbox_and_a_running_scan_ends_soon_and_the_next_start_takes_up_both_even_after_a_kill(scene):
    anna, boris, gate = scene.chat(), scene.chat(BORIS), Gate()
    boris.write("/start")
    scene.telegram.telegram.updates.clear()
    async with store_of(scene) as store:
        await Letters(store).put([Draft(chat_id=BORIS, kind="say", body=f'{{"post":{{"text":"{number}"}}}}') for number in range(LETTERS)], at=time.time())
    scene.between.hold = gate

    async with started_in(scene) as bot:
        await bot.until(UP)
        scanning = await anna.ask("/scan", "Stop|CS2")
        await asyncio.wait_for(gate.reached.wait(), DEADLINE)
        assert await bot.ends_soon(signal.SIGTERM) == 0
    assert "Stopped." in bot.output
    async with store_of(scene) as store:
        assert 0 < await Letters(store).count() < LETTERS
    (message,) = [one for one in anna.messages if one.message_id == scanning.message_id]
    assert "restarting" in text_of(message)

    async with started_in(scene) as bot:
        resumed = await anna.sees("restarted, so this scan began anew")
        assert resumed.message_id == scanning.message_id
        bot.send(signal.SIGKILL)
        assert await bot.ended() == -signal.SIGKILL

    gate.open()
    async with started_in(scene) as bot:
        results = await anna.sees(DONE)
        await scene.until(lambda: len(boris.messages) >= LETTERS, "all letters")
        assert await bot.ends_soon(signal.SIGTERM) == 0
    assert results.message_id == scanning.message_id
    texts = [text_of(message) for message in boris.messages]
    assert sorted(set(texts), key=int) == [f"{number}" for number in range(LETTERS)]
    assert texts == sorted(texts, key=int)
    assert len(texts) <= LETTERS + 1, "at most the one in flight at the kill is there twice"


async def test_a_bot_waits_for_telegram_says_so_once_and_never_its_token(scene):
    for what in ({"status": 500}, {"drop": "before"}):
        await _fail(scene, method="getMe", **what)
    async with started_in(scene) as bot:
        await bot.until(UP)
        assert await bot.ends_soon(signal.SIGTERM) == 0
    assert len(re.findall("Telegram does not answer", bot.output)) == 1
    assert len(re.findall("Telegram answers again", bot.output)) == 1


async def test_a_token_that_telegram_refuses_ends_the_bot_with_code_2_and_a_sentence(scene):
    address = TelegramAddress(scene.telegram.address.url, "7000000001:ANOTHERTOKENANOTHERTOKEN")
    async with started(scene.folder, address, **scene.environment()) as bot:
        assert await bot.ended() == 2
    assert "botcore: Telegram refuses TELEGRAM_TOKEN: copy it again from @BotFather" in bot.output


async def test_a_token_is_not_written_even_when_a_stranger_answers_in_telegrams_place_and_a_signal_ends_the_waiting(scene):
    async with answering(GARBAGE["no HTTP"]) as url, started(scene.folder, TelegramAddress(url, TOKEN), **scene.environment()) as bot:
        await bot.until("Telegram does not answer")
        assert await bot.ends_soon(signal.SIGTERM) == 0


async def test_a_bot_ends_soon_even_when_telegram_hangs_and_keeps_the_message_that_it_waited_for(scene):
    anna = scene.chat()
    async with started_in(scene) as bot:
        await bot.until(UP)
        await _fail(scene, method="sendMessage", delay=60)
        anna.write("/help")
        await _until(lambda: not scene.telegram.telegram.updates)
        assert await bot.ends_soon(signal.SIGTERM) == 0
    async with store_of(scene) as store:
        assert await Letters(store).count() == 1


async def test_a_second_signal_ends_the_bot_at_once(scene):
    anna, gate = scene.chat(), Gate()
    scene.between.hold = gate
    async with started_in(scene) as bot:
        await bot.until(UP)
        await anna.ask("/scan", ".")
        _slow(scene)
        bot.send(signal.SIGTERM)
        await anna.sees("restarting")
        bot.send(signal.SIGTERM)
        assert await bot.ended() == 128 + signal.SIGTERM


def test_without_a_token_a_telegram_of_this_machine_is_there_to_try_and_ctrl_c_gives_130(tmp_path):
    screen = Door(tmp_path, {"BOTCORE_BOT_WARM": "0"}).terminal("bot", "--port", "0")
    screen.until("Ctrl-C ends it")
    with urlopen(re.findall(r"http://127\.0\.0\.1:\d+", screen.text)[0]) as page:
        assert page.status == 200
    screen.type("\x03")
    assert screen.end() == 130
    assert "Stopped." in screen.text
    assert list(tmp_path.iterdir()) == [], "nothing of it is kept"


# ---- chats that go


async def test_a_chat_that_turns_out_to_have_blocked_the_bot_is_marked_and_hears_nothing_until_its_person_comes_back(scene):
    """The bot was not told: it was down when that happened."""
    anna, room = scene.chat(), scene.telegram.telegram.rooms[ANNA]
    async with scene.bot() as running:
        await anna.ask("/start", ".")
        room.blocked = True
        await running.desk.outbox.say(ANNA, "unheard")
        await _until_blocked(running, blocked=True)
    async with scene.bot() as running:
        calls = scene.telegram.telegram.tally.last
        await running.desk.outbox.say(ANNA, "unheard too")
        room.blocked = False
        await anna.ask("/mute", ".")
        assert [call.chat_id for call in scene.telegram.telegram.tally.since(calls) if call.method == "sendMessage"] == [ANNA]
        assert not (await running.desk.chats.settings(ANNA)).blocked
        assert "unheard" not in "".join(map(text_of, anna.messages))


async def test_who_blocks_the_bot_hears_nothing_and_nothing_is_asked_for_him_until_he_lets_it_in_again(scene):
    anna = scene.chat()
    async with scene.bot() as running:
        await anna.ask("/start", ".")
        scene.telegram.people.block(ANNA, blocked=True)
        await _until_blocked(running, blocked=True)
        calls = scene.telegram.telegram.tally.last
        await running.desk.chats.watch(ANNA, Game.CSGO, Level.STANDARD, "anything", 0.0)
        await running.desk.watcher.round()
        await running.desk.outbox.say(ANNA, "unheard")
        assert running.desk.watcher.looks == 0
        scene.telegram.people.block(ANNA, blocked=False)
        await _until_blocked(running, blocked=False)
        await running.desk.watcher.round()
        await running.desk.outbox.say(ANNA, "heard")
        await anna.sees("^heard$")
        assert running.desk.watcher.looks == 1
        assert [call.status for call in scene.telegram.telegram.tally.since(calls) if call.method == "sendMessage"] == [200]


async def test_the_owner_is_told_once_the_new_id_of_a_group_that_became_a_supergroup(scene, caplog):
    anna, group = scene.chat(), scene.chat(ANNA, TRADERS)
    async with scene.bot(allowed=(ANNA, TRADERS)) as running:
        await anna.ask("/start", ".")
        await group.ask("/level", ".")
        new = scene.telegram.people.migrate(TRADERS)
        for text in ("1", "2", "3"):
            await running.desk.outbox.say(TRADERS, text)
        await anna.sees(f"new id: {new}")
        await scene.until(lambda: [text_of(one) for one in scene.chat(ANNA, new).messages] == ["1", "2", "3"], "what was said to the group")
        await scene.settled(running)
    assert len([one for one in anna.messages if "new id" in text_of(one)]) == 1
    assert len(said(caplog, f"group {TRADERS} goes on as {new}")) == 1


# ---- what a bot needs


async def test_without_a_store_the_bot_does_not_start(scene):
    with pytest.raises(ConfigError, match=r"the bot needs its store, and sqlite:////proc/none/bot\.db cannot be opened"):
        async with scene.bot(DATABASE_URL="sqlite:////proc/none/bot.db"):
            pass


async def _until(condition):
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - what is waited for is a number
            await asyncio.sleep(0.005)


async def _until_blocked(running, *, blocked):
    async with asyncio.timeout(DEADLINE):
        while (await running.desk.chats.settings(ANNA)).blocked != blocked:  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.005)


def _slow(scene):
    """From now on Telegram does what it is told and does not say so for a minute."""
    scene.telegram.telegram.options = msgspec.structs.replace(scene.telegram.telegram.options, latency=60.0)


async def _fail(scene, **what):
    async with httpx.AsyncClient(base_url=scene.telegram.address.url) as http:
        assert (await http.post("/sandbox/fail", json=what)).status_code == 200
