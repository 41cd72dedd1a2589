"""Many alerts at once through the bot's outbox, as a market that wakes up would cause them."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from botcore.bot.carrier import Carrier
from botcore.bot.notes import Note
from botcore.bot.outbox import Outbox
from botcore.bot.posts import Post
from botcore.sandbox import TelegramAddress
from botcore.store import Letters, Store, StoreOptions

__all__ = ["queue_alerts"]

NEVER = 1_000_000
HOUR = 3600.0


async def queue_alerts(telegram: TelegramAddress, chats: list[int], each: int) -> None:
    """Queue so many alerts in each of these chats and wait until all are sent, one message each."""

    async def unexpected(chat_id: int, what: object) -> None:
        raise RuntimeError(f"chat {chat_id} took no alerts: {what}")

    with tempfile.TemporaryDirectory(prefix="botcore-bench-") as folder:
        session = AiohttpSession(api=TelegramAPIServer.from_base(telegram.url))
        async with Store(StoreOptions(url=f"sqlite:///{Path(folder) / 'bench.db'}")) as store:
            outbox = Outbox(Letters(store), Carrier(Bot(telegram.token, session=session)), digest=NEVER, sandbox=True, blocked=unexpected, moved=unexpected)
            await outbox.start()
            notes = [
                (chat, Note(f"{chat}-{number}", Post(f"Alert <b>{number}</b>"), "an alert", "en", time.time() + HOUR))
                for number in range(each)
                for chat in chats
            ]
            await outbox.alert(notes)
            await outbox.drained()
            await outbox.close()
        await session.close()
