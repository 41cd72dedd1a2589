"""A watch: newest listings first, for ever; what it finds is told once, checked right before, and followed until it is gone.

``Watch`` runs the rounds of its ``Patrol`` of each game, shares out the looks among them, and hands out the events. What it
may use of the quota is its client's, which is given a part of the account's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Self

from botcore.client import Clock, DMarketClient, RealClock, counting
from botcore.errors import BotcoreError, MarketError, ScanFailed, StoreError, Unauthorized
from botcore.model import Alert, Change, Game, Offer, RequestClass, WatchQuery
from botcore.scan.figures import Tally, WatchFigures
from botcore.scan.jobs import Job, Jobs, Rank
from botcore.scan.ledger import Keeper, Ledger, Unkept
from botcore.scan.newest import intervals
from botcore.scan.options import WatchOptions
from botcore.scan.patrol import Patrol

if TYPE_CHECKING:
    from botcore.cache import Cache
    from botcore.scan.evidence import Assessment
    from botcore.scan.following import Following
    from botcore.store import Journal

__all__ = ["Watch"]

SAVE = 1.0
"""Seconds between two times at which the watermarks are kept, and the looks are shared out anew."""
TRIES = 20
LONGEST = 8.0
FIRST = 0.25
"""Seconds to wait after a failure, doubled with each one in a row, up to ``LONGEST``."""
PRUNE = 3600.0
CHECKS = 4
"""Alerts that are checked once more at a time, before they are handed out."""
ROUNDS = frozenset({"newest", "prices"})
"""What always asks the market, so that it tells whether that answers; what is the account's own stays as it was when it cannot be had."""
_log = logging.getLogger(__name__)


class Watch:
    """A watch under way, as an async context manager and an async iterator of ``Alert``, ``Change`` and ``WatchFigures``.

    Asking for the next event says that the one before is in good hands: it is not told again. What was handed out and is
    not in good hands when a watch ends, is handed out by the next one, marked ``again``. ``client`` is paced by the part of the quota that
    the watch may use; ``whole`` are the limits of all of it. ``keeper`` keeps its state, ``dropped`` hears of each new offer
    that is none, ``following`` follows what became of what was told. ``clock`` is where its waits come from.

    Raises, from the iteration:
        ScanFailed: the market refused the keys.
    """

    def __init__(  # noqa: PLR0913 - each is a part that the app may leave out
        self,
        client: DMarketClient,
        query: WatchQuery,
        options: WatchOptions | None = None,
        *,
        whole: dict[str, int] | None = None,
        keeper: Keeper | None = None,
        cache: Cache | None = None,
        journal: Journal | None = None,
        dropped: Callable[[Game, Offer, str, float], None] | None = None,
        following: Following | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.query = query
        self.options = options or WatchOptions()
        self.patrols: dict[Game, Patrol] = {}
        self._client = client
        self._keeper = keeper or Unkept()
        self._cache = cache
        self._journal = journal
        self._dropped = dropped
        self._following = following
        self._clock = RealClock() if clock is None else clock
        self._began = client.now()
        self._tally = Tally(whole or client.quota.limits, self._clock.monotonic())
        self._ledger = Ledger(self._keeper, self._emit, client.now)
        self._jobs = Jobs(self.options.workers)
        self._events: asyncio.PriorityQueue[tuple[bool, int, Alert | Change | WatchFigures | None]] = asyncio.PriorityQueue()
        self._arrivals = count()
        self._checks: set[asyncio.Future[bool]] = set()
        self._handed: tuple[Alert, str] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._saved: dict[Game, float] = {}
        self._over = False
        self._heard = False
        self._failing_since: float | None = None
        self._error: BotcoreError | None = None

    async def __aenter__(self) -> Self:
        """Take up what an earlier watch left, and begin. Raises StoreError."""
        self._clock.begin(f"watch {' '.join(self.query.games)} {self.query.scope}")
        marks = await self._keeper.watermarks(self.query.scope)
        for game in self.query.games:
            self.patrols[game] = self._patrol(game, marks.get(game))
        await self._ledger.load(self.query)
        for game, patrol in self.patrols.items():
            self._begin(self._game(patrol), f"watch {game}")
        for number in range(self._jobs.staff):
            self._begin(self._worker(), f"watch worker {number}")
        self._begin(self._forever("rescan", self._rescan, lambda: 0.0), "watch rescan")
        self._begin(self._forever("store", self._keep, lambda: SAVE), "watch state")
        self._begin(self._forever("store", self._prune, lambda: PRUNE), "watch pruning")
        if self.options.figures:
            self._begin(self._tell_figures(), "watch figures")
        if (following := self._following) is not None:
            self._begin(self._outcomes(following.note, lambda: 0.0), "watch outcomes")
            self._begin(self._outcomes(following.ask, lambda: following.pause), "watch outcomes due")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End: nothing is under way any more, and how far it came is kept."""
        self.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(StoreError):
            await self._keep()

    def __aiter__(self) -> AsyncIterator[Alert | Change | WatchFigures]:
        return self

    async def __anext__(self) -> Alert | Change | WatchFigures:
        await self._acknowledge()
        while True:
            event = None if self._over else (await self._events.get())[-1]
            if self._over or event is None:
                raise self._error or StopAsyncIteration
            if isinstance(event, WatchFigures) or await self._holds(event):
                return event

    def stop(self) -> None:
        """End the iteration; what waits to be handed out is handed out by the next watch."""
        self._over = True
        self._queue(None, first=True)

    async def sent(self, alert: Alert) -> None:
        """The door sent an alert just now. Raises StoreError."""
        await self._keeper.sent(alert.id, at=self._client.now())

    async def recheck(self, alert: Alert) -> bool:
        """Whether an alert still holds, asked of the market now; where it does not, a change follows. False as well when it cannot be told."""
        return await self._look(alert) and self._ledger.holds(alert)

    def holds(self, alert: Alert) -> bool | None:
        """Whether an alert holds, by what is known of it; None when that is older than ``recheck`` of the options, so that the market is to be asked."""
        if not self._ledger.holds(alert):
            return False
        return True if self._fresh(alert) else None

    def weighed(self, alert: Alert) -> Assessment | None:
        """How the evidence of an alert looks, by the latest look at which it was an opportunity; None when that is not known, or it is over."""
        weighed = self._ledger.weighed(alert)
        return weighed.assessment if weighed else None

    @property
    def heard(self) -> bool:
        """Whether the market answered a round since the watch began."""
        return self._heard

    @property
    def failing(self) -> float:
        """Seconds since when the market answered no round any more; 0 while it answers."""
        return 0.0 if self._failing_since is None else self._clock.monotonic() - self._failing_since

    @property
    def over(self) -> bool:
        """Whether no more events come."""
        return self._over

    @property
    def figures(self) -> WatchFigures:
        """Where the watch stands."""
        games = {game: patrol.figures() for game, patrol in self.patrols.items()}
        return self._tally.figures(self._clock.monotonic(), live=self._ledger.live(), waiting=len(self._jobs), games=games)

    # ---- events -----------------------------------------------------------------------------------------------------

    def _emit(self, event: Alert | Change) -> None:
        """An event is kept and waits for the door."""
        if isinstance(event, Change):
            self._tally.changes += 1
        elif not event.again:
            new = event.listed_at >= self._began and event.seen_at < event.decided_at  # else it began to pay later, and something else showed it
            self._tally.alerted(event.queued_at - event.listed_at if new else None)
            if self._following is not None:
                self._following.alerted(event, self._ledger.weighed(event))
        self._queue(event)

    def _queue(self, event: Alert | Change | WatchFigures | None, *, first: bool = False) -> None:
        self._events.put_nowait((not first, next(self._arrivals), event))

    async def _holds(self, event: Alert | Change) -> bool:
        """Whether an event is to be handed out. An alert of which nothing was heard for a moment is checked once more."""
        if isinstance(event, Alert) and self._ledger.holds(event) and not self._fresh(event):
            await self._check(event)
            return False
        try:
            mark = await self._ledger.offer(event)
        except StoreError as error:
            self._trouble("store", error)
            self._later(event)
            return False
        if mark is None:
            self._tally.gone += isinstance(event, Alert)
            return False
        self._handed = (event if isinstance(event, Alert) else event.alert), mark
        return True

    def _fresh(self, alert: Alert) -> bool:
        return self._clock.monotonic() <= self._ledger.checked_at(alert) + self.options.recheck

    async def _check(self, alert: Alert) -> None:
        """Have the title of an alert looked at once more, beside a few others: one by one, each would be too old again when it is its turn."""
        if len(self._checks) >= CHECKS:
            await asyncio.wait(self._checks, return_when=asyncio.FIRST_COMPLETED)
        looked = self._look(alert)
        self._checks.add(looked)
        looked.add_done_callback(partial(self._checked, alert))

    def _checked(self, alert: Alert, looked: asyncio.Future[bool]) -> None:
        """It is its turn now; where its title could not be looked at, it waits."""
        self._checks.discard(looked)
        if looked.result():
            self._queue(alert, first=True)
        else:
            self._later(alert)

    def _look(self, alert: Alert) -> asyncio.Future[bool]:
        """Look at the title of an alert now; False when that cannot be done."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        found = alert.opportunity
        self._jobs.put(Job(found.game, found.title, Rank.HAND_OUT, done=[future]))
        return future

    def _later(self, event: Alert | Change) -> None:
        """Hand it out when some time has passed."""
        self._clock.call_later(FIRST, partial(self._queue, event))

    async def _acknowledge(self) -> None:
        """The door has what was handed out last."""
        handed, self._handed = self._handed, None
        if handed is not None:
            try:
                await self._ledger.tell(*handed)
            except StoreError as error:
                self._trouble("store", error)

    async def _tell_figures(self) -> None:
        while True:
            await self._clock.sleep(self.options.figures)
            self._queue(self.figures)

    # ---- rounds -----------------------------------------------------------------------------------------------------

    def _patrol(self, game: Game, mark: float | None) -> Patrol:
        return Patrol(
            self._client,
            game,
            self.query,
            self.options,
            ledger=self._ledger,
            jobs=self._jobs,
            tally=self._tally,
            mark=mark,
            cache=self._cache,
            journal=self._journal,
            dropped=None if self._dropped is None else partial(self._dropped, game),
            clock=self._clock,
        )

    def _begin(self, work: Awaitable[None], name: str) -> None:
        async def guarded() -> None:
            try:
                await work
            except Unauthorized as error:
                self._fail(ScanFailed(f"the market refused the keys: {error}"))

        task = asyncio.get_running_loop().create_task(guarded(), name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A part of the watch ended; one that fails in a way that nobody expected ends the watch."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("the watch ended: %s failed", task.get_name(), exc_info=error)
            self._fail(ScanFailed(f"the watch ended: {task.get_name()} failed with {type(error).__name__}: {error}"))

    def _fail(self, error: BotcoreError) -> None:
        self._error = self._error or error
        self.stop()

    async def _game(self, patrol: Patrol) -> None:
        """Begin all rounds of a game, none before its fees are known."""
        await self._until_it_succeeds("own", patrol.own)
        self._begin(self._forever("newest", patrol.read_newest, lambda: patrol.interval), f"watch {patrol.game} newest")
        self._begin(self._forever("prices", patrol.sweep, lambda: self.options.sweep), f"watch {patrol.game} prices")
        self._begin(self._forever("own", patrol.own, lambda: self.options.own, at_once=False), f"watch {patrol.game} own")

    async def _until_it_succeeds(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while not await self._try(what, work):
            failures += 1
            await self._clock.sleep(_pause(failures))

    async def _forever(self, what: str, work: Callable[[], Awaitable[None]], pause: Callable[[], float], *, at_once: bool = True) -> None:
        """Do it over and over, ``pause`` seconds from one beginning to the next, and later after failures."""
        failures = 0
        if not at_once:
            await self._clock.sleep(pause())
        while True:
            began = self._clock.monotonic()
            failures = 0 if await self._try(what, work) else failures + 1
            passed = self._clock.monotonic() - began
            await self._clock.sleep(max(0.0, pause() - passed, _pause(failures)))

    async def _try(self, what: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether it could be done. A refused key ends the watch; anything else is counted."""
        try:
            await work()
        except Unauthorized:
            raise
        except (MarketError, StoreError) as error:
            if isinstance(error, MarketError) and self._failing_since is None:
                self._failing_since = self._clock.monotonic()
            self._trouble(what, error)
            return False
        if what in ROUNDS:
            self._heard, self._failing_since = True, None
        return True

    def _trouble(self, what: str, error: BotcoreError) -> None:
        self._tally.failed(what, error)
        _log.warning("watch, %s: %s", what, error)

    async def _rescan(self) -> None:
        """One round over the whole listing of each game."""
        ready = [patrol for patrol in self.patrols.values() if patrol.ready]
        for patrol in ready:
            await patrol.rescan()
        if not ready:
            await self._clock.sleep(FIRST)

    async def _keep(self) -> None:
        """Keep how far it came, share out the looks by how busy the games are, and see to alerts that nobody looked at."""
        self._tally.sample(self._clock.monotonic())
        looks = self.options.newest * self._client.quota.limits[RequestClass.MARKET.value]
        rates = {game: patrol.newest.rate for game, patrol in self.patrols.items()}
        for game, seconds in intervals(rates, looks, self.options.fastest, self.options.slowest).items():
            self.patrols[game].interval = seconds
            self.patrols[game].verify()
        marks = {game: mark for game, patrol in self.patrols.items() if (mark := patrol.newest.watermark) is not None}
        changed = {game: mark for game, mark in marks.items() if mark != self._saved.get(game)}
        if changed:
            await self._keeper.advance(self.query.scope, changed, at=self._client.now())
            self._saved |= changed

    async def _outcomes(self, work: Callable[[], Awaitable[None]], pause: Callable[[], float]) -> None:
        with counting(self._tally.spent["outcomes"]):
            await self._forever("outcomes", work, pause)

    async def _prune(self) -> None:
        await self._keeper.prune(self._client.now() - self.options.keep)

    async def _worker(self) -> None:
        while True:
            job = await self._jobs.take()
            well = False
            try:
                patrol = self.patrols[job.game]  # an alert of before may wait for a look already when the fees are not known
                well = patrol.ready and await self._try("evidence", partial(patrol.work, job))
            finally:
                self._jobs.finish(job)
                job.end(well=well)
            if not well:
                self._again(job)

    def _again(self, job: Job) -> None:
        """A title could not be looked at: once more later, until it is given up."""
        job.tries += 1
        job.done = []
        if job.tries < TRIES:
            self._clock.call_later(_pause(job.tries), partial(self._jobs.put, job))
        else:
            self.patrols[job.game].give_up(job)


def _pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(LONGEST, FIRST * 2.0 ** (failures - 1)) if failures else 0.0
