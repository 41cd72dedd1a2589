"""What is kept of each chat, over SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
import json
import math
from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import event, text

from botcore.errors import StoreError
from botcore.model import Game, Level
from botcore.store import Chats, ChatSettings, Letters, Store, View, Watch

from .support import NOW, TITLE, report
from .test_trouble import started


@pytest.fixture
def chats(store):
    return Chats(store)


async def edit(store, statement, **values):
    """Change a row behind the store's back."""
    async with store.writing() as connection:
        await connection.execute(text(statement), values)


# Settings


async def test_a_chat_keeps_its_settings_and_an_unknown_one_has_the_defaults(chats):
    mine = ChatSettings(language="ru", game=Game.RUST, level=Level.PRO, blocked=True)
    await chats.save(-100123, mine)
    assert await chats.settings(-100123) == mine
    assert await chats.settings(5) == ChatSettings(language="", game=Game.CSGO, level=Level.STANDARD, blocked=False)
    await chats.save(-100123, ChatSettings())
    await chats.save(5, mine)
    assert await chats.everyone() == {-100123: ChatSettings(), 5: mine}


@pytest.mark.parametrize("stored", ["", "{", "null", "[]", '{"level": "another"}', '{"language": 5}'])
async def test_settings_that_cannot_be_read_are_the_defaults(store, chats, stored):
    await chats.save(1, ChatSettings(language="ru"))
    await edit(store, "UPDATE chats SET settings = :stored", stored=stored)
    assert await chats.settings(1) == ChatSettings()
    assert await chats.everyone() == {1: ChatSettings()}


async def test_settings_of_a_newer_botcore_are_read_as_far_as_they_are_known(store, chats):
    await chats.save(1, ChatSettings())
    await edit(store, "UPDATE chats SET settings = :stored", stored=json.dumps({"language": "ru", "theme": {"dark": True}}))
    assert await chats.settings(1) == ChatSettings(language="ru")


# Mutes


async def test_titles_are_muted_once_and_told_in_order(chats):
    for game, title in ((Game.RUST, "b"), (Game.CSGO, "я"), (Game.CSGO, "Z"), (Game.CSGO, "a"), (Game.CSGO, "a")):
        await chats.mute(1, game, title)
    assert await chats.mutes(1) == [(Game.CSGO, "Z"), (Game.CSGO, "a"), (Game.CSGO, "я"), (Game.RUST, "b")]
    assert await chats.mutes(2) == []
    assert await chats.unmute(1, Game.CSGO, "a")
    assert not await chats.unmute(1, Game.CSGO, "a")
    assert not await chats.unmute(2, Game.CSGO, "Z")
    assert [title for _, title in await chats.mutes(1)] == ["Z", "я", "b"]


async def test_muting_leaves_the_settings_as_they_are(chats):
    await chats.save(1, ChatSettings(level=Level.PRO))
    await chats.mute(1, Game.CSGO, TITLE)
    await chats.mute(2, Game.CSGO, TITLE)
    assert await chats.everyone() == {1: ChatSettings(level=Level.PRO), 2: ChatSettings()}
    await chats.save(1, ChatSettings(level=Level.BOOST))
    assert await chats.mutes(1) == [(Game.CSGO, TITLE)]


async def test_a_title_that_is_no_text_is_refused(chats):
    with pytest.raises(StoreError, match="does not take a row"):
        await chats.mute(1, Game.CSGO, "half \ud83d")
    assert await chats.everyone() == {}


# Views


async def test_a_view_runs_and_ends_with_the_whole_report(chats):
    number = await chats.open_view(1, Game.RUST, Level.PRO, NOW + 0.5)
    opened = View(id=number, chat_id=1, game=Game.RUST, level=Level.PRO, started_at=NOW + 0.5, state="running", report=None, said=None)
    assert await chats.view(1, number) == await chats.latest(1) == opened
    assert await chats.running() == [opened]
    await chats.close_view(number, "done", report(3))
    assert await chats.view(1, number) == msgspec.structs.replace(opened, state="done", report=report(3))
    assert await chats.running() == []


async def test_a_view_that_failed_says_why(chats):
    number = await chats.open_view(1, Game.CSGO, Level.PRO, NOW)
    await chats.close_view(number, "failed", said="DMarket did not answer\0")
    view = await chats.view(1, number)
    assert view is not None
    assert (view.state, view.report, view.said) == ("failed", None, "DMarket did not answer\N{REPLACEMENT CHARACTER}")


async def test_a_view_of_another_chat_is_none(chats):
    number = await chats.open_view(1, Game.CSGO, Level.PRO, NOW)
    assert await chats.view(2, number) is None
    assert await chats.view(1, number + 1) is None
    assert await chats.latest(2) is None


async def test_the_latest_view_is_the_one_opened_last(chats):
    first = await chats.open_view(1, Game.CSGO, Level.PRO, NOW)
    second = await chats.open_view(1, Game.CSGO, Level.PRO, NOW - 60)
    await chats.open_view(2, Game.CSGO, Level.PRO, NOW)
    await chats.close_view(first, "done")
    latest = await chats.latest(1)
    assert latest is not None
    assert latest.id == second
    assert [view.chat_id for view in await chats.running()] == [1, 2]


async def test_a_report_that_this_version_cannot_read_is_none(store, chats):
    number = await chats.open_view(1, Game.CSGO, Level.PRO, NOW)
    await chats.close_view(number, "done", report(1))
    await edit(store, "UPDATE views SET report = :stored", stored='{"market": 5}')
    view = await chats.view(1, number)
    assert view is not None
    assert (view.state, view.report) == ("done", None)


async def test_old_views_are_pruned_but_the_latest_of_each_chat_and_those_that_run(chats):
    async def opened(chat, age, state=None):
        number = await chats.open_view(chat, Game.CSGO, Level.PRO, NOW - age)
        if state is not None:
            await chats.close_view(number, state)
        return number

    async def left():
        return [number for number in views if await chats.view(1, number) or await chats.view(2, number)]

    runs = await opened(1, 9)
    old = [await opened(1, age, state) for age, state in ((4, "done"), (3, "stopped"), (2, "failed"), (1, "interrupted"))]
    alone = await opened(2, 9, "done")
    views = [runs, *old, alone]
    assert (await chats.prune_views(NOW - 2), await left()) == (2, [runs, *old[2:], alone])
    assert (await chats.prune_views(NOW), await left()) == (1, [runs, old[3], alone])
    newest = await opened(1, 0)
    assert (await chats.prune_views(NOW), await left()) == (1, [runs, alone])
    assert [view.id for view in await chats.running()] == [runs, newest]


# Watches


async def test_a_title_is_watched_once(chats):
    first = await chats.watch(1, Game.CSGO, Level.PRO, TITLE, NOW + 0.5)
    assert first == Watch(id=first.id, chat_id=1, game=Game.CSGO, level=Level.PRO, title=TITLE, since=NOW + 0.5, known={})
    await chats.known(first.id, {"offer-1": 500, "предмет": 1})
    again = await chats.watch(1, Game.CSGO, Level.BOOST, TITLE, NOW + 60)
    assert again == msgspec.structs.replace(first, known={"offer-1": 500, "предмет": 1})
    await chats.known(first.id, {})
    other = await chats.watch(2, Game.CSGO, Level.PRO, TITLE, NOW)
    third = await chats.watch(1, Game.RUST, Level.PRO, TITLE, NOW)
    assert await chats.watches() == [first, other, third]
    assert await chats.watches(1) == [first, third]
    assert await chats.watches(3) == []


async def test_a_watch_begins_with_what_its_chat_was_shown(chats):
    """From the first moment, or somebody who looks in between would tell it again."""
    first = await chats.watch(1, Game.CSGO, Level.PRO, TITLE, NOW, {"offer-1": 500})
    assert first.known == {"offer-1": 500}
    assert await chats.watches() == [first]
    assert await chats.watch(1, Game.CSGO, Level.PRO, TITLE, NOW, {"offer-2": 700}) == first


async def test_a_watch_is_ended_by_its_own_chat_alone(chats):
    mine = await chats.watch(1, Game.CSGO, Level.PRO, TITLE, NOW)
    await chats.known(mine.id, {"offer-1": 500})
    assert await chats.unwatch(2, mine.id) is None
    assert await chats.unwatch(1, mine.id) == msgspec.structs.replace(mine, known={"offer-1": 500})
    assert await chats.unwatch(1, mine.id) is None
    assert await chats.watches() == []


async def test_a_button_of_an_ended_watch_ends_no_newer_one(chats):
    first = await chats.watch(1, Game.CSGO, Level.PRO, TITLE, NOW)
    await chats.unwatch(1, first.id)
    assert (await chats.watch(1, Game.CSGO, Level.PRO, TITLE, NOW)).id > first.id


async def test_a_watch_is_made_once_by_many_at_once(options):
    async with Store(options) as one, Store(options) as other:
        made = await asyncio.gather(*(Chats(store).watch(1, Game.CSGO, Level.PRO, TITLE, NOW + n) for n in range(5) for store in (one, other)))
        assert await Chats(one).watches() == made[:1]
    assert set(map(msgspec.json.encode, made)) == {msgspec.json.encode(made[0])}


# Notes


async def test_a_note_is_the_last_text_under_its_name(chats):
    assert await chats.recall("offset") is None
    await chats.remember("offset", "1", NOW)
    await chats.remember("offset", 'any "text" 🙂\0', NOW + 1)
    assert await chats.recall("offset") == 'any "text" 🙂\N{REPLACEMENT CHARACTER}'
    assert await chats.recall("another") is None


async def test_once_is_true_for_the_first_within_so_many_seconds(chats):
    times = (0, 1, 59.999, 60, 60, 119, 121)
    assert [await chats.once("owner", within=60, at=NOW + time) for time in times] == [True, False, False, True, False, False, True]
    assert await chats.once("another", within=60, at=NOW)


async def test_once_for_ever_is_true_once(chats):
    assert [await chats.once("stranger 5", within=math.inf, at=NOW + year * 31_536_000) for year in range(3)] == [True, False, False]


async def test_a_clock_that_is_set_back_silences_nothing_for_longer(chats):
    assert await chats.once("owner", within=60, at=NOW + 86_400)
    assert await chats.once("owner", within=60, at=NOW)
    assert not await chats.once("owner", within=60, at=NOW - 30)


async def test_of_many_at_once_one_is_told(options):
    async with Store(options) as one, Store(options) as other:
        for turn in range(5):
            at = NOW + 60 * turn
            told = await asyncio.gather(*(Chats(store).once("owner", within=60, at=at + n / 100) for n in range(5) for store in (one, other)))
            assert sum(told) == 1


CLAIMS = """
import asyncio, math, sys
from botcore.store import Chats, Store, StoreOptions
async def work():
    async with Store(StoreOptions(url=sys.argv[1], timeout=30)) as store:
        print("open", flush=True)
        sys.stdin.readline()
        for number in range(100):
            if await Chats(store).once(f"name {number}", within=math.inf if number % 2 else 60.0, at=1e9 + number / 1000):
                print(number)
asyncio.run(work())
"""


async def test_of_several_processes_one_is_told(options):
    children = [started(CLAIMS, options.url) for _ in range(3)]
    assert [child.stdout.readline() for child in children] == ["open\n"] * 3
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    told = [line for child in children for line in child.communicate()[0].split()]
    assert sorted(map(int, told)) == list(range(100))


# Callers


async def test_a_caller_who_is_cancelled_tears_nothing(store, chats):
    def cancel(_, __, statement, *___):
        if statement.startswith("INSERT INTO chats"):
            task.cancel()

    event.listen(store._engine.sync_engine, "before_cursor_execute", cancel)
    task = asyncio.create_task(chats.mute(1, Game.CSGO, TITLE))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await chats.mutes(1) == [(Game.CSGO, TITLE)]


async def test_what_one_process_keeps_the_next_one_has(options):
    async with Store(options) as store:
        chats = Chats(store)
        await chats.save(1, ChatSettings(level=Level.PRO))
        view = await chats.open_view(1, Game.CSGO, Level.PRO, NOW)
        await chats.close_view(view, "stopped", report(2, started_at=datetime(2026, 1, 1, tzinfo=UTC)))
        await chats.watch(1, Game.CSGO, Level.PRO, TITLE, NOW)
    async with Store(options) as store:
        chats = Chats(store)
        found = await chats.latest(1)
        assert found is not None
        assert (found.id, found.state, found.report) == (view, "stopped", report(2, started_at=datetime(2026, 1, 1, tzinfo=UTC)))
        assert ((await chats.settings(1)).level, len(await chats.watches())) == (Level.PRO, 1)


# ---- levels


async def test_levels_are_watched_beside_each_other_and_end_one_by_one_or_as_a_game(chats):
    await chats.watch_levels(1, [(Game.CSGO, Level.PRO), (Game.CSGO, Level.BOOST)], NOW)
    await chats.watch_levels(1, [(Game.CSGO, Level.PRO), (Game.RUST, Level.PRO)], NOW + 1)
    await chats.watch_levels(2, [(Game.TF2, Level.PRO)], NOW)
    mine = frozenset({(Game.CSGO, Level.PRO), (Game.CSGO, Level.BOOST), (Game.RUST, Level.PRO)})
    assert await chats.levels() == {1: mine, 2: frozenset({(Game.TF2, Level.PRO)})}
    assert await chats.unwatch_levels(1, Game.RUST, Level.BOOST) == []
    assert await chats.unwatch_levels(2, Game.TF2, Level.PRO) == [Level.PRO]
    assert await chats.unwatch_levels(1, Game.CSGO) == [Level.BOOST, Level.PRO]
    assert await chats.levels() == {1: frozenset({(Game.RUST, Level.PRO)})}


async def test_the_levels_of_a_chat_go_along_to_its_new_id(store, chats):
    await chats.watch_levels(1, [(Game.CSGO, Level.PRO), (Game.CSGO, Level.BOOST)], NOW)
    await chats.watch_levels(7, [(Game.CSGO, Level.PRO)], NOW)
    await Letters(store).move_chat(1, 7)
    assert await chats.levels() == {7: frozenset({(Game.CSGO, Level.PRO), (Game.CSGO, Level.BOOST)})}
