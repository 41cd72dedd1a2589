"""What of an answer may be kept in a recording. Pure.

Of the account's own answers (profile, balance, inventory, own offers and targets) everything is left out that says who
somebody is, and how much money there is. Keys are left out wherever they stand.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import msgspec

from botcore.client.answers import redact

__all__ = ["KEPT_HEADERS", "blanked", "may_be_kept"]

KEPT_HEADERS = frozenset(
    {
        "content-type",
        "date",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "retry-after",
        "x-ratelimit-limit-second",
        "x-ratelimit-remaining-second",
    }
)
"""The headers that the client reads; of all others nothing is kept."""
_OWN = re.compile(r"/account/|/marketplace-api/v\d+/user[-/]")
_PROFILE = re.compile(r"/account/v\d+/user\b")
_KEPT_OF_A_PROFILE = {"id": "recorded", "username": ""}
_PERSONAL = frozenset(
    {
        "owner",
        "depositor",
        "botId",
        "steamAssetId",
        "inGameAssetId",
        "viewAtSteamUri",
        "inspectInGameUri",
        "email",
        "username",
        "steamId",
        "tradeUrl",
        "apiKey",
        "tradingApiToken",
        "publicKey",
    }
)
_MONEY = re.compile(r"usd|dmc", re.IGNORECASE)
_TORN = b"{"
"""What stands for an answer of the account that is no JSON: as unreadable as that was."""
_GOOD = range(200, 300)


def may_be_kept(headers: Any) -> list[tuple[str, str]]:
    """The pairs of name and text of an answer's headers that are kept."""
    return [(name, text) for name, text in headers.items() if name in KEPT_HEADERS]


def blanked(target: str, status: int, body: bytes, hidden: tuple[str, ...] = ()) -> bytes:
    """The body of an answer to ``target`` without anything private, and without the ``hidden`` words, in small letters or capitals."""
    path = unquote(target.partition("?")[0])
    kept = _of_the_account(path, status, body) if _OWN.match(path) else body
    for word in filter(None, hidden):
        for spelling in (word.lower(), word.upper()):
            kept = kept.replace(spelling.encode(), b"0" * len(word))
    return kept


def _of_the_account(path: str, status: int, body: bytes) -> bytes:
    if status not in _GOOD:
        return redact(body.decode("utf-8", "replace")).encode()
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _TORN
    if _PROFILE.match(path) and isinstance(answer, dict):
        settings = answer.get("settings")
        limit = settings.get("targetsLimit", 0) if isinstance(settings, dict) else 0
        return msgspec.json.encode({**_KEPT_OF_A_PROFILE, "settings": {"targetsLimit": limit}})
    if path.startswith("/account/") and isinstance(answer, dict):
        return msgspec.json.encode({name: "0" for name in answer if _MONEY.match(name)})
    return msgspec.json.encode(_without_persons(answer))


def _without_persons(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "" if name in _PERSONAL and isinstance(inner, str) else _without_persons(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_persons(inner) for inner in value]
    return value
