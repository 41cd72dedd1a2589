"""Texts and their entities: cleaning, trimming, what may stand in what, and what Telegram finds in a text by itself.

Entities count UTF-16 code units, limits count characters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from botcore.sandbox.telegram.objects import Entity

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Formatted", "clean", "tidy", "units"]

_MOST_ENTITIES = 100
_SOFT = ("bold", "italic", "underline", "strikethrough", "spoiler")
_QUOTES = ("blockquote", "expandable_blockquote")
_CODE = ("code", "pre")
# Line and paragraph separators and the marks that embed or override a direction: Telegram takes them out of every text.
_REMOVED = {ord("\r"): None} | dict.fromkeys(range(0x2028, 0x202F))
_CLEANED = dict.fromkeys((code for code in range(32) if chr(code) not in "\n\r"), " ") | _REMOVED
_SPOTS = (
    ("url", re.compile(r"(?<![\w@])https?://[^\s<>\"]*[^\s<>\".,;:!?'()\[\]{}…]")),
    ("email", re.compile(r"(?<![\w.@/])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(?!\w)")),
    ("bot_command", re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z][A-Za-z0-9_]{2,31})?(?![\w/<>])", re.ASCII)),
    ("mention", re.compile(r"(?<![\w@/.])@[A-Za-z][A-Za-z0-9_]{2,31}(?!\w)")),
    ("hashtag", re.compile(r"(?<![\w#])#(?=\w*[^\W\d_])\w{1,256}(?![\w#])")),
    ("cashtag", re.compile(r"(?<![\w$])\$[A-Z]{1,8}(?![\w$])")),
)


class Formatted(msgspec.Struct, frozen=True):
    """A text and its entities."""

    text: str
    entities: tuple[Entity, ...] = ()


def units(text: str) -> int:
    """How many UTF-16 code units a text takes."""
    return len(text.encode("utf-16-le")) // 2


def clean(text: str) -> str:
    """The text as Telegram keeps it: control characters are blanks, some invisible ones are gone."""
    return text.translate(_CLEANED)


def tidy(formatted: Formatted) -> Formatted:
    """A cleaned text as it is stored: trimmed, entities in order and none where it may not be, what is found by itself added."""
    entities = _resolved(formatted.entities)
    trimmed = _trimmed(formatted.text, entities)
    found = _spots(trimmed.text, trimmed.entities)
    return Formatted(trimmed.text, tuple(sorted((*trimmed.entities, *found), key=_order)[:_MOST_ENTITIES]))


def _order(entity: Entity) -> tuple[int, int]:
    return entity.offset, -entity.length


def _resolved(entities: Iterable[Entity]) -> list[Entity]:
    """Quotes do not nest, code holds and is held by nothing but quotes, links and the like do not nest, styles do."""
    ordered = sorted(entities, key=_order)
    quotes = _disjoint(one for one in ordered if one.type in _QUOTES)
    solid = _disjoint(one for one in ordered if one.type not in _QUOTES + _SOFT)
    codes = [one for one in solid if one.type in _CODE]
    styles = [part for kind in _SOFT for one in _disjoint(one for one in ordered if one.type == kind) for part in _without(one, codes)]
    return sorted((*quotes, *solid, *styles), key=_order)


def _disjoint(entities: Iterable[Entity]) -> list[Entity]:
    """Those that begin after the end of the last one taken."""
    taken: list[Entity] = []
    for entity in entities:
        if not taken or entity.offset >= taken[-1].end:
            taken.append(entity)
    return taken


def _without(entity: Entity, holes: list[Entity]) -> list[Entity]:
    """What is left of an entity outside the holes, which are in order."""
    parts, start = [], entity.offset
    for hole in holes:
        if hole.end <= start or hole.offset >= entity.end:
            continue
        if hole.offset > start:
            parts.append(_span(entity, start, hole.offset))
        start = hole.end
    return [*parts, _span(entity, start, entity.end)] if start < entity.end else parts


def _span(entity: Entity, start: int, end: int) -> Entity:
    return msgspec.structs.replace(entity, offset=start, length=end - start)


def _trimmed(text: str, entities: list[Entity]) -> Formatted:
    """Without blanks and newlines at the end, and at the start up to the first entity."""
    if not text.strip():
        return Formatted("")
    text = text.rstrip(" \n")
    lead = len(text) - len(text.lstrip(" \n"))
    if entities:
        lead = min(lead, entities[0].offset)  # what is cut is blanks, each one code unit
    total = units(text)
    kept = (_span(one, one.offset, min(one.end, total)) for one in entities if one.offset < total)
    return Formatted(text[lead:], tuple(_span(one, one.offset - lead, one.end - lead) for one in kept))


def _spots(text: str, entities: tuple[Entity, ...]) -> list[Entity]:
    """Links, commands, mentions and the like that nobody marked."""
    taken = [one for one in entities if one.type not in _QUOTES + _SOFT]
    found: list[Entity] = []
    for kind, pattern in _SPOTS:
        for match in pattern.finditer(text):
            spot = Entity(type=kind, offset=units(text[: match.start()]), length=units(match[0]))
            if not any(spot.offset < other.end and other.offset < spot.end for other in (*taken, *found)):
                found.append(spot)
    return found
