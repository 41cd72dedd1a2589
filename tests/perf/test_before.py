"""A scan against the quota, and what the quota leaves for some work however it is done."""

from __future__ import annotations

import polars as pl
import pytest

from botcore.perf import before


def test_what_the_quota_leaves_follows_from_the_requests_alone():
    rows = before.at_best().rows()
    assert rows == [("1,000 items, one a request", 1000, 20, 50.0), ("1,000 items, 100 a request", 10, 20, 0.5), ("20,000 offers, 100 a page", 200, 10, 20.0)]


async def test_a_scan_is_held_against_the_quota_and_joins_the_ratios_of_the_record(monkeypatch):
    monkeypatch.setattr(before, "SHORT", 3000)
    swept = await before.scan(wanted_short=True)
    (row,) = swept.frame.to_dicts()
    assert row["ratio"] == pytest.approx(row["seconds"] / row["bound_seconds"])
    assert (row["refused"], row["world"]) == (0, 1)
    sides = pl.DataFrame([{"what": one.what, "side": side, "seconds": 1.0, "round": 0} for one in before.ROWS for side in before.SIDES])
    *ratios, scan = before.measures(sides, swept.frame)
    assert [one.value for one in ratios] == [1.0] * len(before.ROWS)
    assert scan.must == "<= 1.03"
    assert scan.value == pytest.approx(row["ratio"], abs=1e-3)
