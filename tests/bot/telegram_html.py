"""Telegram's rules for HTML, read more strictly than Telegram itself does, and written apart from the code that is tested."""

from __future__ import annotations

import re

__all__ = ["Letter", "read", "size"]

ALIASES = {"strong": "b", "em": "i", "ins": "u", "strike": "s", "del": "s"}
PLAIN = {"b", "i", "u", "s", "code", "pre", "blockquote"}
WITH_ATTRIBUTES = {
    "a": re.compile(r' href="(https?://|tg://)[^"<>\s]+"'),
    "code": re.compile(r' class="language-[a-z]+"'),
    "span": re.compile(r' class="tg-spoiler"'),
    "blockquote": re.compile(r" expandable"),
}
ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"'}
MOST_ENTITIES = 100
MOST_BYTES = 32_768

Letter = tuple[str, tuple[str, ...]]
"""A character and the tags around it, outermost first, as they are written."""


def size(text: str) -> int:
    """UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def read(html: str, *, most_entities: int | None = MOST_ENTITIES) -> list[Letter]:
    """The characters with their formatting; an AssertionError tells the rule that is broken."""
    assert len(html.encode()) < MOST_BYTES, "too long to be read at all"
    letters: list[Letter] = []
    stack: list[tuple[str, str]] = []
    tags = 0
    for token in re.findall(r"<[^<>]*>|&[^&;\s]*;|.", html, re.DOTALL):
        if token.startswith("</"):
            assert stack, f"{token} closes nothing"
            name, _ = stack.pop()
            assert token == f"</{name}>", f"{token} closes <{name}>"
        elif token.startswith("<"):
            tags += 1
            open_tag(token, stack)
        elif token.startswith("&"):
            letters.append((entity(token), tuple(written for _, written in stack)))
        else:
            assert token not in "<>&", f"{token} is not escaped"
            letters.append((token, tuple(written for _, written in stack)))
    assert not stack, f"{stack} is not closed"
    assert most_entities is None or tags <= most_entities, f"{tags} entities: Telegram drops those after the first hundred"
    return letters


def entity(token: str) -> str:
    if number := re.fullmatch(r"&#(?:x([0-9a-fA-F]+)|([0-9]+));", token):
        return chr(int(number[1], 16) if number[1] else int(number[2]))
    assert token in ENTITIES, f"{token} is no entity that Telegram knows"
    return ENTITIES[token]


def open_tag(token: str, stack: list[tuple[str, str]]) -> None:
    found = re.fullmatch(r"<([a-z-]+)( [^>]*)?>", token)
    assert found, f"{token} is no tag"
    name, attributes = found[1], found[2] or ""
    kind = ALIASES.get(name, name)
    known = kind in PLAIN if not attributes else kind in WITH_ATTRIBUTES and WITH_ATTRIBUTES[kind].fullmatch(attributes)
    assert known, f"{token} is unknown"
    around = [outer for outer, _ in stack]
    inside_code = around[-1:] == ["code"] or (around[-1:] == ["pre"] and kind != "code")
    assert not inside_code, f"{token} inside code"
    assert kind not in {ALIASES.get(outer, outer) for outer in around}, f"{token} inside itself"
    stack.append((name, token))
