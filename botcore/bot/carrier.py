"""Carries one message to Telegram and says what became of it. The only place where aiogram's errors are read."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TypeAlias

import msgspec
from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    RestartingTelegram,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Message

from botcore.bot.posts import Button, Post

__all__ = ["AWAY", "Away", "Blocked", "Carrier", "Delivered", "Later", "Moved", "Outcome", "Parcel", "Spoiled", "keyboard", "reason_of"]

AWAY = (TelegramNetworkError, TelegramServerError, RestartingTelegram, ClientDecodeError, UnicodeDecodeError)
"""What is raised when Telegram does not answer, or answers with its own trouble; or when a proxy answers with what is not even text."""
_TOKEN = re.compile(r"/bot[^/\s'\"]+")
_SAME = "message is not modified"
_LOST = ("message to edit not found", "message can't be edited", "message_id_invalid")
_CLOSED = ("chat not found", "user is deactivated", "not enough rights", "have no rights")


class Parcel(msgspec.Struct, frozen=True):
    """What is to be shown in a chat. With ``message`` that message is changed, without it a new one is sent."""

    chat_id: int
    post: Post
    photo: bytes | None = None
    message: int | None = None


class Delivered(msgspec.Struct, frozen=True):
    """It is in the chat, as this message."""

    message: int


class Later(msgspec.Struct, frozen=True):
    """Telegram wants so many seconds of silence, in this chat at least. Nothing was sent."""

    seconds: float


class Away(msgspec.Struct, frozen=True):
    """Telegram could not be reached, or failed. Whether the message arrived is not known."""

    reason: str


class Blocked(msgspec.Struct, frozen=True):
    """Nothing can be sent to this chat any more: the bot was blocked or put out."""

    reason: str


class Moved(msgspec.Struct, frozen=True):
    """The group goes on under another id."""

    chat_id: int


class Spoiled(msgspec.Struct, frozen=True):
    """Telegram will never take this very message."""

    reason: str


Outcome: TypeAlias = Delivered | Later | Away | Blocked | Moved | Spoiled


class Carrier:
    """Carries parcels through one bot."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    async def carry(self, parcel: Parcel) -> Outcome:
        """Send the parcel once, and say what became of it. A message that is gone, so that it cannot be changed, is sent anew."""
        try:
            return Delivered(await self._bring(parcel))
        except TelegramBadRequest as error:
            return await self._refused(parcel, error)
        except (TelegramAPIError, *AWAY) as error:
            return _judged(error)

    async def _refused(self, parcel: Parcel, error: TelegramBadRequest) -> Outcome:
        said = error.message.lower()
        if parcel.message is not None and _SAME in said:
            return Delivered(parcel.message)
        if parcel.message is not None and any(words in said for words in _LOST):
            return await self.carry(msgspec.structs.replace(parcel, message=None))
        if any(words in said for words in _CLOSED):
            return Blocked(error.message)
        return Spoiled(f"{HTTPStatus.BAD_REQUEST}: {error.message}")

    async def _bring(self, parcel: Parcel) -> int:
        post, buttons = parcel.post, keyboard(parcel.post.buttons)
        plain = LinkPreviewOptions(is_disabled=True)
        if parcel.message is not None:
            changed = await self.bot.edit_message_text(
                post.text, chat_id=parcel.chat_id, message_id=parcel.message, reply_markup=buttons, parse_mode="HTML", link_preview_options=plain
            )
            return changed.message_id if isinstance(changed, Message) else parcel.message
        if parcel.photo is not None:
            file = BufferedInputFile(parcel.photo, "botcore.png")
            return (await self.bot.send_photo(parcel.chat_id, file, caption=post.text, reply_markup=buttons, parse_mode="HTML")).message_id
        return (await self.bot.send_message(parcel.chat_id, post.text, reply_markup=buttons, parse_mode="HTML", link_preview_options=plain)).message_id


def reason_of(error: Exception) -> str:
    """What to tell of a failed call: its kind and its words, without the token that stands in the address."""
    said = error.message if isinstance(error, TelegramAPIError | ClientDecodeError) else str(error)
    return f"{type(error).__name__}: {_TOKEN.sub('/bot(token)', said)}"


def _judged(error: Exception) -> Outcome:
    if isinstance(error, TelegramRetryAfter):
        return Later(float(error.retry_after))
    if isinstance(error, TelegramMigrateToChat):
        return Moved(error.migrate_to_chat_id)
    if isinstance(error, TelegramForbiddenError):
        return Blocked(error.message)
    return Away(reason_of(error)) if isinstance(error, (*AWAY, TelegramUnauthorizedError)) else Spoiled(reason_of(error))


def keyboard(rows: tuple[tuple[Button, ...], ...]) -> InlineKeyboardMarkup | None:
    """The buttons as aiogram takes them; None without any, which also removes those of a message."""
    if not rows:
        return None
    return InlineKeyboardMarkup(inline_keyboard=[[_button(one) for one in row] for row in rows])


def _button(button: Button) -> InlineKeyboardButton:
    if button.url:
        return InlineKeyboardButton(text=button.text, url=button.url)
    return InlineKeyboardButton(text=button.text, callback_data=button.press)
