"""Alerts of a watch in the outbox: told once to a chat, looked at right before they are sent, and taken back when they hold no more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from botcore.bot.checks import Fate
from botcore.bot.posts import Post
from botcore.model import Alert, Level
from tests.bot.posting import note, open_office
from tests.bot.spoken import FOUND
from tests.bot.support import ANNA, BORIS, Clock
from tests.store.support import NOW

AT_ONCE = 1
"""Alerts a minute after which they come together."""


class Gate:
    """A gate that tells what a test says of each alert, by its number, as soon as the test lets it."""

    def __init__(self) -> None:
        self.known: set[int] = set()
        self.fates: dict[int, Fate] = {}
        self.looked: list[tuple[int, int]] = []
        self.told: list[int] = []
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    def holds(self, alert: Alert) -> bool:
        return alert.id in self.known

    async def look(self, chat_id: int, alert: Alert) -> Fate:
        self.looked.append((chat_id, alert.id))
        self.asked.set()
        await self.open.wait()
        return self.fates.get(alert.id, Fate.HOLDS)

    async def sent(self, alert: Alert) -> None:
        self.told.append(alert.id)


def alert(number: int):
    """A note of the alert of this number."""
    found = msgspec.structs.replace(FOUND, offer_id=f"o{number}", listed_at=datetime.fromtimestamp(NOW, UTC))
    made = Alert(id=number, level=Level.STANDARD, opportunity=found, seen_at=NOW, decided_at=NOW, queued_at=NOW)
    return msgspec.structs.replace(note(f"watch/{number}"), alert=made)


@pytest.fixture
def gate():
    return Gate()


async def test_an_alert_that_was_looked_at_just_now_is_sent_and_noted_without_another_look(tmp_path, gate):
    gate.known = {1}
    async with open_office(tmp_path, gate=gate) as office:
        await office.outbox.alert([(ANNA, alert(1)), (BORIS, alert(1))], once=True)
        await office.outbox.drained()
        assert (office.texts(ANNA), office.texts(BORIS)) == (["watch/1"], ["watch/1"])
        assert (gate.looked, gate.told) == ([], [1, 1])


async def test_an_older_one_is_looked_at_and_one_that_is_gone_is_counted_and_not_sent(tmp_path, gate):
    gate.fates = {1: Fate.GONE, 2: Fate.UNWANTED}
    async with open_office(tmp_path, gate=gate) as office:
        await office.outbox.alert([(ANNA, alert(number)) for number in (1, 2, 3)], once=True)
        await office.outbox.drained()
        assert office.texts(ANNA) == ["watch/3"]
        assert (gate.looked, gate.told) == ([(ANNA, 1), (ANNA, 2), (ANNA, 3)], [3])
        assert (office.outbox.counts.gone, office.outbox.counts.sent) == (1, 1)
        assert await office.letters.count() == 0


async def test_while_one_chat_waits_for_its_look_others_are_served(tmp_path, gate):
    gate.open.clear()
    async with open_office(tmp_path, gate=gate) as office:
        await office.outbox.alert([(ANNA, alert(1))], once=True)
        await gate.asked.wait()
        await office.outbox.say(BORIS, "meanwhile")
        await office.until_texts(1)
        assert (office.texts(ANNA), office.texts(BORIS)) == ([], ["meanwhile"])
        gate.open.set()
        await office.outbox.drained()
        assert office.texts(ANNA) == ["watch/1"]


async def test_of_one_that_nobody_can_tell_the_chat_hears_later_and_what_else_is_said_passes_it(tmp_path, gate):
    gate.fates = {1: Fate.UNKNOWN}
    clock = Clock()
    async with open_office(tmp_path, gate=gate, clock=clock) as office:
        await office.outbox.alert([(ANNA, alert(1))], once=True)
        await office.outbox.say(ANNA, "an answer")
        await office.until_texts(1)
        assert office.texts(ANNA) == ["an answer"]
        await office.until_kept(1)
        assert len(office.outbox) == 1
        gate.fates = {}
        clock.at += 60
        await office.outbox.say(ANNA, "another")
        await office.outbox.drained()
        assert office.texts(ANNA) == ["an answer", "watch/1", "another"]


async def test_in_a_digest_each_is_looked_at(tmp_path, gate):
    gate.fates = {3: Fate.GONE}
    async with open_office(tmp_path, gate=gate, digest=AT_ONCE) as office:
        await office.outbox.alert([(ANNA, alert(number)) for number in (1, 2, 3, 4)], once=True)
        await office.outbox.drained()
        first, digest = office.texts(ANNA)
        assert first == "watch/1"
        assert "line of watch/2" in digest
        assert "line of watch/3" not in digest
        assert "line of watch/4" in digest
        assert (gate.told, office.outbox.counts.gone) == ([1, 2, 4], 1)


@pytest.mark.parametrize("digest", [1000, AT_ONCE])
async def test_an_alert_is_told_once_however_often_it_comes_and_whatever_became_of_its_message(tmp_path, gate, digest):
    """After a kill a watch hands out once more what was in good hands already."""
    numbers = (1, 2, 3)
    async with open_office(tmp_path, gate=gate, digest=digest) as office:
        for _ in range(2):
            await office.outbox.alert([(ANNA, alert(number)) for number in numbers], once=True)
        await office.outbox.drained()
        told = office.texts(ANNA)
        await office.outbox.close(0)
        office.renewed()
        await office.outbox.start()
        await office.outbox.alert([(ANNA, alert(number)) for number in numbers], once=True)
        await office.outbox.alert([(BORIS, alert(1))], once=True)
        await office.outbox.drained()
        assert office.texts(ANNA) == told
        assert office.texts(BORIS) == ["watch/1"]


async def test_what_was_gone_before_it_was_sent_may_be_told_when_it_is_there_again(tmp_path, gate):
    gate.fates = {1: Fate.GONE}
    async with open_office(tmp_path, gate=gate) as office:
        await office.outbox.alert([(ANNA, alert(1))], once=True)
        await office.outbox.drained()
        gate.fates = {}
        await office.outbox.alert_again(ANNA, alert(1))
        await office.outbox.drained()
        assert office.texts(ANNA) == ["watch/1"]
        await office.outbox.change_alert(ANNA, "watch/1", Post("gone"))
        await office.outbox.drained()
        await office.outbox.alert_again(ANNA, alert(1))
        await office.outbox.drained()
        assert office.texts(ANNA) == ["watch/1"]
        assert office.outbox.counts.sent == 1


async def test_a_change_takes_an_alert_that_waits_away_and_counts_it_as_gone(tmp_path, gate):
    gate.open.clear()
    async with open_office(tmp_path, gate=gate) as office:
        await office.outbox.alert([(ANNA, alert(1))], once=True)
        await gate.asked.wait()
        await office.outbox.change_alert(ANNA, "watch/1", Post("gone"))
        gate.open.set()
        await office.outbox.drained()
        await office.outbox.say(ANNA, "after it")
        await office.outbox.drained()
        assert office.texts(ANNA) == ["after it"]
        assert office.outbox.counts.gone == 1


async def test_a_look_under_way_does_not_keep_the_outbox_from_closing_and_its_letter_stays(tmp_path, gate):
    gate.open.clear()
    async with open_office(tmp_path, gate=gate) as office:
        await office.outbox.alert([(ANNA, alert(1))], once=True)
        await gate.asked.wait()
        await office.outbox.close(0)
        assert await office.letters.count() == 1
        gate.open.set()
        office.renewed()
        await office.outbox.start()
        await office.outbox.drained()
        assert office.texts(ANNA) == ["watch/1"]
