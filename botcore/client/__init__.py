"""Talks to DMarket: signs, paces, repeats what may be repeated, and turns bytes into objects.

Names are imported when they are first used, so that ``botcore.client.wire`` and ``.quota`` stay free of httpx.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botcore.client.api import DMarketClient, RetryOptions
    from botcore.client.auth import KeyPair
    from botcore.client.course import Clock, RealClock
    from botcore.client.part import PartQuota
    from botcore.client.quota import Priority, Quota, QuotaOptions
    from botcore.client.recording import Recording
    from botcore.client.replay import Replay
    from botcore.client.shared import SharedQuota
    from botcore.client.stats import ClientStats, counting
    from botcore.client.transport import PoolOptions
    from botcore.client.wire import Balance, InventoryItem, OffersPage, Profile, QuotesPage, SalesPage

__all__ = [
    "Balance",
    "ClientStats",
    "Clock",
    "DMarketClient",
    "InventoryItem",
    "KeyPair",
    "OffersPage",
    "PartQuota",
    "PoolOptions",
    "Priority",
    "Profile",
    "Quota",
    "QuotaOptions",
    "QuotesPage",
    "RealClock",
    "Recording",
    "Replay",
    "RetryOptions",
    "SalesPage",
    "SharedQuota",
    "counting",
]

_HOMES = {
    "api": ("DMarketClient", "RetryOptions"),
    "auth": ("KeyPair",),
    "course": ("Clock", "RealClock"),
    "part": ("PartQuota",),
    "quota": ("Priority", "Quota", "QuotaOptions"),
    "recording": ("Recording",),
    "replay": ("Replay",),
    "shared": ("SharedQuota",),
    "stats": ("ClientStats", "counting"),
    "transport": ("PoolOptions",),
    "wire": ("Balance", "InventoryItem", "OffersPage", "Profile", "QuotesPage", "SalesPage"),
}


def __getattr__(name: str) -> object:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
