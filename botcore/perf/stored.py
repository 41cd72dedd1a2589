"""What a store knows of one market, read at once for questions about the past, and the record of an answer that came from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl

from botcore.errors import StoreError
from botcore.model import Game, RequestCounts
from botcore.perf import finds as asked
from botcore.perf.record import Measure, RunRecord, Work, dotted
from botcore.store import Store

__all__ = ["Stored", "read", "record"]


class Stored(NamedTuple):
    """Finds, with the level of their scan; scans, with their stages; and of the title with the most sales its prices and sales."""

    finds: pl.DataFrame
    scans: pl.DataFrame
    title: str
    points: pl.DataFrame
    sales: pl.DataFrame


async def read(store: Store, market: str, game: Game, *, before: timedelta = timedelta(days=7)) -> Stored:
    """All finds and scans; prices and sales from so long ``before`` the first scan on.

    Raises:
        StoreError: nothing was found on that market yet, or the store cannot be read.
    """
    finds, scans = await store.finds_frame(market), await store.scans_frame(market)
    if finds.is_empty():
        raise StoreError(f"no scan of {market} has found anything that is stored here: scan first, with %scan, `botcore scan` or the bot")
    since = (min(scans["started_at"].to_list()) - before).timestamp()
    title = next(iter(await store.titles(market, game, limit=1)), "")
    points = await store.points_frame(market, game, title, since=since)
    return Stored(finds, scans, title, points, await store.sales_frame(market, game, title, since=since))


def record(stored: Stored, question: str = "what-did-we-find") -> RunRecord:
    """The record of an answer from a store: a sample a scan, and the profit of each level. Raises MeasureError when the scans did nothing."""
    scans, levels = stored.scans, asked.by_level(stored.finds)
    requests = {name: int(scans[f"requests_{name}"].sum()) for name in RequestCounts.__struct_fields__}
    return RunRecord(
        question=question,
        run=dotted(read),
        started_at=datetime.now(UTC),
        work=Work(RequestCounts(**requests), offers=int(scans["listed"].sum()), answers=int(levels["offers"].sum()), rows=stored.finds.height),
        data={"from": scans["started_at"].min(), "to": scans["started_at"].max(), "scans": scans.height},
        samples=scans.select("started_at", "game", "level", "listed", "quoted", "checked", "found").to_dicts(),
        measures=[Measure.of(f"profit of finds of {row['level']}", [row["profit_cents"] / 100], "dollars") for row in levels.to_dicts()],
    )
