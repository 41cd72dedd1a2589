"""treeFilters: the comma-separated ``key=value`` list of the v2 API (api page, section 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botcore.model import Game
from botcore.sandbox.goods import float_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from botcore.sandbox.goods import Item

__all__ = ["parse_filters"]


_DAY = 86_400


def parse_filters(value: str, now: float) -> Callable[[Item], bool] | None:
    """A test for items; None when nothing is filtered. Values of one key are alternatives, keys must all hold, unknown keys are ignored."""
    wanted: dict[str, set[str]] = {}
    for part in filter(None, value.split(",")):
        key, _, given = part.partition("=")
        wanted.setdefault(key.strip().removesuffix("[]"), set()).add(given.strip().lower())
    tests = [test for key, values in wanted.items() if (test := _test(key, values, now)) is not None]
    if not tests:
        return None
    return lambda item: all(test(item) for test in tests)


def _test(key: str, values: set[str], now: float) -> Callable[[Item], bool] | None:
    if key in ("tradeLockFrom", "tradeLockTo"):
        return _lock_test(key, values, now)
    if key.startswith("not_") and key[4:] in _READERS:
        read = _READERS[key[4:]]
        return lambda item: read(item).lower() not in values
    if key in _READERS:
        read = _READERS[key]
        return lambda item: read(item).lower() in values
    return None


def _lock_test(key: str, values: set[str], now: float) -> Callable[[Item], bool] | None:
    """Days of Steam lock: from is inclusive, to exclusive."""
    days = [float(value) for value in values if value.replace(".", "", 1).isdigit()]
    if not days:
        return None
    if key == "tradeLockFrom":
        return lambda item: max(0.0, item.unlock - now) / _DAY >= min(days)
    return lambda item: max(0.0, item.unlock - now) / _DAY < max(days)


def _exterior(item: Item) -> str:
    exterior: str = item.title.traits.get("exterior", "")
    words = exterior.lower().replace("_", " ")
    dashed = item.title.game is Game.CSGO and words in ("field tested", "well worn", "battle scarred")
    return words.replace(" ", "-") if dashed or words == "field tested" else words


def _category(item: Item) -> str:
    category: str = item.title.traits.get("category", "")
    return "stattrak_tm" if category == "stattrak™" else category


_READERS: dict[str, Callable[[Item], str]] = {
    "exterior": _exterior,
    "phase": lambda item: item.phase,
    "category": _category,
    "categoryPath": lambda item: item.title.traits["path"],
    "type": lambda item: item.title.traits["type"],
    "paintSeed": lambda item: str(item.seed),
    "floatPart": lambda item: float_part(item.wear) if item.wear >= 0 else "",
    "hero": lambda item: item.title.traits.get("hero", ""),
    "isCraftable": lambda item: "true" if item.title.game is Game.TF2 else "",
    "collection": lambda item: f"the {item.title.traits['name'].split(' | ')[-1].lower()} collection",
}
