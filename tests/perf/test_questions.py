"""Each question is measured in a small form against real sandbox markets, its frame has what its chart needs, and it chooses what it says."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import polars as pl
import pytest

from botcore.cache.embedded import find_server
from botcore.cli.sweep import QUESTIONS as NAMED
from botcore.errors import ConfigError
from botcore.model import Game, Level, RequestCounts, ScanQuery
from botcore.perf import batches, before, day, markets, pools, questions, record, remembering, scans
from botcore.perf.record import Work
from botcore.perf.sweep import Plan, Sweep
from botcore.sandbox import MarketOptions
from botcore.settings import load
from botcore.tuned import TUNABLE

NEAR = MarketOptions(size=3000, latency=0.0, limits=False)
needs_redis = pytest.mark.skipif(find_server() is None, reason="no Valkey or Redis to start")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Small worlds: what is measured here is not speed."""
    for module, name, size in ((batches, "SIZE", 3000), (pools, "SIZE", 2000), (remembering, "SIZE", 3000), (remembering, "LATENCY", 0.005)):
        monkeypatch.setattr(module, name, size)


def sums(frame, *names):
    return [int(frame[name].sum()) for name in names]


async def test_batches_ask_for_every_item_in_every_way():
    plan = batches.plan(items=(10,), batches=(5, 10), jitters=(0.0,), latency=0.002, repeats=1)
    swept = await batches.measure(plan)
    frame = swept.frame
    assert {row["way"]: row["requests"] for row in frame.filter((pl.col("batch") == 5) | (pl.col("way") == "one by one")).to_dicts()} == {
        "one by one": 10,
        "gather": 10,
        "pool": 10,
        "request": 2,
    }
    assert set(frame["answers"]) == {10}
    assert frame.filter(pl.col("way") == "request").sort("batch")["bound_seconds"].to_list() == [2 / 20, 1 / 20]
    assert record.read(swept.save()).question == "how-large-a-batch"


async def test_a_batch_may_be_larger_than_a_request():
    frame = (await batches.measure(batches.plan(items=(150,), batches=(150,), ways=("request",), jitters=(0.0,), latency=0.0, repeats=1))).frame
    assert frame["requests"].to_list() == [2]
    assert frame["bound_seconds"].to_list() == [2 / 20]


async def test_pools_of_every_kind_answer_and_new_clients_as_well():
    swept = await pools.measure(pools.plan(distances=(0.01,), connections=(1, 2), quota_distances=(), among=2, repeats=1))
    kinds = {(row["transport"], row["connections"], row["kept"]): row for row in swept.frame.to_dicts()}
    assert set(kinds) == {("aiohttp", 1, 100), ("aiohttp", 2, 100), ("http1", 2, 100), ("http2", 2, 100), ("aiohttp", 2, 0), (pools.NEW, 1, 0)}
    assert all(row["requests"] == row["answers"] > 0 for row in kinds.values())
    assert kinds[pools.NEW, 1, 0]["request_ms"] > kinds["aiohttp", 1, 100]["request_ms"] + 2 * 10 * 0.8


async def test_a_pool_with_quota_asks_every_class_at_its_pace():
    swept = await pools.measure(pools.plan(distances=(), connections=(20,), transports=(), quota_distances=(0.01,), repeats=1))
    (row,) = swept.frame.to_dicts()
    assert row["requests"] - row["refused"] == pools.ALLOWED
    assert row["per_second"] < row["bound_per_second"] == 36.0
    asked = swept.work.requests
    assert (asked.market >= 10, asked.sales >= 6, asked.other >= 20, asked.fee) == (True, True, True, 0)


async def test_with_quota_fewer_connections_than_it_needs_are_asked_no_more_than_they_can_do():
    swept = await pools.measure(pools.plan(distances=(), connections=(1,), transports=(), quota_distances=(0.2,), repeats=1))
    (row,) = swept.frame.to_dicts()
    assert row["per_second"] < 1 / 0.2 < row["bound_per_second"]
    assert 3 <= row["requests"] <= 2.5 / 0.2


async def test_scans_are_held_against_the_quota_and_read_alone_where_that_is_asked():
    query = ScanQuery(Game.CSGO, Level.PRO)
    plan = scans.plan("q", {"bands": (1, "auto")}, latencies=(0.01,), size=4000, query=query, reading_alone=True, repeats=1)
    frame = (await scans.measure(plan)).frame
    assert frame["bands"].to_list().count("auto") == 1
    assert frame["ratio"].to_list() == pytest.approx((frame["seconds"] / frame["bound_seconds"]).to_list())
    assert sums(frame, "found", "refused") == [0, 0]
    assert all(listed > 0 for listed in frame["listed"])
    found = (
        await scans.measure(msgspec.structs.replace(plan, points=({"concurrency": 4, "latency": 0.01},), options={**plan.options, "reading_alone": False}))
    ).frame
    assert found["found"][0] > 0


async def test_one_chain_reads_the_same_offers_page_after_page():
    query = ScanQuery(Game.CSGO, Level.STANDARD)
    plan = scans.plan("q", {"bands": (scans.CHAIN, 1)}, latencies=(0.05,), size=6000, query=query, reading_alone=True, repeats=1)
    chain, bands = (await scans.measure(plan)).frame.sort("bands", descending=True).to_dicts()
    assert (chain["bands"], bands["bands"]) == (scans.CHAIN, "1")
    assert chain["seconds"] > 0.05 * chain["requests"]
    assert chain["listed"] <= bands["listed"]
    assert chain["bound_seconds"] == chain["requests"] / 10
    assert [choice.value for choice in questions.choices("bands", pl.DataFrame([bands]))] == [1]


async def test_a_scan_of_so_many_items_reads_about_as_many():
    plan = scans.plan("q", {"batch_size": (10, "auto")}, latencies=(0.0,), items=(100, 300), repeats=1)
    assert plan.beside == "items"
    frame = (await scans.measure(plan)).frame
    assert set(frame["batch_size"]) == {"10", "auto"}
    assert all(abs(row["listed"] - row["items"]) <= 100 for row in frame.to_dicts())


@needs_redis
async def test_a_hit_is_faster_from_memory_than_from_redis_than_from_the_market():
    async with remembering.opened(NEAR) as desk:
        samples = {level: await remembering.hit(desk, level) for level in ("memory", "redis", "market")}
    seconds = [sample.values["seconds"] for sample in samples.values()]
    assert seconds == sorted(seconds)
    assert [sample.work.sent for sample in samples.values()] == [1, 1, 4]


@needs_redis
async def test_a_stampede_asks_once_through_the_cache_and_each_time_without():
    async with remembering.opened(NEAR) as desk:
        cached, bare = [await remembering.rush(desk, 20, cached=cached) for cached in (True, False)]
    assert (cached.values["upstream"], bare.values["upstream"]) == (1, 20)
    assert (cached.work.answers, bare.work.answers) == (20, 20)


@needs_redis
async def test_forgetting_leaves_nothing():
    async with remembering.opened(NEAR) as desk:
        sample = await remembering.forget(desk, 50)
    assert (sample.values["left"], sample.work.answers) == (0, 50)


async def test_a_warmed_scan_asks_for_fewer_sales():
    async with markets.Markets() as some, some.client(NEAR, quota=remembering._TENFOLD) as client:
        cold, warmed = [await remembering.scan_after(client, titles) for titles in (0, 1000)]
    assert warmed.values["sales"] < cold.values["sales"]
    assert warmed.values["beyond"] < cold.values["beyond"]


async def test_a_longer_lifetime_asks_less_and_is_out_of_date_more_often():
    samples = [await day.simulate("quotes", lifetime, between=300.0, asked=2000, titles=20, seed=1) for lifetime in (0.0, 60.0, 600.0)]
    upstream, outdated = ([sample.values[name] for sample in samples] for name in ("upstream", "outdated"))
    assert upstream[0] == 2000 > upstream[1] > upstream[2]
    assert outdated[0] == 0 < outdated[1] < outdated[2] < 1
    assert all(sample.values["hits"] + sample.values["upstream"] == 2000 for sample in samples)


async def test_a_day_is_the_same_for_the_same_seed_and_what_never_changes_is_never_out_of_date():
    first, second, other = [await day.simulate("sales", 600.0, between=7200.0, asked=500, titles=20, seed=seed) for seed in (1, 1, 2)]
    assert first.values == second.values != other.values
    still = await day.simulate("targets", 600.0, between=1e9, asked=500, titles=20)
    assert still.values["outdated"] == 0


async def test_what_cannot_be_simulated_is_refused():
    with pytest.raises(ConfigError, match="'fees' cannot be simulated"):
        await day.simulate("fees", 1.0, between=1.0)


async def test_lifetimes_are_chosen_as_long_as_answers_stay_true():
    plan = day.plan(
        lifetimes={"quotes": (5, 60, 6000), "targets": (5,), "sales": (60,)}, changes={"quotes": 600, "targets": 600, "sales": 600}, asked=2000, titles=20
    )
    swept = await day.measure(plan)
    picked = {choice.name: choice.value for choice in questions.choices("lifetimes", swept.frame)}
    assert picked == {"cache.quotes": 60.0, "cache.targets": 5.0, "cache.sales": 60.0}


@needs_redis
async def test_before_and_after_compares_each_row_in_one_run(monkeypatch):
    monkeypatch.setattr(before, "DISTANCE", 0.01)
    swept = await before.measure(wanted_short=True)
    table = before.table(swept.frame)
    assert table["what"].to_list() == [row.what for row in before.ROWS]
    assert all(row["ratio"] > 1 for row in table.to_dicts())
    assert table.filter(pl.col("what") == "a request, 50 ms away")["ratio"][0] == pytest.approx(3, rel=0.5)
    kept = swept.record(measures=before.measures(swept.frame))
    assert [measure.must for measure in kept.measures] == [f">= {row.must}" for row in before.ROWS]


def test_every_question_is_named_at_the_terminal_and_chooses_numbers_that_can_be_tuned():
    assert list(NAMED) == list(questions.QUESTIONS)
    chosen = {name for question in questions.QUESTIONS.values() for name in question.chooses}
    assert chosen <= set(TUNABLE)
    assert {"scan.batch_size", "scan.bands", "scan.concurrency", "pool.max_connections", "cache.quotes"} <= chosen


def test_a_question_keeps_what_is_in_force_within_noise():
    frame = pl.DataFrame([{"bands": bands, "latency": 0.1, "seconds": 1.0 + turn / 100} for turn in range(5) for bands in ("1", "2", "auto")])
    assert [choice.value for choice in questions.choices("bands", frame, {"scan.bands": 2}.get)] == [2]
    assert [choice.value for choice in questions.choices("bands", frame)] == ["auto"]
    assert questions.choices("hits", frame) == []


async def test_titles_are_as_many_as_are_asked_for_or_all_there_are():
    async with markets.Markets() as some, some.client(NEAR) as client:
        few, every = [await markets.titles_of(client, least=least) for least in (10, 100_000)]
    assert 10 <= len(few) < len(every) == len(set(every))


async def test_how_far_a_market_is_is_told_after_the_connection_was_made():
    async with markets.Markets() as some, some.client(MarketOptions(size=1000, latency=0.0, limits=False, tls=True, distance=0.1)) as client:
        assert 0.1 <= await markets.reach(client) < 0.2
        assert client.stats.requests.other == 6


async def test_markets_of_the_same_options_are_one_and_share_their_pace():
    async with markets.Markets() as some:
        assert await some.at(NEAR) == await some.at(NEAR)
        async with some.client(NEAR) as first, some.client(NEAR) as second:
            assert first.quota is second.quota
            await first.balance()
            assert markets.work_of(first.stats, answers=1).flat()["requests"] == 1


PLAN = Plan(question="how-much-at-once", run="x.y", points=({"concurrency": 4},), repeats=5)


def a_sweep(fast=8):
    samples = [
        {"round": turn, "concurrency": concurrency, "latency": 0.4, "seconds": (1.0 if concurrency >= fast else 2.0) + turn / 1000}
        for turn in range(5)
        for concurrency in (4, 8, 32)
    ]
    return Sweep(PLAN, datetime(2026, 9, 21, tzinfo=UTC), samples, Work(RequestCounts(other=1)))


def test_what_is_kept_is_in_force_and_its_record_chooses_the_same_again(monkeypatch):
    monkeypatch.delenv("BOTCORE_NOTEBOOKS", raising=False)
    swept = a_sweep()
    chosen = questions.choices("concurrency", swept.frame, {"scan.concurrency": 4}.get)
    path = questions.keep(swept, chosen, "notebooks/04.ipynb")
    settings = load({})
    assert (settings.scan.concurrency, settings.tuned["scan.concurrency"].source) == (8, "notebooks/04.ipynb")
    assert record.read(path).samples == swept.samples
    (again,) = questions.again("concurrency", settings.tuned, settings.tuned_file)
    assert questions.again("bands", settings.tuned, settings.tuned_file) == []
    assert questions.told([]).columns == questions.told([again]).columns
    assert (again.value, again.moved, again.rows) == (8, False, chosen[0].rows)
    told = questions.told([*chosen, again])
    assert told.select("name", "value", "moved").rows() == [("scan.concurrency", "8", True), ("scan.concurrency", "8", False)]


def test_a_short_form_keeps_its_record_and_changes_no_number(monkeypatch):
    monkeypatch.setenv("BOTCORE_NOTEBOOKS", "short")
    swept = a_sweep()
    assert questions.keep(swept, questions.choices("concurrency", swept.frame), "notebooks/04.ipynb").is_file()
    assert load({}).tuned == {}
