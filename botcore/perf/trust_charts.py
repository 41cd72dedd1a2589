"""Frames of what was told and what came of it → figures, in the house style. Pure: no screen and no file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botcore.perf.charts import ASK, BID, COLOURS, INK, SALE, dressed, figure_of

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["kept", "reliability", "there"]

_EXITS = (("target", "v", BID), ("relist", "o", ASK))
_BARS = 0.76
"""How much of its place a group of bars takes."""


def reliability(groups: pl.DataFrame, title: str) -> Figure:
    """What outcomes were told beside how many came true, in percent, from ``trust.reliability``; a mark's size is how many outcomes it stands for."""
    with figure_of() as (figure, axes):
        axes.plot([0, 100], [0, 100], color=SALE, linestyle="--", linewidth=1.5, label="as told")
        for exit_, marker, colour in _EXITS:
            some = groups.filter(groups["exit"] == exit_)
            if some.height:
                told, came = 100 * some["told"], 100 * some["came_true"]
                reach = [(came - 100 * some["low"]).to_list(), (100 * some["high"] - came).to_list()]
                axes.errorbar(told, came, yerr=reach, fmt="none", ecolor=colour, elinewidth=1.5, alpha=0.6, zorder=2)
                sizes = [24 + count / 2 for count in some["outcomes"]]
                axes.scatter(told, came, s=sizes, marker=marker, color=colour, zorder=3, label=f"{exit_}, {some['outcomes'].sum():,} outcomes")
        if groups.is_empty():
            _say(axes, "too few outcomes are known yet")
        axes.set(xlim=(-2, 104), ylim=(-2, 104), xlabel="confidence told, percent", ylabel="came true, percent")
        dressed(axes, title)
    return figure


def kept(money: pl.DataFrame, title: str) -> Figure:
    """Of each dollar of profit that was told, how much was left after fees, by level and exit, from ``trust.kept``; a bar's number counts its outcomes."""
    with figure_of() as (figure, axes):
        levels = list(dict.fromkeys(money["level"]))
        width = _BARS / len(_EXITS)
        for number, (exit_, _, colour) in enumerate(_EXITS):
            some = {row["level"]: row for row in money.filter(money["exit"] == exit_).to_dicts()}
            places = [place + (number - (len(_EXITS) - 1) / 2) * width for place, level in enumerate(levels) if level in some]
            rows = [some[level] for level in levels if level in some]
            if rows:
                bars = axes.bar(places, [100 * row["share"] for row in rows], width=0.94 * width, color=colour, label=exit_, zorder=2)
                axes.bar_label(bars, [f"{row['outcomes']:,}" for row in rows], label_type="center", color="white", fontsize=11)
        if money.is_empty():
            _say(axes, "no outcome is known yet")
        else:
            axes.axhline(100, color=SALE, linestyle="--", linewidth=1.5, label="all of it")
            axes.axhline(0, color=INK, linewidth=1)
        axes.set_xticks(range(len(levels)), levels)
        axes.grid(visible=False, axis="x")
        axes.margins(y=0.12)
        axes.set_ylabel("cents kept of each dollar told")
        dressed(axes, title)
    return figure


def there(moments: pl.DataFrame, title: str) -> Figure:
    """How many alerts could still be bought after some time, in percent, from ``trust.there``: a group of bars for each moment."""
    by, colours = moments.columns[0], {exit_: colour for exit_, _, colour in _EXITS}
    names, after = list(dict.fromkeys(moments[by])), list(dict.fromkeys(moments["after"]))
    with figure_of() as (figure, axes):
        width = _BARS / max(1, len(names))
        for number, name in enumerate(names):
            some = dict(moments.filter(moments[by] == name).select("after", "share").rows())
            places = [place + (number - (len(names) - 1) / 2) * width for place in range(len(after))]
            shares = [100 * some.get(moment, 0.0) for moment in after]
            bars = axes.bar(places, shares, width=0.94 * width, color=colours.get(name, COLOURS[number % len(COLOURS)]), label=name, zorder=2)
            axes.bar_label(bars, [f"{share:.0f}" for share in shares], padding=2, fontsize=10)
        if moments.is_empty():
            _say(axes, "nothing was looked at again yet")
        axes.set_xticks(range(len(after)), [f"after {moment}" for moment in after])
        axes.set_ylim(0, 108)
        axes.grid(visible=False, axis="x")
        axes.set_ylabel("percent still for sale")
        dressed(axes, title)
    return figure


def _say(axes: Axes, text: str) -> None:
    """Words where there is nothing to draw."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=INK)
