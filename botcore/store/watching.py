"""What a watch keeps: how far it came, the alerts it gave, and what its door knows of them. Times are unix seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.engine import Row

from botcore.model import Alert, AlertState, Game, Level, Opportunity, Standing
from botcore.store import rows
from botcore.store.connect import unbroken
from botcore.store.rows import milliseconds, storable
from botcore.store.schema import alerts, watermarks
from botcore.store.store import Store

__all__ = ["Watching"]


class Watching:
    """The watermarks and alerts of one market and one door.

    No method leaves half of its work when its caller is cancelled, and each raises StoreError.
    """

    def __init__(self, store: Store, market: str, door: str) -> None:
        self._store = store
        self._market = market
        self._door = door

    # Watermarks

    async def watermarks(self, scope: str) -> dict[Game, float]:
        """Up to when of the listing everything was decided, by game; a game that was never watched is left out."""
        mine = (watermarks.c.market == self._market, watermarks.c.door == self._door)
        found = await self._store.fetch(select(watermarks).where(*mine, watermarks.c.scope == scope))
        return {Game(row.game): row.listed_at / 1000 for row in found}

    @unbroken
    async def advance(self, scope: str, marks: Mapping[Game, float], *, at: float) -> None:
        """Move watermarks forward; one that is further already stays where it is."""
        async with self._store.writing() as connection:
            for game, listed in marks.items():
                values = {"market": self._market, "door": self._door, "game": str(game), "scope": scope}
                query = rows.insert(watermarks, connection.dialect.name).values(**values, listed_at=milliseconds(listed), updated_at=milliseconds(at))
                changed = {name: query.excluded[name] for name in ("listed_at", "updated_at")}
                further = watermarks.c.listed_at < query.excluded.listed_at
                await connection.execute(query.on_conflict_do_update(index_elements=list(values), set_=changed, where=further))

    # Alerts

    @unbroken
    async def give(self, alert: Alert) -> Alert | None:
        """Store an alert, whose id is given here, before anybody is told; None when this offer was told at this price already."""
        values = {**_values(alert), "market": self._market, "door": self._door}
        async with self._store.writing() as connection:
            query = rows.insert(alerts, connection.dialect.name).values(**values).on_conflict_do_nothing().returning(alerts.c.id)
            number = (await connection.execute(query)).scalar()
        return None if number is None else msgspec.structs.replace(alert, id=number)

    async def given(self, offer_id: str, price_cents: int) -> Standing | None:
        """The alert of an offer at a price; None when there was none."""
        query = select(alerts).where(*self._mine, alerts.c.offer_id == offer_id, alerts.c.price_cents == price_cents)
        found = await self._store.fetch(query)
        return _standing(found[0]) if found else None

    async def find(self, alert_id: int) -> Standing | None:
        """An alert by its number; None when it was another door's, or is forgotten."""
        found = await self._store.fetch(select(alerts).where(*self._mine, alerts.c.id == alert_id))
        return _standing(found[0]) if found else None

    async def of_offer(self, offer_id: str) -> list[Standing]:
        """The alerts of an offer, by the id it was told under or has now, newest first."""
        same = or_(alerts.c.offer_id == offer_id, alerts.c.offer_now == offer_id)
        return [_standing(row) for row in await self._store.fetch(select(alerts).where(*self._mine, same).order_by(alerts.c.id.desc()))]

    async def watched(self) -> list[Standing]:
        """The alerts that are not gone, or whose end was not told, oldest first."""
        return [_standing(row) for row in await self._store.fetch(self._open())]

    @unbroken
    async def change(self, before: Standing, after: Standing, *, at: float) -> bool:
        """Note what became of an alert; False when somebody else noted something since ``before``."""
        values = {"state": str(after.state), "offer_now": after.offer_now, "price_now": after.price_now, "changed_at": milliseconds(at), "watched": True}
        same = (alerts.c.state == str(before.state), alerts.c.price_now == before.price_now, alerts.c.offer_now == before.offer_now)
        async with self._store.writing() as connection:
            done = await connection.execute(update(alerts).where(alerts.c.id == before.alert.id, *same).values(values))
            return done.rowcount == 1

    @unbroken
    async def tell(self, alert_id: int, mark: str) -> None:
        """The door has it: note what it was told. Who was told that it is gone hears no more of it."""
        values = {"told": mark} | ({"watched": False} if mark == AlertState.GONE else {})
        async with self._store.writing() as connection:
            await connection.execute(update(alerts).where(alerts.c.id == alert_id).values(values))

    @unbroken
    async def sent(self, alert_id: int, *, at: float) -> None:
        """The door sent it; the first time counts."""
        async with self._store.writing() as connection:
            await connection.execute(update(alerts).where(alerts.c.id == alert_id, alerts.c.sent_at.is_(None)).values(sent_at=milliseconds(at)))

    async def alerts(self, *, since: float = 0.0, limit: int = 1000) -> list[Standing]:
        """What was told since then, newest first."""
        query = select(alerts).where(*self._mine, alerts.c.queued_at >= milliseconds(since))
        return [_standing(row) for row in await self._store.fetch(query.order_by(alerts.c.queued_at.desc()).limit(limit))]

    @unbroken
    async def prune(self, before: float) -> int:
        """Remove the alerts of all doors that were given before that; gives how many."""
        async with self._store.writing() as connection:
            return (await connection.execute(delete(alerts).where(alerts.c.queued_at < milliseconds(before)))).rowcount

    @property
    def _mine(self) -> tuple[Any, Any]:
        return (alerts.c.market == self._market, alerts.c.door == self._door)

    def _open(self) -> Select[Any]:
        return select(alerts).where(*self._mine, alerts.c.watched.is_(True)).order_by(alerts.c.id)


def _values(alert: Alert) -> dict[str, Any]:
    found = alert.opportunity
    words = {"game": str(found.game), "level": str(alert.level), "offer_id": found.offer_id, "asset_id": found.asset_id, "title": storable(found.title)}
    times = {name: milliseconds(getattr(alert, name)) for name in ("listed_at", "seen_at", "decided_at", "queued_at")}
    now = {"state": str(AlertState.LIVE), "offer_now": found.offer_id, "price_now": found.price_cents, "changed_at": times["queued_at"], "watched": True}
    return {**words, "price_cents": found.price_cents, **times, **now, "found": storable(msgspec.json.encode(found).decode())}


def _standing(row: Row[Any]) -> Standing:
    times = {name: getattr(row, name) / 1000 for name in ("seen_at", "decided_at", "queued_at")}
    sent = None if row.sent_at is None else row.sent_at / 1000
    alert = Alert(id=row.id, level=Level(row.level), opportunity=msgspec.json.decode(row.found, type=Opportunity), sent_at=sent, **times)
    return Standing(alert, AlertState(row.state), row.offer_now, row.price_now, row.told)
