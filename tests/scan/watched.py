"""What the tests of the watch share: a market with a witness, a clock that is moved by hand, and a watch that is led step by step."""

from __future__ import annotations

import asyncio
import heapq
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from botcore.client import PartQuota
from botcore.model import Alert, AlertState, Change, WatchQuery
from botcore.sandbox import MarketOptions
from botcore.sandbox.witness import Life, Witness
from botcore.scan import Watch, WatchOptions

from .support import desk_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from botcore.client import DMarketClient
    from botcore.scan.following import Following
    from botcore.scan.ledger import Keeper

    from .support import Desk

MARKET = MarketOptions(seed=5, size=1_500, latency=0.0, limits=False, deals=0.3)
LOOPS = 3
"""Rounds of each game that go on for ever: new offers, prices, what is the account's own."""
ROUND = 20.0
"""Seconds for which a round of the rescan lasts, which in a world without latency would go on and on."""
OTHERS = 3
"""Rounds of the whole watch: the rescan, its state, pruning."""


class HandClock:
    """A clock that stands still until it is moved. Whoever sleeps is woken in the order of time, and ends his work before the next."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def monotonic(self) -> float:
        return self.now

    def unix(self) -> float:
        return self.now

    def chance(self) -> float:
        return 0.5

    def begin(self, what: str) -> None:
        pass

    def call_later(self, delay: float, callback: Callable[[], None]) -> Any:
        self._count += 1
        heapq.heappush(self._sleepers, (self.now + delay, self._count, callback))

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self.call_later(seconds or ROUND, woken.set)
        await woken.wait()

    @property
    def next(self) -> float:
        return self._sleepers[0][0]

    def wake(self) -> None:
        self.now, _, callback = heapq.heappop(self._sleepers)
        callback()

    def __len__(self) -> int:
        return len(self._sleepers)


class Led:
    """A watch that is led step by step, with the truth beside it."""

    def __init__(self, watch: Watch, clock: HandClock, desk: Desk) -> None:
        self.watch, self.clock, self.desk = watch, clock, desk
        self.alerts: list[Alert] = []
        self.changes: list[Change] = []
        self.following = watch._following
        self._door: asyncio.Task[None] | None = None

    def open_door(self) -> None:
        """Take every event, as a door does that never fails."""
        self._door = asyncio.get_running_loop().create_task(self._take())

    async def _take(self) -> None:
        async for event in self.watch:
            if isinstance(event, Alert):
                self.alerts.append(event)
            elif isinstance(event, Change):
                self.changes.append(event)

    async def quiet(self) -> None:
        """Wait until nothing is under way any more: all rounds sleep, no title is looked at, and every event was taken."""
        while not self._still():  # noqa: ASYNC110 - many things must be over, none of which says so
            await asyncio.sleep(0)
        for _ in range(5):  # an event that was taken just now is still to be noted
            await asyncio.sleep(0)

    def _still(self) -> bool:
        """Whether all rounds sleep, of which a game has but one until its fees are known, and the door waits as well."""
        rounds = OTHERS + sum(LOOPS if patrol.ready else 1 for patrol in self.watch.patrols.values())
        at_rest = self._door is None or self._door.done() or self.watch._events.empty()
        return len(self.clock) >= rounds + self._outcomes() and self.watch._jobs.idle and at_rest

    def _outcomes(self) -> int:
        """Rounds of the outcomes that sleep when they are at rest: the asking one, and while something waits to be noted that one as well."""
        one = self.following
        return 0 if one is None else 1 + bool(one._earlier or one._follower._alerts or one._follower._rejected)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass; whatever is due meanwhile is done."""
        end = self.clock.now + seconds
        await self.quiet()
        while self.clock.next <= end:
            self.clock.wake()
            await self.quiet()
        self.clock.now = end

    @property
    def told(self) -> set[str]:
        """Offers that the door knows as what they are."""
        return {alert.opportunity.offer_id for alert in self.alerts} | {change.offer_id for change in self.changes if change.state is not AlertState.GONE}

    async def end(self) -> None:
        if self._door is not None:
            self.watch.stop()
            await self._door


@asynccontextmanager
async def led(
    desk: Desk,
    *,
    client: DMarketClient | None = None,
    keeper: Keeper | None = None,
    query: WatchQuery | None = None,
    door: bool = True,
    clock: HandClock | None = None,
    following: Following | None = None,
    **options: Any,
) -> AsyncIterator[Led]:
    """A watch of a desk's market, whose time is moved by hand."""
    clock = HandClock() if clock is None else clock
    market = client or desk.client
    part = PartQuota(market.quota, 0.9, call_later=market.quota._call_later)
    watch = Watch(market.within(part), query or WatchQuery(), WatchOptions(**options), keeper=keeper, following=following, clock=clock)
    async with watch:
        made = Led(watch, clock, desk)
        if door:
            made.open_door()
        try:
            await made.quiet()
            yield made
        finally:
            await made.end()


@asynccontextmanager
async def watched_market(market: MarketOptions = MARKET, **changed: Any) -> AsyncIterator[tuple[Desk, Witness]]:
    """A market of one's own and the witness of its opportunities."""
    async with desk_at(msgspec.structs.replace(market, **changed)) as desk:
        yield desk, Witness(desk.server.world, desk.server.churn)


def sell(desk: Desk, alert: Alert) -> None:
    """Somebody buys the offer of an alert."""
    offer = desk.server.world.find_offer(alert.opportunity.offer_id)
    assert offer is not None
    desk.server.world.drop(offer)


async def next_alert(watch: Watch) -> Alert:
    """The next event, which is an alert."""
    event = await anext(watch)
    assert isinstance(event, Alert)
    return event


def alive(witness: Witness) -> dict[str, Life]:
    """The opportunities that are there now, by offer id."""
    return {life.offer_id: life for life in witness.lives if life.died is None}
