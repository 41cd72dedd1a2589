"""How right confidence is: learned on outcomes of some worlds, held against those of others, with time compressed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import mean

from botcore.errors import SandboxError
from botcore.model import Exit
from botcore.perf.compressed import Weighed, weighed_finds
from botcore.perf.record import Measure
from botcore.scan.confidence import ENOUGH, Calibration, brier, calibrate, calibration_error

__all__ = ["learn", "measures"]

OUTCOMES = 2000
SEEDS = 1000
"""Seeds of a turn: the first half may be learned from, the others are held out."""
MOST_ERROR = 0.05


def measures(*, quick: bool, say: Callable[[str], None]) -> tuple[list[Measure], list[dict[str, object]]]:
    """The calibration's error on held-out seeds, of all exits together and of the relist exits alone, and what it knows beyond the average."""
    turns = [_turn(number, say) for number in range(1 if quick else 3)]
    return [
        Measure.of(f"expected calibration error on held-out seeds, {OUTCOMES:,} outcomes", [turn["error"] for turn in turns], "", f"<= {MOST_ERROR}"),
        Measure.of(
            "squared error against always saying how many came true on average", [turn["brier"] / turn["brier_of_average"] for turn in turns], "times", "<= 1"
        ),
    ], [{"calibration": turn} for turn in turns]


def learn(seeds: Iterable[int], outcomes: int = OUTCOMES) -> tuple[Calibration, Sequence[Weighed]]:
    """A calibration from so many outcomes of these seeds, and the outcomes. Raises SandboxError when the seeds do not give as many."""
    learned = _gather(seeds, outcomes)
    return calibrate(one.judged for one in learned), learned


def _turn(number: int, say: Callable[[str], None]) -> dict[str, float]:
    say(f"confidence learned from {OUTCOMES:,} outcomes and held against as many others, {number + 1}")
    first = number * SEEDS + 1
    calibration, learned = learn(range(first, first + SEEDS // 2))
    held_out = _gather(range(first + SEEDS // 2, first + SEEDS), OUTCOMES)
    average = {way: _average([one for one in learned if one.found.exit is way]) for way in Exit}
    told = _told(calibration, held_out)
    relist = _told(calibration, [one for one in held_out if one.found.exit is Exit.RELIST])
    return {
        "error": calibration_error(told),
        "error_relist": calibration_error(relist),
        "brier": brier(told),
        "brier_of_average": brier((average[one.found.exit], one.came_true) for one in held_out),
        "came_true": _average(held_out),
        "relist": len(relist) / len(told),
    }


def _gather(seeds: Iterable[int], outcomes: int) -> list[Weighed]:
    found: list[Weighed] = []
    for seed in seeds:
        found += weighed_finds(seed)
        if len(found) >= outcomes:
            return found[:outcomes]
    raise SandboxError(f"these seeds give {len(found)} outcomes, {outcomes} are wanted")


def _told(calibration: Calibration, outcomes: Iterable[Weighed]) -> list[tuple[float, bool]]:
    """What the calibration said of each, and what came. Raises SandboxError where it knows too little to say a number."""
    told = []
    for one in outcomes:
        confidence = calibration.confidence(one.found.exit, one.assessment.score)
        if confidence.chance is None:
            raise SandboxError(f"{confidence.outcomes} outcomes of {one.found.exit}, {ENOUGH} are wanted")
        told.append((confidence.chance, one.came_true))
    return told


def _average(outcomes: Sequence[Weighed]) -> float:
    return mean(one.came_true for one in outcomes)
