"""``botcore scan``: one look at the market, drawn while it goes on."""

from __future__ import annotations

import asyncio
import csv
import math
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import click
import msgspec
from rich.console import Console, RenderableType
from rich.live import Live

from botcore.app import App, open_app, open_replay
from botcore.cli import recorded, view
from botcore.cli.stopping import stopped_by
from botcore.client import Replay
from botcore.client.replay import FASTEST
from botcore.errors import ScanFailed
from botcore.model import Game, Level, Opportunity, ScanQuery, ScanReport
from botcore.sandbox import MarketOptions
from botcore.scan import ScanStream
from botcore.settings import load

__all__ = ["REDRAWS", "UNBOUND", "Percent", "command", "interruptible"]

DEFAULTS = (Game.CSGO, Level.STANDARD)
REDRAWS = 8
"""Redraws of the display, a second."""
UNBOUND = 1000
"""Columns where no terminal sets a limit."""


class Percent(click.ParamType[float]):
    """A percentage above 0, or ``inf``."""

    name = "percent"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, or wrong use."""
        try:
            number = math.inf if value == "inf" else float(str(value))
        except ValueError:
            number = math.nan
        if not number > 0:
            self.fail(f"{value!r} is not a percentage above 0", param, ctx)
        return number


@click.command("scan", short_help="Look for underpriced offers once.")
@click.argument("game", required=False)
@click.argument("level", required=False)
@click.option("--game", "named_game", hidden=True, help="The same as GAME.")
@click.option("--level", "named_level", hidden=True, help="The same as LEVEL.")
@click.option("--all-levels", is_flag=True, help="Scan all five levels, one after the other.")
@click.option(
    "--max-profit", type=Percent(), is_flag=False, flag_value="inf", default=None, help="Lift the level's cap on profit, or move it to so many percent."
)
@click.option("--limit", type=click.IntRange(min=1), default=None, help="Show at most so many opportunities, the best first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else on standard output.")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write the opportunities to this file as well.")
@click.option("--sandbox", is_flag=True, help="Use a sandbox market even when keys are set.")
@click.option("--seed", type=int, default=None, help="The sandbox market's seed; implies --sandbox.")
@recorded.RECORD
@recorded.REPLAY
@recorded.SPEED
def command(  # noqa: PLR0913 - one argument an option
    game: str | None,
    level: str | None,
    *,
    named_game: str | None,
    named_level: str | None,
    all_levels: bool,
    max_profit: float | None,
    limit: int | None,
    as_json: bool,
    csv_file: Path | None,
    sandbox: bool,
    seed: int | None,
    record: Path | None,
    replay: Path | None,
    speed: float | None,
) -> int:
    """Look for underpriced offers of GAME at LEVEL once and show what was found.

    \b
    GAME   csgo (default), dota2, tf2 or rust
    LEVEL  price in dollars, profit in percent:
           boost     0.50 to 3      1 to 5
           standard  3 to 10        5 to 10   (default)
           medium    10 to 30       5 to 20
           advanced  30 to 100     10 to 30
           pro       100 to 1000   20 to 100

    Each find is shown with how it would be sold again: target is at once, to a standing buy order; relist is later, as an
    offer of your own. A profit above the window is nearly always a stale or mistaken price; such offers are dropped and
    counted, unless --max-profit lifts the cap. Ctrl-C stops the scan and shows what was found until then.

    What --record wrote, --replay shows again, with the same results to the last digit.
    """  # noqa: D301 - the mark that keeps click from wrapping is a real backspace
    recorded.check(replay, speed, others={"another recording": record, "a sandbox": sandbox or seed is not None})
    recorded.check(replay, speed, others={"GAME": game or named_game, "LEVEL": level or named_level, "--all-levels": all_levels, "--max-profit": max_profit})
    game, level = _named([game, level], [named_game, named_level])
    levels = list(Level) if all_levels else [Level.parse(level)]
    queries = [ScanQuery(Game.parse(game), level, max_profit) for level in levels]
    if csv_file is not None:
        _check_folder(csv_file)
    options = None
    if sandbox or seed is not None:
        options = MarketOptions() if seed is None else MarketOptions(seed=seed)
    screen = _Screen(as_json=as_json, as_list=all_levels, limit=limit)
    code = asyncio.run(_scan(queries, options, screen, record) if replay is None else _replay(replay, speed or FASTEST, screen))
    if csv_file is not None:
        _write_csv(csv_file, screen.found())
        screen.note(f"Wrote {len(screen.found())} opportunities to {csv_file}.")
    return code


def _named(words: list[str | None], options: list[str | None]) -> list[str]:
    """Game and level: what no option names is taken from the words, in their order."""
    rest = [word for word in words if word]
    chosen = [option or (rest.pop(0) if rest else default) for option, default in zip(options, DEFAULTS, strict=True)]
    if rest:
        raise click.UsageError(f"{rest[0]!r} is one word too many: give a game and a level once each")
    return chosen


async def _scan(queries: list[ScanQuery], sandbox: MarketOptions | None, screen: _Screen, record: Path | None) -> int:
    settings = load()
    if sandbox is None and settings.keys is None:
        sandbox = MarketOptions()
    screen.note(view.market_line(settings.url, sandbox, keys=settings.keys is not None))
    asked = [{"scan": msgspec.to_builtins(query)} for query in queries]
    async with open_app(settings, sandbox=sandbox, record=record, asked=asked) as app:
        await _all(app, queries, screen)
    return screen.code


async def _replay(path: Path, speed: float, screen: _Screen) -> int:
    async with open_replay(path, speed=speed) as app:
        if isinstance(app.course, Replay):
            queries = recorded.asked_of(app.course, "scan", ScanQuery)
            screen.as_list, screen.recorded = len(queries) > 1, recorded.began(app.course)
            screen.note(recorded.recording_line(app.course))
            await _all(app, queries, screen)
    return screen.code


async def _all(app: App, queries: list[ScanQuery], screen: _Screen) -> None:
    """One level after the other, until one fails or somebody stops it."""
    for query in queries:
        halted = await _one(app, query, screen)
        if screen.code or halted:
            break
    screen.finish()


async def _one(app: App, query: ScanQuery, screen: _Screen) -> bool:
    """One level; True when somebody stopped it."""
    async with app.scanner.stream(query) as stream, interruptible(app, stream) as halt:
        failure = None
        try:
            await screen.watch(app, query, stream)
        except ScanFailed as error:
            failure = error
        screen.add(stream.report)
        if failure is not None:
            screen.failed(failure)
        if halt.signals:
            screen.code = 128 + halt.signals[0]
    return bool(halt.tasks)


class _Halt:
    """What stops a scan: signals that came, and the stopping under way."""

    def __init__(self, app: App, stream: ScanStream) -> None:
        self.signals: list[signal.Signals] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._stream = stream
        self.interrupt = self.now
        if app.course is not None:
            # What is recorded comes in its turn, and comes again when it is replayed.
            app.course.on_interrupt, self.interrupt = self.now, app.course.interrupt
        if isinstance(app.course, Replay):
            app.course.on_dry = partial(self.now, "the recording ends here")

    def now(self, reason: str) -> None:
        """Stop the scan."""
        self.tasks.append(asyncio.get_running_loop().create_task(self._stream.stop(reason)))


@asynccontextmanager
async def interruptible(app: App, stream: ScanStream) -> AsyncIterator[_Halt]:
    """Ctrl-C, or a polite kill, stops the scan; a second one the program."""
    halt = _Halt(app, stream)
    with stopped_by(halt.interrupt) as halt.signals:
        yield halt


class _Screen:
    """Where the scan is shown: progress and remarks on standard error, results on standard output."""

    def __init__(self, *, as_json: bool, as_list: bool, limit: int | None) -> None:
        self.as_json = as_json
        self.as_list = as_list
        self.limit = limit
        self.code = 0
        self.recorded: datetime | None = None
        self.reports: list[ScanReport] = []
        self.error = Console(stderr=True)
        terminal = Console().is_terminal
        self.out = Console(highlight=False, width=None if terminal else UNBOUND)

    def note(self, text: str) -> None:
        self.error.print(text, highlight=False, markup=False, style="dim", soft_wrap=not self.error.is_terminal)

    def failed(self, error: ScanFailed) -> None:
        self.code = 1
        self.error.print(f"botcore: {error}", highlight=False, markup=False, style="red", soft_wrap=not self.error.is_terminal)

    def add(self, report: ScanReport) -> None:
        self.reports.append(report)
        if self.as_json:
            return
        self.out.print(view.results(report, self.limit, self.out.width if self.out.is_terminal else None, self.recorded))

    def found(self) -> list[Opportunity]:
        found = sorted((found for report in self.reports for found in report.opportunities), key=lambda found: found.order)
        return found[: self.limit]

    async def watch(self, app: App, query: ScanQuery, stream: ScanStream) -> None:
        """Draw the scan until it ends."""
        if not self.error.is_terminal:
            async for _ in stream:
                pass
            return
        board = view.Board(query, app.client.quota.limits)

        def picture() -> RenderableType:
            return board.draw(stream.progress, stream.latest)

        with Live(console=self.error, refresh_per_second=REDRAWS, transient=True, get_renderable=picture):
            async for _ in stream:
                pass

    def finish(self) -> None:
        """Print the JSON document, when that is what was asked for."""
        if self.as_json:
            reports = {"reports": self.reports} if self.as_list else {"report": self.reports[0]}
            document = {**reports, "opportunities": self.found()}
            sys.stdout.write(msgspec.json.format(view.as_json(document), indent=2).decode() + "\n")
            sys.stdout.flush()


def _device(path: Path) -> bool:
    """Whether this is a pipe or a device, which is written to as it is."""
    return path.exists() and not path.is_file()


def _check_folder(path: Path) -> None:
    """Find out before the scan that its result could not be written."""
    if not _device(path) and not os.access(path.parent, os.W_OK):
        raise click.BadParameter(f"the folder {path.parent} does not exist or cannot be written to", param_hint="--csv")


def _write_csv(path: Path, found: list[Opportunity]) -> None:
    """The whole file or nothing: the rows are written beside it first, so that a full disk leaves no half of it."""
    partial = path if _device(path) else path.with_name(f"{path.name}.part")
    try:
        _write_rows(partial, found)
        if partial != path:
            partial.replace(path)
    except OSError as error:
        if partial != path:
            partial.unlink(missing_ok=True)
        raise click.ClickException(f"{path} was not written: {error.strerror}. What was found is shown above.") from None


def _write_rows(path: Path, found: list[Opportunity]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, Opportunity.__struct_fields__)
        writer.writeheader()
        writer.writerows(msgspec.to_builtins(row) for row in found)
