"""The outbox: kept before it is sent, in order within a chat, cards that change, long texts, alerts that come too late or together."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest
from aiogram.client.session.base import BaseSession
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botcore.bot.outbox import Pace
from botcore.bot.posts import Button, Post
from botcore.bot.split import plain
from botcore.store import Draft
from tests.bot.posting import CROWD, SLOW, STILL, note, open_office, said
from tests.bot.support import ANNA, BORIS, Clock, buttons_of
from tests.sandbox.telegram import png

FEW = 3
"""Alerts a minute after which they come together."""


# ---- kept until it is sent


async def test_what_is_to_be_sent_is_in_the_store_before_it_goes_out_and_gone_once_it_arrived(tmp_path):
    async with open_office(tmp_path, telegram=SLOW) as office:
        await office.outbox.say(ANNA, "first")
        assert [letter.chat_id for letter in await office.letters.waiting()] == [ANNA]
        await office.until_texts(1)
        assert await office.letters.count() == 1, "Telegram did it, but has not said so yet"
        await office.outbox.close(0)
        assert await office.letters.count() == 0
        assert office.outbox.counts.sent == 1


async def test_what_an_earlier_run_left_is_sent_in_its_order(tmp_path):
    async with open_office(tmp_path, started=False) as office:
        await office.leave((ANNA, "one"), (BORIS, "two"), (ANNA, "three"), alerts=((ANNA, note("find")),))
        assert await office.letters.count() == 4
        await office.outbox.start()
        await office.until_texts(4)
        assert office.texts(ANNA) == ["find", "one", "three"]
        assert office.texts(BORIS) == ["two"]


async def test_what_does_not_go_out_before_the_end_waits_for_the_next_start(tmp_path):
    async with open_office(tmp_path, pace=STILL) as office:
        for number in range(3):
            await office.outbox.say(ANNA, f"{number}")
        await office.until_texts(1)
        await office.outbox.close(0)
        assert await office.kept() == ["1", "2"]


# ---- order

CHATS = CROWD[:3]
STEPS = st.lists(
    st.tuples(st.sampled_from(["say", "say", "show", "alert", "look"]), st.sampled_from(CHATS), st.sampled_from(["card", "other"])),
    min_size=1,
    max_size=30,
)


@pytest.fixture
async def office(tmp_path):
    async with open_office(tmp_path) as made:
        yield made


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_however_words_cards_and_alerts_are_mixed_each_chat_gets_them_in_order_and_its_cards_end_as_last_shown(office, steps):
    await office.anew(CHATS)
    order, last, ever = await _done(office, steps)
    await office.until_kept(0)
    for chat in CHATS:
        assert [text.split()[0] for text in office.texts(chat)] == order[chat]
        assert {text.split()[0]: text for text in office.shown(chat) if text.startswith("card")} == last[chat]
        _check_subsequence([text for _, text in office.happened(chat)], ever[chat])


async def _done(office, steps):
    """Do it; gives, for each chat, the names in the order of their first message, what the cards show last, and everything ever shown."""
    order, ever = defaultdict(list), defaultdict(list)
    last: dict[int, dict[str, str]] = defaultdict(dict)
    for number, (kind, chat, card) in enumerate(steps):
        text = f"{kind}{number}"
        if kind == "look":
            await asyncio.sleep(0)
        elif kind == "say":
            await office.outbox.say(chat, text)
            order[chat].append(text)
        elif kind == "alert":
            await office.outbox.alert([(chat, note(text))])
            order[chat].append(text)
        else:
            name = f"card-{card}"
            text = f"{name} {number}"
            await office.outbox.show(chat, name, Post(text))
            if name not in last[chat]:
                order[chat].append(name)
            last[chat][name] = text
        if kind != "look":
            ever[chat].append(text)
    return order, last, ever


def _check_subsequence(seen, ever):
    """What the chat saw of one card, one after the other, is what was ever shown of it, some left out."""
    for name in {text.split()[0] for text in ever}:
        of_card = iter([text for text in ever if text.split()[0] == name])
        assert all(text in of_card for text in seen if text.split()[0] == name)


async def test_what_many_callers_say_at_once_goes_out_in_the_order_in_which_it_is_kept(tmp_path):
    async with open_office(tmp_path, telegram=SLOW) as office:
        await asyncio.gather(*(office.outbox.say(ANNA, f"{number}") for number in range(30)))
        kept = await office.kept()
        office.answer_after()
        assert (await office.until_texts(30)) == kept
        assert sorted(kept, key=int) == [f"{number}" for number in range(30)]


# ---- cards


async def test_many_quick_changes_of_a_card_are_one_message_and_few_edits_and_the_last_one_wins(tmp_path):
    async with open_office(tmp_path, telegram=SLOW) as office:
        for number in range(40):
            await office.outbox.show(ANNA, "scan", Post(f"{number} of 40"))
        office.answer_after()
        await office.until(lambda: office.shown(ANNA) == ["39 of 40"], "the last one")
        assert len(office.texts()) == 1
        assert 1 <= len(office.edits()) <= 10
        await office.outbox.close(0)
        assert await office.letters.count() == 0


async def test_a_card_that_waits_is_replaced_in_the_store_too(tmp_path):
    """Or a crash would bring back what is old."""
    async with open_office(tmp_path, started=False) as office:
        earlier = office.made()
        for text in ("old", "newer", "newest"):
            await earlier.show(ANNA, "scan", Post(text, ((Button("Stop", press="stop"),),)))
        await earlier.close(0)
        assert await office.letters.count() == 1
        await office.outbox.start()
        assert await office.until_texts(1) == ["newest"]


async def test_cards_of_one_name_in_two_chats_are_two(tmp_path):
    async with open_office(tmp_path, started=False) as office:
        for chat in (ANNA, BORIS):
            await office.outbox.show(chat, "scan", Post(f"for {chat}"))
        await office.outbox.close(0)
        again = office.renewed()
        await again.start()
        await office.until_texts(2)
        assert (office.shown(ANNA), office.shown(BORIS)) == ([f"for {ANNA}"], [f"for {BORIS}"])


async def test_a_card_is_found_again_after_a_restart(tmp_path):
    async with open_office(tmp_path) as office:
        await office.outbox.show(ANNA, "scan", Post("before"))
        await office.until_texts(1)
        await office.outbox.close(0)
        again = office.renewed()
        await again.start()
        await again.show(ANNA, "scan", Post("after"))
        await office.until(lambda: office.shown(ANNA) == ["after"], "the change")
        assert office.texts() == ["before"]


async def test_a_card_whose_message_was_deleted_comes_anew_and_is_changed_from_then_on(tmp_path):
    async with open_office(tmp_path) as office:
        await office.outbox.show(ANNA, "scan", Post("one"))
        await office.until_texts(1)
        office.server.people.delete(ANNA, office.messages(ANNA)[-1].message_id)
        await office.outbox.show(ANNA, "scan", Post("two"))
        await office.until_texts(2)
        await office.outbox.show(ANNA, "scan", Post("three"))
        await office.until(lambda: office.shown(ANNA) == ["three"], "the change")
        assert office.texts() == ["one", "two"]


async def test_a_card_that_changes_into_what_it_is_already_is_fine(tmp_path, caplog):
    async with open_office(tmp_path) as office:
        for text in ("same", "same", "other"):
            await office.outbox.show(ANNA, "scan", Post(text))
            await office.outbox.drained()
        await office.until(lambda: office.shown(ANNA) == ["other"], "the change")
        await office.outbox.close(0)
        assert office.statuses("editMessageText") == [400, 200]
        assert (office.outbox.counts.spoiled, await office.letters.count(), said(caplog, ".")) == (0, 0, [])


async def test_an_answer_in_place_of_a_message_changes_it_and_comes_anew_when_it_is_gone(tmp_path):
    async with open_office(tmp_path) as office:
        await office.outbox.say(ANNA, "choose")
        await office.until_texts(1)
        number = office.messages(ANNA)[-1].message_id
        await office.outbox.say(ANNA, Post("chosen"), message=number)
        await office.until(lambda: office.shown(ANNA) == ["chosen"], "the change")
        office.server.people.delete(ANNA, number)
        await office.outbox.say(ANNA, Post("chosen again"), message=number)
        await office.until_texts(2)
        assert office.shown(ANNA) == ["chosen again"]


# ---- long texts and photos


async def test_a_long_text_comes_as_several_messages_with_the_buttons_under_the_last(tmp_path):
    lines = [f"<b>{number}</b> &lt;{'x' * 90}&gt;" for number in range(120)]
    async with open_office(tmp_path) as office:
        await office.outbox.say(ANNA, Post("\n".join(lines), ((Button("Go", press="go"),),)))
        await office.outbox.say(ANNA, "after")
        *parts, last = await office.until_texts(4)
        assert last == "after"
        assert all(len(part) <= 4096 for part in parts)
        assert "\n".join(parts) == plain("\n".join(lines))
        messages = office.messages(ANNA)
        assert [len(buttons_of(one)) for one in messages] == [0, 0, 1, 0]
        assert all(one.entities for one in messages[:3])


async def test_a_card_that_is_too_long_is_shortened_since_it_is_one_message(tmp_path):
    async with open_office(tmp_path) as office:
        await office.outbox.show(ANNA, "scan", Post("<b>x</b>" * 5000))
        (text,) = await office.until_texts(1)
        assert len(text) <= 4096
        assert text.endswith("…")


async def test_a_photo_is_kept_and_sent_with_its_words_and_buttons(tmp_path):
    picture = png(300, 200, 50_000)
    async with open_office(tmp_path, started=False) as office:
        earlier = office.made()
        await earlier.say(ANNA, Post("<b>14.05</b>", ((Button("Go", press="go"),),)), photo=picture)
        await earlier.close(0)
        await office.outbox.start()
        await office.until_texts(1)
        (message,) = office.messages(ANNA)
        assert (message.text, message.caption, [button["text"] for button in buttons_of(message)]) == (None, "14.05", ["Go"])
        stored = office.telegram.files.by_id(message.photo[-1].file_id)
        assert stored is not None
        assert stored.data == picture


# ---- alerts


async def test_an_alert_that_waited_too_long_is_not_sent(tmp_path):
    clock = Clock()
    async with open_office(tmp_path, started=False, clock=clock) as office:
        alerts = (
            (ANNA, note("late", expires_at=clock.at + 10)),
            (ANNA, note("in time", expires_at=clock.at + 12)),
            (BORIS, note("late", expires_at=clock.at + 10)),
        )
        await office.leave(alerts=alerts)
        clock.at += 10.5
        await office.outbox.start()
        await office.outbox.say(BORIS, "last")
        await office.until_texts(2)
        await office.outbox.close(0)
        assert (office.texts(ANNA), office.texts(BORIS)) == (["in time"], ["last"])
        assert (office.outbox.counts.expired, await office.letters.count()) == (2, 0)


async def test_alerts_above_the_number_a_minute_come_as_one_message_and_its_lines(tmp_path):
    async with open_office(tmp_path, started=False, digest=FEW) as office:
        await office.leave(alerts=tuple((ANNA, note(f"find {number}")) for number in range(10)))
        await office.outbox.start()
        *single, digest = await office.until_texts(FEW + 1)
        assert single == ["find 0", "find 1", "find 2"]
        assert [line for line in digest.splitlines() if line.startswith("line of")] == [f"line of find {number}" for number in range(FEW, 10)]
        await office.outbox.close(0)
        assert (office.outbox.counts.digested, office.outbox.counts.sent, await office.letters.count()) == (7, FEW + 1, 0)


async def test_after_a_digest_alerts_gather_for_the_next_while_words_and_other_chats_go_on(tmp_path):
    clock = Clock()
    async with open_office(tmp_path, started=False, digest=FEW, clock=clock) as office:
        await office.leave(alerts=tuple((ANNA, note(f"find {number}")) for number in range(FEW + 2)))
        await office.outbox.start()
        await office.until_texts(FEW + 1)
        await office.outbox.alert([(ANNA, note("gathers 1")), (ANNA, note("gathers 2")), (BORIS, note("elsewhere"))])
        await office.outbox.say(ANNA, "passes")
        await office.until(lambda: "passes" in office.texts(ANNA) and "elsewhere" in office.texts(BORIS), "what does not gather")
        await office.until_kept(2)
        clock.at += 11
        await office.outbox.alert([(ANNA, note("gathers 3"))])
        digest = (await office.until_texts(FEW + 3, ANNA))[-1]
        assert [line for line in digest.splitlines() if line.startswith("line of")] == [f"line of gathers {number}" for number in (1, 2, 3)]


async def test_a_minute_after_the_crowd_alerts_come_one_by_one_again(tmp_path):
    clock = Clock()
    async with open_office(tmp_path, started=False, digest=FEW, clock=clock) as office:
        await office.leave(alerts=tuple((ANNA, note(f"find {number}")) for number in range(FEW + 2)))
        await office.outbox.start()
        await office.until_texts(FEW + 1)
        clock.at += 61
        await office.outbox.alert([(ANNA, note("alone 1")), (ANNA, note("alone 2"))])
        assert (await office.until_texts(FEW + 3))[-2:] == ["alone 1", "alone 2"]


async def test_a_restart_does_not_forget_how_many_alerts_a_chat_had(tmp_path):
    async with open_office(tmp_path, digest=FEW) as office:
        await office.outbox.alert([(ANNA, note(f"find {number}")) for number in range(FEW)])
        await office.until_texts(FEW)
        await office.outbox.close(0)
        await office.leave(alerts=((ANNA, note("more 1")), (ANNA, note("more 2"))))
        again = office.renewed()
        await again.start()
        digest = (await office.until_texts(FEW + 1))[-1]
        assert "line of more 1\nline of more 2" in digest


async def test_an_alert_that_was_shown_is_changed_and_one_that_waits_goes(tmp_path):
    async with open_office(tmp_path, digest=FEW, clock=Clock()) as office:
        await office.outbox.alert([(ANNA, note(f"{number}")) for number in range(FEW + 2)])
        await office.until_texts(FEW + 1)
        await office.outbox.alert([(ANNA, note("waits"))])
        await office.outbox.change_alert(ANNA, "0", Post("gone"))
        await office.outbox.change_alert(ANNA, "waits", Post("gone"))
        await office.outbox.change_alert(ANNA, f"{FEW}", Post("was but a line"))
        await office.outbox.change_alert(BORIS, "0", Post("never told"))
        await office.until(lambda: "gone" in office.shown(ANNA), "the change")
        await office.outbox.close(0)
        assert (office.edits(), office.texts(BORIS), await office.letters.count()) == (["gone"], [], 0)


async def test_an_alert_that_is_on_its_way_when_its_offer_goes_is_changed_once_it_is_there(tmp_path):
    async with open_office(tmp_path, telegram=SLOW) as office:
        await office.outbox.alert([(ANNA, note("find"))])
        await office.until_texts(1)
        await office.outbox.change_alert(ANNA, "find", Post("gone"))
        await office.until(lambda: office.shown(ANNA) == ["gone"], "the change")


async def test_what_a_person_waits_for_goes_before_the_alerts_of_all_others(tmp_path):
    async with open_office(tmp_path, started=False) as office:
        await office.leave((ANNA, "urgent"), alerts=tuple((chat, note("find")) for chat in CROWD[:20]))
        await office.outbox.start()
        assert "urgent" in (await office.until_texts(21))[:2]


async def test_a_word_behind_alerts_that_gather_goes_before_the_alerts_of_all_others(tmp_path):
    async with open_office(tmp_path, started=False, digest=FEW, clock=Clock()) as office:
        await office.leave(alerts=tuple((ANNA, note(f"{number}")) for number in range(FEW + 2)))
        await office.outbox.start()
        await office.until_texts(FEW + 1)
        office.answer_after(0.3)
        await office.outbox.alert([(CROWD[0], note("in flight"))])
        await office.until_texts(FEW + 2)
        await office.outbox.alert([(chat, note("find")) for chat in (*CROWD[1:20], ANNA)])
        await office.outbox.say(ANNA, "urgent")
        office.answer_after()
        assert "urgent" in (await office.until_texts(FEW + 2 + 20))[FEW + 2 : FEW + 4]


async def test_the_pace_holds_back_a_chat_and_no_other(tmp_path):
    pace = Pace(every=(1000, 1.0), chat=(2, 60.0), group=(1000, 1.0))
    async with open_office(tmp_path, pace=pace) as office:
        for number in range(4):
            await office.outbox.say(ANNA, f"{number}")
        for chat in CROWD:
            await office.outbox.say(chat, "hello")
        await office.until_texts(2 + len(CROWD))
        assert office.texts(ANNA) == ["0", "1"]


# ---- what cannot be sent


async def test_a_letter_that_another_version_left_and_nobody_can_read_costs_no_other(tmp_path, caplog):
    async with open_office(tmp_path, started=False) as office:
        await office.letters.put([Draft(chat_id=ANNA, kind="say", body=body) for body in ("{}", "nonsense", '{"post":7}')], at=0.0)
        await office.leave((ANNA, "legible"))
        await office.outbox.start()
        assert await office.until_texts(1) == ["legible"]
        await office.until_kept(0)
        assert len(said(caplog, "3 messages that another version of botcore left")) == 1


async def test_a_message_over_which_the_library_stumbles_costs_no_other(tmp_path, caplog):
    async with open_office(tmp_path) as office:
        office.bot.session = Stumbling(office.bot.session, "stumbles")
        for text in ("before", "stumbles", "after"):
            await office.outbox.say(ANNA, text)
        assert await office.until_texts(2) == ["before", "after"]
        await office.until_kept(0)
        assert office.outbox.counts.spoiled == 1
        assert len(said(caplog, "could not be sent, so it is thrown away")) == 1


class Stumbling(BaseSession):
    """A session that fails in a way that nobody foresaw when it is to send a certain text."""

    def __init__(self, session, text):
        super().__init__(api=session.api)
        self.session, self.text = session, text

    async def make_request(self, bot, method, timeout=None):
        if getattr(method, "text", None) == self.text:
            raise RuntimeError("nobody foresaw this")
        return await self.session.make_request(bot, method, timeout)

    async def close(self):
        await self.session.close()

    def stream_content(self, *what, **more):
        return self.session.stream_content(*what, **more)
