"""Flood control: how often, for how long, and what does not count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.sandbox import Group, Person, TelegramOptions
from botcore.sandbox.telegram.flood import Flood
from tests.sandbox.telegram import ANNA, BORIS, TRADERS, Clock, buttons, failure, meet, png

CROWD = TelegramOptions(people=tuple(Person(id=ANNA + number, first_name=f"P{number}") for number in range(100)), groups=())


def waits(flood, calls):
    """What flood control tells to calls of (chat, time); a negative chat is a group."""
    return [flood.take(chat, at, group=chat < 0) for chat, at in calls]


def test_a_chat_takes_a_burst_and_then_one_a_second():
    assert waits(Flood(4), [(1, 0.0)] * 5) == [0, 0, 0, 0, 1]
    assert waits(Flood(1), [(1, 0.0), (1, 1.0), (1, 1.9), (1, 2.9)]) == [0, 0, 1, 0]
    assert waits(Flood(2), [(1, 0.0), (1, 0.0), (1, 1.0), (1, 2.0), (1, 10.0), (1, 10.0), (1, 10.0)]) == [0, 0, 0, 0, 0, 0, 1]


def test_after_a_refusal_the_chat_stays_closed_for_the_whole_time_told():
    """A token would be there at 1.0, but the answer at 0.5 said: one second."""
    assert waits(Flood(1), [(1, 0.0), (1, 0.5), (1, 1.2), (1, 1.5)]) == [0, 1, 1, 0]
    assert waits(Flood(1), [(1, 0.0), (1, 0.5), (2, 0.5)]) == [0, 1, 0]  # others are not shut out with it


def test_a_refused_call_counts_for_nothing():
    assert waits(Flood(1), [(1, 0.0), *[(1, 0.1)] * 50, (1, 1.1)])[-1] == 0


def test_a_group_takes_twenty_in_any_minute():
    calls = [(-1, 2.0 * number) for number in range(21)]
    assert waits(Flood(4), calls) == [0] * 20 + [20]
    assert waits(Flood(4), [*calls, (-1, 59.0), (-1, 60.0), (-1, 61.0)])[-3:] == [1, 0, 1]
    assert waits(Flood(4), [(1, 2.0 * number) for number in range(100)]) == [0] * 100  # a person's chat has no such limit


def test_all_chats_together_take_thirty_in_any_second():
    flood = Flood(4)
    assert waits(flood, [(chat, 0.0) for chat in range(30)]) == [0] * 30
    assert waits(flood, [(30, 0.2), (31, 0.9), (31, 1.1)]) == [1, 1, 1]  # everything is closed until 1.2
    assert waits(flood, [(31, 1.2)]) == [0]


def test_without_enforcement_everything_passes():
    assert set(waits(Flood(1, enforced=False), [(1, 0.0)] * 100)) == {0}


def test_at_a_real_clock_s_size_a_call_that_is_due_passes():
    start = 1_764_000_000.123456
    flood = Flood(1)
    assert waits(flood, [(1, start + number) for number in range(200)]) == [0] * 200


STEPS = st.lists(st.tuples(st.sampled_from([1, 2, 3, -1]), st.floats(0, 0.4)), max_size=200)


@given(STEPS)
def test_what_passes_never_exceeds_a_limit(steps):
    flood, now = Flood(4), 0.0
    passed = []
    for chat, pause in steps:
        now += pause
        if not flood.take(chat, now, group=chat < 0):
            passed.append((chat, now))
    for chat, at in passed:
        own = [other for one, other in passed if one == chat]
        assert sum(at - 1 + 1e-5 < other <= at for _, other in passed) <= 30
        assert sum(at - 1 < other <= at for other in own) <= 4 + 1
        assert sum(at - 10 < other <= at for other in own) <= 4 + 10


@given(STEPS)
def test_who_waits_as_long_as_told_passes(steps):
    for group in (False, True):
        flood, now = Flood(4), 1_764_000_000.3
        for _, pause in steps:
            now += pause
            if wait := flood.take(1, now, group=group):
                now += wait
                assert flood.take(1, now, group=group) == 0


@pytest.fixture
async def line():
    async with meet(TelegramOptions(), now=Clock()) as found:
        yield found


async def test_a_refusal_says_how_long_in_three_places(line):
    answers = [await line.call("sendMessage", chat_id=ANNA, text="a") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].json() == {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 1", "parameters": {"retry_after": 1}}
    line.telegram.now.at += 1
    await line.ok("sendMessage", chat_id=ANNA, text="a")
    served = await line.told("served")
    assert (served["refused"], served["most_in_a_second"]) == (1, 5)


async def test_edits_and_sends_of_every_kind_count(line):
    sent = await line.ok("sendMessage", chat_id=ANNA, text="a", reply_markup=buttons(("x",)))
    where = {"chat_id": ANNA, "message_id": sent["message_id"]}
    await line.ok("editMessageReplyMarkup", **where)
    await line.http.post(f"{line.base}/sendPhoto", data={"chat_id": ANNA}, files={"photo": ("a.png", png())})
    assert (await line.refused("editMessageText", text="a", **where))[1].startswith("Bad Request: message is not modified")
    for method in ("sendMessage", "editMessageText", "editMessageReplyMarkup"):
        assert (await line.refused(method, text="b", **where))[0] == 429
    photo = await line.http.post(f"{line.base}/sendPhoto", data={"chat_id": ANNA}, files={"photo": ("a.png", png())})
    assert failure(photo)[0] == 429
    assert [len(line.telegram.rooms[ANNA].messages), (await line.kinds()).count("edit")] == [3, 1]


async def test_answers_actions_deletes_reads_and_mistakes_do_not_count(line):
    sent = await line.ok("sendMessage", chat_id=ANNA, text="a", reply_markup=buttons(("x",)))
    for _ in range(40):
        told = await line.posted("press", user_id=ANNA, chat_id=ANNA, message_id=sent["message_id"], data="x")
        await line.ok("answerCallbackQuery", callback_query_id=told["callback_query_id"])
        await line.ok("sendChatAction", chat_id=ANNA, action="typing")
        await line.ok("getChat", chat_id=ANNA)
        await line.refused("sendMessage", chat_id=ANNA, text="")
        await line.ok("deleteMessages", chat_id=ANNA, message_ids=[77])
    for _ in range(3):
        await line.ok("sendMessage", chat_id=ANNA, text="a")
    served = await line.told("served")
    assert (served["most_in_a_second"], served["refused"], served["calls"]["sendChatAction"]) == (4, 0, 40)
    await line.posted("served/reset")
    assert await line.told("served") == {"calls": {}, "refused": 0, "most_in_a_second": 0, "updates": 0, "waiting": 40}


async def test_a_group_s_minute_and_the_common_second_hold_over_the_wire(line):
    for _ in range(20):
        await line.ok("sendMessage", chat_id=TRADERS, text="a")
        line.telegram.now.at += 2
    assert (await line.call("sendMessage", chat_id=TRADERS, text="a")).json()["parameters"] == {"retry_after": 20}
    async with meet(CROWD, now=Clock()) as crowd:
        for person in CROWD.people:
            crowd.people.write(person.id, person.id, "hi")
        statuses = [(await crowd.call("sendMessage", chat_id=person.id, text="a")).status_code for person in CROWD.people]
        assert statuses == [200] * 30 + [429] * 70
        assert (await crowd.call("getMe")).status_code == 200


async def test_a_supergroup_is_a_group_and_burst_can_be_chosen():
    options = TelegramOptions(burst=1, groups=(Group(id=-7, title="G", members=(ANNA, BORIS)),))
    clock = Clock()
    async with meet(options, now=clock) as line:
        new = (await line.posted("migrate", chat_id=-7))["chat_id"]
        await line.ok("sendMessage", chat_id=new, text="a")
        assert (await line.refused("sendMessage", chat_id=new, text="a"))[0] == 429
        for _ in range(19):
            clock.at += 2
            await line.ok("sendMessage", chat_id=new, text="a")
        clock.at += 2
        assert (await line.call("sendMessage", chat_id=new, text="a")).json()["parameters"] == {"retry_after": 20}
