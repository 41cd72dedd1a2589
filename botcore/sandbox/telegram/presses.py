"""Presses of buttons that wait for the bot's answer (api page, section 3.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Press", "Presses"]

_FIRST_ID = 4_300_000_000_000_000_001


class Press(msgspec.Struct, frozen=True):
    """Who pressed, where, and when in unix seconds."""

    user_id: int
    chat_id: int
    at: float


class Presses:
    """Open callback queries. Each may be answered once, within ``seconds``."""

    def __init__(self, seconds: float, now: Callable[[], float]) -> None:
        self.seconds = seconds
        self._now = now
        self._open: dict[str, Press] = {}
        self._next_id = _FIRST_ID

    def add(self, user_id: int, chat_id: int) -> str:
        """Note a press; its id is what the bot answers."""
        number = str(self._next_id)
        self._next_id += 1
        self._forget_old()
        self._open[number] = Press(user_id, chat_id, self._now())
        return number

    def answer(self, number: str) -> Press | None:
        """The press, taken off the list; None when it is unknown, answered or too old."""
        self._forget_old()
        return self._open.pop(number, None)

    def _forget_old(self) -> None:
        oldest = self._now() - self.seconds
        for number in [number for number, press in self._open.items() if press.at < oldest]:
            del self._open[number]
