"""Buttons: what they say fits, comes back as it was, and nothing else is taken for it."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.bot import presses
from botcore.bot.presses import (
    ChooseGame,
    ChooseLevel,
    Mute,
    MuteAlert,
    Page,
    Press,
    Price,
    Scan,
    SetLevel,
    Settings,
    Stop,
    Unmute,
    Unwatch,
    UnwatchLevel,
    Watch,
    Why,
    WhyAlert,
)
from botcore.model import Game, Level

MOST_BYTES = 64
LARGEST = 2**53

numbers = st.integers(0, LARGEST)
games, levels, ends = st.sampled_from(Game), st.sampled_from(Level), st.sampled_from(["scan", "set"])
names = st.builds(presses.name_of, games, st.text())
EVERY: dict[type, st.SearchStrategy] = {
    ChooseGame: st.builds(ChooseGame, ends),
    ChooseLevel: st.builds(ChooseLevel, ends, games),
    Scan: st.builds(Scan, games, levels, st.booleans()),
    SetLevel: st.builds(SetLevel, games, levels),
    Stop: st.builds(Stop, numbers),
    Page: st.builds(Page, numbers, numbers),
    Why: st.builds(Why, numbers, numbers),
    Watch: st.builds(Watch, numbers, numbers),
    Mute: st.builds(Mute, numbers, numbers),
    Unwatch: st.builds(Unwatch, numbers, st.booleans()),
    UnwatchLevel: st.builds(UnwatchLevel, games, st.none() | levels, st.booleans()),
    WhyAlert: st.builds(WhyAlert, numbers),
    MuteAlert: st.builds(MuteAlert, numbers),
    Unmute: st.builds(Unmute, names),
    Price: st.builds(Price, names),
    Settings: st.builds(Settings, numbers),
}
every = st.one_of(*EVERY.values())


def test_every_kind_of_press_is_tested_here():
    assert set(EVERY) == set(get_args(Press))


@given(every)
def test_a_press_fits_into_a_button_and_comes_back_as_it_was(press):
    words = presses.pack(press)
    assert len(words.encode()) <= MOST_BYTES
    assert presses.unpack(words) == press


@pytest.mark.parametrize("press", [Page(LARGEST, LARGEST), Why(LARGEST, LARGEST), Scan(Game.DOTA2, Level.STANDARD, anew=True), Unwatch(LARGEST, listed=True)])
def test_the_longest_presses_fit(press):
    assert len(presses.pack(press).encode()) <= MOST_BYTES


def test_a_name_that_is_too_long_is_refused_when_the_button_is_made():
    with pytest.raises(ValueError, match="too long"):
        presses.pack(Unmute("n" * MOST_BYTES))


FORGED = [
    None,
    "",
    "null",
    "scan",
    "scan:csgo:standard",
    "[]",
    "[[]]",
    '["?",1]',
    '["x"]',
    '["x",null]',
    '["x","1"]',
    '["x",1.5]',
    '["x",true]',
    '["x",1,1]',
    '["x",-1]',
    '["x",99999999999999999999999999]',
    f'["x",{LARGEST + 1}]',
    '["p",1,-1]',
    '["w",1]',
    '{"x":1}',
    '["s","cs2","standard"]',
    '["s","csgo","hard"]',
    '["s","csgo","standard",1]',
    '["l","buy","csgo"]',
    '["x",1] ["x",1]',
    '["n",1]',
    "[" * MOST_BYTES,
    "\ud800",
    '["n","\\ud800"]',
    "\x00",
]


@pytest.mark.parametrize("words", FORGED)
def test_forged_words_are_no_press(words):
    assert presses.unpack(words) is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.sampled_from("gldsxpywmunhc"),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=8,
)


@given(st.text(max_size=MOST_BYTES) | anything.map(json.dumps))
def test_whatever_is_read_is_a_press_that_says_the_same(words):
    press = presses.unpack(words)
    if press is not None:
        assert presses.unpack(presses.pack(press)) == press


@given(every, st.data())
def test_a_press_cut_short_is_no_press(press, data):
    words = presses.pack(press)
    cut = data.draw(st.integers(0, len(words) - 1))
    assert presses.unpack(words[:cut]) is None


titles = st.text(st.characters())  # with half characters too, which no encoding has


@given(games, titles, games, titles)
def test_titles_have_names_of_their_own(game, title, other_game, other):
    assert (presses.name_of(game, title) == presses.name_of(other_game, other)) is ((game, title) == (other_game, other))


def test_the_name_of_a_title_stays_the_same_for_buttons_already_sent():
    assert presses.name_of(Game.CSGO, "AK-47 | Redline (Field-Tested)") == "6ab9d4f17cbb3568df"
