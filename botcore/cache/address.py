"""What ``REDIS_URL`` may say, and how much of it may be shown. Apart from the connection, since reading settings needs no Redis."""

from __future__ import annotations

import re

from botcore.errors import ConfigError

__all__ = ["EMBEDDED", "check_url", "hide_password"]

EMBEDDED = "embedded"
_SCHEMES = ("redis://", "rediss://", "unix://")
_PLACE = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^:/?#\[\]]*)(:\d{1,5})?(/[^?#]*)?")
"""Host, port and path. A password with signs of its own leaves something else."""


def check_url(url: str) -> str:
    """The address as it is; raises ConfigError for one that leads nowhere, without its password."""
    if url != EMBEDDED and not url.startswith(_SCHEMES):
        raise ConfigError(f"REDIS_URL={hide_password(url)!r} cannot be used: begin with {', '.join(_SCHEMES)}, or say {EMBEDDED}")
    if "#" in url:
        raise ConfigError(f"REDIS_URL={hide_password(url)!r} cannot be used: in an address # is written %23")
    return url


def hide_password(url: str) -> str:
    """The address as it may be shown: scheme, host, port and path, or the scheme alone where it cannot be told what is secret."""
    scheme, found, rest = url.partition("://")
    if not found:
        return "***" if "@" in url else url
    place, _, options = rest.partition("?")
    secret, _, place = place.rpartition("@")
    if "@" in options or "@" in scheme or not _PLACE.fullmatch(place):
        return "***" if "@" in scheme else f"{scheme}://***"
    return f"{scheme}://{'***@' if secret else ''}{place}"
