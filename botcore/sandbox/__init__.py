"""A whole DMarket and a whole Telegram of one's own on loopback: as strict as the real ones, and in nobody else's way.

Light to import: the servers and what stands behind them are loaded when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from botcore.sandbox.options import MarketAddress, MarketOptions
from botcore.sandbox.process import run, spawn_market, spawn_telegram
from botcore.sandbox.telegram.options import Group, Person, TelegramAddress, TelegramOptions

if TYPE_CHECKING:
    from botcore.sandbox.growth import grow_world
    from botcore.sandbox.serve import MarketServer, serve_market
    from botcore.sandbox.telegram.serve import TelegramServer, serve_telegram
    from botcore.sandbox.world import World

__all__ = [
    "Group",
    "MarketAddress",
    "MarketOptions",
    "MarketServer",
    "Person",
    "TelegramAddress",
    "TelegramOptions",
    "TelegramServer",
    "World",
    "grow_world",
    "run",
    "serve_market",
    "serve_telegram",
    "spawn_market",
    "spawn_telegram",
]

_HOMES = {
    "MarketServer": "serve",
    "TelegramServer": "telegram.serve",
    "World": "world",
    "grow_world": "growth",
    "serve_market": "serve",
    "serve_telegram": "telegram.serve",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
