"""A result that comes with a sentence about it."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["Told"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a method gives, and the description that goes beside it."""

    result: Any
    description: str
