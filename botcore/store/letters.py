"""What the bot is to send, and where in a chat it was shown. Times are unix seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Table, Update, bindparam, delete, exists, func, literal, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from botcore.store import rows
from botcore.store.connect import unbroken
from botcore.store.rows import milliseconds, storable
from botcore.store.schema import cards, chats, mutes, outbox, told, views, watched_levels, watches
from botcore.store.store import Store

__all__ = ["Card", "Draft", "Letter", "Letters"]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is to be sent to a chat.

    ``kind`` tells what it is, in the bot's own words. ``card`` is the name of the message that it makes or edits; empty for
    one that is never edited. ``photo`` is the bytes of a picture. ``expires_at``: unix seconds from when on nobody wants it.
    """

    chat_id: int
    kind: str
    body: str
    card: str = ""
    photo: bytes | None = None
    expires_at: float | None = None


class Letter(Draft, frozen=True, kw_only=True):
    """A draft that was put into the store. Within a chat the one with the lower id goes first."""

    id: int
    created_at: float


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A message in a chat that may be edited, by its name; ``shown_at`` is when it last was sent or edited."""

    chat_id: int
    name: str
    message_id: int
    shown_at: float


class Letters:
    """The letters and cards of a store. What was put stays until it is said to be sent or dropped, whatever happens to this process.

    No method leaves half of its work when its caller is cancelled, and each raises StoreError.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    # Letters

    @unbroken
    async def put(self, drafts: Iterable[Draft], *, at: float, once: bool = False) -> list[Letter]:
        """Store drafts, all or none; gives them with ids that go up in the order given.

        With ``once`` a draft is left out whose card was put so in its chat before, be it sent, too old or still to be sent.
        What no database holds in a text (a zero character, half of a surrogate pair) is replaced, so that one draft costs no other.
        """
        values = [{**_values(draft), "chat_id": draft.chat_id, "card": draft.card, "created_at": milliseconds(at)} for draft in drafts]
        if not values:
            return []
        async with self._store.writing() as connection:
            if once:
                values = [one for one in values if await _first_time(connection, one)]
            ids = await _insert(connection, values) if values else ()
        return [_letter(number, one) for number, one in zip(ids, values, strict=True)]

    @unbroken
    async def replace(self, letter_id: int, draft: Draft) -> bool:
        """Give a letter another body, kind, photo and end; it keeps its place, chat and card. False when it is gone."""
        async with self._store.writing() as connection:
            done = await connection.execute(update(outbox).where(outbox.c.id == letter_id).values(_values(draft)))
            return done.rowcount == 1

    async def waiting(self) -> list[Letter]:
        """All letters, in the order of their ids."""
        return [_letter(row.id, row._mapping) for row in await self._store.fetch(select(outbox).order_by(outbox.c.id))]  # noqa: SLF001 - SQLAlchemy's public name

    async def count(self) -> int:
        """How many letters there are."""
        found: int = (await self._store.fetch(select(func.count()).select_from(outbox)))[0][0]
        return found

    @unbroken
    async def sent(self, letter_ids: Iterable[int], *, chat_id: int, cards: Sequence[str], message_id: int, at: float) -> None:
        """Letters arrived as this message: remove them, and let each of these cards of the chat be the message, in one transaction."""
        async with self._store.writing() as connection:
            await _remove(connection, letter_ids)
            for name in dict.fromkeys(cards):
                await connection.execute(_shown(connection.dialect.name, chat_id, name, message_id, at))

    @unbroken
    async def drop(self, letter_ids: Iterable[int]) -> None:
        """Remove letters that are not to be sent."""
        async with self._store.writing() as connection:
            await _remove(connection, letter_ids)

    @unbroken
    async def take_back(self, letters: Iterable[Letter]) -> None:
        """Remove letters that are not to be sent, as if they had never been put: their cards may be put once more."""
        gone = list(letters)
        async with self._store.writing() as connection:
            await _remove(connection, [one.id for one in gone])
            for one in gone:
                await connection.execute(delete(told).where(told.c.chat_id == one.chat_id, told.c.card == one.card))

    # Cards

    async def card(self, chat_id: int, name: str) -> int | None:
        """The id of the message that a card is; None when it was not sent."""
        found = await self._store.fetch(select(cards.c.message_id).where(cards.c.chat_id == chat_id, cards.c.name == name))
        return found[0].message_id if found else None

    async def cards(self, prefix: str, *, since: float) -> list[Card]:
        """The cards of all chats whose names begin so and that were shown at ``since`` (unix seconds) or later, oldest first."""
        begins = func.substr(cards.c.name, 1, len(prefix)) == prefix
        query = select(cards).where(cards.c.shown_at >= milliseconds(since), begins).order_by(cards.c.shown_at, cards.c.chat_id)
        return [_card(row) for row in await self._store.fetch(query)]

    @unbroken
    async def forget_card(self, chat_id: int, name: str) -> None:
        """Let a card go, as for a message that was deleted: what it shows next is a new message."""
        async with self._store.writing() as connection:
            await connection.execute(delete(cards).where(cards.c.chat_id == chat_id, cards.c.name == name))

    @unbroken
    async def prune_cards(self, older_than_at: float) -> int:
        """Let go the cards that were last shown before that (unix seconds), and what was told once before; gives how many cards."""
        async with self._store.writing() as connection:
            await connection.execute(delete(told).where(told.c.told_at < milliseconds(older_than_at)))
            return (await connection.execute(delete(cards).where(cards.c.shown_at < milliseconds(older_than_at)))).rowcount

    # Chats

    @unbroken
    async def forget_chat(self, chat_id: int) -> None:
        """Remove the letters and cards of a chat that takes none any more; its settings, mutes, views and watches stay."""
        async with self._store.writing() as connection:
            for table in (outbox, cards):
                await connection.execute(delete(table).where(table.c.chat_id == chat_id))

    @unbroken
    async def move_chat(self, old: int, new: int) -> None:
        """A chat has another id now: all that is kept of it goes over, but its cards, since messages have other ids there.

        Where both have the same thing (settings, a mute, a watch), that of the new id stays.
        """
        if old == new:
            return
        async with self._store.writing() as connection:
            await connection.execute(_settled(connection.dialect.name, old, new))
            for table in (outbox, views):
                await connection.execute(_moved(table, old, new))
            for table, keys in ((mutes, ("game", "title")), (watches, ("game", "title")), (watched_levels, ("game", "level")), (told, ("card",))):
                await connection.execute(_moved_unless_there(table, keys, old, new))
            for table in (cards, watches, watched_levels, told, chats):  # the mutes that are left go with the chat
                await connection.execute(delete(table).where(table.c.chat_id == old))


def _values(draft: Draft) -> dict[str, Any]:
    expires = None if draft.expires_at is None else milliseconds(draft.expires_at)
    return {"kind": draft.kind, "body": storable(draft.body), "photo": draft.photo, "expires_at": expires}


def _letter(number: int, one: Any) -> Letter:
    expires = None if one["expires_at"] is None else one["expires_at"] / 1000
    words = {name: one[name] for name in ("chat_id", "kind", "body", "card", "photo")}
    return Letter(id=number, created_at=one["created_at"] / 1000, expires_at=expires, **words)


def _card(row: Row[Any]) -> Card:
    return Card(chat_id=row.chat_id, name=row.name, message_id=row.message_id, shown_at=row.shown_at / 1000)


async def _insert(connection: AsyncConnection, values: list[dict[str, Any]]) -> Sequence[int]:
    """Insert letters in this order; gives their ids."""
    if connection.dialect.name != "sqlite":
        query = outbox.insert().returning(outbox.c.id, sort_by_parameter_order=True)
        ids: Sequence[int] = (await connection.execute(query, values)).scalars().all()
        return ids
    await connection.execute(outbox.insert(), values)
    last: int = (await connection.execute(select(func.max(outbox.c.id)))).scalar_one()
    return range(last - len(values) + 1, last + 1)  # we hold the lock of the only writer, and SQLite counts up by one


async def _first_time(connection: AsyncConnection, one: dict[str, Any]) -> bool:
    """Whether a card is told in its chat for the first time; it is noted."""
    query = rows.insert(told, connection.dialect.name).values(chat_id=one["chat_id"], card=one["card"], told_at=one["created_at"])
    return (await connection.execute(query.on_conflict_do_nothing().returning(told.c.card))).first() is not None


async def _remove(connection: AsyncConnection, letter_ids: Iterable[int]) -> None:
    gone = [{"letter": number} for number in letter_ids]
    if gone:
        await connection.execute(delete(outbox).where(outbox.c.id == bindparam("letter")), gone)


def _shown(dialect: str, chat_id: int, name: str, message_id: int, at: float) -> Any:
    query = rows.insert(cards, dialect).values(chat_id=chat_id, name=name, message_id=message_id, shown_at=milliseconds(at))
    changed = {"message_id": query.excluded.message_id, "shown_at": query.excluded.shown_at}
    return query.on_conflict_do_update(index_elements=["chat_id", "name"], set_=changed)


def _settled(dialect: str, old: int, new: int) -> Any:
    """The settings of the old id for the new one, unless it has some."""
    found = select(literal(new), chats.c.settings).where(chats.c.chat_id == old)
    return rows.insert(chats, dialect).from_select(["chat_id", "settings"], found).on_conflict_do_nothing()


def _moved(table: Table, old: int, new: int) -> Update:
    return update(table).where(table.c.chat_id == old).values(chat_id=new)


def _moved_unless_there(table: Table, keys: Iterable[str], old: int, new: int) -> Update:
    other = table.alias()
    return _moved(table, old, new).where(~exists().where(other.c.chat_id == new, *(other.c[key] == table.c[key] for key in keys)))
