"""Days of a market that never were: made in seconds, the same each time, and good for questions that need a past."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from botcore.model import Game, Level
from botcore.perf import finds
from botcore.perf.past import BEGAN, MARKET, lived

SMALL: dict[str, Any] = {"levels": [Level.STANDARD, Level.PRO], "days": 1, "size": 1500, "events": 200}


async def frames(**more):
    async with lived(**SMALL, **more) as store:
        return await store.finds_frame(MARKET), await store.scans_frame(MARKET)


async def test_each_level_is_scanned_as_often_as_said_and_dated_by_the_clock_of_the_market():
    said = []
    some, scans = await frames(progress=lambda *told: said.append(told))
    times = [BEGAN + timedelta(hours=8 * look) for look in range(4)]
    assert scans["started_at"].to_list() == [at for at in times for _ in SMALL["levels"]]
    assert set(some["found_at"]) <= set(times)
    assert (said[0], said[-1]) == ((0, 4, "scans of 02 November, 00:00"), (4, 4, "done"))


async def test_the_same_arguments_give_the_same_past_and_another_seed_another():
    first, again, other = await frames(), await frames(), await frames(seed=2)
    assert first[0].equals(again[0])
    assert not first[0].equals(other[0])


async def test_finds_come_and_go_and_prices_move_while_it_lives():
    async with lived(**SMALL) as store:
        some, scans = await store.finds_frame(MARKET), await store.scans_frame(MARKET)
        points = [await store.points_frame(MARKET, Game.CSGO, title) for title in await store.titles(MARKET, Game.CSGO, limit=20)]
    there = finds.still_there(some, scans)
    assert finds.once(some)["first_seen"].n_unique() > 1
    assert 0 < there["gone"].sum() < finds.once(some).height
    assert max(one["best_ask_cents"].n_unique() for one in points) > 1
