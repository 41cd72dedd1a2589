"""Which setting is chosen from samples whose answer is known, and that nothing moves within noise."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from botcore.errors import ConfigError, MeasureError
from botcore.model import RequestCounts
from botcore.perf import record
from botcore.perf.record import RunRecord, Work
from botcore.perf.tuning import accepts, choose, interval, save
from botcore.settings import load
from botcore.tuned import read

NAME = "scan.concurrency"


def samples(true, *, noise=0.02, times=12, seed=1, **more):
    """A frame in which each setting takes its true seconds, give or take so much, a lognormal of it."""
    chance = random.Random(seed)
    rows = [{"workers": setting, "seconds": seconds * chance.lognormvariate(0, noise), **more} for _ in range(times) for setting, seconds in true.items()]
    return pl.DataFrame(rows)


def pick(frame, **more):
    return choose(frame, NAME, by="workers", **more)


def test_the_fastest_is_chosen_when_nothing_else_is_as_good():
    assert pick(samples({1: 8.0, 2: 4.0, 4: 2.0, 8: 1.0})).value == 8


def test_the_smallest_within_noise_of_the_best_is_chosen():
    choice = pick(samples({1: 8.0, 2: 4.0, 4: 1.004, 8: 1.0, 16: 1.002}))
    assert choice.value == 4
    assert choice.moved
    assert "4 is the first of 1, 2, 4, 8, 16 within noise of the best, over 60 samples of 5 settings" in choice.why


def test_what_is_slower_for_sure_is_not_within_noise_however_little():
    assert pick(samples({4: 1.05, 8: 1.0}, noise=0.005, times=30)).value == 8


def test_few_and_noisy_samples_do_not_prove_a_larger_setting():
    assert pick(samples({4: 1.05, 8: 1.0}, noise=0.3, times=4)).value == 4


@pytest.mark.parametrize("seed", range(20))
def test_nothing_moves_within_noise_of_what_is_in_force(seed):
    choice = pick(samples({4: 1.0, 8: 1.0, 16: 1.0, 32: 1.0}, noise=0.05, seed=seed), in_force=32)
    assert (choice.value, choice.moved) == (32, False)
    assert "32 stays in force" in choice.why


def test_what_is_in_force_gives_way_to_what_is_better_for_sure():
    choice = pick(samples({4: 1.0, 8: 1.0, 32: 1.3}), in_force=32)
    assert (choice.value, choice.moved) == (4, True)
    assert choice.why.endswith("before it was 32")


def test_a_setting_that_caused_a_refusal_is_never_chosen_though_it_be_the_fastest():
    frame = samples({4: 2.0, 8: 1.5, 16: 1.0}).with_columns(refused=pl.when(pl.col("workers") == 16).then(1).otherwise(0))
    choice = pick(frame)
    assert choice.value == 8
    assert choice.frame.filter(pl.col("workers") == 16)["as_good"].to_list() == [False]


def test_one_refusal_in_one_sample_is_enough():
    frame = samples({8: 2.0, 16: 1.0}).with_row_index().with_columns(refused=pl.when(pl.col("index") == 1).then(1).otherwise(0))
    assert pick(frame).value == 8


def test_what_is_in_force_gives_way_when_it_caused_a_refusal():
    frame = samples({8: 1.0, 16: 1.0}).with_columns(refused=pl.when(pl.col("workers") == 16).then(3).otherwise(0))
    assert pick(frame, in_force=16).value == 8


def test_nothing_is_chosen_when_everything_was_refused():
    choice = pick(samples({8: 1.0, 16: 1.0}, refused=1), in_force=8)
    assert (choice.value, choice.moved) == (None, False)
    assert "nothing can be chosen" in choice.why


def test_settings_that_the_option_does_not_accept_are_left_out():
    frame = samples({50: 2.0, 100: 1.0, 500: 0.1}).rename({"workers": "batch"})
    assert choose(frame, "scan.batch_size", by="batch").value == 100


def test_a_limit_on_another_column_is_kept():
    frame = samples({15: 3.0, 60: 2.0, 600: 1.0}).with_columns(outdated=pl.col("workers") / 6000)
    choice = choose(frame, "cache.quotes", by="workers", limit=("outdated", 0.02))
    assert choice.value == 60
    assert choice.why.endswith("over 36 samples of 3 settings, with outdated at most 0.02")


def test_words_may_be_preferred_to_numbers():
    frame = pl.concat([samples({"auto": 1.0, "2": 1.0, "4": 1.5}), samples({"auto": 2.0, "2": 2.0, "4": 1.9}, noise=0.2)])
    choice = choose(frame, "scan.bands", by="workers", order=["auto"])
    assert choice.value == "auto"
    assert choose(frame, "scan.bands", by="workers", order=[2]).value == 2


def per_items(true, **more):
    return pl.concat([samples(settings, **more).with_columns(items=items) for items, settings in true.items()]).rename({"workers": "batch"})


def test_one_setting_that_is_good_for_every_number_of_items_is_chosen():
    frame = per_items({100: {20: 1.0, 50: 1.0, 100: 1.0}, 1000: {20: 3.0, 50: 1.0, 100: 1.0}})
    assert choose(frame, "scan.batch_size", by="batch", per="items").value == 50


def test_each_number_of_items_gets_its_own_where_it_matters_and_the_option_takes_that():
    frame = per_items({100: {20: 1.0, 50: 1.5, 100: 2.0}, 1000: {20: 3.0, 50: 2.0, 100: 1.0}})
    choice = choose(frame, "scan.batch_size", by="batch", per="items")
    assert choice.value == {"100": 20, "1000": 100}
    assert not choose(frame, "scan.batch_size", by="batch", per="items", in_force={"100": 20, "1000": 100}).moved


def test_where_one_setting_must_do_for_all_the_least_bad_is_chosen():
    frame = per_items({100: {20: 1.0, 50: 1.2, 100: 2.0}, 1000: {20: 3.0, 50: 1.2, 100: 1.0}}).rename({"batch": "workers"})
    choice = pick(frame, per="items")
    assert choice.value == 50
    assert "never worse than" in choice.why


def test_rows_may_be_selected():
    frame = pl.concat([samples({4: 1.0, 8: 2.0}).with_columns(way=pl.lit("a")), samples({4: 2.0, 8: 1.0}).with_columns(way=pl.lit("b"))])
    assert [pick(frame, where={"way": way}).value for way in "ab"] == [4, 8]


def test_columns_that_are_not_there_and_names_that_are_not_tuned_are_refused():
    frame = samples({4: 1.0})
    with pytest.raises(MeasureError, match="no column latency: they have workers, seconds"):
        pick(frame, per="latency")
    with pytest.raises(MeasureError, match="no sample is left"):
        pick(frame, where={"workers": 5})
    with pytest.raises(MeasureError, match=r"scan\.deadline is no number that is tuned"):
        choose(frame, "scan.deadline", by="workers")


def test_what_an_option_accepts_is_its_own_word():
    assert accepts("scan.batch_size", {100: 20, 1000: 100})
    assert accepts("scan.bands", "auto")
    assert not any(accepts(*pair) for pair in (("scan.batch_size", 500), ("scan.concurrency", "auto"), ("pool.max_connections", 0), ("scan.bands", {1: 2})))


def test_the_interval_holds_the_true_ratio_as_often_as_it_says():
    chance = random.Random(3)
    held = 0
    for turn in range(200):
        ours, best = ([seconds * chance.lognormvariate(0, 0.2) for _ in range(25)] for seconds in (1.3, 1.0))
        low, high = interval(ours, best, seed=turn)
        held += low <= 1.3 <= high
    assert 185 <= held <= 200


def test_one_sample_may_be_anything_and_two_tell_little():
    assert interval([3.0], [2.0, 2.0]) == (0.0, math.inf)
    low, high = interval([3.0, 3.1], [2.0, 2.1])
    assert low < 1.4
    assert high > 1.6
    assert pick(samples({4: 1.1, 8: 1.0}, noise=0.05, times=2), in_force=4).value == 4
    assert pick(samples({1: 4.0, 8: 1.0}, noise=0.01, times=2), in_force=1).value == 8


def a_record(question="how-many"):
    made = RunRecord(
        question=question, run="x.y", started_at=datetime(2026, 9, 21, tzinfo=UTC), work=Work(RequestCounts(other=1)), samples=[{"workers": 4, "seconds": 1.0}]
    )
    return record.write(made)


def test_a_choice_is_saved_with_its_record_and_is_in_force_from_then_on():
    path = a_record()
    choice = pick(samples({4: 1.0, 8: 1.0, 32: 1.3}), in_force=load({}).scan.concurrency)
    assert save(choice, path, "notebooks/02.ipynb")
    settings = load({})
    entry = settings.tuned[NAME]
    assert settings.scan.concurrency == 4
    assert (entry.why, entry.source, entry.by, str(entry.date)) == (choice.why, "notebooks/02.ipynb", "workers", "2026-09-21")
    assert entry.record == f"../{path}"


def test_a_value_that_is_in_the_file_keeps_its_record():
    first, second = a_record("first"), a_record("second")
    choice = pick(samples({4: 1.0}))
    assert save(choice, first, "a")
    before = Path("data/tuned.toml").read_bytes()
    assert not save(choice, second, "b")
    assert Path("data/tuned.toml").read_bytes() == before


def test_other_entries_stay():
    path = a_record()
    save(pick(samples({4: 1.0})), path, "a")
    save(choose(samples({2: 1.0}), "scan.bands", by="workers"), path, "b")
    assert sorted(read(Path("data/tuned.toml"))) == ["scan.bands", "scan.concurrency"]


def test_nothing_is_saved_without_a_choice_a_record_or_a_file_to_trust():
    path = a_record()
    with pytest.raises(MeasureError, match="is not saved: every setting"):
        save(pick(samples({4: 1.0}, refused=1)), path, "a")
    with pytest.raises(MeasureError, match="is no record"):
        save(pick(samples({4: 1.0})), Path("nowhere.json"), "a")
    Path("data").mkdir()
    Path("data/tuned.toml").write_text("[scan]\nx = 1\n")
    with pytest.raises(ConfigError, match="changed by hand"):
        save(pick(samples({4: 1.0})), path, "a")
