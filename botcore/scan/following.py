"""The outcomes of a watch: what it tells and drops is noted, and what became of it is asked for, all of it behind everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from botcore.model import Alert, Game, Offer, Standing

if TYPE_CHECKING:
    from botcore.scan.follow import Follower
    from botcore.scan.outcomes import Asker
    from botcore.scan.verdict import Weighed

__all__ = ["Following"]


class Following:
    """Two rounds that a watch repeats, ``note`` and ``ask``, each by a task of its own.

    ``now`` is unix seconds by the market's clock. ``earlier`` gives the alerts of the last hours, some of which an earlier watch may
    not have noted before it ended. Watches of one store share ``turn``, so that nothing is asked twice. ``pause``: seconds until there
    is more to ask.
    """

    def __init__(
        self, follower: Follower, asker: Asker, now: Callable[[], float], *, earlier: Callable[[], Awaitable[Sequence[Standing]]], turn: asyncio.Lock
    ) -> None:
        self.pause = 0.0
        self._follower = follower
        self._asker = asker
        self._now = now
        self._earlier: Callable[[], Awaitable[Sequence[Standing]]] | None = earlier
        self._turn = turn

    def alerted(self, alert: Alert, weighed: Weighed | None) -> None:
        """An alert was given, as its decision saw it."""
        self._follower.alerted(alert, weighed)

    def dropped(self, game: Game, offer: Offer, reason: str, at: float) -> None:
        """An offer was rejected at ``at`` (unix seconds), for a reason of the funnel."""
        self._follower.dropped(game, offer, reason, at)

    async def note(self) -> None:
        """Note what there is to note, waiting until there is something. Raises StoreError, and Unauthorized when the keys are refused."""
        if self._earlier is not None:
            for standing in await self._earlier():
                self._follower.alerted(standing.alert)
            self._earlier = None
        await self._follower.round()

    async def ask(self) -> None:
        """Ask what is due. Raises as ``note`` does."""
        async with self._turn:
            self.pause = await self._asker.round(self._now())
