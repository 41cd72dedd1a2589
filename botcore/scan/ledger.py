"""The alerts that are out: given once for an offer at a price, again only when better, and what becomes of each.

Everything is kept before anybody is told, and what the door was told is kept as well. So a watch that ends at any moment
goes on from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Protocol

import msgspec

from botcore.model import Alert, AlertState, Change, Game, Level, Offer, Opportunity, Standing, WatchQuery
from botcore.scan.verdict import Look, Verdict, Weighed

__all__ = ["Keeper", "Ledger", "Unkept"]

MOST = 100_000
"""Alerts of which a watch that keeps nothing still knows that they were given."""


class Keeper(Protocol):
    """Where alerts and watermarks are kept: ``botcore.store.Watching``, which says what each is for, or ``Unkept``."""

    async def watermarks(self, scope: str) -> dict[Game, float]:
        """Up to when everything was decided, by game."""

    async def advance(self, scope: str, marks: Mapping[Game, float], *, at: float) -> None:
        """Move watermarks forward."""

    async def give(self, alert: Alert) -> Alert | None:
        """Keep a new alert; None when it was given before."""

    async def given(self, offer_id: str, price_cents: int) -> Standing | None:
        """The alert of an offer at a price."""

    async def watched(self) -> Sequence[Standing]:
        """The alerts that are not over."""

    async def change(self, before: Standing, after: Standing, *, at: float) -> bool:
        """Keep what became of one; False when somebody else was first."""

    async def tell(self, alert_id: int, mark: str) -> None:
        """The door has it."""

    async def sent(self, alert_id: int, *, at: float) -> None:
        """The door sent it."""

    async def prune(self, before: float) -> int:
        """Remove what is older."""


class Unkept:
    """Keeps nothing beyond this process: for a watch without a store."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._given: dict[tuple[str, int], Standing] = {}

    async def watermarks(self, scope: str) -> dict[Game, float]:  # noqa: ARG002 - there are none
        """None."""
        return {}

    async def advance(self, scope: str, marks: Mapping[Game, float], *, at: float) -> None:
        """Nothing to do."""

    async def give(self, alert: Alert) -> Alert | None:
        """Number an alert; None when the offer was given at this price before."""
        key = (alert.opportunity.offer_id, alert.opportunity.price_cents)
        if key in self._given:
            return None
        numbered = msgspec.structs.replace(alert, id=next(self._ids))
        self._given[key] = Standing(numbered, AlertState.LIVE, *key)
        if len(self._given) > MOST:
            del self._given[next(iter(self._given))]
        return numbered

    async def given(self, offer_id: str, price_cents: int) -> Standing | None:
        """The alert of an offer at a price."""
        return self._given.get((offer_id, price_cents))

    async def watched(self) -> Sequence[Standing]:
        """None: a new watch knows of nothing."""
        return ()

    async def change(self, before: Standing, after: Standing, *, at: float) -> bool:  # noqa: ARG002 - nobody else is here
        """Always first."""
        self._given[after.alert.opportunity.offer_id, after.alert.opportunity.price_cents] = after
        return True

    async def tell(self, alert_id: int, mark: str) -> None:
        """Nothing to do."""

    async def sent(self, alert_id: int, *, at: float) -> None:
        """Nothing to do."""

    async def prune(self, before: float) -> int:  # noqa: ARG002 - nothing is kept
        """Nothing to do."""
        return 0


class Ledger:
    """The alerts of one door, by game and title. ``emit`` takes each event once it is kept; ``now`` is the market's time.

    An event that was emitted is not yet the door's: ``offer`` says whether it still holds and that the door gets it now, ``tell``
    that the door has it.
    """

    def __init__(self, keeper: Keeper, emit: Callable[[Alert | Change], None], now: Callable[[], float]) -> None:
        self._keeper = keeper
        self._emit = emit
        self._now = now
        self._out: dict[tuple[Game, str], dict[int, Standing]] = {}
        self._waiting: set[int] = set()
        self._offered: set[int] = set()
        self._checked: dict[int, float] = {}
        self._weighed: dict[int, bytes] = {}  # in a tenth of the memory, since few are asked for
        self._settled: dict[tuple[Game, str], float] = {}

    def __len__(self) -> int:
        return sum(map(len, self._out.values()))

    async def load(self, query: WatchQuery) -> None:
        """Take up what an earlier watch left of these games, and tell again what the door may not know.

        Of levels that are not watched, what the door has is followed to its end, and what it may not have is left to a watch of them.
        """
        for standing in await self._keeper.watched():
            if standing.alert.opportunity.game not in query.games:
                continue  # nobody looks at it now, so nothing can be said of it
            if standing.told is None and standing.alert.level not in query.levels:
                continue
            self._put(standing)
            self._offered.add(standing.alert.id)
            if standing.told is None and standing.state is AlertState.LIVE:
                self._waiting.add(standing.alert.id)
                self._emit(msgspec.structs.replace(standing.alert, again=True))
            elif standing.untold:
                self._emit(self._change(standing))

    def of(self, game: Game, title: str) -> list[Standing]:
        """The alerts of a title that are out."""
        return list(self._out.get((game, title), {}).values())

    def titles(self) -> list[tuple[Game, str]]:
        """The titles that have alerts out."""
        return list(self._out)

    def holds(self, alert: Alert) -> bool:
        """Whether an alert is as it was told."""
        standing = self._standing(alert)
        return standing is not None and standing.state is AlertState.LIVE

    def live(self) -> int:
        """Alerts that are as they were told."""
        return sum(standing.state is AlertState.LIVE for of_title in self._out.values() for standing in of_title.values())

    async def settle(self, game: Game, look: Look, verdict: Verdict, seen: Mapping[str, float]) -> int:
        """Compare a look with what was told: give what is new, and note what changed. ``seen``: when offers were seen first. Gives how many are new.

        An offer under another id with the same asset is the same offer, priced anew. A look that is older than what was settled
        of the title changes nothing.
        """
        if look.at < self._settled.get((game, look.title), look.at):
            return 0
        if self.of(game, look.title) or verdict.found:
            self._settled[game, look.title] = look.at
        rows = {offer.offer_id: offer for offer in look.rows}
        moved = {offer.asset_id: offer for offer in look.rows}
        for standing in self.of(game, look.title):
            row = rows.get(standing.offer_now) or moved.get(standing.alert.opportunity.asset_id)
            await self._follow(standing, row, look, verdict)
        self._checked |= {standing.alert.id: look.at for standing in self.of(game, look.title)}
        new = 0
        for offer_id, (level, found) in verdict.found.items():
            new += await self._consider(level, found, seen.get(offer_id), look.at, verdict)
        return new

    def checked_at(self, alert: Alert) -> float:
        """The time of the latest look that told whether an alert holds; minus infinity for one that an earlier watch left."""
        return self._checked.get(alert.id, -math.inf)

    def weighed(self, alert: Alert) -> Weighed | None:
        """An alert as the latest look at which it was an opportunity weighed it; None when there was none, or it is over."""
        packed = self._weighed.get(alert.id)
        return None if packed is None else msgspec.msgpack.decode(packed, type=Weighed)

    async def offer(self, event: Alert | Change) -> str | None:
        """What the door knows once it has an event, for ``tell``; None when the event holds no more, so that the door is not to get it."""
        alert = event if isinstance(event, Alert) else event.alert
        standing = self._standing(alert)
        if isinstance(event, Change):
            latest = standing is not None and (standing.state, _price(standing), standing.offer_now) == (event.state, event.price_cents, event.offer_id)
            return standing.mark() if standing is not None and latest else None
        self._waiting.discard(alert.id)
        if standing is None:
            return None
        if standing.state is AlertState.LIVE:
            self._offered.add(alert.id)
            return standing.mark()
        if standing.state is AlertState.GONE and alert.id not in self._offered:
            await self.tell(alert, standing.mark())
        return None

    async def tell(self, alert: Alert, mark: str) -> None:
        """The door has what ``mark`` says of an alert."""
        await self._keeper.tell(alert.id, mark)
        standing = self._standing(alert)
        if standing is not None:
            standing.told = mark
            if standing.state is AlertState.GONE and not standing.untold:
                self._drop(standing)

    # ---- within -----------------------------------------------------------------------------------------------------

    async def _follow(self, standing: Standing, row: Offer | None, look: Look, verdict: Verdict) -> None:
        """Note what became of an alert, if anything did."""
        if row is None:
            if look.holds(standing.price_now):
                await self._become(standing, AlertState.GONE, standing.offer_now, standing.price_now)
            return
        found = _held(standing.alert, row, verdict)
        told = standing.alert.opportunity.price_cents
        if row.locked:
            state = AlertState.GONE
        elif row.price_cents != told:
            state = AlertState.CHEAPER if row.price_cents < told else AlertState.DEARER
        else:
            state = AlertState.SPOILED if found is None else AlertState.LIVE
        if found is not None:
            self._weigh(standing.alert, found, verdict)
        await self._become(standing, state, row.offer_id, row.price_cents, found)

    async def _consider(self, level: Level, found: Opportunity, seen_at: float | None, at: float, verdict: Verdict) -> int:
        """Give an opportunity, unless the same offer was told at this price or a better one."""
        same = [one for one in self.of(found.game, found.title) if found.offer_id == one.offer_now]
        if any(one.alert.opportunity.price_cents <= found.price_cents for one in same):
            return 0
        now = self._now()
        given = await self._keeper.give(Alert(id=0, level=level, opportunity=found, seen_at=now if seen_at is None else seen_at, decided_at=now, queued_at=now))
        if given is None:
            await self._return(found, verdict)
            return 0
        self._put(Standing(given, AlertState.LIVE, found.offer_id, found.price_cents))
        self._waiting.add(given.id)
        self._checked[given.id] = at
        self._weigh(given, found, verdict)
        self._emit(given)
        return 1

    async def _return(self, found: Opportunity, verdict: Verdict) -> None:
        """It was told before: by an earlier watch or another one of this door, or it was gone and has come back."""
        standing = await self._keeper.given(found.offer_id, found.price_cents)
        if standing is not None and self._standing(standing.alert) is None:
            self._put(standing)
            self._offered.add(standing.alert.id)
            self._weigh(standing.alert, found, verdict)
            await self._become(standing, AlertState.LIVE, found.offer_id, found.price_cents)

    async def _become(self, standing: Standing, state: AlertState, offer_now: str, price_now: int, found: Opportunity | None = None) -> None:
        """Keep another state of an alert, and tell of it, unless somebody else was first, who tells it."""
        if (state, offer_now, price_now) == (standing.state, standing.offer_now, standing.price_now):
            return
        after = Standing(standing.alert, state, offer_now, price_now, standing.told)
        worth_telling = after.mark() != standing.mark()
        if not await self._keeper.change(standing, after, at=self._now()):
            self._drop(standing)
            return
        standing.state, standing.offer_now, standing.price_now = state, offer_now, price_now
        if not worth_telling:
            return
        number = standing.alert.id
        if standing.told is None and state is AlertState.LIVE:
            # It held no more when it was its turn, so that the door may never have had it.
            if number not in self._waiting:
                self._waiting.add(number)
                self._emit(msgspec.structs.replace(standing.alert, again=number in self._offered))
        elif number in self._offered:
            self._emit(self._change(standing, found))
        elif state is AlertState.GONE and number not in self._waiting:
            await self.tell(standing.alert, standing.mark())

    def _change(self, standing: Standing, found: Opportunity | None = None) -> Change:
        return Change(alert=standing.alert, state=standing.state, price_cents=_price(standing), offer_id=standing.offer_now, at=self._now(), opportunity=found)

    def _weigh(self, alert: Alert, found: Opportunity, verdict: Verdict) -> None:
        self._weighed[alert.id] = msgspec.msgpack.encode(verdict.weigh(found))

    def _standing(self, alert: Alert) -> Standing | None:
        return self._out.get(_place(alert), {}).get(alert.id)

    def _put(self, standing: Standing) -> None:
        self._out.setdefault(_place(standing.alert), {})[standing.alert.id] = standing

    def _drop(self, standing: Standing) -> None:
        place = _place(standing.alert)
        self._out.get(place, {}).pop(standing.alert.id, None)
        self._offered.discard(standing.alert.id)
        self._waiting.discard(standing.alert.id)
        self._checked.pop(standing.alert.id, None)
        self._weighed.pop(standing.alert.id, None)
        if not self._out.get(place):
            self._out.pop(place, None)


def _held(alert: Alert, row: Offer, verdict: Verdict) -> Opportunity | None:
    """What the offer of an alert is now: at the level at which it was told, be that watched or not, or else at one that is watched."""
    outcome = verdict.at(row, alert.level)
    if not isinstance(outcome, str):
        return outcome
    found = verdict.found.get(row.offer_id)
    return found[1] if found else None


def _price(standing: Standing) -> int | None:
    return None if standing.state is AlertState.GONE else standing.price_now


def _place(alert: Alert) -> tuple[Game, str]:
    return alert.opportunity.game, alert.opportunity.title
