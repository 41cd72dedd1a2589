"""``botcore db``: look after the store."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table

from botcore.settings import load
from botcore.store import Store, StoreInfo, StoreOptions
from botcore.store.migrations import upgrade

__all__ = ["Age", "command"]

T = TypeVar("T")
_SECONDS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}


class Age(click.ParamType[float]):
    """``90d``, ``12h`` or ``6w``, as seconds."""

    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it, or say how it is written."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d{1,5})([hdw])", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no age: write 12h, 90d or 6w", param, ctx)
        return float(int(found[1]) * _SECONDS[found[2]])


@click.group("db", short_help="Look after the store.")
def command() -> None:
    """Look after the store, where scans, prices and sales are kept.

    It is the file data/botcore.db, or the database that DATABASE_URL names: a sqlite:/// file or a postgresql:// database.
    """


@command.command("upgrade", short_help="Bring the tables to this version.")
def _upgrade() -> None:
    """Bring the tables to this version of botcore. Every command that uses the store does the same at its start."""
    options = load().store
    before, after = asyncio.run(upgrade(options))
    done = f"is at revision {after} already" if before == after else f"was brought to revision {after}" if before else f"was made, revision {after}"
    click.echo(f"{options.shown} {done}.")


@command.command("info", short_help="Show what the store holds.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else on standard output.")
def _info(*, as_json: bool) -> None:
    """Show where the store is, how large it is, and how many rows each table has."""
    info = _with_store(lambda store: store.info())
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(info), indent=2).decode() + "\n")
    else:
        _print(info)


def _print(info: StoreInfo) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{info.url}, {info.bytes / 1e6:,.1f} MB, revision {info.revision}", markup=False)
    if info.oldest is not None and info.newest is not None:
        console.print(f"from {info.oldest:%Y-%m-%d %H:%M} to {info.newest:%Y-%m-%d %H:%M} UTC", style="dim")
    table = Table("table", box=None, pad_edge=False, header_style="dim")
    table.add_column("rows", justify="right")
    for name, count in info.rows.items():
        table.add_row(name, f"{count:,}")
    console.print(table)


@command.command("prune", short_help="Remove what is old.")
@click.option("--older-than", type=Age(), required=True, help="How old: 12h, 90d or 6w.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def _prune(*, older_than: float, yes: bool) -> None:
    """Remove scans with their opportunities, price points, sales and item prices that are older than this.

    What the bot keeps of its chats stays. A SQLite file keeps its size; the room in it is used again.
    """
    options = load().store
    if not yes:
        click.confirm(f"Remove scans, opportunities, prices and sales older than {older_than / 86_400:g} days from {options.shown}?", abort=True, err=True)
    removed = _with_store(lambda store: store.prune(older_than), options)
    told = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in removed.items() if count)
    click.echo(f"Removed: {told or 'nothing, all of it is newer'}.")


@command.command("export", short_help="Copy the tables to Parquet files.")
@click.option("--parquet", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder to write to; made when missing.")
def _export(*, folder: Path) -> None:
    """Copy what was seen to one Parquet file a table, for polars, pandas or DuckDB. The bot's chats are left out."""
    counts = _with_store(lambda store: store.export(folder))
    for name, count in counts.items():
        click.echo(f"{folder / name}.parquet  {count:,} rows")


def _with_store(work: Callable[[Store], Awaitable[T]], options: StoreOptions | None = None) -> T:
    """Open the store, do one thing with it, and close it."""

    async def whole() -> T:
        async with Store(options or load().store) as store:
            return await work(store)

    return asyncio.run(whole())
