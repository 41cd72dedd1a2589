"""What the bot keeps of each chat: its settings and mutes, the scans it asked for, the titles and levels it watches. Times are unix seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Select, Table, delete, exists, or_, select, update
from sqlalchemy.engine import Row

from botcore.model import Game, Level, ScanReport
from botcore.store import rows
from botcore.store.connect import unbroken
from botcore.store.rows import milliseconds, storable
from botcore.store.schema import chats, mutes, state, views, watched_levels, watches
from botcore.store.store import Store

__all__ = ["ChatSettings", "Chats", "View", "Watch"]

RUNNING = "running"
CLOSED = ("done", "stopped", "failed", "interrupted")
"""How a view may have ended."""


class ChatSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a chat has chosen. ``language``: empty until it is known. ``blocked``: the person wants no messages from the bot."""

    language: str = ""
    game: Game = Game.CSGO
    level: Level = Level.STANDARD
    blocked: bool = False


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A scan that a chat asked for.

    ``state`` is "running", "done", "stopped", "failed" or "interrupted"; ``report`` is what was found, whole; None while it
    runs, when there was none, and when another version of botcore wrote what this one cannot read. ``said`` is why it failed.
    """

    id: int
    chat_id: int
    game: Game
    level: Level
    started_at: float
    state: str
    report: ScanReport | None
    said: str | None


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """A title that a chat wants to hear of. ``known``: the offers it was told of, offer id → price in cents."""

    id: int
    chat_id: int
    game: Game
    level: Level
    title: str
    since: float
    known: dict[str, int]


class Chats:
    """The chats of a store, and the bot's own small notes. No method leaves half of its work when its caller is cancelled; each raises StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Settings

    async def settings(self, chat_id: int) -> ChatSettings:
        """What a chat has chosen; the defaults for one that is unknown, or whose row cannot be read."""
        found = await self._store.fetch(select(chats.c.settings).where(chats.c.chat_id == chat_id))
        return _settings(found[0].settings) if found else ChatSettings()

    @unbroken
    async def save(self, chat_id: int, settings: ChatSettings) -> None:
        """Store what a chat has chosen."""
        async with self._store.writing() as connection:
            query = rows.insert(chats, connection.dialect.name).values(chat_id=chat_id, settings=_json(settings))
            await connection.execute(query.on_conflict_do_update(index_elements=["chat_id"], set_={"settings": query.excluded.settings}))

    async def everyone(self) -> dict[int, ChatSettings]:
        """All chats that chose or muted something, by id."""
        return {row.chat_id: _settings(row.settings) for row in await self._store.fetch(select(chats).order_by(chats.c.chat_id))}

    # Mutes

    @unbroken
    async def mute(self, chat_id: int, game: Game, title: str) -> None:
        """Let a chat hear no more of a title; twice is harmless."""
        async with self._store.writing() as connection:
            dialect = connection.dialect.name
            await connection.execute(_unless_there(chats, dialect, chat_id=chat_id, settings=_json(ChatSettings())))
            await connection.execute(_unless_there(mutes, dialect, chat_id=chat_id, game=str(game), title=title))

    @unbroken
    async def unmute(self, chat_id: int, game: Game, title: str) -> bool:
        """Let it hear of the title again; False when it was not muted."""
        async with self._store.writing() as connection:
            done = await connection.execute(delete(mutes).where(mutes.c.chat_id == chat_id, mutes.c.game == str(game), mutes.c.title == title))
            return done.rowcount == 1

    async def mutes(self, chat_id: int) -> list[tuple[Game, str]]:
        """What a chat muted, by game and title."""
        found = await self._store.fetch(select(mutes).where(mutes.c.chat_id == chat_id))
        return sorted((Game(row.game), row.title) for row in found)

    # Views

    @unbroken
    async def open_view(self, chat_id: int, game: Game, level: Level, at: float) -> int:
        """Note that a scan runs for a chat; gives the view's id, which no other ever has."""
        values = {"chat_id": chat_id, "game": str(game), "level": str(level), "started_at": milliseconds(at), "state": RUNNING}
        async with self._store.writing() as connection:
            found: int = (await connection.execute(views.insert().values(values).returning(views.c.id))).scalar_one()
            return found

    @unbroken
    async def close_view(self, view_id: int, state: str, report: ScanReport | None = None, said: str | None = None) -> None:
        """Note how a scan ended ("done", "stopped", "failed" or "interrupted"), what it found, and why it failed."""
        async with self._store.writing() as connection:
            values = {"state": state, "report": None if report is None else _json(report), "said": None if said is None else storable(said)}
            await connection.execute(update(views).where(views.c.id == view_id).values(values))

    async def view(self, chat_id: int, view_id: int) -> View | None:
        """A view of this chat; None when it is another's, or gone."""
        return await self._view(select(views).where(views.c.id == view_id, views.c.chat_id == chat_id))

    async def running(self) -> list[View]:
        """The views that were not closed, of all chats, oldest first."""
        return [_view(row) for row in await self._store.fetch(select(views).where(views.c.state == RUNNING).order_by(views.c.id))]

    async def latest(self, chat_id: int) -> View | None:
        """The view that was opened last in a chat, whatever its state."""
        return await self._view(select(views).where(views.c.chat_id == chat_id).order_by(views.c.id.desc()).limit(1))

    async def _view(self, query: Select[Any]) -> View | None:
        found = await self._store.fetch(query)
        return _view(found[0]) if found else None

    @unbroken
    async def prune_views(self, before: float) -> int:
        """Remove closed views that began before that (unix seconds), but the latest of each chat; gives how many."""
        later = views.alias()
        old = delete(views).where(views.c.state.in_(CLOSED), views.c.started_at < milliseconds(before))
        async with self._store.writing() as connection:
            return (await connection.execute(old.where(exists().where(later.c.chat_id == views.c.chat_id, later.c.id > views.c.id)))).rowcount

    # Watches

    @unbroken
    async def watch(self, chat_id: int, game: Game, level: Level, title: str, at: float, known: Mapping[str, int] | None = None) -> Watch:
        """Let a chat watch a title, with the offers that it knows already; one that it watches already stays as it is and is given again."""
        values = {"chat_id": chat_id, "game": str(game), "level": str(level), "title": title, "since": milliseconds(at), "known": _json(known or {})}
        of_title = (watches.c.chat_id == chat_id, watches.c.game == str(game), watches.c.title == title)
        async with self._store.writing() as connection:
            await connection.execute(_unless_there(watches, connection.dialect.name, **values))
            return _watch((await connection.execute(select(watches).where(*of_title))).one())

    @unbroken
    async def unwatch(self, chat_id: int, watch_id: int) -> Watch | None:
        """End a watch of this chat and give it as it was; None when it is another's, or gone."""
        async with self._store.writing() as connection:
            ended = delete(watches).where(watches.c.id == watch_id, watches.c.chat_id == chat_id).returning(*watches.c)
            found = (await connection.execute(ended)).one_or_none()
            return _watch(found) if found else None

    async def watches(self, chat_id: int | None = None) -> list[Watch]:
        """The watches of a chat, or of all, oldest first."""
        query = select(watches) if chat_id is None else select(watches).where(watches.c.chat_id == chat_id)
        return [_watch(row) for row in await self._store.fetch(query.order_by(watches.c.id))]

    @unbroken
    async def known(self, watch_id: int, offers: dict[str, int]) -> None:
        """Note which offers a watch told of: offer id → price in cents. What was noted before is replaced."""
        async with self._store.writing() as connection:
            await connection.execute(update(watches).where(watches.c.id == watch_id).values(known=_json(offers)))

    # Levels

    @unbroken
    async def watch_levels(self, chat_id: int, pairs: Iterable[tuple[Game, Level]], at: float) -> None:
        """Let a chat watch these levels of games, beside those that it watches already."""
        async with self._store.writing() as connection:
            for game, level in pairs:
                values = {"chat_id": chat_id, "game": str(game), "level": str(level), "since": milliseconds(at)}
                await connection.execute(_unless_there(watched_levels, connection.dialect.name, **values))

    @unbroken
    async def unwatch_levels(self, chat_id: int, game: Game, level: Level | None = None) -> list[Level]:
        """End the watch of a level of a game, of all its levels by default; gives those that it ended."""
        meant = [watched_levels.c.chat_id == chat_id, watched_levels.c.game == str(game)]
        if level is not None:
            meant.append(watched_levels.c.level == str(level))
        async with self._store.writing() as connection:
            ended = (await connection.execute(delete(watched_levels).where(*meant).returning(watched_levels.c.level))).scalars().all()
        return [one for one in Level if one in ended]

    async def levels(self) -> dict[int, frozenset[tuple[Game, Level]]]:
        """The levels that each chat watches, by chat; one that watches none is left out."""
        found: dict[int, set[tuple[Game, Level]]] = {}
        for row in await self._store.fetch(select(watched_levels)):
            found.setdefault(row.chat_id, set()).add((Game(row.game), Level(row.level)))
        return {chat_id: frozenset(pairs) for chat_id, pairs in found.items()}

    # Notes

    @unbroken
    async def remember(self, name: str, value: str, at: float) -> None:
        """Note a text under a name; it replaces the one before."""
        async with self._store.writing() as connection:
            query = rows.insert(state, connection.dialect.name).values(name=name, value=storable(value), updated_at=milliseconds(at))
            changed = {"value": query.excluded.value, "updated_at": query.excluded.updated_at}
            await connection.execute(query.on_conflict_do_update(index_elements=["name"], set_=changed))

    async def recall(self, name: str) -> str | None:
        """The text under a name; None when there is none."""
        found = await self._store.fetch(select(state.c.value).where(state.c.name == name))
        return found[0].value if found else None

    @unbroken
    async def once(self, name: str, *, within: float, at: float) -> bool:
        """Whether this is the first time in so many seconds, ``math.inf`` for ever; if so, the time is noted.

        Of several callers at once, in whatever processes, one is told True. A clock that was set back by more than that counts
        as a new time. A name that holds a text of ``remember`` is not for this.
        """
        async with self._store.writing() as connection:
            done = await connection.execute(_noted(connection.dialect.name, name, within, milliseconds(at)))
            return done.first() is not None


def _noted(dialect: str, name: str, within: float, at: int) -> Any:
    query = rows.insert(state, dialect).values(name=name, value="", updated_at=at).returning(state.c.name)
    if within == math.inf:
        return query.on_conflict_do_nothing()
    pause = milliseconds(within)
    passed = or_(state.c.updated_at <= at - pause, state.c.updated_at >= at + pause)
    return query.on_conflict_do_update(index_elements=["name"], set_={"updated_at": at}, where=passed)


def _unless_there(table: Table, dialect: str, **values: object) -> Any:
    return rows.insert(table, dialect).values(**values).on_conflict_do_nothing()


def _json(what: object) -> str:
    return msgspec.json.encode(what).decode()


def _settings(stored: str) -> ChatSettings:
    try:
        return msgspec.json.decode(stored, type=ChatSettings)
    except msgspec.DecodeError:
        return ChatSettings()


def _view(row: Row[Any]) -> View:
    common = {"id": row.id, "chat_id": row.chat_id, "state": row.state, "said": row.said}
    return View(game=Game(row.game), level=Level(row.level), started_at=row.started_at / 1000, report=_report(row.report), **common)


def _report(stored: str | None) -> ScanReport | None:
    try:
        return None if stored is None else msgspec.json.decode(stored, type=ScanReport)
    except msgspec.DecodeError:
        return None


def _watch(row: Row[Any]) -> Watch:
    known = msgspec.json.decode(row.known, type=dict[str, int])
    return Watch(id=row.id, chat_id=row.chat_id, game=Game(row.game), level=Level(row.level), title=row.title, since=row.since / 1000, known=known)
