"""What remembering costs, beside what it is made of: hits, misses of many at once, forgetting, and memory.

Each ratio is of one run, interleaved and repeated; what needs another process starts one.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from botcore.bench.repeats import measures as repeats_of_scans
from botcore.cache.codec import Codec
from botcore.cache.connection import Connection, open_connection
from botcore.cache.embedded import EmbeddedServer
from botcore.cache.levels import Entry, MemoryLevel
from botcore.cache.policy import CacheOptions, Question, Subject, policies, targets
from botcore.cache.redis_level import RedisLevel
from botcore.cache.two_level import Cache
from botcore.errors import BotcoreError, ConfigError
from botcore.model import Game, Target
from botcore.perf.record import Measure, RunRecord, dotted

__all__ = ["run"]

TITLE = "AK-47 | Redline (Field-Tested)"
QUESTION = targets(Game.CSGO, TITLE)
PEERS = ("redis", "hiredis", "cashews", "aiocache")
SIZES = {"2 KB": 2_000, "8 KB": 8_000}
"""Bytes of the sales of a title that is traded often, and of one that is traded all day."""
FOR_EVER = 1e6
DIGESTED = 30
BOUND = 64 * 1024 * 1024
KEYS = 1_000_000
FILL = f"""
import random, resource, sys, time
from botcore.cache.levels import Entry, MemoryLevel
from botcore.cache.policy import Question, Subject, of_price, of_subject, of_title
from botcore.model import Game

def resident():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

chance, until, game = random.Random(1), time.time() + {FOR_EVER}, Game.CSGO
level = MemoryLevel({BOUND}, {KEYS})
before = resident()
for number in range(int(sys.argv[1])):
    title = f"AK-47 | Redline (Field-Tested) {{number}}"
    question = Question(Subject.TARGETS, f"targets/{{game}}/{{title}}", (of_subject(Subject.TARGETS, game), of_title(game, title), of_price(game, title)[0]))
    level.set(question, Entry(chance.randbytes(chance.randint(300, 2000)), until, until), level.epoch)
print((resident() - before) / {BOUND}, level.counts.evictions)
"""
"""Fills a level from a process of its own, and prints its growth at the most, in parts of the bound."""
LAUNCH = "import subprocess, sys; subprocess.run(sys.argv[1:], check=True)"
"""From a small process, since a child's peak begins at its parent's size."""
ASK = """
import asyncio, sys
from botcore.cache import Cache, RedisLevel, open_connection
from botcore.cache.policy import targets
from botcore.model import Game

async def load(questions, behind):
    print("asked", flush=True)
    await asyncio.sleep(0.15)
    return {question.name: [] for question in questions}

async def main(url, space, callers):
    async with open_connection(url, 10.0) as connection, Cache(redis=RedisLevel(connection, space=space)) as cache:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(*(cache.get_or_load(targets(Game.CSGO, "x"), load) for _ in range(int(callers))))

asyncio.run(main(*sys.argv[1:]))
"""
HEAR = """
import asyncio, sys, time
from botcore.cache import Cache, RedisLevel, open_connection

async def main(url, space):
    async with open_connection(url, 10.0) as connection, Cache(redis=RedisLevel(connection, space=space)) as cache:
        obey = cache.redis.heard
        def heard(tags):
            obey(tags)
            print(time.monotonic(), flush=True)
        cache.redis.heard = heard
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

asyncio.run(main(*sys.argv[1:]))
"""
"""Prints the time, by a clock that all processes share, at which its memory has forgotten."""


def run(*, quick: bool, say: Callable[[str], None]) -> RunRecord:
    """Measure everything; ``quick`` repeats less."""
    started = datetime.now(UTC)
    repeats = 5 if quick else 15
    say("a hit in memory")
    measures = asyncio.run(_memory_measures(repeats))
    with EmbeddedServer(memory=256 * 1024 * 1024) as server:
        say("a hit in Redis")
        measures += asyncio.run(_redis_measures(server.url, repeats))
        say("many misses of one key")
        measures += asyncio.run(_miss_measures(server.url, 1 if quick else 5))
        say("forgetting by tag")
        measures.append(asyncio.run(_tag_measure(server.url, 1 if quick else 5)))
        measures.append(asyncio.run(_heard_measure(server.url, 20 if quick else 200)))
    say(f"memory of {KEYS:,} keys")
    measures += _bound_measures(KEYS)
    scans, runs, work = asyncio.run(repeats_of_scans(seeds=1 if quick else 3, say=say))
    measures += scans
    data: dict[str, object] = {"value_bytes": SIZES, "keys": KEYS, "bound": BOUND, "tags": len(QUESTION.tags)}
    return RunRecord(
        question="bench-cache",
        run=dotted(run),
        started_at=started,
        work=work,
        options={"cache": CacheOptions(), "repeats": repeats},
        data=data,
        order="interleaved",
        samples=runs,
        measures=measures,
    ).also(PEERS)


# ---- hits ------------------------------------------------------------------------------------------------------------


async def _memory_measures(repeats: int) -> list[Measure]:
    """A hit against a lookup in a dict, and against the memory of two well-known caches, among ten thousand keys."""
    kept = time.time() + FOR_EVER
    value = secrets.token_bytes(SIZES["2 KB"])
    level = MemoryLevel(BOUND, KEYS)
    questions = [targets(Game.CSGO, f"{TITLE} {number}") for number in range(10_000)]
    bare = {question.name: (kept, value) for question in questions}
    theirs, others = _peers(len(questions) + 1)
    for question in questions:
        level.set(question, Entry(value, kept, kept), level.epoch)
        await theirs.set(question.name, value, expire=FOR_EVER)
        await others.set(question.name, value, ttl=FOR_EVER)
    parts = [random.Random(number).sample(questions, 200) for number in range(40)]  # noqa: S311 - the same keys in every run
    ratios: dict[str, list[float]] = {"bare": [], "cashews": [], "aiocache": []}
    for _ in range(repeats):
        times: dict[str, list[float]] = {"hit": [], "look": [], **{name: [] for name in ratios}}
        for asked in parts:
            times["hit"].append(_hits(level, asked))
            times["bare"].append(_lookups(bare, asked))
            times["look"].append(await _awaited(lambda question: level.look((question,)), asked))
            times["cashews"].append(await _awaited(lambda question: theirs.get(question.name), asked))
            times["aiocache"].append(await _awaited(lambda question: others.get(question.name), asked))
        typical = {name: _typical(one) for name, one in times.items()}
        ratios["bare"].append(typical["hit"] / typical["bare"])
        for name in ("cashews", "aiocache"):
            ratios[name].append(typical[name] / typical["look"])
    await theirs.close()
    return [
        Measure.of("memory hit against a bare dict lookup with a clock check", ratios["bare"], "ratio", "<= 4"),
        Measure.of("cashews' memory hit against ours", ratios["cashews"], "ratio", ">= 10"),
        Measure.of("aiocache's memory hit against ours", ratios["aiocache"], "ratio", ">= 10"),
    ]


def _peers(size: int) -> tuple[Any, Any]:
    try:
        import aiocache  # type: ignore[import-untyped] # noqa: PLC0415 - the peers come with the dev extra, and the other benches go without
        import cashews  # noqa: PLC0415
    except ImportError:
        raise ConfigError("this bench measures against aiocache and cashews: pip install botcore[dev]") from None
    theirs = cashews.Cache()
    theirs.setup("mem://", size=size)
    return theirs, aiocache.SimpleMemoryCache()


def _hits(level: MemoryLevel, questions: Sequence[Question]) -> float:
    start = time.perf_counter()
    for question in questions:
        level.get(question)
    return time.perf_counter() - start


def _lookups(kept: dict[str, tuple[float, bytes]], questions: Sequence[Question]) -> float:
    def lookup(name: str) -> bytes | None:
        found = kept.get(name)
        return found[1] if found is not None and time.time() < found[0] else None

    start = time.perf_counter()
    for question in questions:
        lookup(question.name)
    return time.perf_counter() - start


async def _awaited(ask: Callable[[Question], Awaitable[object]], questions: Sequence[Question]) -> float:
    start = time.perf_counter()
    for question in questions:
        await ask(question)
    return time.perf_counter() - start


async def _redis_measures(url: str, repeats: int) -> list[Measure]:
    """A hit against ``redis.get`` of what is stored for it, over the same connection."""
    measures = []
    async with _level(url) as (connection, level):
        for name, size in SIZES.items():
            (found,) = await level.look([QUESTION])
            kept = time.time() + FOR_EVER
            await level.put([(QUESTION, Entry(secrets.token_bytes(size), kept, kept), found.fence)])
            (stored,) = [key async for key in connection.commands.scan_iter("botcore:*:v:*")]
            ratios = []
            for _ in range(repeats):
                times: dict[str, list[float]] = {"ours": [], "bare": []}
                for _ in range(300):
                    times["bare"].append(await _awaited(lambda _, stored=stored: connection.commands.get(stored), [QUESTION]))  # type: ignore[misc]
                    times["ours"].append(await _awaited(lambda question: level.look((question,)), [QUESTION]))
                ratios.append(_typical(times["ours"]) / _typical(times["bare"]))
            measures.append(Measure.of(f"Redis hit against a bare redis.get of the same bytes, {name}", ratios, "ratio", "<= 1.25"))
        if level.counts.misses > len(SIZES):
            raise BotcoreError("the bench measured misses for hits")
    return measures


def _typical(times: list[float]) -> float:
    """The lower quartile: what the machine does when nothing else wants it."""
    return sorted(times)[len(times) // 4]


@asynccontextmanager
async def _level(url: str) -> AsyncIterator[tuple[Connection, RedisLevel]]:
    async with open_connection(url, 10.0) as connection, RedisLevel(connection, space=secrets.token_hex(4)) as level:
        yield connection, level


# ---- misses ----------------------------------------------------------------------------------------------------------


async def _miss_measures(url: str, repeats: int) -> list[Measure]:
    """Upstream calls for a thousand misses of one key, in one process and in four."""
    calls: dict[int, list[float]] = {1: [], 4: []}
    for _ in range(repeats):
        for processes, counted in calls.items():
            counted.append(float(await _asked(url, processes, 1_000 // processes)))
    return [
        Measure.of("upstream calls for 1,000 concurrent misses of one key in one process", calls[1], "calls", "<= 1"),
        Measure.of("the same from 4 processes with 250 each", calls[4], "calls", "<= 1"),
    ]


async def _asked(url: str, processes: int, callers: int) -> int:
    space = secrets.token_hex(4)
    command = [sys.executable, "-c", ASK, url, space, str(callers)]
    pipe = asyncio.subprocess.PIPE
    children = [await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe) for _ in range(processes)]
    for child in children:
        if child.stdout is not None:
            await child.stdout.readline()
    said = await asyncio.gather(*(child.communicate(b"go\n") for child in children))
    if any(child.returncode for child in children):
        raise BotcoreError("a process of the bench failed; what it said stands above")
    return sum(out.count(b"asked") for out, _ in said)


# ---- forgetting ------------------------------------------------------------------------------------------------------


async def _tag_measure(url: str, repeats: int) -> Measure:
    """The least time in which a tag is invalidated, of several tries each with its entries in both levels again."""
    parts = {size: [Question(Subject.TARGETS, f"{size}/{number}", (f"tag/{size}",)) for number in range(size)] for size in (10, 10_000)}
    kept = time.time() + FOR_EVER
    value = Codec(policies(CacheOptions())[Subject.TARGETS].shape).encode([Target(100, 1)])
    ratios = []
    async with open_connection(url, 10.0) as connection, Cache(redis=RedisLevel(connection, space=secrets.token_hex(4))) as cache:
        for _ in range(repeats):
            times: dict[int, list[float]] = {10: [], 10_000: []}
            for turn in range(10):
                # Both first, so that what filling does to the machine is the same for each; and each goes first as often.
                for part in parts.values():
                    await _filled(cache, part, Entry(value, kept, kept))
                for size, part in list(parts.items())[:: 1 if turn % 2 else -1]:
                    times[size].append(await _awaited(lambda question: cache.invalidate(question.tags), part[:1]))
            ratios.append(min(times[10_000]) / min(times[10]))
    return Measure.of("invalidating a tag with 10,000 keys against one with 10", ratios, "ratio", "<= 1.2")


async def _filled(cache: Cache, questions: Sequence[Question], entry: Entry) -> None:
    if cache.redis is None:
        raise BotcoreError("the bench needs Redis")
    (found,) = await cache.redis.look(questions[:1])
    for question in questions:
        cache.memory.set(question, entry, cache.memory.epoch)
    await cache.redis.put([(question, entry, found.fence) for question in questions])
    # As after a pause: what was sent is digested on both sides.
    for _ in range(DIGESTED):
        await cache.redis.look(questions[-1:])


async def _heard_measure(url: str, times: int) -> Measure:
    """The longest that another process's memory took to forget, from the call of ``invalidate``."""
    space = secrets.token_hex(4)
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", HEAR, url, space, stdin=pipe, stdout=pipe)
    if child.stdout is None:
        raise BotcoreError("a process of the bench has no output")
    await child.stdout.readline()
    delays = []
    async with open_connection(url, 10.0) as connection, Cache(redis=RedisLevel(connection, space=space)) as cache:
        for _ in range(times):
            start = time.monotonic()
            await cache.invalidate(QUESTION.tags[:1])
            delays.append(1000 * (float(await child.stdout.readline()) - start))
    await child.communicate(b"end\n")
    return Measure("seen by another process's memory, the slowest", round(max(delays), 4), "ms", "<= 50", holds=max(delays) <= 50, samples=delays)  # noqa: PLR2004 - the bound beside it


# ---- memory ----------------------------------------------------------------------------------------------------------


def _bound_measures(keys: int) -> list[Measure]:
    said = subprocess.run([sys.executable, "-c", LAUNCH, sys.executable, "-c", FILL, str(keys)], capture_output=True, check=True).stdout.split()
    if not int(said[1]):
        raise BotcoreError("the bench did not fill the level")
    growth = [float(said[0])]
    return [Measure.of(f"memory after 1,000,000 keys through a 64 MB level, in parts of the bound, {side}", growth, "ratio", must) for side, must in BOUNDS]


BOUNDS = (("at most", "<= 1.2"), ("at least", ">= 0.8"))
