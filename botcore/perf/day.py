"""A day of questions, simulated: how often each lifetime answers from memory, and how often what it answers is out of date.

The cache is the bot's own, with a clock that jumps from question to question. Titles are asked for as in trade: a few all the time,
most of them rarely; and what is true of a title changes by chance, as often as ``CHANGES`` says.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from botcore.cache import Cache, CacheOptions, policy
from botcore.cache.policy import Question, Subject
from botcore.errors import ConfigError
from botcore.model import Game, Quote, Sale, Target
from botcore.perf.record import FOLDER, Work, dotted
from botcore.perf.sweep import Plan, Point, Progress, Sample, Sweep, short, sweep

__all__ = ["CHANGES", "LIFETIMES", "measure", "plan", "simulate"]

GAME = Game.CSGO
DAY = 86_400.0
CHANGES: dict[str, float] = {"quotes": 240.0, "targets": 300.0, "sales": 7200.0}
"""Seconds between two changes of what a title's answer says, in the mean: an assumption, kept in the record."""
LIFETIMES: dict[str, tuple[float, ...]] = {
    "quotes": (5.0, 10.0, 15.0, 30.0, 60.0, 300.0),
    "targets": (5.0, 10.0, 15.0, 30.0, 60.0, 300.0),
    "sales": (60.0, 300.0, 600.0, 1200.0, 3600.0, 7200.0),
}
TITLES = 300
ASKED = 20_000


class Ask(NamedTuple):
    """A question of the day: when, in seconds since midnight, and of which title."""

    at: float
    title: int


def plan(
    *,
    lifetimes: Mapping[str, Iterable[float]] | None = None,
    changes: Mapping[str, float] | None = None,
    asked: int = ASKED,
    titles: int = TITLES,
    days: int = 5,
    seed: int = 1,
) -> Plan:
    """What is simulated: for each subject its lifetimes in seconds, over so many days."""
    points = tuple(
        {"subject": subject, "lifetime": float(one), "day": day} for subject, some in (lifetimes or LIFETIMES).items() for one in some for day in range(days)
    )
    data: dict[str, Any] = {"asked": asked, "titles": titles, "seconds_between_changes": dict(changes or CHANGES), "seed": seed}
    return Plan(question="how-long-to-remember", run=dotted(simulate), points=points, repeats=1, data=data, warmups=0, seed=seed, of="upstream")


async def measure(
    what: Plan | None = None, *, wanted_short: bool | None = None, folder: Path = FOLDER, progress: Progress | None = None, resume: bool = True
) -> Sweep:
    """Simulate a plan; without one the whole question, or its short form.

    The frame has subject, lifetime and day; asked, hits, hit_rate, upstream (questions that went to the market), outdated (the part of
    what memory gave that was no longer true).
    """
    what = what or (plan(asked=2500, days=3) if short(wanted=wanted_short) else plan())
    return await sweep(what, partial(_sample, what), folder=folder, progress=progress, resume=resume)


async def _sample(what: Plan, point: Point) -> Sample:
    data, subject = what.data, point["subject"]
    between, day = data["seconds_between_changes"][subject], 1000 * what.seed + point["day"]
    return await simulate(subject, point["lifetime"], between=between, asked=data["asked"], titles=data["titles"], seed=day)


async def simulate(subject: str, lifetime: float, *, between: float, asked: int = ASKED, titles: int = TITLES, seed: int = 1) -> Sample:
    """One day with one lifetime. The same seed is the same day, whatever the lifetime."""
    options = _options(subject, lifetime)
    asks, truth = _asks(asked, titles, seed), _Truth(between, titles, seed)
    now = 0.0
    outdated = upstream = 0

    async def load(questions: Sequence[Question], behind: bool) -> dict[str, Any]:  # noqa: ARG001 - nobody is renewed behind here
        nonlocal upstream
        upstream += len(questions)
        return {question.name: _answer(subject, truth.version(int(question.name.rsplit(" ", 1)[-1]), now)) for question in questions}

    async with Cache(options, clock=lambda: now, chance=random.Random(seed).random) as cache:  # noqa: S311 - the same day in every run
        for ask in asks:
            now = ask.at
            answer = await cache.get_or_load(_question(subject, ask.title), load)
            outdated += _version(answer) != truth.version(ask.title, now)
    kept = len(asks) - upstream
    values = {"asked": len(asks), "hits": kept, "hit_rate": kept / len(asks), "upstream": upstream, "outdated": outdated / kept if kept else 0.0}
    return Sample(values, Work(answers=len(asks)))


class _Truth:
    """What is true of each title, as a number that grows with each change."""

    def __init__(self, between: float, titles: int, seed: int) -> None:
        chance = random.Random(f"{seed} changes")  # noqa: S311 - the same day in every run
        self._changes = [_moments(chance, between) for _ in range(titles)]

    def version(self, title: int, at: float) -> int:
        """How often it has changed until then. Asked with growing times."""
        changes = self._changes[title]
        low, high = 0, len(changes)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if changes[middle] <= at else (low, middle)
        return low


def _moments(chance: random.Random, between: float) -> list[float]:
    """When something that happens every so many seconds, by chance, happens in a day."""
    moments, at = [], chance.expovariate(1 / between)
    while at < DAY:
        moments.append(at)
        at += chance.expovariate(1 / between)
    return moments


def _asks(asked: int, titles: int, seed: int) -> list[Ask]:
    """A day's questions in order; the title of rank n is asked 1/n as often as the first."""
    chance = random.Random(f"{seed} asks")  # noqa: S311 - as above
    ranks = chance.choices(range(titles), [1 / (rank + 1) for rank in range(titles)], k=asked)
    return sorted(Ask(chance.uniform(0.0, DAY), rank) for rank in ranks)


def _options(subject: str, lifetime: float) -> CacheOptions:
    """The options in which a subject lives so long, and is never given out stale."""
    if subject not in CHANGES:
        raise ConfigError(f"{subject!r} cannot be simulated: choose one of {', '.join(CHANGES)}")
    given: dict[str, Any] = {subject: lifetime, "sales_stale": 0.0}
    return CacheOptions(**given)


def _question(subject: str, title: int) -> Question:
    ask = {"quotes": policy.quote, "targets": policy.targets, "sales": policy.sales}[subject]
    return ask(GAME, f"title {title}")


def _answer(subject: str, version: int) -> Any:
    """An answer that says which version of the truth it is."""
    if subject == Subject.QUOTES:
        return Quote("title", version + 1, 1, 1, 1)
    return [Target(version + 1, 1)] if subject == Subject.TARGETS else [Sale(version + 1, 0)]


def _version(answer: Any) -> int:
    first = answer if isinstance(answer, Quote) else answer[0]
    price: int = first.best_ask_cents if isinstance(first, Quote) else first.price_cents
    return price - 1
