"""Titles that are to be looked at, the most urgent first, each by one worker at a time."""

from __future__ import annotations

import asyncio
import heapq
from enum import IntEnum

import msgspec

from botcore.model import Game, Offer

__all__ = ["Job", "Jobs", "Rank"]


class Rank(IntEnum):
    """Why a title is looked at, the most urgent reason first. From ``DOUBT`` on it waits behind everything else."""

    HAND_OUT = 0
    NEW = 1
    TOLD = 2
    MOVED = 3
    DOUBT = 4
    RESCAN = 5

    @property
    def behind(self) -> bool:
        """Whether it takes what others leave."""
        return self >= Rank.DOUBT


class Job(msgspec.Struct):
    """A title to be looked at. ``offers``: new ones by id, each with when it was seen. ``done``: who waits for the outcome."""

    game: Game
    title: str
    rank: Rank
    offers: dict[str, tuple[Offer, float]] = msgspec.field(default_factory=dict)
    done: list[asyncio.Future[bool]] = msgspec.field(default_factory=list)
    tries: int = 0

    @property
    def key(self) -> tuple[Game, str]:
        """What it is about."""
        return (self.game, self.title)

    def join(self, other: Job) -> None:
        """Take over what another job of the title was for."""
        self.rank = min(self.rank, other.rank)
        self.offers |= other.offers
        self.done += other.done
        self.tries = max(self.tries, other.tries)

    def end(self, *, well: bool) -> None:
        """Tell whoever waits."""
        for future in self.done:
            if not future.done():
                future.set_result(well)


class Jobs:
    """A queue of jobs. Of those that wait behind everything else, at most ``behind`` are under way at once."""

    def __init__(self, behind: int) -> None:
        self._most_behind = behind
        self._behind: set[tuple[Game, str]] = set()
        self._waiting: dict[tuple[Game, str], Job] = {}
        self._busy: set[tuple[Game, str]] = set()
        self._heap: list[tuple[Rank, int, tuple[Game, str]]] = []
        self._put = 0
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not (self._waiting or self._busy)

    def put(self, job: Job) -> None:
        """Add a job; one of the same title that waits already takes it over."""
        known = self._waiting.get(job.key)
        if known is None:
            self._waiting[job.key] = job
        else:
            rank = known.rank
            known.join(job)
            if known.rank == rank:
                return
        self._push(self._waiting[job.key])

    async def take(self) -> Job:
        """The most urgent job whose title is not under way."""
        while True:
            job = self._next()
            if job is not None:
                return job
            self._wake.clear()
            await self._wake.wait()

    def finish(self, job: Job) -> None:
        """A job is over, well or not: its title may be looked at again."""
        self._busy.discard(job.key)
        self._behind.discard(job.key)
        waiting = self._waiting.get(job.key)
        if waiting is not None:
            self._push(waiting)
        self._wake.set()

    def _push(self, job: Job) -> None:
        self._put += 1
        heapq.heappush(self._heap, (job.rank, self._put, job.key))
        self._wake.set()

    def _next(self) -> Job | None:
        while self._heap:
            rank, _, key = self._heap[0]
            job = self._waiting.get(key)
            if job is not None and job.rank == rank and key not in self._busy:
                if rank.behind and len(self._behind) >= self._most_behind:
                    return None
                heapq.heappop(self._heap)
                del self._waiting[key]
                self._busy.add(key)
                if rank.behind:
                    self._behind.add(key)
                return job
            heapq.heappop(self._heap)  # taken already, more urgent by now, or pushed again when its title is free
        return None
