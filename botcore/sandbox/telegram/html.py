"""HTML as Telegram reads it: markup in, text and entities out, or the reason why not (api page, section 5).

The parser goes through the markup once. Positions in errors count UTF-8 bytes, offsets of entities
UTF-16 code units. An end of the markup reads as an empty string, so that no step looks past it.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from botcore.sandbox.telegram.failures import Failure, bad_request
from botcore.sandbox.telegram.objects import Entity
from botcore.sandbox.telegram.text import Formatted, clean, units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botcore.sandbox.telegram.objects import User

__all__ = ["parse_html"]

_KINDS = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    **dict.fromkeys(("span", "tg-spoiler"), "spoiler"),
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
_SURROGATES = range(0xD800, 0xE000)
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_SPACE = " \t\r\n\v"
_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]{1,7})|#([0-9]{1,7})|([a-zA-Z]+));?", re.ASCII)
_PLAIN = re.compile(r"[^<&]+")
_TAG_NAME = re.compile(r"[^ \t\r\n\v>]*")
_ATTRIBUTE = re.compile(r"[^ \t\r\n\v=>/\"']*")
_BARE_VALUE = re.compile(r"[A-Za-z0-9.-]*")
_BLANKS = re.compile(r"[ \t\r\n\v]*")
_NUMBER = re.compile(r"[0-9]{1,19}")
_USER_LINK = re.compile(r"tg://user\?id=([0-9]{1,18})")
_WEB_LINK = re.compile(r"(?:https?|ftp|tg|ton)://[^\s/?#]+|tg:|mailto:", re.IGNORECASE)
_BARE_LINK = re.compile(r"[^\s/?#:@]+\.[^\W\d_]{2,}(?:[/?#:]|$)")


def parse_html(markup: str, users: Mapping[int, User]) -> Formatted:
    """The text and its entities; ``users`` are those a link may mention. Raises Failure 400 with Telegram's reason."""
    return _Parser(markup, users).run()


class _Tag:
    """A tag that is open: its name, what its attributes say, and where its text began."""

    def __init__(self, name: str, attributes: dict[str, str], place: int, unit: int) -> None:
        self.name = name
        self.attributes = attributes
        self.place = place
        self.unit = unit


class _Parser:
    def __init__(self, markup: str, users: Mapping[int, User]) -> None:
        self._markup = markup
        self._users = users
        self._at = 0
        self._text = ""
        self._units = 0
        self._open: list[_Tag] = []
        self._entities: list[Entity] = []

    def run(self) -> Formatted:
        while self._at < len(self._markup):
            if self._markup.startswith("</", self._at):
                self._end_tag()
            elif self._peek() == "<":
                self._start_tag()
            else:
                self._put(self._literal())
        if self._open:
            raise _broken(f'Can\'t find end tag corresponding to start tag "{self._open[-1].name}"')
        return Formatted(self._text, tuple(self._entities))

    def _literal(self) -> str:
        """Text up to the next sign that may mean something."""
        return self._reference() if self._peek() == "&" else self._read(_PLAIN)

    def _reference(self) -> str:
        """The character an entity stands for; an entity Telegram does not know stays as it is written."""
        found = _REFERENCE.match(self._markup, self._at)
        decoded = _decoded(found) if found else ""
        if not found or not decoded:
            self._at += 1
            return "&"
        self._at = found.end()
        return decoded

    def _put(self, piece: str) -> None:
        piece = clean(piece)
        self._text += piece
        self._units += units(piece)

    def _start_tag(self) -> None:
        begin = self._at
        self._at += 1
        name = self._read(_TAG_NAME).lower()
        if not self._peek():
            raise self._failed("Unclosed start tag", begin)
        if name not in _KINDS:
            raise self._failed(f'Unsupported start tag "{name}"', begin)
        attributes = self._attributes(name, begin)
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise self._failed('Tag "span" must have class "tg-spoiler"', begin)
        self._open.append(_Tag(name, attributes, len(self._text), self._units))

    def _attributes(self, tag: str, begin: int) -> dict[str, str]:
        """Everything up to and with the closing bracket."""
        found: dict[str, str] = {}
        while True:
            self._read(_BLANKS)
            if self._peek() == ">":
                self._at += 1
                return found
            name = self._read(_ATTRIBUTE).lower()
            if not name:
                raise self._failed(f'Empty attribute name in the tag "{tag}"', begin)
            self._read(_BLANKS)
            if self._peek() == "=":
                self._at += 1
                self._read(_BLANKS)
                found[name] = self._value(begin) if self._peek() else ""
            else:
                found[name] = ""
            if not self._peek():
                raise self._failed(f'Unclosed start tag "{tag}"', begin)

    def _value(self, begin: int) -> str:
        quote = self._peek()
        value = self._quoted(quote) if quote in ("'", '"') else self._bare()
        if not self._peek():
            raise self._failed("Unclosed start tag", begin)
        return value

    def _bare(self) -> str:
        """A value without quotes: letters, digits, points and hyphens, in any case."""
        begin = self._at
        value = self._read(_BARE_VALUE).lower()
        if self._peek() and self._peek() not in f"{_SPACE}>":
            raise self._failed("Unexpected end of name token", begin)
        return value

    def _quoted(self, quote: str) -> str:
        self._at += 1
        value = ""
        while self._peek() not in (quote, ""):
            if self._peek() == "&":
                value += self._reference()
            else:
                value += self._peek()
                self._at += 1
        self._at += 1
        return value

    def _end_tag(self) -> None:
        begin = self._at
        if not self._open:
            raise self._failed("Unexpected end tag", begin)
        self._at += 2
        name = self._read(_TAG_NAME).lower()
        self._read(_BLANKS)
        if self._peek() != ">":
            raise self._failed("Unclosed end tag", begin)
        self._at += 1
        tag = self._open.pop()
        if name not in ("", tag.name):
            raise _broken(f'Unmatched end tag at byte offset {self._bytes(begin)}, expected "</{tag.name}>", found "</{name}>"')
        if self._units > tag.unit:
            self._close(tag)

    def _close(self, tag: _Tag) -> None:
        """Turn a closed tag into its entity. Code that fills a pre only names its language."""
        fields: dict[str, Any] = {"type": _KINDS[tag.name]} | self._fields(tag)
        entity = Entity(offset=tag.unit, length=self._units - tag.unit, **fields)
        last = self._entities[-1] if self._entities else None
        if last and {last.type, entity.type} == {"pre", "code"} and (last.offset, last.length) == (entity.offset, entity.length):
            self._entities.pop()
            entity = Entity(type="pre", offset=entity.offset, length=entity.length, language=last.language or entity.language)
        if entity.type != "text_link" or entity.url:
            self._entities.append(entity)

    def _fields(self, tag: _Tag) -> dict[str, Any]:
        attributes = tag.attributes
        if tag.name == "a":
            return self._link(attributes.get("href") or self._text[tag.place :])
        if tag.name == "code" and attributes.get("class", "").startswith("language-"):
            return {"language": attributes["class"].removeprefix("language-")}
        if tag.name == "blockquote" and "expandable" in attributes:
            return {"type": "expandable_blockquote"}
        if tag.name == "tg-emoji":
            return {"custom_emoji_id": _emoji(attributes.get("emoji-id", ""))}
        if tag.name == "tg-time":
            return {"unix_time": _moment(attributes.get("unix", "")), "date_time_format": attributes.get("format", "")}
        return {}

    def _link(self, address: str) -> dict[str, Any]:
        """A link, or the mention of somebody known; what is no address is left as text."""
        user = _USER_LINK.fullmatch(address)
        if user:
            known = self._users.get(int(user[1]))
            return {"type": "text_mention", "user": known} if known else {"url": None}
        if _WEB_LINK.match(address):
            return {"url": address}
        return {"url": f"http://{address}" if _BARE_LINK.match(address) else None}

    def _peek(self) -> str:
        return self._markup[self._at : self._at + 1]

    def _read(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._markup, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def _bytes(self, place: int) -> int:
        return len(self._markup[:place].encode())

    def _failed(self, what: str, place: int) -> Failure:
        return _broken(f"{what} at byte offset {self._bytes(place)}")


def _broken(message: str) -> Failure:
    return bad_request(f"can't parse entities: {message}")


def _decoded(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    if name:
        return _NAMED.get(name, "")
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return chr(code) if 0 < code < sys.maxunicode and code not in _SURROGATES else ""


def _emoji(number: str) -> str:
    if not _NUMBER.fullmatch(number):
        raise _broken("Invalid custom emoji identifier specified")
    return number


def _moment(unix: str) -> int:
    if not _NUMBER.fullmatch(unix):
        raise _broken("Invalid Unix time specified")
    return int(unix)
