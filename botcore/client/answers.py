"""What an answer's status means: nothing to say, or one error of our tree. Pure.

Messages carry the path and the market's own words, never a query, a key, a signature or an address of a person.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from botcore.client.wire import decode_error, describe
from botcore.errors import BadAnswer, MarketError, Refused, ServerFault, Throttled, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["judge", "redact"]

_KEY_CODES = frozenset({"InvalidAPIKey", "APIKeyDisabled", "InvalidSignature"})
_HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "check that the key pair is valid and not revoked",
    HTTPStatus.NOT_FOUND: "there is nothing under this path",
    HTTPStatus.GONE: "the route is retired; a newer botcore may know its successor",
}
_SECRET = re.compile(r"[0-9a-fA-F]{32,}|\S+@\S+")
_MOST_WORDS = 200


def judge(status: int, headers: Mapping[str, str], body: bytes, path: str, *, retry_after: float | None) -> MarketError | None:
    """The error that an answer is, or None for a success.

    ``retry_after`` is how many seconds the answer asks to wait, None when it does not say.
    """
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    code, words = decode_error(body)
    where = f"DMarket answered {status} for {path}"
    said = redact(words or describe(body))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(f"{where}: too many requests; asking again after a pause helps", retry_after=retry_after or 0.0, path=path, code=code)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerFault(f"{where}: {said}; the fault is on its side, try again later", retry_after=retry_after, path=path, status=status, code=code)
    if status < HTTPStatus.BAD_REQUEST:
        return BadAnswer(f"{where}: it sends us elsewhere; check the address of the market", path=path, status=status)
    if status == HTTPStatus.UNAUTHORIZED or code in _KEY_CODES:
        hint = _HINTS[HTTPStatus.UNAUTHORIZED]
        return Unauthorized(f"{where}: {said}; {hint}", path=path, status=status, code=code)
    return Refused(f"{where}: {said}{_hint(status, headers, body)}", path=path, status=status, code=code)


def redact(text: str) -> str:
    """Words fit for a log: no key, signature or e-mail address, and not too many of them."""
    return _SECRET.sub("...", text)[:_MOST_WORDS]


def _hint(status: int, headers: Mapping[str, str], body: bytes) -> str:
    if status == HTTPStatus.FORBIDDEN and ("html" in headers.get("content-type", "") or body.lstrip().startswith(b"<")):
        return "; the content delivery network before DMarket turned us away, not DMarket: another address or a pause may help"
    hint = _HINTS.get(status)
    return f"; {hint}" if hint else ""
