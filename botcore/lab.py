"""The notebook's door: ``%load_ext botcore`` gives ``%scan csgo standard``, shows figures and frames, and works in the project's folder.

A cell that runs is a loop that runs, so the scan gets a loop of its own in another thread; the cell waits for it and draws.
"""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from IPython.core.error import UsageError
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import display
from rich.console import Console, RenderableType

from botcore.app import open_app
from botcore.cli import view
from botcore.errors import BotcoreError, ScanFailed
from botcore.model import RequestClass, ScanQuery, ScanReport
from botcore.perf import finds
from botcore.sandbox import MarketOptions
from botcore.scan import ScanStream
from botcore.settings import WORKPLACE, Settings, behind, load

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Found", "load_ipython_extension", "scan", "settle"]

COLUMNS = 110
SHOWN = 20
_LOOK = 0.25
"""Seconds between two looks at a scan that runs."""
_MARKS = ("pyproject.toml", "botcore/lab.py")
"""What stands in the project's folder and in no other."""


def load_ipython_extension(shell: Any) -> None:
    """Give an IPython shell ``%scan``, let it show figures as pictures and frames whole, and ``settle``."""
    settle()
    pl.Config.set_tbl_cols(-1).set_tbl_rows(40).set_fmt_str_lengths(80).set_float_precision(3).set_tbl_hide_column_data_types()
    shell.register_magic_function(scan, "line", "scan")
    shell.display_formatter.formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", _png)


def settle() -> Path:
    """Go to the folder whose ``.env``, ``data/`` and ``profiling_results/`` are used, and give it.

    That is the project's, from anywhere within it, so that a notebook and a terminal share settings, store and records;
    ``BOTCORE_WORKPLACE`` names another. Outside of the project it is the folder one is in.
    """
    here, named = Path.cwd(), os.environ.get(WORKPLACE, "").strip()
    project = next((folder for folder in (here, *here.parents) if all((folder / mark).is_file() for mark in _MARKS)), here)
    folder = Path(named) if named else project
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    return folder


class Found:
    """What a scan found: shown as a table; ``report`` is all of it, ``frame`` the opportunities, a row each."""

    def __init__(self, report: ScanReport, limit: int = SHOWN) -> None:
        self.report = report
        self._limit = limit

    def __repr__(self) -> str:
        return _drawn(view.results(self.report, self._limit, COLUMNS), html=False)

    def _repr_html_(self) -> str:
        return _drawn(view.results(self.report, self._limit, COLUMNS), html=True)

    @property
    def frame(self) -> pl.DataFrame:
        """The opportunities, the best first."""
        return finds.of_report(self.report)


@magic_arguments()
@argument("game", nargs="?", default="csgo", help="csgo, dota2, tf2 or rust")
@argument("level", nargs="?", default="standard", help="boost, standard, medium, advanced or pro")
@argument("--limit", type=int, default=SHOWN, help="how many to show, the best first")
@argument("--sandbox", action="store_true", help="use a sandbox market even when keys are set")
@argument("--seed", type=int, default=None, help="the sandbox market's seed; implies --sandbox")
def scan(line: str) -> Found:
    """Look for underpriced offers once: ``%scan csgo standard``, or ``found = %scan dota2 boost`` to keep them.

    On a real market it takes the last turn in the quota, behind the bot. Interrupting the cell ends the scan and shows what was found.
    """
    given = parse_argstring(scan, line)
    try:
        query = ScanQuery(given.game, given.level)
        sandbox = MarketOptions(seed=given.seed) if given.seed is not None else MarketOptions() if given.sandbox else None
        return Found(_Scan(query, sandbox, behind(load())).watched(), given.limit)
    except BotcoreError as error:
        raise UsageError(str(error)) from None


class _Scan:
    """A scan in a thread of its own."""

    def __init__(self, query: ScanQuery, sandbox: MarketOptions | None, settings: Settings) -> None:
        self._query = query
        self._sandbox = sandbox
        self._settings = settings
        self._stream: ScanStream | None = None
        self._stop: Callable[[], object] = lambda: None
        self._stopped = False
        self._report: ScanReport | None = None
        self._error: BaseException | None = None

    def watched(self) -> ScanReport:
        """The report, once it is there; drawn until then. Raises what the scan raised, a failed scan with results excepted."""
        thread = threading.Thread(target=self._run, name="botcore scan")
        thread.start()
        handle = display(_Picture(self), display_id=True)
        while thread.is_alive():
            try:
                thread.join(_LOOK)
                if handle is not None:
                    handle.update(_Picture(self))
            except KeyboardInterrupt:
                self._stopped = True
                self._stop()
        if handle is not None:
            handle.update(_Picture(self, over=True))
        if self._report is None:
            raise self._error or BotcoreError("the scan was stopped before it began")
        return self._report

    def picture(self) -> RenderableType:
        """Where it stands."""
        if self._stream is None:
            return f"{self._query.game} {self._query.level}: starting"
        limits = {kind.value: self._settings.quota.limit(kind) for kind in RequestClass}
        return view.Board(self._query, limits).draw(self._stream.progress, self._stream.latest)

    def _run(self) -> None:
        try:
            asyncio.run(self._scan())
        except BaseException as error:  # noqa: BLE001 - whatever it is, the cell that waits must hear of it
            self._error = error

    async def _scan(self) -> None:
        loop = asyncio.get_running_loop()
        async with open_app(self._settings, sandbox=self._sandbox) as app, app.scanner.stream(self._query) as stream:
            self._stream = stream
            self._stop = lambda: asyncio.run_coroutine_threadsafe(stream.stop("stopped by an interrupt"), loop)
            if self._stopped:
                self._stop()
            try:
                async for _ in stream:
                    pass
            except ScanFailed as error:
                self._error = error
            self._report = stream.report


class _Picture:
    """A scan as it stands, for a cell's output; nothing once it is over."""

    def __init__(self, scan: _Scan, *, over: bool = False) -> None:
        self._scan = scan
        self._over = over

    def __repr__(self) -> str:
        return "" if self._over else _drawn(self._scan.picture(), html=False)

    def _repr_html_(self) -> str:
        return "" if self._over else _drawn(self._scan.picture(), html=True)


def _drawn(what: RenderableType, *, html: bool) -> str:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=html, force_jupyter=False, highlight=False)
    console.print(what)
    if not html:
        return console.export_text(styles=False).rstrip()
    return console.export_html(inline_styles=True, code_format='<pre style="white-space:pre;font-family:monospace;line-height:1.3">{code}</pre>')


def _png(figure: Figure) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()
