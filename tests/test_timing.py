"""Every call that is measured is told once, whatever it is and however it ends, and costs next to nothing while nobody listens."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time

import pytest

from botcore.timing import EVENT, Histogram, listening, measure_time


@measure_time
def add(first, second=0):
    """Add."""
    if second is None:
        raise ValueError("nothing to add")
    return first + second


@measure_time
async def wait(event):
    await event.wait()
    return "waited"


@measure_time
async def count(most, fail_at=None):
    for number in range(most):
        if number == fail_at:
            raise LookupError(number)
        yield number


def name(function):
    return f"{__name__}.{function.__qualname__}"


def test_a_function_keeps_its_name_its_words_its_arguments_and_its_result():
    assert (add.__name__, add.__doc__, str(inspect.signature(add))) == ("add", "Add.", "(first, second=0)")
    with listening():
        assert add(1, second=2) == 3
    assert add(1, second=2) == 3


def test_a_call_that_raises_is_told_with_the_name_of_its_error():
    with listening() as heard:
        add(1)
        with pytest.raises(ValueError, match="nothing to add"):
            add(1, None)
    assert heard[name(add)].calls == 2
    assert heard[name(add)].errors == {"ValueError": 1}


async def test_a_coroutine_is_measured_to_its_end_and_another_may_run_meanwhile():
    event = asyncio.Event()
    with listening() as heard:
        waiting = asyncio.create_task(wait(event))
        await asyncio.sleep(0)
        assert heard.functions == {}
        event.set()
        assert await waiting == "waited"
    assert heard[name(wait)].calls == 1
    assert heard[name(wait)].errors == {}


async def test_a_cancelled_coroutine_is_told_as_cancelled():
    with listening() as heard:
        waiting = asyncio.create_task(wait(asyncio.Event()))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert heard[name(wait)].errors == {"CancelledError": 1}


async def test_an_async_generator_is_told_once_at_its_end():
    with listening() as heard:
        assert [number async for number in count(3)] == [0, 1, 2]
    assert (heard[name(count)].calls, heard[name(count)].errors) == (1, {})


async def test_an_async_generator_that_raises_is_told_with_the_error():
    with listening() as heard, pytest.raises(LookupError):
        _ = [number async for number in count(3, fail_at=1)]
    assert heard[name(count)].errors == {"LookupError": 1}


async def test_an_async_generator_that_its_reader_leaves_is_told_as_well_and_closed():
    closed = []

    @measure_time
    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    with listening() as heard:
        steps = numbers()
        assert await anext(steps) == 1
        await steps.aclose()
    (histogram,) = heard.functions.values()
    assert (histogram.calls, histogram.errors, closed) == (1, {}, [True])


async def test_the_time_of_an_async_generator_is_its_own_and_not_its_readers():
    with listening() as heard:
        async for _ in count(2):
            start = time.perf_counter()
            while time.perf_counter() - start < 0.02:
                pass
    assert heard[name(count)].total < 0.01


async def test_values_and_errors_can_be_sent_into_a_measured_generator():
    @measure_time
    async def echo():
        said = "begin"
        while True:
            try:
                said = yield said
            except KeyError:
                said = "caught"

    with listening():
        steps = echo()
        assert await anext(steps) == "begin"
        assert await steps.asend("hello") == "hello"
        assert await steps.athrow(KeyError("x")) == "caught"
        await steps.aclose()


async def test_what_nobody_listens_to_goes_out_as_it_is():
    made = count(1)
    assert inspect.isasyncgen(made)
    await made.aclose()
    waiting = wait(asyncio.Event())
    assert repr(waiting).startswith("<coroutine object wait ")
    waiting.close()


def test_a_generator_is_refused():
    def numbers():
        yield 1

    with pytest.raises(TypeError, match="numbers is a generator"):
        measure_time(numbers)


def test_two_may_listen_at_once_and_each_hears_its_own_time():
    with listening() as outer:
        add(1)
        with listening() as inner:
            add(2)
    add(3)
    assert (outer[name(add)].calls, inner[name(add)].calls) == (2, 1)


def test_calls_in_other_threads_are_heard():
    with listening() as heard:
        thread = threading.Thread(target=add, args=(1,))
        thread.start()
        thread.join()
    assert heard[name(add)].calls == 1


def test_one_structured_line_is_logged_for_each_call(caplog):
    with caplog.at_level(logging.DEBUG, logger="botcore.timing"):
        add(1)
        with pytest.raises(ValueError, match="nothing"):
            add(1, None)
    first, second = caplog.records
    assert [vars(record)["event"] for record in (first, second)] == [EVENT, EVENT] == ["performance_metric"] * 2
    assert [vars(record)["outcome"] for record in (first, second)] == ["ok", "ValueError"]
    assert vars(first)["function"] == name(add)
    assert vars(first)["elapsed_ms"] >= 0
    assert first.getMessage().startswith(f"performance_metric function={name(add)} elapsed_ms=")
    assert second.getMessage().endswith(" outcome=ValueError")


def test_rows_come_with_the_most_time_first_and_quantiles_are_near():
    with listening() as heard:
        for milliseconds in range(1, 101):
            heard.add("slow", milliseconds / 1000, "ok")
        heard.add("quick", 0.001, "Throttled")
    slow, quick = heard.rows()
    assert (slow["function"], slow["calls"], slow["errors"], slow["max_ms"]) == ("slow", 100, 0, 100.0)
    assert (quick["function"], quick["errors"]) == ("quick", 1)
    assert slow["total_ms"] == pytest.approx(5050)
    assert [slow["p50_ms"], slow["p95_ms"], slow["p99_ms"]] == pytest.approx([50, 95, 99], rel=0.05)


def test_a_histogram_takes_times_of_nothing_and_has_a_quantile_without_any():
    histogram = Histogram()
    assert histogram.quantile(0.5) == 0
    histogram.add(0.0)
    assert (histogram.calls, histogram.quantile(0.5)) == (1, 0.0)


async def test_a_call_that_nobody_listens_to_costs_less_than_two_microseconds():
    async def bare():
        pass

    async def seconds(function):
        start = time.perf_counter()
        for _ in range(5000):
            await function()
        return (time.perf_counter() - start) / 5000

    worn = measure_time(bare)
    more = min([await seconds(worn) for _ in range(9)]) - min([await seconds(bare) for _ in range(9)])
    assert more < 2e-6
