"""Believable titles for the four games, with what the market tells about each.

A title's traits are a plain mapping that the renderer turns into the wire's attributes once:
``name`` (without exterior), ``type``, ``path`` (category path), the fields of the game's own
object, ``phases`` (share of the value by phase), ``wear_range`` and ``rank`` (how dear it is
compared with others, no unit).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botcore.model import Game
from botcore.sandbox.names import (
    AGENTS,
    CASES,
    DOTA_HEROES,
    DOTA_ITEMS,
    DOTA_PREFIXES,
    GLOVES,
    KNIVES,
    MUSIC,
    PHASED,
    RUST_ITEMS,
    STICKERS,
    TF2_HATS,
    TF2_TIERS,
    TF2_WEAPONS,
    WEAPONS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WEARS", "describe", "titles_of"]

WEARS = {
    "Factory New": ("FACTORY_NEW", 0.0, 0.07),
    "Minimal Wear": ("MINIMAL_WEAR", 0.07, 0.15),
    "Field-Tested": ("FIELD_TESTED", 0.15, 0.38),
    "Well-Worn": ("WELL_WORN", 0.38, 0.45),
    "Battle-Scarred": ("BATTLE_SCARRED", 0.45, 1.0),
}
_WEAR_RANK = {"Factory New": 2.0, "Minimal Wear": 1.2, "Field-Tested": 0.7, "Well-Worn": 0.3, "Battle-Scarred": 0.0}
_TF2_WEARS = ("Factory New", "Field-Tested", "Battle Scarred")
_PHASES = {
    "phase-1": 0.95,
    "phase-2": 1.08,
    "phase-3": 0.93,
    "phase-4": 1.0,
    "ruby": 2.4,
    "sapphire": 2.9,
    "black-pearl": 2.1,
}
_GAMMA_PHASES = {"phase-1": 0.95, "phase-2": 1.05, "phase-3": 0.92, "phase-4": 1.0, "emerald": 2.6}


def titles_of(game: Game) -> list[tuple[str, dict[str, Any]]]:
    """Every title the sandbox knows of a game, with its traits, in a fixed order."""
    makers = {Game.CSGO: _csgo, Game.DOTA2: _dota, Game.TF2: _tf2, Game.RUST: _rust}
    return list(dict(makers[game]()).items())


def describe(game: Game, title: str) -> dict[str, Any]:
    """Traits for a title that comes from a list of real ones: what its wording tells, and no more."""
    known = dict(titles_of(game)).get(title)
    if known is not None:
        return known
    if game is Game.CSGO:
        return _describe_csgo(title)
    if game is Game.DOTA2:
        return _dota_traits(title, "none", title.split(" ", 1)[0].lower())
    if game is Game.TF2:
        return _tf2_traits(title, "cosmetic")
    return {"name": title, "type": "skin", "path": "skin", "rank": 1.0}


def _csgo() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, finishes in WEAPONS.items():
        weapon, category = path.split("@")
        for number, finish in enumerate(finishes):
            yield from _painted(weapon, finish, category, rank=2.0 + number % 5)
    for number, knife in enumerate(KNIVES):
        for finish in PHASED["knife"]:
            yield from _painted(f"★ {knife}", finish, "knife", rank=9.0 + number % 4)
        yield f"★ {knife}", _csgo_traits(f"★ {knife}", "knife", "★", "NOT_PAINTED", 10.0)
    for glove, finish in GLOVES:
        yield from _painted(f"★ {glove}", finish, "gloves", rank=9.0)
    for names, kind, rank in ((CASES, "case", 0.3), (STICKERS, "sticker", 0.8), (AGENTS, "agent", 3.0), (MUSIC, "music kit", 2.0)):
        for number, name in enumerate(names):
            yield name, _csgo_traits(name, kind, "normal", "UNSPECIFIED", rank + number % 3)


def _painted(weapon: str, finish: str, category: str, rank: float) -> Iterator[tuple[str, dict[str, Any]]]:
    star = weapon.startswith("★ ")
    bare = weapon.removeprefix("★ ")
    marks = ("", "StatTrak™ ") if category != "gloves" else ("",)
    wears = ("Factory New", "Minimal Wear") if finish in PHASED["phases"] else tuple(WEARS)
    for mark in marks:
        name = f"{'★ ' if star else ''}{mark}{bare} | {finish}"
        kind = "stattrak™" if mark else "★" if star else "normal"
        for wear in wears:
            exterior, low, high = WEARS[wear]
            traits = _csgo_traits(name, category, kind, exterior, rank + _WEAR_RANK[wear] + (1.0 if mark else 0.0))
            traits["wear_range"] = (low, high)
            traits["path"] = f"{category}/{bare.lower().replace(' ', '-')}"
            if finish in PHASED["phases"]:
                traits["phases"] = _GAMMA_PHASES if "Gamma" in finish else _PHASES
            yield f"{name} ({wear})", traits


def _csgo_traits(name: str, kind: str, category: str, exterior: str, rank: float) -> dict[str, Any]:
    return {"name": name, "type": kind, "path": kind, "category": category, "exterior": exterior, "rank": rank}


def _describe_csgo(title: str) -> dict[str, Any]:
    category = "stattrak™" if "StatTrak™" in title else "★" if title.startswith("★") else "souvenir" if title.startswith("Souvenir") else "normal"
    for wear, (exterior, low, high) in WEARS.items():
        if title.endswith(f" ({wear})"):
            name = title.removesuffix(f" ({wear})")
            traits = _csgo_traits(name, "knife" if title.startswith("★") else "rifle", category, exterior, 1.0)
            return traits | {"wear_range": (low, high)}
    return _csgo_traits(title, "sticker" if title.startswith("Sticker") else "agent", category, "UNSPECIFIED", 1.0)


def _dota() -> Iterator[tuple[str, dict[str, Any]]]:
    for number, item in enumerate(DOTA_ITEMS):
        for rank, prefix in enumerate(DOTA_PREFIXES):
            name = f"{prefix}{item}"
            yield name, _dota_traits(name, DOTA_HEROES[number % len(DOTA_HEROES)], prefix.strip().lower() or "standard") | {"rank": rank * 0.6 + number % 9}


def _dota_traits(name: str, hero: str, quality: str) -> dict[str, Any]:
    return {"name": name, "type": "wearable", "path": "", "hero": hero, "quality": quality, "rank": 1.0}


def _tf2() -> Iterator[tuple[str, dict[str, Any]]]:
    for number, weapon in enumerate(TF2_WEAPONS):
        for rank, tier in enumerate(TF2_TIERS):
            name = f"{tier}{weapon}"
            yield name, _tf2_traits(name, "primary weapon") | {"rank": rank * 1.5 + number % 4}
    for number, hat in enumerate(TF2_HATS):
        for rank, tier in enumerate(("", "Strange ", "Haunted ", "Collector's ")):
            name = f"{tier}{hat}"
            yield name, _tf2_traits(name, "cosmetic") | {"rank": rank * 2.0 + number % 6}
        for wear in _TF2_WEARS:
            name = f"{hat.removeprefix('The ')} War Paint"
            yield f"{name} ({wear})", _tf2_traits(name, "war paint") | {"exterior": wear.upper().replace(" ", "_").replace("-", "_"), "rank": number % 7}


def _tf2_traits(name: str, kind: str) -> dict[str, Any]:
    streak = next((word for word in ("PROFESSIONAL", "SPECIALIZED", "BASIC") if word.title() in name), "NONE")
    quality = next((word for word in ("STRANGE", "HAUNTED", "COLLECTOR", "GENUINE", "VINTAGE", "UNUSUAL") if word.title() in name), "UNIQUE")
    return {"name": name, "type": kind, "path": "", "quality": quality, "killstreak": streak, "rank": 1.0}


def _rust() -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, finishes in RUST_ITEMS.items():
        item, path = kind.split("@")
        for number, finish in enumerate(finishes):
            name = finish.replace("*", item)
            yield name, {"name": name, "type": path, "path": path, "rank": float(number % 11)}
