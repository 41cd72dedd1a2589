"""Ctrl-C and a polite kill: the first one stops what runs, a second one the program."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["stopped_by"]

STOPPERS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


@contextmanager
def stopped_by(interrupt: Callable[[str], None]) -> Iterator[list[signal.Signals]]:
    """Have ``interrupt`` called with the reason when a signal comes; gives the signals that came. A second of the same kind ends the program."""
    came: list[signal.Signals] = []
    loop = asyncio.get_running_loop()

    def by(number: signal.Signals) -> None:
        came.append(number)
        loop.remove_signal_handler(number)
        interrupt(f"stopped by {STOPPERS[number]}")

    try:
        for number in STOPPERS:
            loop.add_signal_handler(number, by, number)
    except NotImplementedError:  # Windows: Ctrl-C ends the program there
        yield came
        return
    try:
        yield came
    finally:
        for number in STOPPERS:
            loop.remove_signal_handler(number)
