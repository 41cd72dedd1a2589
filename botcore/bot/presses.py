"""What a button says when it is pressed: a few short words, read strictly, since anybody can send any. Pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Literal

import msgspec

from botcore.model import Game, Level

__all__ = [
    "ChooseGame",
    "ChooseLevel",
    "Mute",
    "MuteAlert",
    "Page",
    "Press",
    "Price",
    "Scan",
    "SetLevel",
    "Settings",
    "Stop",
    "Unmute",
    "Unwatch",
    "UnwatchLevel",
    "Watch",
    "Why",
    "WhyAlert",
    "name_of",
    "pack",
    "unpack",
]

MOST = 64
"""Bytes that Telegram allows."""
Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Ids, places and pages: none is negative, and none so large that a store could not look for it."""


class _Press(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Packed as a JSON array whose first element tells which it is."""


class ChooseGame(_Press, frozen=True, tag="g"):
    """Show the games to choose from; ``then`` is what the choice is for."""

    then: Literal["scan", "set"]


class ChooseLevel(_Press, frozen=True, tag="l"):
    """Show the levels of a game to choose from."""

    then: Literal["scan", "set"]
    game: Game


class Scan(_Press, frozen=True, tag="s"):
    """Look for opportunities, and remember nothing from before when ``anew``."""

    game: Game
    level: Level
    anew: bool = False


class SetLevel(_Press, frozen=True, tag="d"):
    """Make a game and a level the chat's own."""

    game: Game
    level: Level


class Stop(_Press, frozen=True, tag="x"):
    """End a scan that is shown in this chat."""

    view: Number


class Page(_Press, frozen=True, tag="p"):
    """Turn to a page of a scan's results, the first is 0."""

    view: Number
    page: Number


class Why(_Press, frozen=True, tag="y"):
    """Tell how a find came about; ``place`` is its place in the view's report."""

    view: Number
    place: Number


class Watch(_Press, frozen=True, tag="w"):
    """Keep an eye on the title of a find."""

    view: Number
    place: Number


class Mute(_Press, frozen=True, tag="m"):
    """Never show the title of a find again in this chat."""

    view: Number
    place: Number


class Unwatch(_Press, frozen=True, tag="u"):
    """Watch no longer; ``listed`` when the button stands in the list of what is watched, which is then shown anew."""

    watch: Number
    listed: bool = False


class UnwatchLevel(_Press, frozen=True, tag="e"):
    """Watch a level of a game no longer, or none of its levels; ``listed`` as for ``Unwatch``."""

    game: Game
    level: Level | None = None
    listed: bool = False


class WhyAlert(_Press, frozen=True, tag="a"):
    """Tell how the offer of a watch's alert fares now."""

    alert: Number


class MuteAlert(_Press, frozen=True, tag="t"):
    """Never show the title of such an alert again in this chat."""

    alert: Number


class Unmute(_Press, frozen=True, tag="n"):
    """Show a title again; it is told by ``name_of``, since titles are too long for a button."""

    name: str


class Price(_Press, frozen=True, tag="h"):
    """Show the prices of a title, told by ``name_of``."""

    name: str


class Settings(_Press, frozen=True, tag="c"):
    """Turn to a page of the settings in force."""

    page: Number


Press = (
    ChooseGame | ChooseLevel | Scan | SetLevel | Stop | Page | Why | Watch | Mute | Unwatch | UnwatchLevel | WhyAlert | MuteAlert | Unmute | Price | Settings
)
_decoder: msgspec.json.Decoder[Press] = msgspec.json.Decoder(Press)


def pack(press: Press) -> str:
    """The words for a button, at most 64 bytes."""
    words = msgspec.json.encode(press)
    if len(words) > MOST:
        raise ValueError(f"{press} is too long for a button")
    return words.decode()


def unpack(words: str | None) -> Press | None:
    """What was pressed; None for words that no button of ours says."""
    try:
        return _decoder.decode(words or "")
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def name_of(game: Game, title: str) -> str:
    """A short name of a title that stays the same."""
    return blake2b(f"{game}/{title}".encode(errors="surrogatepass"), digest_size=9).hexdigest()
