"""What is remembered, for how long, and what it depends on: one table.

Never remembered: balances, the account's own offers, targets and inventory, listings, and anything asked right before a
purchase. A listing is what a scan is for; an old one finds nothing new.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from botcore.errors import ConfigError
from botcore.fees import FeeBook
from botcore.model import Game, Level, Quote, Sale, ScanQuery, ScanReport, Target

__all__ = [
    "CacheOptions",
    "Policy",
    "Question",
    "Subject",
    "fee_book",
    "of_game",
    "of_level",
    "of_price",
    "of_subject",
    "of_title",
    "policies",
    "quote",
    "sales",
    "scan",
    "targets",
]


class Subject(StrEnum):
    """A kind of data."""

    FEES = "fees"
    QUOTES = "quotes"
    TARGETS = "targets"
    SALES = "sales"
    SCANS = "scans"


class CacheOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How long answers live, in seconds, and how much memory they may take.

    ``fees``, ``quotes``, ``targets``, ``sales`` and ``scans`` are how long an answer counts as fresh. Sales are given out up
    to ``sales_stale`` while they are renewed behind. ``empty`` is the most that an answer without rows is kept. ``jitter``
    is the part of a lifetime that chance may take off, so that what was asked together does not end together.
    ``memory_bytes`` and ``memory_entries`` bound the memory level. ``lock`` is how long a process that died may keep
    others from asking; ``timeout`` how long one call to Redis may take.
    """

    fees: float = 3600.0
    quotes: float = 15.0
    targets: float = 10.0
    sales: float = 600.0
    sales_stale: float = 3600.0
    scans: float = 60.0
    empty: float = 300.0
    jitter: float = 0.1
    memory_bytes: int = 64 * 1024 * 1024
    memory_entries: int = 1_000_000
    lock: float = 3.0
    timeout: float = 1.0

    def __post_init__(self) -> None:
        """Refuse lifetimes that mean nothing."""
        if min(self.fees, self.quotes, self.targets, self.sales, self.sales_stale, self.scans, self.empty) < 0:
            raise ConfigError("cache: a lifetime is 0 or more seconds; 0 remembers nothing")
        if not 0 <= self.jitter < 1:
            raise ConfigError(f"cache: jitter is {self.jitter:g}: choose a part of the lifetime from 0 up to, not including, 1")
        if self.memory_bytes < 1 or self.memory_entries < 1 or self.lock <= 0 or self.timeout <= 0:
            raise ConfigError("cache: memory_bytes, memory_entries, lock and timeout must be above 0")


class Policy(NamedTuple):
    """How one subject is remembered. ``kept`` is seconds until it is forgotten, stale or not; ``shape`` what its bytes decode to."""

    fresh: float
    kept: float
    empty: float
    shape: Any

    def lifetime(self, answer: object) -> tuple[float, float]:
        """Seconds fresh and seconds kept. An answer without rows is never given out stale, half a scan not at all."""
        if isinstance(answer, ScanReport) and answer.stopped is not None:
            return 0.0, 0.0
        if answer is None or answer == []:
            return min(self.fresh, self.empty), min(self.fresh, self.empty)
        return self.fresh, self.kept


def policies(options: CacheOptions) -> dict[Subject, Policy]:
    """The table. Fees change with hours, sales are history, quotes and targets move, and a scan ages as its offers are bought."""
    return {
        Subject.FEES: Policy(options.fees, options.fees, options.empty, FeeBook),
        Subject.QUOTES: Policy(options.quotes, options.quotes, options.empty, Quote | None),
        Subject.TARGETS: Policy(options.targets, options.targets, options.empty, list[Target]),
        Subject.SALES: Policy(options.sales, max(options.sales, options.sales_stale), options.empty, list[Sale]),
        Subject.SCANS: Policy(options.scans, options.scans, options.scans, ScanReport),
    }


class Question(NamedTuple):
    """What is asked: its subject, the name it is kept under, and the tags it goes with."""

    subject: Subject
    name: str
    tags: tuple[str, ...]


def of_subject(subject: Subject, game: Game) -> str:
    """The tag of all that is known of one subject in a game."""
    return f"{subject}/{game}"


def of_game(game: Game) -> tuple[str, ...]:
    """The tags of all that is known of a game."""
    return tuple(of_subject(subject, game) for subject in Subject)


def of_title(game: Game, title: str) -> str:
    """The tag of all that is known of a title."""
    return f"title/{game}/{title}"


def of_price(game: Game, title: str) -> tuple[str, ...]:
    """The tags of all that depends on a price of a title: its quote, its book and the game's scans. Its sales do not."""
    return (f"price/{game}/{title}", of_subject(Subject.SCANS, game))


def of_level(game: Game, level: Level) -> str:
    """The tag of the scans of a level."""
    return f"level/{game}/{level}"


def fee_book(game: Game) -> Question:
    """The account's fees in a game."""
    return Question(Subject.FEES, f"fees/{game}", (of_subject(Subject.FEES, game),))


def quote(game: Game, title: str) -> Question:
    """Best prices of a title; None where the market has none."""
    return Question(Subject.QUOTES, f"quotes/{game}/{title}", (of_subject(Subject.QUOTES, game), of_title(game, title), of_price(game, title)[0]))


def targets(game: Game, title: str) -> Question:
    """The buy orders of a title."""
    return Question(Subject.TARGETS, f"targets/{game}/{title}", (of_subject(Subject.TARGETS, game), of_title(game, title), of_price(game, title)[0]))


def sales(game: Game, title: str) -> Question:
    """The sales of a title in the last 30 days."""
    return Question(Subject.SALES, f"sales/{game}/{title}", (of_subject(Subject.SALES, game), of_title(game, title)))


def scan(query: ScanQuery) -> Question:
    """The report of a scan."""
    muted = blake2b(msgspec.json.encode(sorted(query.muted)), digest_size=6).hexdigest() if query.muted else "all"
    name = f"scans/{query.game}/{query.level}/{query.max_profit_percent}/{muted}" + (f"/{query.title}" if query.title else "")
    return Question(Subject.SCANS, name, (of_subject(Subject.SCANS, query.game), of_level(query.game, query.level)))
