"""The calibration: whatever the outcomes, a curve that never falls, stays between 0 and 1, and does not depend on their order."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.errors import ConfigError
from botcore.model import Exit
from botcore.scan.confidence import ENOUGH, Calibration, Calibrations, Confidence, Judged, brier, calibrate, calibration_error, fit, reliability
from botcore.scan.evidence import Concern
from botcore.scan.wording import confidence_line, in_short

from .test_evidence import weigh

points = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80)


def drawn(count, seed, *, chance=lambda score: score):
    """Outcomes of which as many come true as the chance of their score says."""
    rng = Random(seed)
    scores = [rng.random() for _ in range(count)]
    return [(score, rng.random() < chance(score)) for score in scores]


def learned(count, **other):
    return calibrate(Judged(Exit.RELIST, *one) for one in drawn(count, 1, **other))


@given(points, st.lists(st.floats(-1, 2), min_size=2, max_size=20))
def test_a_curve_never_falls_and_stays_between_nothing_and_certainty(outcomes, asked):
    chances = [fit(outcomes).chance(score) for score in sorted(asked)]
    assert all(low <= high for low, high in pairwise(chances))
    assert all(0 < chance < 1 for chance in chances)


@given(points.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_order_of_outcomes_means_nothing(both):
    assert fit(both[0]) == fit(both[1])


@given(points, st.booleans())
def test_outcomes_that_all_ended_alike_give_one_chance(outcomes, ended):
    alike = fit((score, ended) for score, _ in outcomes)
    assert alike.chance(0.0) == alike.chance(1.0)
    assert (alike.chance(0.5) > 0.5) == ended
    assert alike.outcomes == len(outcomes)


@given(points)
def test_a_calibration_can_be_kept_and_read_again(outcomes):
    made = calibrate(Judged(Exit.TARGET, *one) for one in outcomes)
    assert msgspec.convert(made.plain(), type=Calibration) == made


@given(points, st.integers(1, 20))
def test_every_outcome_is_in_one_group_and_those_of_one_chance_are_together(outcomes, bins):
    groups = reliability(outcomes, bins)
    assert sum(one.count for one in groups) == len(outcomes)
    assert all(low.told < high.told for low, high in pairwise(groups))
    assert sum(one.count * one.came_true for one in groups) == pytest.approx(sum(came for _, came in outcomes))


@given(points)
def test_an_error_is_from_nothing_to_one_and_none_where_each_chance_is_what_came(outcomes):
    assert 0 <= calibration_error(outcomes) <= 1
    assert 0 <= brier(outcomes) <= 1
    right = [(float(came), came) for _, came in outcomes]
    assert (calibration_error(right), brier(right)) == (0.0, 0.0)
    wrong = [(1.0 - came, came) for _, came in outcomes]
    assert (calibration_error(wrong), brier(wrong)) == (1.0, 1.0)


@pytest.mark.parametrize("chance", [lambda score: score**3, lambda score: 0.3 + 0.4 * score, lambda _: 0.7])
def test_chances_learned_on_some_outcomes_hold_for_others(chance):
    curve = fit(drawn(2000, 1, chance=chance))
    others = drawn(5000, 2, chance=chance)
    assert calibration_error((curve.chance(score), came) for score, came in others) < 0.05
    assert max(abs(curve.chance(score / 10) - chance(score / 10)) for score in range(1, 10)) < 0.12


def test_scores_that_are_off_are_set_right():
    """A score that says 0.9 where half come true."""
    outcomes = [(0.9, number % 2 == 0) for number in range(1000)]
    assert calibration_error(outcomes) == pytest.approx(0.4)
    assert fit(outcomes).chance(0.9) == pytest.approx(0.5)


def test_no_number_is_given_before_there_are_enough_outcomes():
    few = learned(ENOUGH - 1)
    assert few.confidence(Exit.RELIST, 0.5) == Confidence(None, ENOUGH - 1)
    assert confidence_line(few.confidence(Exit.RELIST, 0.5)) == "confidence not yet known (199 outcomes so far)"
    assert few.confidence(Exit.TARGET, 0.5) == Confidence(None, 0)
    enough = learned(ENOUGH).confidence(Exit.RELIST, 0.5)
    assert enough.chance is not None
    assert enough.outcomes == ENOUGH
    assert confidence_line(Confidence(0.834, 2000)) == "confidence 0.83, from 2,000 outcomes"


def test_each_exit_has_a_curve_of_its_own():
    outcomes = [Judged(way, 0.5, way is Exit.TARGET) for way in Exit for _ in range(ENOUGH)]
    made = calibrate(outcomes)
    chances = [made.confidence(way, 0.5).chance for way in (Exit.TARGET, Exit.RELIST)]
    assert [round(chance or 0.0, 2) for chance in chances] == [1.0, 0.0]


@pytest.mark.parametrize(
    "curve",
    [
        {"scores": [0.1, 0.2], "chances": [0.5, 0.4]},
        {"scores": [0.2, 0.1], "chances": [0.4, 0.5]},
        {"scores": [0.1, 0.2], "chances": [0.4, 1.5]},
        {"scores": [0.1, 0.1], "chances": [0.4, 0.5]},
        {"scores": [0.1], "chances": [0.4, 0.5]},
        {"scores": [], "chances": []},
        {"scores": "no"},
    ],
)
def test_a_calibration_that_could_mislead_is_refused(curve):
    with pytest.raises((ConfigError, msgspec.ValidationError)):
        msgspec.convert({"relist": {"outcomes": 300, **curve}}, type=Calibration)


def test_what_was_learned_on_one_market_is_told_of_no_other():
    known = Calibrations(sandbox=learned(ENOUGH))
    assert known.of("sandbox").confidence(Exit.RELIST, 0.5).chance is not None
    for market in ("dmarket", "recording", ""):
        assert known.of(market).confidence(Exit.RELIST, 0.5) == Confidence(None, 0)


def test_what_little_room_there_is_tells_how_sure_it_is_and_the_concerns_by_name():
    weighed = msgspec.structs.replace(weigh(), concerns=(Concern.THIN, Concern.PUMPED))
    assert in_short(weighed, Confidence(0.834, 2000)) == "sure 0.83, thin, pumped"
    assert in_short(msgspec.structs.replace(weigh(), concerns=()), Confidence(None, 3)) == "confidence not yet known"
    assert in_short(None, None) == "not weighed"


def test_nothing_is_learned_from_nothing():
    for work in (fit, brier, calibration_error):
        with pytest.raises(ConfigError):
            work([])
    assert (calibrate([]).curves, str(calibrate([]))) == ({}, "")
