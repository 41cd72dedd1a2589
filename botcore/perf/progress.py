"""Where a measurement stands, shown to whoever waits: in a terminal a bar, in a notebook one line that is replaced."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from botcore.perf.sweep import Progress

__all__ = ["notebook", "terminal"]

_OFTEN = 0.2
"""Seconds between two changes of a notebook's line."""


@contextmanager
def terminal(console: Console) -> Iterator[Progress]:
    """A bar that goes when the block ends; without a terminal nothing."""
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("")

        def show(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, description=text)

        yield show


def notebook(clock: Callable[[], float] = time.monotonic) -> Progress:
    """A line under the cell, replaced as the measurement goes on; what stays is how many samples were taken. Outside of a notebook nothing."""
    handle: list[Any] = []
    shown = [-_OFTEN]

    def show(done: int, total: int, text: str) -> None:
        if done < total and clock() - shown[0] < _OFTEN:
            return
        shown[0] = clock()
        line = f"{total} samples" if done == total else f"{done} of {total}: {text}"
        if handle:
            handle[0].update(_Line(line))
        elif (made := _displayed(_Line(line))) is not None:
            handle.append(made)

    return show


def _displayed(line: _Line) -> Any:
    """The handle of a line that can be replaced; None where nothing could show it."""
    try:
        from IPython import get_ipython  # noqa: PLC0415 - only notebooks have it
        from IPython.display import display  # noqa: PLC0415 - same
    except ModuleNotFoundError:
        return None
    return None if get_ipython() is None else display(line, display_id=True)


class _Line:
    """One line, as text and as HTML."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return f"<small>{escape(self._text)}</small>"
