"""``botcore config``: the settings in force."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from botcore.settings import load

__all__ = ["command"]


@click.command("config", short_help="Show the settings in force.")
def command() -> None:
    """Show the settings in force, where each comes from, secrets masked.

    Every row can be set in the environment or in a file named .env; the environment goes first.
    """
    settings = load()
    table = Table("setting", "value", "from", box=None, pad_edge=False, header_style="bold")
    for row in settings.shown:
        table.add_row(row.name, row.value or "[dim]not set[/dim]", row.source)
    console = Console()
    console.print(table)
    if settings.keys is None:
        console.print("\nNo DMarket keys: commands that need the market start a sandbox market of their own.")
