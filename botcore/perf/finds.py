"""Frames of what scans found → frames that answer a question. Pure: the store gives the frames, the charts draw the answers."""

from __future__ import annotations

import msgspec
import polars as pl

from botcore.model import Opportunity, ScanReport

__all__ = ["by_exit", "by_level", "funnel", "gone_after", "of_report", "once", "still_there"]

STAGES = ("listed", "quoted", "checked", "found")


def of_report(report: ScanReport) -> pl.DataFrame:
    """The opportunities of one scan, the best first, a row each, with its level; times are UTC."""
    rows = [{"level": report.level.value, "found_at": report.started_at, **msgspec.structs.asdict(one)} for one in report.opportunities]
    plain = [{name: getattr(value, "value", value) for name, value in row.items()} for row in rows]
    return pl.DataFrame(plain, infer_schema_length=None) if plain else pl.DataFrame(schema=["level", "found_at", *Opportunity.__struct_fields__])


def once(finds: pl.DataFrame) -> pl.DataFrame:
    """Each offer once, as it was when it was found last, with first_seen, last_seen and how many scans found it."""
    seen = finds.sort("found_at").group_by("game", "offer_id", maintain_order=True)
    last = seen.agg(pl.exclude("found_at").last(), first_seen=pl.col("found_at").min(), last_seen=pl.col("found_at").max(), scans=pl.len())
    return last.sort("profit_cents", descending=True)


def by_level(finds: pl.DataFrame) -> pl.DataFrame:
    """Profit by level, the cheapest level first: offers, median and best profit in cents, its percent, and all of it together."""
    return (
        once(finds)
        .group_by("level")
        .agg(
            offers=pl.len(),
            median_profit_cents=pl.col("profit_cents").median(),
            best_profit_cents=pl.col("profit_cents").max(),
            median_percent=pl.col("profit_percent").median(),
            profit_cents=pl.col("profit_cents").sum(),
            price_cents=pl.col("price_cents").median(),
        )
        .sort("price_cents", "level")
    )


def by_exit(finds: pl.DataFrame) -> pl.DataFrame:
    """How the finds would be sold again: exit and level, offers, median profit in cents and percent, median days until sold."""
    return (
        once(finds)
        .group_by("exit", "level")
        .agg(
            offers=pl.len(),
            median_profit_cents=pl.col("profit_cents").median(),
            median_percent=pl.col("profit_percent").median(),
            # Who sells to a standing order sells at once.
            median_days=pl.when(pl.col("exit") == "target").then(0.0).otherwise(pl.col("days_to_sell")).median(),
        )
        .sort("exit", "level")
    )


def funnel(scans: pl.DataFrame) -> pl.DataFrame:
    """How many offers reached each stage over all scans, and what became of the others: stage or reason, kind, offers, the most first."""
    reasons = [column for column in scans.columns if column.startswith("dropped_")]
    rows = [(stage, "stage", int(scans[stage].sum())) for stage in STAGES if stage in scans.columns]
    dropped = [(reason.removeprefix("dropped_"), "dropped", int(scans[reason].sum())) for reason in reasons]
    return pl.DataFrame([*rows, *sorted(dropped, key=lambda row: -row[2])], schema=["step", "kind", "offers"], orient="row")


def gone_after(finds: pl.DataFrame, scans: pl.DataFrame) -> pl.DataFrame:
    """How long finds stayed: a row an offer that a later scan of its level no longer found, with hours from its first to its last sight.

    ``at_most_hours`` is until the scan that missed it. Offers that the newest scan still found are left out: nobody knows yet.
    """
    offers = once(finds).select("game", "level", "offer_id", "title", "profit_cents", "exit", "first_seen", "last_seen")
    looks = scans.select("game", "level", looked_at=pl.col("started_at").cast(finds.schema["found_at"])).sort("looked_at")
    later = offers.join(looks, on=["game", "level"]).filter(pl.col("looked_at") > pl.col("last_seen"))
    missed = later.group_by("game", "offer_id").agg(missed_at=pl.col("looked_at").min())
    hours = {
        name: (pl.col(end) - pl.col("first_seen")).dt.total_milliseconds() / 3_600_000 for name, end in (("hours", "last_seen"), ("at_most_hours", "missed_at"))
    }
    return offers.join(missed, on=["game", "offer_id"]).with_columns(**hours).sort("at_most_hours")


def still_there(finds: pl.DataFrame, scans: pl.DataFrame) -> pl.DataFrame:
    """The part of finds that was still there so many hours after it was first found: hours, known (offers seen for that long), gone, left (0 to 1).

    As Kaplan and Meier estimate it: an offer that the newest scan still found counts for as long as it was seen. One is gone when a scan first missed it.
    """
    missed = gone_after(finds, scans).select("game", "offer_id", "at_most_hours")
    seen = once(finds).select("game", "offer_id", seen=(pl.col("last_seen") - pl.col("first_seen")).dt.total_milliseconds() / 3_600_000)
    offers = seen.join(missed, on=["game", "offer_id"], how="left").select(
        hours=pl.coalesce("at_most_hours", "seen"), gone=pl.col("at_most_hours").is_not_null()
    )
    steps = offers.group_by("hours").agg(pl.col("gone").sum(), ended=pl.len()).sort("hours")
    known = steps.with_columns(known=offers.height - pl.col("ended").cum_sum().shift(1, fill_value=0))
    return known.select("hours", "known", "gone", left=(1 - pl.col("gone") / pl.col("known")).cum_prod())
