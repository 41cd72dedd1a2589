"""The memory level: never beyond its bounds, and the least recently used goes first."""

from __future__ import annotations

from collections import OrderedDict

from hypothesis import given, settings
from hypothesis import strategies as st

from botcore.cache.levels import _MOST_TAGS, Entry, MemoryLevel
from botcore.cache.policy import Question, Subject

from .support import Clock

NAMES = [f"name {number}" for number in range(8)]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from(NAMES), st.integers(0, 900)),
        st.tuples(st.just("get"), st.sampled_from(NAMES), st.just(0)),
        st.tuples(st.just("drop"), st.sampled_from(NAMES), st.just(0)),
    ),
    max_size=60,
)


def question(name: str) -> Question:
    return Question(Subject.SALES, name, (f"tag of {name}",))


@settings(max_examples=200, deadline=None)
@given(steps=STEPS, most_bytes=st.integers(1, 5_000), most_entries=st.integers(1, 6))
def test_it_keeps_its_bounds_and_forgets_the_least_recently_used(steps, most_bytes, most_entries):
    """Against a plain ordered dict; an entry that was invalidated goes when it is asked for, or in its turn."""
    clock = Clock()
    level = MemoryLevel(most_bytes, most_entries, clock=clock)
    model: OrderedDict[str, tuple[bytes, int, bool]] = OrderedDict()
    evictions = 0
    for kind, name, length in steps:
        if kind == "set":
            before = level.bytes - (model.pop(name)[1] if name in model else 0)
            level.set(question(name), Entry(bytes(length), clock() + 1, clock() + 1), level.epoch)
            size = size_of(name, length)
            if size <= most_bytes:
                model[name] = (bytes(length), size, True)
            while sum(one[1] for one in model.values()) > most_bytes or len(model) > most_entries:
                model.popitem(last=False)
                evictions += 1
            assert before <= most_bytes
        elif kind == "get":
            found = level.get(question(name))
            expected = model.get(name)
            if expected is None or not expected[2]:
                model.pop(name, None)
                assert found is None
            else:
                model.move_to_end(name)
                assert found is not None
                assert found.value == expected[0]
        else:
            level.drop(question(name).tags)
            if name in model:
                model[name] = (*model[name][:2], False)
        assert level.bytes == sum(one[1] for one in model.values()) <= most_bytes
        assert list(level._entries) == list(model)
        assert len(level) <= most_entries
    assert level.counts.evictions == evictions


def size_of(name: str, length: int) -> int:
    """What one entry counts for, from a level that holds it alone."""
    level = MemoryLevel(1_000_000, 1, clock=Clock())
    level.set(question(name), Entry(bytes(length), 0.0, 0.0), level.epoch)
    return level.bytes


def test_what_is_larger_than_the_level_takes_nothing_else_with_it():
    """But the older answer under its own name, which it makes wrong."""
    clock = Clock()
    level = MemoryLevel(2_000, 10, clock=clock)
    for name in NAMES[:2]:
        level.set(question(name), Entry(b"1", clock() + 1, clock() + 1), level.epoch)
    level.set(question(NAMES[0]), Entry(bytes(2_000), clock() + 1, clock() + 1), level.epoch)
    assert level.get(question(NAMES[0])) is None
    assert level.get(question(NAMES[1])) is not None


def test_remembering_what_fell_is_bounded():
    """Beyond the bound everything is forgotten, and answers on their way are still refused."""
    clock = Clock()
    level = MemoryLevel(10_000, 10, clock=clock)
    fence = level.epoch
    level.set(question("stays"), Entry(b"1", clock() + 1, clock() + 1), fence)
    for number in range(_MOST_TAGS + 1):
        level.drop([str(number)])
    assert level.get(question("stays")) is None
    assert len(level._fallen) < _MOST_TAGS
    level.set(question("late"), Entry(b"1", clock() + 1, clock() + 1), fence)
    assert level.get(question("late")) is None


def test_clearing_refuses_what_is_on_its_way():
    clock = Clock()
    level = MemoryLevel(10_000, 10, clock=clock)
    fence = level.epoch
    level.clear()
    level.set(question("x"), Entry(b"1", clock() + 1, clock() + 1), fence)
    assert (level.get(question("x")), level.bytes, repr(level)[:23]) == (None, 0, "<MemoryLevel of 0 entri")
