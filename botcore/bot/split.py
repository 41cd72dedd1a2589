"""HTML of Telegram's kind: how long it is, what it says without markup, and cutting it into messages that are whole by themselves. Pure.

Telegram counts UTF-16 units of what is left once the markup is read, so that is what every length here is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from html import escape

import msgspec

__all__ = ["length", "plain", "shorten", "shorten_text", "split", "units"]

ELLIPSIS = "…"
JOINER = "\u200d"
_TAGS = frozenset(
    "b strong i em u ins s strike del span tg-spoiler a code pre blockquote tg-emoji tg-time".split()  # noqa: SIM905 - a list of words reads best as words
)
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_TOKEN = re.compile(
    r"""<(?P<end>/?)(?P<name>[a-z][a-z-]*)(?P<attributes>(?:\s+[a-z-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+))?)*)\s*>"""
    r"|&(?P<entity>lt|gt|amp|quot|\#[0-9]{1,8}|\#x[0-9a-f]{1,8});|(?P<text>[^<&]+|&)",
    re.IGNORECASE,
)
_MARKS = frozenset({"Mn", "Mc", "Me"})


class _Tag(msgspec.Struct, frozen=True):
    """A start tag as it was written; ``number`` tells neighbours of the same kind apart."""

    number: int
    name: str
    written: str


_Run = tuple[str, tuple[_Tag, ...]]
"""Characters, and the tags that are open around them, outermost first."""


def split(html: str, limit: int = 4096) -> list[str]:
    """Messages of at most ``limit`` units that say the same one after the other, each with its own markup; none for white space alone.

    Cut at blank lines, else at line ends, else at spaces, else between characters; the white space at a cut is left out.

    Raises:
        ValueError: this is no HTML of Telegram's kind, or not even one character may fit.
    """
    if limit < 2:  # noqa: PLR2004 - an emoji has two units
        raise ValueError(f"a message of {limit} units may hold no character")
    runs = list(_runs(html))
    text = "".join(words for words, _ in runs)
    if not text.strip():
        return []
    return [html] if units(text) <= limit else [_written(runs, start, end) for start, end in _pieces(text, limit)]


def length(html: str) -> int:
    """How long Telegram takes it to be. Raises ValueError as ``split`` does."""
    return units(plain(html))


def plain(html: str) -> str:
    """What it says without its markup, for places that show none. Raises ValueError as ``split`` does."""
    return "".join(words for words, _ in _runs(html))


def shorten(html: str, limit: int) -> str:
    """The beginning, with an ellipsis where something is missing. Raises ValueError as ``split`` does."""
    runs = list(_runs(html))
    text = "".join(words for words, _ in runs)
    return html if units(text) <= limit else _written(runs, 0, _end(text, limit)) + ELLIPSIS


def shorten_text(text: str, limit: int) -> str:
    """The same for text without markup."""
    return text if units(text) <= limit else text[: _end(text, limit)] + ELLIPSIS


def units(text: str) -> int:
    """UTF-16 units of a text."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _runs(html: str) -> Iterator[_Run]:
    """Read the markup; what Telegram would refuse raises ValueError."""
    place, number, stack = 0, 0, list[_Tag]()
    while place < len(html):
        token = _TOKEN.match(html, place)
        if token is None:
            raise ValueError(f"there is no tag at {html[place : place + 20]!r}")
        place = token.end()
        if token["name"] is None:
            yield token["text"] or _letter(token["entity"]), tuple(stack)
        elif token["end"]:
            _close(stack, token["name"].lower())
        else:
            stack.append(_Tag(number := number + 1, _known(token["name"].lower()), token[0]))
    if stack:
        raise ValueError(f"<{stack[-1].name}> is not closed")


def _known(name: str) -> str:
    if name not in _TAGS:
        raise ValueError(f"Telegram knows no <{name}>")
    return name


def _close(stack: list[_Tag], name: str) -> None:
    if not stack or stack.pop().name != name:
        raise ValueError(f"</{name}> closes nothing")


def _letter(entity: str) -> str:
    """The character that an entity stands for; one that stands for none is text, as Telegram takes it."""
    name = entity.lower()
    if not name.startswith("#"):
        return _ENTITIES[name]
    code = int(f"0{name[1:]}", base=0) if name[1] == "x" else int(name[1:])
    return chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else f"&{entity};"  # noqa: PLR2004 - the bounds of Unicode


def _written(runs: Sequence[_Run], start: int, end: int) -> str:
    """The characters from ``start`` to ``end`` with the markup around them."""
    parts: list[str] = []
    stack: tuple[_Tag, ...] = ()
    place = 0
    for words, tags in runs:
        shown = words[max(0, start - place) : max(0, end - place)]
        place += len(words)
        if shown:
            parts += (_turn(stack, tags), escape(shown, quote=False))
            stack = tags
    return "".join([*parts, _turn(stack, ())])


def _turn(before: tuple[_Tag, ...], after: tuple[_Tag, ...]) -> str:
    """The end and start tags that lead from one set of open tags to another."""
    same = next((place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), min(len(before), len(after)))
    return "".join([*(f"</{tag.name}>" for tag in reversed(before[same:])), *(tag.written for tag in after[same:])])


def _pieces(text: str, limit: int) -> Iterator[tuple[int, int]]:
    """Where each part begins and ends, without the white space at the cuts."""
    start, over = _skip(text, 0), len(text.rstrip())
    while start < over:
        end = _reach(text, start, limit)
        cut = over if end >= over else _cut(text, start, end)
        yield start, start + len(text[start:cut].rstrip())
        start = _skip(text, cut)


def _skip(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start


def _reach(text: str, start: int, limit: int) -> int:
    """The furthest end of a part that begins here."""
    room, end = limit, start
    while end < len(text) and (room := room - 1 - (text[end] > "\uffff")) >= 0:
        end += 1
    return end


def _cut(text: str, start: int, end: int) -> int:
    """The best place to cut at or before ``end``; white space that begins at ``end`` itself does as well."""
    for gap in ("\n\n", "\n", " "):
        place = text.rfind(gap, start + 1, end + len(gap))
        if place > start:
            return place
    place = _apart(text, start, end)
    return place if place > start else end


def _apart(text: str, start: int, end: int) -> int:
    """The last place at or before ``end`` that is inside no character as people see it; ``start`` when there is none."""
    return next((place for place in range(end, start, -1) if not _joined(text, place)), start)


def _joined(text: str, place: int) -> bool:
    """Whether what stands before and after a place inside the text is seen as one character."""
    before, after = text[place - 1], text[place]
    return before == JOINER or _extends(after) or (_flag(after) and _flags_before(text, place) % 2 == 1)


def _extends(letter: str) -> bool:
    """Whether it changes the character before it: a mark, a joiner, a colour of skin, a letter of a region's flag."""
    return letter == JOINER or unicodedata.category(letter) in _MARKS or "\U0001f3fb" <= letter <= "\U0001f3ff" or "\U000e0020" <= letter <= "\U000e007f"


def _flag(letter: str) -> bool:
    """Whether it is one of the letters of which two make a flag."""
    return "\U0001f1e6" <= letter <= "\U0001f1ff"


def _flags_before(text: str, place: int) -> int:
    start = place
    while start and _flag(text[start - 1]):
        start -= 1
    return place - start


def _end(text: str, limit: int) -> int:
    """Where to end so that an ellipsis has room, without a blank before it."""
    end = _apart(text, 0, _reach(text, 0, max(0, limit - 1)))
    return len(text[:end].rstrip())
