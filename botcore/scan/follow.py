"""Weighs what a watch told or dropped, and notes it, so that its outcome is asked for later. Behind everything that is urgent."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TypeAlias

from botcore.errors import MarketError, Unauthorized
from botcore.model import Alert, Game, Level, Offer, Opportunity, ScanQuery
from botcore.scan.claims import FIRST, claim, sampled
from botcore.scan.explain import Explainer
from botcore.scan.trace import Explanation
from botcore.scan.verdict import Weighed
from botcore.store import Claim, Outcomes

__all__ = ["Follower"]

SHARE = 0.02
"""How many of the rejected offers are followed."""
MOST = 500
"""Rejected offers that may wait; more are let go, since they are a sample anyway."""
_Dropped: TypeAlias = "tuple[Game, Offer, str, float]"
_log = logging.getLogger(__name__)


class Follower:
    """Takes alerts, all of them, and rejected offers, a ``share`` from 0 to 1, and notes them from a task of its own.

    An alert that comes with what the watch saw costs no request. For all else give it an explainer of ``Priority.WARM`` on the client
    that the watch has. ``noted`` counts what was noted.
    """

    def __init__(self, explainer: Explainer, outcomes: Outcomes, *, share: float = SHARE) -> None:
        self.noted = 0
        self._explainer = explainer
        self._outcomes = outcomes
        self._share = share
        self._alerts: deque[tuple[Alert, Weighed | None]] = deque()
        self._rejected: deque[_Dropped] = deque(maxlen=MOST)
        self._wake = asyncio.Event()

    def alerted(self, alert: Alert, weighed: Weighed | None = None) -> None:
        """An alert was given, ``weighed`` as its decision saw it. Without that it is asked for, unless the alert was noted before.

        The same alert again is harmless, so that after a crash those of the last hours may be handed over anew.
        """
        self._alerts.append((alert, weighed))
        self._wake.set()

    def dropped(self, game: Game, offer: Offer, reason: str, at: float) -> None:
        """An offer was rejected at ``at`` (unix seconds), for a reason of the funnel."""
        if sampled(offer.offer_id, self._share) and _level(offer) is not None:
            self._rejected.append((game, offer, reason, at))
            self._wake.set()

    async def round(self) -> None:
        """Wait until there is something to note, and note all that waits. Raises as ``work`` does; what was not noted still waits."""
        if not (self._alerts or self._rejected):
            await self._wake.wait()
        self._wake.clear()
        await self.work()

    async def work(self) -> None:
        """Note everything that waits, alerts first. Raises StoreError, and Unauthorized when the keys are refused."""
        while self._alerts or self._rejected:
            if self._alerts:
                await self._note(await self._alert(*self._alerts[0]))
                self._alerts.popleft()
            else:
                await self._note(await self._reject(*self._rejected.popleft()))

    async def _note(self, made: Claim | None) -> None:
        if made is not None:
            self.noted += await self._outcomes.note([made], first=FIRST)

    async def _alert(self, alert: Alert, weighed: Weighed | None) -> Claim | None:
        """The claim of an alert; None where it was noted before."""
        found = alert.opportunity
        if weighed is not None:
            return claim(weighed.offer, found, level=alert.level, game=found.game, at=alert.queued_at, assessment=weighed.assessment)
        noted = await self._outcomes.of_offer(found.game, found.offer_id)
        return None if any(one.price_cents == found.price_cents for one in noted) else await self._anew(alert)

    async def _anew(self, alert: Alert) -> Claim:
        """The claim of an alert of which only the exit is known that was told: its score is that of the same exit as things are now."""
        found = alert.opportunity
        seen = await self._seen(found, found.game, alert.level)
        best = seen.best if seen else None
        same = best is not None and (best.exit, best.price_cents) == (found.exit, found.price_cents)
        return claim(
            (seen.offer if seen else None) or found,
            found,
            level=alert.level,
            game=found.game,
            at=alert.queued_at,
            assessment=seen.assessment if seen and same else None,
        )

    async def _reject(self, game: Game, offer: Offer, reason: str, at: float) -> Claim:
        level = _level(offer) or Level.STANDARD
        seen = await self._seen(offer, game, level)
        best = seen.best if seen else None
        return claim(offer, best, level=level, game=game, at=at, reason=reason, assessment=seen.assessment if seen else None)

    async def _seen(self, offer: Offer | Opportunity, game: Game, level: Level) -> Explanation | None:
        """How the offer fares now; None where the market does not tell, and it is noted without a score."""
        try:
            return await self._explainer.explain(offer.offer_id, ScanQuery(game, level, title=offer.title))
        except Unauthorized:
            raise
        except MarketError as error:
            _log.info("an offer is followed without a score: %s", error)
            return None


def _level(offer: Offer) -> Level | None:
    """The lowest level whose prices hold the offer's; None outside of all."""
    return next((level for level in Level if level.price_window[0] <= offer.price_cents <= level.price_window[1]), None)
