"""Another process watched from outside by py-spy, as a flame graph and for speedscope; and a profile as a page that needs no server."""

from __future__ import annotations

import json
import os
import pstats
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from botcore.errors import ConfigError, MeasureError
from botcore.perf import flame_chart

__all__ = ["hot_spots", "page", "picture", "record", "scan_command"]

RATE = 400
"""Looks a second."""
_FORMATS = {".svg": "flamegraph", ".json": "speedscope"}
_WAITS = frozenset(("EpollSelector.select", "KqueueSelector.select", "ThreadedChildWatcher._do_waitpid", "_connection_worker_thread", "_worker"))
"""Where threads wait; py-spy cannot always tell that they do."""
_STATIC = ("vendor/jquery-3.2.1.min.js", "vendor/d3.v3.min.js", "vendor/jquery.dataTables.min.js", "vendor/lodash.min.js", "vendor/immutable.min.js")


def scan_command(game: str = "csgo", level: str = "standard", *more: str) -> list[str]:
    """The command that scans, by this very interpreter, with its result left aside as JSON."""
    return [sys.executable, "-m", "botcore", "scan", game, level, "--json", *more]


def record(path: Path, command: Sequence[str] | None = None, *, rate: int = RATE, idle: bool = False, environment: Mapping[str, str] | None = None) -> Path:
    """Run a command, by default a scan, and record its stacks: a flame graph to ``.svg``, for speedscope to ``.json``.

    Only moments in which it works are recorded, unless ``idle``. Processes that it starts, such as its sandbox market, are not.

    Raises:
        ConfigError: py-spy is not installed, or the file is of another kind.
        MeasureError: the command failed, or py-spy may not watch it.
    """
    spy = shutil.which("py-spy", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if spy is None:
        raise ConfigError("a flame graph needs the extra `lab`: pip install 'botcore[lab]'")
    if path.suffix not in _FORMATS:
        raise ConfigError(f"{path.name} is neither a flame graph nor for speedscope: end it in .svg or .json")
    path.parent.mkdir(parents=True, exist_ok=True)
    watched = [
        spy,
        "record",
        "--format",
        _FORMATS[path.suffix],
        "--rate",
        str(rate),
        "--output",
        str(path),
        *["--idle"] * idle,
        "--",
        *(command or scan_command()),
    ]
    done = subprocess.run(watched, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, env={**os.environ, **(environment or {})})  # noqa: S603 - py-spy and our own interpreter
    if done.returncode or not path.exists():
        said = " ".join(done.stderr.split())[-300:]
        raise MeasureError(f"no flame graph was made: {said or 'py-spy said nothing'}")
    path.write_text(_without_folders(path.read_text(encoding="utf-8")), encoding="utf-8")
    return path


def hot_spots(path: Path, top: int = 10, *, under: str = flame_chart.LOOP) -> pl.DataFrame:
    """The functions of a speedscope file that were on top most often: function, where, own and with_callees as parts of the looks at work.

    Only what ran below the function ``under`` counts, by default the loop of asyncio; all of it with ``""``.
    """
    frames, stacks = _stacks(path)
    stacks = [stack for stack in stacks if not under or any(flame_chart.called(frames[frame], under) for frame in stack)]
    own = Counter(stack[-1] for stack in stacks)
    whole = Counter(frame for stack in stacks for frame in set(stack))
    return pl.DataFrame([_spot(frames[frame], own[frame], whole[frame], len(stacks)) for frame, _ in own.most_common(top)])


def picture(path: Path, target: Path, title: str, *, under: str = flame_chart.LOOP) -> Path:
    """Draw a speedscope file as a flame graph, an SVG of what worked below the function ``under``: by default the loop of asyncio.

    Starting and importing are left out by that; ``under=""`` draws everything. Raises MeasureError when nothing is left.
    """
    frames, stacks = _stacks(path)
    root = flame_chart.tree(frames, stacks, under=under)
    if not root.looks:
        raise MeasureError(f"{path} has nothing below {under}: choose another function, or none")
    target.write_text(flame_chart.draw(root, title), encoding="utf-8")
    return target


def _stacks(path: Path) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """Frames and stacks of a speedscope file, those left out whose top only waits."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        frames, profiles = told["shared"]["frames"], told["profiles"]
        stacks = [stack for profile in profiles for stack in profile["samples"] if stack]
    except (OSError, ValueError, KeyError, TypeError):
        raise MeasureError(f"{path} is no speedscope file: record one with the suffix .json") from None
    waiting = {place for place, frame in enumerate(frames) if frame["name"] in _WAITS}
    stacks = [stack for stack in stacks if stack[-1] not in waiting]
    if not stacks:
        raise MeasureError(f"{path} has no moment in which anything worked: look longer, or more often")
    return frames, stacks


def page(stats: pstats.Stats, path: Path, title: str = "profile") -> Path:
    """Snakeviz's page of a profile as one file that needs no server and nothing from elsewhere. Raises ConfigError without snakeviz."""
    try:
        import snakeviz  # type: ignore[import-untyped] # noqa: PLC0415 - only where it is asked for
        from snakeviz.stats import json_stats, table_rows  # type: ignore[import-untyped] # noqa: PLC0415 - same
        from tornado.template import Loader  # noqa: PLC0415 - same
    except ModuleNotFoundError:
        raise ConfigError("the page needs the extra `lab`: pip install 'botcore[lab]'") from None
    root = Path(snakeviz.__file__).parent
    made = Loader(str(root / "templates")).load("viz.html")
    rows, callees = (_without_folders(json.dumps(part)) for part in (table_rows(stats), json_stats(stats)))
    text = made.generate(profile_name=title, table_rows=_harmless(rows), callees=_harmless(callees)).decode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_whole(text, root / "static"), encoding="utf-8")
    return path


def _spot(frame: Mapping[str, Any], own: int, whole: int, total: int) -> dict[str, Any]:
    return {"function": frame["name"], "where": f"{frame.get('file') or ''}:{frame.get('line') or 0}", "own": own / total, "with_callees": whole / total}


def _without_folders(text: str) -> str:
    """Places without the folders of this machine."""
    places = [*sys.path, sys.prefix, sys.base_prefix, str(Path.cwd()), str(Path.home())]
    for folder in sorted({str(Path(place).resolve()) for place in places if place} - {os.sep}, key=len, reverse=True):
        text = text.replace(f"{folder}{os.sep}", "")
    return text


def _harmless(text: str) -> str:
    """What stands within a script's tags: nothing in it may end them. No more is changed, since ``</`` may begin a pattern."""
    return re.sub(r"</(?=script)", r"<\\/", text, flags=re.IGNORECASE)


def _whole(text: str, static: Path) -> str:
    """The page with its styles and scripts in it, and its worker as well, which would else ask a server."""
    for name in ("snakeviz.css", "vendor/jquery.dataTables.min.css"):
        text = text.replace(f'<link href="/static/{name}" rel="stylesheet">', f"<style>{_read(static / name)}</style>")
    for quote, names in (('"', _STATIC), ("'", ("snakeviz.js", "drawsvg.js"))):
        for name in names:
            text = text.replace(f"<script src={quote}/static/{name}{quote}></script>", f"<script>{_harmless(_read(static / name))}</script>")
    return _with_worker(text, static)


def _with_worker(text: str, static: Path) -> str:
    """The worker gets its libraries with it: what follows is all it would have loaded."""
    libraries = "\n".join(_harmless(_read(static / f"vendor/{name}.min.js")) for name in ("immutable", "lodash"))
    head, mark, rest = text.partition('<script id="hierarchy-worker" type="javascript/worker">')
    loading, on, after = rest.partition("self.onmessage = function (event) {")
    _, depth, tail = after.partition("var depth = 0;")
    return f"{head}{mark}\n{libraries}\n{loading}{on}\n{depth}{tail}"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
