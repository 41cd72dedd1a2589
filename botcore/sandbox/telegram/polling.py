"""getUpdates as the real server answers it, with its habits against bots that ask too often (api page, section 3.2)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from botcore.sandbox.telegram.failures import Failure, conflict

if TYPE_CHECKING:
    import msgspec

    from botcore.sandbox.telegram.calls import Call
    from botcore.sandbox.telegram.state import Telegram
    from botcore.sandbox.telegram.webhook import Webhook

__all__ = ["Polling"]

_MOST_UPDATES = 100
_MOST_HOLD = 50
_REPEAT_SECONDS = 3.0
_HASTE_SECONDS = 0.5
_CONFLICT_SECONDS = 3.0
_WEBHOOK_ACTIVE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


class Polling:
    """Answers getUpdates, one call at a time: a newer one ends the older. Raises Failure 409."""

    def __init__(self, telegram: Telegram, webhook: Webhook) -> None:
        self._telegram = telegram
        self._webhook = webhook
        self._last_offset: int | None = None
        self._last_at = 0.0
        self._next_conflict_at = 0.0

    async def updates(self, call: Call) -> list[msgspec.Raw]:
        """The updates, after waiting for them if asked to."""
        try:
            if self._webhook.url:
                raise conflict(_WEBHOOK_ACTIVE)
            self._telegram.updates.allow(call.listing("allowed_updates", "allowed updates"))
            return await self._telegram.updates.poll(*self._terms(call))
        except Failure as failure:
            if failure.status == conflict("").status:
                await self._hold_back()
            raise

    def _terms(self, call: Call) -> tuple[int, int, float]:
        """Offset, limit and seconds to wait. The same offset again within 3 s waits at least 3 s, within half a second it gets one update."""
        offset, now = call.integer("offset"), self._telegram.now()
        limit, hold = call.limited("limit", _MOST_UPDATES, 1, _MOST_UPDATES), float(call.limited("timeout", 0, 0, _MOST_HOLD))
        if offset == self._last_offset:
            hold = max(hold, _REPEAT_SECONDS) if now < self._last_at + _REPEAT_SECONDS else hold
            limit = 1 if now < self._last_at + _HASTE_SECONDS else limit
        self._last_offset, self._last_at = offset, now
        return offset, limit, hold

    async def _hold_back(self) -> None:
        """The second conflict within 3 s is told 3 s late, so that two pollers do not chase each other."""
        now = self._telegram.now()
        if now < self._next_conflict_at:
            await asyncio.sleep(_CONFLICT_SECONDS)
        else:
            self._next_conflict_at = now + _CONFLICT_SECONDS
