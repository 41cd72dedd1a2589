"""Watched games and levels: their alerts, the list, and how the watch does. Pure.

``unwatched_levels`` is short enough to answer a press with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from botcore.bot import presses
from botcore.bot.messages import wording
from botcore.bot.messages.finds import alert_gone, find_lines
from botcore.bot.messages.lists import title_buttons, title_lines
from botcore.bot.posts import Button, Post
from botcore.bot.texts import Markup, clean, label, say
from botcore.model import Alert, AlertState, Change, Game, Level, Opportunity, RequestClass, dollars
from botcore.scan.confidence import Confidence
from botcore.scan.evidence import Assessment

if TYPE_CHECKING:
    from botcore.scan import WatchFigures

__all__ = ["figures", "level_alert", "level_alert_changed", "unwatched_levels", "watches", "watching_levels", "wrong_watch"]

Pair = tuple[Game, Level]
WORDS = 100


def level_alert(lang: str, *, alert: Alert, level: Level, sandbox: bool, weighed: Assessment | None = None, confidence: Confidence | None = None) -> Post:
    """A find at a level that the chat watches, with how far it can be trusted where that is known."""
    found = alert.opportunity
    return Post(
        wording.joined(find_lines(lang, found, _watched(lang, found.game, level), weighed, confidence, sandbox=sandbox)), _buttons(lang, alert, found, level)
    )


def level_alert_changed(lang: str, *, change: Change, sandbox: bool) -> Post:
    """What became of such a find: gone, at another price, or no find any more."""
    before = change.alert.opportunity
    if change.state is AlertState.GONE or change.price_cents is None:
        return alert_gone(lang, title=before.title, price_cents=before.price_cents, sandbox=sandbox)
    found = change.opportunity
    watched = _watched(lang, before.game, change.alert.level)
    if found is not None and found.price_cents != before.price_cents:
        head = say(lang, "changed", before=dollars(before.price_cents), buy=dollars(found.price_cents))
        return Post(
            wording.joined(head, find_lines(lang, found, watched, None, None, sandbox=sandbox)), _buttons(lang, change.alert, found, change.alert.level)
        )
    key = "pays_no_more" if change.price_cents == before.price_cents else "changed_no_find"
    head = say(lang, key, before=dollars(before.price_cents), buy=dollars(change.price_cents))
    title = say(lang, "title", title=wording.named(lang, before))
    return Post(wording.joined(head, title, watched, say(lang, "sandbox") if sandbox else None), _buttons(lang, change.alert, before, change.alert.level))


def _watched(lang: str, game: Game, level: Level) -> Markup:
    return say(lang, "watched_level", game=wording.game_name(game), level=level)


def _buttons(lang: str, alert: Alert, found: Opportunity, level: Level) -> tuple[tuple[Button, ...], ...]:
    why, mute = wording.button(lang, "why", presses.WhyAlert(alert.id)), wording.button(lang, "mute", presses.MuteAlert(alert.id))
    return ((*wording.opening(lang, found), why, mute), (_stop(lang, found.game, level),))


def _stop(lang: str, game: Game, level: Level, *, listed: bool = False) -> Button:
    return wording.button(lang, "stop_level", presses.UnwatchLevel(game, level, listed), game=wording.game_name(game), level=level)


# ---- the list ----------------------------------------------------------------------------------------------------------


def watching_levels(lang: str, pairs: Collection[Pair]) -> str:
    """Levels are watched from now on."""
    named: list[str] = []
    for game, levels in _by_game(pairs):
        name = wording.game_name(game)
        whole = len(levels) == len(Level)
        named += [label(lang, "watching_game", game=name)] if whole else [label(lang, "watching_level", game=name, level=level) for level in levels]
    return say(lang, "watching_levels", what="; ".join(named))


def watches(lang: str, pairs: Collection[Pair], rows: Sequence[tuple[int, Game, Level, str]], engine: WatchFigures | None, *, gone: int = 0) -> Post:
    """What a chat watches: levels, and titles as (watch, game, level, title), with a button to end each; and how the watch of levels does."""
    if not pairs and not rows:
        return Post(say(lang, "watches_none"))
    lines = (say(lang, "watched_game", game=wording.game_name(game), levels=_levels(lang, levels)) for game, levels in _by_game(pairs))
    text = wording.joined(
        (say(lang, "watched_levels"), *lines) if pairs else None,
        " " if pairs and rows else None,
        title_lines(lang, rows) if rows else None,
        (" ", *figures(lang, engine, gone=gone)) if pairs else None,
    )
    return Post(text, (*_level_buttons(lang, pairs), *title_buttons(lang, rows)))


def _level_buttons(lang: str, pairs: Collection[Pair]) -> Iterable[tuple[Button, ...]]:
    """For each game a button that ends all of it, and under that its levels, two in a row."""
    for game, levels in _by_game(pairs):
        if len(levels) > 1:
            yield (wording.button(lang, "stop_game", presses.UnwatchLevel(game, None, listed=True), game=wording.game_name(game)),)
        stops = [_stop(lang, game, level, listed=True) for level in levels]
        yield from (tuple(stops[place : place + 2]) for place in range(0, len(stops), 2))


def _by_game(pairs: Collection[Pair]) -> Iterable[tuple[Game, list[Level]]]:
    for game in Game:
        levels = [level for level in Level if (game, level) in pairs]
        if levels:
            yield game, levels


def _levels(lang: str, levels: Sequence[Level]) -> str:
    return label(lang, "all_levels") if len(levels) == len(Level) else ", ".join(levels)


def unwatched_levels(lang: str, game: Game, levels: Sequence[Level]) -> str:
    """These levels of a game are watched no longer."""
    return say(lang, "unwatched_levels", game=wording.game_name(game), levels=_levels(lang, levels))


def wrong_watch(lang: str, words: str) -> str:
    """What is no game, no level and no known title; and what there is."""
    names = say(lang, "wrong_watch_names", games=", ".join(Game), levels=", ".join(Level))
    return wording.joined(say(lang, "wrong_watch", words=clean(words, WORDS)), names)


# ---- how it does -------------------------------------------------------------------------------------------------------


def figures(lang: str, engine: WatchFigures | None, *, gone: int) -> Iterable[Markup]:
    """How the watch of levels does: offers, time to alert, quota; ``gone`` are alerts that the outbox found gone, beside those the watch did."""
    yield say(lang, "engine")
    if engine is None:
        yield say(lang, "engine_none")
        return
    for game, one in engine.games.items():
        yield say(lang, "engine_game", game=wording.game_name(game), rate=f"{one.rate:.1f}", interval=f"{one.interval:.1f}")
    if engine.to_alert is None:
        yield say(lang, "engine_alert_none")
    else:
        usual, most = engine.to_alert
        yield say(lang, "engine_alert", usual=f"{usual:.1f}", most=f"{most:.1f}")
    yield say(lang, "engine_quota", shares=Markup(", ".join(_shares(lang, engine))))
    yield say(lang, "engine_counts", alerts=engine.alerts, gone=engine.gone + gone)


def _shares(lang: str, engine: WatchFigures) -> Iterable[str]:
    used = (kind for kind in RequestClass if kind in engine.used)
    return (label(lang, "engine_share", name=label(lang, f"class_{kind}"), percent=round(100 * engine.used[kind])) for kind in used)
