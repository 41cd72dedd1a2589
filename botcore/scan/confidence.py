"""Scores held against outcomes: how often did exits of such a score come true? Pure; a calibration is data that can be kept.

The curve is the isotonic one, by pooling adjacent violators: of all curves that never fall it fits the outcomes best. Each exit
has its own, since selling at once and selling later fail in different ways.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import msgspec

from botcore.errors import ConfigError
from botcore.model import Exit

__all__ = [
    "BINS",
    "ENOUGH",
    "Bin",
    "Calibration",
    "Calibrations",
    "Confidence",
    "Curve",
    "Judged",
    "brier",
    "calibrate",
    "calibration_error",
    "fit",
    "reliability",
]

ENOUGH = 200
"""Outcomes of an exit before anything is said about its probability."""
DIGITS = 6
"""Scores nearer to each other than this many digits tell are one score."""
BINS = 10
"""Groups of equal size in which a calibration error is measured."""


class Judged(msgspec.Struct, frozen=True):
    """An outcome: the score that was given, and whether the exit price did occur in time."""

    exit: Exit
    score: float
    came_true: bool


class Curve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From scores to probabilities: steps whose ``scores`` go up and whose ``chances`` never fall, as two lists of one length.

    Between two of its scores the chance goes straight from one to the other; outside it stays as at the end. ``outcomes`` is
    how many it was drawn through. Raises ConfigError for a curve that could mislead.
    """

    scores: tuple[float, ...]
    chances: tuple[float, ...]
    outcomes: int

    def __post_init__(self) -> None:
        """Refuse what is no such curve."""
        rising = all(low < high for low, high in pairwise(self.scores))
        never_falling = all(low <= high for low, high in pairwise([0.0, *self.chances, 1.0]))
        if not (0 < len(self.scores) == len(self.chances) and rising and never_falling):
            raise ConfigError("a curve of confidence has chances from 0 to 1 that never fall, one for each of its scores, which rise")

    def chance(self, score: float) -> float:
        """The probability that belongs to a score, from 0 to 1."""
        right = bisect_right(self.scores, score)
        if right == 0:
            return self.chances[0]
        if right == len(self.scores):
            return self.chances[-1]
        (low, high), (below, above) = self.scores[right - 1 : right + 1], self.chances[right - 1 : right + 1]
        return below + (above - below) * (score - low) / (high - low)


class Confidence(msgspec.Struct, frozen=True):
    """How sure it is that the exit price will be had in time, from 0 to 1, and by how many outcomes; None: not yet known."""

    chance: float | None
    outcomes: int


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was learned on one market: a curve for each exit, None where there is no outcome yet."""

    target: Curve | None = None
    relist: Curve | None = None

    @property
    def curves(self) -> dict[Exit, Curve]:
        """The curves that there are."""
        both = {Exit.TARGET: self.target, Exit.RELIST: self.relist}
        return {way: curve for way, curve in both.items() if curve is not None}

    def confidence(self, exit: Exit, score: float) -> Confidence:  # noqa: A002 - the domain's word
        """What is known of a score; no number before there are ``ENOUGH`` outcomes of this exit."""
        curve = self.curves.get(exit)
        if curve is None or curve.outcomes < ENOUGH:
            return Confidence(None, curve.outcomes if curve else 0)
        return Confidence(curve.chance(score), curve.outcomes)

    def plain(self) -> dict[str, Any]:
        """The curves as plain values, as they are kept."""
        found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return found

    def __str__(self) -> str:
        """How much it rests on: ``1,511 outcomes of relist, 489 of target``; empty where on nothing."""
        return ", ".join(f"{curve.outcomes:,} outcomes of {way}" for way, curve in self.curves.items())


class Calibrations(msgspec.Struct, frozen=True):
    """The calibration of each market. What was learned on one is never told of another."""

    sandbox: Calibration = Calibration()
    dmarket: Calibration = Calibration()

    def of(self, market: str) -> Calibration:
        """That of a market by its name; an empty one for any other."""
        found = {"sandbox": self.sandbox, "dmarket": self.dmarket}.get(market)
        return Calibration() if found is None else found


def calibrate(outcomes: Iterable[Judged]) -> Calibration:
    """A curve for each exit of which there are outcomes, however few: how many there were goes along."""
    by_exit: dict[Exit, list[tuple[float, bool]]] = {}
    for one in outcomes:
        by_exit.setdefault(one.exit, []).append((one.score, one.came_true))
    return Calibration(**{way.value: fit(points) for way, points in by_exit.items()})


class _Pool:
    """Neighbouring outcomes that share one chance."""

    __slots__ = ("count", "scores", "true")

    def __init__(self, score: float, true: int, count: int) -> None:
        self.scores = score * count
        self.true = true
        self.count = count

    @property
    def chance(self) -> float:
        return self.true / self.count

    def take(self, other: _Pool) -> None:
        self.scores += other.scores
        self.true += other.true
        self.count += other.count


def fit(points: Iterable[tuple[float, bool]]) -> Curve:
    """The isotonic curve through scores and whether they came true. Raises ConfigError without any point."""
    pools: list[_Pool] = []
    for pool in _by_score(points):
        pools.append(pool)
        while len(pools) > 1 and pools[-2].chance >= pools[-1].chance:
            last = pools.pop()
            pools[-1].take(last)
    if not pools:
        raise ConfigError("no outcome, no curve")
    # One outcome more of either kind: a few that all came true do not make a certainty.
    chances = accumulate((round((pool.true + 1) / (pool.count + 2), DIGITS) for pool in pools), max)
    return Curve(tuple(round(pool.scores / pool.count, DIGITS) for pool in pools), tuple(chances), sum(pool.count for pool in pools))


def _by_score(points: Iterable[tuple[float, bool]]) -> list[_Pool]:
    """One pool a score, lowest first: equal scores must not depend on the order in which they came."""
    by_score: dict[float, list[bool]] = {}
    for score, true in points:
        by_score.setdefault(round(score, DIGITS), []).append(true)
    return [_Pool(score, sum(outcomes), len(outcomes)) for score, outcomes in sorted(by_score.items())]


def brier(judged: Iterable[tuple[float, bool]]) -> float:
    """The mean squared distance of chances from what came: 0 is perfect. Raises ConfigError without any."""
    squares = [(chance - true) ** 2 for chance, true in judged]
    if not squares:
        raise ConfigError("no outcome, nothing to be right about")
    return sum(squares) / len(squares)


class Bin(msgspec.Struct, frozen=True):
    """Outcomes of about one chance: how many, what they were told on average, and the share that came true, each from 0 to 1."""

    count: int
    told: float
    came_true: float


def reliability(judged: Iterable[tuple[float, bool]], bins: int = BINS) -> list[Bin]:
    """Chances beside what came, in groups of about equal size, lowest chances first. Raises ConfigError without any outcome."""
    ordered = sorted(judged)
    if not ordered:
        raise ConfigError("no outcome, nothing to be right about")
    return [Bin(len(group), sum(chance for chance, _ in group) / len(group), sum(true for _, true in group) / len(group)) for group in _groups(ordered, bins)]


def calibration_error(judged: Iterable[tuple[float, bool]], bins: int = BINS) -> float:
    """The expected calibration error: how far the chances are from how often it came true, over groups of equal size.

    Raises ConfigError without any outcome.
    """
    found = reliability(judged, bins)
    return sum(one.count * abs(one.told - one.came_true) for one in found) / sum(one.count for one in found)


def _groups(ordered: Sequence[tuple[float, bool]], bins: int) -> list[Sequence[tuple[float, bool]]]:
    """Groups of about equal size; outcomes of one chance stay together, since their order means nothing."""
    starts = {0}
    for number in range(1, bins):
        at = len(ordered) * number // bins
        starts.add(bisect_left(ordered, ordered[at][0], key=lambda one: one[0]))
    cuts = [*sorted(starts), len(ordered)]
    return [ordered[start:end] for start, end in pairwise(cuts)]
