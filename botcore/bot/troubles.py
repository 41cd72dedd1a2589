"""Errors: one sentence with a number for the user, the trace for the log, a word to the owner once an hour for each kind."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable

from botcore.bot import messages
from botcore.bot.outbox import Outbox
from botcore.errors import BotcoreError, MarketError, ScanFailed, StoreError
from botcore.store import Chats

__all__ = ["Troubles"]

HOUR = 3600.0
_log = logging.getLogger(__name__)


class Troubles:
    """Tells of errors. ``owner`` is the chat of the bot's owner, None when there is none."""

    def __init__(self, chats: Chats, outbox: Outbox, owner: int | None, *, clock: Callable[[], float] = time.time) -> None:
        self._chats = chats
        self._outbox = outbox
        self._owner = owner
        self._clock = clock

    async def tell(self, chat_id: int | None, lang: str, error: Exception) -> str:
        """Tell user, log and owner; gives the error's number. When even that cannot be kept, the log alone has it."""
        number = secrets.token_hex(3)
        if isinstance(error, BotcoreError):
            _log.warning("error %s: %s", number, error, exc_info=error)
        else:
            _log.error("error %s", number, exc_info=error)
        try:
            if chat_id is not None:
                await self._outbox.say(chat_id, self.sentence(lang, number, error))
            await self._tell_owner(number, error)
        except StoreError as trouble:
            _log.error("error %s could not be told: %s", number, trouble)
        return number

    def sentence(self, lang: str, number: str, error: Exception) -> str:
        """What the user reads of an error. The market's own troubles are named; of others he has no use for more than the number."""
        if isinstance(error, ScanFailed):
            return messages.scan_failed(lang, number, str(error))
        if isinstance(error, MarketError):
            return messages.market_trouble(lang, number, type(error).__name__)
        return messages.error(lang, number)

    async def _tell_owner(self, number: str, error: Exception) -> None:
        kind = f"{type(error).__name__} {_place(error)}".strip()
        if self._owner is None or not await self._chats.once(f"trouble/{kind}", within=HOUR, at=self._clock()):
            return
        lang = (await self._chats.settings(self._owner)).language or "en"
        await self._outbox.say(self._owner, messages.owner_error(lang, error_id=number, kind=type(error).__name__, what=_place(error)))


def _place(error: Exception) -> str:
    """The innermost function of ours that the error passed, by which errors of one kind are told apart."""
    place, step = "", error.__traceback__
    while step is not None:
        module = step.tb_frame.f_globals.get("__name__", "")
        if module.startswith("botcore."):
            place = f"{module}.{step.tb_frame.f_code.co_name}"
        step = step.tb_next
    return place
