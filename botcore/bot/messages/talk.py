"""The start, the commands, choosing, and short answers. Pure.

``old_button``, ``foreign_button``, ``stopping`` and ``nothing_runs`` are short enough to answer a press with.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from botcore.bot import presses
from botcore.bot.messages import wording
from botcore.bot.posts import Button, Post
from botcore.bot.texts import Markup, clean, has, label, say
from botcore.model import Game, Level

__all__ = [
    "already_running",
    "choose_game",
    "choose_level",
    "commands",
    "error",
    "foreign_button",
    "group_moved",
    "help_",
    "interrupted",
    "keys_refused",
    "level",
    "market_away",
    "market_back",
    "market_trouble",
    "not_a_command",
    "nothing_runs",
    "old_button",
    "owner_error",
    "restarting",
    "start",
    "stopping",
    "stranger",
    "too_long",
    "unknown_command",
    "wrong_scan",
]

COMMANDS = ("start", "scan", "top", "price", "watch", "why", "balance", "level", "mute", "unmute", "status", "config", "cancel", "help")
Then = Literal["scan", "set"]
NAME = 40
WORDS = 100


def start(lang: str, *, name: str, game: Game, level: Level, sandbox: bool) -> Post:
    """Who this is, and a scan at a press."""
    who = clean(name, NAME)
    text = wording.joined(
        say(lang, "hello", name=who) if who else say(lang, "hello_nobody"),
        say(lang, "hello_sum"),
        say(lang, "sandbox") if sandbox else None,
        " ",
        _chosen(lang, game, level),
    )
    other = wording.button(lang, "other", presses.ChooseGame("scan"))
    return Post(text, ((_scan_button(lang, game, level),), (other,)))


def _chosen(lang: str, game: Game, level: Level) -> Iterable[Markup]:
    return (say(lang, "chosen", game=wording.game_name(game), level=level), wording.windows(lang, level))


def _scan_button(lang: str, game: Game, level: Level) -> Button:
    return wording.button(lang, "scan", presses.Scan(game, level), game=wording.game_name(game), level=level)


def help_(lang: str) -> Post:
    """All commands, a line each."""
    names = say(lang, "help_names", games=", ".join(Game), levels=", ".join(Level))
    return Post(wording.joined(say(lang, "help_head"), (_help(lang, command) for command in COMMANDS), " ", names))


def _help(lang: str, command: str) -> Markup:
    meaning = label(lang, f"command_{command}")
    if has(lang, f"words_{command}"):
        return say(lang, "help_line", command=command, words=say(lang, f"words_{command}"), meaning=meaning)
    return say(lang, "help_line_bare", command=command, meaning=meaning)


def commands(lang: str) -> list[tuple[str, str]]:
    """The command menu: names and what they do, without markup."""
    return [(command, label(lang, f"command_{command}")) for command in COMMANDS]


def choose_game(lang: str, then: Then) -> Post:
    """Which game?"""
    buttons = [Button(wording.game_name(game), press=presses.pack(presses.ChooseLevel(then, game))) for game in Game]
    return Post(say(lang, "choose_game"), (tuple(buttons[:2]), tuple(buttons[2:])))


def choose_level(lang: str, then: Then, game: Game) -> Post:
    """Which level? Each with its windows."""
    rows = [(wording.button(lang, "level", _chose(then, game, level), level=level, **wording.limits_of(level)),) for level in Level]
    back = wording.button(lang, "games", presses.ChooseGame(then))
    return Post(say(lang, "choose_level", game=wording.game_name(game)), (*rows, (back,)))


def _chose(then: Then, game: Game, level: Level) -> presses.Press:
    return presses.Scan(game, level) if then == "scan" else presses.SetLevel(game, level)


def level(lang: str, *, game: Game, level: Level) -> Post:
    """What is set for the chat, and how to change it."""
    text = wording.joined(_chosen(lang, game, level), say(lang, "chosen_use"))
    change = wording.button(lang, "change", presses.ChooseGame("set"))
    return Post(text, ((change,), (_scan_button(lang, game, level),)))


def wrong_scan(lang: str, words: str) -> str:
    """A game or level that does not exist, and those that do."""
    return say(lang, "wrong_scan", words=clean(words, WORDS), games=", ".join(Game), levels=", ".join(Level))


def already_running(lang: str, game: Game, level: Level) -> str:
    """The same scan runs in this chat."""
    return say(lang, "already_running", game=wording.game_name(game), level=level)


def stranger(lang: str, user_id: int) -> str:
    """Somebody who may not use the bot, and the id by which its owner can let him."""
    return say(lang, "stranger", id=str(user_id))


def group_moved(lang: str, chat_id: int) -> str:
    """A group became a supergroup with another id."""
    return say(lang, "group_moved", id=str(chat_id))


def unknown_command(lang: str) -> str:
    """No such command."""
    return say(lang, "unknown_command")


def not_a_command(lang: str) -> str:
    """Words that are no command."""
    return say(lang, "not_a_command")


def too_long(lang: str) -> str:
    """More words than any command takes."""
    return say(lang, "too_long")


def old_button(lang: str) -> str:
    """A button whose message is no longer known."""
    return say(lang, "old_button")


def foreign_button(lang: str) -> str:
    """A button of another chat."""
    return say(lang, "foreign_button")


def nothing_runs(lang: str) -> str:
    """There is nothing to stop."""
    return say(lang, "nothing_runs")


def stopping(lang: str) -> str:
    """A scan is being stopped."""
    return say(lang, "stopping")


def interrupted(lang: str) -> str:
    """What a restart of the bot cut off."""
    return say(lang, "interrupted")


def restarting(lang: str) -> str:
    """The bot takes no work since it is about to stop."""
    return say(lang, "restarting")


def error(lang: str, error_id: str) -> str:
    """Something failed that should not; the log has it under the id."""
    return say(lang, "error", id=clean(error_id, NAME))


def market_trouble(lang: str, error_id: str, kind: str) -> str:
    """The market failed; ``kind`` is the name of the error's class, of which each has a sentence."""
    key = f"market_{kind}" if kind[:1].isupper() and has(lang, f"market_{kind}") else "market_error"
    return say(lang, key, id=clean(error_id, NAME))


def owner_error(lang: str, *, error_id: str, kind: str, what: str) -> str:
    """The same for the owner, with the error's class and its words."""
    return say(lang, "owner_error", id=clean(error_id, NAME), kind=clean(kind, WORDS), what=what)


def market_away(lang: str) -> str:
    """The market does not answer at all."""
    return say(lang, "market_away")


def keys_refused(lang: str) -> str:
    """The market answers, and does not take the keys."""
    return say(lang, "keys_refused")


def market_back(lang: str) -> str:
    """The market answers again."""
    return say(lang, "market_back")
