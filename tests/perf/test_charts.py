"""A figure is a picture of a sensible size that shows what the frames say, and nothing when they say nothing."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from botcore.perf import charts

START = datetime(2026, 9, 21, tzinfo=UTC)
POINTS: dict[str, Any] = {"at": pl.Datetime("ms", "UTC"), "best_ask_cents": pl.Int64, "best_bid_cents": pl.Int64}
SALES: dict[str, Any] = {"sold_at": pl.Datetime("ms", "UTC"), "price_cents": pl.Int64, "to_target": pl.Boolean}


def points(*prices):
    return pl.DataFrame([(START + timedelta(days=day), *pair) for day, pair in enumerate(prices)], schema=POINTS, orient="row")


def sales(*sold):
    return pl.DataFrame([(START + timedelta(days=day), *one) for day, one in enumerate(sold)], schema=SALES, orient="row")


def png(figure):
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def labels(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_it_is_a_png_of_1080_by_600():
    data = png(charts.history(points((600, 550), (610, 560)), sales((590, False), (550, True)), "AK-47 | Redline (Field-Tested)"))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (1080, 600)
    assert len(data) > 10_000


def test_asks_and_bids_are_steps_in_dollars_and_an_empty_side_is_a_gap():
    axes = charts.history(points((600, 550), (610, 0), (620, 560)), sales(), "title").axes[0]
    ask, bid = axes.get_lines()
    assert np.asarray(ask.get_ydata()).tolist() == [6.0, 6.1, 6.2]
    assert np.isnan(np.asarray(bid.get_ydata(), dtype=float)).tolist() == [False, True, False]
    assert {line.get_drawstyle() for line in (ask, bid)} == {"steps-post"}


def test_the_legend_names_what_is_drawn_and_nothing_else():
    assert labels(charts.history(points((600, 550)), sales((590, False), (550, True)), "title")) == ["best ask", "best bid", "sale", "sale to a buy order"]
    assert labels(charts.history(points((600, 0)), sales(), "title")) == ["best ask"]
    assert labels(charts.history(points(), sales((590, False)), "title")) == ["sale"]


def test_prices_are_in_dollars_and_times_are_dates():
    figure = charts.history(points((123_400, 100_000), (123_500, 100_000)), sales(), "title")
    png(figure)
    axes = figure.axes[0]
    assert all(text.get_text().startswith("$") for text in axes.get_yticklabels())
    assert any("Sep" in text.get_text() for text in axes.get_xticklabels())


@pytest.mark.parametrize("title", ["", "$x$ ^_ | {\\frac", "★ Karambit | Doppler", "long " * 40])
def test_any_title_can_be_drawn(title):
    assert png(charts.history(points((600, 550)), sales(), title))


def test_nothing_stored_is_said_in_the_picture():
    axes = charts.history(points(), sales(), "title").axes[0]
    assert [text.get_text() for text in axes.texts] == ["nothing stored in this time"]


def test_a_lone_point_stands_in_a_day_and_not_in_years():
    low, high = charts.history(points((600, 550)), sales(), "title").axes[0].get_xlim()
    assert high - low == pytest.approx(1)


def test_loading_the_module_loads_no_matplotlib():
    code = "import sys, botcore.perf.charts; print({'matplotlib', 'polars'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("★ StatTrak™ $x$ \\frac", "★ StatTrak™ $x$ \\frac"),
        ("one\n\ttwo  three", "one two three"),
        ("龍 Music Kit", "□ Music Kit"),
        ("\U0001f468 Case \x07", "□ Case □"),
    ],
)
def test_a_title_is_drawn_in_one_line_and_a_letter_that_the_font_lacks_is_a_box(title, heading):
    figure = charts.history(points((600, 550)), sales(), title)
    assert png(figure)
    assert figure.axes[0].get_title(loc="left") == heading
