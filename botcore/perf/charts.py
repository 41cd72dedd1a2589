"""Frames → figures of prices. Pure: no screen and no file; matplotlib is loaded when the first figure is drawn.

The house style, which ``sweep_charts`` and ``find_charts`` share: blue for asks, orange for bids, grey for sales, told apart also
by those who see few colours, and by shape; prices in dollars, time by dates; large enough to read at half its width.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "INK", "LINES", "MARKERS", "SALE", "SIZE", "STYLE", "dressed", "figure_of", "history", "marked", "plain", "told"]

ASK, BID, SALE, INK, LINES = "#0072B2", "#D55E00", "#6E6E6E", "#222222", "#DDDDDD"
"""Colours of Okabe and Ito's palette, and greys."""
COLOURS = (ASK, BID, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", INK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""The colours of the same palette that differ most, and a shape beside each."""
SIZE = (9.0, 5.0)
"""Inches; at 120 dots an inch that is 1080 by 600."""
DOTS = 120
STYLE: dict[Any, Any] = {
    "font.size": 13,
    "axes.edgecolor": LINES,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINES,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.dpi": DOTS,
    "savefig.dpi": DOTS,
}
_WHOLE, _SMALL = 100, 0.001
_DECADE, _MANY_DECADES = 10, 5000
LONG, WIDE, MARK = 64, 76, 7
"""Letters of a title that fit over the chart, those of a legend's row, and how many of them its mark takes."""


def history(points: pl.DataFrame, sales: pl.DataFrame, title: str) -> Figure:
    """Best ask and best bid as steps, sales as dots, over time; of one title and one phase.

    ``points`` has at, best_ask_cents and best_bid_cents, where 0 is an empty side; ``sales`` has sold_at, price_cents and
    to_target. Either may be empty. Times are UTC.
    """
    with figure_of() as (figure, axes):
        _draw_steps(axes, points, "best_ask_cents", "best ask", ASK)
        _draw_steps(axes, points, "best_bid_cents", "best bid", BID)
        _draw_sales(axes, sales)
        _widen(axes)
        _finish(axes, title)
    return figure


@contextmanager
def figure_of(size: tuple[float, float] = SIZE) -> Iterator[tuple[Figure, Axes]]:
    """An empty figure in the house style, to be drawn on within the block. ``size`` in inches."""
    from matplotlib import rc_context  # noqa: PLC0415 - slow to load, and most commands draw nothing
    from matplotlib.figure import Figure  # noqa: PLC0415 - same

    with rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        yield figure, figure.add_subplot()


def dressed(axes: Axes, title: str) -> None:
    """Title over the chart, and the legend, if there is one, between both, in as few rows as fit."""
    labels = axes.get_legend_handles_labels()[1]
    columns = _columns(labels)
    rows = -(-len(labels) // columns)
    axes.set_title(_drawable(title if len(title) <= LONG else f"{title[: LONG - 1]}…"), loc="left", fontsize=14, fontweight="bold", pad=10 + 24 * rows)
    if labels:
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=columns, borderaxespad=0.2, columnspacing=1.4, handletextpad=0.5)


def _columns(labels: Sequence[str]) -> int:
    """The most columns whose longest labels fit beside one another; they are filled from the top, the first of them with what is left over."""
    fitting = [1]
    for columns in range(2, len(labels) + 1):
        rows, more = divmod(len(labels), columns)
        ends = [column * rows + min(column, more) for column in range(columns + 1)]
        longest = [max(map(len, labels[start:end])) for start, end in pairwise(ends)]
        if sum(longest) + MARK * columns <= WIDE:
            fitting.append(columns)
    return max(fitting)


def told(value: float) -> str:
    """A number as a person reads it: three figures, and no powers of ten."""
    return f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:.3g}"


def plain(axis: Axis, unit: str = "") -> None:
    """Write an axis's numbers as a person reads them, ``unit`` before each, and only where it is divided coarsely."""
    from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: PLC0415 - as above

    axis.set_major_formatter(FuncFormatter(lambda value, _: unit + _written(value, money=unit == "$")))
    axis.set_minor_formatter(NullFormatter())


def _written(value: float, *, money: bool) -> str:
    if money:
        return f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"
    return f"{value:,.10g}" if value >= _SMALL or value <= 0 else f"{value:.1g}"


def marked(axis: Axis, unit: str = "") -> None:
    """Marks on an axis that grows by factors, once all is drawn: at round numbers within a decade, else at 1, 2 and 5, or at 1 alone."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator  # noqa: PLC0415 - as above

    low, high = axis.get_view_interval()
    few = (1.0, 2.0, 5.0) if high < _MANY_DECADES * low else (1.0,)
    axis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]) if high < _DECADE * low else LogLocator(subs=few))
    axis.set_minor_locator(NullLocator())
    plain(axis, unit)


def _draw_steps(axes: Axes, points: pl.DataFrame, column: str, label: str, colour: str) -> None:
    """A step a price; a gap where that side was empty. A lone point is a dot, since a step of one point is nothing."""
    if points.is_empty() or not points[column].max():
        return
    ordered = points.sort("at")
    prices = [cents / 100 if cents else float("nan") for cents in ordered[column]]
    marker = "o" if points.height == 1 else ""
    axes.plot(ordered["at"].to_list(), prices, drawstyle="steps-post", label=label, color=colour, linewidth=2, marker=marker, zorder=3)


def _draw_sales(axes: Axes, sales: pl.DataFrame) -> None:
    for to_target, label, marker in ((False, "sale", "o"), (True, "sale to a buy order", "v")):
        some = sales.filter(sales["to_target"] == to_target)
        if some.height:
            axes.scatter(
                some["sold_at"].to_list(),
                (some["price_cents"] / 100).to_list(),
                label=label,
                marker=marker,
                s=34,
                color=SALE,
                alpha=0.65,
                linewidths=0,
                zorder=2,
            )


def _widen(axes: Axes) -> None:
    """At least a day of time, or a lone point would stand in the middle of years."""
    if axes.has_data():
        low, high = axes.dataLim.intervalx
        if high - low < 1:
            axes.set_xlim((low + high - 1) / 2, (low + high + 1) / 2)


def _finish(axes: Axes, title: str) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: PLC0415 - as above
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - as above

    dates = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(dates)
    days = ["%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M", "%S.%f"]
    axes.xaxis.set_major_formatter(
        ConciseDateFormatter(dates, formats=days, zero_formats=["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"], show_offset=False)  # type: ignore[no-untyped-call]
    )
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda price, _: f"${price:,.2f}"))
    axes.margins(y=0.12)
    dressed(axes, title)
    if not axes.get_legend_handles_labels()[0]:
        axes.text(0.5, 0.5, "nothing stored in this time", transform=axes.transAxes, ha="center", va="center", color=SALE)


def _drawable(title: str) -> str:
    """The title in one line and in letters that the font has, with a box for each other: matplotlib would draw one too, and warn."""
    from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415 - as above

    font = get_font(findfont(FontProperties(weight="bold")))
    return "".join(letter if font.get_char_index(ord(letter)) else "□" for letter in " ".join(title.split()))
