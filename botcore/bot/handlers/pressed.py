"""Reading and answering presses of buttons."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, Message

from botcore.bot.carrier import AWAY
from botcore.bot.presses import Press, unpack
from botcore.bot.split import plain, shorten_text

__all__ = ["Pressed", "answer", "message_of", "pressing"]

ANSWER = 199
"""Letters of an answer to a press, one less than Telegram allows."""
Kind = TypeVar("Kind")


def pressing(kind: type[Press]) -> Callable[[CallbackQuery], bool]:
    """A filter that lets presses of this kind pass."""
    return lambda query: isinstance(unpack(query.data), kind)


class Pressed:
    """A press whose kind the router has looked at."""

    def __init__(self, query: CallbackQuery) -> None:
        self._press = unpack(query.data)

    def of(self, kind: type[Kind]) -> Kind:
        """The press as what it is."""
        if not isinstance(self._press, kind):
            raise TypeError(f"{self._press} is no {kind.__name__}")
        return self._press


async def answer(query: CallbackQuery, text: str | None = None) -> None:
    """End the button's waiting, with a few words (HTML, shown without its markup).

    It goes past the outbox: seconds later nobody could use it, and when it fails nothing is lost.
    """
    with suppress(TelegramAPIError, *AWAY):
        await query.answer(None if text is None else shorten_text(plain(text), ANSWER))


def message_of(query: CallbackQuery) -> int | None:
    """The message whose button was pressed; None when it is too old to be changed."""
    return query.message.message_id if isinstance(query.message, Message) else None
