"""Letters and cards: what was put is there until it is said to be sent or dropped, over SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
import signal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from botcore.errors import StoreError
from botcore.model import Game, Level
from botcore.store import Card, Chats, ChatSettings, Draft, Letters, Store

from .support import NOW, TITLE
from .test_trouble import started

PICTURE = bytes(range(256)) * 40


@pytest.fixture
def letters(store):
    return Letters(store)


def draft(chat_id: int = 1, body: str = "text", **other) -> Draft:
    return Draft(**{"chat_id": chat_id, "kind": "alert", "body": body, **other})


async def test_drafts_come_back_as_letters_in_the_order_given(letters):
    drafts = [
        draft(body="<b>жирный</b> 🙂", card="scan:7", expires_at=NOW + 60.5),
        draft(-1001234567890, body="", photo=PICTURE, kind="chart"),
        draft(2**40, body="x" * 10_000, photo=b""),
    ]
    put = await letters.put(iter(drafts), at=NOW + 0.25)
    again = await letters.put(drafts[:1], at=NOW)
    assert [letter.id for letter in put + again] == sorted({letter.id for letter in put + again})
    assert {letter.created_at for letter in put} == {NOW + 0.25}
    assert [Draft(**{name: getattr(letter, name) for name in Draft.__struct_fields__}) for letter in put] == drafts
    assert await letters.waiting() == put + again
    assert await letters.count() == 4


async def test_nothing_to_put_is_nothing_put(letters):
    assert await letters.put([], at=NOW) == []
    assert await letters.count() == 0


async def test_thousands_are_put_by_few_statements(store, letters):
    """SQLite takes many rows by one call, PostgreSQL a thousand by one statement."""
    sent = []
    event.listen(store._engine.sync_engine, "before_cursor_execute", lambda *what: sent.append(what[2]))
    put = await letters.put((draft(number % 200, f"{number}") for number in range(4000)), at=NOW)
    assert len(sent) <= 6
    assert [letter.body for letter in await letters.waiting()] == [f"{number}" for number in range(4000)]
    assert await letters.waiting() == put


async def test_no_id_is_given_twice(letters):
    first = await letters.put([draft()] * 3, at=NOW)
    await letters.drop(letter.id for letter in first)
    second = await letters.put([draft()], at=NOW)
    assert second[0].id > first[-1].id


async def test_what_no_database_holds_in_a_text_is_replaced(letters):
    put = await letters.put([draft(body="a\0b\ud83d"), draft(body="next")], at=NOW)
    assert [letter.body for letter in put] == ["a\N{REPLACEMENT CHARACTER}b?", "next"]
    assert await letters.waiting() == put


async def test_all_drafts_are_put_or_none(letters):
    with pytest.raises(StoreError, match="does not take a row"):
        await letters.put([draft(), draft(2**63)], at=NOW)
    assert await letters.waiting() == []


async def test_a_letter_takes_another_text_and_keeps_its_place(letters):
    first, second = await letters.put([draft(card="scan:1", expires_at=NOW), draft()], at=NOW)
    assert await letters.replace(first.id, draft(99, "newer", card="another", kind="edit", photo=PICTURE))
    changed = msgspec.structs.replace(first, body="newer", kind="edit", photo=PICTURE, expires_at=None)
    assert await letters.waiting() == [changed, second]
    await letters.drop([first.id])
    assert not await letters.replace(first.id, draft())
    assert await letters.waiting() == [second]


async def test_what_was_sent_is_gone_and_its_cards_are_the_message(letters):
    put = await letters.put([draft(), draft(), draft()], at=NOW)
    await letters.sent([put[0].id, put[2].id], chat_id=1, cards=["scan:1", "status", "status"], message_id=501, at=NOW)
    assert await letters.waiting() == [put[1]]
    assert (await letters.card(1, "scan:1"), await letters.card(1, "status")) == (501, 501)
    assert (await letters.card(2, "scan:1"), await letters.card(1, "scan")) == (None, None)
    await letters.sent([put[1].id], chat_id=1, cards=["scan:1"], message_id=502, at=NOW)
    assert (await letters.card(1, "scan:1"), await letters.card(1, "status")) == (502, 501)
    assert await letters.count() == 0


async def test_sent_does_all_or_nothing(letters):
    put = await letters.put([draft()], at=NOW)
    with pytest.raises(StoreError):
        await letters.sent([put[0].id], chat_id=1, cards=["one", "two"], message_id=2**63, at=NOW)
    assert await letters.waiting() == put
    assert await letters.cards("", since=0) == []


async def test_cards_are_found_by_how_their_names_begin_and_when_they_were_shown(letters):
    await letters.sent([], chat_id=1, cards=["scan:1"], message_id=11, at=NOW)
    await letters.sent([], chat_id=2, cards=["scan:2", "scanned", "Scan:3"], message_id=12, at=NOW - 5)
    await letters.sent([], chat_id=3, cards=["scan:%", "scan:_"], message_id=13, at=NOW - 100)
    first = Card(chat_id=1, name="scan:1", message_id=11, shown_at=NOW)
    second = Card(chat_id=2, name="scan:2", message_id=12, shown_at=NOW - 5)
    assert await letters.cards("scan:", since=NOW - 5) == [second, first]
    assert await letters.cards("scan:", since=NOW - 4.999) == [first]
    assert [card.name for card in await letters.cards("scan:%", since=0)] == ["scan:%"]
    assert len(await letters.cards("", since=0)) == 6


async def test_a_card_is_forgotten_alone(letters):
    await letters.sent([], chat_id=1, cards=["one", "two"], message_id=11, at=NOW)
    await letters.sent([], chat_id=2, cards=["one"], message_id=12, at=NOW)
    await letters.forget_card(1, "one")
    assert [(card.chat_id, card.name) for card in await letters.cards("", since=0)] == [(1, "two"), (2, "one")]


async def test_old_cards_are_pruned(letters):
    for age in range(4):
        await letters.sent([], chat_id=1, cards=[f"{age}"], message_id=11, at=NOW - age)
    assert await letters.prune_cards(NOW - 1) == 2
    assert sorted(card.name for card in await letters.cards("", since=0)) == ["0", "1"]


async def test_a_chat_that_takes_no_messages_loses_letters_and_cards_and_keeps_the_rest(store, letters):
    chats = Chats(store)
    await letters.put([draft(1), draft(2), draft(1)], at=NOW)
    for chat in (1, 2):
        await letters.sent([], chat_id=chat, cards=["one"], message_id=11, at=NOW)
    await chats.save(1, ChatSettings(blocked=True))
    await chats.watch(1, Game.CSGO, Level.PRO, TITLE, NOW)
    await letters.forget_chat(1)
    assert [letter.chat_id for letter in await letters.waiting()] == [2]
    assert [card.chat_id for card in await letters.cards("", since=0)] == [2]
    assert (await chats.settings(1)).blocked
    assert len(await chats.watches(1)) == 1


async def test_a_chat_that_moves_takes_everything_but_its_cards(store, letters):
    chats = Chats(store)
    mine = ChatSettings(language="ru", level=Level.PRO)
    await chats.save(-5, mine)
    await chats.mute(-5, Game.RUST, "muted")
    view = await chats.open_view(-5, Game.CSGO, Level.PRO, NOW)
    watch = await chats.watch(-5, Game.CSGO, Level.PRO, TITLE, NOW)
    put = await letters.put([draft(-5, "one"), draft(7), draft(-5, "two")], at=NOW)
    await letters.sent([], chat_id=-5, cards=["scan:1"], message_id=11, at=NOW)
    await letters.move_chat(-5, -1005)
    moved = [msgspec.structs.replace(letter, chat_id=-1005) if letter.chat_id == -5 else letter for letter in put]
    assert await letters.waiting() == moved
    assert await letters.cards("", since=0) == []
    assert await chats.everyone() == {-1005: mine}
    assert await chats.mutes(-1005) == [(Game.RUST, "muted")]
    assert await chats.watches() == [msgspec.structs.replace(watch, chat_id=-1005)]
    assert await chats.view(-5, view) is None
    assert await chats.view(-1005, view) == await chats.latest(-1005)
    assert [one.id for one in await chats.running()] == [view]


async def test_where_both_ids_have_the_same_thing_that_of_the_new_one_stays(store, letters):
    chats = Chats(store)
    for chat, level in ((1, Level.BOOST), (2, Level.PRO)):
        await chats.save(chat, ChatSettings(level=level))
        for title in (TITLE, f"of {chat}"):
            await chats.mute(chat, Game.CSGO, title)
            await chats.watch(chat, Game.CSGO, level, title, NOW + chat)
        await letters.sent([], chat_id=chat, cards=["one"], message_id=10 + chat, at=NOW)
    for _ in range(2):
        await letters.move_chat(1, 2)
    assert await chats.everyone() == {2: ChatSettings(level=Level.PRO)}
    assert await chats.mutes(2) == [(Game.CSGO, TITLE), (Game.CSGO, "of 1"), (Game.CSGO, "of 2")]
    assert {(watch.title, watch.level) for watch in await chats.watches()} == {(TITLE, Level.PRO), ("of 1", Level.BOOST), ("of 2", Level.PRO)}
    assert {watch.chat_id for watch in await chats.watches()} == {2}
    assert await letters.card(2, "one") == 12


async def test_a_chat_that_moves_to_its_own_id_loses_nothing(store, letters):
    await Chats(store).mute(1, Game.CSGO, TITLE)
    await letters.sent([], chat_id=1, cards=["one"], message_id=11, at=NOW)
    await letters.move_chat(1, 1)
    assert await Chats(store).mutes(1) == [(Game.CSGO, TITLE)]
    assert await letters.card(1, "one") == 11


async def test_a_caller_who_is_cancelled_tears_nothing(store, letters):
    """He is cancelled in the midst of the transaction, which is done to its end, and only then hears of it."""

    def cancel(_, __, statement, *___):
        if statement.startswith("INSERT INTO outbox"):
            task.cancel()

    event.listen(store._engine.sync_engine, "before_cursor_execute", cancel)
    task = asyncio.create_task(letters.put([draft()] * 3, at=NOW))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await letters.count() == 3


async def test_many_who_put_at_once_all_get_through_with_ids_of_their_own(options):
    async with Store(options) as one, Store(options) as other:
        put = await asyncio.gather(*(Letters(store).put([draft(body=f"{n}")] * 5, at=NOW) for n in range(10) for store in (one, other)))
        found = await Letters(one).waiting()
    assert sorted((letter for letters in put for letter in letters), key=lambda letter: letter.id) == found
    assert len({letter.id for letter in found}) == 100


async def test_a_closed_store_says_so(options):
    letters = Letters(Store(options))
    for work in (letters.waiting(), letters.put([draft()], at=NOW), letters.drop([])):
        with pytest.raises(StoreError, match="is not open"):
            await work


# A model: a dict of letters and a dict of cards

PLACES = st.lists(st.integers(0, 12), max_size=4)
"""Which of all the letters ever put; some are gone, some never were."""
BODIES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
DRAFTS = st.builds(
    Draft,
    chat_id=st.integers(-2, 2),
    kind=st.sampled_from(["alert", "edit"]),
    body=BODIES,
    card=st.sampled_from(["", "scan:1"]),
    photo=st.none() | st.binary(max_size=20),
    expires_at=st.none() | st.integers(0, 10**6).map(lambda ms: ms / 1000),
)
STEPS = st.one_of(
    st.tuples(st.just("put"), st.lists(DRAFTS, max_size=5)),
    st.tuples(st.just("sent"), PLACES, st.integers(-2, 2), st.lists(st.sampled_from(["scan:1", "scan:2"]), max_size=3), st.integers(1, 99)),
    st.tuples(st.just("drop"), PLACES),
    st.tuples(st.just("replace"), st.integers(0, 12), DRAFTS),
    st.tuples(st.just("forget"), st.integers(-2, 2)),
)


class Model:
    """What the letters should do, by two dicts."""

    def __init__(self, letters):
        self.letters = letters
        self.ever = []
        self.waiting = {}
        self.cards = {}

    def ids(self, places):
        return [self.ever[place] if place < len(self.ever) else 10**9 + place for place in places]

    async def put(self, drafts):
        for letter in await self.letters.put(drafts, at=1.5):
            self.ever.append(letter.id)
            self.waiting[letter.id] = letter

    async def sent(self, places, chat, cards, message):
        await self.letters.sent(self.ids(places), chat_id=chat, cards=cards, message_id=message, at=1.5)
        self.remove(self.ids(places))
        self.cards |= {(chat, name): message for name in cards}

    async def drop(self, places):
        await self.letters.drop(self.ids(places))
        self.remove(self.ids(places))

    async def replace(self, place, new):
        number = self.ids([place])[0]
        assert await self.letters.replace(number, new) == (number in self.waiting)
        if number in self.waiting:
            changed = {name: getattr(new, name) for name in ("body", "kind", "photo", "expires_at")}
            self.waiting[number] = msgspec.structs.replace(self.waiting[number], **changed)

    async def forget(self, chat):
        await self.letters.forget_chat(chat)
        self.remove([number for number, letter in self.waiting.items() if letter.chat_id == chat])
        self.cards = {key: message for key, message in self.cards.items() if key[0] != chat}

    def remove(self, ids):
        for number in ids:
            self.waiting.pop(number, None)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=15))
async def test_whatever_is_done_in_whatever_order_the_letters_are_those_of_a_simple_model(letters, steps):
    for chat in range(-2, 3):
        await letters.forget_chat(chat)
    model = Model(letters)
    for name, *values in steps:
        await getattr(model, name)(*values)
        assert await letters.waiting() == list(model.waiting.values())
        assert await letters.count() == len(model.waiting)
    assert {(card.chat_id, card.name): card.message_id for card in await letters.cards("", since=0)} == model.cards


# Killed

SENDER = """
import asyncio, sys
from botcore.store import Draft, Letters, Store, StoreOptions
async def work():
    async with Store(StoreOptions(url=sys.argv[1], timeout=30)) as store:
        letters = Letters(store)
        for turn in range(100_000):
            put = await letters.put([Draft(chat_id=1, kind="alert", body=f"{turn} {number}") for number in range(50)], at=1.0)
            print("put", turn, flush=True)
            await letters.sent([letter.id for letter in put[:10]], chat_id=1, cards=[f"{turn}"], message_id=turn + 1, at=1.0)
            print("sent", turn, flush=True)
asyncio.run(work())
"""


@pytest.mark.parametrize("lines", [1, 2, 5, 8])
async def test_a_sender_killed_at_any_point_loses_nothing_and_leaves_no_half(options, lines):
    """What was put and not sent is there in order; letters are gone if and only if their card is noted."""
    child = started(SENDER, options.url)
    told = [child.stdout.readline().split() for _ in range(lines)]
    child.send_signal(signal.SIGKILL)
    told += [line.split() for line in child.stdout.read().split("\n") if line]
    child.communicate()
    put, sent = ([int(words[1]) for words in told if words[:1] == [name]] for name in ("put", "sent"))
    async with Store(options) as store:
        left = [letter.body for letter in await Letters(store).waiting()]
        shown = {int(card.name) for card in await Letters(store).cards("", since=0)}
    turns = sorted({int(body.split()[0]) for body in left})
    assert left == [f"{turn} {number}" for turn in turns for number in range(10 if turn in shown else 0, 50)]
    assert turns in (put, [*put, len(put)])
    assert shown in (set(sent), {*sent, len(sent)})


# ---- told once


async def test_a_card_is_put_once_in_a_chat_until_it_is_taken_back(letters):
    both = [Draft(chat_id=chat, kind="alert", body="a", card="watch/1") for chat in (1, 2)]
    first = await letters.put(both, at=NOW, once=True)
    assert [letter.chat_id for letter in first] == [1, 2]
    await letters.sent([first[0].id], chat_id=1, cards=[], message_id=5, at=NOW)
    await letters.drop([first[1].id])
    assert await letters.put(both, at=NOW, once=True) == []
    await letters.take_back(first[1:])
    (again,) = await letters.put(both, at=NOW, once=True)
    assert again.chat_id == 2
    assert [letter.id for letter in await letters.waiting()] == [again.id]


async def test_what_was_told_once_is_forgotten_with_the_cards_and_goes_along_to_the_new_id_of_a_chat(letters):
    draft = Draft(chat_id=1, kind="alert", body="a", card="watch/1")
    await letters.put([draft], at=NOW, once=True)
    await letters.move_chat(1, 7)
    moved = msgspec.structs.replace(draft, chat_id=7)
    assert await letters.put([moved], at=NOW, once=True) == []
    await letters.prune_cards(NOW + 1)
    assert len(await letters.put([moved], at=NOW, once=True)) == 1
