"""``make picture``: the README's picture of a scan, drawn from a scan on the sandbox market."""

from __future__ import annotations

import asyncio
import os
import re
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from botcore.app import open_app
from botcore.cli import view
from botcore.model import Game, Level, ScanQuery, ScanReport
from botcore.sandbox import MarketOptions
from botcore.scan import ScanProgress
from botcore.settings import load

__all__ = ["main"]

PICTURE = Path(".readme/scan.svg")
QUERY = ScanQuery(Game.CSGO, Level.BOOST)
COLUMNS = 100
SHOWN = 12
PLAIN = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace("<svg ", '<svg xml:space="preserve" ', 1)
"""Without fonts from elsewhere: the reader's own will do."""


def main() -> None:
    """Write the picture: the command, the progress at half time, and the result."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, highlight=False)
    console.print(Text(f"$ botcore scan {QUERY.game} {QUERY.level} --limit {SHOWN}", style="bold"))
    report = asyncio.run(_scan(console))
    console.print()
    console.print(view.results(report, SHOWN, COLUMNS))
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(console.export_svg(title="botcore scan", code_format=PLAIN, unique_id="scan"), encoding="utf-8")


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
