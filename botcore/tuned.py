"""Numbers in force that were measured, each with its record: reads and writes ``data/tuned.toml``.

An entry is written by a notebook or by ``botcore sweep``, never by hand: it carries a digest, so that a number without a
measurement behind it is noticed. A file that cannot be trusted is an error that says what to do, never a silent default.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from botcore.errors import ConfigError

__all__ = ["DEFAULT", "LEARNED", "TUNABLE", "Tuned", "Value", "read", "record_of", "told", "variable", "write"]

Value = int | float | str | dict[str, Any]
"""A number, a word such as ``auto``, numbers by the most items they hold for, or a curve for each exit."""
DEFAULT = Path("data/tuned.toml")
TUNABLE = (
    "scan.batch_size",
    "scan.bands",
    "scan.concurrency",
    "pool.max_connections",
    "pool.max_keepalive",
    "pool.keepalive_expiry",
    "cache.fees",
    "cache.quotes",
    "cache.targets",
    "cache.sales",
    "cache.sales_stale",
    "cache.scans",
    "confidence.dmarket",
    "confidence.sandbox",
)
"""The options that may come from measurements, as part and field."""
LEARNED = ("confidence.dmarket", "confidence.sandbox")
"""Those of them that are curves, learned from outcomes of one market: nobody can set them otherwise."""
_HEAD = """\
# Numbers in force that were measured. Written by the notebooks and by `botcore sweep --save`; `botcore config why NAME`
# shows what each rests on. Not to be edited: to choose otherwise, set the variable of the same name, such as
# BOTCORE_SCAN_BATCH_SIZE, which goes first; to go back to the default, remove the whole entry.
"""


class Tuned(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One number and where it comes from.

    ``record`` is a path relative to the file's folder, ``source`` the notebook or command that drew the chart, ``date`` that
    of the measurement. ``by``, ``of``, ``per`` and ``where`` tell which column of the record's samples was varied, which was
    compared, for each value of which, and among which rows. ``items`` is the least and the most of what was measured over.
    """

    value: Value
    record: str
    source: str
    commit: str
    date: date
    by: str
    of: str
    why: str
    per: str = ""
    where: dict[str, Any] = {}
    items: tuple[int, int] | None = None


def variable(name: str) -> str:
    """The environment variable that goes before an entry: ``BOTCORE_SCAN_BATCH_SIZE`` for ``scan.batch_size``."""
    return f"BOTCORE_{name.replace('.', '_').upper()}"


def told(value: Value) -> str:
    """A value in words; of curves, how many outcomes each was drawn through."""
    if isinstance(value, dict) and any(isinstance(one, dict) for one in value.values()):
        return ", ".join(f"{one['outcomes']:,} outcomes of {way}" for way, one in value.items())
    return str(value)


def record_of(path: Path, entry: Tuned) -> Path:
    """Where the record of an entry of the file at ``path`` is."""
    return Path(os.path.normpath(path.parent / entry.record))


def read(path: Path) -> dict[str, Tuned]:
    """The entries of a file by name; none when the file does not exist.

    Raises:
        ConfigError: the file cannot be read, an entry was changed by hand, or its record is gone. The message says which and what to do.
    """
    try:
        parts = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): restore it, or remove it to go back to the defaults") from None
    found = {f"{part}.{field}": raw for part, fields in parts.items() for field, raw in _fields(path, part, fields)}
    return {name: _entry(path, name, raw) for name, raw in found.items()}


def write(path: Path, entries: Mapping[str, Tuned]) -> None:
    """Replace the file by these entries, the whole of it or nothing. Raises ConfigError when it cannot be written."""
    text = _HEAD + "".join(_text(name, entries[name]) for name in sorted(entries))
    partial = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None


# ---- reading ---------------------------------------------------------------------------------------------------------


def _fields(path: Path, part: str, fields: object) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(fields, dict) or not all(isinstance(raw, dict) for raw in fields.values()):
        raise ConfigError(f"{path} has a line outside of any entry, under {part!r}: it was changed by hand; restore it, or remove it")
    return list(fields.items())


def _entry(path: Path, name: str, raw: dict[str, Any]) -> Tuned:
    if name not in TUNABLE:
        raise ConfigError(f"{path} has an entry {name}, which is no number that is tuned: it is from another version or changed by hand; remove the entry")
    digest = raw.pop("digest", "")
    try:
        entry = msgspec.convert(raw, type=Tuned)
    except msgspec.ValidationError as error:
        raise _changed(path, name, str(error)) from None
    if digest != _digest(name, entry):
        raise _changed(path, name, "its digest does not fit")
    if not record_of(path, entry).is_file():
        raise ConfigError(f"{path} is stale: {name} = {told(entry.value)} rests on {record_of(path, entry)}, which is gone; {_anew(name, entry.source)}")
    return entry


def _changed(path: Path, name: str, what: str) -> ConfigError:
    choose = "" if name in LEARNED else f"To choose the value yourself set {variable(name)}; "
    return ConfigError(f"{path}: the entry {name} was changed by hand ({what}). {choose}to have a measured one, remove the entry and run its notebook again")


def _anew(name: str, source: str) -> str:
    return f"measure it anew with {source}, or remove the entry {name} to go back to the default"


def _digest(name: str, entry: Tuned) -> str:
    return blake2b(name.encode() + msgspec.json.encode(entry, order="sorted"), digest_size=8).hexdigest()


# ---- writing ---------------------------------------------------------------------------------------------------------


def _text(name: str, entry: Tuned) -> str:
    fields = {field: value for field, value in msgspec.to_builtins(entry).items() if value not in ("", None, {})}
    lines = [f"{field} = {_toml(entry.date if field == 'date' else value)}" for field, value in fields.items()]
    return "\n".join(["", f"[{name}]", *lines, f'digest = "{_digest(name, entry)}"', ""])


def _toml(value: Any) -> str:
    """A value as TOML. JSON's text and numbers are TOML's as well."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(str(key))} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return msgspec.json.encode(value).decode()
