"""What was said of offers, and what became of them. Times are unix seconds, money is cents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Select, bindparam, func, select, update
from sqlalchemy.engine import Row

from botcore.model import Exit, Game, Level
from botcore.store import frames, rows
from botcore.store.connect import unbroken
from botcore.store.rows import milliseconds, storable
from botcore.store.schema import outcomes
from botcore.store.store import Store

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Claim", "Outcome", "OutcomeCounts", "Outcomes"]

_WORDS = ("offer_id", "title", "phase", "float_part", "paint_seed", "reason")
_NUMBERS = ("price_cents", "exit_price_cents", "fee_cents", "profit_cents", "lock_days")
_ANSWERS = ("there_30s", "there_5min", "there_1h", "came_true", "earned_cents")


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of an offer at ``noted_at``.

    ``exit`` None: no exit was known, and the prices of one mean nothing. ``due_at``: until when its price was expected to occur.
    ``float_part`` and ``paint_seed`` are what orders ask for, empty where unknown. ``reason``: empty for an alert, else the funnel's
    name for why the offer was rejected. ``score`` and ``features`` are what its confidence was told from.
    """

    game: Game
    level: Level
    offer_id: str
    title: str
    phase: str
    price_cents: int
    exit: Exit | None
    exit_price_cents: int
    fee_cents: int
    profit_cents: int
    lock_days: int
    noted_at: float
    due_at: float
    float_part: str = ""
    paint_seed: str = ""
    reason: str = ""
    score: float | None = None
    features: dict[str, float] = {}


class Outcome(Claim, frozen=True, kw_only=True):
    """A claim, and what became of its offer; None: not asked yet, or nobody can tell any more.

    ``there_30s``, ``there_5min``, ``there_1h``: whether it was still for sale at its price so long after ``noted_at``.
    ``came_true``: whether the exit price occurred until ``due_at``. ``earned_cents``: what it would have left after fees, by its exit or,
    where that did not come, by the best order then. ``step`` counts the questions asked; ``next_at`` None: none is left.
    """

    id: int
    step: int = 0
    next_at: float | None = None
    there_30s: bool | None = None
    there_5min: bool | None = None
    there_1h: bool | None = None
    came_true: bool | None = None
    earned_cents: int | None = None


class OutcomeCounts(msgspec.Struct, frozen=True):
    """How many outcomes there are, how many of them have questions left, and of how many it is known whether their exit came."""

    noted: int
    open: int
    known: int


class Outcomes:
    """The outcomes of one market. No method leaves half of its work when its caller is cancelled; each raises StoreError."""

    def __init__(self, store: Store, market: str) -> None:
        self._store = store
        self._market = market

    @unbroken
    async def note(self, claims: Iterable[Claim], *, first: float) -> int:
        """Store claims, whose first question is due ``first`` seconds after each; an offer at a price is noted once. Gives how many were new."""
        values = [{**_values(claim), "market": self._market, "next_at": milliseconds(claim.noted_at + first)} for claim in claims]
        new = 0
        async with self._store.writing() as connection:
            for one in values:
                query = rows.insert(outcomes, connection.dialect.name).values(**one).on_conflict_do_nothing().returning(outcomes.c.id)
                new += (await connection.execute(query)).scalar() is not None
        return new

    async def due(self, now: float, limit: int = 100) -> list[Outcome]:
        """Those that have a question due, the longest waiting first."""
        query = select(outcomes).where(*self._mine, outcomes.c.next_at <= milliseconds(now)).order_by(outcomes.c.next_at, outcomes.c.id)
        return [_outcome(row) for row in await self._store.fetch(query.limit(limit))]

    async def next_at(self) -> float | None:
        """When the next question is due; None when none is left."""
        found = await self._store.fetch(select(func.min(outcomes.c.next_at)).where(*self._mine))
        return None if found[0][0] is None else found[0][0] / 1000

    @unbroken
    async def answer(self, before: Outcome, after: Outcome) -> bool:
        """Store what was learned; False when somebody else asked the same meanwhile, whose answer stays."""
        values = {name: getattr(after, name) for name in ("step", *_ANSWERS)}
        values["next_at"] = None if after.next_at is None else milliseconds(after.next_at)
        async with self._store.writing() as connection:
            done = await connection.execute(update(outcomes).where(outcomes.c.id == before.id, outcomes.c.step == before.step).values(values))
            return done.rowcount == 1

    @unbroken
    async def postpone(self, waiting: Iterable[Outcome], until: float) -> None:
        """Let the next question of these wait until then, since it could not be asked."""
        later = [{"outcome": one.id, "asked": one.step} for one in waiting]
        if not later:
            return
        query = update(outcomes).where(outcomes.c.id == bindparam("outcome"), outcomes.c.step == bindparam("asked"))
        async with self._store.writing() as connection:
            await connection.execute(query.values(next_at=milliseconds(until)), later)

    async def known(self, *, since: float = 0.0) -> list[Outcome]:
        """Those of which it is known whether their exit came, noted at ``since`` or later, oldest first."""
        return [_outcome(row) for row in await self._store.fetch(self._since(since).where(outcomes.c.came_true.is_not(None)))]

    async def of_offer(self, game: Game, offer_id: str) -> list[Outcome]:
        """What was said of an offer and became of it, the newest first; one entry a price."""
        query = select(outcomes).where(*self._mine, outcomes.c.game == str(game), outcomes.c.offer_id == offer_id)
        return [_outcome(row) for row in await self._store.fetch(query.order_by(outcomes.c.noted_at.desc()))]

    async def counts(self, *, since: float = 0.0) -> OutcomeCounts:
        """How many there are, noted at ``since`` or later."""
        numbers: list[Any] = [func.count().label("noted"), func.count(outcomes.c.next_at).label("open"), func.count(outcomes.c.came_true).label("known")]
        row: Any = (await self._store.fetch(select(*numbers).where(*self._mine, outcomes.c.noted_at >= milliseconds(since))))[0]
        return OutcomeCounts(row.noted, row.open, row.known)

    async def frame(self, *, since: float = 0.0) -> pl.DataFrame:
        """All of them as a frame with the table's columns, oldest first; times are UTC. Needs the extra `lab`."""
        return frames.frame(outcomes, await self._store.fetch(self._since(since)))

    @property
    def _mine(self) -> tuple[Any]:
        return (outcomes.c.market == self._market,)

    def _since(self, since: float) -> Select[Any]:
        return select(outcomes).where(*self._mine, outcomes.c.noted_at >= milliseconds(since)).order_by(outcomes.c.noted_at, outcomes.c.id)


def _values(claim: Claim) -> dict[str, Any]:
    words = {name: storable(getattr(claim, name)) for name in _WORDS}
    numbers = {name: getattr(claim, name) for name in _NUMBERS}
    times = {name: milliseconds(getattr(claim, name)) for name in ("noted_at", "due_at")}
    names = {"game": str(claim.game), "level": str(claim.level), "exit": str(claim.exit or "")}
    return {**words, **numbers, **times, **names, "score": claim.score, "features": msgspec.json.encode(claim.features).decode(), "step": 0}


def _outcome(row: Row[Any]) -> Outcome:
    return Outcome(
        **{name: getattr(row, name) for name in ("id", *_WORDS, *_NUMBERS, "score", "step", *_ANSWERS)},
        game=Game(row.game),
        level=Level(row.level),
        exit=Exit(row.exit) if row.exit else None,
        noted_at=row.noted_at / 1000,
        due_at=row.due_at / 1000,
        features=msgspec.json.decode(row.features, type=dict[str, float]),
        next_at=None if row.next_at is None else row.next_at / 1000,
    )
