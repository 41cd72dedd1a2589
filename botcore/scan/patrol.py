"""One watched game: reads what is new, all prices, and the whole listing over and over, and looks at the titles that may pay.

Each method does one round of one thing and may be called again at any time; ``Watch`` calls them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from botcore.client import Clock, DMarketClient, Priority, counting
from botcore.errors import MarketError, Refused, RepeatedCursor, Unauthorized
from botcore.model import AlertState, Game, Offer, Quote, RequestClass, Standing, WatchQuery
from botcore.scan.bands import PAGE
from botcore.scan.books import BOTH, NEITHER, Books, Ways, either, windows
from botcore.scan.entry import Entry
from botcore.scan.figures import GameFigures, Tally
from botcore.scan.jobs import Job, Jobs, Rank
from botcore.scan.judge import Judge
from botcore.scan.ledger import Ledger
from botcore.scan.newest import Newest
from botcore.scan.options import TITLES_A_QUOTE, WatchOptions
from botcore.scan.verdict import Look

if TYPE_CHECKING:
    from botcore.cache import Cache
    from botcore.store import Journal

__all__ = ["Dropped", "Patrol"]

Dropped = Callable[[Offer, str, float], None]
"""Hears of a new offer that is none, the funnel's name for why, and when it was seen (unix seconds)."""
_PURPOSE = {Rank.HAND_OUT: "recheck", Rank.TOLD: "recheck", Rank.VERIFY: "recheck", Rank.RESCAN: "rescan", Rank.LEARN: "rescan"}


class Patrol:
    """One game of a watch. ``mark``: where an earlier watch ended, in unix seconds; None where there was none."""

    def __init__(  # noqa: PLR0913 - what all patrols of a watch share
        self,
        client: DMarketClient,
        game: Game,
        query: WatchQuery,
        options: WatchOptions,
        *,
        ledger: Ledger,
        jobs: Jobs,
        tally: Tally,
        mark: float | None,
        cache: Cache | None,
        journal: Journal | None,
        dropped: Dropped | None,
        clock: Clock,
    ) -> None:
        self.game = game
        self.books = Books(windows(query), query.muted, client.now)
        self.newest = Newest(mark)
        self.interval = options.slowest
        self.looks = 0
        self.rescans = 0
        self.rescanned = 0.0
        self._judge = Judge(client, game, query, self.books, cache=cache, journal=journal, clock=clock)
        self._levels = query.levels
        self._client = client
        self._options = options
        self._ledger = ledger
        self._jobs = jobs
        self._tally = tally
        self._journal = journal
        self._dropped = dropped
        self._clock = clock
        self._verified: dict[str, float] = {}
        self._began = client.now()
        self._goes_on = mark is not None
        self._frontier = self.books.low
        self._by_title = False
        self._settling = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Patrol {self.game}: {self.newest}, {self.books}>"

    @property
    def ready(self) -> bool:
        """Whether fees are known, without which nothing can be judged."""
        return self.books.fees is not None

    def figures(self) -> GameFigures:
        """Where the game stands."""
        return GameFigures(self.newest.rate, self.interval, self.looks, len(self.books.entries), self.rescans, self.rescanned)

    async def own(self) -> None:
        """Ask for fees and for the account's own offers and targets."""
        with counting(self._tally.spent["own"]):
            await self._judge.refresh()

    # ---- new offers -------------------------------------------------------------------------------------------------

    async def read_newest(self) -> None:
        """Read the newest listings down to what is known, and put to work what may pay."""
        cursor, pages, count = "", 0, 0
        oldest = None
        going_on = True
        while going_on and pages < self._options.catch_up:
            with counting(self._tally.spent["newest"]):
                page = await self._client.offers_page(
                    self.game,
                    price_from=self.books.low,
                    price_to=self.books.high,
                    order_by="createdAt",
                    descending=True,
                    limit=PAGE,
                    cursor=cursor,
                    priority=Priority.WATCH,
                )
            fresh, going_on = self.newest.take(page.offers)
            oldest = page.offers[-1].listed_at.timestamp() if page.offers else oldest
            count, pages, cursor = count + len(fresh), pages + 1, page.cursor
            await self._arrive(fresh, self._client.now())
            going_on = going_on and bool(cursor)
        self.newest.looked(oldest, count, self._client.now())
        self.looks += 1

    async def _arrive(self, fresh: Iterable[Offer], seen_at: float) -> None:
        """Take in new offers; those that may pay are looked at, the others are dropped."""
        hopeful = []
        for offer in fresh:
            old = offer.listed_at.timestamp() < self._began
            self._tally.funnel.listed += 1
            self._tally.seen += self._goes_on or not old
            self.books.arrive(offer, counted=old)
            reason = self.books.refusal(offer)
            if reason is None:
                hopeful.append(offer)
            else:
                self._drop(offer, reason, seen_at)
        unquoted = list(dict.fromkeys(offer.title for offer in hopeful if self.books.entry(offer.title).quote is None))
        if unquoted:
            await self._quote(unquoted)
        for offer in hopeful:
            ways = self.books.ways_of(offer)
            if ways.any:
                self._jobs.put(Job(self.game, offer.title, self._urgency(offer, ways), {offer.offer_id: (offer, seen_at)}))
            else:
                self._drop(offer, "low", seen_at)

    async def _quote(self, titles: list[str]) -> None:
        """Ask for quotes that are missing. Where they cannot be had, the offers are judged without."""
        try:
            with counting(self._tally.spent["evidence"]):
                await self._judge.quote(titles, Priority.WATCH)
        except Unauthorized:
            raise
        except MarketError as error:
            self._tally.failed("quotes", error)

    def _urgency(self, offer: Offer, ways: Ways) -> Rank:
        """What was listed before the watch began can wait; the rescan comes to it anyway, unless an earlier watch has to be made up for."""
        likely = self.books.likely(offer, ways)
        if offer.listed_at.timestamp() >= self._began:
            quote = self.books.entry(offer.title).quote
            cheapest = quote is not None and offer.price_cents <= quote.best_ask_cents
            return Rank.NEW if likely else Rank.MOVED if cheapest else Rank.DOUBT
        return Rank.MOVED if likely and (ways.target or self._goes_on) else self._found_by_rescan(offer.title, ways)

    def _drop(self, offer: Offer, reason: str, seen_at: float) -> None:
        self._tally.funnel.drop(reason)
        self.newest.decided(offer.offer_id)
        if self._dropped is not None:
            self._dropped(offer, reason, seen_at)

    # ---- all prices -------------------------------------------------------------------------------------------------

    async def sweep(self) -> None:
        """Ask for the prices of all titles, and put to work those whose prices changed so that something may pay."""
        with counting(self._tally.spent["prices"]):
            if not self._by_title:
                try:
                    await self._catalogue()
                except Unauthorized:
                    raise
                except Refused as error:  # a catalogue without titles is not documented; a market may not give it
                    self._tally.failed("catalogue", error)
                    self._by_title = True
            if self._by_title:
                titles = list(self.books.entries)
                for start in range(0, len(titles), TITLES_A_QUOTE):
                    quotes = await self._client.quotes(self.game, titles[start : start + TITLES_A_QUOTE], priority=Priority.SCAN)
                    self._quoted(quotes.values())

    async def _catalogue(self) -> None:
        cursor, seen = "", set[str]()
        while True:
            page = await self._client.quotes_page(self.game, cursor=cursor, priority=Priority.SCAN)
            self._quoted(page.quotes)
            cursor = page.cursor
            if not cursor:
                return
            if cursor in seen:
                raise RepeatedCursor("the prices of all titles go round in circles")
            seen.add(cursor)

    def _quoted(self, quotes: Iterable[Quote]) -> None:
        changed = self.books.quoted(quotes, self._clock.monotonic())
        if self._journal is not None:
            self._journal.quoted(self.game, [entry.quote for entry, _ in changed if entry.quote is not None], self._client.now())
        for entry, before in changed:
            self._suspect(entry, before)

    def _suspect(self, entry: Entry, before: Quote | None) -> None:
        """The prices of a title changed: look at it if alerts of it are out, or if it may pay now."""
        if entry.quote is None:
            return
        out = self._ledger.of(self.game, entry.title)
        if out and before is not None and _touched(out, before, entry.quote):
            self._jobs.put(Job(self.game, entry.title, Rank.TOLD))
            return
        ways = self.books.unmet(entry)
        if self._told_stands_first(entry, out):
            ways = ways._replace(relist=False)
        if not ways.any or self.books.cleared(entry, self._clock.monotonic()):
            return
        if before is None:
            if ways.target:
                self._jobs.put(Job(self.game, entry.title, Rank.RESCAN))
            return
        self._jobs.put(Job(self.game, entry.title, self._moved(entry, before, ways)))

    def _told_stands_first(self, entry: Entry, out: Iterable[Standing]) -> bool:
        """Whether the cheapest offer of a title of one kind is one that was told: then no other one pays by relisting."""
        best = entry.quote.best_ask_cents if entry.quote else 0
        return len(entry.kinds) <= 1 and any(one.state is AlertState.LIVE and one.price_now == best for one in out)

    def _moved(self, entry: Entry, before: Quote, ways: Ways) -> Rank:
        """How urgent a title is whose prices changed."""
        if not (ways.target or ways.sure) and entry.known_sales is None:
            return Rank.LEARN
        risen = entry.quote is not None and entry.quote.best_ask_cents > before.best_ask_cents
        return Rank.MOVED if ways.sure or ways.target or risen else Rank.DOUBT

    def _found_by_rescan(self, title: str, ways: Ways) -> Rank:
        """How urgent a title is that may pay and of which nothing new is known. As long as its sales are unknown, nearly every one may."""
        return Rank.LEARN if not ways.target and self.books.entry(title).known_sales is None else Rank.RESCAN

    # ---- the whole listing ------------------------------------------------------------------------------------------

    async def rescan(self) -> None:
        """Read the whole listing once, from where the last attempt came to."""
        turn = self.rescans + 1
        # The first round teaches what everything else is judged by: it takes a share of its own, the others what is left.
        priority = Priority.WARM if self.rescans else Priority.WATCH
        asked_at = self._clock.monotonic()
        with counting(self._tally.spent["rescan"]):
            async for page in self._client.offers(
                self.game, price_from=self._frontier, price_to=self.books.high, order_by="price", limit=PAGE, priority=priority
            ):
                self._suspect_all(self.books.rescanned(page.offers, turn, asked_at))
                if page.offers:
                    self._frontier = max(self._frontier, page.offers[-1].price_cents)
                    self.rescanned = self._share_done(len(page.offers), page.total)
                asked_at = self._clock.monotonic()
                if not self.rescans:
                    await self._clock.sleep(1 / (self._options.learn * self._client.quota.limits[RequestClass.MARKET.value]))
        self._suspect_all(self.books.rounded(turn, self._clock.monotonic()))
        self.rescans, self._frontier, self.rescanned = turn, self.books.low, 0.0

    def _share_done(self, read: int, total: int) -> float:
        return min(1.0, self.rescanned + read / max(total, read))

    def _suspect_all(self, found: dict[str, Ways]) -> None:
        for title, ways in found.items():
            if not self.books.cleared(self.books.entry(title), self._clock.monotonic()):
                self._jobs.put(Job(self.game, title, self._found_by_rescan(title, ways)))

    # ---- one title --------------------------------------------------------------------------------------------------

    async def work(self, job: Job) -> None:
        """Look at a title as far as it is needed, and settle what it tells. Raises MarketError and StoreError; then nothing is lost."""
        entry = self.books.entry(job.title)
        if job.suspicion and self.books.cleared(entry, self._clock.monotonic()):
            return  # another look was there first
        out = self._ledger.of(self.game, job.title)
        priority = job.rank.priority
        with counting(self._tally.spent[_PURPOSE.get(job.rank, "evidence")]):
            if job.rank is Rank.LEARN:
                await self._learn(entry, job)
                return
            ways = self._ways(entry, job)
            offers = [offer for offer, _ in job.offers.values()]
            if ways.relist and not (ways.target or out or job.done):
                ways = await self._narrowed(entry, job, ways, priority)
            if not (ways.any or out or job.done):
                self._drop_all(job, "low")
                return
            if out:  # what was told is judged anew as well
                ways = either(ways, self._ways_told(entry, out))
            look = await self._judge.look(entry, ways, offers, out, priority)
        await self._settle(job, look)

    async def _learn(self, entry: Entry, job: Job) -> None:
        """Ask for the sales of a title; it is looked at in its turn if these leave room for anything."""
        await self._judge.know_sales(entry, job.rank.priority)
        if self._ways(entry, job).any:
            self._jobs.put(Job(self.game, job.title, Rank.RESCAN, job.offers))
        else:
            self._drop_all(job, "low")

    async def _narrowed(self, entry: Entry, job: Job, ways: Ways, priority: Priority) -> Ways:
        """How offers may pay that can only be relisted, once their sales are known, or else their next ask: these rule most of them out."""
        if not ways.sure and job.rank is Rank.NEW:
            return ways  # everything at once: it stands before the best ask, and a deal is gone soon
        await self._judge.know_sales(entry, priority)
        ways = self._ways(entry, job)
        if ways.any and not ways.sure:
            await self._judge.know_asks(entry, [offer for offer, _ in job.offers.values()], priority)
            ways = self._ways(entry, job)
        return ways

    def _ways(self, entry: Entry, job: Job) -> Ways:
        """How the offers that the job is about may pay; where it is about the whole title, any offer of it."""
        if job.done:
            return BOTH
        ways = NEITHER
        for offer, _ in job.offers.values():
            ways = either(ways, self.books.ways_of(offer))
        return ways if job.rank is Rank.NEW else either(ways, self.books.ways(entry))

    def _ways_told(self, entry: Entry, out: Iterable[Standing]) -> Ways:
        """How what was told may pay, of which the books know nothing at levels that are not watched."""
        known = entry.quote is not None and all(standing.alert.level in self._levels for standing in out)
        return self.books.ways(entry) if known else BOTH

    async def _settle(self, job: Job, look: Look) -> None:
        verdict = self._judge.verdict(look)
        seen = {offer_id: seen_at for offer_id, (_, seen_at) in job.offers.items()}
        self._verified[job.title] = self._clock.monotonic()
        async with self._settling:
            await self._ledger.settle(self.game, look, verdict, seen)
        prices = {offer.offer_id: offer.price_cents for offer in look.rows}
        for offer_id, (offer, seen_at) in job.offers.items():
            self._tally.funnel.quoted += 1
            self._tally.funnel.checked += 1
            if offer_id in verdict.found:
                self._tally.funnel.found += 1
                self.newest.decided(offer_id)
            else:
                same = prices.get(offer_id) == offer.price_cents
                self._drop(offer, verdict.reasons.get(offer_id, "gone") if same else "gone", seen_at)

    def _drop_all(self, job: Job, reason: str) -> None:
        for offer, seen_at in job.offers.values():
            self._drop(offer, reason, seen_at)

    def give_up(self, job: Job) -> None:
        """A title cannot be had for long: its new offers count as failed, and the rescan may see them again."""
        self._drop_all(job, "failed")

    def verify(self) -> None:
        """Put to work the titles of alerts that were not looked at for long, once titles can be looked at."""
        if not self.ready:
            return
        now = self._clock.monotonic()
        titles = [title for game, title in self._ledger.titles() if game is self.game]
        self._verified = {title: self._verified.get(title, 0.0) for title in titles}
        for title in titles:
            if self._verified[title] < now - self._options.verify:
                self._verified[title] = now
                self._jobs.put(Job(self.game, title, Rank.VERIFY))


def _touched(out: Iterable[Standing], before: Quote, quote: Quote) -> bool:
    """Whether a change of prices tells of one of these alerts: it cannot be there any more, or its exits are others.

    Whatever else happens to them, ``Patrol.verify`` finds in its time.
    """
    missing = any(standing.state is not AlertState.GONE and standing.price_now < quote.best_ask_cents for standing in out)
    hoping = any(standing.state is AlertState.SPOILED for standing in out) and quote.best_ask_cents != before.best_ask_cents
    cheaper = not quote.ask_count or quote.best_ask_cents < before.best_ask_cents
    return missing or hoping or cheaper or quote.best_bid_cents != before.best_bid_cents
