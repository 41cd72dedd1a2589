"""Scans that chats look at: one scan serves all who ask for the same, and each chat sees it in a message of its own."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

import msgspec

from botcore.bot import messages
from botcore.bot.outbox import Outbox
from botcore.bot.posts import Post
from botcore.cache import Cache, policy
from botcore.errors import ScanFailed, StoreError
from botcore.model import Game, Level, Opportunity, ScanQuery, ScanReport
from botcore.scan import Scanner, ScanProgress, ScanStream
from botcore.store import Chats, View

__all__ = ["SharedScan", "Views", "card_of"]

STOPPED = "stopped in the chat"
STALE = 600.0
"""Seconds after which a scan that a restart broke off is not begun again on its own."""
_log = logging.getLogger(__name__)


class SharedScan:
    """One scan for all who ask for the same. ``stream`` is the scan while this process makes it, None while the answer is remembered or made elsewhere."""

    def __init__(self, scanner: Scanner, query: ScanQuery) -> None:
        self.query = query
        self.viewers = 0
        self.stream: ScanStream | None = None
        self.found = asyncio.Event()
        """Set once something was found, or the scan has ended."""
        self.task = asyncio.create_task(scanner.recall(query, self._began))
        self.task.add_done_callback(lambda _: self.found.set())
        self._first: asyncio.Task[None] | None = None

    def _began(self, stream: ScanStream) -> None:
        self.stream = stream
        self._first = asyncio.create_task(stream.first())
        self._first.add_done_callback(lambda _: self.found.set())

    @property
    def progress(self) -> ScanProgress | None:
        """Where it stands, as far as this process knows."""
        return self.stream.progress if self.stream else None

    @property
    def latest(self) -> list[Opportunity]:
        """What was found so far, in the order of finding."""
        return self.stream.latest if self.stream else []

    async def leave(self) -> ScanReport | None:
        """Look on no longer. The scan ends when nobody is left. Gives what was found until now, None where this process does not make it."""
        self.viewers -= 1
        if not self.viewers:
            await self.end()
        return self.stream.report if self.stream else None

    async def end(self) -> None:
        """End the scan, whoever looks on."""
        if self.task.done():
            return
        if self.stream is not None:
            await self.stream.stop(STOPPED)
        else:
            self.task.cancel()
        await asyncio.wait([self.task])
        if not self.task.cancelled():
            self.task.exception()  # looked at, or asyncio would complain


class _Looking:
    """One chat looking at a scan."""

    def __init__(self, view: View, lang: str, scan: SharedScan, *, shared: bool, resumed: bool) -> None:
        self.view = view
        self.lang = lang
        self.scan = scan
        self.shared = shared
        self.resumed = resumed
        self.free_at = 0.0
        """Time of the loop from when on the message may be changed again."""
        self.stopping = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class Views:
    """All scans that are being shown. ``failed`` hears of errors that nobody expected, with the chat they happened in."""

    def __init__(
        self,
        scanner: Scanner,
        cache: Cache,
        chats: Chats,
        outbox: Outbox,
        *,
        edit: float,
        sandbox: bool,
        failed: Callable[[int, str, Exception], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.made = 0
        self.last: tuple[Game, Level, datetime, int] | None = None
        self._scanner = scanner
        self._cache = cache
        self._chats = chats
        self._outbox = outbox
        self._edit = edit
        self._sandbox = sandbox
        self._failed = failed
        self._clock = clock
        self._running: dict[ScanQuery, SharedScan] = {}
        self._looking: dict[int, _Looking] = {}

    def running(self, chat_id: int) -> View | None:
        """The scan that a chat is looking at, None when there is none."""
        return next((one.view for one in self._looking.values() if one.view.chat_id == chat_id), None)

    async def open(self, chat_id: int, lang: str, query: ScanQuery, *, anew: bool = False) -> View:
        """Begin to show a scan in a chat. One that runs already is joined; one that is remembered is shown at once, unless ``anew``.

        Raises StoreError.
        """
        if anew and query not in self._running:
            await self._cache.invalidate([policy.of_level(query.game, query.level)])
        number = await self._chats.open_view(chat_id, query.game, query.level, self._clock())
        view = View(id=number, chat_id=chat_id, game=query.game, level=query.level, started_at=self._clock(), state="running", report=None, said=None)
        await self._begin(view, lang, query, resumed=False)
        return view

    async def resume(self) -> None:
        """Take up what a restart broke off: begin it again while it is young, else say that it ended."""
        for view in await self._chats.running():
            lang = (await self._chats.settings(view.chat_id)).language or "en"
            if self._clock() - view.started_at <= STALE:
                await self._begin(view, lang, ScanQuery(view.game, view.level), resumed=True)
            else:
                await self._chats.close_view(view.id, "interrupted")
                await self._outbox.show(view.chat_id, card_of(view.id), messages.interrupted_post(lang, game=view.game, level=view.level))

    async def stop(self, chat_id: int, number: int) -> bool:
        """End a scan in the chat that looks at it; what was found until then is shown. False when it does not run there."""
        looking = self._looking.get(number)
        if looking is None or looking.view.chat_id != chat_id:
            return False
        looking.stopping.set()
        return True

    async def page(self, view: View, lang: str, page: int) -> None:
        """Show a page of the results of a scan that has ended, where it was shown."""
        if view.report is not None:
            post = await self._results(view.chat_id, lang, view.id, view.report, page=page, said=view.said)
            await self._outbox.show(view.chat_id, card_of(view.id), post)

    async def close(self) -> None:
        """Leave everything as it is, to be taken up by the next start, and say so where somebody looks on."""
        open_now = list(self._looking.values())
        for one in open_now:
            if one.task is not None:
                one.task.cancel()
        await asyncio.gather(*(one.task for one in open_now if one.task), return_exceptions=True)
        for one in open_now:
            await self._outbox.show(one.view.chat_id, card_of(one.view.id), Post(messages.restarting(one.lang)))
        for scan in list(self._running.values()):
            await scan.end()

    # ---- one chat ----------------------------------------------------------------------------------------------------

    async def _begin(self, view: View, lang: str, query: ScanQuery, *, resumed: bool) -> None:
        scan = self._running.get(query)
        shared = scan is not None
        if scan is None:
            scan = self._running[query] = SharedScan(self._scanner, query)
            scan.task.add_done_callback(lambda _: self._over(scan))
        scan.viewers += 1
        looking = self._looking[view.id] = _Looking(view, lang, scan, shared=shared, resumed=resumed)
        looking.task = asyncio.create_task(self._show(looking))

    def _over(self, scan: SharedScan) -> None:
        """A scan has ended: it is joined no more, and counts when it was made here and came to its own end."""
        self._running.pop(scan.query, None)
        if scan.stream is not None and not scan.task.cancelled() and scan.task.exception() is None:
            self.made += scan.task.result().stopped is None

    async def _show(self, looking: _Looking) -> None:
        """Show the scan as it goes and then what it found. Whatever fails is told in the chat."""
        view = looking.view
        try:
            await self._follow(looking)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: nobody awaits this task
            await self._broken(looking, error)
        finally:
            self._looking.pop(view.id, None)

    async def _broken(self, looking: _Looking, error: Exception) -> None:
        """Tell of an error, and leave no message behind that looks as if the scan went on."""
        view = looking.view
        await self._failed(view.chat_id, looking.lang, error)
        post = messages.interrupted_post(looking.lang, game=view.game, level=view.level)
        with suppress(StoreError):
            await self._outbox.show(view.chat_id, card_of(view.id), post)
            await self._chats.close_view(view.id, "failed", None, str(error))

    async def _follow(self, looking: _Looking) -> None:
        view = looking.view
        stopping = asyncio.create_task(looking.stopping.wait())
        try:
            await self._progress(looking, stopping)
            state, report, said = await self._outcome(looking)
        except StoreError:
            await looking.scan.leave()
            raise
        finally:
            stopping.cancel()
        await asyncio.sleep(looking.free_at - asyncio.get_running_loop().time())
        if report is None:
            await self._chats.close_view(view.id, state, None, said)
            await self._outbox.show(view.chat_id, card_of(view.id), messages.interrupted_post(looking.lang, game=view.game, level=view.level))
            return
        self.last = (report.game, report.level, report.started_at, len(report.opportunities))
        await self._chats.close_view(view.id, state, report, said)
        post = await self._results(view.chat_id, looking.lang, view.id, report, page=0, said=said)
        await self._outbox.show(view.chat_id, card_of(view.id), post)

    async def _progress(self, looking: _Looking, stopping: asyncio.Task[bool]) -> None:
        """Edit the message while the scan runs, no more often than allowed; until the first find half as often, so that it can be shown at once."""
        scan, loop = looking.scan, asyncio.get_running_loop()
        muted = await self._muted(looking.view.chat_id, looking.view.game)
        found = asyncio.create_task(scan.found.wait())
        there = looking.resumed
        while not (scan.task.done() or stopping.done()):
            shown = loop.time()
            await self._outbox.show(looking.view.chat_id, card_of(looking.view.id), self._picture(looking, muted))
            looking.free_at = shown + self._edit if there else shown
            there = True
            if not found.done():
                await _any(scan.task, stopping, found, within=2 * self._edit)
            await _any(scan.task, stopping, within=max(0.0, shown + self._edit - loop.time()))

    def _picture(self, looking: _Looking, muted: frozenset[str]) -> Post:
        scan, view = looking.scan, looking.view
        latest, progress = scan.latest, scan.progress
        wanted = [found for found in latest if found.title not in muted]
        return messages.scanning(
            looking.lang,
            view=view.id,
            game=view.game,
            level=view.level,
            progress=progress if progress and progress.total else None,
            latest=wanted,
            limits=self._scanner.client.quota.limits,
            sandbox=self._sandbox,
            hidden=len(latest) - len(wanted),
            shared=looking.shared,
            resumed=looking.resumed,
        )

    async def _outcome(self, looking: _Looking) -> tuple[str, ScanReport | None, str | None]:
        """How it ended for this chat: its state, what was found, and why it failed."""
        scan = looking.scan
        if not scan.task.done():
            report = await scan.leave()
            if report is None:
                return "stopped", None, None
            return "stopped", msgspec.structs.replace(report, stopped=report.stopped or STOPPED), None
        scan.viewers -= 1
        try:
            return "done", scan.task.result(), None
        except ScanFailed as error:
            return "failed", error.report or (scan.stream.report if scan.stream else None), str(error)
        except asyncio.CancelledError:
            return "interrupted", None, None

    async def _results(self, chat_id: int, lang: str, number: int, report: ScanReport, *, page: int, said: str | None) -> Post:
        muted = await self._muted(chat_id, report.game)
        wanted = [(place, found) for place, found in enumerate(report.opportunities) if found.title not in muted]
        age = self._clock() - report.started_at.timestamp() - report.seconds
        return messages.results(
            lang,
            view=number,
            report=report,
            finds=wanted,
            page=page,
            sandbox=self._sandbox,
            hidden=len(report.opportunities) - len(wanted),
            age=max(0.0, age),
            said=said,
        )

    async def _muted(self, chat_id: int, game: Game) -> frozenset[str]:
        return frozenset(title for of, title in await self._chats.mutes(chat_id) if of is game)


async def _any(*tasks: asyncio.Task[object], within: float | None = None) -> None:
    """Wait until one of them is done, or for so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


def card_of(view: int) -> str:
    """The name of the message that shows a scan."""
    return f"view/{view}"
