"""The pace: order, cancellation, learning. Time is a number here."""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING

import pytest

from botcore.client.quota import Priority, Quota, QuotaOptions, Slot
from botcore.errors import ConfigError, Throttled
from botcore.model import RequestClass

if TYPE_CHECKING:
    from collections.abc import Callable

MARKET, SALES = RequestClass.MARKET, RequestClass.SALES


class FakeTimer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeTime:
    """A clock and its timers, moved by hand."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self._timers: list[tuple[float, int, FakeTimer, Callable[[], None]]] = []
        self._count = 0

    def clock(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer()
        self._count += 1
        heapq.heappush(self._timers, (self.now + delay, self._count, timer, callback))
        return timer

    @property
    def pending(self) -> int:
        return sum(not timer.cancelled for _, _, timer, _ in self._timers)

    async def advance(self, seconds: float) -> None:
        """Let time pass; every timer runs at its own time, and whoever it wakes runs before the next."""
        end = self.now + seconds
        await settle()
        while self._timers and self._timers[0][0] <= end:
            when, _, timer, callback = heapq.heappop(self._timers)
            if not timer.cancelled:
                self.now = max(self.now, when)
                callback()
                await settle()
        self.now = end
        await settle()


async def settle() -> None:
    """Run whatever is ready, and what that makes ready."""
    for _ in range(6):
        await asyncio.sleep(0)


class Desk:
    """A quota and the callers who stand in its queue."""

    def __init__(self, **options: float) -> None:
        self.time = FakeTime()
        self.quota = Quota(QuotaOptions(**{"window": 1.05, **options}), clock=self.time.clock, call_later=self.time.call_later)  # type: ignore[arg-type]
        self.served: list[tuple[str, float]] = []

    def ask(self, name: str, priority: Priority = Priority.SCAN, kind: RequestClass = MARKET) -> asyncio.Task[None]:
        async def caller() -> None:
            await self.quota.acquire(kind, priority)
            self.served.append((name, self.time.now - 1000))

        return asyncio.create_task(caller())

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.served]

    @property
    def times(self) -> list[float]:
        return [at for _, at in self.served]


async def fill(desk: Desk, count: int = 10) -> None:
    for number in range(count):
        desk.ask(f"first {number}")
    await settle()


async def test_a_full_class_waits_until_the_oldest_request_no_longer_counts():
    """Ten at once, the eleventh after 1.05 s."""
    desk = Desk()
    await fill(desk)
    desk.ask("late")
    await desk.time.advance(1.04)
    assert len(desk.served) == 10
    await desk.time.advance(0.02)
    assert desk.names[-1] == "late"
    assert desk.times[-1] == pytest.approx(1.05)


async def test_classes_do_not_wait_for_each_other():
    """A full market leaves sales free."""
    desk = Desk()
    await fill(desk)
    desk.ask("sale", kind=SALES)
    await settle()
    assert desk.names[-1] == "sale"


async def test_the_most_urgent_goes_first_and_within_a_priority_the_first_to_come():
    """Whatever the order of arrival between priorities."""
    desk = Desk()
    await fill(desk)
    for name, priority in [
        ("w1", Priority.WARM),
        ("s1", Priority.SCAN),
        ("i1", Priority.INTERACTIVE),
        ("s2", Priority.SCAN),
        ("a1", Priority.WATCH),
        ("i2", Priority.INTERACTIVE),
    ]:
        desk.ask(name, priority)
    await desk.time.advance(2)
    assert desk.names[10:] == ["i1", "i2", "a1", "s1", "s2", "w1"]


async def test_an_urgent_newcomer_does_not_overtake_a_place_already_granted():
    """A granted place is kept even if its owner has not run yet."""
    desk = Desk(market=1)
    first = desk.ask("first")
    desk.ask("urgent", Priority.INTERACTIVE)
    await settle()
    await first
    assert desk.names == ["first"]


async def test_a_cancelled_waiter_gives_its_place_to_the_next():
    """And leaves no timer behind."""
    desk = Desk(market=1)
    await fill(desk, 1)
    gone, stays = desk.ask("gone"), desk.ask("stays")
    await settle()
    gone.cancel()
    await desk.time.advance(1.05)
    assert desk.names == ["first 0", "stays"]
    await stays
    assert desk.time.pending == 0


async def test_a_waiter_cancelled_in_the_tick_of_its_grant_gives_its_place_back():
    """The place is not lost between the grant and the wake-up."""
    desk = Desk(market=1)
    slot = await desk.quota.reserve(MARKET)
    gone, stays = desk.ask("gone"), desk.ask("stays")
    await settle()
    slot.close()
    gone.cancel()
    await desk.time.advance(0.5)
    assert desk.names == ["stays"]
    await stays


async def test_the_last_waiter_to_give_up_takes_the_timer_along():
    """Nothing is left to run when nobody waits."""
    desk = Desk(market=1)
    await fill(desk, 1)
    gone = desk.ask("gone")
    await settle()
    assert (desk.time.pending, desk.quota.waiting(MARKET)) == (1, 1)
    gone.cancel()
    await settle()
    assert (desk.time.pending, desk.quota.waiting(MARKET)) == (0, 0)


async def test_a_place_counts_from_the_sending_not_from_the_grant():
    """A slow handshake does not push two bursts into one second of the server's."""
    desk = Desk(market=1)
    slot = await desk.quota.reserve(MARKET)
    desk.ask("next")
    await desk.time.advance(3)
    assert desk.served == []
    slot.sent()
    await desk.time.advance(1)
    assert desk.served == []
    await desk.time.advance(0.1)
    assert desk.names == ["next"]
    assert desk.times == pytest.approx([4.05])


async def test_a_place_that_was_not_used_is_free_again():
    """A connection that failed cost nothing."""
    desk = Desk(market=1)
    with await desk.quota.reserve(MARKET) as slot:
        assert desk.quota.sent.market == 0
    slot.sent()
    slot.close()
    desk.ask("next")
    await settle()
    assert desk.names == ["next"]
    assert (desk.quota.sent.market, slot.sent_at) == (1, None)


async def test_a_sent_place_is_not_given_back():
    """Closing after sending changes nothing, and a place is sent once."""
    desk = Desk(market=1)
    with await desk.quota.reserve(MARKET) as slot:
        slot.sent()
        slot.sent()
    desk.ask("next")
    await settle()
    assert (desk.names, desk.quota.sent.market) == ([], 1)


async def test_a_refusal_pauses_the_class_and_lowers_its_ceiling_once_per_burst():
    """Two 429 of one burst count as one; the longer pause holds."""
    desk = Desk()
    desk.quota.observe(MARKET, 429, {}, retry_after=1)
    desk.quota.observe(MARKET, 429, {}, retry_after=3)
    assert (desk.quota.ceiling(MARKET), desk.quota.throttled) == (7, 2)
    await fill(desk)
    await desk.time.advance(2.9)
    assert desk.served == []
    await desk.time.advance(0.2)
    assert len(desk.served) == 7


async def test_a_late_429_of_the_same_burst_lowers_nothing_more():
    """Its request was sent before the pause; one that was sent after it is news."""
    desk = Desk()
    sent_at = desk.time.now
    desk.quota.observe(MARKET, 429, {}, retry_after=1, sent_at=sent_at)
    await desk.time.advance(1.5)
    desk.quota.observe(MARKET, 429, {}, retry_after=1, sent_at=sent_at)
    assert desk.quota.ceiling(MARKET) == 7
    await desk.time.advance(1.5)
    desk.quota.observe(MARKET, 429, {}, retry_after=1, sent_at=desk.time.now)
    assert desk.quota.ceiling(MARKET) == 4


def test_limits_and_rates_can_be_asked():
    """What is published, and what we may send now."""
    desk = Desk()
    assert desk.quota.limits == {"market": 10, "sales": 6, "fee": 110, "other": 20}
    assert desk.quota.rate(MARKET) == pytest.approx(10 / 1.05)
    desk.quota.observe(MARKET, 429, {}, retry_after=1)
    assert desk.quota.rate(MARKET) == pytest.approx(7 / 1.05)


async def test_the_ceiling_recovers_step_by_step_to_the_published_limit():
    """One more every ten quiet seconds, and no more than that."""
    desk = Desk()
    desk.quota.observe(MARKET, 429, {}, retry_after=1)
    seen = []
    for _ in range(6):
        await fill(desk, 1)
        seen.append(desk.quota.ceiling(MARKET))
        await desk.time.advance(10)
    assert seen == [7, 7, 8, 9, 10, 10]


async def test_many_refusals_leave_one_request_a_window():
    """The ceiling never reaches zero."""
    desk = Desk()
    for _ in range(12):
        desk.quota.observe(MARKET, 429, {}, retry_after=1)
        await desk.time.advance(1)
    assert desk.quota.ceiling(MARKET) == 1


async def test_a_waiter_profits_from_recovery_before_a_place_falls_free():
    """The timer also waits for the ceiling to rise."""
    desk = Desk(market=2, window=100.0, recovery=5.0)
    await fill(desk, 1)
    desk.quota.observe(MARKET, 429, {}, retry_after=1)
    desk.ask("next")
    await desk.time.advance(6.5)
    assert desk.names[-1] == "next"
    assert desk.times[-1] == pytest.approx(6)


async def test_a_long_pause_is_an_error_at_once_for_those_who_wait_and_those_who_come():
    """Nobody hangs for ten minutes."""
    desk = Desk(market=1)
    await fill(desk, 1)
    waiting = desk.ask("waiting")
    await settle()
    desk.quota.observe(MARKET, 429, {}, retry_after=600)
    with pytest.raises(Throttled, match="wants no market requests for 600 s") as caught:
        await waiting
    assert caught.value.retry_after == pytest.approx(600)
    with pytest.raises(Throttled):
        await desk.quota.reserve(MARKET)
    await desk.time.advance(560)
    desk.ask("patient")
    await desk.time.advance(41)
    assert desk.names[-1] == "patient"


@pytest.mark.parametrize(
    ("headers", "ceiling"),
    [
        ({"x-ratelimit-limit-second": "4"}, 4),
        ({"ratelimit-limit": "5", "ratelimit-reset": "1"}, 5),
        ({"ratelimit-limit": "5, 5;w=1"}, 5),
        ({"ratelimit-limit": "3", "ratelimit-reset": "60"}, 10),
        ({"x-ratelimit-limit-second": "50"}, 10),
        ({"x-ratelimit-limit-second": "0"}, 1),
        ({"x-ratelimit-limit-second": "many"}, 10),
        ({}, 10),
    ],
)
def test_headers_can_lower_the_ceiling_and_never_raise_it(headers, ceiling):
    """Only a limit of one second counts."""
    desk = Desk()
    desk.quota.observe(MARKET, 200, headers)
    assert desk.quota.ceiling(MARKET) == ceiling


async def test_a_limit_that_is_lifted_comes_back_step_by_step():
    """To the published limit."""
    desk = Desk()
    desk.quota.observe(MARKET, 200, {"x-ratelimit-limit-second": "8"})
    desk.quota.observe(MARKET, 200, {"x-ratelimit-limit-second": "10"})
    seen = []
    for _ in range(3):
        await fill(desk, 1)
        seen.append(desk.quota.ceiling(MARKET))
        await desk.time.advance(10)
    assert seen == [8, 9, 10]


NOTHING_LEFT = {"ratelimit-remaining": "0", "ratelimit-reset": "1"}


async def test_nothing_left_after_few_requests_of_ours_means_someone_else_asks_too():
    """Then we wait for the reset."""
    desk = Desk()
    await fill(desk, 3)
    desk.quota.observe(MARKET, 200, NOTHING_LEFT, sent_at=desk.time.now)
    desk.ask("next")
    await desk.time.advance(0.9)
    assert len(desk.served) == 3
    await desk.time.advance(0.2)
    assert desk.names[-1] == "next"
    assert desk.times[-1] == pytest.approx(1)


@pytest.mark.parametrize(("own", "age"), [(10, 0.0), (3, 1.2)])
async def test_nothing_left_says_nothing_when_we_used_it_up_or_the_news_is_old(own, age):
    """Our own burst explains it, or the answer took longer than the window."""
    desk = Desk()
    await fill(desk, own)
    await desk.time.advance(1.1)
    desk.quota.observe(MARKET, 200, NOTHING_LEFT, sent_at=desk.time.now - age)
    desk.ask("next")
    await settle()
    assert desk.names[-1] == "next"


def test_the_state_can_be_read():
    """For logs and for people."""
    desk = Desk()
    desk.quota.observe(MARKET, 429, {}, retry_after=2)
    assert repr(desk.quota).startswith("<Quota market: 0 sent + 0 held of 7/10, 0 waiting, paused 2.0 s, sales: 0 sent")


@pytest.mark.parametrize("options", [{"market": 0}, {"sales": -1}, {"window": 0}, {"drop": 1.0}, {"recovery": 0}])
def test_a_quota_that_could_never_send_is_refused(options):
    """With the name of the setting."""
    with pytest.raises(ConfigError, match="quota"):
        QuotaOptions(**options)


async def test_a_real_clock_works_too():
    """The default clock and timer are the event loop's."""
    quota = Quota(QuotaOptions(market=1, window=0.01))
    slots = [await quota.reserve(MARKET)]
    slots[0].sent()
    async with asyncio.timeout(5):
        slots.append(await quota.reserve(MARKET))
    assert all(isinstance(slot, Slot) for slot in slots)
    assert quota.sent.market == 1


def answers(quota: Quota, seconds: list[float]) -> None:
    """Answers that took so long each."""
    for took in seconds:
        quota.observe(MARKET, 200, {}, sent_at=quota.clock() - took)


def test_the_window_narrows_while_answers_come_evenly_and_widens_when_they_do_not():
    """The margin covers how differently long answers take, at least 20 ms, and never more than the options allow."""
    quota = Quota(QuotaOptions(window=1.05), clock=lambda: 1000.0)
    rates = [quota.rate(MARKET)]
    answers(quota, [0.150] * 9)
    rates.append(quota.rate(MARKET))
    for took in (0.150, 0.175, 0.400):
        answers(quota, [took])
        rates.append(quota.rate(MARKET))
    assert rates == pytest.approx([10 / window for window in (1.05, 1.05, 1.02, 1.03, 1.05)])
    assert quota.rate(SALES) == pytest.approx(6 / 1.05)


def test_the_window_narrows_again_when_the_uneven_answers_are_long_past():
    quota = Quota(QuotaOptions(window=1.05), clock=lambda: 1000.0)
    answers(quota, [0.150] * 10 + [0.400] + [0.150] * 30)
    assert quota.rate(MARKET) == pytest.approx(10 / 1.02)
