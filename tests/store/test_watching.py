"""Watermarks and alerts: an alert is given once for an offer at a price, and what its door knows of it outlives the process."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from botcore.model import Alert, AlertState, Game, Level
from botcore.store import Store, Watching

from .support import NOW, opportunity


@pytest.fixture
def watching(store):
    return Watching(store, "sandbox", "tests")


def alert(number: int = 1, **found) -> Alert:
    one = opportunity(number, listed_at=datetime.fromtimestamp(NOW - 1.25, UTC), **found)
    return Alert(id=0, level=Level.STANDARD, opportunity=one, seen_at=NOW - 0.5, decided_at=NOW - 0.25, queued_at=NOW + number)


async def changed(watching, before, **values):
    after = msgspec.structs.replace(before, **values)
    return await watching.change(before, after, at=NOW + 5), after


async def test_an_alert_comes_back_as_it_was_given(watching):
    given = await watching.give(alert(title="★ Ключ 🙂 | Doppler"))
    assert given is not None
    assert given == msgspec.structs.replace(alert(title="★ Ключ 🙂 | Doppler"), id=given.id)
    (standing,) = await watching.watched()
    assert (standing.alert, standing.state, standing.told, standing.untold) == (given, AlertState.LIVE, None, True)
    assert (standing.offer_now, standing.price_now) == ("offer-1", 501)
    assert await watching.given("offer-1", 501) == standing
    assert given.listed_at == NOW - 1.25


async def test_an_offer_is_given_once_at_a_price_and_again_at_another(watching):
    first, again, cheaper = [await watching.give(alert(price_cents=price)) for price in (500, 500, 490)]
    assert first is not None
    assert again is None
    assert cheaper is not None
    assert cheaper.id > first.id
    assert await watching.given("offer-1", 480) is None


async def test_of_many_who_give_the_same_alert_at_once_one_is_told_that_it_is_new(options, watching):
    async with Store(options) as second:
        others = [watching, Watching(second, "sandbox", "tests")] * 5
        found = await asyncio.gather(*(one.give(alert()) for one in others))
    assert sum(one is not None for one in found) == 1


async def test_another_door_and_another_market_have_alerts_of_their_own(store, watching):
    others = [Watching(store, "sandbox", "bot"), Watching(store, "dmarket", "tests")]
    given = [await one.give(alert()) for one in (watching, *others)]
    assert len({one.id for one in given if one}) == 3
    assert [len(await one.watched()) for one in (watching, *others)] == [1, 1, 1]


async def test_what_the_door_was_told_is_known_and_what_happened_since_is_untold(watching):
    given = await watching.give(alert())
    assert given is not None
    await watching.tell(given.id, "live 501 offer-1")
    (standing,) = await watching.watched()
    assert not standing.untold
    done, dearer = await changed(watching, standing, state=AlertState.DEARER, offer_now="offer-1b", price_now=520)
    assert done
    (standing,) = await watching.watched()
    assert (standing, standing.untold) == (dearer, True)
    await watching.tell(given.id, standing.mark())
    assert [one.untold for one in await watching.watched()] == [False]


async def test_an_alert_is_watched_until_the_door_knows_that_it_is_gone(watching):
    given = await watching.give(alert())
    assert given is not None
    (standing,) = await watching.watched()
    _, gone = await changed(watching, standing, state=AlertState.GONE)
    assert [one.untold for one in await watching.watched()] == [True]
    await watching.tell(given.id, gone.mark())
    assert await watching.watched() == []
    told = await watching.given("offer-1", 501)
    assert told is not None
    done, _ = await changed(watching, told, state=AlertState.LIVE)
    assert done
    assert [one.state for one in await watching.watched()] == [AlertState.LIVE]


async def test_of_two_who_note_the_same_change_one_was_first(watching):
    await watching.give(alert())
    (standing,) = await watching.watched()
    outcomes = await asyncio.gather(*(changed(watching, standing, state=AlertState.GONE) for _ in range(4)))
    assert sorted(done for done, _ in outcomes) == [False, False, False, True]


async def test_the_first_time_of_sending_counts(watching):
    given = await watching.give(alert())
    assert given is not None
    await watching.sent(given.id, at=NOW + 7.5)
    await watching.sent(given.id, at=NOW + 9)
    assert [one.alert.sent_at for one in await watching.alerts()] == [NOW + 7.5]


async def test_the_newest_alerts_come_first_and_old_ones_are_removed(watching):
    for number in range(1, 6):
        await watching.give(alert(number))
    assert [one.alert.opportunity.offer_id for one in await watching.alerts(limit=2)] == ["offer-5", "offer-4"]
    assert [one.alert.opportunity.offer_id for one in await watching.alerts(since=NOW + 4)] == ["offer-5", "offer-4"]
    assert await watching.prune(NOW + 3) == 2
    assert len(await watching.watched()) == 3


async def test_a_watermark_only_moves_forward(watching):
    assert await watching.watermarks("pro") == {}
    await watching.advance("pro", {Game.CSGO: NOW + 0.125, Game.RUST: NOW}, at=NOW)
    await watching.advance("pro", {Game.CSGO: NOW - 5, Game.RUST: NOW + 1}, at=NOW)
    await watching.advance("boost", {Game.CSGO: NOW + 60}, at=NOW)
    assert await watching.watermarks("pro") == {Game.CSGO: NOW + 0.125, Game.RUST: NOW + 1}
    await watching.advance("pro", {}, at=NOW)


async def test_an_alert_is_found_by_its_number_and_by_its_offer_whatever_its_id_now(store, watching):
    given = await watching.give(alert())
    before = await watching.find(given.id)
    assert before.alert == given
    assert await watching.of_offer("offer-1") == [before]
    done, after = await changed(watching, before, state=AlertState.DEARER, offer_now="offer-1b", price_now=510)
    assert done
    assert await watching.of_offer("offer-1") == await watching.of_offer("offer-1b") == [after]
    assert await watching.of_offer("offer-2") == []
    assert await Watching(store, "sandbox", "bot").find(given.id) is None
