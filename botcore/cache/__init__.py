"""Remembers for a while: memory and Redis behind one contract.

Names are imported when they are first used, so that a scan without Redis does not pay for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botcore.cache.connection import Connection, open_connection
    from botcore.cache.policy import CacheOptions
    from botcore.cache.redis_level import RedisLevel
    from botcore.cache.two_level import Cache, CacheCounts

__all__ = ["Cache", "CacheCounts", "CacheOptions", "Connection", "RedisLevel", "open_connection"]

_HOMES = {
    "Cache": "two_level",
    "CacheCounts": "levels",
    "CacheOptions": "policy",
    "Connection": "connection",
    "RedisLevel": "redis_level",
    "open_connection": "connection",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
