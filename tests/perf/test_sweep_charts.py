"""A sweep's picture shows medians, the line of the quota, and the setting that was chosen."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest

from botcore.perf import sweep_charts
from botcore.perf.charts import COLOURS, MARKERS, told

FRAME = pl.DataFrame(
    [
        {"batch": batch, "way": way, "seconds": factor * 100 / batch + noise, "bound": 50 / batch, "flat": 7.0}
        for noise in (0.0, 0.5, 1.0)
        for batch in (1, 10, 100)
        for way, factor in (("gather", 2), ("pool", 1))
    ]
)


def drawn(figure):
    data = io.BytesIO()
    figure.savefig(data, format="png")
    assert len(data.getvalue()) > 10_000
    return figure.axes[0]


def values(line):
    return np.asarray(line.get_ydata(), dtype=float).tolist()


def test_each_series_is_a_line_of_medians_with_a_colour_and_a_shape_of_its_own():
    axes = drawn(sweep_charts.sweep(FRAME, x="batch", y="seconds", series="way", title="t", log="xy"))
    gather, pool = axes.get_lines()
    assert values(gather) == [200.5, 20.5, 2.5]
    assert (gather.get_label(), pool.get_label()) == ("gather", "pool")
    assert (gather.get_color(), pool.get_color()) == COLOURS[:2]
    assert (gather.get_marker(), pool.get_marker()) == MARKERS[:2]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "10", "100"]


def test_the_quota_is_a_dashed_line_where_its_column_says():
    axes = drawn(sweep_charts.sweep(FRAME, x="batch", y="seconds", series="way", title="t", quota="bound"))
    line = axes.get_lines()[-1]
    assert values(line) == [50.0, 5.0, 0.5]
    assert line.get_label() == "what the quota allows"
    assert line.is_dashed()


def test_series_with_bounds_of_their_own_have_a_line_each():
    frame = FRAME.with_columns(bound=pl.col("bound") * pl.when(pl.col("way") == "pool").then(2).otherwise(1))
    axes = drawn(sweep_charts.sweep(frame, x="batch", y="seconds", series="way", title="t", quota="bound"))
    assert [values(line) for line in axes.get_lines()[2:4]] == [[50.0, 5.0, 0.5], [100.0, 10.0, 1.0]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["gather", "pool", "what the quota allows"]


@pytest.mark.parametrize("quota", [36.0, "flat"])
def test_a_quota_that_is_the_same_everywhere_is_a_level_line(quota):
    axes = drawn(sweep_charts.sweep(FRAME, x="batch", y="seconds", title="t", quota=quota))
    assert set(values(axes.get_lines()[-1])) == {36.0 if quota == 36.0 else 7.0}


def test_words_stand_side_by_side_in_the_order_that_is_asked_for():
    frame = FRAME.with_columns(batch=pl.col("batch").cast(pl.String).replace("100", "auto"))
    axes = drawn(sweep_charts.sweep(frame, x="batch", y="seconds", title="t", chosen="auto", log="x"))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "10", "auto"]
    assert "chosen" in [text.get_text() for text in axes.get_legend().get_texts()]
    turned = drawn(sweep_charts.sweep(frame, x="batch", y="seconds", title="t", order=["auto", "10", "1"]))
    assert [label.get_text() for label in turned.get_xticklabels()] == ["1", "10", "auto"]
    words = FRAME.with_columns(level=pl.col("way"))
    assert [label.get_text() for label in drawn(sweep_charts.sweep(words, x="level", y="seconds", title="t", order=["pool", "gather"])).get_xticklabels()] == [
        "pool",
        "gather",
    ]


def test_a_word_beside_numbers_is_on_no_line_with_them_and_may_stand_first():
    frame = FRAME.with_columns(batch=pl.col("batch").cast(pl.String).replace("100", "all"))
    axes = drawn(sweep_charts.sweep(frame, x="batch", y="seconds", title="t", first=["all"]))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["all", "1", "10"]
    assert [list(line.get_xdata()) for line in axes.get_lines()] == [[1.0, 2.0], [0.0]]


def test_an_axis_by_factors_may_begin_at_nothing():
    frame = FRAME.with_columns(batch=pl.col("batch") - 1)
    assert drawn(sweep_charts.sweep(frame, x="batch", y="seconds", title="t", log="x")).get_xscale() == "symlog"


def test_bars_carry_their_numbers_and_the_end_of_a_long_name():
    rows = pl.DataFrame({"name": ["botcore.a.B.c", "x" * 80], "ms": [1234.5, 0.25]})
    axes = drawn(sweep_charts.bars(rows, label="name", value="ms", title="t", unit="ms"))
    assert [text.get_text() for text in axes.texts] == ["1,234 ms", "0.25 ms"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a.B.c", "…" + "x" * 43]


def test_working_and_waiting_are_two_colours():
    working = pl.DataFrame({"function": ["a", "zlib.b"], "where": ["botcore/scan/run.py:7", "built in"], "own_ms": [3.0, 2.0]})
    waiting = pl.DataFrame({"function": ["c"], "wait_ms": [900.0]})
    axes = drawn(sweep_charts.slowest(working, waiting, "t"))
    assert len({bar.get_facecolor() for bar in axes.patches}) == 2
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a (run.py)", "zlib.b", "c"]


def test_ratios_show_what_must_be_reached_and_what_the_guide_says():
    rows = pl.DataFrame([{"what": "x", "ratio": 97.3, "low": 90.0, "high": 99.0, "must": 40.0, "guide": 10.0}])
    axes = drawn(sweep_charts.ratios(rows, "t"))
    assert [text.get_text() for text in axes.texts] == ["97.3"]
    assert {"measured", "must be reached", "the guide's target"} <= {text.get_text() for text in axes.get_legend().get_texts()}


def test_ticks_are_written_as_numbers_are():
    frame = pl.DataFrame({"seconds": [0.5, 15.0, 7200.0], "y": [1.0] * 3})
    axes = drawn(sweep_charts.sweep(frame, x="seconds", y="y", title="t", log="x"))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.5", "15", "7,200"]


def test_bars_may_grow_by_factors():
    rows = pl.DataFrame({"level": ["memory", "market"], "ms": [0.003, 55.0]})
    axes = drawn(sweep_charts.bars(rows, label="level", value="ms", title="t", log=True))
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.texts] == ["0.003", "55"]


def test_series_come_by_the_number_that_they_begin_with():
    frame = pl.DataFrame({"x": [1] * 4, "y": [1.0] * 4, "away": ["400 ms", "50 ms", "0 ms", "one"]})
    axes = drawn(sweep_charts.sweep(frame, x="x", y="y", series="away", title="t"))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0 ms", "50 ms", "400 ms", "one"]


@pytest.mark.parametrize("names", [["gather, heavy-tailed", "gather, steady", "pool, heavy-tailed", "pool, steady"], list("abcdefg"), ["x" * 60, "y" * 60]])
def test_the_legend_fits_between_the_chart_and_its_title(names):
    frame = pl.DataFrame({"x": [1] * len(names), "y": [1.0] * len(names), "way": names})
    figure = sweep_charts.sweep(frame, x="x", y="y", series="way", title="a title", quota=1.0)
    axes = drawn(figure)
    legend, title = axes.get_legend().get_window_extent(), axes._left_title.get_window_extent()
    assert axes.get_window_extent().y1 <= legend.y0 < legend.y1 <= title.y0
    assert legend.x1 <= figure.bbox.x1


@pytest.mark.parametrize(("value", "text"), [(12345.6, "12,346"), (99.44, "99.4"), (0.001234, "0.00123"), (0, "0"), (-250, "-250")])
def test_numbers_are_written_as_a_person_reads_them(value, text):
    assert told(value) == text


@pytest.mark.parametrize(("ratios", "least"), [((1.02, 1.61), 4), ((0.5, 400.0), 6), ((1.0, 1e9), 3)])
def test_an_axis_that_grows_by_factors_has_written_marks_however_little_or_much_it_spans(ratios, least):
    frame = pl.DataFrame({"bands": [1, 2], "ratio": list(ratios)})
    axes = drawn(sweep_charts.sweep(frame, x="bands", y="ratio", title="marks", log="y", quota=ratios[0]))
    low, high = axes.get_ylim()
    written = [label.get_text() for place, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True) if low <= place <= high]
    assert len(written) >= least
    assert all(written)
