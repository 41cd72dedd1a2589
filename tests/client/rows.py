"""Rows of the wire as DMarket spells them, to be changed by a test."""

from __future__ import annotations

from typing import Any

import msgspec


def attributes(**changes: Any) -> dict[str, Any]:
    return {
        "id": "724c65d6-42b5-5fce-be93-08a22aa450a1",
        "gameId": "a8db",
        "title": "AK-47 | Redline (Field-Tested)",
        "tradable": True,
        "tradeLockDays": 0,
        "tradeLockDuration": None,
        "unlockDate": None,
        "settlementTime": None,
        "cs2": cs2(),
    } | changes


def cs2(**changes: Any) -> dict[str, Any]:
    return {
        "float": "0.2356003224849701",
        "phase": "",
        "phaseTitle": "PHASE_TITLE_UNSPECIFIED",
        "paintSeed": 412,
        "floatPart": "FLOAT_PART_FT_2",
        "stickers": [{"id": 4011, "name": "Sandbox Team | Test 2026", "wear": "0.25", "offsetX": 0}],
        "colors": ["COLOR_RED", "COLOR_BLACK"],
    } | changes


def offer_row(**changes: Any) -> dict[str, Any]:
    return {
        "offerId": "1c3989ab-7498-5355-a41a-3bbd48e95dcd",
        "priceCents": "3180",
        "createdAt": "2026-11-23T10:30:00Z",
        "locked": False,
        "discountPercent": 12.5,
        "offerType": "dmarket",
        "attributes": attributes(),
    } | changes


def listing(rows: list[Any], cursor: str = "", total: Any = "3") -> bytes:
    return msgspec.json.encode({"items": rows, "total": total, "cursor": cursor})
