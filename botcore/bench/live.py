"""A watch of a sandbox market in real time, held against the market's own account of what happened."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable

import msgspec

from botcore.app import App, open_app
from botcore.bench.account import Account, Served
from botcore.bench.defaults import defaults
from botcore.bench.told import Heard, Told
from botcore.model import Alert, Change, Game, WatchQuery
from botcore.sandbox import MarketOptions
from botcore.scan import Watch, WatchFigures

__all__ = ["Live", "live", "take"]

LOOK = 0.25


class Live(msgspec.Struct):
    """One run of ``seconds`` that count, after the listing was learned for so many ``learned``.

    ``first``: what was told and true while it was learned. ``served`` while it counted, ``earlier`` before. ``pages`` of each
    game's listing, which was looked at so many times, by game: ``looks``.
    """

    told: Told
    first: Told
    learned: float
    served: Served
    earlier: Served
    looks: dict[Game, int]
    pages: dict[Game, int]
    figures: WatchFigures

    @property
    def seconds(self) -> float:
        """For how long everything counted."""
        return self.told.until - self.told.since

    def used(self) -> float:
        """The largest share of the quota of a class that arrived at the market."""
        return self.served.used(self.seconds)

    def refused(self) -> int:
        """Requests that the market refused, from the very first one on."""
        return sum(self.served.refused.values()) + sum(self.earlier.refused.values())

    def against_rescanning(self) -> float:
        """All requests of the watch against those of reading each game's whole listing as often as it looked at what is new there.

        Read that often, the listing tells of a new offer just as soon, and of one that is gone or priced anew as well.
        """
        return sum(self.served.requests.values()) / sum(self.pages[game] * looks for game, looks in self.looks.items())


async def live(market: MarketOptions, *, learn: float, seconds: float) -> Live:
    """Watch all games and levels.

    Everything counts for so many ``seconds``, once ``learn`` seconds have passed and every game's listing was read once; at 0 from the very beginning.
    """
    with defaults() as settings:
        async with open_app(settings, sandbox=market) as app:
            await Account(app.client.base_url).begin()
            async with app.watch(WatchQuery(door="bench")) as watch:
                return await _counted(app, watch, learn, seconds)


async def _counted(app: App, watch: Watch, learn: float, seconds: float) -> Live:
    account, began = Account(app.client.base_url), time.time()
    taking = asyncio.create_task(take(watch, time.time))
    await _learned(watch, learn)
    earlier = await account.served()
    await account.count_anew()
    since, before = time.time(), _looks(watch)
    await asyncio.sleep(seconds)
    served, after, figures = await account.served(), _looks(watch), watch.figures
    lives, until = await account.lives()
    watch.stop()
    heard, events = await taking, await account.events()
    told, first = Told(since, until, heard, lives, events), Told(began, since, heard, lives, events)
    looks = {game: after[game] - before[game] for game in after}
    return Live(told, first, since - began, served, earlier, looks, await account.pages(), figures)


class _Line(msgspec.Struct):
    """An event on its way through a file: one of the two."""

    at: float
    alert: Alert | None = None
    change: Change | None = None


async def take(watch: Watch, now: Callable[[], float]) -> list[Heard]:
    """Be the door until the watch ends: take every event at once, as one that sends without delay.

    Meanwhile they lie in a file, so that the memory of the process is the watch's.
    """
    with tempfile.TemporaryFile() as file:
        async for event in watch:
            if not isinstance(event, WatchFigures):
                line = _Line(now(), alert=event) if isinstance(event, Alert) else _Line(now(), change=event)
                file.write(msgspec.json.encode(line) + b"\n")
        file.seek(0)
        lines = [msgspec.json.decode(line, type=_Line) for line in file]
    return [Heard(line.at, heard) for line in lines if (heard := line.alert or line.change) is not None]


async def _learned(watch: Watch, least: float) -> None:
    """Wait for so many seconds, and, unless they are 0, until every game's listing was read once."""
    await asyncio.sleep(least)
    while least > 0 and not watch.over and not all(one.rescans for one in watch.figures.games.values()):  # noqa: ASYNC110 - nothing tells it
        await asyncio.sleep(LOOK)


def _looks(watch: Watch) -> dict[Game, int]:
    return {game: one.looks for game, one in watch.figures.games.items()}
