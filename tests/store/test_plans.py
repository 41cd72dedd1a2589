"""Every query of the store goes by an index, shown by the database's own plan."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event, text

from botcore.model import AlertState, Game, Level, Standing
from botcore.store import Chats, ChatSettings, Draft, Letters, Outcomes, Store, Watching
from botcore.store.connect import connect, disconnect

from .support import NOW, TITLE, point, report, sale
from .test_outcomes import claim
from .test_watching import alert


async def answer_one(store):
    """An outcome is asked for, postponed and answered."""
    asked = (await outcomes(store).due(NOW + 60))[0]
    await outcomes(store).postpone([asked], NOW + 50)
    await outcomes(store).answer(asked, asked)


STANDING = Standing(alert(), AlertState.LIVE, "offer-1", 501)
DRAFT = Draft(chat_id=1, kind="alert", body="text")
UNAIDED = re.compile(r"\bSCAN (?!.*USING (COVERING )?INDEX)|Seq Scan")
QUERIES = {
    "scans": lambda store: store.scans(),
    "scan": lambda store: store.scan(1),
    "opportunities": lambda store: store.opportunities("sandbox", Game.CSGO, since=1.0),
    "price": lambda store: store.price("sandbox", Game.CSGO, "offer-1"),
    "title": lambda store: store.title("sandbox", Game.CSGO, "offer-1"),
    "points": lambda store: store.points("sandbox", Game.CSGO, TITLE, phase=""),
    "points of all phases": lambda store: store.points("sandbox", Game.CSGO, TITLE, since=1.0),
    "sales": lambda store: store.sales("sandbox", Game.CSGO, TITLE, phase=""),
    "sales of all phases": lambda store: store.sales("sandbox", Game.CSGO, TITLE, since=1.0),
    "titles": lambda store: store.titles("sandbox", Game.CSGO, since=1.0),
    "update": lambda store: store.update_item_price("sandbox", Game.CSGO, "offer-1", 5),
    "prune": lambda store: store.prune(1.0, now=2.0),
    "replace": lambda store: Letters(store).replace(1, DRAFT),
    "sent": lambda store: Letters(store).sent([1], chat_id=1, cards=["scan:1"], message_id=5, at=NOW),
    "drop": lambda store: Letters(store).drop([2]),
    "card": lambda store: Letters(store).card(1, "scan:1"),
    "cards": lambda store: Letters(store).cards("scan:", since=NOW),
    "forget card": lambda store: Letters(store).forget_card(1, "scan:1"),
    "prune cards": lambda store: Letters(store).prune_cards(NOW),
    "forget chat": lambda store: Letters(store).forget_chat(1),
    "move chat": lambda store: Letters(store).move_chat(1, 2),
    "settings": lambda store: Chats(store).settings(1),
    "unmute": lambda store: Chats(store).unmute(1, Game.CSGO, TITLE),
    "mutes": lambda store: Chats(store).mutes(1),
    "close view": lambda store: Chats(store).close_view(1, "done"),
    "view": lambda store: Chats(store).view(1, 1),
    "running": lambda store: Chats(store).running(),
    "latest": lambda store: Chats(store).latest(1),
    "prune views": lambda store: Chats(store).prune_views(NOW),
    "watch": lambda store: Chats(store).watch(1, Game.CSGO, Level.PRO, TITLE, NOW),
    "unwatch": lambda store: Chats(store).unwatch(1, 1),
    "watches": lambda store: Chats(store).watches(1),
    "known": lambda store: Chats(store).known(1, {}),
    "recall": lambda store: Chats(store).recall("offset"),
    "watermarks": lambda store: watching(store).watermarks("pro"),
    "given": lambda store: watching(store).given("offer-1", 501),
    "watched": lambda store: watching(store).watched(),
    "change": lambda store: watching(store).change(STANDING, STANDING, at=NOW),
    "tell": lambda store: watching(store).tell(1, "gone"),
    "sent alert": lambda store: watching(store).sent(1, at=NOW),
    "alerts": lambda store: watching(store).alerts(since=NOW),
    "prune alerts": lambda store: watching(store).prune(NOW),
    "due": lambda store: outcomes(store).due(NOW + 60),
    "next outcome": lambda store: outcomes(store).next_at(),
    "answer": answer_one,
    "known outcomes": lambda store: outcomes(store).known(since=NOW),
    "of an offer": lambda store: outcomes(store).of_offer(Game.CSGO, "offer-1"),
    "counts": lambda store: outcomes(store).counts(since=NOW),
    "frame": lambda store: outcomes(store).frame(since=NOW),
}
"""Left out is what reads a table whole: info, export, all letters, all chats, all watches."""


@pytest.fixture
async def filled(options):
    """A store with a few rows in each table."""
    async with Store(options) as store:
        await store.save_scan(report(3))
        await store.add_points("sandbox", [point(NOW + number) for number in range(50)])
        await store.add_sales("sandbox", Game.CSGO, TITLE, [sale(NOW + number) for number in range(50)])
        await fill(Letters(store), Chats(store))
        for number in range(50):
            await watching(store).give(alert(number))
        await outcomes(store).note([claim(number) for number in range(50)], first=1)
        await watching(store).advance("pro", {Game.CSGO: NOW}, at=NOW)
    return options


def outcomes(store):
    return Outcomes(store, "sandbox")


def watching(store):
    return Watching(store, "sandbox", "tests")


async def fill(letters, chats):
    """What the bot keeps of a few chats."""
    await letters.put([DRAFT] * 50, at=NOW)
    for chat in range(1, 20):
        await letters.sent([], chat_id=chat, cards=["scan:1", "start"], message_id=5, at=NOW)
        await chats.save(chat, ChatSettings())
        await chats.mute(chat, Game.CSGO, TITLE)
        await chats.open_view(chat, Game.CSGO, Level.PRO, NOW)
        await chats.watch(chat, Game.CSGO, Level.PRO, TITLE, NOW)
        await chats.remember(f"note {chat}", "text", NOW)


async def asked(options, work):
    """The statements that this sends, with their parameters."""
    sent = []

    def note(_, __, statement, parameters, ___, many):
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            sent.append((statement, parameters[0] if many else parameters))

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
