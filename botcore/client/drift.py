"""Notices when DMarket's answers change: fields that nobody here knows, and fields that went missing.

The decoders of ``wire`` read what they need and skip the rest, so they would never tell. Here a few rows of one answer in
``EVERY`` of its kind are taken apart by name, and the first one always is.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import msgspec
from msgspec import Raw

from botcore.client.known import Fields, answer_of, known_fields
from botcore.client.stats import ClientStats
from botcore.model import Drift

__all__ = ["EVERY", "DriftGuard", "differences"]

EVERY = 50
ROWS = 6
"""Rows of an answer that are looked at, spread evenly."""
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_PARTS = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_known = cache(known_fields)
_log = logging.getLogger(__name__)
_SAID = {"unknown": "has a field that this botcore does not know", "missing": "lacks a field that it always had"}


class DriftGuard:
    """Looks at the answers of one client; every change is logged once."""

    def __init__(self) -> None:
        self._named: set[Drift] = set()

    def look(self, path: str, body: bytes, books: Iterable[ClientStats]) -> None:
        """Look at a good answer when its turn has come for any of the ``books``, and count there what has changed."""
        kind = answer_of(path)
        if kind is None:
            return
        due = [stats for stats in books if _due(stats, kind)]
        if not due:
            return
        for (field, how), times in Counter(differences(kind, body)).items():
            for stats in due:
                stats.drift[kind, field, how] = stats.drift.get((kind, field, how), 0) + times
            self._name(Drift(kind, field, how))

    def _name(self, drift: Drift) -> None:
        if drift not in self._named:
            self._named.add(drift)
            _log.warning("DMarket's answer for %s %s: %s", drift.answer, _SAID[drift.how], drift.field)


def _due(stats: ClientStats, kind: str) -> bool:
    seen = stats.looked.get(kind, 0)
    stats.looked[kind] = seen + 1
    return seen % EVERY == 0


def differences(kind: str, body: bytes) -> Iterator[tuple[str, str]]:
    """Each field that is unknown or missing in an answer of a kind, as ``("items.offerId", "missing")``, once for each row looked at.

    Nothing for an answer that is no JSON object: that is for others to say.
    """
    fields = _known()[kind]
    try:
        parts = _PARTS.decode(body)
        yield from _names(parts, fields, "")
        for name, inner in fields.inside.items():
            if inner is not None and name in parts:
                for value in _sample(parts[name]):
                    yield from _compare(value, inner, f"{name}.")
    except _UNREADABLE:
        return


def _sample(raw: Raw) -> Iterator[Any]:
    """The object, or some of a list of them, the first and the last included."""
    if bytes(memoryview(raw)[:1]) != b"[":
        yield msgspec.json.decode(raw)
        return
    rows = _LIST.decode(raw)
    step = max(1, (len(rows) - 1) // (ROWS - 1))
    for row in rows[::step][:ROWS]:
        yield msgspec.json.decode(row)


def _compare(value: Any, fields: Fields, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for one in value:
            yield from _compare(one, fields, path)
    elif isinstance(value, dict):
        yield from _names(value, fields, path)
        for name, inner in fields.inside.items():
            if inner is not None and name in value:
                yield from _compare(value[name], inner, f"{path}{name}.")


def _names(value: dict[str, Any], fields: Fields, path: str) -> Iterator[tuple[str, str]]:
    for name in value.keys() - fields.inside.keys():
        yield path + name, "unknown"
    for name in fields.needed - value.keys():
        yield path + name, "missing"
