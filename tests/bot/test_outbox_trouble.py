"""The outbox when something is wrong: Telegram away, chats that take nothing or moved, messages nobody takes, a store that fails."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import contextmanager

import pytest

from botcore.bot.posts import Post
from botcore.errors import StoreError
from tests.bot.posting import CROWD, SLOW, logged, note, open_office, said
from tests.bot.support import ANNA, BORIS, TRADERS, Clock

ONE_TO_FIVE = ["1", "2", "3", "4", "5"]


@pytest.fixture
async def office(tmp_path):
    async with open_office(tmp_path, patience=1.0) as made:
        yield made


async def say(office, chat_id, *texts):
    for text in texts:
        await office.outbox.say(chat_id, text)


# ---- Telegram away


@pytest.mark.parametrize("what", [{"status": 500}, {"html": 502}, {"drop": "before"}, {"drop": "after"}, {"delay": 20}], ids=str)
async def test_while_telegram_is_away_letters_wait_in_their_order_and_it_is_said_once(office, caplog, what):
    await office.fail("*", **what, times=2)
    await say(office, ANNA, *ONE_TO_FIVE)
    await say(office, BORIS, *ONE_TO_FIVE)
    await office.until_kept(0)
    for chat in (ANNA, BORIS):
        texts = office.texts(chat)
        assert sorted(texts) == texts
        assert sorted(set(texts)) == ONE_TO_FIVE
    assert len(office.texts()) == (12 if what == {"drop": "after"} else 10), "what was cut after it was done is sent again, nothing else is"
    assert len(said(caplog, "Telegram takes no messages")) == 1


async def test_the_next_time_that_telegram_is_away_is_said_again(office, caplog):
    for text in ("1", "2"):
        await office.fail("*", status=500)
        await say(office, ANNA, text)
        await office.until_kept(0)
    assert len(said(caplog, "Telegram takes no messages")) == 2


async def test_a_message_that_is_refused_shows_that_telegram_is_back(office, caplog):
    await office.fail("*", status=500)
    await office.fail("*", status=400)
    await office.fail("*", status=500)
    await say(office, ANNA, "spoiled", "fine")
    assert await office.until_texts(1) == ["fine"]
    assert len(said(caplog, "Telegram takes no messages")) == 2


async def test_a_card_that_is_replaced_while_telegram_is_away_shows_its_last_content_once(office):
    await office.outbox.show(ANNA, "scan", Post("first"))
    await office.until_texts(1)
    await office.fail("*", drop="before")
    for number in range(10):
        await office.outbox.show(ANNA, "scan", Post(f"{number}"))
    await office.until_kept(0)
    assert office.shown(ANNA) == ["9"]
    assert len(office.edits()) <= 2


async def test_the_outbox_ends_soon_even_when_telegram_never_answers(tmp_path):
    """The message in flight is sent again by the next start."""
    async with open_office(tmp_path) as office:
        office.answer_after(60)
        await say(office, ANNA, "1", "2")
        await office.until_texts(1)
        async with asyncio.timeout(10):
            await office.outbox.close(0)
        assert await office.kept() == ["1", "2"]
        office.answer_after(0)
        again = office.renewed()
        await again.start()
        assert await office.until_texts(3) == ["1", "1", "2"]


# ---- a message nobody takes


async def test_a_message_that_is_refused_is_dropped_and_said_and_holds_up_nothing(office, caplog):
    await say(office, ANNA, "before")
    await office.until_texts(1)
    await office.fail(status=400, description="Bad Request: something new")
    await say(office, ANNA, "spoiled", "after")
    await office.until_kept(0)
    assert office.texts() == ["before", "after"]
    assert office.outbox.counts.spoiled == 1
    assert len(said(caplog, "something new")) == 1


# ---- flood control that was caused by somebody else


async def test_a_chat_that_wants_silence_gets_it_while_others_go_on(office):
    await office.fail(status=429, retry_after=2)
    await say(office, ANNA, "1", "2")
    await office.until(lambda: office.statuses() == [429], "the refusal")
    await say(office, BORIS, *ONE_TO_FIVE)
    await office.until_texts(5, BORIS)
    assert office.texts(ANNA) == []
    await office.until_texts(2, ANNA)
    refused, *later = [call.at for call in office.telegram.tally.since(0) if call.chat_id == ANNA]
    assert min(later) - refused >= 2
    assert (office.texts(ANNA), office.outbox.counts.refused) == (["1", "2"], 1)


async def test_two_chats_that_want_silence_one_after_the_other_silence_all(office):
    await office.fail(status=429, retry_after=2, times=2)
    await say(office, ANNA, "1")
    await say(office, BORIS, "2")
    await office.until(lambda: office.statuses() == [429, 429], "two refusals")
    for chat in CROWD[:5]:
        await say(office, chat, "3")
    await office.until_texts(7)
    calls = office.telegram.tally.since(0)
    assert min(call.at for call in calls if call.status == 200) - calls[1].at >= 2


# ---- chats that take nothing


async def test_a_chat_that_blocked_the_bot_loses_what_waits_and_is_sent_nothing_until_it_is_welcome_again(office):
    await office.outbox.show(ANNA, "scan", Post("before"))
    await office.until_texts(1)
    office.server.people.block(ANNA, blocked=True)
    await say(office, ANNA, "1", "2")
    await say(office, BORIS, "hello")
    await office.until_texts(1, BORIS)
    await office.until_kept(0)
    assert office.blocked == [ANNA]
    calls = office.telegram.tally.last
    await say(office, ANNA, "3")
    await office.outbox.show(ANNA, "scan", Post("4"))
    await office.outbox.alert([(ANNA, note("5")), (BORIS, note("6"))])
    await office.until_texts(2, BORIS)
    assert {call.chat_id for call in office.telegram.tally.since(calls)} == {BORIS}
    await office.until_kept(0)
    assert office.blocked == [ANNA]
    office.server.people.block(ANNA, blocked=False)
    office.outbox.welcome(ANNA)
    await office.outbox.show(ANNA, "scan", Post("7"))
    assert (await office.until_texts(2, ANNA))[-1] == "7", "and its cards are forgotten"


async def test_a_chat_that_is_known_to_take_nothing_is_left_alone_from_the_start(tmp_path):
    async with open_office(tmp_path, started=False) as office:
        await office.outbox.start([ANNA])
        await say(office, ANNA, "unheard")
        await say(office, BORIS, "heard")
        await office.until_kept(0)
        assert (office.texts(ANNA), office.texts(BORIS)) == ([], ["heard"])


async def test_what_waits_for_a_chat_is_thrown_away_on_demand_while_one_message_is_in_flight(tmp_path):
    async with open_office(tmp_path, telegram=SLOW) as office:
        await say(office, ANNA, "in flight", "2", "3")
        await say(office, BORIS, "hello")
        await office.until_texts(1)
        await office.outbox.forget(ANNA)
        office.answer_after()
        await office.until_texts(1, BORIS)
        await office.until_kept(0)
        assert office.texts(ANNA) == ["in flight"]


# ---- groups that move


async def test_a_group_that_became_a_supergroup_gets_everything_there_in_order_and_it_is_told_once(tmp_path):
    async with open_office(tmp_path, telegram=SLOW) as office:
        await office.outbox.show(TRADERS, "scan", Post("old group"))
        await office.until_texts(1)
        new = office.server.people.migrate(TRADERS)
        await office.outbox.show(TRADERS, "scan", Post("shown long ago"))
        await say(office, TRADERS, "1", "2")
        await office.outbox.show(TRADERS, "scan", Post("shown last"))
        office.answer_after()
        await office.until_texts(3, new)
        await say(office, TRADERS, "3")
        await office.outbox.show(TRADERS, "scan", Post("changed"))
        await office.until(lambda: office.shown(new) == ["changed", "1", "2", "3"], "what was said to the old id")
        assert office.texts(new) == ["shown last", "1", "2", "3"]
        assert office.moved == [(TRADERS, new)]
        assert office.statuses(chat_id=TRADERS).count(400) <= 1


async def test_an_answer_in_place_of_a_message_of_the_old_group_is_a_new_one_in_the_new(office):
    """Messages have other numbers there."""
    await say(office, TRADERS, "choose")
    await office.until_texts(1)
    number = office.messages(TRADERS)[-1].message_id
    new = office.server.people.migrate(TRADERS)
    await say(office, TRADERS, "first")
    while len(office.messages(new)) < number:
        await say(office, new, "filling")
        await office.until_kept(0)
    office.outbox._moved.clear()  # as after a restart
    await office.outbox.say(TRADERS, Post("chosen"), message=number)
    await office.until_kept(0)
    assert office.shown(new)[-1] == "chosen"


# ---- a store that fails


@contextmanager
def held(office):
    """Another program writes, and does not end."""
    other = sqlite3.connect(office.store.options.path, timeout=20, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


async def test_a_store_that_cannot_take_note_of_what_was_sent_stops_sending_instead_of_repeating(tmp_path, caplog):
    async with open_office(tmp_path, telegram=SLOW) as office:
        await say(office, ANNA, "1", "2")
        await say(office, BORIS, "3")
        await office.until_texts(1)
        with held(office):
            await logged(caplog, "nothing more is sent until the store")
            assert office.texts() == ["1"]
        office.answer_after()
        await office.until_kept(0)
        assert (office.texts(ANNA), office.texts(BORIS)) == (["1", "2"], ["3"])
        assert len(said(caplog, "nothing more is sent until the store")) == 1


@pytest.mark.parametrize("answer", [{"status": 400}, {"status": 403}, {"drop": "before"}, {"status": 429, "retry_after": 1}], ids=str)
async def test_whatever_telegram_answers_while_the_store_fails_the_outbox_goes_on_afterwards(tmp_path, caplog, answer):
    async with open_office(tmp_path, telegram=SLOW) as office:
        await office.fail(**answer)
        await say(office, ANNA, "1")
        await say(office, BORIS, "2")
        await office.until(lambda: len(office.statuses()) == 1, "the answer")
        with held(office):
            office.answer_after()
            await logged(caplog, "nothing more is sent until the store")
        await office.until_kept(0)
        assert office.texts(BORIS) == ["2"]


async def test_a_group_that_moves_while_the_store_fails_moves_afterwards(tmp_path, caplog):
    async with open_office(tmp_path, telegram=SLOW) as office:
        new = office.server.people.migrate(TRADERS)
        await say(office, TRADERS, "1", "2")
        await office.until(lambda: office.statuses() == [400], "the answer")
        with held(office):
            office.answer_after()
            await logged(caplog, "nothing more is sent until the store")
        await office.until_kept(0)
        assert (office.texts(new), office.moved) == (["1", "2"], [(TRADERS, new)])


async def test_a_store_that_cannot_tell_which_message_a_card_is_stops_sending_until_it_can(office, caplog):
    await office.outbox.show(ANNA, "scan", Post("one"))
    await office.until_kept(0)
    with sqlite3.connect(office.store.options.path) as other:
        other.execute("ALTER TABLE cards RENAME TO hidden")
    await office.outbox.show(ANNA, "scan", Post("two"))
    await say(office, BORIS, "after")
    await logged(caplog, "nothing more is sent until the store")
    assert office.happened(BORIS) == []
    with sqlite3.connect(office.store.options.path) as other:
        other.execute("ALTER TABLE hidden RENAME TO cards")
    await office.until_kept(0)
    assert (office.shown(ANNA), office.texts(ANNA), office.texts(BORIS)) == (["two"], ["one"], ["after"])


async def test_an_alert_that_comes_too_late_while_the_store_fails_is_dropped_afterwards(tmp_path, caplog):
    clock = Clock()
    async with open_office(tmp_path, started=False, clock=clock) as office:
        await office.leave((BORIS, "after"), alerts=((ANNA, note("late", expires_at=clock.at + 1)),))
        clock.at += 2
        with held(office):
            await office.outbox.start()
            await logged(caplog, "nothing more is sent until the store")
        await office.until_kept(0)
        assert (office.texts(ANNA), office.texts(BORIS)) == ([], ["after"])


async def test_what_the_store_does_not_take_is_not_sent(office):
    with held(office):
        for refused in (office.outbox.say(ANNA, "1"), office.outbox.show(ANNA, "scan", Post("2")), office.outbox.alert([(ANNA, note("3"))])):
            with pytest.raises(StoreError):
                await refused
    await say(office, BORIS, "after")
    await office.until_texts(1)
    assert office.texts() == ["after"]


async def test_a_store_that_fails_to_the_end_does_not_keep_the_outbox_from_closing(tmp_path, caplog):
    """What was sent is sent again by the next start, since nobody knows of it."""
    async with open_office(tmp_path, telegram=SLOW) as office:
        await say(office, ANNA, "1", "2")
        await office.until_texts(1)
        with held(office):
            await logged(caplog, "nothing more is sent until the store")
            async with asyncio.timeout(10):
                await office.outbox.close(0)
        assert await office.kept() == ["1", "2"]
        again = office.renewed()
        await again.start()
        assert await office.until_texts(3) == ["1", "1", "2"]
