"""The memory level, and the contract that it shares with Redis.

A level keeps bytes under names. Each entry goes with tags, and an invalidated tag takes all its entries with it in constant
time: nothing is searched, the entries are refused when they are asked for. ``fence`` is taken before an answer is asked for
and handed back with it, so that an answer asked for before an invalidation is never kept after it.
"""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec

from botcore.cache.policy import Question

__all__ = ["CacheCounts", "Entry", "Found", "Level", "LevelCounts", "MemoryLevel"]

Fence = TypeVar("Fence")
_OVERHEAD = 350
"""Bytes that an entry takes beside its name and its value: measured over a million entries, by the cache bench again."""
_MOST_TAGS = 200_000
"""Invalidated tags that are remembered; beyond that, forgetting everything is cheaper than going on."""


class LevelCounts(msgspec.Struct):
    """What a level did. ``stale`` counts hits past their freshness, ``bytes`` what hits gave out, ``errors`` what failed or was foreign."""

    hits: int = 0
    misses: int = 0
    stale: int = 0
    bytes: int = 0
    evictions: int = 0
    errors: int = 0


class CacheCounts(msgspec.Struct):
    """What the cache did for somebody. ``coalesced`` joined a flight under way, ``loads`` began one, ``refreshed`` began one behind."""

    memory: LevelCounts = msgspec.field(default_factory=LevelCounts)
    redis: LevelCounts = msgspec.field(default_factory=LevelCounts)
    coalesced: int = 0
    loads: int = 0
    refreshed: int = 0

    def flat(self) -> dict[str, int]:
        """All of it by name, ``memory_hits`` for example."""
        levels = {"memory": self.memory, "redis": self.redis}
        split = {f"{level}_{name}": getattr(counts, name) for level, counts in levels.items() for name in counts.__struct_fields__}
        return split | {name: getattr(self, name) for name in ("coalesced", "loads", "refreshed")}


class Entry:
    """Bytes with their times, in seconds of the cache's clock: fresh until, and kept until."""

    __slots__ = ("fresh_until", "kept_until", "value")

    def __init__(self, value: bytes, fresh_until: float, kept_until: float) -> None:
        self.value = value
        self.fresh_until = fresh_until
        self.kept_until = kept_until

    def __repr__(self) -> str:
        return f"<Entry of {len(self.value)} bytes, fresh until {self.fresh_until:.3f}, kept until {self.kept_until:.3f}>"


class Found(NamedTuple, Generic[Fence]):
    """What a level knows of a question: its entry or None, and the fence for an answer asked for from now on."""

    entry: Entry | None
    fence: Fence


class Level(Protocol[Fence]):
    """What memory and Redis have in common. None of it raises because of what is kept or because a server is away."""

    counts: LevelCounts

    async def look(self, questions: Sequence[Question]) -> list[Found[Fence]]:
        """What is kept, for each question in turn."""

    async def put(self, answers: Sequence[tuple[Question, Entry, Fence]]) -> None:
        """Keep answers, except those whose fence has fallen."""

    async def invalidate(self, tags: Iterable[str]) -> None:
        """Forget everything that goes with any of the tags, and answers to it that are still on their way."""


class _Kept(Entry):
    """An entry in memory: when it was last known to be valid, what it depends on, and the bytes it takes."""

    __slots__ = ("epoch", "size", "tags")

    def __init__(self, entry: Entry, tags: tuple[str, ...], epoch: int, size: int) -> None:
        super().__init__(entry.value, entry.fresh_until, entry.kept_until)
        self.tags = tags
        self.epoch = epoch
        self.size = size


class MemoryLevel:
    """Bounded in bytes and entries; the least recently used goes first. ``clock`` gives seconds since 1970, as entries count them."""

    def __init__(self, most_bytes: int, most_entries: int, *, clock: Callable[[], float] = time.time) -> None:
        self.counts = LevelCounts()
        self.bytes = 0
        self._most_bytes = most_bytes
        self._most_entries = most_entries
        self._clock = clock
        self._entries: OrderedDict[str, _Kept] = OrderedDict()
        self._epoch = 0
        self._fallen: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<MemoryLevel of {len(self._entries)} entries, {self.bytes} of {self._most_bytes} bytes, {self.counts}>"

    def __len__(self) -> int:
        return len(self._entries)

    async def look(self, questions: Sequence[Question]) -> list[Found[int]]:
        """What is kept, and the epoch."""
        return [Found(self.get(question), self._epoch) for question in questions]

    async def put(self, answers: Sequence[tuple[Question, Entry, int]]) -> None:
        """Keep answers whose tags have not been invalidated since."""
        for question, entry, fence in answers:
            self.set(question, entry, fence)

    async def invalidate(self, tags: Iterable[str]) -> None:
        """Forget everything that goes with any of the tags."""
        self.drop(tags)

    @property
    def epoch(self) -> int:
        """The fence of answers asked for from now on."""
        return self._epoch

    def get(self, question: Question) -> Entry | None:
        """The entry of one question, fresh or stale. Without a wait: this is the way of every hit."""
        name = question.name
        entry = self._entries.get(name)
        counts = self.counts
        if entry is None:
            counts.misses += 1
            return None
        now = self._clock()
        if now >= entry.kept_until or (entry.epoch != self._epoch and not self._stands(entry)):
            self._remove(name)
            counts.misses += 1
            return None
        self._entries.move_to_end(name)
        counts.hits += 1
        if now >= entry.fresh_until:
            counts.stale += 1
        counts.bytes += len(entry.value)
        return entry

    def set(self, question: Question, entry: Entry, fence: int) -> None:
        """Keep an answer asked for when the epoch was ``fence``; what is larger than the whole level is not kept."""
        name, tags = question.name, question.tags
        if self._fell(tags, fence):
            return
        self._remove(name)
        size = sys.getsizeof(name) + sys.getsizeof(entry.value) + _OVERHEAD + sum(sys.getsizeof(tag) for tag in tags)
        if size > self._most_bytes:
            return
        self._entries[name] = _Kept(entry, tags, self._epoch, size)
        self.bytes += size
        while self.bytes > self._most_bytes or len(self._entries) > self._most_entries:
            self._remove(next(iter(self._entries)))
            self.counts.evictions += 1

    def drop(self, tags: Iterable[str]) -> None:
        """Invalidate without a wait."""
        self._epoch += 1
        for tag in tags:
            self._fallen[tag] = self._epoch
        if len(self._fallen) > _MOST_TAGS:
            self.clear()

    def stands(self, question: Question, fence: int) -> bool:
        """Whether an answer asked for at that fence may still be given out."""
        return not self._fell(question.tags, fence)

    def clear(self) -> None:
        """Forget everything, and answers that are still on their way."""
        self._epoch += 1
        self._entries.clear()
        self.bytes = 0
        self._fallen = {"": self._epoch}

    def _stands(self, entry: _Kept) -> bool:
        if self._fell(entry.tags, entry.epoch):
            return False
        entry.epoch = self._epoch
        return True

    def _fell(self, tags: tuple[str, ...], fence: int) -> bool:
        """Whether any of the tags, or everything, was invalidated after ``fence``."""
        fallen = self._fallen
        return fence != self._epoch and (fallen.get("", 0) > fence or any(fallen.get(tag, 0) > fence for tag in tags))

    def _remove(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self.bytes -= entry.size
