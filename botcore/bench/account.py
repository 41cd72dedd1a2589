"""Asks a sandbox market for its own account of what happened: on routes of its own, which cost no quota and have no latency."""

from __future__ import annotations

import asyncio
from urllib.request import urlopen

import msgspec

from botcore.bench.told import Event, Life
from botcore.model import Game, RequestClass, RequestCounts
from botcore.sandbox.limits import QUOTAS
from botcore.scan.bands import PAGE

__all__ = ["Account", "Served"]


class Served(msgspec.Struct):
    """What arrived at the market, by class: how many, the most in any second, and how many it refused. ``bytes`` of answers."""

    requests: dict[RequestClass, int]
    most_in_a_second: dict[RequestClass, int]
    refused: dict[RequestClass, int]
    bytes: int

    @property
    def counts(self) -> RequestCounts:
        """The requests as the record of a measurement has them."""
        return RequestCounts(**{kind.value: count for kind, count in self.requests.items()})

    def used(self, seconds: float) -> float:
        """The share of its quota that the class used most used in so many seconds."""
        return max(count / seconds / QUOTAS[kind] for kind, count in self.requests.items())

    def busiest(self) -> float:
        """The same for the busiest second of each class."""
        return max(count / QUOTAS[kind] for kind, count in self.most_in_a_second.items())


class _Lives(msgspec.Struct):
    lives: list[Life]
    now: float


class _Events(msgspec.Struct):
    events: list[Event]


class _GameWorld(msgspec.Struct):
    levels: dict[str, int]


class _World(msgspec.Struct):
    games: dict[Game, _GameWorld]


class Account:
    """The account of the market at ``url``."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def begin(self) -> None:
        """From now on every opportunity is witnessed."""
        await self._ask("witness", b"")

    async def count_anew(self) -> None:
        """Forget what arrived so far."""
        await self._ask("served/reset", b"")

    async def lives(self) -> tuple[list[Life], float]:
        """All opportunities that were witnessed, and the market's time."""
        told = msgspec.json.decode(await self._ask("lives"), type=_Lives)
        return told.lives, told.now

    async def events(self) -> list[Event]:
        """What the churn did, the newest at least 50,000 events."""
        return msgspec.json.decode(await self._ask("events"), type=_Events).events

    async def served(self) -> Served:
        """What arrived since counting began."""
        return msgspec.json.decode(await self._ask("served"), type=Served)

    async def pages(self) -> dict[Game, int]:
        """Full pages of each game's listing within the prices of all levels."""
        world = msgspec.json.decode(await self._ask("world"), type=_World)
        return {game: sum(one.levels.values()) // PAGE for game, one in world.games.items()}

    async def _ask(self, path: str, body: bytes | None = None) -> bytes:
        return await asyncio.to_thread(_asked, f"{self._url}/sandbox/{path}", body)


def _asked(url: str, body: bytes | None) -> bytes:
    with urlopen(url, data=body) as answer:  # noqa: S310 - our own server on this machine
        told: bytes = answer.read()
        return told
