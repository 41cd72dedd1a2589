"""``botcore profile``: where a scan spends its time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from botcore.app import open_app
from botcore.cli import view
from botcore.cli.scan import interruptible
from botcore.errors import ConfigError
from botcore.model import Game, Level, ScanQuery, ScanReport
from botcore.perf.record import FOLDER, RunRecord, dotted, stamp, write
from botcore.sandbox import MarketOptions
from botcore.scan import Scanner
from botcore.settings import behind, load

if TYPE_CHECKING:
    import polars as pl

    from botcore.app import App

__all__ = ["command"]

NUMBERS = ("calls", "hits", "line", "own_ms", "with_callees_ms", "wait_ms", "work_ms", "median_ms")
WIDE = 180
PARTS = ("part", "own", "with_callees")


@click.command("profile", short_help="Show where a scan spends its time.")
@click.argument("what", type=click.Choice(["scan"]), default="scan")
@click.option(
    "--with", "how", type=click.Choice(["cprofile", "line", "pyspy"]), default="cprofile", show_default=True, help="By function, by line, or from outside."
)
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="How many functions or lines to show.")
@click.option("--game", default=Game.CSGO.value, show_default=True, help="csgo, dota2, tf2 or rust.")
@click.option("--level", default=Level.STANDARD.value, show_default=True, help="boost, standard, medium, advanced or pro.")
@click.option("--function", "functions", multiple=True, help="With line: a function to watch, by its dotted name; may be repeated.")
@click.option("--sandbox", is_flag=True, help="Use a sandbox market even when keys are set.")
@click.option("--seed", type=int, default=None, help="The sandbox market's seed; implies --sandbox.")
def command(what: str, *, how: str, top: int, game: str, level: str, functions: tuple[str, ...], sandbox: bool, seed: int | None) -> None:
    """Run a scan and show where its time goes; on a real account in the last turn of the quota.

    cprofile shows the slowest functions, those that work and those that wait apart, and writes a .prof file with snakeviz's
    page beside it. line shows the slowest lines of the functions that matter, or of those you name. pyspy watches another
    process and draws a flame graph (.svg), with a file for speedscope (.speedscope.json) beside it.

    Everything goes to profiling_results/. Ctrl-C stops the scan and shows what was measured until then.
    """
    del what
    query, options = ScanQuery(game, level), None
    if sandbox or seed is not None:
        options = MarketOptions() if seed is None else MarketOptions(seed=seed)
    _check_polars()
    if how == "pyspy":
        _watch(query, seed, top, sandbox=options is not None)
    else:
        asyncio.run(_profile(query, options, how, functions, top))


async def _profile(query: ScanQuery, sandbox: MarketOptions | None, how: str, functions: tuple[str, ...], top: int) -> None:
    settings, error = behind(load()), Console(stderr=True)
    if sandbox is None and settings.keys is None:
        sandbox = MarketOptions()
    error.print(view.market_line(settings.url, sandbox, keys=settings.keys is not None), highlight=False, markup=False, style="dim")
    async with open_app(settings, sandbox=sandbox) as app:
        await (_by_line(app, query, functions, top) if how == "line" else _by_function(app, query, top))


async def _by_function(app: App, query: ScanQuery, top: int) -> None:
    from botcore.perf import flame, profile  # noqa: PLC0415 - polars is slow to load, and may be missing

    profiled = await profile.by_cprofile(_scan, app, query)
    profiled.run = dotted(Scanner.scan)
    console = _console()
    console.print(f"[bold]{profiled.seconds:.2f} s[/bold]: {profiled.worked:.2f} s of work, {profiled.waited:.2f} s waited with nothing to do\n")
    _print(console, f"The {top} functions that work longest", profiled.working(top))
    _print(console, f"The {top} functions that wait longest, side by side with one another", profiled.waiting(top))
    path = _kept(console, profile.record(profiled, top=top, data=_data(app)))
    prof = profiled.save(path.with_suffix(".prof"))
    _tell(console, prof, flame.page(profiled.stats, path.with_suffix(".html"), path.stem))


async def _by_line(app: App, query: ScanQuery, functions: tuple[str, ...], top: int) -> None:
    from botcore.perf import profile  # noqa: PLC0415 - as above

    lines = await profile.by_lines(_scan, app, query, functions=functions or profile.LINES)
    lines.run = dotted(Scanner.scan)
    console = _console()
    if not lines.rows:
        raise ConfigError(f"the scan used none of {', '.join(functions)}: name a function that it calls")
    _print(console, f"The {top} lines that work longest, suspended time left out", lines.hottest(top))
    _kept(console, profile.record(lines, top=top, data=_data(app)))


def _watch(query: ScanQuery, seed: int | None, top: int, *, sandbox: bool) -> None:
    """A scan in another process."""
    from botcore.perf import flame  # noqa: PLC0415 - as above

    console, error = _console(), Console(stderr=True, highlight=False)
    more = [] if seed is None else ["--seed", str(seed)]
    error.print("recording the stacks of a scan in another process", style="dim")
    name = FOLDER / stamp("profile-scan-stacks")
    stacks = flame.record(
        name.with_name(f"{name.name}.speedscope.json"),
        flame.scan_command(query.game, query.level, *["--sandbox"] * sandbox, *more),
        environment={"BOTCORE_SCAN_PRIORITY": "warm"},
    )
    _print(console, f"The {top} functions that were at work most often", flame.hot_spots(stacks, top))
    _tell(console, flame.picture(stacks, name.with_name(f"{name.name}.svg"), f"botcore scan {query.game} {query.level}"), stacks)


async def _scan(app: App, query: ScanQuery) -> ScanReport:
    """A scan that Ctrl-C ends early, with what it has."""
    async with app.scanner.stream(query) as stream, interruptible(app, stream):
        async for _ in stream:
            pass
        return stream.report


def _data(app: App) -> dict[str, object]:
    return {"market": app.market, "sandbox": app.sandbox}


def _kept(console: Console, record: RunRecord) -> Path:
    path = write(record, FOLDER)
    _tell(console, path)
    return path


def _tell(console: Console, *paths: Path) -> None:
    for path in paths:
        console.print(f"{path}", style="dim", soft_wrap=True)


def _console() -> Console:
    """Standard output, with room for a row a line where no terminal sets a limit."""
    terminal = Console().is_terminal
    return Console(highlight=False, width=None if terminal else WIDE)


def _print(console: Console, title: str, frame: pl.DataFrame) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left", title_style="bold")
    for name in frame.columns:
        number = name in NUMBERS or name in PARTS
        table.add_column(name.replace("_", " "), justify="right" if number else "left", overflow="fold", no_wrap=number)
    for row in frame.to_dicts():
        table.add_row(*(_shown(name, value) for name, value in row.items()))
    console.print(table, markup=False)
    console.print()


def _shown(name: str, value: object) -> str:
    if isinstance(value, float):
        return f"{100 * value:.1f} %" if name in PARTS else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) and name != "line" else str(value).removeprefix("botcore.")


def _check_polars() -> None:
    try:
        import polars  # noqa: F401, ICN001, PLC0415 - to say at once what is missing
    except ModuleNotFoundError:
        raise ConfigError("profiling needs the extra `lab`: pip install 'botcore[lab]'") from None
