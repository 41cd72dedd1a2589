"""``botcore history``: a title's prices and sales as a picture."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
import time
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from botcore.errors import StoreError
from botcore.model import Game, normal_phase
from botcore.perf import charts
from botcore.settings import load
from botcore.store import Store

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

__all__ = ["command"]

DAY = 86_400
KNOWN = 100_000
"""Titles among which a near one is looked for."""
ALIKE = 0.5
"""How alike a title must be to be suggested, from 0 to 1: people leave out the wear."""


@click.command("history", short_help="Draw a title's prices and sales.")
@click.argument("title")
@click.option("--game", default=Game.CSGO.value, show_default=True, help="csgo, dota2, tf2 or rust.")
@click.option("--phase", default=None, help="Sales of this phase alone, as phase-2 or ruby.")
@click.option("--days", type=click.IntRange(min=1), default=30, show_default=True, help="How far to look back.")
@click.option("--png", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write the picture to this file instead of showing it.")
@click.option("--sandbox", is_flag=True, help="What was seen on sandbox markets, even when keys are set.")
def command(title: str, *, game: str, phase: str | None, days: int, png: Path | None, sandbox: bool) -> None:
    """Draw what the store knows of TITLE, the exact Steam market name: best ask, best bid and sales.

    The picture is shown in the terminal, by its own means for pictures or in coloured cells, or written to a file with --png.
    """
    if png is None and not sys.stdout.isatty():
        raise click.UsageError("standard output is no terminal that could show a picture: use --png FILE")
    settings = load()
    market = "sandbox" if sandbox or settings.keys is None else "dmarket"
    wanted = None if phase is None else normal_phase(phase)
    points, sales = asyncio.run(_read(Store(settings.store), market, Game.parse(game), title, wanted, time.time() - days * DAY))
    figure = charts.history(points, sales, _heading(title, wanted, market))
    if png is None:
        _show(figure)
    else:
        _write(figure, png)


def _heading(title: str, phase: str | None, market: str) -> str:
    named = f"{title} ({phase})" if phase else title
    return f"{named} · sandbox" if market == "sandbox" else named


async def _read(store: Store, market: str, game: Game, title: str, phase: str | None, since: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    async with store:
        points = await store.points_frame(market, game, title, since=since)
        sales = await store.sales_frame(market, game, title, phase=phase, since=since)
        if points.is_empty() and sales.is_empty():
            raise StoreError(_nothing(title, game, market, await store.titles(market, game, limit=KNOWN)))
        return points, sales


def _nothing(title: str, game: Game, market: str, known: list[str]) -> str:
    """Why there is no picture, and what to do about it."""
    if not known:
        return f"nothing of {game} on the {market} market is stored yet: run a scan first, as in `botcore scan {game}`"
    if title in known:
        return f"nothing of {title!r} was seen in this time: look further back with --days, or run a scan"
    near = get_close_matches(title, known, 3, ALIKE)
    return f"nothing of {title!r} is stored" + (f"; did you mean {' or '.join(map(repr, near))}?" if near else ": run a scan that meets it first")


def _write(figure: Figure, path: Path) -> None:
    partial = path.with_name(f"{path.name}.part")
    try:
        figure.savefig(partial, format="png")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise click.ClickException(f"{path} was not written: {error.strerror}") from None
    click.echo(f"{path}")


def _show(figure: Figure) -> None:
    logging.getLogger("textual_image").setLevel(logging.CRITICAL)  # that a terminal does not answer is no news to a person
    try:
        from textual_image.renderable import Image  # noqa: PLC0415 - its import asks the terminal what it can do
    except ModuleNotFoundError:
        raise click.ClickException("showing pictures needs the extra `lab`: pip install 'botcore[lab]'") from None
    data = io.BytesIO()
    figure.savefig(data, format="png")
    console = Console()
    console.print(Image(data, width=min(console.width, 120), height="auto"))
