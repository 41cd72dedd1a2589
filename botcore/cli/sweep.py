"""``botcore sweep``: measure a question, and choose the numbers to use."""

from __future__ import annotations

import asyncio
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from botcore.errors import ConfigError
from botcore.perf.record import FOLDER, spread
from botcore.settings import load

if TYPE_CHECKING:
    from botcore.perf.sweep import Sweep
    from botcore.perf.tuning import Choice

__all__ = ["QUESTIONS", "command"]

QUESTIONS = {
    "batch": "items at a time: one by one, gathered, by workers, many a request",
    "pool": "connections, their kinds, and new ones",
    "bands": "price bands read at once, against the quota",
    "concurrency": "requests for evidence under way at once",
    "titles": "titles a quote request within a scan",
    "hits": "an answer from memory, Redis and the market",
    "stampede": "many who ask the same at once",
    "warming": "a scan after warming, and without",
    "forgetting": "forgetting by tag",
    "lifetimes": "how long to remember, over a simulated day",
    "before": "each thing that became faster against what it replaced",
}
"""What can be measured; how, stands in ``perf.questions``, which is slow to load."""


@click.command("sweep", short_help="Measure how options change it.", epilog="Nothing of it touches a real market: everything runs on sandbox markets.")
@click.argument("question", type=click.Choice(list(QUESTIONS)), metavar="QUESTION")
@click.option("--short", is_flag=True, help="Fewer points and repetitions: a minute or two.")
@click.option("--fresh", is_flag=True, help="Begin anew instead of going on where a stopped sweep was.")
@click.option("--save", is_flag=True, help="Write what was chosen to data/tuned.toml, for every command and the bot.")
def command(question: str, *, short: bool, fresh: bool, save: bool) -> int:
    """Measure QUESTION on sandbox markets, each option in random order and repeated, print medians, and write a record.

    \b
    batch        items at a time: one by one, gathered, workers, many a request
    pool         connections, their kinds, and new ones
    bands        price bands read at once, against the quota
    concurrency  requests for evidence under way at once
    titles       titles a quote request within a scan
    hits         an answer from memory, Redis and the market
    stampede     many who ask the same at once
    warming      a scan after warming, and without
    forgetting   forgetting by tag
    lifetimes    how long to remember, over a simulated day
    before       each thing that became faster, against what it replaced

    pool, bands, concurrency, titles and lifetimes choose numbers, and with --save they are in force from then on; `botcore
    config why` shows what it rests on. Ctrl-C stops; the same command goes on from there.
    """  # noqa: D301 - the mark that keeps click from wrapping is a real backspace
    error, out = Console(stderr=True, highlight=False), Console(highlight=False)
    try:
        swept = _measured(question, error, short=short, fresh=fresh)
    except KeyboardInterrupt:
        error.print(f"Stopped. What was measured is kept: the same command goes on from there, until {FOLDER} or the code changes.")
        return 130
    path = swept.save(FOLDER)
    out.print(_table(swept))
    out.print(f"\nrecord: {path}", style="dim", soft_wrap=True)
    for choice in _choices(question, swept):
        _decide(out, choice, path, f"botcore sweep {question}", save=save)
    return 0


def _measured(question: str, error: Console, *, short: bool, fresh: bool) -> Sweep:
    _check_polars()
    from botcore.perf import progress, questions  # noqa: PLC0415 - polars is slow to load, and may be missing

    asked = questions.QUESTIONS[question]
    error.print(asked.text, style="dim")

    async def measure(shown: Any) -> Sweep:
        return await asked.measure(wanted_short=short or None, folder=FOLDER, progress=shown, resume=not fresh)

    with progress.terminal(error) as shown:
        return asyncio.run(measure(shown))


def _choices(question: str, swept: Sweep) -> list[Choice]:
    from botcore.perf import questions  # noqa: PLC0415 - as above

    return questions.choices(question, swept.frame, load().value)


def _decide(out: Console, choice: Choice, record: Path, source: str, *, save: bool) -> None:
    from botcore.perf import tuning  # noqa: PLC0415 - as above

    out.print(f"\n[bold]{choice.name}: {choice.value}[/bold]", soft_wrap=True)
    out.print(choice.why, markup=False, soft_wrap=True)
    if not save or choice.value is None:
        return
    path = load().tuned_file
    out.print(f"{'written to' if tuning.save(choice, record, source, path=path) else 'already in'} {path}", style="dim", soft_wrap=True)


def _table(swept: Sweep) -> Table:
    """Medians and the middle half of each point."""
    plan, of = swept.plan, swept.plan.of
    names = [name for name in dict.fromkeys(name for point in plan.points for name in point) if name != "day"]
    groups: dict[tuple[Any, ...], list[float]] = {}
    for row in swept.samples:
        groups.setdefault(tuple(row.get(name) for name in names), []).append(float(row[of]))
    table = Table(*names, f"median {of}", "middle half", "samples", box=None, pad_edge=False, header_style="bold")
    for key, values in sorted(
        groups.items(), key=lambda group: [(isinstance(part, str), str(part)) if isinstance(part, str) else (False, part) for part in group[0]]
    ):
        low, high = spread(values)
        table.add_row(*map(str, key), f"{median(values):.4g}", f"{low:.4g} to {high:.4g}", str(len(values)))
    return table


def _check_polars() -> None:
    try:
        import polars  # noqa: F401, ICN001, PLC0415 - to say at once what is missing
    except ModuleNotFoundError:
        raise ConfigError("measuring needs the extra `lab`: pip install 'botcore[lab]'") from None
