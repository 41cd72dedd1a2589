"""Options of the commands that can be recorded and replayed, and what is said of a recording."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from botcore.client import Replay
from botcore.client.course import SECOND
from botcore.client.replay import FASTEST
from botcore.errors import RecordingError

__all__ = ["RECORD", "REPLAY", "SPEED", "asked_of", "began", "check", "recording_line"]

Asked = TypeVar("Asked")
_NAMES = {"dmarket": "DMarket", "sandbox": "a sandbox market, items and prices invented"}


class _Speed(click.ParamType[float]):
    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = FASTEST if value == "max" else float(str(value))
        except ValueError:
            number = math.nan
        if not number > 0:
            self.fail(f"{value!r} is neither a number above 0 nor max", param, ctx)
        return number


_FILE = click.Path(dir_okay=False, path_type=Path)
RECORD = click.option("--record", type=_FILE, default=None, help="Write all that is asked and answered to this new file, without keys, to be replayed.")
REPLAY = click.option("--replay", type=_FILE, default=None, help="Let a recording happen again, without keys and network; it says what was asked.")
SPEED = click.option("--speed", type=_Speed(), default=None, help="How much faster than it was recorded; max, the default, waits for nothing.")


def check(replay: Path | None, speed: float | None, others: dict[str, object]) -> None:
    """A recording says itself what was asked of whom."""
    if replay is None and speed is not None:
        raise click.UsageError("--speed is for a recording: name it with --replay")
    for name, value in others.items():
        if replay is not None and value:
            raise click.UsageError(f"--replay shows what was recorded: {name} cannot be chosen any more")


def asked_of(replay: Replay, what: str, kind: type[Asked]) -> list[Asked]:
    """What was asked when the recording was made by ``botcore`` ``what``; raises RecordingError where another command made it."""
    kept = [one[what] for one in replay.head.asked if what in one]
    if not kept:
        made = next((name for one in replay.head.asked for name in one), "something else")
        raise RecordingError(f"the recording {replay.tape.path} was made by {made}, not by {what}")
    try:
        return [msgspec.convert(one, kind) for one in kept]
    except msgspec.ValidationError as error:
        raise RecordingError(f"what the recording {replay.tape.path} asked for is not known to this botcore: {error}") from None


def began(replay: Replay) -> datetime:
    """When it was recorded."""
    return datetime.fromtimestamp(replay.head.began / SECOND, UTC)


def recording_line(replay: Replay) -> str:
    """Which recording it is, of which market, and whether it is whole."""
    market = _NAMES.get(replay.head.market, replay.head.market)
    line = f"Market: a recording of {market}, made {began(replay):%Y-%m-%d %H:%M} UTC by botcore {replay.head.version}, {replay.answers:,} answers."
    return line if replay.tape.whole else f"{line} It was cut off, and goes no further than that."
