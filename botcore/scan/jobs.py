"""Titles that are to be looked at, the most urgent first. A title is under way twice only when the second look is more urgent than the first."""

from __future__ import annotations

import asyncio
import heapq
from enum import IntEnum

import msgspec

from botcore.client import Priority
from botcore.model import Game, Offer

__all__ = ["Job", "Jobs", "Rank"]


class Rank(IntEnum):
    """Why a title is looked at, the most urgent reason first.

    An alert waits for it to be handed out; an offer is new; the prices of a title with alerts out moved; those of another one
    did; the rescan came by; a new offer pays only if what stands before it is no rival; alerts are to be verified; the sales of
    a title are to be learned, which rule most titles out. From ``DOUBT`` on it waits behind everything else.
    """

    HAND_OUT = 0
    NEW = 1
    TOLD = 2
    MOVED = 3
    RESCAN = 4
    DOUBT = 5
    VERIFY = 6
    LEARN = 7

    @property
    def behind(self) -> bool:
        """Whether it takes what others leave."""
        return self >= Rank.DOUBT

    @property
    def priority(self) -> Priority:
        """Its turn in the quota of the watch."""
        return Priority.WARM if self.behind else Priority.WATCH if self <= Rank.NEW else Priority.SCAN

    @property
    def turn(self) -> int:
        """Its turn among the workers: that in the quota, but for what asks for sales alone, which nobody need wait for who waits for listings."""
        return self.priority + (self is Rank.LEARN)


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

    @property
    def suspicion(self) -> bool:
        """Whether the title alone is the reason: nobody waits, no offer is new, and it is not about what was told."""
        return not (self.offers or self.done or self.rank in (Rank.TOLD, Rank.VERIFY))

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
    """A queue of jobs for so many ``workers``, and some more that ask for sales alone: ``staff`` in all.

    What waits long for its turn in the quota must not keep the workers from what does not: of the jobs of each turn but the
    first so many may be under way.
    """

    def __init__(self, workers: int) -> None:
        quarter = max(1, workers // 4)
        self.staff = workers + quarter
        self._most = {Rank.NEW.turn: workers, Rank.MOVED.turn: max(1, workers // 2), Rank.DOUBT.turn: quarter, Rank.LEARN.turn: quarter}
        self._under_way = dict.fromkeys(self._most, 0)
        self._waiting: dict[tuple[Game, str], Job] = {}
        self._busy: dict[tuple[Game, str], list[int]] = {}
        self._heaps: dict[int, list[tuple[Rank, int, tuple[Game, str]]]] = {turn: [] for turn in self._most}
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
        """The most urgent job whose title is not under way by one that is as urgent."""
        while True:
            job = self._next()
            if job is not None:
                return job
            self._wake.clear()
            await self._wake.wait()

    def finish(self, job: Job) -> None:
        """A job is over, well or not: its title may be looked at again."""
        turns = self._busy[job.key]
        turns.remove(job.rank.turn)
        self._under_way[job.rank.turn] -= 1
        if not turns:
            del self._busy[job.key]
        waiting = self._waiting.get(job.key)
        if waiting is not None:
            self._push(waiting)
        self._wake.set()

    def _push(self, job: Job) -> None:
        self._put += 1
        heapq.heappush(self._heaps[job.rank.turn], (job.rank, self._put, job.key))
        self._wake.set()

    def _next(self) -> Job | None:
        for turn, heap in self._heaps.items():
            while heap and self._under_way[turn] < self._most[turn]:
                rank, _, key = heapq.heappop(heap)
                job = self._waiting.get(key)
                # Else it was taken already, is more urgent by now, or is pushed again when its title is free.
                if job is not None and job.rank == rank and all(turn < other for other in self._busy.get(key, ())):
                    del self._waiting[key]
                    self._busy.setdefault(key, []).append(turn)
                    self._under_way[turn] += 1
                    return job
        return None
