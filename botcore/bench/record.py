"""What a bench found, with all that is needed to run it again: options, data, commit, versions, machine and every sample."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

import msgspec

__all__ = ["Measure", "Record", "write"]

_TOLD = ("botcore", "httpx", "aiohttp", "msgspec", "pynacl", "hypercorn")
_SIGNS = {"<=": lambda value, bound: value <= bound, ">=": lambda value, bound: value >= bound}


class Measure(msgspec.Struct):
    """One figure of a bench: its samples, their median as the value, and what it must reach, as ``<= 1.03``."""

    name: str
    value: float
    unit: str
    must: str
    holds: bool
    samples: list[float]

    @classmethod
    def of(cls, name: str, samples: list[float], unit: str, must: str) -> Measure:
        """A measure whose value is the median of its samples."""
        sign, bound = must.split()
        value = median(samples)
        return cls(name, round(value, 4), unit, must, _SIGNS[sign](value, float(bound)), samples)


class Record(msgspec.Struct):
    """One run of a bench."""

    bench: str
    started_at: datetime
    options: dict[str, object]
    data: dict[str, object]
    measures: list[Measure]
    runs: list[dict[str, object]]
    commit: str = msgspec.field(default_factory=lambda: _git("rev-parse", "--short=10", "HEAD") or "unknown")
    dirty: bool = msgspec.field(default_factory=lambda: bool(_git("status", "--porcelain", "--untracked-files=no")))
    versions: dict[str, str] = msgspec.field(default_factory=lambda: {name: version(name) for name in _TOLD})
    machine: dict[str, object] = msgspec.field(
        default_factory=lambda: {"python": platform.python_version(), "system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()}
    )


def write(record: Record, folder: Path) -> Path:
    """Write the record as JSON and return its path. Raises OSError when the disk will not have it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.started_at.astimezone(UTC):%Y%m%d-%H%M%S}-bench-{record.bench}-{record.commit}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1))
    return path


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, timeout=10).stdout.strip()  # noqa: S607 - the git on the PATH is the one meant
    except OSError:
        return ""
