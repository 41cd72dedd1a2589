"""Every query of the store goes by an index, shown by the database's own plan."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event, text

from botcore.model import Game
from botcore.store import Store
from botcore.store.connect import connect, disconnect

from .support import NOW, TITLE, point, report, sale

UNAIDED = re.compile(r"\bSCAN (?!.*USING (COVERING )?INDEX)|Seq Scan")
QUERIES = {
    "scans": lambda store: store.scans(),
    "scan": lambda store: store.scan(1),
    "opportunities": lambda store: store.opportunities("sandbox", Game.CSGO, since=1.0),
    "price": lambda store: store.price("sandbox", Game.CSGO, "offer-1"),
    "points": lambda store: store.points("sandbox", Game.CSGO, TITLE, phase=""),
    "points of all phases": lambda store: store.points("sandbox", Game.CSGO, TITLE, since=1.0),
    "sales": lambda store: store.sales("sandbox", Game.CSGO, TITLE, phase=""),
    "sales of all phases": lambda store: store.sales("sandbox", Game.CSGO, TITLE, since=1.0),
    "titles": lambda store: store.titles("sandbox", Game.CSGO, since=1.0),
    "update": lambda store: store.update_item_price("sandbox", Game.CSGO, "offer-1", 5),
    "prune": lambda store: store.prune(1.0, now=2.0),
}


@pytest.fixture
async def filled(options):
    """A store with a few rows in each table."""
    async with Store(options) as store:
        await store.save_scan(report(3))
        await store.add_points("sandbox", [point(NOW + number) for number in range(50)])
        await store.add_sales("sandbox", Game.CSGO, TITLE, [sale(NOW + number) for number in range(50)])
    return options


async def asked(options, work):
    """The statements that this sends, with their parameters."""
    sent = []

    def note(_, __, statement, parameters, *___):
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            sent.append((statement, parameters))

    async with Store(options) as store:
        assert store._engine is not None
        event.listen(store._engine.sync_engine, "before_cursor_execute", note)
        await work(store)
    return sent


@pytest.mark.parametrize("name", QUERIES)
async def test_each_query_goes_by_an_index(filled, name):
    sent = await asked(filled, QUERIES[name])
    assert sent
    engine = connect(filled)
    try:
        async with engine.connect() as connection:
            for statement, parameters in sent:
                for line in await plan(connection, statement, parameters):
                    assert not UNAIDED.search(line), (statement, line)
    finally:
        await disconnect(engine)


async def plan(connection, statement, parameters):
    if connection.dialect.name == "sqlite":
        return [row[-1] for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    await connection.execute(text("SET LOCAL enable_seqscan = off"))  # a few rows are read quickest as they lie; many are not
    return [row[0] for row in await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)]


async def test_a_query_without_an_index_would_be_seen(filled):
    """The test above can fail: this is what it would see."""
    engine = connect(filled)
    async with engine.connect() as connection:
        lines = await plan(connection, "SELECT id FROM scans WHERE seconds < 0", ())
    await disconnect(engine)
    assert any(UNAIDED.search(line) for line in lines), lines
