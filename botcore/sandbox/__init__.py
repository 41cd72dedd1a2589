"""A whole DMarket of one's own on loopback: seeded, alive, and as strict as the real one.

Light to import: the server and its world are loaded when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from botcore.sandbox.options import MarketAddress, MarketOptions
from botcore.sandbox.process import run, spawn_market

if TYPE_CHECKING:
    from botcore.sandbox.growth import grow_world
    from botcore.sandbox.serve import MarketServer, serve_market
    from botcore.sandbox.world import World

__all__ = ["MarketAddress", "MarketOptions", "MarketServer", "World", "grow_world", "run", "serve_market", "spawn_market"]

_HOMES = {"MarketServer": "serve", "World": "world", "grow_world": "growth", "serve_market": "serve"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
