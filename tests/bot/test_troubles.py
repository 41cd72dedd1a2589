"""Errors: the user gets one sentence with a number, the log the trace under the same, the owner one word an hour for each kind."""

# ruff: noqa: RUF001 - Russian is written in letters that look like Latin ones

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from botcore.model import Game
from botcore.sandbox import MarketOptions
from tests.bot.support import ANNA, BORIS, DONE, TRADERS, Gate, labels_of, open_scene, text_of
from tests.client.support import Answer

if TYPE_CHECKING:
    from logging import LogRecord

    from botcore.sandbox.telegram.objects import Message
    from tests.bot.support import Chat, Scene

WRONG = r"^Something went wrong on my side; the owner can look it up by its number, (\w{6})\.$"
WRONG_IN_RUSSIAN = r"^У меня что-то сломалось; владелец найдёт причину по номеру (\w{6})\.$"
TOLD = r"^Error (\w{6}): (\w+)\n([\w.<>]+)\nMore of this kind within the hour are in the log only\.$"


async def store(scene: Scene, *statements: str) -> None:
    """Do something to the store under the running bot, as another program could."""

    def work() -> None:
        with closing(sqlite3.connect(scene.folder / "bot.db")) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    await asyncio.to_thread(work)


def number(message: Message, pattern: str = WRONG) -> str:
    found = re.fullmatch(pattern, text_of(message))
    assert found is not None, text_of(message)
    return found[1]


def logged(caplog: pytest.LogCaptureFixture, name: str) -> LogRecord:
    """The one line of the log with this number."""
    (record,) = [record for record in caplog.records if record.getMessage().startswith(f"error {name}")]
    return record


def told(chat: Chat) -> list[tuple[str, str]]:
    """What the owner was told: the number and the kind of each error."""
    found = (re.fullmatch(TOLD, text_of(one)) for one in chat.messages)
    return [(match[1], match[2]) for match in found if match]


# ---- our own errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "command"),
    [("mutes", "/mute"), ("mutes", "/unmute x"), ("watches", "/watch"), ("watches", "/status"), ("views", "/scan"), ("mutes", "/top"), ("sales", "/price {}")],
)
async def test_an_error_is_a_sentence_with_a_number_a_trace_in_the_log_and_a_word_to_the_owner(scene, caplog, table, command):
    """A table of the store is gone while the bot runs. Boris is a user, Anna the owner."""
    title = next(iter(scene.market.world.games[Game.CSGO].titles))
    async with scene.bot(allowed=(ANNA, BORIS)) as running:
        anna, boris = scene.chat(), scene.chat(BORIS)
        await anna.ask("/start")
        await store(scene, f"DROP TABLE {table}")
        name = number(await boris.ask(command.format(title)), WRONG_IN_RUSSIAN)
        await scene.settled(running)
        assert len(boris.messages) == 1
        assert told(anna) == [(name, "StoreError")]
        record = logged(caplog, name)
        assert record.levelno >= logging.WARNING
        assert record.exc_info is not None
        assert f"no such table: {table}" in str(record.exc_info[1]) or "table" in str(record.exc_info[1])
        assert "Traceback (most recent call last)" in caplog.text
        assert "botcore/store" in caplog.text


async def test_what_another_version_wrote_and_nobody_can_read_is_an_error_like_any_other(scene, caplog):
    async with scene.bot() as running:
        anna = scene.chat()
        await anna.ask("/start")
        await store(scene, "INSERT INTO mutes (chat_id, game, title) VALUES (1001, 'cards', 'x')")
        name = number(await anna.ask("/mute", "^Something"))
        await scene.settled(running)
        assert told(anna) == [(name, "ValueError")]
        record = logged(caplog, name)
        assert record.levelno == logging.ERROR
        assert "'cards' is not a valid Game" in caplog.text
        await store(scene, "DELETE FROM mutes")
        await anna.ask("/mute", "^Nothing is muted here")


async def test_the_owner_hears_of_a_kind_once_an_hour_and_of_another_kind_at_once(scene, clock):
    async with scene.bot(allowed=(ANNA, BORIS), clock=clock) as running:
        anna, boris = scene.chat(), scene.chat(BORIS)
        await anna.ask("/start")
        await store(scene, "DROP TABLE mutes")
        numbers = [number(await boris.ask("/mute"), WRONG_IN_RUSSIAN) for _ in range(3)]
        assert len(set(numbers)) == 3
        await scene.settled(running)
        assert told(anna) == [(numbers[0], "StoreError")]
        scene.between.bend = lambda _, __: None
        other = number(await boris.ask("/balance"), r"^DMarket не ответил вовремя; повторите через минуту \((\w{6})\)\.$")
        await scene.settled(running)
        assert told(anna) == [(numbers[0], "StoreError"), (other, "NoAnswer")]
        clock.at += 3599
        await boris.ask("/mute", WRONG_IN_RUSSIAN)
        await scene.settled(running)
        assert len(told(anna)) == 2
        clock.at += 2
        again = number(await boris.ask("/mute"), WRONG_IN_RUSSIAN)
        await scene.settled(running)
        assert told(anna)[2:] == [(again, "StoreError")]


async def test_the_hour_holds_over_a_restart(scene, clock):
    boris = scene.chat(BORIS)
    for _ in range(2):
        async with scene.bot(allowed=(ANNA, BORIS), clock=clock) as running:
            await scene.chat().ask("/start", "^Hello")
            await store(scene, "DROP TABLE IF EXISTS mutes")
            await boris.ask("/mute", WRONG_IN_RUSSIAN)
            await scene.settled(running)
    assert len(told(scene.chat())) == 1


async def test_an_error_in_a_group_is_told_there_and_to_the_owner_alone(scene):
    async with scene.bot(allowed=(ANNA, BORIS, TRADERS)) as running:
        anna, group = scene.chat(), scene.chat(BORIS, TRADERS)
        await anna.ask("/start")
        await store(scene, "DROP TABLE mutes")
        name = number(await group.ask("/mute"), WRONG_IN_RUSSIAN)
        await scene.settled(running)
        assert told(anna) == [(name, "StoreError")]
        assert len(group.messages) == 1


async def test_a_press_that_fails_is_answered_too(scene):
    async with scene.bot() as running:
        anna = scene.chat()
        page = await anna.scan("csgo pro")
        await store(scene, "DROP TABLE views")
        assert await anna.answered(anna.press(page, "^2$")) == ""
        number(await anna.sees("^Something"))
        await scene.settled(running)
        assert len(told(anna)) == 1


async def test_a_scan_whose_store_fails_ends_and_says_so(scene, caplog):
    """Nothing is left behind that looks as if it went on."""
    async with scene.bot() as running:
        anna = scene.chat()
        gate = scene.between.hold = Gate()
        live = await anna.ask("/scan csgo boost", "looking")
        await store(scene, "DROP TABLE mutes")
        gate.open()
        name = number(await anna.sees("^Something"))
        assert text_of(await anna.sees("broken off")) == "CS2 boost: the scan was broken off."
        await scene.settled(running)
        shown = next(one for one in anna.messages if one.message_id == live.message_id)
        assert labels_of(shown) == ["Scan again"]
        assert logged(caplog, name).exc_info is not None
        assert running.desk.views.running(ANNA) is None
        assert await running.desk.chats.running() == []


async def test_when_nothing_can_be_kept_the_log_alone_has_it_and_the_bot_lives_on(scene, caplog):
    async with scene.bot() as running:
        anna = scene.chat()
        await anna.ask("/start")
        gate = scene.between.hold = Gate()
        await anna.ask("/scan csgo boost", "looking")
        await store(scene, "ALTER TABLE outbox RENAME TO elsewhere")
        anna.write("/level")
        await scene.until(lambda: "could not be told" in caplog.text, "the line in the log")
        await scene.until(lambda: not running.desk.views._running, "the end of the scan that nobody can be shown")
        gate.open()
        assert not running.serving.done()
        await store(scene, "ALTER TABLE elsewhere RENAME TO outbox")
        await anna.ask("/level", "^Set for this chat")


async def test_an_error_before_any_handler_is_told_as_well(scene):
    """The settings of the chat cannot be had, so not even its language is known."""
    async with scene.bot():
        anna = scene.chat()
        await anna.ask("/start")
        await store(scene, "ALTER TABLE chats RENAME TO elsewhere")
        number(await anna.ask("/level"))
        await store(scene, "ALTER TABLE elsewhere RENAME TO chats")
        await anna.ask("/level", "^Set for this chat")


async def test_trouble_with_watching_is_told_to_the_owner_once_and_watching_goes_on(scene):
    async with scene.bot(allowed=(ANNA, BORIS), BOTCORE_BOT_WATCH="0.02") as running:
        anna, boris = scene.chat(), scene.chat(BORIS)
        await anna.ask("/start")
        await boris.ask("/watch " + next(iter(scene.market.world.games[Game.CSGO].titles)), "Слежу")
        await store(scene, "ALTER TABLE mutes RENAME TO elsewhere")
        await anna.sees(TOLD)
        looks = running.desk.watcher.looks
        await scene.until(lambda: running.desk.watcher.looks > looks + 3, "more looks")
        assert [kind for _, kind in told(anna)] == ["StoreError"]
        assert len(boris.messages) == 1


# ---- the market's troubles ---------------------------------------------------------------------------------------------

HTML = Answer(b"<html>502 Bad Gateway</html>", 200, kind="text/html")
REFUSALS = {
    "a cut line": (None, "DMarket did not answer in time; try again in a minute"),
    "no JSON": (HTML, "DMarket gave an answer that nobody can read; try again in a minute"),
    "other JSON": (Answer(b'["what?"]'), "DMarket gave an answer that nobody can read; try again in a minute"),
    "its own trouble": (Answer(b"{}", 503), "DMarket has trouble of its own; try again in a few minutes"),
    "a refusal": (Answer(b'{"code":3,"message":"no"}', 400), "DMarket refused this; asking again will not help"),
    "the keys": (Answer(b'{"code":"Unauthorized"}', 401), "DMarket refused the keys; the owner has to check them"),
    "the quota": (Answer(b"{}", 429, (("ratelimit-reset", "3600"),)), "DMarket says: too many requests; try again in a minute"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_what_is_wrong_with_the_market_is_named_and_the_number_is_in_the_log(scene, caplog, refusal):
    answer, sentence = REFUSALS[refusal]
    async with scene.bot() as running:
        anna = scene.chat()
        scene.between.bend = lambda _, __: answer
        name = number(await anna.ask("/balance"), rf"^{re.escape(sentence)} \((\w{{6}})\)\.$")
        assert logged(caplog, name).exc_info is not None
        await scene.settled(running)
        assert [one for one, _ in told(anna)] == [name]
        scene.between.bend = lambda _, said: said
        if refusal != "the quota":  # that one asked for an hour
            await anna.ask("/balance", "^Balance: ")


@pytest.mark.parametrize("text", ["/balance", "/price {}", "/watch {}", "/mute {}"])
async def test_a_market_that_cannot_be_reached_is_said_for_each_command_that_needs_it(scene, text):
    title = next(iter(scene.market.world.games[Game.CSGO].titles))
    async with scene.bot(DMARKET_URL="http://127.0.0.1:9") as running:
        anna = scene.chat()
        number(await anna.ask(text.format(title)), r"^DMarket cannot be reached; try again in a minute \((\w{6})\)\.$")
        for command in ("/start", "/help", "/level", "/status", "/config", "/watch", "/mute", "/top", "/cancel"):
            assert "DMarket cannot" not in text_of(await anna.ask(command))
        await scene.settled(running)


async def test_a_scan_of_a_market_that_cannot_be_reached_fails_in_its_message_with_a_button_to_try_again(scene):
    async with scene.bot(DMARKET_URL="http://127.0.0.1:9"):
        anna = scene.chat()
        words = text_of(await anna.ask("/scan", "^The scan failed"))
        assert words.startswith("The scan failed: the fees could not be had, and none is ever assumed\nCS2 standard: 0 found")
        assert len(anna.messages) == 1
        assert labels_of(anna.messages[0]) == ["Scan again"]


async def test_in_a_storm_everything_is_answered_and_nothing_of_ours_breaks(tmp_path, caplog):
    """About a third of the market's answers are spoiled, in every way there is."""
    market = MarketOptions(seed=5, size=2_000, latency=0.0, limits=False, chaos="storm", stall=0.05)
    async with (
        open_scene(tmp_path, market=market) as scene,
        scene.bot(DMARKET_URL=scene.market.address.url, BOTCORE_RETRY_ATTEMPTS="2", BOTCORE_RETRY_FIRST="0.01") as running,
    ):
        anna = scene.chat()
        title = next(iter(scene.market.world.games[Game.CSGO].titles))
        for text in ("/balance", f"/price {title}", "/scan rust boost", "/top", f"/watch {title}", "/scan tf2 boost", "/status", f"/mute {title}") * 3:
            await anna.ask(text, f"{DONE}|^The scan failed" if "scan" in text else "")
            await scene.settled(running)
        assert running.desk.outbox.counts.spoiled == 0
    ours = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in ours] == []
