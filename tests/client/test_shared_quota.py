"""The quota of several processes. Redis is a real one; where time matters it is a number, Redis's own included."""

from __future__ import annotations

import asyncio
import heapq
import logging
import math
import secrets
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import pytest
import redis
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from redis.asyncio import Redis

from botcore.cache.embedded import EmbeddedServer
from botcore.client.quota import Priority, QuotaOptions, Slot
from botcore.client.shared import _LEASE, SharedQuota
from botcore.errors import Throttled
from botcore.model import RequestClass

from .test_quota import FakeTime, settle
from .test_quota_model import refusals

MARKET, SALES = RequestClass.MARKET, RequestClass.SALES
WINDOW = QuotaOptions().window
A_LONG_TIME = 60.0
A_MOMENT = 1e-5


@pytest.fixture(scope="module")
def server():
    with EmbeddedServer() as started:
        yield started


class Hall:
    """Processes of one account, on a clock that is moved by hand. ``seen`` runs after everything that happens."""

    def __init__(self, client: Redis) -> None:
        self.redis = client
        self.account = secrets.token_hex(8)
        self.time = FakeTime()
        self.quotas: list[SharedQuota] = []
        self.served: list[tuple[str, float]] = []
        self.seen = lambda: None

    def open(self, **options: float) -> SharedQuota:
        time = self.time
        given = QuotaOptions(**options)  # type: ignore[arg-type]
        quota = SharedQuota(self.redis, self.account, given, clock=time.clock, call_later=time.call_later, answer=A_LONG_TIME, server_clock=time.clock)
        self.quotas.append(quota)
        return quota

    def kill(self, quota: SharedQuota) -> None:
        """Nothing more is heard of it."""
        self.quotas.remove(quota)
        if quota._beat is not None:
            quota._beat.cancel()
        for lane in quota._shared.values():
            lane._stop_timer()
            for _, _, future in lane._waiters:
                future.cancel()
            lane._waiters.clear()
            lane._pump = lambda: None  # type: ignore[method-assign]

    def ask(self, quota: SharedQuota, name: str, priority: Priority = Priority.SCAN) -> asyncio.Task[Slot]:
        async def caller() -> Slot:
            slot = await quota.reserve(MARKET, priority)
            slot.sent()
            self.served.append((name, self.time.now - 1000))
            return slot

        return asyncio.create_task(caller())

    async def fill(self, quota: SharedQuota, count: int = 10, name: str = "first") -> None:
        for _ in range(count):
            self.ask(quota, name)
        await self.quiet()

    async def quiet(self) -> None:
        """Until nobody talks to Redis any more, and whoever that woke has run."""
        calm = 0
        while calm < 2:
            await settle()
            talks = self.talks
            calm = 0 if talks else calm + 1
            if talks:
                await asyncio.wait(talks)
        self.seen()

    @property
    def talks(self) -> list[asyncio.Task[None]]:
        known = [talk for quota in self.quotas for talk in [quota._probe, *(lane._talk for lane in quota._shared.values())]]
        return [talk for talk in known if talk is not None and not talk.done()]

    async def advance(self, seconds: float) -> None:
        end = self.time.now + seconds
        await self.quiet()
        while self.time._timers and self.time._timers[0][0] <= end:
            when, _, timer, callback = heapq.heappop(self.time._timers)
            if not timer.cancelled:
                self.time.now = max(self.time.now, when)
                callback()
                await self.quiet()
        self.time.now = end
        await self.quiet()

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.served]

    def most_within(self, seconds: float) -> int:
        times = sorted(at for _, at in self.served)
        return max(sum(at <= later < at + seconds for later in times) for at in times)


class Direct:
    """Runs the script on a real server, in the same few steps of the loop each time: what hypothesis repeats must happen again."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.client = redis.Redis.from_url(server.url)
        self.down = False

    def register_script(self, text: str):
        script = self.client.register_script(text)

        async def run(keys, args):
            await asyncio.sleep(0)
            if self.down:
                raise redis.ConnectionError("down")
            answer = script(keys=keys, args=args)
            await asyncio.sleep(0)
            return answer

        return run


@asynccontextmanager
async def hall_at(server: EmbeddedServer):
    async with Redis.from_url(server.url) as client:
        hall = Hall(client)
        try:
            yield hall
        finally:
            for quota in hall.quotas:
                await quota.aclose()


@pytest.fixture
async def hall(server):
    async with hall_at(server) as opened:
        yield opened


async def test_processes_share_one_limit(hall):
    """Four here and six there, the eleventh after a window."""
    one, two = hall.open(), hall.open()
    await hall.fill(one, 4)
    await hall.fill(two, 6)
    await hall.fill(two, 1, "late")
    assert len(hall.served) == 10
    await hall.advance(WINDOW - A_MOMENT)
    assert len(hall.served) == 10
    await hall.advance(2 * A_MOMENT)
    assert hall.names[-1] == "late"
    assert (one.sent.market, two.sent.market, two.processes) == (4, 7, 2)


async def test_what_can_wait_longest_leaves_a_tenth_free_in_all_processes_together(hall):
    one, two = hall.open(), hall.open()
    for quota, name in ((one, "one"), (two, "two")):
        for _ in range(20):
            hall.ask(quota, name, Priority.WARM)
        await hall.quiet()
    assert len(hall.served) == 9
    await hall.advance(2 * WINDOW)
    assert hall.most_within(WINDOW - A_MOMENT) == 9
    hall.ask(two, "urgent", Priority.INTERACTIVE)
    await hall.quiet()
    assert hall.names[-1] == "urgent"
    await hall.advance(3 * WINDOW)
    assert len(hall.served) == 41
    assert Counter(hall.names) == {"one": 20, "two": 20, "urgent": 1}


async def test_accounts_and_classes_do_not_wait_for_each_other(hall):
    """Other names, other places."""
    one = hall.open()
    await hall.fill(one)
    slot = await one.reserve(SALES)
    slot.close()
    hall.account = "another"
    await hall.fill(hall.open())
    assert len(hall.served) == 20


async def test_the_urgent_of_one_process_overtake_the_waiting_of_another(hall):
    """Whoever came first."""
    scans, bot = hall.open(), hall.open()
    await hall.fill(scans)
    await hall.fill(scans, 30, "scan")
    for _ in range(3):
        hall.ask(bot, "urgent", Priority.INTERACTIVE)
    hall.ask(bot, "warm", Priority.WARM)
    await hall.advance(WINDOW + 0.06)
    assert hall.names[10:] == ["urgent"] * 3 + ["scan"] * 7


async def test_a_waiter_who_gave_up_holds_nobody_back(hall):
    """His process says so at once."""
    scans, bot = hall.open(market=1), hall.open(market=1)
    await hall.fill(scans, 1)
    await hall.fill(scans, 1, "scan")
    urgent = hall.ask(bot, "urgent", Priority.INTERACTIVE)
    await hall.quiet()
    urgent.cancel()
    await hall.advance(WINDOW + A_MOMENT)
    assert hall.names == ["first", "scan"]


async def test_a_place_given_to_one_who_gave_up_meanwhile_goes_on(hall):
    """To the next in his process, or back."""
    one, two = hall.open(market=1), hall.open(market=1)
    gone, stays = hall.ask(one, "gone"), hall.ask(one, "stays")
    await asyncio.sleep(0)
    gone.cancel()
    await hall.quiet()
    assert hall.names == ["stays"]
    await stays
    await hall.advance(WINDOW + A_MOMENT)
    alone = hall.ask(one, "alone")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    alone.cancel()
    await hall.quiet()
    await hall.fill(two, 1, "other")
    assert hall.names == ["stays", "other"]


async def test_equals_share_alike(hall):
    """A process that is quicker to ask does not starve another."""
    one, two = hall.open(), hall.open()
    await hall.fill(one, 40, "one")
    await hall.fill(two, 40, "two")
    await hall.advance(4 * WINDOW)
    assert hall.most_within(WINDOW - A_MOMENT) == 10
    assert hall.names[10:].count("two") == 20


async def test_a_killed_process_keeps_what_it_sent_and_loses_what_it_held(hall):
    """The quota is kept, and nothing is lost for good."""
    one, two = hall.open(), hall.open()
    slots = [await one.reserve(MARKET) for _ in range(4)]
    await hall.fill(one, 6, "killed")
    hall.kill(one)
    await hall.fill(two, 20, "two")
    await hall.advance(WINDOW - A_MOMENT)
    assert hall.names.count("two") == 0
    await hall.advance(2 * A_MOMENT)
    assert hall.names.count("two") == 6
    await hall.advance(_LEASE)
    assert hall.names.count("two") == 20
    assert (two.processes, slots[0].sent_at) == (1, None)


async def test_a_place_is_held_for_as_long_as_its_process_lives(hall):
    """However slow the connection."""
    one, two = hall.open(market=1), hall.open(market=1)
    slot = await one.reserve(MARKET)
    await hall.fill(two, 1, "next")
    await hall.advance(10 * _LEASE)
    assert hall.served == []
    slot.sent()
    await hall.advance(WINDOW + 1)
    assert hall.names == ["next"]
    assert hall.served[0][1] == pytest.approx(10 * _LEASE + WINDOW)


async def test_a_place_given_back_is_free_for_another_process(hall):
    """Which asks again twice a second."""
    one, two = hall.open(market=1), hall.open(market=1)
    slot = await one.reserve(MARKET)
    await hall.fill(two, 1, "next")
    slot.close()
    await hall.advance(0.5)
    assert hall.names == ["next"]


async def test_one_refusal_slows_all_and_a_burst_lowers_once(hall):
    """Pause, ceiling and recovery are everybody's."""
    one, two = hall.open(), hall.open()
    sent_at = hall.time.now
    one.observe(MARKET, 429, {}, retry_after=2, sent_at=sent_at)
    await hall.quiet()
    two.observe(MARKET, 429, {}, retry_after=2, sent_at=sent_at)
    await hall.fill(two, 20, "two")
    assert (one.ceiling(MARKET), two.ceiling(MARKET), hall.served) == (7, 7, [])
    await hall.advance(1.9)
    assert hall.served == []
    await hall.advance(0.2)
    assert len(hall.served) == 7
    seen = []
    for _ in range(5):
        await hall.fill(two, 1)
        seen.append(two.ceiling(MARKET))
        await hall.advance(10)
    assert seen == [7, 8, 9, 10, 10]


async def test_a_limit_told_to_one_holds_for_all_and_is_lifted_for_all(hall):
    """Step by step."""
    one, two = hall.open(), hall.open(market=6)
    one.observe(MARKET, 200, {"x-ratelimit-limit-second": "4"})
    await hall.quiet()
    await hall.fill(two, 9)
    assert (two.ceiling(MARKET), len(hall.served)) == (4, 4)
    one.observe(MARKET, 200, {"x-ratelimit-limit-second": "10"})
    await hall.advance(9)
    assert two.ceiling(MARKET) == 4
    for _ in range(4):
        await hall.fill(two, 1)
        await hall.fill(one, 1)
        await hall.advance(10)
    assert (one.ceiling(MARKET), two.ceiling(MARKET)) == (8, 6)


async def test_nothing_left_is_explained_by_what_others_sent(hall):
    """Only what none of us sent makes us wait for the reset."""
    one, two = hall.open(), hall.open()
    nothing_left = {"ratelimit-remaining": "0", "ratelimit-reset": "1"}
    await hall.fill(one, 9)
    await hall.fill(two, 1)
    two.observe(MARKET, 200, nothing_left, sent_at=hall.time.now)
    await hall.advance(WINDOW + 0.5)
    await hall.fill(one, 1, "free")
    assert hall.names[-1] == "free"
    await hall.advance(3)
    await hall.fill(one, 2)
    two.observe(MARKET, 200, nothing_left, sent_at=hall.time.now)
    await hall.quiet()
    await hall.fill(one, 1, "waits")
    assert hall.names[-1] != "waits"
    await hall.advance(1.01)
    assert hall.names[-1] == "waits"


async def test_a_long_pause_is_an_error_in_every_process(hall):
    """Nobody hangs for ten minutes."""
    one, two = hall.open(market=1), hall.open(market=1)
    await hall.fill(one, 1)
    waiting = hall.ask(two, "waiting")
    await hall.quiet()
    one.observe(MARKET, 429, {}, retry_after=600)
    await hall.advance(0.6)
    with pytest.raises(Throttled, match="wants no market requests"):
        await waiting
    with pytest.raises(Throttled):
        await two.reserve(MARKET)


async def test_a_process_that_says_good_bye_is_not_counted(hall):
    """And one that enters is."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(hall.open())
        async with hall.open() as two:
            assert two.processes == 2
            await hall.fill(two, 3)
        hall.quotas.remove(two)
        await hall.advance(0.6)
        assert one.processes == 1
        await hall.fill(one, 10, "one")
        assert hall.names.count("one") == 7


async def test_the_names_in_redis_expire_and_do_not_tell_the_key(hall):
    """All in one slot of a cluster."""
    one = hall.open()
    one.observe(MARKET, 429, {}, retry_after=1)
    await hall.fill(one, 30)
    await hall.advance(3)
    keys = [key.decode() async for key in hall.redis.scan_iter(f"*{hall.account}*")]
    assert sorted(key.rpartition("}")[2] for key in keys) == [":market:places", ":market:state", ":market:waiting", ":members"]
    assert all(key.startswith(f"botcore:quota:{{{hall.account}}}:") for key in keys)
    assert all([await hall.redis.ttl(key) > 0 for key in keys])


FOREIGN: list[tuple[Any, ...]] = [
    ("set", "text"),
    ("lpush", "text"),
    ("sadd", "text"),
    ("hset", "paused", "nan"),
    ("hset", "paused", "1e300"),
    ("hset", "ceiling", "-7"),
    ("hset", "cap", "many"),
    ("hset", "someone", "0 99 99999999999999999"),
    ("hset", "someone", "urgent"),
    ("hset", "since", "never"),
    ("hset", "opens", "inf"),
    ("zadd", {"what": math.inf}),
    ("zadd", {"what": -math.inf}),
]


@pytest.mark.parametrize("part", ["market:places", "market:state", "market:waiting", "members"])
async def test_foreign_values_count_as_absent(hall, part):
    """Whatever stands there; at most they cost a window."""
    one = hall.open()
    for command, *value in FOREIGN:
        name = f"botcore:quota:{{{hall.account}}}:{part}"
        await hall.redis.delete(name)
        await getattr(hall.redis, command)(name, *value)
        before = len(hall.served)
        await hall.fill(one, 9)
        await hall.advance(2 * WINDOW + 0.6)
        assert len(hall.served) == before + 9
    assert one.online


async def test_a_clock_of_redis_that_is_set_back_costs_a_window(server):
    """Not an hour."""
    async with hall_at(server) as hall:
        ahead = 3600.0
        quota = SharedQuota(
            hall.redis, hall.account, clock=hall.time.clock, call_later=hall.time.call_later, answer=A_LONG_TIME, server_clock=lambda: hall.time.now + ahead
        )
        hall.quotas.append(quota)
        await hall.fill(quota, 20)
        ahead = 0.0
        await hall.advance(2 * WINDOW)
        assert len(hall.served) == 20


async def test_without_redis_a_process_paces_itself(caplog):
    """One line says so, and nothing is raised."""
    async with Redis.from_url("unix:///tmp/botcore-nothing-here") as client:
        hall = Hall(client)
        one = hall.open()
        await hall.fill(one, 20)
        assert (len(hall.served), one.online, one.ceiling(MARKET)) == (10, False, 10)
        one.observe(MARKET, 429, {}, retry_after=1)
        one.observe(MARKET, 200, {"ratelimit-remaining": "0"}, sent_at=hall.time.now)
        assert one.ceiling(MARKET) == 7
        await hall.advance(20)
        assert len(hall.served) == 20
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        await one.aclose()


async def test_redis_that_ends_and_comes_back_empty_changes_nothing_for_the_quota(caplog):
    """Each process takes its part meanwhile; a warning when it ends, a line when it is back."""
    caplog.set_level(logging.INFO, "botcore.client.shared")
    with EmbeddedServer() as server:
        async with hall_at(server) as hall:
            one, two = hall.open(), hall.open()
            await hall.fill(one, 300, "one")
            await hall.fill(two, 300, "two")
            await hall.advance(4)
            server.kill()
            await hall.advance(0.6)
            assert (one.online, two.online, one.ceiling(MARKET), two.ceiling(MARKET)) == (False, False, 5, 5)
            await hall.advance(5.4)
            alone = len(hall.served)
            server.restart()
            await hall.advance(6)
            assert one.online
            assert two.online
            assert hall.most_within(WINDOW - A_MOMENT) == 10
            assert alone > 50
            assert len(hall.served) > alone + 30
            assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "INFO", "INFO"]


async def test_when_redis_ends_nobody_has_more_than_before_until_that_no_longer_counts():
    """Parts of a quota that others have used up are no parts."""
    with EmbeddedServer() as server:
        async with hall_at(server) as gone:
            one, two = gone.open(), gone.open()
            await gone.fill(one, 8)
            await gone.fill(two, 2)
            await gone.advance(0.6)
            server.kill()
            await gone.fill(one, 20)
            await gone.fill(two, 20)
            await gone.advance(WINDOW + 0.6)
            assert gone.most_within(WINDOW - A_MOMENT) == 10
            assert len(gone.served) >= 20


@pytest.fixture
def direct(server):
    opened = Direct(server)
    yield opened
    opened.client.close()


async def test_processes_that_notice_at_different_times_keep_to_the_quota(hall, direct):
    """That Redis is gone, and that it is back with all it knew."""
    hall.redis = direct
    one = hall.open()
    await hall.fill(one, 200, "one")
    await hall.advance(0.3)
    two = hall.open()
    await hall.fill(two, 200, "two")
    for _ in range(4):
        await hall.advance(3.17)
        direct.down = not direct.down
    await hall.advance(3)
    assert one.online
    assert two.online
    assert hall.most_within(WINDOW - A_MOMENT) == 10
    assert min(hall.names.count("one"), hall.names.count("two")) > 30


async def test_what_was_sent_without_redis_counts_for_the_others_too(hall, direct):
    """As soon as it is back."""
    two = hall.open()
    await hall.advance(0.3)
    hall.redis = direct
    one = hall.open()
    await hall.fill(two, 1)
    await hall.fill(one, 1)
    await hall.advance(0.1)
    direct.down = True
    await hall.advance(1.7)
    await hall.fill(one, 20, "one")
    assert hall.names.count("one") == 5
    direct.down = False
    await hall.advance(0.4)
    await hall.fill(two, 20, "two")
    assert (one.online, hall.names.count("two")) == (True, 5)


async def test_a_place_asked_for_in_urgency_is_not_used_for_less(hall):
    """When its caller gave up meanwhile, another process may have someone more urgent."""
    one, two = hall.open(market=1), hall.open(market=1)
    slot = await one.reserve(MARKET)
    gone = hall.ask(one, "gone", Priority.INTERACTIVE)
    hall.ask(one, "warm", Priority.WARM)
    await hall.fill(two, 0)
    hall.ask(two, "urgent", Priority.INTERACTIVE)
    await hall.quiet()
    slot.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gone.cancel()
    await hall.advance(0.6)
    assert hall.names == ["urgent"]
    await hall.advance(WINDOW)
    assert hall.names == ["urgent", "warm"]


async def test_what_redis_forgot_it_is_told_again(hall):
    """Pauses, limits, places held and sent; until then nobody gets a place."""
    one, two = hall.open(), hall.open()
    await hall.fill(one, 5)
    await hall.fill(two, 1)
    slot = await one.reserve(MARKET)
    one.observe(MARKET, 200, {"x-ratelimit-limit-second": "8"})
    one.observe(MARKET, 429, {}, retry_after=3)
    await hall.advance(0.1)
    await hall.redis.flushdb()
    await hall.fill(two, 20, "two")
    await hall.advance(2.8)
    assert hall.names.count("two") == 0
    await hall.advance(0.2)
    assert hall.names.count("two") == 4
    assert (one.ceiling(MARKET), two.ceiling(MARKET)) == (5, 5)
    slot.close()


async def test_a_call_that_is_not_answered_holds_nobody_up():
    """A Redis that hangs is a Redis that is gone."""
    left = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    async with asyncio.timeout(A_LONG_TIME):
        with tempfile.TemporaryDirectory(prefix="botcore-", dir="/tmp") as folder:
            async with await asyncio.start_unix_server(listen, f"{folder}/socket"):
                async with Redis.from_url(f"unix://{folder}/socket") as client:
                    quota = SharedQuota(client, "silent", answer=0.01)
                    await quota.acquire(MARKET)
                    assert (quota.online, quota.sent.market) == (False, 1)
                    await quota.aclose()
                await left.wait()


_SHARER = """
import asyncio, sys, time
from redis.asyncio import Redis
from botcore.client.quota import Priority, QuotaOptions
from botcore.client.shared import SharedQuota
from botcore.model import RequestClass

async def main(url, limit, holds):
    quota = SharedQuota(Redis.from_url(url), "real", QuotaOptions(market=limit), answer=60)
    slots = [await quota.reserve(RequestClass.MARKET) for _ in range(holds)]
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)

    async def ask():
        while True:
            slot = await quota.reserve(RequestClass.MARKET, Priority.SCAN)
            at = time.monotonic()
            slot.sent()
            print(at, flush=True)

    await asyncio.gather(*(ask() for _ in range(2 * limit)))

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


@contextmanager
def sharer(server: EmbeddedServer, limit: int, holds: int = 0):
    """A process that sends flat out once it is told to, and notes when."""
    words = [sys.executable, "-c", _SHARER, server.url, str(limit), str(holds)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def times(process: subprocess.Popen[str], count: int) -> list[float]:
    return [float(process.stdout.readline()) for _ in range(count)]  # type: ignore[union-attr]


def kill(process: subprocess.Popen[str]) -> list[float]:
    """End it, and hear what it still said."""
    process.kill()
    said = process.stdout.read()  # type: ignore[union-attr]
    return [float(line) for line in said.splitlines(keepends=True) if line.endswith("\n")]


def test_real_processes_keep_to_one_quota_when_one_of_them_is_killed():
    """By the sends they noted themselves, on the clock they share; what the killed one held comes back."""
    limit = 20
    with EmbeddedServer() as server, sharer(server, limit, 5) as holder, sharer(server, limit) as one, sharer(server, limit) as two:
        for process in (holder, one, two):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        sends = times(one, 10) + times(two, 10) + kill(holder) + times(one, 10) + kill(two)
        sends += times(one, 2 * limit) + kill(one)
    sends.sort()
    assert all(later - earlier > 1 for earlier, later in pairwise_at(sends, limit))


def pairwise_at(sends: list[float], distance: int) -> list[tuple[float, float]]:
    """Each send and the one so many later."""
    return list(zip(sends, sends[distance:], strict=False))


class SharedQuotaMachine(RuleBasedStateMachine):
    """Three processes whose callers come, go, hold, send and give back in any order, and which are killed; the model is a list."""

    server: EmbeddedServer
    limit = 5

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.direct = Direct(self.server)
        self.hall = Hall(self.direct)  # type: ignore[arg-type]
        self.hall.seen = self.collect
        self.queue: list[tuple[Priority, int, SharedQuota, asyncio.Task[Slot]]] = []
        self.held: list[tuple[SharedQuota, Slot]] = []
        self.sends: list[float] = []
        self.arrivals = 0
        self.ceiling = self.limit
        self.resumes_at, self.raise_at = -math.inf, math.inf
        self.killed_at = -math.inf
        for _ in range(3):
            self.hall.open(market=self.limit)

    def teardown(self) -> None:
        """Everybody is served in the end, and no server would have refused a request."""

        async def finish() -> None:
            for _, slot in self.held:
                slot.close()
            self.held.clear()
            for _ in range(200):
                await self.hall.advance(0.5)
                for _, slot in self.held:
                    slot.close()
                self.held.clear()
                if not self.queue:
                    break
            for quota in list(self.hall.quotas):
                await quota.aclose()

        self.runner.run(finish())
        self.runner.close()
        self.direct.client.close()
        assert not self.queue
        assert refusals(self.sends, [0.0, 0.02, 0.007, 0.02, 0.0], self.limit, 0.25) == 0

    @rule(number=st.integers(0, 2), priority=st.sampled_from(Priority), count=st.integers(1, 4))
    def come(self, number: int, priority: Priority, count: int) -> None:
        async def start() -> None:
            quota = self.hall.quotas[number]
            for _ in range(count):
                self.arrivals += 1
                self.queue.append((priority, self.arrivals, quota, asyncio.create_task(quota.reserve(MARKET, priority))))
            await self.hall.quiet()

        self.runner.run(start())

    @precondition(lambda self: self.queue)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.queue))
        self.queue.remove(entry)
        entry[3].cancel()
        self.runner.run(self.hall.quiet())

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        _, slot = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.sends.append(self.hall.time.now)
        self.within(slot.sent)

    @precondition(lambda self: self.held)
    @rule()
    def give_back(self) -> None:
        self.within(self.held.pop()[1].close)

    @precondition(lambda self: self.queue)
    @rule(data=st.data())
    def cancel_while_a_place_comes_free(self, data: st.DataObject) -> None:
        """Between the call and the answer of Redis, or in the tick of the grant."""
        entry = data.draw(st.sampled_from(self.queue))
        ticks = data.draw(st.integers(0, 14))
        self.queue.remove(entry)

        async def both() -> None:
            if self.held:
                self.held.pop()[1].close()
            for _ in range(ticks):
                await asyncio.sleep(0)
            entry[3].cancel()
            await settle()
            if not entry[3].cancelled():
                self.held.append((entry[2], entry[3].result()))
            await self.hall.quiet()

        self.runner.run(both())

    @rule(number=st.integers(0, 2))
    def kill(self, number: int) -> None:
        quota = self.hall.quotas[number]
        self.killed_at = self.hall.time.now
        self.held = [entry for entry in self.held if entry[0] is not quota]
        self.queue = [entry for entry in self.queue if entry[2] is not quota]
        self.within(partial(self.hall.kill, quota))
        self.hall.open(market=self.limit)

    @rule(seconds=st.sampled_from([0.01, 0.3, 1.0, WINDOW, 2.5]))
    def wait(self, seconds: float) -> None:
        self.runner.run(self.hall.advance(seconds))

    @rule()
    def nobody_waits_for_long_while_there_is_room(self) -> None:
        """Places that others gave back are found within a beat; killed processes count as alive for a while."""
        before = self.hall.time.now
        room = self.counting() < self.model_ceiling() and before >= self.resumes_at and before > self.killed_at + _LEASE + 0.01
        waiting = len(self.queue)
        self.runner.run(self.hall.advance(0.56))
        assert not (room and waiting) or len(self.queue) < waiting

    @rule(number=st.integers(0, 2), pause=st.sampled_from([0.5, 1.0, 2.0]))
    def be_refused(self, number: int, pause: float) -> None:
        now = self.hall.time.now
        if now >= self.resumes_at - A_MOMENT:
            self.ceiling = max(1, math.floor(self.model_ceiling() * 0.7))
        else:
            self.ceiling = self.model_ceiling()
        self.resumes_at = max(self.resumes_at, now + pause)
        self.raise_at = self.resumes_at + 10
        quota = self.hall.quotas[number]
        self.within(lambda: quota.observe(MARKET, 429, {}, retry_after=pause))
        assert quota.ceiling(MARKET) == self.ceiling

    def model_ceiling(self) -> int:
        """What 429 have left, one more every ten seconds."""
        quiet = self.hall.time.now + A_MOMENT - self.raise_at
        return self.ceiling if quiet < 0 else min(self.limit, self.ceiling + 1 + math.floor(quiet / 10))

    def counting(self) -> int:
        recent = sum(sent + WINDOW > self.hall.time.now + A_MOMENT for sent in self.sends)
        return recent + len(self.held)

    def within(self, change: object) -> None:
        async def run() -> None:
            assert callable(change)
            change()
            await self.hall.quiet()

        self.runner.run(run())

    def collect(self) -> None:
        """Whoever was served stood before all who wait in his process, and was at least as urgent as those of the others."""
        served = [entry for entry in self.queue if entry[3].done()]
        self.queue = [entry for entry in self.queue if not entry[3].done()]
        for entry in served:
            mine = [other[:2] for other in self.queue if other[2] is entry[2]]
            assert not mine or entry[:2] < min(mine)
            assert all(entry[0] <= other[0] for other in self.queue)
        self.held.extend((entry[2], entry[3].result()) for entry in served)

    @invariant()
    def never_more_than_the_limit_is_held_or_counts(self) -> None:
        assert self.counting() <= self.limit


@pytest.fixture(autouse=True, scope="module")
def machine_server(server):
    SharedQuotaMachine.server = server


SharedQuotaMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestSharedQuotaMachine = SharedQuotaMachine.TestCase


async def test_the_margin_stays_whole_however_evenly_answers_come(hall):
    """One process cannot see how unevenly the others' requests arrive."""
    quota = hall.open()
    for _ in range(40):
        quota.observe(MARKET, 200, {}, sent_at=hall.time.now)
    assert quota.rate(MARKET) == 10 / WINDOW
