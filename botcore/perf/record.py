"""What was measured, with all that is needed to run it again and to doubt it: one class for benches, sweeps, profiles and notebooks."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import msgspec

from botcore.errors import MeasureError
from botcore.model import RequestCounts, ScanReport

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "FOLDER",
    "Measure",
    "RunRecord",
    "Work",
    "commit",
    "dotted",
    "latest",
    "measures_frame",
    "read",
    "samples_frame",
    "shelf",
    "spread",
    "stamp",
    "write",
]

FOLDER = Path("profiling_results")
_TOLD = ("botcore", "httpx", "aiohttp", "msgspec", "pynacl", "hypercorn", "polars", "redis")
_SIGNS = {"<=": lambda value, bound: value <= bound, ">=": lambda value, bound: value >= bound}


class Work(msgspec.Struct):
    """What was done while the clock ran: requests sent by class, those refused by quota, bytes of answers, offers read, answers given, rows written."""

    requests: RequestCounts = msgspec.field(default_factory=RequestCounts)
    refused: int = 0
    bytes: int = 0
    offers: int = 0
    answers: int = 0
    rows: int = 0

    @property
    def sent(self) -> int:
        """Requests of all classes."""
        return sum(getattr(self.requests, name) for name in self.requests.__struct_fields__)

    @property
    def any(self) -> bool:
        """Whether anything was done at all; being refused does not count."""
        return bool(self.sent - self.refused > 0 or self.offers or self.answers or self.rows)

    def __add__(self, other: Work) -> Work:
        requests = {name: getattr(self.requests, name) + getattr(other.requests, name) for name in self.requests.__struct_fields__}
        rest = {name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__ if name != "requests"}
        return Work(RequestCounts(**requests), **rest)

    @classmethod
    def of_scans(cls, reports: Iterable[ScanReport]) -> Work:
        """The work of scans, bytes left out, which a report does not tell."""
        return sum((cls(report.requests, report.throttled, offers=report.listed, answers=len(report.opportunities)) for report in reports), cls())

    def flat(self) -> dict[str, int]:
        """The columns of a frame; requests of all classes together."""
        return {"requests": self.sent, **{name: getattr(self, name) for name in self.__struct_fields__ if name != "requests"}}


class Measure(msgspec.Struct):
    """One figure: its samples, their median as the value, the quartiles around it, and what it must reach, as ``<= 1.03``, or nothing."""

    name: str
    value: float
    unit: str
    must: str
    holds: bool
    samples: list[float]
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        """Work out the spread where an old record does not tell it."""
        if self.low is None and self.samples:
            self.low, self.high = spread(self.samples)

    @classmethod
    def of(cls, name: str, samples: list[float], unit: str, must: str = "") -> Measure:
        """A measure whose value is the median of its samples."""
        value = median(samples)
        sign, _, bound = must.partition(" ")
        return cls(name, round(value, 4), unit, must, not must or _SIGNS[sign](value, float(bound)), samples)


class RunRecord(msgspec.Struct, kw_only=True):
    """One run.

    ``run`` is the dotted name of what was run, ``options`` how, ``data`` on what: the sandbox's settings, or a recording and its
    hash. ``order`` tells how repetitions were mixed, ``warmups`` how many runs before the first sample. ``samples`` holds every
    one, in the order of measuring; ``measures`` their medians and spread.

    Raises:
        MeasureError: nothing was done, or nothing measured: such a run tells nothing.
    """

    question: str
    run: str
    started_at: datetime
    work: Work
    options: dict[str, Any] = {}
    data: dict[str, Any] = {}
    order: str = "as listed"
    warmups: int = 0
    samples: list[dict[str, Any]] = []
    measures: list[Measure] = []
    commit: str = msgspec.field(default_factory=lambda: commit()[0])
    dirty: bool = msgspec.field(default_factory=lambda: commit()[1])
    versions: dict[str, str] = msgspec.field(default_factory=lambda: _versions(_TOLD))
    machine: dict[str, Any] = msgspec.field(default_factory=lambda: _machine())  # noqa: PLW0108 - it stands below

    def __post_init__(self) -> None:
        """Refuse what did no work."""
        if not self.work.any:
            raise MeasureError(f"no record of {self.question}: not one request was answered, no offer read, no row written; see why before measuring again")
        if not self.samples and not self.measures:
            raise MeasureError(f"no record of {self.question}: it has no sample")

    @property
    def name(self) -> str:
        """Its file's name: date, question, commit."""
        return f"{stamp(self.question, self.started_at, self.commit)}.json"

    def also(self, packages: Sequence[str]) -> RunRecord:
        """The same with the versions of more packages."""
        self.versions |= _versions(packages)
        return self


def stamp(question: str, at: datetime | None = None, revision: str = "") -> str:
    """The name of what answers a question, without a suffix: date and time (now by default), question, commit."""
    return f"{(at or datetime.now(UTC)).astimezone(UTC):%Y%m%d-%H%M%S}-{question}-{revision or commit()[0]}"


def spread(samples: Sequence[float]) -> tuple[float, float]:
    """The lower and the upper quartile; the sample itself when there is but one."""
    if len(samples) == 1:
        return samples[0], samples[0]
    low, _, high = quantiles(samples, n=4, method="inclusive")
    return low, high


def dotted(function: Callable[..., Any]) -> str:
    """The dotted name by which a function is recorded."""
    return f"{function.__module__}.{function.__qualname__}"


# ---- files -----------------------------------------------------------------------------------------------------------


def write(record: RunRecord, folder: Path = FOLDER) -> Path:
    """Write the record as JSON and return its path. Raises OSError when the disk will not have it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / record.name
    path.write_bytes(msgspec.json.format(msgspec.json.encode(record, enc_hook=str), indent=1))
    return path


def read(path: Path) -> RunRecord:
    """A record from its file, one that an older bench wrote as well. Raises MeasureError when it is none."""
    try:
        raw = msgspec.json.decode(path.read_bytes())
        return msgspec.convert(_converted(raw) if "bench" in raw else raw, type=RunRecord)
    except (OSError, TypeError, KeyError, msgspec.MsgspecError) as error:
        raise MeasureError(f"{path} is no record of a measurement: {error}") from None


def samples_frame(record: RunRecord) -> pl.DataFrame:
    """Every sample, a row each, in the order of measuring; what is no plain value is left out."""
    polars = _polars()
    rows = [{name: value for name, value in row.items() if not isinstance(value, dict | list)} for row in record.samples]
    frame: pl.DataFrame = polars.DataFrame(rows, infer_schema_length=None, strict=False)
    return frame


def measures_frame(record: RunRecord) -> pl.DataFrame:
    """Medians and spread: name, value, low, high, unit, samples, must, holds."""
    fields = ("name", "value", "low", "high", "unit")
    rows = [{name: getattr(one, name) for name in fields} | {"samples": len(one.samples), "must": one.must, "holds": one.holds} for one in record.measures]
    frame: pl.DataFrame = _polars().DataFrame(rows)
    return frame


def shelf(folder: Path = FOLDER) -> pl.DataFrame:
    """The records of a folder, the newest first: question, started_at, run, commit, dirty, samples, requests, file."""
    rows = [_line(path, read(path)) for path in sorted(folder.glob("*.json"), reverse=True) if not path.name.endswith(".speedscope.json")]
    frame: pl.DataFrame = _polars().DataFrame(rows)
    return frame


def latest(question: str, folder: Path = FOLDER) -> RunRecord:
    """The newest record that answers a question. Raises MeasureError when there is none."""
    found = sorted(folder.glob(f"*-{question}-*.json"), reverse=True)
    if not found:
        raise MeasureError(f"{folder} has no record of {question}: measure it first")
    return read(found[0])


def _line(path: Path, record: RunRecord) -> dict[str, Any]:
    told = {name: getattr(record, name) for name in ("question", "started_at", "run", "commit", "dirty")}
    return told | {"samples": len(record.samples), "requests": record.work.sent, "file": path.name}


def _polars() -> Any:
    try:
        import polars  # noqa: ICN001, PLC0415 - benches write records without the extra
    except ModuleNotFoundError:
        raise MeasureError("frames need the extra `lab`: pip install 'botcore[lab]'") from None
    return polars


# ---- records of older benches ------------------------------------------------------------------------------------------


def _converted(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What a bench wrote before there was one class for all: its runs are the samples, and its work is counted from them."""
    kept = {name: raw[name] for name in ("started_at", "options", "data", "measures", "commit", "dirty", "versions", "machine")}
    requests, offers = RequestCounts(), 0
    for report in _reports(raw["runs"]):
        offers += report["listed"]
        for name, count in report["requests"].items():
            setattr(requests, name, getattr(requests, name) + count)
    points = raw["options"].get("points", 0) * len(raw["runs"])
    return kept | {
        "question": f"bench-{raw['bench']}",
        "run": f"botcore.bench.{raw['bench']}.run",
        "samples": raw["runs"],
        "order": "interleaved",
        "work": msgspec.to_builtins(Work(requests, offers=offers, rows=points)),
    }


def _reports(value: Any) -> Iterable[dict[str, Any]]:
    """Whatever in it is the report of a scan."""
    if isinstance(value, dict) and {"requests", "listed"} <= value.keys():
        yield value
        return
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _reports(one)


# ---- where it ran ------------------------------------------------------------------------------------------------------


def commit() -> tuple[str, bool]:
    """The commit that is checked out, ``unknown`` outside of git, and whether a tracked file differs from it."""
    return _git("rev-parse", "--short=10", "HEAD") or "unknown", bool(_git("status", "--porcelain", "--untracked-files=no"))


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, timeout=10).stdout.strip()  # noqa: S603, S607 - the git on the PATH is the one meant
    except OSError:
        return ""


def _versions(packages: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # an extra that is not installed had no part in it
    return found


def _machine() -> dict[str, Any]:
    return {"python": platform.python_version(), "system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()}
