"""What the watch under way knows of alerts that wait to be sent: the gate of the outbox."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from botcore.bot.audience import Audience
from botcore.bot.checks import Fate
from botcore.errors import StoreError
from botcore.model import Alert
from botcore.scan import Watch

__all__ = ["Lookout"]

_log = logging.getLogger(__name__)


class Lookout:
    """Asks the watch of the moment, and whether the chat still wants the alert. While there is no watch, nobody can tell."""

    def __init__(self, audience: Audience) -> None:
        self.watch: Watch | None = None
        self._audience = audience

    @contextmanager
    def by(self, watch: Watch) -> Iterator[None]:
        """Ask this watch until the block ends."""
        self.watch = watch
        try:
            yield
        finally:
            self.watch = None

    def holds(self, alert: Alert) -> bool:
        """Whether it was looked at just now, and holds."""
        return self.watch is not None and self.watch.holds(alert) is True

    async def look(self, chat_id: int, alert: Alert) -> Fate:
        """Ask the market for it, unless that was done just now. Raises StoreError."""
        if await self._audience.wanted(chat_id, [alert.opportunity]) == [None]:
            return Fate.UNWANTED
        if self.watch is None:
            return Fate.UNKNOWN
        watch = self.watch
        if watch.holds(alert) is None:
            await watch.recheck(alert)
        known = watch.holds(alert)
        return Fate.UNKNOWN if known is None else Fate.HOLDS if known else Fate.GONE

    async def sent(self, alert: Alert) -> None:
        """It is in a chat now, which the watch notes with the time."""
        if self.watch is None:
            return
        try:
            await self.watch.sent(alert)
        except StoreError as error:
            _log.warning("when an alert was sent could not be noted: %s", error)
