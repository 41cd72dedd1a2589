"""One scan from its first request to its report: pages → offers → table → evidence → opportunities, each as soon as known.

The only place where client, bands, table and match meet. What is needed per title is asked by bounded worker pools, and
every request waits for its turn in the client's quota.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Coroutine, Iterable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from botcore.cache import CacheCounts
from botcore.client import ClientStats, Clock, DMarketClient, OffersPage, Priority, RealClock, counting
from botcore.errors import MarketError, Refused, ScanFailed, Unauthorized
from botcore.model import Funnel, Offer, Opportunity, OwnTarget, RequestClass, ScanQuery, ScanReport
from botcore.scan.ahead import Hopes, likeliest
from botcore.scan.bands import PAGE, Bands, Chain
from botcore.scan.inquiry import Inquiry
from botcore.scan.options import ScanOptions, ScanProgress
from botcore.scan.pace import CLASSES, Pace
from botcore.scan.pool import Pool
from botcore.scan.stages import Stages
from botcore.scan.table import Dossier, Need, Table

if TYPE_CHECKING:
    from botcore.cache import Cache
    from botcore.store import Journal

__all__ = ["Run", "market_name"]

T = TypeVar("T")
LINGER = 1.0
LINGER_FIRST = 0.05
"""Seconds that titles wait for company before they are quoted in a batch that is not full: little at first, up to ``LINGER`` later."""
SWEEP = 0.1
"""Seconds between looks at all cases that wait for more of the listing."""


class Run:
    """One scan from its first request to its report."""

    def __init__(
        self,
        client: DMarketClient,
        options: ScanOptions,
        query: ScanQuery,
        *,
        cache: Cache | None = None,
        journal: Journal | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or RealClock()
        self._clock.begin(f"scan {query.game} {query.level}")
        self.client = client
        self.options = options
        self.query = query
        self.results: asyncio.Queue[Opportunity | None] = asyncio.Queue()
        self.found: list[Opportunity] = []
        self.first = asyncio.Event()
        self.bands = Bands(*query.level.price_window)
        self.table: Table | None = None
        self.report = ScanReport(market_name(client.base_url), query.game, query.level, datetime.fromtimestamp(self._clock.unix(), UTC))
        self._started = self._clock.monotonic()
        self._pace = Pace(client, options, self.bands, self._clock)
        self._tally = ClientStats()
        self._finished = asyncio.Event()
        self._ready = asyncio.Event()
        self._error: ScanFailed | None = None
        self._stages = Stages()
        self._cache = cache
        self._journal = journal
        self._remembered = CacheCounts()
        broken = partial(self._stages.note, "sale", "BadAnswer")
        self._inquiry = Inquiry(client, query.game, options.concurrency, cache=cache, journal=journal, broken=broken)
        self._waiting: dict[str, Dossier] = {}
        self._jobs = 0
        self._quoting = 0
        self._hopes = Hopes()
        self._last_quote = -math.inf
        self._last_sweep = -math.inf
        self._tasks: set[asyncio.Task[Any]] = set()
        self._pools: dict[Need, Pool[Dossier]] = {
            need: Pool(self._start, partial(self._pace.bound, kind), partial(self._evidence, need)) for need, kind in CLASSES.items()
        }
        self._over = 0.0

    # ---- the whole -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until all is known, the deadline passes or somebody stops it; then complete the report."""
        deadline = self.options.deadline
        limit = None if deadline is None else self._clock.call_later(deadline, partial(self.stop, f"the deadline of {deadline:g} s passed"))
        try:
            await self._work()
        finally:
            if limit is not None:
                limit.cancel()
            self._complete()
            self.results.put_nowait(None)
        if self._error is not None:
            raise self._error

    def stop(self, reason: str) -> None:
        """End the work at once; what was found stays."""
        if not self._finished.is_set():
            self.report.stopped = reason
            self._finished.set()

    async def _work(self) -> None:
        remembering = self._cache.counting(self._remembered) if self._cache else nullcontext()
        with counting(self._tally), remembering:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._start(self._prepare())
                self._pump()
                later = self._clock.call_later(self.client.quota.options.window, self._pump)
                try:
                    await self._finished.wait()
                finally:
                    later.cancel()
                for task in self._tasks:
                    task.cancel()

    def _start(self, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _done(self) -> bool:
        return self.bands.done and not (self.bands.flying or self._jobs or (self.table and self.table.unquoted))

    # ---- before the first offer can be judged ----------------------------------------------------------------------

    async def _prepare(self) -> None:
        """Fees and the account's own offers and targets. Without fees there is no honest scan."""
        game, priority = self.query.game, self.options.priority
        offers, targets = self._start(self._own_offers()), self._start(self._own_targets())
        try:
            fees = await self._inquiry.fee_book(priority)
        except MarketError as error:
            self._abort(f"no fee book for {game}, and no fee is ever assumed: {error}", "fees", error)
            return
        self.table = Table(self.query, fees, self.bands, own_ids=frozenset(await offers), own_targets=await targets, now=self.client.now())
        self._ready.set()

    async def _own_offers(self) -> list[str]:
        offers = await self._own("own offers", self.client.own_offers(self.query.game, priority=self.options.priority))
        return [name for offer in offers for name in (offer.offer_id, offer.asset_id)]

    async def _own_targets(self) -> list[OwnTarget]:
        return await self._own("own targets", self.client.own_targets(self.query.game, priority=self.options.priority))

    async def _own(self, what: str, asked: Awaitable[list[T]]) -> list[T]:
        """The account's own offers or targets; when they cannot be had, the report says so and all count as others'."""
        try:
            return await asked
        except Unauthorized as error:
            self._abort(f"the market refused the keys: {error}", what, error)
        except MarketError as error:
            self._stages.note(what, type(error).__name__)
        return []

    # ---- reading ---------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Put as many pages under way as the quota and the latency call for."""
        wanted, limit = self._pace.pages(self._read, found=bool(self.found))
        wanted = min(wanted, 1) if self.query.title else wanted  # a page holds all offers of nearly every title
        while self.bands.flying < wanted and not self._pace.holding_back(self._read, found=bool(self.found)):
            chain = self.bands.next(limit)
            if chain is None:
                return
            self._start(self._page(chain))

    @property
    def _read(self) -> int:
        """Pages of the listing that were asked for so far."""
        return self._stages.tries.get("listing", 0)

    async def _page(self, chain: Chain) -> None:
        self._stages.tried("listing")
        try:
            page = await self.client.offers_page(
                self.query.game,
                price_from=chain.low,
                price_to=chain.high,
                order_by="price",
                descending=chain.descending,
                title=self.query.title or None,
                limit=PAGE,
                cursor=chain.cursor,
                priority=self.options.priority,
            )
        except MarketError as error:
            # A cursor may have grown too old; anything else that is refused once will be refused again.
            if isinstance(error, Refused) and not (chain.cursor and error.status == HTTPStatus.BAD_REQUEST):
                self._abort(f"the listing was refused: {error}", "listing", error)
                return
            self._fail("listing", error)
            self.bands.failed(chain)
            self._next()
            return
        await self._ready.wait()
        self._take(chain, page)

    def _take(self, chain: Chain, page: OffersPage) -> None:
        table = self._known
        table.now = self.client.now()
        table.ask_first = self._pace.ask_first(len(self._pools[Need.ASK]), len(self._pools[Need.SALES]))
        if page.broken:
            self._stages.note("offer", "BadAnswer", page.broken)
        if page.total and not page.offers and not (page.cursor or chain.cursor):
            # Seen when a listing was taken out of service: matches are counted, and none is given.
            self._stages.fail("listing", "EmptyPage")
            self.bands.failed(chain)
            self._next()
            return
        if not self.bands.landed(chain, [offer.price_cents for offer in page.offers], page.total, page.cursor):
            self._stages.fail("listing", "RepeatedCursor")
        for dossier in table.read(self._asked_for(page.offers)):
            self._route(dossier)
        self._next()

    def _asked_for(self, offers: Sequence[Offer]) -> Iterable[Offer]:
        """The market filters by the title's beginning, so longer titles come along with the one that was asked for."""
        return (offer for offer in offers if offer.title == self.query.title) if self.query.title else offers

    def _next(self) -> None:
        """After each step: more pages, more quotes, a look at what waits, and the end when all is known."""
        self._pump()
        if self.table is not None:
            self.table.hurry = self._pace.unqueued({need: len(pool) for need, pool in self._pools.items()}) if self.bands.done else frozenset()
        self._quote_some()
        now = self._clock.monotonic()
        over = self.bands.done and not self.bands.flying
        if over or now - self._last_sweep >= SWEEP:
            self._last_sweep = now
            self._sweep()
        if self._done():
            self._finished.set()

    def _sweep(self) -> None:
        for dossier in list(self._waiting.values()):
            self._route(dossier)
        if not self.bands.done and self.table is not None:
            self._look_ahead(self.table)

    def _look_ahead(self, table: Table) -> None:
        """Sales are the scarcest requests: where they would lie idle, they are asked for the likeliest of the titles that wait."""
        room = self._pace.under_way(RequestClass.SALES) - len(self._pools[Need.SALES])
        if room <= 0 or self.client.quota.waiting(RequestClass.SALES):
            return
        for dossier in likeliest(table, self._waiting.values(), room):
            self._ask_for(dossier, Need.SALES, "")

    # ---- quotes ----------------------------------------------------------------------------------------------------

    def _quote_some(self) -> None:
        """Ask for quotes: full batches at once, the rest when it has waited long enough or nothing more will come."""
        if self.table is None:
            return
        waiting = self.table.unquoted
        size = self.options.titles(self.bands.total)
        over = self.bands.done and not self.bands.flying
        linger = min(LINGER, LINGER_FIRST * self._stages.tries.get("quotes", 0))
        idle = not self._quoting and self._clock.monotonic() - self._last_quote >= linger
        while waiting and (len(waiting) >= size or over or idle):
            batch, waiting[:] = waiting[:size], waiting[size:]
            idle = False
            self._quoting += 1
            self._jobs += 1
            self._last_quote = self._clock.monotonic()
            self._start(self._quotes(batch))

    async def _quotes(self, batch: list[Dossier]) -> None:
        self._stages.tried("quotes")
        try:
            quotes = await self._inquiry.quotes([dossier.title for dossier in batch], self.options.priority)
        except MarketError as error:
            self._fail("quotes", error)
            for dossier in batch:
                self._known.fail(dossier)
        else:
            self._known.quote(batch, quotes)
            await self._recall(batch)
            for dossier in batch:
                self._route(dossier)
        finally:
            self._quoting -= 1
            self._jobs -= 1
        self._next()

    async def _recall(self, batch: list[Dossier]) -> None:
        """Sales that are remembered come first, since they cost nothing and tell which titles need no more."""
        by_title = {dossier.title: dossier for dossier in batch if dossier.cases and dossier.sales is None}
        for title, sales in (await self._inquiry.remembered_sales(list(by_title))).items():
            self._known.sales(by_title[title], sales)

    # ---- evidence --------------------------------------------------------------------------------------------------

    def _route(self, dossier: Dossier) -> None:
        """Decide what can be decided of a title, show what was found, and ask for what is missing."""
        needs, found = self._known.settle(dossier)
        for opportunity in found:
            self._show(opportunity)
        if any(need is Need.WAIT for need, _ in needs):
            self._waiting[dossier.title] = dossier
        else:
            self._waiting.pop(dossier.title, None)
        if not self.found:
            needs |= self._hopes.of(self._known, dossier)
        for need, phase in sorted(needs, key=_by_name):
            if need is not Need.WAIT:
                self._ask_for(dossier, need, phase)

    def _ask_for(self, dossier: Dossier, need: Need, phase: str) -> None:
        if (need, phase) not in dossier.pending:
            dossier.pending.add((need, phase))
            self._jobs += 1
            self._pools[need].put(self._known.promise(dossier), dossier, phase)

    def _urgency(self, dossier: Dossier) -> Priority:
        """A title that promises the first find goes before the rest of its own scan, never before somebody more urgent."""
        return Priority(max(Priority.WATCH, self.options.priority - 1)) if dossier.hoped and not self.found else self.options.priority

    def _show(self, opportunity: Opportunity) -> None:
        if self.report.first_find_seconds is None:
            self.report.first_find_seconds = self._clock.monotonic() - self._started
        self.found.append(opportunity)
        self.first.set()
        self.results.put_nowait(opportunity)

    async def _evidence(self, need: Need, dossier: Dossier, phase: str) -> None:
        """Ask for one kind of evidence of a title. A failure costs the title, not the scan."""
        try:
            if dossier.cases:
                self._stages.tried(need.value)
                await self._inquire(need, dossier, phase)
        except MarketError as error:
            self._fail(need.value, error)
            self._known.fail(dossier)
        finally:
            dossier.pending.discard((need, phase))
            self._jobs -= 1
        self._route(dossier)
        self._next()

    async def _inquire(self, need: Need, dossier: Dossier, phase: str) -> None:
        urgency = self._urgency(dossier)
        if need is Need.TARGETS:
            self._known.targets(dossier, await self._inquiry.targets(dossier.title, urgency))
        elif need is Need.SALES:
            self._known.sales(dossier, await self._inquiry.sales(dossier.title, urgency))
        else:
            await self._inquiry.rivals(self._known, dossier, phase, urgency)

    # ---- failures and the end --------------------------------------------------------------------------------------

    def _fail(self, stage: str, error: MarketError) -> None:
        """Count a failure; a stage that fails too often, or a refused key, ends the scan."""
        self._stages.fail(stage, type(error).__name__)
        if isinstance(error, Unauthorized):
            self._end(f"the market refused the keys: {error}")
        elif self._stages.hopeless(stage):
            self._end(f"more than a tenth of the requests for {stage} failed, last with: {error}")

    def _abort(self, reason: str, stage: str, error: MarketError) -> None:
        self._stages.note(stage, type(error).__name__)
        self._end(reason)

    def _end(self, reason: str) -> None:
        if self._error is None:
            self._error = ScanFailed(reason)
            self.report.stopped = reason
        self._finished.set()

    def _complete(self) -> None:
        """Write down the end: what was found, what it cost, and what stayed undecided."""
        self._over = self._clock.monotonic()
        self._finished.set()
        self.first.set()
        if self.table is not None:
            self.table.abandon("stopped" if self._error is None else "failed")
        failed = self._stages.failed()
        if failed and self._error is None and self.report.stopped is None:
            self._error = ScanFailed(f"more than a tenth of the requests for {' and '.join(failed)} failed; what was found is incomplete")
            self.report.stopped = str(self._error)
        report = self.summary()
        if self._journal is not None and not self.query.title:  # a look at one title is no scan that anybody would look up
            self._journal.scanned(report)
        if self._error is not None:
            self._error.report = report
            self._error.opportunities = report.opportunities

    def summary(self) -> ScanReport:
        """The report as it stands, with what was found in the domain's order."""
        report, tally = self.report, self._tally
        report.seconds = (self._over or self._clock.monotonic()) - self._started
        report.requests = tally.requests
        report.stages = dict(self._stages.tries)
        report.throttled, report.retries = tally.throttled, tally.retries
        report.quota_bound_seconds = max(getattr(tally.requests, name) / limit for name, limit in self.client.quota.limits.items())
        if self.table is not None:
            report.funnel = self.table.funnel
            report.listed = report.funnel.listed
        report.cache = self._remembered.flat() if self._cache else {}
        report.failures = self._stages.failures()
        report.drift = tally.drifted()
        report.opportunities = sorted(self.found, key=lambda found: found.order)
        return report

    def progress(self) -> ScanProgress:
        """Where the scan stands."""
        return ScanProgress(
            seconds=(self._over or self._clock.monotonic()) - self._started,
            listed=self.table.funnel.listed if self.table else 0,
            total=self.bands.total,
            listing=not self.bands.done,
            waiting=len(self._waiting),
            evidence=self._jobs,
            found=len(self.found),
            requests=self._tally.requests,
            funnel=self.table.funnel if self.table else Funnel(),
        )

    @property
    def _known(self) -> Table:
        """The table, which exists from the moment that offers are judged."""
        if self.table is None:
            raise RuntimeError("an offer was judged before the fees were known")
        return self.table


def _by_name(need: tuple[Need, str]) -> tuple[str, str]:
    """An order that does not change from one process to the next, as that of a set does."""
    return need[0].value, need[1]


def market_name(url: str) -> str:
    """``dmarket`` for DMarket itself; whatever stands anywhere else is a sandbox and called so."""
    host = urlsplit(url).hostname or ""
    return "dmarket" if host == "dmarket.com" or host.endswith(".dmarket.com") else "sandbox"
