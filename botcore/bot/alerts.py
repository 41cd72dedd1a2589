"""Watches titles for chats: looks at each in turn, tells of new finds, and changes what was told when an offer is gone or priced anew."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from botcore.bot import messages
from botcore.bot.audience import Weather
from botcore.bot.notes import Note
from botcore.bot.outbox import Outbox
from botcore.errors import MarketError, ScanFailed
from botcore.model import Game, Level, Opportunity, ScanQuery, ScanReport
from botcore.scan import Scanner
from botcore.store import Watch

__all__ = ["Watcher"]

ENOUGH = 2
"""Looks in a row that must fail before chats are told that the market is away."""
_log = logging.getLogger(__name__)


class Watcher:
    """Looks at every watched title once in ``every`` seconds, one after another and behind everything that a person waits for.

    ``scanner`` should have the priority of watching. ``alert`` is how long an alert may wait to be sent. ``failed`` hears of errors that
    nobody expected.
    """

    def __init__(
        self,
        scanner: Scanner,
        weather: Weather,
        outbox: Outbox,
        *,
        every: float,
        alert: float,
        sandbox: bool,
        failed: Callable[[Exception], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.looks = 0
        self._scanner = scanner
        self._weather = weather
        self._audience = weather.audience
        self._chats = weather.audience.chats
        self._outbox = outbox
        self._every = every
        self._alert = alert
        self._sandbox = sandbox
        self._failed = failed
        self._clock = clock
        self._changed = asyncio.Event()
        self._failures = 0

    def hurry(self) -> None:
        """Somebody watches something new: look at once."""
        self._changed.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            self._changed.clear()
            started = asyncio.get_running_loop().time()
            try:
                await self.round()
            except Exception as error:  # noqa: BLE001 - the outermost boundary: watching goes on
                await self._failed(error)
            rest = started + self._every - asyncio.get_running_loop().time()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, rest)):
                    await self._changed.wait()

    async def round(self) -> None:
        """Look once at everything that is watched; the same title in several chats is asked for once. Raises StoreError."""
        asked: dict[tuple[Game, Level, str], list[Watch]] = defaultdict(list)
        for watch in await self._audience.titles():
            asked[watch.game, watch.level, watch.title].append(watch)
        for (game, level, title), watches in asked.items():
            report = await self._look(ScanQuery(game, level, title=title))
            if report is not None:
                for watch in watches:
                    await self._compare(watch, report.opportunities)

    async def _look(self, query: ScanQuery) -> ScanReport | None:
        """What there is of a title now; None when the market does not tell, which is said to the chats once."""
        self.looks += 1
        try:
            report = await self._scanner.scan(query)
        except (MarketError, ScanFailed) as error:
            self._failures += 1
            _log.warning("a watched title could not be looked at: %s", error)
            if self._failures == ENOUGH:
                await self._weather.failed(error)
            return None
        self._failures = 0
        await self._weather.back()
        return report

    async def _compare(self, watch: Watch, found: Sequence[Opportunity]) -> None:
        """Tell what is new or cheaper, and correct what was told and holds no longer. Known is noted after that: a crash tells twice, never not at all."""
        if (watch.game, watch.title) in await self._chats.mutes(watch.chat_id):
            return
        now = {one.offer_id: one for one in found}
        if {name: one.price_cents for name, one in now.items()} == watch.known:
            return
        lang = await self._lang(watch.chat_id)
        better = [one for one in found if one.price_cents < watch.known.get(one.offer_id, one.price_cents + 1)]
        await self._outbox.alert((watch.chat_id, self._note(lang, watch, one)) for one in better)
        for name, before in watch.known.items():
            if name not in now:
                gone = messages.alert_gone(lang, title=watch.title, price_cents=before, sandbox=self._sandbox)
                await self._outbox.change_alert(watch.chat_id, name, gone)
            elif now[name].price_cents > before:
                dearer = messages.alert_changed(lang, found=now[name], before_cents=before, watch=watch.id, sandbox=self._sandbox)
                await self._outbox.change_alert(watch.chat_id, name, dearer)
        await self._chats.known(watch.id, {name: one.price_cents for name, one in now.items()})

    def _note(self, lang: str, watch: Watch, found: Opportunity) -> Note:
        post = messages.alert(lang, found=found, watch=watch.id, sandbox=self._sandbox)
        return Note(found.offer_id, post, messages.alert_line(lang, found), lang, self._clock() + self._alert)

    async def _lang(self, chat_id: int) -> str:
        return (await self._chats.settings(chat_id)).language or "en"
