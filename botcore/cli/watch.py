"""``botcore watch``: a look at the market that does not end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import click
import msgspec
from rich.console import Console, RenderableType
from rich.live import Live

from botcore.app import App, open_app, open_replay
from botcore.cli import board, recorded, view
from botcore.cli.scan import REDRAWS, UNBOUND, Percent
from botcore.cli.stopping import stopped_by
from botcore.client import Replay
from botcore.client.replay import FASTEST
from botcore.errors import ScanFailed
from botcore.model import Alert, Change, Game, Level, WatchQuery
from botcore.sandbox import MarketOptions
from botcore.scan import Watch, WatchFigures
from botcore.settings import load

__all__ = ["command"]

DOOR = "cli"
CHURN = 5.0
"""Offers that are listed, sold or priced anew in a second, in a sandbox market that nobody described."""
KEPT = 50


@click.command("watch", short_help="Watch for underpriced offers, newest first.")
@click.argument("games", nargs=-1)
@click.option("--level", "levels", multiple=True, help="A level to watch, all by default; give it several times for several.")
@click.option(
    "--max-profit", type=Percent(), is_flag=False, flag_value="inf", default=None, help="Lift the levels' cap on profit, or move it to so many percent."
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON an event, and nothing else, on standard output.")
@click.option("--figures", type=click.FloatRange(min=0), default=10.0, show_default=True, help="With --json: seconds between two lines of figures, 0 for none.")
@click.option("--for", "seconds", type=click.FloatRange(min=0, min_open=True), default=None, help="End after so many seconds.")
@click.option("--sandbox", is_flag=True, help="Use a sandbox market even when keys are set.")
@click.option("--seed", type=int, default=None, help="The sandbox market's seed; implies --sandbox.")
@click.option("--churn", type=click.FloatRange(min=0), default=CHURN, show_default=True, help="Events a second in the sandbox market.")
@recorded.RECORD
@recorded.REPLAY
@recorded.SPEED
def command(  # noqa: PLR0913 - one argument an option
    games: tuple[str, ...],
    *,
    levels: tuple[str, ...],
    max_profit: float | None,
    as_json: bool,
    figures: float,
    seconds: float | None,
    sandbox: bool,
    seed: int | None,
    churn: float,
    record: Path | None,
    replay: Path | None,
    speed: float | None,
) -> int:
    """Watch GAMES (csgo, dota2, tf2, rust; all by default) and tell of each underpriced offer as soon as it is listed.

    The newest listings are read first, all prices are asked for over and over, and the rest of the quota rereads the whole
    listing, so that price changes and offers that are gone come to light. Whatever else uses the key goes first, and a tenth
    of the quota stays free. An offer is told once at a price, after a last look that it is still there; what becomes of it
    is told as well: gone, cheaper, dearer, or paying no more.

    The state is in the store: stopped or killed, the watch goes on where it was, and tells nothing twice. Where it ended
    before it knew that an alert was told, that one is told again and says so. Later it asks, with what is left of its quota,
    whether each alert came true, so that confidence can be learned. Ctrl-C ends it and says what was found.

    With --json each line has "event": "alert", "change" or "figures". An alert has the fields of an opportunity of
    `botcore scan --json`, when it was listed, seen, decided and queued, and how far it can be trusted: "confidence" is null while
    too few "outcomes" are known. "alert" is its number, and a change has that of the alert it is about. Without keys it watches a
    sandbox market that lives, and says so.
    """
    recorded.check(replay, speed, others={"another recording": record, "a sandbox": sandbox or seed is not None, "--for": seconds})
    recorded.check(replay, speed, others={"GAMES": games, "--level": levels, "--max-profit": max_profit})
    query = WatchQuery(games or tuple(Game), levels or tuple(Level), max_profit, door=DOOR)
    screen = _Screen(as_json=as_json)
    if replay is not None:
        return asyncio.run(_replay(replay, speed or FASTEST, screen))
    options = MarketOptions(churn=churn) if seed is None else MarketOptions(seed=seed, churn=churn)
    return asyncio.run(_watch(query, options if sandbox or seed is not None else None, options, screen, (figures if as_json else 0.0, seconds, record)))


async def _watch(
    query: WatchQuery, sandbox: MarketOptions | None, default: MarketOptions, screen: _Screen, rest: tuple[float, float | None, Path | None]
) -> int:
    settings = load()
    figures, seconds, record = rest
    if sandbox is None and settings.keys is None:
        sandbox = default
    settings = msgspec.structs.replace(settings, watch=msgspec.structs.replace(settings.watch, figures=figures))
    line = view.market_line(settings.url, sandbox, keys=settings.keys is not None)
    screen.note(line if sandbox is None else f"{line} {sandbox.churn:g} events a second.")
    async with open_app(settings, sandbox=sandbox, record=record, asked=[{"watch": msgspec.to_builtins(query)}]) as app:
        return await _events(app, query, screen, seconds)


async def _replay(path: Path, speed: float, screen: _Screen) -> int:
    async with open_replay(path, speed=speed) as app:
        if not isinstance(app.course, Replay):
            return 1
        (query,) = recorded.asked_of(app.course, "watch", WatchQuery)
        screen.note(recorded.recording_line(app.course))
        return await _events(app, query, screen, None)


async def _events(app: App, query: WatchQuery, screen: _Screen, seconds: float | None) -> int:
    """Show every event until somebody stops it; gives the exit code."""
    async with app.watch(query) as watch:
        with _interruptible(app, watch, seconds) as came, screen.live(watch):
            try:
                async for event in watch:
                    await screen.show(app, watch, event)
            except ScanFailed as error:
                screen.failed(error)
        screen.note(board.summary(watch.figures, sandbox=app.market == "sandbox"))
    return 128 + came[0] if came else screen.code


@contextmanager
def _interruptible(app: App, watch: Watch, seconds: float | None) -> Iterator[list[signal.Signals]]:
    """Ctrl-C, a polite kill, or time that is over stops the watch; a second signal the program. Gives the signals that came."""
    interrupt: Callable[[str], None] = partial(_stop, watch)
    if app.course is not None:
        # What is recorded comes in its turn, and comes again when it is replayed.
        app.course.on_interrupt, interrupt = partial(_stop, watch), app.course.interrupt
    if isinstance(app.course, Replay):
        app.course.on_dry = partial(_stop, watch, "the recording ends here")
        app.clock.call_later(app.course.length, watch.stop)  # a watch asks on, and so never runs dry
    if seconds is not None:
        app.clock.call_later(seconds, partial(interrupt, f"{seconds:g} s are over"))

    with stopped_by(interrupt) as came:
        yield came


def _stop(watch: Watch, _: str) -> None:
    watch.stop()


def _told(app: App, watch: Watch, event: Alert | Change) -> board.Told:
    weighed = watch.weighed(event) if isinstance(event, Alert) else None
    return board.Told(event, weighed, None if weighed is None else app.confidence(weighed))


class _Screen:
    """Where the watch is shown: the board and remarks on standard error, events on standard output."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.code = 0
        self.newest: deque[board.Told] = deque(maxlen=KEPT)
        self.error = Console(stderr=True)
        self.out = Console(highlight=False)
        if not self.out.is_terminal:
            self.out.width = UNBOUND
        self._drawn = self.error.is_terminal and self.out.is_terminal

    def note(self, text: str) -> None:
        self.error.print(text, highlight=False, markup=False, style="dim", soft_wrap=not self.error.is_terminal)

    def failed(self, error: ScanFailed) -> None:
        self.code = 1
        self.error.print(f"botcore: {error}", highlight=False, markup=False, style="red", soft_wrap=not self.error.is_terminal)

    def live(self, watch: Watch) -> Live | nullcontext[None]:
        """The board, where there is a terminal to draw it on."""
        if not self.error.is_terminal:
            return nullcontext()

        def picture() -> RenderableType:
            return board.board(watch.figures, list(self.newest) if self._drawn else [])

        return Live(console=self.error, refresh_per_second=REDRAWS, transient=True, get_renderable=picture)

    async def show(self, app: App, watch: Watch, event: Alert | Change | WatchFigures) -> None:
        """Show one event; once it is written it counts as sent."""
        told = event if isinstance(event, WatchFigures) else _told(app, watch, event)
        if self.as_json:
            sys.stdout.buffer.write(board.json_line(told))
            sys.stdout.buffer.flush()
        elif not isinstance(told, WatchFigures):
            self.newest.append(told)
            if not self._drawn:
                self.out.print(board.event_line(told, url=True), soft_wrap=True)
        if isinstance(event, Alert):
            await watch.sent(event)
