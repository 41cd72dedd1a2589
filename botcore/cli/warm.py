"""``botcore warm``: fill the cache before anyone asks."""

from __future__ import annotations

import asyncio

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from botcore.app import open_app
from botcore.cli import view
from botcore.model import Game, Level
from botcore.sandbox import MarketOptions
from botcore.scan import WarmProgress
from botcore.settings import load

__all__ = ["command"]


@click.command("warm", short_help="Fill the cache before it is needed.")
@click.argument("games", nargs=-1)
@click.option("--level", "levels", multiple=True, help="A level whose prices count; may be repeated. All five unless given.")
@click.option("--titles", type=click.IntRange(min=1), default=100, show_default=True, help="The most traded titles of each game whose sales are asked for.")
def command(games: tuple[str, ...], *, levels: tuple[str, ...], titles: int) -> None:
    """Fill the cache with the fees and quotes of GAMES (all four unless given), and the sales of their most traded titles.

    Everything goes at the end of the queue: a scan or a bot that uses the same REDIS_URL and keys always goes first.
    Ctrl-C stops; what was asked until then stays.
    """
    chosen = [Game.parse(game) for game in games] or list(Game)
    asyncio.run(_warm(chosen, [Level.parse(level) for level in levels] or list(Level), titles))


async def _warm(games: list[Game], levels: list[Level], titles: int) -> None:
    settings, console = load(), Console(stderr=True)
    sandbox = MarketOptions() if settings.keys is None else None
    console.print(view.market_line(settings.url, sandbox, keys=settings.keys is not None), highlight=False, style="dim")
    if not settings.redis_url or settings.keys is None:
        console.print("What is warmed ends with this command: set REDIS_URL and your keys to share it with scans and the bot.", highlight=False, style="dim")
    latest: dict[tuple[Game, str], WarmProgress] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with open_app(settings, sandbox=sandbox) as app:
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            tasks = {}
            async for step in app.warmer.warm(games, levels, titles):
                key = step.game, step.what
                if key not in tasks:
                    tasks[key] = bar.add_task(f"{step.game} {step.what}", total=step.total)
                bar.update(tasks[key], completed=step.done, total=step.total)
                latest[key] = step
    for step in latest.values():
        failed = f", {step.failed} could not be had" if step.failed else ""
        click.echo(f"{step.game:6} {step.what:7} {step.done - step.failed}{failed}")
