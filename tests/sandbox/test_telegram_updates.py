"""getUpdates: what is handed out, kept, forgotten, waited for, and who may wait."""

from __future__ import annotations

import asyncio

import pytest

from botcore.sandbox.telegram import polling
from tests.sandbox.telegram import ANNA, CALM, Clock, failure, meet

OTHER = (409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
ACTIVE = (409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")


@pytest.fixture
async def line():
    async with meet(now=Clock()) as found:
        yield found


async def texts(line, **params):
    """The texts of the updates, from a call that is far enough from the one before not to count as a repetition."""
    line.telegram.now.at += 10
    return [update["message"]["text"] for update in await line.ok("getUpdates", **params)]


async def test_updates_come_again_until_a_later_offset_confirms_them(line):
    numbers = [(await line.say(text))["update_id"] for text in ("a", "b", "c")]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    assert await texts(line) == ["a", "b", "c"]
    assert await texts(line) == ["a", "b", "c"]
    assert await texts(line, offset=numbers[1]) == ["b", "c"]
    assert await texts(line) == ["b", "c"]
    assert await texts(line, offset=numbers[2] + 1) == []
    assert await texts(line) == []
    assert (await line.told("served"))["waiting"] == 0


async def test_limit_is_moved_into_its_bounds(line):
    for number in range(120):
        await line.say(f"m{number}")
    assert len(await texts(line)) == 100
    assert len(await texts(line, limit=1000)) == 100
    assert await texts(line, limit=2) == ["m0", "m1"]
    assert await texts(line, limit=0) == ["m0"]


async def test_a_negative_offset_keeps_only_the_latest(line):
    for text in "abcd":
        await line.say(text)
    assert await texts(line, offset=-2) == ["c", "d"]
    assert await texts(line) == ["c", "d"]
    assert await texts(line, offset=-50) == ["c", "d"]


async def test_an_offset_past_the_end_confirms_nothing(line):
    update = (await line.say("a"))["update_id"]
    assert await texts(line, offset=update + 1000) == ["a"]
    assert await texts(line, offset=update - 1000) == ["a"]


async def test_updates_are_gone_after_a_day(line):
    await line.say("old")
    line.telegram.now.at += 80_000
    await line.say("new")
    line.telegram.now.at += 10_000
    assert (await line.told("served"))["waiting"] == 1
    assert await texts(line) == ["new"]


async def test_a_held_call_is_answered_by_the_first_update(line):
    held = asyncio.create_task(line.ok("getUpdates", timeout=50))
    await line.held()
    await line.say("there")
    (update,) = await asyncio.wait_for(held, 5)
    assert update["message"]["text"] == "there"


async def test_a_held_call_ends_empty_after_its_time(line):
    answer = await line.call("getUpdates", timeout=1)
    assert (answer.json(), answer.elapsed.total_seconds() >= 1) == ({"ok": True, "result": []}, True)


async def test_holding_a_call_keeps_nobody_waiting(line):
    held = asyncio.create_task(line.ok("getUpdates", timeout=50))
    await line.held()
    assert ((await line.call("getMe")).status_code, held.done()) == (200, False)
    await line.say("go")
    await held


async def test_a_newer_call_ends_the_older_with_409(line):
    older = asyncio.create_task(line.call("getUpdates", timeout=50))
    await line.held()
    newer = asyncio.create_task(line.ok("getUpdates", offset=5, timeout=50))
    assert failure(await asyncio.wait_for(older, 2)) == OTHER
    await line.held()
    await line.say("for the newer")
    assert len(await newer) == 1


async def test_a_second_conflict_within_three_seconds_is_told_late(line, monkeypatch):
    line.telegram.now.at += 10
    for offset, seconds in ((1, 1000), (2, 0.2)):  # a first one that were held back would end the test
        monkeypatch.setattr(polling, "_CONFLICT_SECONDS", seconds)
        older = asyncio.create_task(line.call("getUpdates", offset=offset, timeout=50))
        await line.held()
        newer = asyncio.create_task(line.call("getUpdates", offset=offset + 10, timeout=50))
        answer = await asyncio.wait_for(older, 10)
        assert failure(answer) == OTHER
        await line.say("end")
        await newer
        line.telegram.updates.clear()
    assert answer.elapsed.total_seconds() >= 0.2


async def test_asking_again_at_once_with_the_same_offset_waits(line):
    assert await texts(line, offset=3) == []
    again = asyncio.create_task(line.ok("getUpdates", offset=3, timeout=0))
    await line.held()
    for text in "ab":
        line.people.write(ANNA, ANNA, text)
    assert [update["message"]["text"] for update in await again] == ["a"]  # within half a second: one alone
    line.telegram.now.at += 1
    assert [update["message"]["text"] for update in await line.ok("getUpdates", offset=3)] == ["a", "b"]


async def test_only_allowed_kinds_become_updates_and_the_choice_is_remembered(line):
    edited = {"edited_message": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}}}
    assert await texts(line, allowed_updates=["edited_message"]) == []
    assert (await line.say("unheard"))["update_id"] is None
    assert (await line.posted("update", update=edited))["update_id"] is not None
    line.telegram.now.at += 10
    assert [set(update) for update in await line.ok("getUpdates")] == [{"update_id", "edited_message"}]
    assert (await line.say("unheard still"))["update_id"] is None
    line.telegram.updates.clear()
    await texts(line, allowed_updates=[])
    assert (await line.say("heard"))["update_id"] is not None


@pytest.mark.parametrize("kind", ["chat_member", "message_reaction", "message_reaction_count"])
async def test_three_kinds_come_only_when_named(line, kind):
    assert (await line.posted("update", update={kind: {}}))["update_id"] is None
    await texts(line, allowed_updates=[kind])
    assert (await line.posted("update", update={kind: {}}))["update_id"] is not None


async def test_a_choice_does_not_act_on_what_is_queued_already(line):
    await line.say("before")
    assert await texts(line, allowed_updates=["callback_query"]) == ["before"]


@pytest.mark.parametrize("value", [["nonsense"], [{}], ["nonsense", 7]])
async def test_unknown_kinds_are_no_kinds(line, value):
    await texts(line, allowed_updates=value)
    assert (await line.say("heard"))["update_id"] is not None


async def test_a_webhook_and_polling_exclude_each_other(line):
    held = asyncio.create_task(line.call("getUpdates", timeout=50))
    await line.held()
    await line.ok("setWebhook", url="http://127.0.0.1:9/hook")
    assert failure(await held) == (409, "Conflict: terminated by setWebhook request")
    line.telegram.now.at += 10
    assert await line.refused("getUpdates", offset=5) == ACTIVE
    await line.ok("deleteWebhook")
    assert await texts(line, offset=6) == []


async def test_at_the_end_of_the_server_a_held_call_is_answered_empty():
    async with meet(CALM) as line:
        held = asyncio.create_task(line.ok("getUpdates", timeout=50))
        await line.held()
        line.telegram.updates.release()
        assert await asyncio.wait_for(held, 2) == []
