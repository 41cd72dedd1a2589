"""The journal loses nothing that it can keep, and tells what it cannot."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from botcore.errors import StoreError
from botcore.model import Game, Quote
from botcore.store import Journal, Store, StoreOptions

from .support import NOW, TITLE, report, sale


def quotes(count: int, ask: int = 600) -> list[Quote]:
    return [Quote(f"title {number}", ask, 10, 550, 3) for number in range(count)]


async def until(condition):
    """Let the loop run until this holds."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for is a count, which sets no event
            await asyncio.sleep(0.001)


async def stored(options):
    async with Store(options) as store:
        return (await store.info()).rows


async def limit(store, pages):
    """Let the file grow to so many pages, as a full disk would; each connection is told, and there is one."""
    async with store._engine.connect() as connection:
        await connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        return (await connection.exec_driver_sql("PRAGMA page_count")).scalar()


async def test_all_that_is_handed_over_is_written_in_few_batches(options, store):
    async with Journal(store, "sandbox") as journal:
        for number in range(30):
            journal.quoted(Game.CSGO, quotes(100), NOW + number)
        journal.sold(Game.CSGO, TITLE, [sale(), sale()])
        journal.scanned(report(3))
        await journal.flush()
        assert (journal.waiting, journal.counts.dropped, journal.counts.failures) == (0, 0, 0)
        assert journal.counts.batches <= 2
    rows = await stored(options)
    assert (rows["price_points"], rows["sales"], rows["scans"], rows["opportunities"], rows["items"]) == (3000, 2, 1, 3, 3)


async def test_batches_are_no_larger_than_the_options_say(options):
    small = StoreOptions(url=options.url, batch=250, flush=0.01)
    async with Store(small) as store, Journal(store, "sandbox") as journal:
        for number in range(10):
            journal.quoted(Game.CSGO, quotes(100), NOW + number)
        await journal.flush()
        assert journal.counts.batches == 5


async def test_a_row_waits_for_others_no_longer_than_the_options_say(store):
    async with Journal(store, "sandbox") as journal:
        journal.quoted(Game.CSGO, quotes(1), NOW)
        await until(lambda: journal.counts.written == 1)


async def test_cancelling_the_scan_takes_nothing_back(options, store):
    started = asyncio.Event()

    async with Journal(store, "sandbox") as journal:

        async def scan():
            journal.quoted(Game.CSGO, quotes(500), NOW)
            started.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(scan())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (await stored(options))["price_points"] == 500


async def test_closing_in_a_cancelled_task_still_writes(options, store):
    ready = asyncio.Event()

    async def app():
        async with Journal(store, "sandbox") as journal:
            journal.quoted(Game.CSGO, quotes(500), NOW)
            ready.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(app())
    await ready.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await stored(options))["price_points"] == 500


async def test_a_full_disk_is_warned_of_once_and_the_rows_are_written_later(sqlite, caplog):
    options = StoreOptions(url=sqlite, flush=0.001, retry=0.001, batch=1000)
    with caplog.at_level(logging.INFO, "botcore.store"):
        async with Store(options) as store, Journal(store, "sandbox") as journal:
            await limit(store, await limit(store, 1_000_000) + 2)
            for number in range(5):
                journal.quoted(Game.CSGO, quotes(1000), NOW + number)
            await until(lambda: journal.counts.failures >= 3)
            assert journal.waiting == 5000
            await limit(store, 1_000_000)
            await journal.flush()
            assert (journal.counts.written, journal.counts.dropped) == (5000, 0)
    told = [record.getMessage() for record in caplog.records]
    assert [text for text in told if "the disk is full" in text] == told[:1]
    assert told[1:] == ["the store can be written to again"]
    assert (await stored(options))["price_points"] == 5000


async def test_what_is_not_written_by_the_deadline_is_counted(sqlite):
    async with Store(StoreOptions(url=sqlite, flush=0.001, retry=0.001)) as store:
        journal = await Journal(store, "sandbox").__aenter__()
        await limit(store, await limit(store, 1_000_000))
        for number in range(50):
            journal.quoted(Game.CSGO, quotes(100), NOW + number)
        with pytest.raises(StoreError, match=r"^5,000 rows could not be written: .*the disk is full"):
            await journal.close(0.2)
        await journal.close()


async def test_another_error_is_not_hidden_by_rows_that_are_lost(sqlite, caplog):
    async with Store(StoreOptions(url=sqlite, flush=0.001, retry=0.001)) as store:
        await limit(store, await limit(store, 1_000_000))

        async def scan():
            async with Journal(store, "sandbox", closing=0.05) as journal:
                journal.quoted(Game.CSGO, quotes(5000), NOW)
                raise KeyError("the scan's own")

        with pytest.raises(KeyError, match="the scan's own"):
            await scan()
    assert "5,000 rows could not be written" in caplog.text


async def test_a_full_buffer_drops_and_counts(sqlite, caplog):
    async with Store(StoreOptions(url=sqlite, buffer=1000)) as store, Journal(store, "sandbox") as journal:
        for _ in range(3):
            journal.quoted(Game.CSGO, quotes(600), NOW)
        assert (journal.waiting, journal.counts.dropped) == (600, 1200)
    assert len([record for record in caplog.records if "does not keep up" in record.getMessage()]) == 1


async def test_a_row_that_no_database_takes_costs_itself_alone(options, store, caplog):
    async with Journal(store, "sandbox") as journal:
        journal.quoted(Game.CSGO, quotes(10), NOW)
        journal.quoted(Game.CSGO, quotes(2, ask=2**63), NOW + 1)
        journal.quoted(Game.CSGO, quotes(10), NOW + 2)
        await journal.flush()
        assert (journal.counts.written, journal.counts.dropped) == (20, 2)
    assert (await stored(options))["price_points"] == 20
    assert "does not take a row" in caplog.text


async def test_handing_over_waits_for_nothing(sqlite):
    """Another program holds the database; each call comes back at once, and all is written when it lets go."""
    options = StoreOptions(url=sqlite, timeout=0.01, flush=0.001, retry=0.001)
    async with Store(options) as store, Store(options) as other, Journal(store, "sandbox") as journal:
        async with other.writing():
            start = time.process_time()
            for number in range(20):
                journal.quoted(Game.CSGO, quotes(100), NOW + number)
            journal.scanned(report(2))
            await until(lambda: journal.counts.failures >= 2)
            assert time.process_time() - start < 20
            assert journal.counts.written == 0
        await journal.flush()
    assert (await stored(options))["price_points"] == 2000
