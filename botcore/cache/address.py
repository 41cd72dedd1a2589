"""What ``REDIS_URL`` may say, and how much of it may be shown. Apart from the connection, since reading settings needs no Redis."""

from __future__ import annotations

import re

from botcore.errors import ConfigError

__all__ = ["EMBEDDED", "check_url", "hide_password"]

EMBEDDED = "embedded"
_SCHEMES = ("redis://", "rediss://", "unix://")
_PASSWORD = re.compile(r"(?<=//).*(?=@)|(?<=password=)[^&]+")
"""Whatever stands before the last @, as a password may hold any sign."""


def check_url(url: str) -> str:
    """The address as it is; raises ConfigError for one that leads nowhere, without its password."""
    if url != EMBEDDED and not url.startswith(_SCHEMES):
        raise ConfigError(f"REDIS_URL={hide_password(url)!r} cannot be used: begin with {', '.join(_SCHEMES)}, or say {EMBEDDED}")
    return url


def hide_password(url: str) -> str:
    """The address as it may be shown."""
    return _PASSWORD.sub("***", url)
