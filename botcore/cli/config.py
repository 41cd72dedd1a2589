"""``botcore config``: the settings in force, and what a measured one rests on."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from statistics import median
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from botcore import tuned
from botcore.errors import ConfigError
from botcore.perf.record import RunRecord, read, spread
from botcore.scan.confidence import reliability
from botcore.settings import Setting, Settings, load
from botcore.tuned import LEARNED, TUNABLE, Tuned

__all__ = ["command"]

LEARNS = "notebooks/08-were-the-alerts-right.ipynb"
LARGE = 1000
LIMIT = "outdated"
"""The column of a record that keeps a choice within a limit, whatever else would be better."""


@click.group("config", short_help="Show the settings in force.", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Show the settings in force, where each comes from, secrets masked.

    Every row can be set in the environment or in a file named .env; the environment goes first, then .env, then the
    measured numbers in data/tuned.toml. What confidence is told by, the last rows, was learned from outcomes and is set by nothing else.
    """
    if context.invoked_subcommand is None:
        _print(load())


@command.command("why", short_help="What a measured number rests on.")
@click.argument("name")
def why(name: str) -> None:
    """Show what the number NAME rests on: its record, the notebook with its chart, commit, date, and the medians that were compared.

    NAME is batch_size, scan.batch_size or BOTCORE_SCAN_BATCH_SIZE.
    """
    settings, full = load(), _full(name)
    setting = next(one for one in settings.shown if one.name in (full, tuned.variable(full)))
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{full} is {setting.value or 'not known'}[/bold], from {_whence(setting, settings)}")
    entry = settings.tuned.get(full)
    if entry is not None:
        _explain(console, full, entry, settings)
    elif full in LEARNED:
        console.print(f"No outcome was learned from yet; {LEARNS} does that.")
    else:
        console.print(f"Nothing was measured for it yet; {setting.name} sets it.")


def _print(settings: Settings) -> None:
    table = Table("setting", "value", "from", box=None, pad_edge=False, header_style="bold")
    for row in settings.shown:
        table.add_row(row.name, row.value or "[dim]not set[/dim]", row.source)
    console = Console()
    console.print(table)
    if settings.keys is None:
        console.print("\nNo DMarket keys: commands that need the market start a sandbox market of their own.")


def _full(name: str) -> str:
    """The part and field that a person means."""
    spellings = {spelling: full for full in TUNABLE for spelling in (full, full.split(".")[1], tuned.variable(full).lower())}
    full = spellings.get(name.strip().lower())
    if full is None:
        near = get_close_matches(name.lower(), spellings, 1)
        raise ConfigError(f"{name!r} is no number that is measured" + (f": did you mean {near[0]}?" if near else f": choose one of {', '.join(TUNABLE)}"))
    return full


def _whence(setting: Setting, settings: Settings) -> str:
    return str(settings.tuned_file) if setting.source.startswith("tuned") else f"the {setting.source}" if setting.source == "environment" else setting.source


def _explain(console: Console, name: str, entry: Tuned, settings: Settings) -> None:
    path = tuned.record_of(settings.tuned_file, entry)
    record = read(path)
    lines = {
        "measured": f"{tuned.told(entry.value)}, on {entry.date}, at commit {entry.commit}",
        "because": entry.why,
        "chart": entry.source,
        "record": f"{path}",
        "ran": f"{record.run}, {len(record.samples)} samples, {record.work.sent:,} requests, {record.order}",
        "on": ", ".join(f"{what} {value}" for what, value in record.machine.items()),
    } | ({} if name in LEARNED else {"instead": f"{tuned.variable(name)} goes before it"})
    for what, text in lines.items():
        console.print(f"  {what:9} {text}", markup=False)
    console.print()
    console.print(_reliability(entry, record) if name in LEARNED else _medians(entry, record))


def _medians(entry: Tuned, record: RunRecord) -> Table:
    limits = [LIMIT] if all(LIMIT in row for row in record.samples) else []
    columns = [*([entry.per] if entry.per else []), entry.by, f"median {entry.of}", "half of the samples", *(f"median {name}" for name in limits)]
    table = Table(*columns, "samples", "refused", box=None, pad_edge=False, header_style="bold")
    for key, rows in _grouped(entry, record.samples):
        values = [float(row[entry.of]) for row in rows]
        low, high = spread(values)
        refused = sum(int(row.get("refused") or 0) for row in rows)
        within = [_number(median(float(row[name]) for row in rows)) for name in limits]
        table.add_row(*map(str, key), _number(median(values)), f"{_number(low)} to {_number(high)}", *within, str(len(values)), str(refused))
    return table


def _number(value: float) -> str:
    """Large ones whole, others with four digits."""
    return f"{value:,.0f}" if abs(value) >= LARGE else f"{value:.4g}"


def _reliability(entry: Tuned, record: RunRecord) -> Table:
    """What outcomes that were held out were told, beside what came of them."""
    table = Table(entry.per, "told", "came true", "outcomes", box=None, pad_edge=False, header_style="bold")
    groups: dict[Any, list[tuple[float, bool]]] = {}
    for row in record.samples:
        if all(row.get(name) == value for name, value in entry.where.items()) and row.get(entry.by) is not None:
            groups.setdefault(row[entry.per], []).append((row[entry.by], row[entry.of]))
    for exit_, judged in sorted(groups.items()):
        for one in reliability(judged):
            table.add_row(str(exit_), f"{100 * one.told:.0f} %", f"{100 * one.came_true:.0f} %", f"{one.count:,}")
    return table


def _grouped(entry: Tuned, samples: Iterable[dict[str, Any]]) -> list[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    """The samples that were compared, by what was varied, in the order in which it first appears when sorted."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in samples:
        if entry.by in row and all(row.get(name) == value for name, value in entry.where.items()):
            groups.setdefault(tuple(row.get(name) for name in (entry.per, entry.by) if name), []).append(row)
    return sorted(groups.items(), key=lambda group: [(isinstance(part, str), part) for part in group[0]])
