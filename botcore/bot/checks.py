"""The last look at alerts that are about to be sent. Chats do not wait for each other's looks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from typing import Protocol

from botcore.bot.lanes import Lane, Waiting
from botcore.errors import StoreError
from botcore.model import Alert

__all__ = ["Checks", "Fate", "Gate"]

PATIENCE = 3.0
"""Seconds that a look may take; what else is to be sent to the chat does not wait any longer."""
AGAIN = 1.0
"""Seconds until one that told nothing is made again."""
_log = logging.getLogger(__name__)


class Fate(Enum):
    """What a look tells of an alert: it holds; its offer is gone or has another price; the chat wants it no more; nobody can tell now."""

    HOLDS = auto()
    GONE = auto()
    UNWANTED = auto()
    UNKNOWN = auto()


class Gate(Protocol):
    """Who knows of alerts that wait: ``botcore.bot.lookout.Lookout``."""

    def holds(self, alert: Alert) -> bool:
        """Whether it was looked at just now, and holds."""

    async def look(self, chat_id: int, alert: Alert) -> Fate:
        """Look at it, for this chat. Raises StoreError."""

    async def sent(self, alert: Alert) -> None:
        """It is in a chat now."""


class Checks:
    """Looks at the alerts of lanes, where there is a gate. ``drop`` removes what is not to be sent, ``ready`` hears of each lane that may go on."""

    def __init__(
        self, gate: Gate | None, clock: Callable[[], float], drop: Callable[[Lane, Sequence[Waiting], Fate], Awaitable[None]], ready: Callable[[Lane], None]
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._drop = drop
        self._ready = ready
        self._tasks: set[asyncio.Task[None]] = set()

    def begun(self, lane: Lane, letters: Sequence[Waiting]) -> bool:
        """Begin to look at those letters of a lane that need it; False when none does."""
        for one in letters:
            one.checked = one.checked or self._gate is None or (one.body.alert is not None and self._gate.holds(one.body.alert))
        unsure = [one for one in letters if one.body.alert is not None and not one.checked]
        if unsure:
            task = asyncio.create_task(self._look(lane, unsure))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return bool(unsure)

    async def sent(self, letters: Sequence[Waiting]) -> None:
        """They are in the chat."""
        for one in letters:
            if self._gate is not None and one.body.alert is not None:
                await self._gate.sent(one.body.alert)

    def close(self) -> None:
        """Look no more; what was being looked at stays where it is."""
        for task in self._tasks:
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("alerts could not be looked at", exc_info=error)

    async def _look(self, lane: Lane, letters: Sequence[Waiting]) -> None:
        for one in letters:
            one.not_before = self._clock() + AGAIN  # unless the look tells more
        try:
            fates = await asyncio.gather(*(self._fate(lane.chat_id, one.body.alert) for one in letters if one.body.alert is not None))
            for one, fate in zip(letters, fates, strict=True):
                if fate is Fate.HOLDS:
                    one.checked, one.not_before = True, 0.0
            for fate in (Fate.GONE, Fate.UNWANTED):
                await self._drop(lane, [one for one, told in zip(letters, fates, strict=True) if told is fate], fate)
        finally:
            self._ready(lane)

    async def _fate(self, chat_id: int, alert: Alert) -> Fate:
        if self._gate is None:
            return Fate.HOLDS
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._gate.look(chat_id, alert)
        except TimeoutError:
            return Fate.UNKNOWN
        except StoreError as error:
            _log.warning("an alert waits, since it could not be looked at: %s", error)
            return Fate.UNKNOWN
