"""Watches whole games for chats: one watch over all that any of them watches, whose finds go to those whose levels hold them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

from botcore.app import App
from botcore.bot import messages
from botcore.bot.audience import Weather, refused
from botcore.bot.lookout import Lookout
from botcore.bot.notes import Note
from botcore.bot.outbox import Outbox
from botcore.errors import ScanFailed, StoreError
from botcore.model import Alert, AlertState, Change, Level, WatchQuery
from botcore.scan import Watch, WatchFigures

__all__ = ["DOOR", "GameWatcher"]

DOOR = "bot"
TICK = 1.0
"""Seconds between two looks at whether the market answers."""
_log = logging.getLogger(__name__)


class GameWatcher:
    """Keeps the one watch going, and begins it anew when what is watched has changed.

    ``lookout`` is told of the watch under way. ``away``: seconds without any answer after which chats are told, and until a watch that
    ended is tried again; ``alert``: how long an alert may wait to be sent. ``failed`` hears of errors that nobody expected.
    """

    def __init__(
        self,
        app: App,
        lookout: Lookout,
        weather: Weather,
        outbox: Outbox,
        *,
        away: float,
        alert: float,
        failed: Callable[[Exception], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self.audience = weather.audience
        self._lookout = lookout
        self._weather = weather
        self._outbox = outbox
        self._away = away
        self._alert = alert
        self._sandbox = app.market == "sandbox"
        self._failed = failed
        self._clock = clock
        self._changed = asyncio.Event()

    def hurry(self) -> None:
        """What is watched may have changed: look at once."""
        self._changed.set()

    async def join(self, chat_id: int) -> None:
        """A chat wants more than before: tell it what stands already, and look at the rest. Raises StoreError."""
        self.hurry()
        await self._catch_up([chat_id])

    @property
    def watch(self) -> Watch | None:
        """The watch under way; None while nobody watches, or the market takes none."""
        return self._lookout.watch

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            self._changed.clear()
            try:
                query = await self._wanted()
                if query is None:
                    await self._changed.wait()
                else:
                    await self._watch(query)
            except ScanFailed as error:
                await self._ended(error)
            except Exception as error:  # noqa: BLE001 - the outermost boundary: watching goes on
                await self._failed(error)
                await self._until(self._away)

    async def _ended(self, error: ScanFailed) -> None:
        """The watch ended on its own: the keys are refused, or something in it failed."""
        _log.warning("%s", error)
        if refused(error):
            with suppress(StoreError):  # it is said at the next try
                await self._weather.refused()
        else:
            await self._failed(error)
        await self._until(self._away)

    async def _until(self, seconds: float) -> None:
        """Wait, but not when what is watched has changed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def _wanted(self) -> WatchQuery | None:
        """All that is watched, of all games the levels that any game is watched at; None when nobody watches."""
        pairs = {pair for watched in (await self.audience.levels()).values() for pair in watched}
        return WatchQuery({game for game, _ in pairs}, {level for _, level in pairs}, door=DOOR) if pairs else None

    async def _watch(self, query: WatchQuery) -> None:
        """Watch until something else is wanted. Raises ScanFailed, and StoreError when what came could not be put into the outbox."""
        async with self._app.watch(query) as watch:
            minding = asyncio.create_task(self._mind(watch, query))
            minding.add_done_callback(lambda _: watch.stop())
            try:
                with self._lookout.by(watch):
                    await self._catch_up(await self.audience.levels())
                    async for event in watch:
                        await self._tell(watch, event)
            finally:
                minding.cancel()
                await asyncio.wait([minding])
        if not minding.cancelled():
            minding.result()

    async def _mind(self, watch: Watch, query: WatchQuery) -> None:
        """See to it until something else is wanted."""
        answered = False
        while True:
            await self._until(TICK if answered else min(TICK, self._away))
            try:
                if self._changed.is_set():
                    self._changed.clear()
                    if await self._wanted() != query:
                        return
                answered = await self._look(watch, answered=answered)
            except StoreError as error:
                _log.warning("the watch goes on, and what else is watched is not known: %s", error)

    async def _look(self, watch: Watch, *, answered: bool) -> bool:
        """Say once that the market is away, and once that it is back; gives whether it answers."""
        if watch.failing > self._away:
            await self._weather.away()
            return False
        if not watch.failing and watch.heard and not answered:
            await self._weather.back()
        return answered if watch.failing else watch.heard

    # ---- what comes ---------------------------------------------------------------------------------------------------

    async def _tell(self, watch: Watch, event: Alert | Change | WatchFigures) -> None:
        """Put what came into the outbox; then the watch may forget it."""
        if isinstance(event, Alert):
            notes = await self._notes(watch, event)
            await self._outbox.alert([one for one in notes.items() if not await self.audience.knows(one[0], event.opportunity)], once=True)
        elif isinstance(event, Change):
            await self._correct(watch, event)

    async def _catch_up(self, chats: Iterable[int]) -> None:
        """Tell chats of alerts that stand and that they were not told: given while they watched less, or took no messages."""
        kept = self._app.alerts(DOOR)
        standing = [] if kept is None else [one.alert for one in await kept.watched() if one.state is AlertState.LIVE]
        languages = await self.audience.languages()
        for chat_id in languages.keys() & set(chats):
            levels = await self.audience.wanted(chat_id, [alert.opportunity for alert in standing])
            wanted = [(alert, level) for alert, level in zip(standing, levels, strict=True) if level is not None]
            unknown = [one for one in wanted if not await self.audience.knows(chat_id, one[0].opportunity)]
            await self._outbox.alert([(chat_id, self._note(self.watch, languages[chat_id], *one)) for one in unknown], once=True)

    async def _notes(self, watch: Watch, alert: Alert) -> Mapping[int, Note]:
        """The alert for each chat that wants it."""
        wanting = await self.audience.wanting(alert.opportunity)
        languages = await self.audience.languages()
        # A chat that blocked the bot in between is not among them, and the outbox takes nothing for it.
        return {chat_id: self._note(watch, languages[chat_id], alert, level) for chat_id, level in wanting.items() if chat_id in languages}

    def _note(self, watch: Watch | None, lang: str, alert: Alert, level: Level) -> Note:
        found, weighed = alert.opportunity, watch.weighed(alert) if watch else None
        confidence = None if weighed is None else self._app.confidence(weighed)
        post = messages.level_alert(lang, alert=alert, level=level, sandbox=self._sandbox, weighed=weighed, confidence=confidence)
        return Note(card_of(alert), post, messages.alert_line(lang, found), lang, self._clock() + self._alert, alert)

    async def _correct(self, watch: Watch, change: Change) -> None:
        """Say in the very message what became of an alert; one that waits goes."""
        if change.state is AlertState.LIVE:
            for chat_id, note in (await self._notes(watch, change.alert)).items():
                await self._outbox.alert_again(chat_id, note)
            return
        for chat_id, lang in (await self.audience.languages()).items():
            post = messages.level_alert_changed(lang, change=change, sandbox=self._sandbox)
            await self._outbox.change_alert(chat_id, card_of(change.alert), post)


def card_of(alert: Alert) -> str:
    """The name of an alert's message."""
    return f"watch/{alert.id}"
