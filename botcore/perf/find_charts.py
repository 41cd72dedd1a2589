"""Frames of what was found → figures, in the house style. Pure: no screen and no file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botcore.perf.charts import ASK, BID, COLOURS, INK, SALE, dressed, figure_of, marked, plain

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["exits", "funnel", "profits", "stayed"]


def profits(finds: pl.DataFrame, title: str) -> Figure:
    """Each find by its buy price and profit, both in dollars and growing by factors, a colour and shape for each exit."""
    with figure_of() as (figure, axes):
        for exit_, marker, colour in (("target", "v", BID), ("relist", "o", ASK)):
            some = finds.filter(exit=exit_)
            if some.height:
                axes.scatter(some["price_cents"] / 100, some["profit_cents"] / 100, marker=marker, s=42, color=colour, alpha=0.7, linewidths=0, label=exit_)
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            marked(axis, "$")
        if finds.is_empty():
            _say(axes, "nothing was found")
        axes.set_xlabel("buy price")
        axes.set_ylabel("profit after the fee")
        dressed(axes, title)
    return figure


def funnel(steps: pl.DataFrame, title: str) -> Figure:
    """How many offers reached each stage, and below why the others went no further, as ``finds.funnel`` gives it; by factors."""
    rows = steps.filter(steps["offers"] > 0).to_dicts()
    places = list(range(len(rows)))[::-1]
    colours = [COLOURS[0] if row["kind"] == "stage" else SALE for row in rows]
    with figure_of((9.0, 2.0 + 0.36 * len(rows))) as (figure, axes):
        axes.barh(places, [row["offers"] for row in rows], height=0.7, color=colours, zorder=2)
        for place, row in zip(places, rows, strict=True):
            axes.annotate(f"{row['offers']:,}", (row["offers"], place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=11)
        axes.set_yticks(places, [row["step"] for row in rows])
        axes.set_xscale("log")
        plain(axes.xaxis)
        axes.margins(x=0.14, y=0.02)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("offers")
        for colour, name in ((COLOURS[0], "reached this stage"), (SALE, "dropped, and why")):
            axes.scatter([], [], marker="s", s=90, color=colour, label=name)
        dressed(axes, title)
    return figure


def exits(table: pl.DataFrame, title: str) -> Figure:
    """Finds by level and exit, as ``finds.by_exit`` gives them."""
    levels = list(dict.fromkeys(table.sort("median_profit_cents")["level"]))
    with figure_of() as (figure, axes):
        for number, (exit_, colour) in enumerate((("target", BID), ("relist", ASK))):
            counts = dict(table.filter(table["exit"] == exit_).select("level", "offers").rows())
            heights = [counts.get(level, 0) for level in levels]
            drawn = axes.bar([place + 0.4 * number - 0.2 for place in range(len(levels))], heights, width=0.38, color=colour, label=exit_, zorder=2)
            axes.bar_label(drawn, padding=2, fontsize=11)
        axes.set_xticks(range(len(levels)), levels)
        axes.set_ylabel("offers found")
        axes.grid(visible=False, axis="x")
        dressed(axes, title)
    return figure


def stayed(there: pl.DataFrame, title: str) -> Figure:
    """The part of finds that was still there after so many hours, from ``finds.still_there``."""
    with figure_of() as (figure, axes):
        if there["gone"].sum():
            axes.step([0.0, *there["hours"]], [100.0, *(100 * there["left"])], where="post", color=ASK, linewidth=2)
            axes.set_ylim(0, 104)
        else:
            _say(axes, "nothing that was found is gone yet")
        axes.set_xlabel("hours since it was first found")
        axes.set_ylabel("percent still there")
        dressed(axes, title)
    return figure


def _say(axes: Axes, text: str) -> None:
    """Words where there is nothing to draw."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=INK)
