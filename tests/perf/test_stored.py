"""What a store knows is read at once, and an answer from it leaves a record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from botcore.errors import StoreError
from botcore.model import Game, Level
from botcore.perf import finds, past, record, stored
from botcore.store import Store


async def test_finds_scans_and_the_history_of_the_title_with_the_most_sales_are_read():
    async with past.lived(levels=[Level.PRO], days=0.5, size=1500) as store:
        seen = await stored.read(store, past.MARKET, Game.CSGO)
        assert seen.title == (await store.titles(past.MARKET, Game.CSGO, limit=1))[0]
    assert seen.scans["found"].sum() == seen.finds.height > 0
    assert {"at", "best_ask_cents", "best_bid_cents"} <= set(seen.points.columns)
    scans, sold = seen.scans["started_at"].to_list(), seen.sales["sold_at"].to_list()
    assert min(scans) - timedelta(days=7) <= min(sold) <= max(sold) <= max(scans)


async def test_its_record_counts_what_the_scans_did(tmp_path):
    async with past.lived(levels=[Level.PRO], days=0.5, size=1500) as store:
        seen = await stored.read(store, past.MARKET, Game.CSGO)
    path = record.write(stored.record(seen), tmp_path)
    kept = record.read(path)
    assert "what-did-we-find" in path.name
    assert kept.work.sent == sum(seen.scans[name].sum() for name in seen.scans.columns if name.startswith("requests_")) > 0
    assert (kept.work.answers, len(kept.samples)) == (finds.once(seen.finds).height, seen.scans.height)
    assert [measure.name for measure in kept.measures] == ["profit of finds of pro"]


async def test_a_store_without_finds_says_what_to_do_first():
    async with Store() as store:
        with pytest.raises(StoreError, match="scan first"):
            await stored.read(store, "dmarket", Game.CSGO)
