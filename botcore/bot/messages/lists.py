"""Watched and muted titles. Pure.

``watching``, ``unwatched``, ``muted`` are short enough to answer a press with; take ``split.plain`` of them there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from botcore.bot import presses
from botcore.bot.messages import wording
from botcore.bot.posts import Button, Post
from botcore.bot.texts import say
from botcore.model import Game, Level

__all__ = ["mute_usage", "muted", "mutes", "not_muted", "title_buttons", "title_lines", "unmuted", "unwatched", "watch_full", "watching"]

SHOWN = 20
"""Rows of a list; what is taken away makes room for the rest."""
BRIEF, WRITTEN = 60, 110
"""Units of a title in an answer to a press, and letters of it as HTML: the whole may have 200 either way."""


def watching(lang: str, *, title: str, game: Game, level: Level) -> str:
    """A title is watched from now on."""
    return say(lang, "watching", title=_brief(lang, title), game=wording.game_name(game), level=level)


def title_lines(lang: str, rows: Sequence[tuple[int, Game, Level, str]]) -> Iterable[str]:
    """The titles that are watched, as (watch, game, level, title), a line each."""
    yield say(lang, "watches", count=len(rows))
    for number, (_, game, level, title) in enumerate(rows[:SHOWN], 1):
        yield say(lang, "watch_row", number=number, title=wording.named_title(lang, title), game=wording.game_name(game), level=level)
    if len(rows) > SHOWN:
        yield say(lang, "more", count=len(rows) - SHOWN)


def title_buttons(lang: str, rows: Sequence[tuple[int, Game, Level, str]]) -> Iterable[tuple[Button, ...]]:
    """A button to end the watch of each."""
    for number, (watch, _, _, title) in enumerate(rows[:SHOWN], 1):
        name = wording.named_title(lang, title)
        yield (wording.button(lang, "unwatch_one", presses.Unwatch(watch, listed=True), number=number, title=name),)


def unwatched(lang: str, title: str) -> str:
    """A title is watched no longer."""
    return say(lang, "unwatched", title=_brief(lang, title))


def watch_full(lang: str, most: int) -> str:
    """No more titles can be watched."""
    return say(lang, "watch_full", count=most)


def muted(lang: str, title: str) -> str:
    """A title is not shown in this chat from now on."""
    return say(lang, "muted", title=_brief(lang, title))


def unmuted(lang: str, title: str) -> str:
    """A title is shown again."""
    return say(lang, "unmuted", title=_brief(lang, title))


def mutes(lang: str, rows: Sequence[tuple[Game, str]]) -> Post:
    """What is muted, with a button to show each again."""
    if not rows:
        return Post(say(lang, "mutes_none"))
    shown = [(number, game, title, wording.named_title(lang, title)) for number, (game, title) in enumerate(rows[:SHOWN], 1)]
    lines = [say(lang, "mute_row", number=number, title=name, game=wording.game_name(game)) for number, game, _, name in shown]
    buttons = [
        (wording.button(lang, "unmute_one", presses.Unmute(presses.name_of(game, title)), number=number, title=name),) for number, game, title, name in shown
    ]
    return Post(wording.joined(say(lang, "mutes", count=len(rows)), lines, _more(lang, len(rows))), tuple(buttons))


def not_muted(lang: str, title: str) -> str:
    """A title that was to be shown again was never muted."""
    return say(lang, "not_muted", title=_brief(lang, title))


def mute_usage(lang: str) -> str:
    """How to mute a title."""
    return say(lang, "mute_usage")


def _more(lang: str, count: int) -> str | None:
    return say(lang, "more", count=count - SHOWN) if count > SHOWN else None


def _brief(lang: str, title: str) -> str:
    """A title so short that the answer has room for it, markup or not."""
    name = wording.named_title(lang, title, BRIEF)
    return name if len(escape(name, quote=False)) <= WRITTEN else wording.named_title(lang, title, WRITTEN // len("&amp;"))
