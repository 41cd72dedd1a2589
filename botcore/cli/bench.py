"""``botcore bench``: measure, judge, and write a record."""

from __future__ import annotations

import sys

import click
import msgspec
from rich.console import Console
from rich.table import Table

from botcore.bench import bot, cache, scan, store, watch
from botcore.perf.record import FOLDER, RunRecord, write

__all__ = ["command"]

BENCHES = {"scan": scan.run, "cache": cache.run, "store": store.run, "bot": bot.run, "watch": watch.run}


@click.command("bench", short_help="Measure against the sandbox market.")
@click.argument("name", type=click.Choice(list(BENCHES)), default="scan")
@click.option("--quick", is_flag=True, help="Under a minute: fewer measures, one repetition.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else on standard output.")
def command(name: str, *, quick: bool, as_json: bool) -> int:
    """Run the bench NAME, print each measure beside what it must reach, and write its record to profiling_results/.

    Exits with 1 when a measure does not hold.
    """
    error = Console(stderr=True)
    record = BENCHES[name](quick=quick, say=lambda text: error.print(f"measuring {text}", highlight=False, style="dim"))
    try:
        path = str(write(record, FOLDER))
    except OSError as failure:
        error.print(f"botcore: no record was written to {FOLDER}: {failure.strerror}", style="red")
        path = ""
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(_document(record, path)), indent=2).decode() + "\n")
    else:
        _print(record, path)
    return 0 if path and all(measure.holds for measure in record.measures) else 1


def _document(record: RunRecord, path: str) -> dict[str, object]:
    fields = ("name", "value", "unit", "must", "holds")
    return {
        "bench": record.question.removeprefix("bench-"),
        "measures": [{name: getattr(measure, name) for name in fields} for measure in record.measures],
        "record": path,
    }


def _print(record: RunRecord, path: str) -> None:
    table = Table("measure", "value", "unit", "must be", "", box=None, pad_edge=False, header_style="bold")
    for measure in record.measures:
        table.add_row(measure.name, f"{measure.value:.4g}", measure.unit, measure.must, "[green]holds[/green]" if measure.holds else "[red]does not hold[/red]")
    console = Console()
    console.print(table)
    console.print(f"record: {path}", highlight=False, style="dim")
