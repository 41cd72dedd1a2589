"""The Redis level: shared by processes, and by runs of one process.

A value is kept with its tags' versions. One MGET brings the value and the versions; an invalidation writes a new
version under the tag, and tells the other processes over a channel, so that their memory forgets as well. A tag without a
version gets one, by chance, so that no version comes twice: a server short of memory may drop what it likes. Everything is
kept under the server's run id: what a restarted server brings back from its disk is older than its invalidations may be,
and is never looked at.

When Redis is away, everything is a miss and nothing is kept. Invalidations wait and go first when it is back.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import struct
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError, ResponseError

from botcore.cache.connection import Connection
from botcore.cache.levels import Entry, Found, LevelCounts
from botcore.cache.policy import CacheOptions, Question, policies
from botcore.timing import measure_time

__all__ = ["SUMS", "RedisLevel"]

_HEAD = struct.Struct("<4sIddH")
_TIMES = struct.Struct("<ddH")
_CHECKED = _HEAD.size - _TIMES.size
"""From here to the end the checksum counts: times, the length of the fence, fence and value."""
_MAGIC = b"bc1\n"
SUMS = "botcore:sums"
"""The hash that holds the sums."""
_DAY = 86_400
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_IDLE = 5.0
"""Seconds without a word from the channel after which we ask whether it still lives."""
_LANES = 50
"""Commands under way at once; redis-py opens a connection for each, and fails beyond a hundred."""
_FAULTS = (RedisError, OSError, TimeoutError, asyncio.IncompleteReadError)
_RENEW = "for i, key in ipairs(KEYS) do if redis.call('get', key) == ARGV[1] then redis.call('pexpire', key, ARGV[2]) end end"
_RELEASE = """
for i, key in ipairs(KEYS) do
  if redis.call('get', key) == ARGV[1] then redis.call('del', key) end
  redis.call('publish', ARGV[2], ARGV[2 + i])
end
"""
_log = logging.getLogger(__name__)


class RedisLevel:
    """Entries in Redis. Use it as a context manager.

    ``space`` keeps apart what belongs to different markets or accounts. ``heard`` is called with the tags that another
    process invalidated, with those of this process once Redis has them, and with None when it may be any.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        space: str,
        options: CacheOptions | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.counts = LevelCounts()
        self.up = False
        self.heard: Callable[[Iterable[str] | None], None] = lambda _: None
        self._connection = connection
        self._redis = connection.commands
        self._space = f"botcore:{space}"
        self._root = ""
        options = options or CacheOptions()
        self._version_ms = math.ceil(1000 * max(_DAY, *(2 * one.kept for one in policies(options).values())))
        self._lock = options.lock
        self._timeout = options.timeout
        self._clock = clock
        self._me = secrets.token_hex(8).encode()
        self._owed: dict[str, None] = {}
        self._waiting: dict[bytes, set[asyncio.Future[None]]] = {}
        self._told = False
        self._refused = False
        self._lanes = asyncio.Semaphore(_LANES)
        self._era = 0
        self._settling: set[asyncio.Task[None]] = set()
        self._hearing: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<RedisLevel {self._connection.shown}, {'up' if self.up else 'away'}, {self.counts}>"

    # ---- the contract ------------------------------------------------------------------------------------------------

    @measure_time
    async def look(self, questions: Sequence[Question]) -> list[Found[bytes]]:
        """What is kept, and the tags' versions as the fence; an empty one when Redis is away."""
        tags = _tags(questions)
        answers = await self._exchange([("MGET", *self._names("v", [question.name for question in questions]), *self._names("t", tags))])
        return await self._found_all(questions, tags, answers[0] if answers else None)

    @measure_time
    async def put(self, answers: Sequence[tuple[Question, Entry, bytes]]) -> None:
        """Keep answers. Those whose tags were invalidated meanwhile carry the old versions and are never found."""
        await self._exchange(self._writes(answers))

    async def invalidate(self, tags: Iterable[str]) -> None:
        """Give each tag a new version and tell the other processes; when Redis is away, as soon as it is back.

        Goes on to its end when the caller is cancelled.
        """
        self._owed.update(dict.fromkeys(tags))
        if self.up:
            settling = asyncio.get_running_loop().create_task(self._settle())
            self._settling.add(settling)
            settling.add_done_callback(self._settling.discard)
            await asyncio.shield(settling)

    # ---- sums of all processes -----------------------------------------------------------------------------------------

    async def add_up(self, counts: Mapping[str, int]) -> None:
        """Add to the sums that all processes on this Redis share; they end a day after the last addition."""
        await self._exchange([*(("HINCRBY", SUMS, name, count) for name, count in counts.items() if count), ("EXPIRE", SUMS, _DAY)])

    # ---- one flight among processes ----------------------------------------------------------------------------------

    @measure_time
    async def claim(self, questions: Sequence[Question], urgency: int) -> list[Found[bytes] | None]:
        """What is kept now that nobody else asks the market for it, or None while another process does, as urgently.

        What another process found just before is among it. Without Redis nothing is kept and nobody asks.
        """
        mine = b"%d %s" % (urgency, self._me)
        locks, tags = self._names("l", [question.name for question in questions]), _tags(questions)
        values = [*self._names("v", [question.name for question in questions]), *self._names("t", tags)]
        sets = [("SET", lock, mine, "NX", "PX", self._lock_ms) for lock in locks]
        answers = await self._exchange([*sets, ("MGET", *locks, *values)])
        held = answers[-1] if answers else None
        found = await self._found_all(questions, tags, held[len(locks) :] if held else None)
        holders = held[: len(locks)] if held else [None] * len(locks)
        return [None if self._yields_to(holder, urgency) else one for one, holder in zip(found, holders, strict=True)]

    async def left(self, questions: Sequence[Question]) -> float:
        """Seconds until the first of other processes' claims ends, unless it is renewed; 0 without Redis."""
        answers = await self._exchange([("PTTL", lock) for lock in self._names("l", [question.name for question in questions])])
        return max(0.0, min(self._lock, min(answers) / 1000 + 0.001)) if answers else 0.0

    @asynccontextmanager
    async def holding(self, questions: Sequence[Question], urgency: int) -> AsyncIterator[None]:
        """Keep the claims alive while the body asks, then give them up and wake who waits."""
        renewing = asyncio.get_running_loop().create_task(self._renew(questions, urgency)) if self.up else None
        try:
            yield
        finally:
            if renewing is not None:
                renewing.cancel()
            await self._release(questions, urgency)

    def listen(self, questions: Sequence[Question]) -> list[asyncio.Future[None]]:
        """Futures that are done when another process gave up its claim; ask for them before claiming."""
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in questions]
        for question, future in zip(questions, futures, strict=True):
            self._waiting.setdefault(question.name.encode(), set()).add(future)
        return futures

    def deafen(self, questions: Sequence[Question], futures: Sequence[asyncio.Future[None]]) -> None:
        """Stop listening."""
        for question, future in zip(questions, futures, strict=True):
            waiters = self._waiting.get(question.name.encode())
            if waiters is not None:
                waiters.discard(future)
                if not waiters:
                    del self._waiting[question.name.encode()]

    # ---- life --------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._task = asyncio.get_running_loop().create_task(self._live())
        await self._changed.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await asyncio.gather(*self._settling)
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def wait(self, *, up: bool) -> None:
        """Wait until Redis is there, or is away."""
        while self.up != up:
            self._changed.clear()
            await self._changed.wait()

    async def _live(self) -> None:
        """Connect, listen until Redis is lost, and connect again, for ever."""
        pause = _FIRST_PAUSE
        try:
            while True:
                try:
                    async with self._connection.events.pubsub() as channel:
                        await self._begin(channel)
                        pause = _FIRST_PAUSE
                        await self._until_lost(channel)
                except _FAULTS as error:
                    self._lost(error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        finally:
            self.up = False
            self._changed.set()

    async def _until_lost(self, channel: PubSub) -> None:
        """Listen until the channel fails or a command did."""
        self._hearing = asyncio.get_running_loop().create_task(self._hear(channel))
        try:
            await asyncio.wait([self._hearing])
            if not self._hearing.cancelled():
                self._hearing.result()
        finally:
            self._hearing.cancel()
            self._hearing = None

    async def _begin(self, channel: PubSub) -> None:
        """Subscribe, pay what is owed, and forget what was kept in memory while nobody told us of changes."""
        async with asyncio.timeout(3 * self._timeout):
            await channel.subscribe(self._channel)
            while (message := await channel.get_message(timeout=self._timeout)) is None or message["type"] != "subscribe":
                pass
            # Asked after the subscription: whoever restarts the server from now on ends that as well.
            self._root = f"{self._space}:{(await self._connection.run_id())[:12]}"
        await self._settle(connecting=True)
        self.heard(None)
        self.up = True
        self._era += 1
        if self._told:
            _log.info("Redis is back at %s", self._connection.shown)
            self._told = False
        self._changed.set()

    async def _hear(self, channel: PubSub) -> None:
        asked = False
        while True:
            message = await channel.get_message(ignore_subscribe_messages=True, timeout=_IDLE)
            if message is not None and message["type"] == "message":
                self._obey(message["data"])
            elif message is None:
                if asked:
                    raise TimeoutError("the channel fell silent")
                await channel.ping()
            asked = message is None

    def _obey(self, data: bytes) -> None:
        """``t<who> <tag>`` for a tag that fell, ``d<name>`` for an answer that was given."""
        kind, rest = data[:1], data[1:]
        if kind == b"d":
            for future in self._waiting.get(rest, ()):
                if not future.done():
                    future.set_result(None)
        elif kind == b"t":
            who, _, tag = rest.partition(b" ")
            if who != self._me:
                self.heard([tag.decode(errors="replace")])

    def _lost(self, error: BaseException, *, bearable: bool = False) -> None:
        """Go on without Redis until it is back; a ``bearable`` refusal costs its own answer alone."""
        self.counts.errors += 1
        if bearable and isinstance(error, ResponseError):
            if not self._refused:
                _log.warning("Redis at %s refused a command, which costs its answer alone: %s", self._connection.shown, error)
            self._refused = True
            return
        self.up = False
        self._era += 1
        if self._hearing is not None:
            self._hearing.cancel()
        self._changed.set()
        for waiters in self._waiting.values():
            for future in waiters:
                if not future.done():
                    future.set_result(None)
        if not self._told:
            self._told = True
            _log.warning("Redis at %s is away, memory alone goes on: %s", self._connection.shown, str(error) or type(error).__name__)

    # ---- writing -----------------------------------------------------------------------------------------------------

    def _writes(self, answers: Sequence[tuple[Question, Entry, bytes]]) -> list[tuple[object, ...]]:
        now = self._clock()
        return [
            ("SET", self._name("v", question.name), _packed(entry, fence), "PX", max(1, math.ceil((entry.kept_until - now) * 1000)))
            for question, entry, fence in answers
            if fence and entry.kept_until > now
        ]

    async def _exchange(self, commands: Sequence[tuple[object, ...]]) -> list[Any] | None:
        """The answers to commands that are sent together; None when Redis is away, or went away before they came.

        An answer of another era may come from a server that was restarted in between.
        """
        if not self.up or not commands:
            return None
        era = self._era
        async with self._lanes:
            if era != self._era:
                return None
            try:
                answers = await self._sent(commands)
            except _FAULTS as error:
                if era == self._era:
                    self._lost(error, bearable=True)
                return None
        return answers if era == self._era else None

    async def _sent(self, commands: Sequence[tuple[object, ...]]) -> list[Any]:
        if len(commands) == 1:
            return [await self._redis.execute_command(*commands[0])]  # type: ignore[no-untyped-call]
        async with self._redis.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return await pipe.execute()

    async def _settle(self, *, connecting: bool = False) -> None:
        """Send the invalidations that are owed. What is not confirmed stays owed; while connecting, the failure is raised.

        A server that refuses them is one to stay away from: it would give out what has fallen.
        """
        while self._owed and (self.up or connecting):
            tags, self._owed, era = list(self._owed), {}, self._era
            try:
                await self._sent([command for tag in tags for command in self._falls(tag)])
            except _FAULTS as error:
                self._owed.update(dict.fromkeys(tags))
                if connecting:
                    raise
                if era == self._era:
                    self._lost(error)
            else:
                # Again, for what was read from Redis while it did not know yet.
                self.heard(tags)

    def _falls(self, tag: str) -> list[tuple[object, ...]]:
        version = ("SET", self._name("t", tag), secrets.token_bytes(8), "PX", self._version_ms)
        return [version, ("PUBLISH", self._channel, b"t%s %s" % (self._me, tag.encode()))]

    async def _renew(self, questions: Sequence[Question], urgency: int) -> None:
        names = self._names("l", [question.name for question in questions])
        while True:
            await asyncio.sleep(self._lock / 3)
            await self._exchange([("EVAL", _RENEW, len(names), *names, b"%d %s" % (urgency, self._me), self._lock_ms)])

    async def _release(self, questions: Sequence[Question], urgency: int) -> None:
        names = self._names("l", [question.name for question in questions])
        told = [b"d" + question.name.encode() for question in questions]
        await self._exchange([("EVAL", _RELEASE, len(names), *names, b"%d %s" % (urgency, self._me), self._channel, *told)])

    # ---- names and values ----------------------------------------------------------------------------------------------

    @property
    def _channel(self) -> str:
        return f"{self._space}:events"

    @property
    def _lock_ms(self) -> int:
        return math.ceil(self._lock * 1000)

    def _name(self, kind: str, name: str) -> str:
        return f"{self._root}:{kind}:{name}"

    def _names(self, kind: str, names: Iterable[str]) -> list[str]:
        root = f"{self._root}:{kind}:"
        return [root + name for name in names]

    def _yields_to(self, holder: bytes | None, urgency: int) -> bool:
        """Whether another process asks already, at least as urgently. A foreign holder is no reason to wait."""
        if holder is None:
            return False
        head, _, who = holder.partition(b" ")
        return who != self._me and head.isdigit() and int(head) <= urgency

    async def _found_all(self, questions: Sequence[Question], tags: Sequence[str], values: list[bytes | None] | None) -> list[Found[bytes]]:
        """From the values and the tags' versions, in this order; None for those when Redis is away."""
        versions: Sequence[bytes | None] | None = values[len(questions) :] if values is not None else None
        if versions is not None and None in versions:
            versions = await self._made(tags)
        if values is None or versions is None:
            self.counts.misses += len(questions)
            return [Found(None, b"")] * len(questions)
        if len(questions) == 1:
            return [self._found(values[0], _fence(versions))]
        of = dict(zip(tags, versions, strict=True))
        return [self._found(value, _fence([of[tag] for tag in question.tags])) for question, value in zip(questions, values, strict=False)]

    async def _made(self, tags: Sequence[str]) -> list[bytes | None] | None:
        """The tags' versions, after giving one to each that has none."""
        names = self._names("t", tags)
        sets = [("SET", name, secrets.token_bytes(8), "NX", "PX", self._version_ms) for name in names]
        answers = await self._exchange([*sets, ("MGET", *names)])
        return answers[-1] if answers else None

    def _found(self, value: bytes | None, fence: bytes) -> Found[bytes]:
        entry = self._unpacked(value, fence) if value is not None else None
        counts = self.counts
        if entry is None or (now := self._clock()) >= entry.kept_until:
            counts.misses += 1
            return Found(None, fence)
        counts.hits += 1
        if now >= entry.fresh_until:
            counts.stale += 1
        counts.bytes += len(entry.value)
        return Found(entry, fence)

    def _unpacked(self, data: bytes, fence: bytes) -> Entry | None:
        """The entry, or None for one whose tags have fallen, and for bytes that are not ours or were damaged."""
        if len(data) >= _HEAD.size:
            magic, check, fresh_until, kept_until, size = _HEAD.unpack_from(data)
            if magic == _MAGIC and zlib.crc32(memoryview(data)[_CHECKED:]) == check:
                start = _HEAD.size + size
                return Entry(data[start:], fresh_until, kept_until) if data[_HEAD.size : start] == fence else None
        self.counts.errors += 1
        return None


def _tags(questions: Sequence[Question]) -> Sequence[str]:
    if len(questions) == 1:
        return questions[0].tags
    return list(dict.fromkeys(tag for question in questions for tag in question.tags))


def _fence(versions: Sequence[bytes | None]) -> bytes:
    """Empty without a version, as where foreign hands put a list in its place: then nothing can be kept."""
    return b"".join(versions) if None not in versions else b""  # type: ignore[arg-type]


def _packed(entry: Entry, fence: bytes) -> bytes:
    body = b"".join((_TIMES.pack(entry.fresh_until, entry.kept_until, len(fence)), fence, entry.value))
    return _MAGIC + zlib.crc32(body).to_bytes(4, "little") + body
