"""Frames of samples → figures, in the house style. Pure: no screen and no file.

Each sweep is drawn with the line that the quota draws: what lies beyond it, no option can reach.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from botcore.perf.charts import BID, COLOURS, INK, LINES, MARKERS, SALE, dressed, figure_of, marked, plain, told

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["bars", "ratios", "slowest", "sweep"]

LONGEST = 44
"""Letters of a function's name that fit beside its bar."""


def sweep(  # noqa: PLR0913 - each is one part of the picture
    frame: pl.DataFrame,
    *,
    x: str,
    y: str,
    title: str,
    series: str = "",
    quota: str | float | None = None,
    quota_label: str = "what the quota allows",
    labels: tuple[str, str] | None = None,
    log: str = "",
    chosen: Any = None,
    order: Sequence[Any] = (),
    first: Sequence[Any] = (),
) -> Figure:
    """``y`` over ``x``, a line for each value of ``series``: medians with their middle half.

    ``quota`` is where its line is: a number, or the column that has it for each ``x``. ``log`` names the axes that grow by factors:
    ``x``, ``y`` or ``xy``. ``chosen`` is the x to be marked as the setting that was chosen; ``order`` that of words along ``x``, which
    stand after the numbers, apart from those in ``first``, and on no line with them.
    """
    rows = [row for row in frame.to_dicts() if row[y] is not None]
    places = _places([*(one for one in order if any(row[x] == one for row in rows)), *(row[x] for row in rows)], first)
    with figure_of() as (figure, axes):
        names = _ordered(sorted({row[series] for row in rows})) if series else [None]
        for number, name in enumerate(names):
            some = [row for row in rows if not series or row[series] == name]
            _line(axes, _grouped(some, x, y), places, number, "" if name is None else f"{series} {name}" if not isinstance(name, str) else name)
        _scale(axes, places, log)
        if quota is not None:
            _quota(axes, rows, (x, series), quota, quota_label, places)
        if "y" in log:
            marked(axes.yaxis)
        if chosen is not None and chosen in places:
            axes.axvline(places[chosen], color=LINES, linewidth=9, zorder=0, label="chosen")
        axes.set_xlabel((labels or (x, y))[0])
        axes.set_ylabel((labels or (x, y))[1])
        dressed(axes, title)
    return figure


def bars(frame: pl.DataFrame, *, label: str, value: str, title: str, unit: str = "", log: bool = False) -> Figure:
    """A bar a row, the first on top, each with its number; ``log`` where they grow by factors."""
    rows = frame.to_dicts()
    with figure_of((9.0, max(2.6, 1.4 + 0.38 * len(rows)))) as (figure, axes):
        _bars(axes, [_short(str(row[label])) for row in rows], [float(row[value] or 0) for row in rows], COLOURS[0], unit)
        if log:
            axes.set_xscale("log")
            marked(axes.xaxis)
        dressed(axes, title)
    return figure


def slowest(working: pl.DataFrame, waiting: pl.DataFrame, title: str) -> Figure:
    """The functions that work longest and those that wait longest, as ``Profiled`` gives them, one above the other, in milliseconds."""
    rows = [(_placed(row["function"], row["where"]), row["own_ms"], COLOURS[0]) for row in working.to_dicts()]
    rows += [(row["function"], row["wait_ms"], BID) for row in waiting.to_dicts()]
    with figure_of((9.0, 1.8 + 0.36 * len(rows))) as (figure, axes):
        _bars(axes, [_short(name) for name, _, _ in rows], [value for _, value, _ in rows], [colour for _, _, colour in rows], "ms")
        axes.set_xscale("log")
        plain(axes.xaxis)
        for colour, name in ((COLOURS[0], "working"), (BID, "waiting")):
            axes.scatter([], [], marker="s", s=90, color=colour, label=name)
        dressed(axes, title)
    return figure


def ratios(table: pl.DataFrame, title: str) -> Figure:
    """How often as fast each row became, as ``before.table`` gives it, with its interval, what it must reach and what the guide says."""
    rows = table.to_dicts()[::-1]
    places = range(len(rows))
    with figure_of((9.0, 1.8 + 0.62 * len(rows))) as (figure, axes):
        values = [row["ratio"] for row in rows]
        sides = [[row["ratio"] - min(row["low"], row["ratio"]) for row in rows], [max(row["high"], row["ratio"]) - row["ratio"] for row in rows]]
        axes.barh(list(places), values, height=0.5, color=COLOURS[0], zorder=2, label="measured")
        axes.errorbar(values, list(places), xerr=sides, fmt="none", ecolor=INK, capsize=4, zorder=3)
        axes.scatter([row["must"] for row in rows], list(places), marker="|", s=420, linewidths=3, color=BID, zorder=4, label="must be reached")
        axes.scatter([row["guide"] for row in rows], list(places), marker="D", s=64, color=SALE, edgecolors="white", zorder=4, label="the guide's target")
        for place, row in zip(places, rows, strict=True):
            axes.annotate(told(row["ratio"]), (max(row["ratio"], row["high"]), place), xytext=(8, 0), textcoords="offset points", va="center")
        axes.set_yticks(list(places), [row["what"] for row in rows])
        axes.set_xscale("log")
        axes.set_xlim(1, 6 * max(values))
        plain(axes.xaxis)
        axes.set_xlabel("times as fast")
        axes.grid(visible=False, axis="y")
        dressed(axes, title)
    return figure


# ---- parts -----------------------------------------------------------------------------------------------------------


def _grouped(rows: Sequence[Mapping[str, Any]], x: str, y: str) -> dict[Any, tuple[float, float, float]]:
    """Median and quartiles of ``y`` by ``x``."""
    groups: dict[Any, list[float]] = {}
    for row in rows:
        groups.setdefault(row[x], []).append(float(row[y]))
    return {one: (median(values), *_quartiles(values)) for one, values in groups.items()}


def _quartiles(values: list[float]) -> tuple[float, float]:
    if len(values) == 1:
        return values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high


def _ordered(values: Sequence[Any]) -> list[Any]:
    """Each once: by the number that it is or begins with, then words as they come."""
    return sorted(dict.fromkeys(values), key=lambda value: (1, 0.0) if (number := _number(value)) is None else (0, number))


def _number(value: Any) -> float | None:
    found = re.match(r"\d+(\.\d+)?", str(value))
    return float(found[0]) if found and not isinstance(value, bool) else None


def _places(values: Sequence[Any], first: Sequence[Any]) -> dict[Any, float]:
    """Where each x stands: by its size, or one after the other where any is a word or a yes or no."""
    ordered = [*(one for one in first if one in values), *(one for one in _ordered(values) if one not in first)]
    plain = all(isinstance(value, int | float) and not isinstance(value, bool) for value in ordered)
    return {value: float(value) if plain else float(place) for place, value in enumerate(ordered)}


def _line(axes: Axes, groups: Mapping[Any, tuple[float, float, float]], places: Mapping[Any, float], number: int, label: str) -> None:
    """A line over the numbers, or over the words where there are no numbers; words beside numbers are marks alone."""
    colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    style: dict[str, Any] = {"marker": marker, "markersize": 7, "linewidth": 2, "color": colour, "zorder": 3}
    ordered = sorted(groups, key=lambda one: places[one])
    line = [one for one in ordered if _number(one) is not None] or ordered
    along = [places[one] for one in line]
    axes.plot(along, [groups[one][0] for one in line], label=label or None, **style)
    axes.fill_between(along, [groups[one][1] for one in line], [groups[one][2] for one in line], color=colour, alpha=0.18, linewidth=0, zorder=2)
    for one in [one for one in ordered if one not in line]:
        axes.plot([places[one]], [groups[one][0]], **style)
        axes.vlines(places[one], groups[one][1], groups[one][2], color=colour, alpha=0.3, linewidth=7, zorder=2)


def _scale(axes: Axes, places: Mapping[Any, float], log: str) -> None:
    """Ticks where something was measured; none so near to another that they could not be read."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator  # noqa: PLC0415 - as in charts

    words = any(float(place) != one if isinstance(one, int | float) and not isinstance(one, bool) else True for one, place in places.items())
    if "x" in log and not words:
        axes.set_xscale("symlog" if min(places.values()) <= 0 else "log", **({"linthresh": _smallest(places)} if min(places.values()) <= 0 else {}))
    if words or len(places) <= _MANY:
        axes.xaxis.set_major_locator(FixedLocator(list(places.values())))
        axes.xaxis.set_minor_locator(NullLocator())
        names = {place: _written(one) for one, place in places.items()}
        axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: names.get(place, "")))
    if "y" in log:
        axes.set_yscale("log")


def _written(one: Any) -> str:
    """A tick's name: whole numbers without a point, thousands apart."""
    return f"{one:,.10g}" if isinstance(one, int | float) and not isinstance(one, bool) else str(one)


_MANY = 10
"""Ticks that fit beside one another."""


def _smallest(places: Mapping[Any, float]) -> float:
    return min((place for place in places.values() if place > 0), default=1.0)


def _quota(axes: Axes, rows: Sequence[Mapping[str, Any]], by: tuple[str, str], quota: str | float, label: str, places: Mapping[Any, float]) -> None:
    """One line, or one in the colour of each series where they have different bounds."""
    style: dict[str, Any] = {"linestyle": (0, (5, 3)), "linewidth": 1.6, "zorder": 4}
    if not isinstance(quota, str):
        axes.axhline(quota, color=INK, label=label, **style)
        return
    x, series = by
    lines: dict[Any, dict[float, float]] = {}
    for row in rows:
        lines.setdefault(row[series] if series else None, {})[places[row[x]]] = float(row[quota])
    ordered = [lines[name] for name in _ordered(sorted(lines))] if series else list(lines.values())
    same = len({bound for line in ordered for bound in line.items()}) == len({place for line in ordered for place in line})
    for number, line in enumerate([{place: bound for one in ordered for place, bound in one.items()}] if same else ordered):
        colour = INK if same else COLOURS[number % len(COLOURS)]
        along = sorted(line)
        axes.plot(along, [line[place] for place in along], color=colour, label=label if same and not number else None, **style)
    if not same:
        axes.plot([], [], color=INK, label=label, **style)


def _bars(axes: Axes, names: Sequence[str], values: Sequence[float], colour: str | Sequence[str], unit: str) -> None:
    places = list(range(len(names)))[::-1]
    axes.barh(places, values, height=0.7, color=colour, zorder=2)
    for place, value in zip(places, values, strict=True):
        axes.annotate(f"{told(value)} {unit}".rstrip(), (value, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=11)
    axes.set_yticks(places, names)
    axes.tick_params(axis="y", labelsize=11)
    axes.margins(x=0.14, y=0.02)
    axes.grid(visible=False, axis="y")


def _placed(function: str, where: str) -> str:
    """A function with its file, since a bare ``__init__`` tells nothing; what is built in has its class or module already."""
    file, colon, _ = where.rsplit("/", 1)[-1].partition(":")
    return f"{function} ({file})" if colon else function


def _short(name: str) -> str:
    """The end of a dotted name, which tells the most."""
    bare = name.removeprefix("botcore.")
    return bare if len(bare) <= LONGEST else f"…{bare[-LONGEST + 1 :]}"
