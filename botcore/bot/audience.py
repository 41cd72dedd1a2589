"""Who hears what of watches, and what all of them are told of the market: that it is away, that it refuses the keys, that it is back."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

from botcore.bot import messages
from botcore.bot.outbox import Outbox
from botcore.errors import MarketError, ScanFailed, Unauthorized
from botcore.model import Game, Level, Opportunity, ScanQuery
from botcore.scan.match import profit_window
from botcore.store import Chats, Watch

__all__ = ["Audience", "Weather", "level_of", "refused"]

WEATHER = "market/away"
AWAY, REFUSED = "yes", "keys"
REFUSAL = "the market refused the keys"


class Audience:
    """The chats that may hear of watches: those that are ``allowed`` and take messages. Every method raises StoreError."""

    def __init__(self, chats: Chats, allowed: Collection[int]) -> None:
        self.chats = chats
        self._allowed = frozenset(allowed)

    async def languages(self) -> dict[int, str]:
        """Each chat that hears, with its language."""
        return {chat_id: chosen.language or "en" for chat_id, chosen in (await self.chats.everyone()).items() if self._hears(chat_id, blocked=chosen.blocked)}

    async def levels(self) -> dict[int, frozenset[tuple[Game, Level]]]:
        """The levels that each of them watches."""
        hearing = await self.languages()
        return {chat_id: pairs for chat_id, pairs in (await self.chats.levels()).items() if chat_id in hearing}

    async def watching(self) -> set[int]:
        """Those that watch anything, be it a title or a level."""
        hearing = await self.languages()
        return {*await self.levels(), *(watch.chat_id for watch in await self.chats.watches() if watch.chat_id in hearing)}

    async def wanting(self, found: Opportunity) -> dict[int, Level]:
        """Those that watch a level that holds this find and did not mute its title, each with that level."""
        fitting = {chat_id: level for chat_id, pairs in (await self.levels()).items() if (level := level_of(found, pairs)) is not None}
        return {chat_id: level for chat_id, level in fitting.items() if (found.game, found.title) not in await self.chats.mutes(chat_id)}

    async def wanted(self, chat_id: int, finds: Iterable[Opportunity]) -> list[Level | None]:
        """The level at which a chat wants each of these finds; None for what it does not want."""
        pairs = (await self.levels()).get(chat_id, frozenset())
        muted = set(await self.chats.mutes(chat_id))
        return [None if (found.game, found.title) in muted else level_of(found, pairs) for found in finds]

    async def knows(self, chat_id: int, found: Opportunity) -> bool:
        """Whether a chat was told of it already, since it watches the title as well."""
        of_title = (watch for watch in await self.chats.watches(chat_id) if (watch.game, watch.title) == (found.game, found.title))
        return any(watch.known.get(found.offer_id) == found.price_cents for watch in of_title)

    async def titles(self) -> list[Watch]:
        """The watched titles of chats that hear, but those whose level the chat watches as a whole."""
        hearing, levels = await self.languages(), await self.levels()
        watches = [watch for watch in await self.chats.watches() if watch.chat_id in hearing]
        return [watch for watch in watches if (watch.game, watch.level) not in levels.get(watch.chat_id, ())]

    def _hears(self, chat_id: int, *, blocked: bool) -> bool:
        return chat_id in self._allowed and not blocked


def level_of(found: Opportunity, watched: Collection[tuple[Game, Level]]) -> Level | None:
    """The level among those watched in whose windows of price and profit a find lies; None when there is none."""
    return next((level for level in Level if (found.game, level) in watched and _holds(level, found)), None)


def _holds(level: Level, found: Opportunity) -> bool:
    low, high = level.price_window
    window = profit_window(ScanQuery(found.game, level))
    return low <= found.price_cents <= high and window.verdict(found.profit_cents, found.price_cents) == "fits"


def refused(error: Exception) -> bool:
    """Whether an error says that the market does not take the keys."""
    return isinstance(error, Unauthorized) or (isinstance(error, ScanFailed) and str(error).startswith(REFUSAL))


class Weather:
    """What is wrong with the market, said once to all that watch, also over a restart. Every method raises StoreError."""

    def __init__(self, audience: Audience, outbox: Outbox, *, clock: Callable[[], float] = time.time) -> None:
        self.audience = audience
        self._outbox = outbox
        self._clock = clock

    async def failed(self, error: MarketError | ScanFailed) -> None:
        """The market did not do what it was asked for, again and again."""
        await (self.refused() if refused(error) else self.away())

    async def away(self) -> None:
        """It does not answer."""
        if not await self.audience.chats.recall(WEATHER):
            await self._say(AWAY, messages.market_away)

    async def refused(self) -> None:
        """It answers, and refuses the keys."""
        if await self.audience.chats.recall(WEATHER) != REFUSED:
            await self._say(REFUSED, messages.keys_refused)

    async def back(self) -> None:
        """It answers."""
        if await self.audience.chats.recall(WEATHER):
            await self._say("", messages.market_back)

    async def _say(self, state: str, words: Callable[[str], str]) -> None:
        await self.audience.chats.remember(WEATHER, state, self._clock())
        languages = await self.audience.languages()
        for chat_id in languages.keys() & await self.audience.watching():
            await self._outbox.say(chat_id, words(languages[chat_id]))
