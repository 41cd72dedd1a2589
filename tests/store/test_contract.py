"""What a store promises, over SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botcore.errors import StoreError
from botcore.model import Game, Level, Sale
from botcore.store import Chats, Draft, Letters, Store
from botcore.store.migrations import HEAD
from botcore.store.schema import METADATA

from .support import DAY, FIRST, NOW, TITLE, opportunity, point, report, sale


async def test_a_scan_comes_back_as_it_was(store):
    told = report(3)
    number = await store.save_scan(told)
    assert await store.scan(number) == told
    assert await store.opportunities("sandbox", Game.CSGO) == told.opportunities


async def test_the_same_scan_again_replaces_what_it_stored(store):
    first = await store.save_scan(report(3))
    later = report(1, stopped="deadline", seconds=20.0)
    assert await store.save_scan(later) == first
    assert await store.scan(first) == later
    assert [one.finds for one in await store.scans()] == [1]


async def test_scans_are_listed_newest_first_and_by_market(store):
    numbers = [await store.save_scan(report(1, number, market="dmarket" if number == 1 else "sandbox")) for number in range(3)]
    assert [one.id for one in await store.scans()] == numbers[::-1]
    assert [one.id for one in await store.scans(1)] == numbers[2:]
    assert [one.id for one in await store.scans(market="dmarket")] == [numbers[1]]
    assert all(one.report.opportunities == [] and one.finds == 1 for one in await store.scans())


async def test_what_is_found_is_kept_apart_by_market_game_and_time(store):
    await store.save_scan(report(1))
    await store.save_scan(report(1, 60, market="dmarket"))
    assert len(await store.opportunities("dmarket", Game.CSGO)) == 1
    assert await store.opportunities("sandbox", Game.RUST) == []
    assert await store.opportunities("sandbox", Game.CSGO, since=FIRST.timestamp() + 1) == []


async def test_an_unknown_scan_is_said(store):
    with pytest.raises(StoreError, match="no scan has the number 77"):
        await store.scan(77)


async def test_a_second_point_of_the_same_time_replaces_the_first(store):
    await store.add_points("sandbox", [point(ask=600), point(ask=610), point(NOW + 1)])
    await store.add_points("sandbox", [point(ask=620)])
    assert await store.points("sandbox", Game.CSGO, TITLE) == [point(ask=620), point(NOW + 1)]
    assert await store.points("sandbox", Game.CSGO, TITLE, since=NOW + 1) == [point(NOW + 1)]
    assert await store.points("dmarket", Game.CSGO, TITLE) == []


async def test_points_of_phases_are_kept_apart(store):
    await store.add_points("sandbox", [point(), point(phase="ruby")])
    assert await store.points("sandbox", Game.CSGO, TITLE, phase="ruby") == [point(phase="ruby")]


async def test_sales_alike_stay_and_the_same_answer_again_adds_none(store):
    told = [sale(), sale(), sale(NOW + 5, phase="ruby"), sale(NOW + 6, to_target=True)]
    for _ in range(2):
        await store.add_sales("sandbox", Game.CSGO, TITLE, told)
    assert await store.sales("sandbox", Game.CSGO, TITLE) == told
    assert await store.sales("sandbox", Game.CSGO, TITLE, phase="ruby") == told[2:3]


SALES = st.builds(Sale, st.integers(1, 3), st.integers(0, 4), st.sampled_from(["", "ruby"]), st.booleans())
OVERLAPPING = st.lists(SALES, max_size=25).flatmap(lambda sold: st.tuples(st.just(sold), st.permutations(range(5)), st.integers(1, 3)))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=OVERLAPPING)
async def test_overlapping_pages_in_any_order_store_each_sale_once(store, case):
    """Pages that are cut between seconds, of several seconds each, overlap and come in any order."""
    sold, order, width = case
    title = f"{hash((tuple(sold), tuple(order), width))}"
    for first in order:
        await store.add_sales("sandbox", Game.CSGO, title, [one for one in sold if first <= one.sold_at < first + width])
    assert Counter(await store.sales("sandbox", Game.CSGO, title)) == Counter(sold)


async def test_frames_have_utc_times_and_whole_cents(store):
    await store.add_points("sandbox", [point()])
    await store.add_sales("sandbox", Game.CSGO, TITLE, [sale(to_target=True)])
    points = await store.points_frame("sandbox", Game.CSGO, TITLE)
    sold = await store.sales_frame("sandbox", Game.CSGO, TITLE)
    when = datetime.fromtimestamp(NOW, FIRST.tzinfo)
    assert points.rows() == [(when, "", 600, 10, 550, 3)]
    assert sold.rows() == [(when, "", 590, True)]
    assert points.schema["at"] == sold.schema["sold_at"] == pl.Datetime("ms", "UTC")
    empty = await store.points_frame("sandbox", Game.CSGO, "another")
    assert (empty.height, empty.schema) == (0, points.schema)


async def test_titles_are_those_with_most_sales_then_those_most_seen(store):
    await store.add_sales("sandbox", Game.CSGO, "sold twice", [sale(), sale()])
    await store.add_sales("sandbox", Game.CSGO, "sold once", [sale()])
    await store.add_points("sandbox", [point(NOW + number, "seen") for number in range(3)] + [point(title="seen once")])
    assert await store.titles("sandbox", Game.CSGO) == ["sold twice", "sold once", "seen", "seen once"]
    assert await store.titles("sandbox", Game.CSGO, limit=1) == ["sold twice"]
    assert await store.titles("sandbox", Game.CSGO, since=NOW + 1) == ["seen"]


async def test_a_changed_price_is_committed_before_anybody_is_told(options):
    heard: list[object] = []

    async def changed(game, title, offer_id):
        async with Store(options) as other:
            heard.append((game, title, offer_id, await other.price("sandbox", game, offer_id)))

    async with Store(options, changed=changed) as store:
        await store.save_scan(report(2))
        await store.update_item_price("sandbox", Game.CSGO, "offer-1", 777, at=NOW)
        assert heard == [(Game.CSGO, TITLE, "offer-1", 777)]
        assert await store.price("sandbox", Game.CSGO, "offer-2") == 502


@pytest.mark.parametrize(("offer", "price"), [("nobody's", 5), ("offer-1", 0), ("offer-1", -5), ("offer-1", 2**63)])
async def test_a_price_that_cannot_be_changed_tells_nobody(options, offer, price):
    heard: list[object] = []

    async def changed(*what):
        heard.append(what)

    async with Store(options, changed=changed) as store:
        await store.save_scan(report(1))
        with pytest.raises(StoreError):
            await store.update_item_price("sandbox", Game.CSGO, offer, price)
        assert await store.price("sandbox", Game.CSGO, "offer-1") == 501
    assert heard == []


async def test_a_price_changed_by_a_caller_who_is_cancelled_is_still_told(options):
    heard: list[object] = []

    async def changed(*what):
        task.cancel()
        await asyncio.sleep(0)
        heard.append(what)

    async with Store(options, changed=changed) as store:
        await store.save_scan(report(1))
        task = asyncio.create_task(store.update_item_price("sandbox", Game.CSGO, "offer-1", 5))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert heard == [(Game.CSGO, TITLE, "offer-1")]
        assert await store.price("sandbox", Game.CSGO, "offer-1") == 5


async def test_a_later_scan_moves_the_price_and_an_earlier_one_does_not(store):
    await store.save_scan(report(1, 100, opportunities=[opportunity(1, price_cents=900)]))
    await store.save_scan(report(1, 0))
    assert await store.price("sandbox", Game.CSGO, "offer-1") == 900
    await store.save_scan(report(1, 200))
    assert await store.price("sandbox", Game.CSGO, "offer-1") == 501


async def test_pruning_removes_what_is_older_and_nothing_else(store, monkeypatch):
    monkeypatch.setattr("botcore.store.store.CHUNK", 3)
    start = FIRST.timestamp()
    for day in range(4):
        await store.save_scan(report(2, day * DAY, opportunities=[opportunity(10 * day + one) for one in range(2)]))
    await store.add_points("sandbox", [point(start + number * DAY / 10) for number in range(40)])
    await store.add_sales("sandbox", Game.CSGO, TITLE, [sale(start + day * DAY) for day in range(4)])
    removed = await store.prune(1.5 * DAY, now=start + 3 * DAY)
    assert removed == {"opportunities": 4, "scans": 2, "items": 4, "price_points": 15, "sales": 2, "outcomes": 0}
    seen = {"scans": 2, "opportunities": 4, "items": 4, "price_points": 25, "sales": 2}
    assert (await store.info()).rows == dict.fromkeys(METADATA.tables, 0) | seen
    assert set((await store.prune(1.5 * DAY, now=start + 3 * DAY)).values()) == {0}


async def test_pruning_leaves_alone_what_the_bot_keeps(store):
    letters, chats = Letters(store), Chats(store)
    await letters.put([Draft(chat_id=1, kind="alert", body="text")], at=1.0)
    await letters.sent([], chat_id=1, cards=["scan"], message_id=5, at=1.0)
    await chats.mute(1, Game.CSGO, TITLE)
    await chats.close_view(await chats.open_view(1, Game.CSGO, Level.PRO, 1.0), "done")
    await chats.watch(1, Game.CSGO, Level.PRO, TITLE, 1.0)
    await chats.remember("note", "text", 1.0)
    assert set((await store.prune(1.0, now=NOW)).values()) == {0}
    rows = (await store.info()).rows
    assert {name: count for name, count in rows.items() if count} == dict.fromkeys(("outbox", "cards", "chats", "mutes", "views", "watches", "state"), 1)


async def test_info_tells_what_there_is(store):
    empty = await store.info()
    assert (empty.oldest, empty.newest, set(empty.rows.values())) == (None, None, {0})
    await store.save_scan(report(1))
    await store.add_points("sandbox", [point(NOW + DAY)])
    info = await store.info()
    assert (info.oldest, info.newest) == (FIRST, datetime.fromtimestamp(NOW + DAY, FIRST.tzinfo))
    assert info.bytes > 0
    assert msgspec.json.decode(msgspec.json.encode(info))["revision"] == HEAD


async def test_export_writes_a_file_a_table(store, tmp_path):
    await store.save_scan(report(2))
    await store.add_points("sandbox", [point()])
    counts = await store.export(tmp_path / "out")
    assert counts == {"opportunities": 2, "scans": 1, "items": 2, "price_points": 1, "sales": 0, "outcomes": 0}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"{name}.parquet" for name in counts}
    found = pl.read_parquet(tmp_path / "out" / "opportunities.parquet")
    assert found["offer_id"].to_list() == ["offer-1", "offer-2"]
    assert found["found_at"].to_list() == [FIRST, FIRST]


async def test_export_to_where_nothing_can_be_written_is_said(store, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="was not written"):
        await store.export(tmp_path / "file")


async def test_a_batch_with_a_row_that_does_not_fit_leaves_nothing(store):
    with pytest.raises(StoreError, match="does not take a row"):
        await store.write("sandbox", points=[point(), point(NOW + 1, ask=2**63)], reports=[report()])
    assert set((await store.info()).rows.values()) == {0}


async def test_many_writers_at_once_all_get_through(options):
    async with Store(options) as one, Store(options) as other:
        await asyncio.gather(*(store.add_points("sandbox", [point(NOW + 2 * n + k)]) for n in range(15) for k, store in enumerate((one, other))))
        assert (await one.info()).rows["price_points"] == 30


async def test_a_closed_store_says_so(options):
    store = Store(options)
    with pytest.raises(StoreError, match="is not open"):
        await store.scans()
