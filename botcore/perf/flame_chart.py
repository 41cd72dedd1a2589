"""Stacks that were recorded → a flame graph as SVG: wide is often, below is called by above. Pure: no file, no clock.

Drawn by us and not by py-spy, so that starting, importing and waiting can be left out, and each colour says whose code it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

__all__ = ["LOOP", "Node", "called", "draw", "tree"]

LOOP = "run_forever"
"""Below this function of asyncio's is what a running program does."""
WIDTH, ROW, TOP, MARGIN = 1200, 18, 64, 8
LETTER = 6.7
"""Pixels of a letter, about."""
NARROWEST = 0.6
"""Pixels below which a frame is left out."""
COLOURS = {"botcore": "#7FC4EE", "other packages": "#F2C14E", "Python itself": "#D9D9D9"}
_PATIENCE = 60
"""Rows that are drawn at most."""


class Node:
    """A function within its callers: its name, how many looks found it on the stack, and what it called."""

    __slots__ = ("called", "looks", "name", "owner")

    def __init__(self, name: str, owner: str) -> None:
        self.name = name
        self.owner = owner
        self.looks = 0
        self.called: dict[str, Node] = {}

    def __repr__(self) -> str:
        return f"<Node {self.name}, {self.looks} looks>"

    @property
    def depth(self) -> int:
        """Rows that it and what it called need."""
        return 1 + max((one.depth for one in self.called.values()), default=0)


def tree(frames: Sequence[dict[str, Any]], stacks: Iterable[Sequence[int]], *, under: str = LOOP) -> Node:
    """Stacks (places in ``frames``, the outermost first) as one tree of what happened below the function ``under``; of all of it with ``""``."""
    root = Node("all", "Python itself")
    for stack in stacks:
        start = 0 if not under else next((place + 1 for place, frame in enumerate(stack) if called(frames[frame], under)), len(stack))
        node = root
        for frame in stack[start:]:
            name = _named(frames[frame])
            if name not in node.called:
                node.called[name] = Node(name, _owner(str(frames[frame].get("file") or "")))
            node.looks += node is root
            node = node.called[name]
            node.looks += 1
    root.looks = sum(one.looks for one in root.called.values())
    return root


def called(frame: dict[str, Any], function: str) -> bool:
    """Whether a frame is of that function, of whatever class."""
    return str(frame["name"]).rsplit(".", 1)[-1] == function


def draw(root: Node, title: str) -> str:
    """The SVG document. Each frame tells its name and its part of all looks when it is pointed at."""
    rows = min(root.depth, _PATIENCE)
    height = TOP + rows * ROW + MARGIN
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" font-family="monospace" font-size="11">'
    inside = (WIDTH - 2 * MARGIN) / max(root.looks, 1)
    parts = [
        head,
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        *_heading(title, root.looks),
        *_frames(root, MARGIN, 0, inside, root.looks),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _frames(node: Node, left: float, row: int, inside: float, total: int) -> Iterable[str]:
    width = node.looks * inside
    if width < NARROWEST or row >= _PATIENCE:
        return
    y = TOP + row * ROW
    told = f"{node.name}: {100 * node.looks / max(total, 1):.1f} %"
    yield f'<g><title>{escape(told)}</title><rect x="{left:.1f}" y="{y}" width="{max(width - 0.4, 0.3):.1f}" height="{ROW - 1}" fill="{COLOURS[node.owner]}"/>'
    text = _fitting(node.name, width)
    yield f'<text x="{left + 3:.1f}" y="{y + 12}">{escape(text)}</text></g>' if text else "</g>"
    for one in sorted(node.called.values(), key=lambda called: -called.looks):
        yield from _frames(one, left, row + 1, inside, total)
        left += one.looks * inside


def _heading(title: str, looks: int) -> Iterable[str]:
    yield f'<text x="{MARGIN}" y="22" font-size="16" font-weight="bold" font-family="sans-serif">{escape(title)}</text>'
    left = float(MARGIN)
    for owner, colour in COLOURS.items():
        yield f'<rect x="{left}" y="36" width="14" height="14" fill="{colour}"/>'
        yield f'<text x="{left + 20}" y="48" font-size="13" font-family="sans-serif">{owner}</text>'
        left += 36 + 8.2 * len(owner)
    yield f'<text x="{left + 10}" y="48" font-size="13" font-family="sans-serif" fill="#555555">{looks:,} looks at work; wide is often</text>'


def _fitting(name: str, width: float) -> str:
    room = int((width - 6) / LETTER)
    return name if len(name) <= room else f"{name[: room - 1]}…" if room > len("abc") else ""


def _named(frame: dict[str, Any]) -> str:
    file = str(frame.get("file") or "")
    return f"{frame['name']} ({'/'.join(file.split('/')[-2:])})" if file else str(frame["name"])


def _owner(file: str) -> str:
    if file.startswith("botcore/"):
        return "botcore"
    library = file.startswith("<") or "/" not in file or file.split("/", 1)[0] in _STANDARD
    return "Python itself" if library else "other packages"


_STANDARD = frozenset(("asyncio", "collections", "concurrent", "email", "encodings", "http", "importlib", "json", "logging", "re", "sqlite3", "urllib"))
