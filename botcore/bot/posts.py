"""What is shown in a chat: HTML of Telegram's kind, with buttons under it. Pure."""

from __future__ import annotations

import msgspec

__all__ = ["CAPTION", "TEXT", "Button", "Post"]

TEXT = 4096
"""Characters that one message may have once its markup is read, by Telegram's rules."""
CAPTION = 1024
"""The same for the words under a picture."""


class Button(msgspec.Struct, frozen=True):
    """One button: ``press`` is what comes back when it is pressed (``presses.pack``), or ``url`` is the page that it opens."""

    text: str
    press: str = ""
    url: str = ""


class Post(msgspec.Struct, frozen=True):
    """One message: ``text`` is HTML in which everything from outside is escaped; ``buttons`` are rows from the top down."""

    text: str
    buttons: tuple[tuple[Button, ...], ...] = ()

    def __post_init__(self) -> None:
        """Keep plain text: a kind of text of its own could not be stored."""
        msgspec.structs.force_setattr(self, "text", str(self.text))
