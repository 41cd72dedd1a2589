"""Were the alerts right? What was told beside what came of it: from a store's outcomes, or from sandbox worlds whose time is compressed.

All of it goes through one frame, a row an alert: part (``learned`` or ``held out``), level, exit, score, came_true, told_cents,
kept_cents (None: nothing could be sold), there_30s, there_5min and there_1h (None where nobody knows).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from botcore.errors import MeasureError
from botcore.model import Exit, Level
from botcore.perf.compressed import SIZE, Weighed, weighed_finds
from botcore.perf.record import FOLDER, Measure, RunRecord, Work, dotted, read, write
from botcore.perf.sweep import Progress, short
from botcore.perf.tuning import Choice, save
from botcore.scan.confidence import BINS, ENOUGH, Calibration, Judged, calibrate, calibration_error
from botcore.scan.confidence import reliability as groups_of
from botcore.store import Outcomes, Store
from botcore.tuned import DEFAULT

__all__ = [
    "MADE",
    "QUESTION",
    "Learned",
    "again",
    "answer",
    "kept",
    "learn",
    "of_store",
    "of_worlds",
    "reliability",
    "save_calibration",
    "there",
    "write_record",
]

QUESTION = "were-the-alerts-right"
LEARNED, HELD_OUT = "learned", "held out"
MOMENTS = {"there_30s": "30 s", "there_5min": "5 min", "there_1h": "1 h"}
WORLDS = 2000
"""Outcomes to learn from, and as many to be held out."""
EVENTS = 5 / 40_000
"""Listed, sold or repriced in a second, for each offer of a sandbox world."""
MADE = {"worlds": "seeds from 1 on, odd ones to learn from, even ones held out", "offers": SIZE, "events_a_second": EVENTS * SIZE}
"""What the outcomes of sandbox worlds were made from, for their record."""
HELD_OUT_SHARE = 3
"""Of a store's outcomes one in so many is held out, the newest: what was learned must hold for what came after."""
DIGITS = 6
SURE = 1.96
"""Standard deviations to either side that hold 95 % of what chance does."""
_SCHEMA: dict[str, Any] = {
    "part": pl.String,
    "level": pl.String,
    "exit": pl.String,
    "score": pl.Float64,
    "came_true": pl.Boolean,
    "told_cents": pl.Int64,
    "kept_cents": pl.Int64,
    **dict.fromkeys(MOMENTS, pl.Boolean),
}


class Learned(NamedTuple):
    """What the outcomes of one market taught: the frame, with the chance that each was told, the curves, and what they were read from."""

    market: str
    frame: pl.DataFrame
    calibration: Calibration
    data: dict[str, Any]

    @property
    def known(self) -> pl.DataFrame:
        """The outcomes from which a curve can be drawn: it has a score, and it is known whether the exit came."""
        return self.frame.filter(pl.col("score").is_not_null() & pl.col("came_true").is_not_null())

    @property
    def judged(self) -> list[tuple[float, bool]]:
        """What was told of outcomes that were held out, and what came; empty before enough was learned."""
        rows = self.known.filter((pl.col("part") == HELD_OUT) & pl.col("chance").is_not_null())
        return rows.select("chance", "came_true").rows()

    @property
    def error(self) -> float | None:
        """The expected calibration error on outcomes that were held out; None while it is not known."""
        return calibration_error(self.judged) if self.judged else None


# ---- outcomes ----------------------------------------------------------------------------------------------------------


async def of_store(store: Store, market: str) -> pl.DataFrame:
    """The outcomes of alerts that a store knows of one market, oldest first. Raises StoreError."""
    rows = (await Outcomes(store, market).frame()).filter((pl.col("reason") == "") & (pl.col("exit") != ""))
    if rows.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    known = pl.col("score").is_not_null() & pl.col("came_true").is_not_null()
    number, count = pl.int_range(pl.len()).over("exit", known), pl.len().over("exit", known)
    part = pl.when(number * HELD_OUT_SHARE < count * (HELD_OUT_SHARE - 1)).then(pl.lit(LEARNED)).otherwise(pl.lit(HELD_OUT))
    shown = rows.with_columns(part=part, told_cents="profit_cents", kept_cents="earned_cents")
    return shown.select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items())


def of_worlds(outcomes: int = WORLDS, *, seed: int = 1, size: int = SIZE, progress: Progress | None = None) -> pl.DataFrame:
    """As many outcomes of sandbox worlds to learn from, from odd seeds on from ``seed``, as of others that are held out."""
    rows: list[dict[str, Any]] = []
    for part, first in ((LEARNED, seed), (HELD_OUT, seed + 1)):
        for number, one in enumerate(_finds(outcomes, first, size)):
            rows.append({"part": part, **_row(one)})
            if progress is not None:
                progress(len(rows), 2 * outcomes, f"outcome {number + 1:,}, {part}")
    return pl.DataFrame(rows, schema=_SCHEMA)


def _finds(outcomes: int, seed: int, size: int) -> Iterator[Weighed]:
    left = outcomes
    while left:
        for one in weighed_finds(seed, size, events=EVENTS * size)[:left]:
            left -= 1
            yield one
        seed += 2


def _row(one: Weighed) -> dict[str, Any]:
    gone = one.gone_after
    moments = zip(MOMENTS, (30.0, 300.0, 3600.0), strict=True)
    return {
        "level": one.level.value,
        "exit": one.found.exit.value,
        "score": round(one.assessment.score, DIGITS),
        "came_true": one.came_true,
        "told_cents": one.found.profit_cents,
        "kept_cents": one.earned_cents,
        **{name: gone is None or gone > seconds for name, seconds in moments},
    }


# ---- what they teach ----------------------------------------------------------------------------------------------------


def learn(frame: pl.DataFrame, market: str, **data: Any) -> Learned:
    """Draw the curves through what is there to learn from, and tell each outcome its chance by them, None while too few are known."""
    scored = pl.col("score").is_not_null() & pl.col("came_true").is_not_null()
    calibration = _drawn(frame.filter(scored & (pl.col("part") == LEARNED)).to_dicts())
    chances = [None if score is None else calibration.confidence(Exit(way), score).chance for way, score in frame.select("exit", "score").rows()]
    return Learned(market, frame.with_columns(chance=pl.Series(chances, dtype=pl.Float64)), calibration, {"market": market, **data})


def _drawn(rows: Iterable[dict[str, Any]]) -> Calibration:
    return calibrate(Judged(Exit(row["exit"]), row["score"], row["came_true"]) for row in rows)


def reliability(learned: Learned, bins: int = BINS) -> pl.DataFrame:
    """Outcomes that were held out, in groups of about equal chance: exit, told, came_true, low and high (95 % of what chance does), outcomes."""
    rows = []
    for way in Exit:
        exits = learned.known.filter((pl.col("part") == HELD_OUT) & (pl.col("exit") == way.value) & pl.col("chance").is_not_null())
        for one in groups_of(exits.select("chance", "came_true").rows(), bins) if exits.height else ():
            low, high = _likely(one.came_true, one.count)
            rows.append((way.value, one.told, one.came_true, low, high, one.count))
    schema = {"exit": pl.String, **dict.fromkeys(("told", "came_true", "low", "high"), pl.Float64), "outcomes": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _likely(share: float, count: int) -> tuple[float, float]:
    """Between which shares the true one lies with 95 %, as Wilson has it."""
    spread = SURE**2 / count
    middle = (share + spread / 2) / (1 + spread)
    reach = sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return max(0.0, min(share, middle - reach)), min(1.0, max(share, middle + reach))


def kept(learned: Learned) -> pl.DataFrame:
    """Profit after fees by level and exit: outcomes, what was told and kept in cents, kept for each dollar told, and how many were left unsold.

    What could not be sold keeps nothing, and what is not known yet does not count.
    """
    known = learned.frame.filter(pl.col("came_true").is_not_null())
    money = {"told_cents": pl.col("told_cents").sum(), "kept_cents": pl.col("kept_cents").fill_null(0).sum(), "unsold": pl.col("kept_cents").null_count()}
    rows = known.group_by("level", "exit").agg(outcomes=pl.len(), came_true=pl.col("came_true").mean(), **money)
    share = pl.col("kept_cents") / pl.col("told_cents")
    order = pl.col("level").replace_strict({level.value: number for number, level in enumerate(Level)}, return_dtype=pl.Int64)
    return rows.with_columns(share=share).sort(order, "exit")


def there(learned: Learned, by: str) -> pl.DataFrame:
    """How many alerts were still for sale after a moment, by ``level`` or ``exit``: that, after, share (0 to 1), known."""
    long = learned.frame.unpivot(list(MOMENTS), index=by, variable_name="after", value_name="there").filter(pl.col("there").is_not_null())
    rows = long.group_by(by, "after").agg(share=pl.col("there").mean(), known=pl.len())
    names = [level.value for level in Level] + [way.value for way in Exit]
    order = [pl.col(by).replace_strict({name: number for number, name in enumerate(names)}, return_dtype=pl.Int64)]
    order.append(pl.col("after").replace_strict({name: number for number, name in enumerate(MOMENTS)}, return_dtype=pl.Int64))
    return rows.sort(*order).with_columns(pl.col("after").replace_strict(MOMENTS, return_dtype=pl.String))


# ---- keeping it ---------------------------------------------------------------------------------------------------------


def write_record(learned: Learned, folder: Path = FOLDER) -> Path:
    """Write the record: of every outcome what its curve was drawn from, or what it was told. Raises MeasureError when nothing is known yet."""
    known = learned.known
    if known.is_empty():
        raise MeasureError("no outcome is known yet: let `botcore watch` run, and ask again when its alerts are due")
    error = learned.error
    made = RunRecord(
        question=QUESTION,
        run=dotted(learn),
        started_at=datetime.now(UTC),
        work=Work(answers=known.height, rows=learned.frame.height),
        data=learned.data,
        order="as they were told",
        samples=[_sample(row) for row in known.to_dicts()],
        measures=[] if error is None else [Measure.of("expected calibration error on held-out outcomes", [error], "")],
    )
    return write(made, folder)


def _sample(row: dict[str, Any]) -> dict[str, Any]:
    told = {"chance": round(row["chance"], DIGITS)} if row["part"] == HELD_OUT and row["chance"] is not None else {}
    return {**{name: row[name] for name in ("part", "exit", "score", "came_true")}, **told}


def save_calibration(learned: Learned, record: Path, source: str, *, file: Path = DEFAULT) -> bool:
    """Write the curves into the numbers in force, for their own market alone; False when they were not changed.

    Nothing is written while no exit has enough outcomes, nor by the short form of a notebook. Raises as ``tuning.save``.
    """
    if short() or not any(curve.outcomes >= ENOUGH for curve in learned.calibration.curves.values()):
        return False
    held_out = len(learned.judged)
    error = "" if learned.error is None else f", off by {100 * learned.error:.1f} % over {held_out:,} that were held out"
    choice = Choice(
        name=f"confidence.{learned.market}",
        value=learned.calibration.plain(),
        moved=True,
        why=f"the curves through {learned.calibration}{error}",
        by="chance",
        of="came_true",
        per="exit",
        where={"part": HELD_OUT},
        rows=[],
    )
    return save(choice, record, source, path=file)


def again(record: Path) -> Calibration:
    """The curves that a record draws when it is asked again. Raises MeasureError when it cannot be read."""
    return _drawn(row for row in read(record).samples if row["part"] == LEARNED)


def answer(learned: Learned) -> str:
    """How right the alerts were, in a sentence; while too few outcomes are known, how many there are."""
    money = kept(learned)
    if learned.error is None:
        return f"Not yet known: {learned.known.height:,} outcomes so far, {ENOUGH} of an exit are needed to learn from, and more to be held against."
    told, left = (int(money[column].sum()) for column in ("told_cents", "kept_cents"))
    looked = learned.frame["there_5min"].drop_nulls()
    later = f", and {100 * looked.sum() / len(looked):.0f} % of the alerts could still be bought after five minutes" if len(looked) else ""
    return (
        f"Confidence was off by {100 * learned.error:.1f} % over {len(learned.judged):,} outcomes that were held out, and of each dollar of profit "
        f"that was told {left / told:.2f} was kept after fees{later}."
    )
