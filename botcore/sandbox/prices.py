"""Reads a list of real titles and prices, JSON or CSV, for a world built around them."""

from __future__ import annotations

import csv
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec

from botcore.errors import ConfigError, SandboxError
from botcore.model import Game
from botcore.sandbox.catalogue import describe

__all__ = ["ListedPrice", "listed_prices"]


class ListedPrice(msgspec.Struct, frozen=True):
    """One row: cents, hours of trade lock, a negative float when unknown. ``reference`` 0 means the list has none."""

    title: str
    price: int
    reference: int
    lock_hours: float
    wear: float
    traits: dict[str, Any]


def listed_prices(path: str) -> dict[Game, list[ListedPrice]]:
    """Rows by game from a JSON (``prices`` or a plain list) or CSV file; raises SandboxError that names what is wrong.

    Wanted are ``item_name`` or ``title``, ``game`` and ``price_usd`` or ``price`` (dollars);
    ``suggested_price_usd``, ``trade_lock_hours`` and ``float_value`` are used when there.
    """
    found: dict[Game, list[ListedPrice]] = {}
    known: dict[tuple[Game, str], dict[str, Any]] = {}
    for number, row in enumerate(_rows(Path(path)), start=1):
        try:
            game = Game.parse(str(row.get("game") or ""))
            title = str(row.get("item_name") or row.get("title") or "").strip()
            price = _cents(row.get("price_usd", row.get("price")))
        except (ConfigError, InvalidOperation) as error:
            reason = str(error) if isinstance(error, ConfigError) else "the price is no number"
            raise SandboxError(f"row {number} of {path}: {reason}") from error
        if not title or price <= 0:
            raise SandboxError(f"row {number} of {path} needs item_name (or title), game and a price_usd (or price) in dollars")
        if (game, title) not in known:
            known[game, title] = describe(game, title)
        reference = _cents(row.get("suggested_price_usd") or 0)
        lock = max(0.0, float(row.get("trade_lock_hours") or 0))
        wear = float(row["float_value"]) if row.get("float_value") not in (None, "") else -1.0
        found.setdefault(game, []).append(ListedPrice(title, price, reference, lock, wear, known[game, title]))
    if not found:
        raise SandboxError(f"{path} lists no prices")
    return found


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SandboxError(f"cannot read the price list: {error}") from error
    if path.suffix.lower() == ".csv":
        return list(csv.DictReader(text.splitlines()))
    try:
        data = msgspec.json.decode(text)
        return msgspec.convert(data["prices"] if isinstance(data, dict) else data, list[dict[str, Any]])
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError) as error:
        raise SandboxError(f"{path} is no price list: {error}") from error


def _cents(dollars: Any) -> int:
    """Whole cents from dollars as text or number, rounded half up."""
    return int((Decimal(str(dollars)) * 100).to_integral_value(ROUND_HALF_UP))
