"""The outbox against flood control that is on: nothing it sends is refused, however much waits.

Where the real pace would take minutes, the clock of Telegram and the pace of the outbox run faster by the same factor.
"""

from __future__ import annotations

import time

import pytest

from botcore.bot.outbox import Pace
from botcore.bot.posts import Post
from tests.bot.posting import CROWD, STRICT, note, open_office
from tests.bot.support import ANNA, AT_ONCE, TRADERS

REAL = Pace()


def faster(factor: float) -> Pace:
    """The real pace, so many times as fast."""
    return Pace(**{name: (size, seconds / factor) for name, (size, seconds) in ((name, getattr(REAL, name)) for name in REAL.__struct_fields__)})


class Fast:
    """Unix seconds that pass so many times as fast."""

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.began = time.monotonic()

    def __call__(self) -> float:
        return 1_790_000_000.0 + self.factor * (time.monotonic() - self.began)


async def test_of_two_hundred_messages_to_a_hundred_chats_at_the_real_pace_none_is_refused(tmp_path):
    async with open_office(tmp_path, telegram=STRICT, pace=REAL) as office:
        await office.outbox.alert([(chat, note(f"{number}")) for number in range(2) for chat in CROWD])
        await office.until_texts(200)
        assert set(office.statuses()) == {200}
        assert office.telegram.tally.most_in_a_second <= 30
        assert all(office.texts(chat) == ["0", "1"] for chat in CROWD)


async def test_a_crowd_in_one_chat_goes_out_at_one_a_second_and_none_is_refused(tmp_path):
    async with open_office(tmp_path, telegram=STRICT, pace=faster(20), now=Fast(20)) as office:
        for number in range(60):
            await office.outbox.say(ANNA, f"{number}")
        assert await office.until_texts(60) == [f"{number}" for number in range(60)]
        assert set(office.statuses()) == {200}


async def test_a_card_that_changes_all_the_time_is_changed_at_one_a_second_and_never_refused(tmp_path):
    """A change counts as a message."""
    async with open_office(tmp_path, telegram=STRICT, pace=faster(20), now=Fast(20)) as office:
        for number in range(200):
            await office.outbox.show(ANNA, "scan", Post(f"{number}"))
        await office.until(lambda: office.shown(ANNA) == ["199"], "the last")
        assert set(office.statuses() + office.statuses("editMessageText")) == {200}


async def test_a_group_gets_no_more_than_twenty_a_minute_and_none_is_refused(tmp_path):
    async with open_office(tmp_path, telegram=STRICT, pace=faster(60), now=Fast(60)) as office:
        for number in range(50):
            await office.outbox.say(TRADERS, f"{number}")
        assert await office.until_texts(50) == [f"{number}" for number in range(50)]
        assert set(office.statuses()) == {200}


@pytest.mark.parametrize("chats", [[ANNA], [TRADERS], CROWD], ids=["one chat", "a group", "many chats"])
async def test_without_a_pace_the_same_is_refused(tmp_path, chats):
    """Or the tests above would show nothing."""
    async with open_office(tmp_path, telegram=STRICT, pace=AT_ONCE) as office:
        await office.outbox.alert([(chat, note(f"{number}")) for number in range(1 if chats is CROWD else 6) for chat in chats])
        await office.until(lambda: 429 in office.statuses(), "a refusal")
