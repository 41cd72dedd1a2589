"""Frame of samples → the setting to choose, or none, and why; and its entry in ``data/tuned.toml``.

The smallest setting whose median cannot be told from the best one's is chosen, by a bootstrap interval of the ratio of the two
medians. A setting that caused a refusal is never chosen, and what is in force stays while nothing is better by more than noise.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC
from pathlib import Path
from statistics import median
from typing import Any, get_type_hints

import msgspec
import numpy as np
import polars as pl

from botcore import tuned
from botcore.cache import CacheOptions
from botcore.client import PoolOptions
from botcore.errors import ConfigError, MeasureError
from botcore.perf.record import RunRecord, read
from botcore.scan import ScanOptions
from botcore.scan.confidence import Calibrations
from botcore.tuned import TUNABLE, Tuned, Value

__all__ = ["Choice", "accepts", "choose", "interval", "save"]

_TAILS, _NORMAL = (0.025, 0.975), 1.96
_STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09, 2.0)
"""The 97.5 % quantile of Student's t for 2, 3, ... samples; beyond the table it hardly changes."""
_TINY = 1e-12
MARGIN = 0.01
"""A hundredth is no difference worth a change, however surely it was measured."""
DRAWS = 2000
_PARTS: dict[str, type[msgspec.Struct]] = {"scan": ScanOptions, "pool": PoolOptions, "cache": CacheOptions, "confidence": Calibrations}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What the samples say about one number.

    ``value`` is what to use from now on, None when no setting can be used. ``moved`` tells whether that differs from what was in
    force. ``rows`` has one row for each setting, and each value of ``per``: median, low and high of its ratio to the best,
    samples, refused, and whether it is as good as the best.
    """

    name: str
    value: Value | None
    moved: bool
    why: str
    by: str
    of: str
    per: str
    where: dict[str, Any]
    rows: list[dict[str, Any]]

    @property
    def frame(self) -> pl.DataFrame:
        """The rows as a frame."""
        return pl.DataFrame(self.rows, infer_schema_length=None, strict=False)


def choose(  # noqa: PLR0913 - each is one part of the question
    frame: pl.DataFrame,
    name: str,
    *,
    by: str,
    of: str = "seconds",
    per: str = "",
    where: Mapping[str, Any] | None = None,
    in_force: Value | None = None,
    order: Sequence[Any] = (),
    limit: tuple[str, float] | None = None,
    margin: float = MARGIN,
) -> Choice:
    """Choose the number ``name``, which was varied in the column ``by``, so that ``of`` becomes small.

    ``per`` is a column for each value of which the choice must hold; where no one setting does, a number may get one for each,
    if its option takes that. ``where`` selects rows. ``order`` is the order of preference among equals, the smallest first by
    default. ``limit`` is a column and the most that its median may be, as for answers that are out of date. A column ``refused``
    counts refusals. Settings that the option does not accept are left out.

    Raises:
        MeasureError: a column is missing, or no row is left to choose from.
    """
    chosen = _Samples(frame, by, of, per, dict(where or {}), margin, limit)
    candidates = [setting for setting in _ordered(chosen.settings, order) if accepts(name, setting)]
    rows = [row for group in chosen.groups for row in chosen.compare(group, candidates)]
    told: dict[str, Any] = {"name": name, "by": by, "of": of, "per": per, "where": dict(where or {}), "rows": rows}
    good = {group: [row[by] for row in rows if row["as_good"] and row.get(per) == group] for group in chosen.groups}
    everywhere = [setting for setting in candidates if all(setting in some for some in good.values())]
    if not all(good.values()):
        return Choice(value=None, moved=False, why=f"every setting of {name} was refused, or is not accepted: nothing can be chosen", **told)
    if in_force is not None and all(_at(in_force, group) in some for group, some in good.items()):
        stays = f"{in_force} stays in force: no setting was better by more than noise, over {chosen.counted}"
        return Choice(value=in_force, moved=False, why=stays, **told)
    value, why = _pick(name, chosen, candidates, everywhere, good, rows)
    before = "" if in_force is None else f"; before it was {in_force}"
    return Choice(value=value, moved=value != in_force, why=why + before, **told)


def accepts(name: str, value: Any) -> bool:
    """Whether the option of that name takes the value."""
    part, field = _split(name)
    options = _PARTS[part]
    try:
        options(**{field: msgspec.convert(value, type=get_type_hints(options)[field])})
    except (ConfigError, ValueError):
        return False
    return True


def interval(ours: Sequence[float], best: Sequence[float], *, seed: int = 1) -> tuple[float, float]:
    """The bootstrap interval of the ratio of two medians, ours to the best's, with 95 % confidence.

    Few samples show less noise than there is, so the interval is stretched as Student's t is against the normal distribution. One
    sample shows none, so it may be anything.
    """
    few = min(len(ours), len(best))
    if few == 1:
        return 0.0, math.inf
    chance = np.random.default_rng(seed)
    drawn = [np.log(np.median(chance.choice(np.maximum(some, _TINY), (DRAWS, len(some))), axis=1)) for some in (ours, best)]
    middle = math.log(max(median(ours), _TINY) / max(median(best), _TINY))
    low, high = np.quantile(drawn[0] - drawn[1], _TAILS)
    stretch = _STUDENT[min(few, len(_STUDENT)) - 2] / _NORMAL * math.sqrt(few / (few - 1))
    return math.exp(middle + stretch * (float(low) - middle)), math.exp(middle + stretch * (float(high) - middle))


def save(choice: Choice, record: Path, source: str, *, path: Path = tuned.DEFAULT) -> bool:
    """Write what was chosen, with its record and ``source`` (the notebook or command), and tell whether the file was changed.

    A value that is in the file already keeps the record that it has.

    Raises:
        MeasureError: nothing was chosen, or the record is none.
        ConfigError: the file in force cannot be trusted, or the new one cannot be written.
    """
    if choice.value is None:
        raise MeasureError(f"{choice.name} is not saved: {choice.why}")
    entries = tuned.read(path)
    known = entries.get(choice.name)
    if known is not None and known.value == choice.value:
        return False
    tuned.write(path, {**entries, choice.name: _entry(choice, read(record), record, source, path)})
    return True


# ---- choosing --------------------------------------------------------------------------------------------------------


class _Samples:
    """The samples of one sweep, by group and setting."""

    def __init__(self, frame: pl.DataFrame, by: str, of: str, per: str, where: dict[str, Any], margin: float, limit: tuple[str, float] | None) -> None:
        missing = {by, of, *([per] if per else []), *where, *([limit[0]] if limit else [])} - set(frame.columns)
        if missing:
            raise MeasureError(f"the samples have no column {' and no '.join(sorted(missing))}: they have {', '.join(frame.columns)}")
        for column, value in where.items():
            frame = frame.filter(pl.col(column) == value)
        if frame.is_empty():
            raise MeasureError(f"no sample is left to choose from where {where}")
        self.by, self.of, self.per, self.margin, self.limit = by, of, per, margin, limit
        self.rows = frame.to_dicts()
        self.settings = _ordered(list(dict.fromkeys(_plain(row[by]) for row in self.rows)), ())
        self.groups = sorted(dict.fromkeys(row[per] for row in self.rows)) if per else [None]

    @property
    def counted(self) -> str:
        """How much the choice rests on, in words."""
        among = f" for {len(self.groups)} value{'s' * (len(self.groups) != 1)} of {self.per}" if self.per else ""
        within = f", with {self.limit[0]} at most {self.limit[1]:g}" if self.limit else ""
        return f"{len(self.rows)} samples of {len(self.settings)} settings{among}{within}"

    def of_setting(self, group: Any, setting: Any) -> list[dict[str, Any]]:
        return [row for row in self.rows if _plain(row[self.by]) == setting and (not self.per or row[self.per] == group)]

    def compare(self, group: Any, candidates: Sequence[Any]) -> list[dict[str, Any]]:
        """A row for each setting, held against the best of those that may be chosen."""
        runs = {setting: found for setting in candidates if (found := self.of_setting(group, setting))}
        values = {setting: [float(row[self.of]) for row in found] for setting, found in runs.items()}
        allowed = [setting for setting, found in runs.items() if self._allowed(found)]
        best = min(allowed, key=lambda setting: median(values[setting]), default=None)
        return [self._row(group, setting, runs[setting], values, best, allowed=setting in allowed) for setting in runs]

    def _row(self, group: Any, setting: Any, found: list[dict[str, Any]], values: Mapping[Any, list[float]], best: Any, *, allowed: bool) -> dict[str, Any]:
        low, high = (1.0, 1.0) if setting == best or best is None else interval(values[setting], values[best])
        named = {self.per: group} if self.per else {}
        figures = {f"median_{self.of}": median(values[setting]), "low": low, "high": high, "samples": len(found), "refused": _refused(found)}
        return {**named, self.by: setting, **figures, "as_good": allowed and low <= 1 + self.margin}

    def _allowed(self, found: list[dict[str, Any]]) -> bool:
        """Never a setting that caused a refusal, or went beyond the limit."""
        return not _refused(found) and (self.limit is None or median(float(row[self.limit[0]]) for row in found) <= self.limit[1])


def _refused(found: list[dict[str, Any]]) -> int:
    return sum(int(row.get("refused") or 0) for row in found)


def _pick(
    name: str, chosen: _Samples, candidates: list[Any], everywhere: list[Any], good: Mapping[Any, list[Any]], rows: list[dict[str, Any]]
) -> tuple[Value, str]:
    """The first that is as good as the best everywhere; else one for each group, if the option takes that; else the least bad."""
    if everywhere:
        among = f" at every {chosen.per}" if chosen.per else ""
        return everywhere[0], f"{everywhere[0]} is the first of {', '.join(map(str, candidates))} within noise of the best{among}, over {chosen.counted}"
    each = {group: some[0] for group, some in good.items()}
    if accepts(name, each):
        return {
            str(group): value for group, value in each.items()
        }, f"no one setting is within noise of the best at every {chosen.per}, so each has its own, over {chosen.counted}"
    refused = {row[chosen.by] for row in rows if row["refused"]}
    worst = {row[chosen.by]: max(other["low"] for other in rows if other[chosen.by] == row[chosen.by]) for row in rows if row[chosen.by] not in refused}
    value = min(worst, key=lambda setting: worst[setting])
    return value, f"{value} is never worse than {worst[value]:.2f} times the best at any {chosen.per}, which no other setting reaches, over {chosen.counted}"


def _at(value: Value, group: Any) -> Any:
    """What a value is for one group: of several, that for the least that is enough, or the last."""
    if not isinstance(value, dict):
        return value
    steps = {int(most): one for most, one in value.items()}
    enough = [most for most in steps if group is not None and most >= group]
    return steps[min(enough) if enough else max(steps)]


def _ordered(settings: list[Any], order: Sequence[Any]) -> list[Any]:
    """By preference; what has none comes last, words before numbers and small before large."""
    rank = {setting: place for place, setting in enumerate(order)}
    return sorted(settings, key=lambda setting: (rank.get(setting, len(rank)), not isinstance(setting, str), setting))


def _plain(setting: Any) -> Any:
    """A setting as it was given: a column that holds numbers and words keeps all of them as words."""
    return int(setting) if isinstance(setting, str) and setting.isdecimal() else setting


def _split(name: str) -> tuple[str, str]:
    if name not in TUNABLE:
        raise MeasureError(f"{name} is no number that is tuned: choose one of {', '.join(TUNABLE)}")
    part, field = name.split(".")
    return part, field


# ---- saving ----------------------------------------------------------------------------------------------------------


def _entry(choice: Choice, record: RunRecord, path: Path, source: str, file: Path) -> Tuned:
    sizes = [int(row[choice.per]) for row in choice.rows if choice.per == "items"]
    return Tuned(
        value=choice.value if choice.value is not None else "auto",
        record=os.path.relpath(path.resolve(), file.parent.resolve()),
        source=source,
        commit=record.commit + ("+" if record.dirty else ""),
        date=record.started_at.astimezone(UTC).date(),
        by=choice.by,
        of=choice.of,
        why=choice.why,
        per=choice.per,
        where=choice.where,
        items=(min(sizes), max(sizes)) if sizes else None,
    )
