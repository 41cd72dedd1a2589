"""``make picture``: the README's pictures: a scan on the sandbox market, where its time goes, and the newest sweep of bands."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from botcore.app import open_app
from botcore.cli import view
from botcore.model import Game, Level, ScanQuery, ScanReport
from botcore.perf.record import FOLDER, latest, samples_frame
from botcore.sandbox import MarketOptions
from botcore.scan import ScanProgress
from botcore.settings import load

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["flame", "main", "scan", "sweep"]

PLACE = Path(".readme")
QUERY = ScanQuery(Game.CSGO, Level.BOOST)
SWEPT = "how-many-bands"
COLUMNS = 100
SHOWN = 12
PLAIN = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace("<svg ", '<svg xml:space="preserve" ', 1)
"""Without fonts from elsewhere: the reader's own will do."""


def main() -> None:
    """Write all of them."""
    PLACE.mkdir(exist_ok=True)
    sweep(PLACE / "sweep.svg")
    scan(PLACE / "scan.svg")
    flame(PLACE / "flame.svg")


def scan(path: Path) -> None:
    """A scan in a terminal: the command, the progress at half time, and the result."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, highlight=False)
    console.print(Text(f"$ botcore scan {QUERY.game} {QUERY.level} --limit {SHOWN}", style="bold"))
    report = asyncio.run(_scan(console))
    console.print()
    console.print(view.results(report, SHOWN, COLUMNS))
    path.write_text(console.export_svg(title="botcore scan", code_format=PLAIN, unique_id="scan"), encoding="utf-8")


def flame(path: Path) -> None:
    """Where a scan's work goes: the flame graph of another process that scans a sandbox."""
    from botcore.perf import flame as spy  # noqa: PLC0415 - polars is slow to load, and the help of a command needs none

    with tempfile.TemporaryDirectory() as folder:
        scanned = spy.scan_command(QUERY.game, QUERY.level, "--sandbox")
        stacks = spy.record(Path(folder) / "scan.json", scanned, environment={"DATABASE_URL": f"sqlite:///{folder}/scan.db"})
        spy.picture(stacks, path, f"botcore scan {QUERY.game} {QUERY.level}")


def sweep(path: Path, folder: Path = FOLDER) -> None:
    """How many bands a scan needs, over latency, from the newest record of that question. Raises MeasureError when there is none."""
    import polars as pl  # noqa: PLC0415 - as above

    from botcore.perf import sweep_charts  # noqa: PLC0415 - as above

    answers = pl.format("{} ms", (1000 * pl.col("latency")).round().cast(pl.Int64))
    frame = samples_frame(latest(SWEPT, folder)).with_columns(latency=answers)
    figure = sweep_charts.sweep(
        frame,
        x="bands",
        y="ratio",
        series="latency",
        quota=1.0,
        title="Time of a scan, over the least that the quota allows",
        labels=("price bands read at once; a line for each time that answers take", "times the least"),
        log="y",
        first=("one chain",),
    )
    _write(figure, path)


def _write(figure: Figure, path: Path) -> None:
    """The same figure is the same file, so that a new one shows as a change only where it differs."""
    from matplotlib import rc_context  # noqa: PLC0415 - as above

    with rc_context({"svg.hashsalt": path.stem}):
        figure.savefig(path, metadata={"Date": None, "Creator": None})


async def _scan(console: Console) -> ScanReport:
    sandbox = MarketOptions()
    settings = load({}, dotenv=Path(os.devnull))
    console.print(view.market_line(settings.url, sandbox, keys=False), style="dim")
    async with open_app(settings, sandbox=sandbox) as app, app.scanner.stream(QUERY) as stream:
        board, drawn = view.Board(QUERY, app.client.quota.limits), False
        async for _ in stream:
            if not drawn and _half(stream.progress):
                console.print(board.draw(stream.progress, stream.latest))
                drawn = True
        return stream.report


def _half(progress: ScanProgress) -> bool:
    return progress.listed >= progress.total / 2


if __name__ == "__main__":
    main()
