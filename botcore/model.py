"""The words of the trade, as frozen values. Money is integer US cents, always.

game         csgo, dota2, tf2 or rust; on the wire a8db, 9a92, tf2, rust
title        the exact Steam market name
offer        one item that somebody sells now
kind         what makes two offers interchangeable: (game, title, phase)
target       a standing buy order: price, amount and what it requires of the item
quote        best ask, best bid and their counts for a title, P2P left out
sale         one finished trade
level        a window of buy prices and a window of profit
exit         how the item would be sold again: ``target`` (at once) or ``relist`` (later)
opportunity  an offer with its best exit and what that leaves
funnel       how many offers entered and left each stage of a scan, and why the others were dropped
watch        a scan without an end: what is listed newly, and what becomes of what was told
alert        an opportunity that a watch told, with its times; a change says what became of it
quota        how many requests a second DMarket allows for a class of methods
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

from botcore.errors import ConfigError

__all__ = [
    "Alert",
    "AlertState",
    "Change",
    "Drift",
    "Exit",
    "Failure",
    "Funnel",
    "Game",
    "Kind",
    "Level",
    "Offer",
    "Opportunity",
    "OwnTarget",
    "Quote",
    "RequestClass",
    "RequestCounts",
    "Sale",
    "ScanQuery",
    "ScanReport",
    "Standing",
    "Target",
    "WatchQuery",
    "dollars",
    "normal_phase",
]


class Game(StrEnum):
    """A game, by the name people use. ``wire`` is DMarket's id of it."""

    CSGO = "csgo"
    DOTA2 = "dota2"
    TF2 = "tf2"
    RUST = "rust"

    @property
    def wire(self) -> str:
        """DMarket's id of the game."""
        return _WIRE[self]

    @classmethod
    def parse(cls, text: str) -> Game:
        """Read a game from a person's spelling; raises ConfigError with the choices."""
        found = _GAMES.get(text.strip().lower())
        if found is None:
            raise ConfigError(f"unknown game {text!r}: choose one of {', '.join(cls)}")
        return found


_WIRE = {Game.CSGO: "a8db", Game.DOTA2: "9a92", Game.TF2: "tf2", Game.RUST: "rust"}
_GAMES = {name: game for game, wire in _WIRE.items() for name in (game.value, wire)} | {"cs2": Game.CSGO}


class Level(StrEnum):
    """A trader's appetite: a window of buy prices and a window of profit, both inclusive."""

    BOOST = "boost"
    STANDARD = "standard"
    MEDIUM = "medium"
    ADVANCED = "advanced"
    PRO = "pro"

    @property
    def price_window(self) -> tuple[int, int]:
        """Lowest and highest buy price, in cents."""
        return _LEVELS[self][0]

    @property
    def profit_window(self) -> tuple[int, int]:
        """Lowest and highest profit, in percent of the buy price."""
        return _LEVELS[self][1]

    @classmethod
    def parse(cls, text: str) -> Level:
        """Read a level from a person's spelling; raises ConfigError with the choices."""
        try:
            return cls(text.strip().lower())
        except ValueError:
            raise ConfigError(f"unknown level {text!r}: choose one of {', '.join(cls)}") from None


_LEVELS = {
    Level.BOOST: ((50, 300), (1, 5)),
    Level.STANDARD: ((300, 1000), (5, 10)),
    Level.MEDIUM: ((1000, 3000), (5, 20)),
    Level.ADVANCED: ((3000, 10000), (10, 30)),
    Level.PRO: ((10000, 100000), (20, 100)),
}


class RequestClass(StrEnum):
    """The classes by which DMarket counts requests."""

    MARKET = "market"
    SALES = "sales"
    FEE = "fee"
    OTHER = "other"


class Exit(StrEnum):
    """How the item would be sold again."""

    TARGET = "target"
    RELIST = "relist"


_PHASES = {
    "phase1": "phase-1",
    "phase2": "phase-2",
    "phase3": "phase-3",
    "phase4": "phase-4",
    "blackpearl": "black-pearl",
    "unspecified": "",
    "none": "",
    "any": "",
}


def normal_phase(text: str | None) -> str:
    """One spelling for a phase: ``PHASE_TITLE_PHASE_2``, ``Phase 2`` and ``phase-2`` are all ``phase-2``; none is ``""``."""
    if not text:
        return ""
    bare = "".join(c for c in text.lower() if c.isalnum()).removeprefix("phasetitle")
    return _PHASES.get(bare, bare)


def dollars(cents: int) -> str:
    """Money where a person reads it: ``$12.34``."""
    return f"{'-' if cents < 0 else ''}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


Kind = tuple[str, str]
"""(title, phase): what makes two offers of one game interchangeable."""


class Offer(msgspec.Struct, frozen=True, gc=False):
    """One item that somebody sells now.

    ``float_value`` is the decimal text of the wire, empty when unknown; ``paint_seed`` is 0 when unknown.
    """

    offer_id: str
    asset_id: str
    title: str
    phase: str
    price_cents: int
    listed_at: datetime
    locked: bool
    p2p: bool
    unlock_at: datetime | None = None
    float_value: str = ""
    paint_seed: int = 0

    @property
    def kind(self) -> Kind:
        """What it is interchangeable with, within its game."""
        return (self.title, self.phase)


class Quote(msgspec.Struct, frozen=True, gc=False):
    """Best prices of a title, P2P left out. A price of 0 means that side is empty."""

    title: str
    best_ask_cents: int
    ask_count: int
    best_bid_cents: int
    bid_count: int


class Target(msgspec.Struct, frozen=True, gc=False):
    """Standing buy orders at one price with one set of requirements; an empty requirement accepts anything."""

    price_cents: int
    amount: int
    float_part: str = ""
    phase: str = ""
    paint_seed: str = ""


class OwnTarget(msgspec.Struct, frozen=True, gc=False):
    """A buy order of the account itself."""

    title: str
    target: Target
    active: bool


class Sale(msgspec.Struct, frozen=True, gc=False):
    """One finished trade; ``sold_at`` is unix seconds."""

    price_cents: int
    sold_at: int
    phase: str = ""
    to_target: bool = False


class Opportunity(msgspec.Struct, frozen=True):
    """An offer with its best exit and what that leaves. Cents and percent of the buy price."""

    offer_id: str
    asset_id: str
    title: str
    phase: str
    game: Game
    price_cents: int
    exit: Exit
    exit_price_cents: int
    fee_cents: int
    profit_cents: int
    profit_percent: float
    trade_lock_days: int
    listed_at: datetime
    sales_30d: int
    median_cents: int | None
    next_ask_cents: int | None
    days_to_sell: float | None
    url: str

    @property
    def order(self) -> tuple[int, Fraction, datetime, str]:
        """Sort key: more profit, then more percent, then older listing, then offer id."""
        return (-self.profit_cents, Fraction(-self.profit_cents, self.price_cents), self.listed_at, self.offer_id)


class ScanQuery(msgspec.Struct, frozen=True):
    """What to look for. ``max_profit_percent``: None keeps the level's cap, ``inf`` lifts it. ``title``: that title alone, spelled exactly."""

    game: Game
    level: Level
    max_profit_percent: float | None = None
    muted: frozenset[str] = frozenset()
    title: str = ""

    if TYPE_CHECKING:

        def __init__(
            self, game: Game | str, level: Level | str, max_profit_percent: float | None = None, muted: frozenset[str] = frozenset(), title: str = ""
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept the spellings of people and scripts."""
        msgspec.structs.force_setattr(self, "game", Game.parse(self.game))
        msgspec.structs.force_setattr(self, "level", Level.parse(self.level))


class WatchQuery(msgspec.Struct, frozen=True):
    """What to watch: the games at the levels. ``max_profit_percent`` and ``muted`` are those of ``ScanQuery``.

    ``door`` names who watches: an alert is told once at each door, so two watches of one door share the work.
    """

    games: tuple[Game, ...] = tuple(Game)
    levels: tuple[Level, ...] = tuple(Level)
    max_profit_percent: float | None = None
    muted: frozenset[str] = frozenset()
    door: str = "python"

    if TYPE_CHECKING:

        def __init__(
            self,
            games: Iterable[Game | str] = ...,
            levels: Iterable[Level | str] = ...,
            max_profit_percent: float | None = None,
            muted: frozenset[str] = frozenset(),
            door: str = "python",
        ) -> None: ...

    def __post_init__(self) -> None:
        """Accept the spellings of people and scripts, each game and level once, in the order of the model."""
        games, levels = {Game.parse(game) for game in self.games}, {Level.parse(level) for level in self.levels}
        if not games or not levels:
            raise ConfigError("a watch needs at least one game and one level")
        msgspec.structs.force_setattr(self, "games", tuple(game for game in Game if game in games))
        msgspec.structs.force_setattr(self, "levels", tuple(level for level in Level if level in levels))

    @property
    def price_window(self) -> tuple[int, int]:
        """Lowest and highest buy price of all levels, in cents; between levels that are no neighbours nothing is found."""
        windows = [level.price_window for level in self.levels]
        return min(low for low, _ in windows), max(high for _, high in windows)

    @property
    def scope(self) -> str:
        """The levels and the cap by name: watches that differ in it do not go on from each other's place."""
        cap = "" if self.max_profit_percent is None else f" {self.max_profit_percent:g}"
        return "+".join(self.levels) + cap

    def at(self, game: Game, level: Level) -> ScanQuery:
        """The query of a scan for one game and level of the watch."""
        return ScanQuery(game, level, self.max_profit_percent, self.muted)


class AlertState(StrEnum):
    """What became of an alert.

    ``live``: as it was told, be it under another offer id. ``cheaper`` and ``dearer``: it is listed at another price. ``spoiled``: listed at that price,
    and no exit within the window is left. ``gone``: it cannot be bought any more.
    """

    LIVE = "live"
    CHEAPER = "cheaper"
    DEARER = "dearer"
    SPOILED = "spoiled"
    GONE = "gone"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """An opportunity to be told at once. Times are unix seconds by the market's clock.

    ``id`` stays the same however often it is handed out. ``seen_at``: when the market's answer with the offer came;
    ``decided_at``: when it was found to be an opportunity, by answers no older than that; ``queued_at``: when it was put into
    the store, from when on it is not lost; ``sent_at``: when the door sent it, None before. ``again``: it may have
    been handed out before, by a watch that ended before it knew.
    """

    id: int
    level: Level
    opportunity: Opportunity
    seen_at: float
    decided_at: float
    queued_at: float
    sent_at: float | None = None
    again: bool = False

    @property
    def listed_at(self) -> float:
        """When the market says that it was listed."""
        return self.opportunity.listed_at.timestamp()


class Standing(msgspec.Struct):
    """An alert as it stands: what became of it, under which offer id and price it is listed now, and what its door knows.

    ``told`` is ``mark()`` of what the door was told last; None when it may not have the alert itself.
    """

    alert: Alert
    state: AlertState
    offer_now: str
    price_now: int
    told: str | None = None

    def mark(self) -> str:
        """What there is to tell, in a word by which it is known again."""
        return str(self.state) if self.state is AlertState.GONE else f"{self.state} {self.price_now} {self.offer_now}"

    @property
    def untold(self) -> bool:
        """Whether the door does not know the latest."""
        return self.told != self.mark()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an alert that was told.

    ``price_cents``: what it costs now, None when it is gone. ``offer_id``: under which it is listed now, since a new price may
    bring a new one. ``opportunity``: what it would bring at another price, None where that is nothing, or not known.
    """

    alert: Alert
    state: AlertState
    price_cents: int | None
    offer_id: str
    at: float
    opportunity: Opportunity | None = None


class Funnel(msgspec.Struct):
    """How many offers reached each stage, and why the others were dropped."""

    listed: int = 0
    quoted: int = 0
    checked: int = 0
    found: int = 0
    dropped: dict[str, int] = msgspec.field(default_factory=dict)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count offers that went no further."""
        if count:
            self.dropped[reason] = self.dropped.get(reason, 0) + count


class RequestCounts(msgspec.Struct):
    """Requests sent, by class."""

    market: int = 0
    sales: int = 0
    fee: int = 0
    other: int = 0


class Failure(msgspec.Struct, frozen=True):
    """What failed, with which error, how many times."""

    what: str
    error: str
    times: int


class Drift(msgspec.Struct, frozen=True):
    """A change of the market's answers of a kind: a dotted field that is ``unknown`` or ``missing``, how often it was seen."""

    answer: str
    field: str
    how: str
    times: int = 0


class ScanReport(msgspec.Struct):
    """What a scan did and cost. ``quota_bound_seconds`` is the least time its requests could have taken.

    ``stages`` counts what was asked at each stage, repetitions left out; ``stopped`` says why a scan ended early. ``drift`` is
    what has changed in the answers that were looked at, a few of each kind.
    """

    market: str
    game: Game
    level: Level
    started_at: datetime
    seconds: float = 0.0
    listed: int = 0
    funnel: Funnel = msgspec.field(default_factory=Funnel)
    requests: RequestCounts = msgspec.field(default_factory=RequestCounts)
    stages: dict[str, int] = msgspec.field(default_factory=dict)
    throttled: int = 0
    retries: int = 0
    quota_bound_seconds: float = 0.0
    first_find_seconds: float | None = None
    stopped: str | None = None
    cache: dict[str, int] = msgspec.field(default_factory=dict)
    failures: list[Failure] = msgspec.field(default_factory=list)
    drift: list[Drift] = msgspec.field(default_factory=list)
    opportunities: list[Opportunity] = msgspec.field(default_factory=list)
