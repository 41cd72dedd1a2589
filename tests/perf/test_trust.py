"""Were the alerts right? From outcomes to curves, figures and the setting in force."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import polars as pl
import pytest

from botcore.errors import MeasureError
from botcore.model import Exit, Game, Level
from botcore.perf import trust, trust_charts
from botcore.perf.record import read
from botcore.scan.confidence import ENOUGH, Calibration
from botcore.settings import load
from botcore.store import Claim, Outcomes, Store
from botcore.tuned import DEFAULT, record_of

START = 1_790_000_000.0
SMALL = 2500


def rows(count, *, part=trust.LEARNED, exit_=Exit.RELIST, level=Level.BOOST, **other):
    """Outcomes of which as many come true as their score says."""
    made = []
    for number in range(count):
        score = (number % 10) / 10 + 0.05
        came = number * 7919 % 100 < 100 * score
        there = {"there_30s": True, "there_5min": number % 2 == 0, "there_1h": None}
        made.append(
            {"part": part, "level": level.value, "exit": exit_.value, "score": score, "came_true": came, "told_cents": 100, "kept_cents": 100 if came else -20}
            | there
            | other
        )
    return made


def learned(*groups):
    return trust.learn(pl.DataFrame([row for group in groups for row in group], schema=trust._SCHEMA), "sandbox")


@pytest.fixture
def known():
    return learned(rows(2 * ENOUGH), rows(ENOUGH, part=trust.HELD_OUT), rows(30, exit_=Exit.TARGET, level=Level.PRO), rows(9, kept_cents=None, came_true=False))


def png(figure):
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def test_outcomes_that_were_held_out_are_told_their_chance_by_what_the_others_taught(known):
    groups = trust.reliability(known)
    assert set(groups["exit"]) == {"relist"}
    assert groups["outcomes"].sum() == len(known.judged) == ENOUGH
    assert groups["told"].is_sorted()
    assert all(row["low"] <= row["came_true"] <= row["high"] for row in groups.to_dicts())
    assert known.error < 0.1


def test_an_exit_with_too_few_outcomes_is_told_no_chance(known):
    assert known.frame.filter(exit="target")["chance"].null_count() == 30
    assert known.calibration.target.outcomes == 30


def test_profit_that_was_told_is_held_against_what_was_kept_and_what_could_not_be_sold_keeps_nothing(known):
    money = {(row["level"], row["exit"]): row for row in trust.kept(known).to_dicts()}
    boost = money["boost", "relist"]
    came = known.frame.filter(level="boost", came_true=True).height
    assert (boost["outcomes"], boost["unsold"]) == (3 * ENOUGH + 9, 9)
    assert boost["kept_cents"] == 100 * came - 20 * (3 * ENOUGH - came)
    assert boost["share"] == pytest.approx(boost["kept_cents"] / boost["told_cents"])
    assert list(money) == [("boost", "relist"), ("pro", "target")]


def test_what_was_still_there_is_told_of_those_that_were_looked_at(known):
    moments = trust.there(known, "exit")
    assert moments.columns == ["exit", "after", "share", "known"]
    assert moments.filter(exit="relist")["after"].to_list() == ["30 s", "5 min"]
    assert moments.filter(exit="target", after="5 min")["share"].item() == 0.5
    assert trust.there(known, "level")["level"].unique(maintain_order=True).to_list() == ["boost", "pro"]


def test_the_record_draws_the_curves_again_and_the_setting_names_it(known):
    record = trust.write_record(known)
    assert trust.save_calibration(known, record, "notebooks/08-were-the-alerts-right.ipynb")
    assert not trust.save_calibration(known, record, "notebooks/08-were-the-alerts-right.ipynb")
    settings = load({})
    assert settings.confidence.sandbox == known.calibration
    entry = settings.tuned["confidence.sandbox"]
    assert trust.again(record_of(settings.tuned_file, entry)) == trust.again(record) == known.calibration
    assert (Path("data") / entry.record).resolve() == record.resolve()
    assert "off by" in entry.why
    assert read(record).measures[0].value == round(known.error, 4)


def test_the_short_form_of_a_notebook_and_too_few_outcomes_change_nothing_in_force(known, monkeypatch):
    few = learned(rows(ENOUGH - 1))
    assert not trust.save_calibration(few, trust.write_record(few), "x")
    monkeypatch.setenv("BOTCORE_NOTEBOOKS", "short")
    assert not trust.save_calibration(known, trust.write_record(known), "x")
    assert not DEFAULT.exists()


def test_the_answer_tells_how_right_they_were_or_how_many_are_known_so_far(known):
    assert trust.answer(known).startswith("Confidence was off by ")
    assert "200 outcomes that were held out" in trust.answer(known)
    few = trust.answer(learned(rows(17)))
    assert few.startswith("Not yet known: 17 outcomes so far")
    assert trust.answer(learned()).startswith("Not yet known: 0 outcomes so far")


def test_nothing_known_is_no_record():
    with pytest.raises(MeasureError, match="no outcome is known yet"):
        trust.write_record(learned())


def test_charts_show_what_there_is_and_say_so_where_there_is_nothing(known):
    for some in (known, learned()):
        figures = [
            trust_charts.reliability(trust.reliability(some), "As told?"),
            trust_charts.kept(trust.kept(some), "Kept"),
            trust_charts.there(trust.there(some, "level"), "There"),
        ]
        assert all(png(figure).startswith(b"\x89PNG") for figure in figures)
        said = [[text.get_text() for text in figure.axes[0].texts] for figure in figures]
        assert ("too few outcomes are known yet" in said[0]) == (some is not known)
        assert ("no outcome is known yet" in said[1]) == (some is not known)
        assert ("nothing was looked at again yet" in said[2]) == (some is not known)


# ---- where outcomes come from ------------------------------------------------------------------------------------------


def claimed(number, **other):
    told = {"game": Game.CSGO, "level": Level.BOOST, "offer_id": f"offer-{number}", "title": "A", "phase": "", "price_cents": 500, "exit": Exit.RELIST}
    money = {"exit_price_cents": 600, "fee_cents": 30, "profit_cents": 70, "lock_days": 0}
    return Claim(**{**told, **money, "noted_at": START + number, "due_at": START + 100, "score": 0.5, **other})


async def test_of_a_store_alerts_count_and_the_newest_third_of_what_is_known_is_held_out():
    async with Store() as store:
        outcomes = Outcomes(store, "sandbox")
        others = [claimed(100, reason="low"), claimed(101, exit=None, reason="thin"), claimed(102)]
        await outcomes.note([*(claimed(number) for number in range(9)), *others], first=30.0)
        for one in await outcomes.due(START + 1000):
            if one.noted_at < START + 100:
                await outcomes.answer(one, msgspec.structs.replace(one, step=4, next_at=None, came_true=True, earned_cents=70, there_30s=True))
        frame = await trust.of_store(store, "sandbox")
        assert (await trust.of_store(store, "dmarket")).height == 0
    assert frame.columns == list(trust._SCHEMA)
    assert frame["part"].to_list()[:9] == [trust.LEARNED] * 6 + [trust.HELD_OUT] * 3
    assert frame["came_true"].to_list() == [True] * 9 + [None]
    assert (frame["told_cents"][0], frame["kept_cents"][0]) == (70, 70)
    assert trust.learn(frame, "sandbox").known.height == 9


def test_worlds_give_the_same_outcomes_each_time_from_seeds_that_are_kept_apart():
    said = []
    frame = trust.of_worlds(60, size=SMALL, progress=lambda done, total, _: said.append((done, total)))
    assert frame["part"].to_list() == [trust.LEARNED] * 60 + [trust.HELD_OUT] * 60
    assert said[-1] == (120, 120)
    assert frame.equals(trust.of_worlds(60, size=SMALL))
    assert not frame[:60].drop("part").equals(frame[60:].drop("part"))
    assert frame["kept_cents"].null_count() < 60
    shares = [frame[name].cast(pl.Float64).sum() for name in trust.MOMENTS]
    assert frame.height >= shares[0] >= shares[1] >= shares[2] > 0
    assert frame.filter(pl.col("came_true"))["kept_cents"].null_count() == 0


def test_a_calibration_of_nothing_knows_nothing():
    assert learned().calibration == Calibration()
