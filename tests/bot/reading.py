"""Reading a post as a person does."""

from __future__ import annotations

from botcore.bot import presses
from botcore.bot.posts import Post
from botcore.bot.split import plain

__all__ = ["labels", "lines", "pressed", "shown", "spaced"]

FIRM = "\u00a0"


def spaced(text: str) -> str:
    """The text with ordinary spaces where no line is broken."""
    return text.replace(FIRM, " ")


def shown(post: Post | str) -> str:
    """The words as they are read."""
    return spaced(plain(post if isinstance(post, str) else post.text))


def lines(post: Post | str) -> list[str]:
    return shown(post).split("\n")


def pressed(post: Post) -> list[list[object]]:
    """What the buttons say when they are pressed, or open."""
    return [[presses.unpack(button.press) if button.press else button.url for button in row] for row in post.buttons]


def labels(post: Post) -> list[list[str]]:
    return [[button.text for button in row] for row in post.buttons]
