"""What becomes of an error that a handler did not expect: this is the outermost boundary of the bot."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import ErrorEvent

from botcore.bot.desk import Desk
from botcore.bot.handlers.pressed import answer
from botcore.bot.texts import language

__all__ = ["router"]


def router(desk: Desk) -> Router:
    """Tells user, log and owner of every error."""
    made = Router(name="errors")

    async def failed(event: ErrorEvent) -> None:
        query, message = event.update.callback_query, event.update.message
        user = query.from_user if query else message.from_user if message else None
        chat = message.chat.id if message else query.message.chat.id if query and query.message else user.id if user else None
        await desk.troubles.tell(chat, language(user.language_code if user else None), event.exception)
        if query is not None:
            await answer(query)

    made.errors.register(failed)
    return made
