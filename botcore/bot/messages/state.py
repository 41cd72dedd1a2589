"""The account, the bot's own state, and its settings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from botcore.bot import presses
from botcore.bot.messages import wording
from botcore.bot.messages.levels import figures
from botcore.bot.posts import Post
from botcore.bot.texts import Markup, clean, label, say
from botcore.model import Game, Level, RequestClass, dollars

if TYPE_CHECKING:
    from botcore.scan import WatchFigures
    from botcore.settings import Setting

__all__ = ["SETTINGS_A_PAGE", "Money", "Status", "balance", "config", "status"]

SETTINGS_A_PAGE = 15
NAME, VALUE, SOURCE = 60, 90, 90
"""Units of what stands in a row of the settings, so that a page fits into a message."""


class Money(Protocol):
    """The account's money, in cents, as ``botcore.client.Balance`` has it."""

    @property
    def usd_cents(self) -> int:
        """All of it."""

    @property
    def withdrawable_cents(self) -> int:
        """What can be withdrawn now."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How the bot is. Requests are by class: ``sent`` since the start, ``recent`` a second over the last ten, ``limits`` a second.

    ``throttled`` counts refusals by the quota, ``scans`` those made since the start, ``outbox`` messages that wait; ``last_scan`` is game,
    level, age in seconds and number of finds; ``levels`` is how many chats watch levels, ``engine`` how their watch does, ``gone`` the alerts
    that the outbox found gone; ``uptime`` is in seconds; ``cache`` is ``CacheCounts.flat()``.
    """

    market: str
    sandbox: bool
    sent: Mapping[str, int]
    recent: Mapping[str, float]
    limits: Mapping[str, int]
    throttled: int
    cache: Mapping[str, int]
    scans: int
    last_scan: tuple[Game, Level, float, int] | None
    watches: int
    levels: int
    engine: WatchFigures | None
    gone: int
    outbox: int
    uptime: float
    version: str


def balance(lang: str, *, balance: Money, sandbox: bool) -> Post:
    """How much money there is, and how much of it can be had."""
    held = balance.usd_cents - balance.withdrawable_cents
    text = wording.joined(
        say(lang, "balance", money=dollars(balance.usd_cents)),
        say(lang, "withdrawable", money=dollars(balance.withdrawable_cents)),
        say(lang, "protected", money=dollars(held)) if held > 0 else None,
        say(lang, "sandbox") if sandbox else None,
    )
    return Post(text)


def status(lang: str, status: Status) -> Post:
    """How the bot is, the market first."""
    text = wording.joined(
        say(lang, "status"),
        say(lang, "status_market", market=clean(status.market, 100)),
        say(lang, "sandbox") if status.sandbox else None,
        _last_scan(lang, status),
        say(lang, "status_scans", scans=status.scans, watches=status.watches),
        say(lang, "status_levels", count=status.levels),
        say(lang, "status_outbox", count=status.outbox),
        (" ", *figures(lang, status.engine, gone=status.gone)) if status.levels else None,
        " ",
        say(lang, "status_recent", rates=wording.rates(lang, _every(status), status.limits)),
        _sent(lang, status.sent),
        say(lang, "status_throttled", count=status.throttled),
        _cache(lang, status.cache),
        " ",
        say(lang, "status_uptime", span=wording.span(lang, status.uptime), version=clean(status.version, 40)),
    )
    return Post(text)


def _every(status: Status) -> dict[str, float]:
    """The rates of all classes that have a quota or were asked."""
    return {kind: status.recent.get(kind, 0.0) for kind in RequestClass if kind in status.limits or status.recent.get(kind)}


def _last_scan(lang: str, status: Status) -> Markup:
    if status.last_scan is None:
        return say(lang, "status_last_none")
    game, level, age, count = status.last_scan
    ago = label(lang, "ago", span=wording.span(lang, age))
    return say(lang, "status_last", game=wording.game_name(game), level=level, age=ago, count=count)


def _sent(lang: str, sent: Mapping[str, int]) -> Markup:
    requests = wording.requests(lang, sent)
    return say(lang, "status_sent", requests=requests) if requests else say(lang, "status_sent_none")


def _cache(lang: str, counts: Mapping[str, int]) -> Markup:
    memory, redis, loads = (counts.get(name, 0) for name in ("memory_hits", "redis_hits", "loads"))
    return say(lang, "status_cache", memory=memory, redis=redis, loads=loads) if memory or redis or loads else say(lang, "status_cache_none")


def config(lang: str, rows: Sequence[Setting], *, page: int) -> Post:
    """A page of the settings in force, each with where it comes from; a page that does not exist is the nearest that does."""
    count = max(1, -(-len(rows) // SETTINGS_A_PAGE))
    turn = wording.page_within(page, count)
    tuned = any(row.source.startswith("tuned") for row in rows)
    shown = rows[turn * SETTINGS_A_PAGE : (turn + 1) * SETTINGS_A_PAGE]
    text = wording.joined(
        say(lang, "config", page=turn + 1, pages=count),
        say(lang, "config_tuned" if tuned else "config_untuned"),
        " ",
        _settings(lang, shown) if rows else say(lang, "config_none"),
    )
    turns = wording.page_row(turn, count, presses.Settings)
    return Post(text, (turns,) if turns else ())


def _settings(lang: str, rows: Iterable[Setting]) -> Iterable[Markup]:
    for row in rows:
        value = clean(row.value, VALUE) or label(lang, "config_unset")
        source = wording.reason(lang, f"source_{row.source}", row.source, SOURCE)
        yield say(lang, "config_row", name=clean(row.name, NAME), value=value, source=source)
