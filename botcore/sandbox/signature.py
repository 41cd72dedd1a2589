"""The server's own check of a signed request (api page, sections 2.1 to 2.4). It shares no code with the client."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OLDEST_SECONDS", "SignatureCheck", "make_keys"]

OLDEST_SECONDS = 120
AHEAD_SECONDS = 120  # the real tolerance is unknown; the official sample rounds the time up
_SIGN = re.compile(r"dmar ed25519 ([0-9a-fA-F]{128})")


def make_keys(seed: int) -> tuple[str, str]:
    """A throw-away key pair for a seed: 64 hex digits public, 128 hex digits secret (seed and public key)."""
    key = SigningKey(hashlib.blake2b(f"botcore sandbox {seed}".encode(), digest_size=32).digest())
    public = key.verify_key.encode().hex()
    return public, key.encode().hex() + public


class SignatureCheck:
    """Knows one key. ``problem`` tells what is wrong with a request, or None."""

    def __init__(self, public_key: str) -> None:
        self.public_key = public_key
        self._key = VerifyKey(bytes.fromhex(public_key))

    def problem(self, method: str, target: tuple[bytes, bytes], body: bytes, headers: Mapping[str, str], now: float) -> str | None:
        """Check ``METHOD + decoded path [+ ? + raw query] + body + date``; ``target`` is the raw path and the raw query, ``now`` unix seconds."""
        date = headers.get("x-sign-date", "")
        if headers.get("x-api-key") != self.public_key:
            return "unknown key"
        if not (date.isascii() and date.isdigit()):
            return "no date"
        if not -AHEAD_SECONDS <= now - int(date) <= OLDEST_SECONDS:
            return "date out of range"
        sign = _SIGN.fullmatch(headers.get("x-request-sign", ""))
        if sign is None:
            return "no signature"
        path, query = target
        signed = method.upper().encode() + unquote_to_bytes(path) + (b"?" + query if query else b"") + body + date.encode()
        try:
            self._key.verify(signed, bytes.fromhex(sign[1]))
        except BadSignatureError:
            return "wrong signature"
        return None
