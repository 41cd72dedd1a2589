"""A sweep measures each point as often as asked, mixed and warmed up, and loses nothing when it is stopped."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from botcore.errors import MeasureError
from botcore.model import RequestCounts
from botcore.perf import record
from botcore.perf.record import Work
from botcore.perf.sweep import Plan, Sample, grid, short, sweep

PLAN = Plan(question="q", run="x.y", points=grid(size=(1, 2, 3), way=("a", "b")), repeats=4, warmups=1)
PART = Path("profiling_results/q.part.jsonl")


class Measured:
    """Notes what is measured, and fails or is stopped where a test wants it."""

    def __init__(self, stop_after=None):
        self.points = []
        self.stop_after = stop_after

    async def __call__(self, point):
        if self.stop_after is not None and len(self.points) >= self.stop_after:
            raise KeyboardInterrupt
        self.points.append(point)
        return Sample({"seconds": float(point["size"])}, Work(RequestCounts(other=point["size"])))


def test_a_grid_is_every_combination():
    assert grid(a=(1, 2), b="xy") == ({"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"})


async def test_each_point_is_measured_as_often_as_asked_once_a_round():
    measured = Measured()
    swept = await sweep(PLAN, measured)
    frame = swept.frame
    assert frame.group_by("size", "way").len()["len"].to_list() == [4] * 6
    assert [sorted(frame.filter(frame["round"] == turn)["size"].to_list()) for turn in range(4)] == [[1, 1, 2, 2, 3, 3]] * 4
    assert len(measured.points) == 6 + 24


async def test_the_order_is_mixed_and_the_same_for_the_same_seed():
    orders = [[(row["size"], row["way"]) for row in (await sweep(plan, Measured())).samples] for plan in (PLAN, PLAN, msgspec_replace(PLAN, seed=2))]
    assert orders[0] == orders[1] != orders[2]
    assert orders[0][:6] != orders[0][6:12]


def msgspec_replace(plan, **more):
    return Plan(**{name: getattr(plan, name) for name in plan.__struct_fields__} | more)


async def test_a_frame_has_options_figures_and_work():
    row = (await sweep(PLAN, Measured())).frame.row(0, named=True)
    assert row.keys() == {"round", "size", "way", "seconds", "requests", "refused", "bytes", "offers", "answers", "rows"}
    assert row["requests"] == row["size"]


async def test_progress_is_told_from_the_first_to_the_last():
    told = []
    await sweep(PLAN, Measured(), progress=lambda done, total, text: told.append((done, total, text)))
    assert told[0][:2] == (0, 24)
    assert told[0][2].startswith("warming up: size 1, way a")
    assert [done for done, _, text in told if not text.startswith("warming")] == list(range(25))


async def test_a_stopped_sweep_goes_on_where_it_was():
    first = Measured(stop_after=6 + 10)
    with pytest.raises(KeyboardInterrupt):
        await sweep(PLAN, first)
    second = Measured()
    swept = await sweep(PLAN, second)
    assert len(second.points) == 6 + 14
    assert len(swept.samples) == 24
    whole = await sweep(PLAN, Measured())
    assert swept.samples == whole.samples
    assert swept.work == whole.work


async def test_a_cancelled_sweep_goes_on_as_well():
    started = asyncio.Event()

    async def forever(point):
        if started.is_set():
            await asyncio.Event().wait()
        started.set()
        return Sample({"seconds": 1.0}, Work(answers=point["size"]))

    plan = msgspec_replace(PLAN, warmups=0)
    task = asyncio.create_task(sweep(plan, forever))
    await started.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    measured = Measured()
    await sweep(plan, measured)
    assert len(measured.points) == 23


def tear(change, path=PART):
    """Change what is kept of a sweep, or put something in its place."""
    path.write_bytes(change(path.read_bytes() if path.exists() else b""))


def left():
    return PART.exists()


async def stopped():
    with pytest.raises(KeyboardInterrupt):
        await sweep(PLAN, Measured(stop_after=6 + 10))


async def test_another_plan_begins_anew():
    await stopped()
    measured = Measured()
    await sweep(msgspec_replace(PLAN, data={"seed": 2}), measured)
    assert len(measured.points) == 30


async def test_it_may_be_begun_anew():
    await stopped()
    measured = Measured()
    await sweep(PLAN, measured, resume=False)
    assert len(measured.points) == 30


async def test_a_torn_line_is_measured_again_and_a_torn_file_begins_anew():
    await stopped()
    tear(lambda kept: kept[:-5])
    measured = Measured()
    await sweep(PLAN, measured)
    assert len(measured.points) == 6 + 15
    await stopped()
    tear(lambda kept: b"{" + kept)
    measured = Measured()
    await sweep(PLAN, measured)
    assert len(measured.points) == 30


async def test_nothing_of_a_sweep_that_is_done_stays_but_its_record():
    swept = await sweep(PLAN, Measured())
    assert not left()
    path = swept.save()
    kept = record.read(path)
    assert (kept.question, kept.run, kept.warmups, len(kept.samples)) == ("q", "x.y", 1, 24)
    assert kept.order == "4 rounds, each over all 6 points in random order, seed 1"
    assert {measure.name: measure.value for measure in kept.measures}["size 2, way a"] == 2.0
    assert kept.work.requests.other == 4 * 2 * (1 + 2 + 3)
    assert record.samples_frame(kept).equals(swept.frame)


async def test_a_run_that_did_no_work_ends_the_sweep():
    async def idle(point):
        return Sample({"seconds": 1.0}, Work(RequestCounts(other=point["size"]), refused=point["size"]))

    with pytest.raises(MeasureError, match="q: nothing was done at size"):
        await sweep(PLAN, idle)


async def test_where_nothing_can_be_kept_nothing_is_measured():
    tear(lambda _: b"a file", PART.parent)
    measured = Measured()
    with pytest.raises(MeasureError, match="cannot be written"):
        await sweep(PLAN, measured)
    assert measured.points == []


BESIDE = Plan(question="q", run="x.y", points=PLAN.points, repeats=4, warmups=0, beside="way")


async def test_points_may_be_measured_side_by_side_each_in_the_order_of_its_own():
    under_way: set[str] = set()
    most: set[frozenset[str]] = set()
    orders: dict[str, list[int]] = {"a": [], "b": []}

    async def measure(point):
        under_way.add(point["way"])
        most.add(frozenset(under_way))
        orders[point["way"]].append(point["size"])
        await asyncio.sleep(0)
        under_way.discard(point["way"])
        return Sample({"seconds": 1.0}, Work(answers=1))

    swept = await sweep(BESIDE, measure)
    assert frozenset("ab") in most
    assert len(swept.samples) == 24
    assert all(sorted(order[start : start + 3]) == [1, 2, 3] for order in orders.values() for start in range(0, 12, 3))
    assert swept.plan.order.endswith(", seed 1, each way beside the others")


async def test_what_fails_beside_others_ends_them_and_is_told_as_it_is_and_the_rest_is_measured_later():
    measured: list[object] = []

    async def measure(point):
        await asyncio.sleep(0)
        if len(measured) == 10:
            raise MeasureError("enough")
        measured.append(point)
        return Sample({"seconds": 1.0}, Work(answers=1))

    with pytest.raises(MeasureError, match=r"^enough$"):
        await sweep(BESIDE, measure)
    later = Measured()
    swept = await sweep(BESIDE, later)
    assert len(later.points) == 14
    assert sorted((row["round"], row["size"], row["way"]) for row in swept.samples) == sorted(
        (turn, point["size"], point["way"]) for turn in range(4) for point in PLAN.points
    )


async def test_what_was_refused_is_measured_again_and_what_is_refused_each_time_stays_so():
    asked: list[int] = []

    async def measure(point):
        asked.append(point["size"])
        refused = point["size"] == 3 or (point["size"] == 2 and asked.count(2) == 1)
        return Sample({"seconds": 1.0}, Work(RequestCounts(other=5), refused=int(refused)))

    plan = Plan(question="q", run="x.y", points=grid(size=(1, 2, 3)), repeats=1, warmups=0, again=2)
    swept = await sweep(plan, measure)
    assert {row["size"]: (row["tries"], row["refused"]) for row in swept.samples} == {1: (1, 0), 2: (2, 0), 3: (3, 1)}
    assert plan.order.endswith("what was refused 2 times again")


def test_the_short_form_is_asked_for_by_word_or_by_the_environment(monkeypatch):
    monkeypatch.delenv("BOTCORE_NOTEBOOKS", raising=False)
    assert (short(), short(wanted=True), short(wanted=False)) == (False, True, False)
    monkeypatch.setenv("BOTCORE_NOTEBOOKS", "short")
    assert (short(), short(wanted=False)) == (True, False)
