"""Everything the bot can say, called for ordinary values and for the worst that a market or a person may send."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle, product
from typing import Any

import msgspec

from botcore.bot import messages
from botcore.bot.posts import Post
from botcore.client import Balance
from botcore.errors import MarketError
from botcore.model import Alert, AlertState, Change, Exit, Failure, Funnel, Game, Level, Opportunity, Quote, RequestCounts, Sale, ScanReport
from botcore.scan import GameFigures, ScanProgress, WatchFigures
from botcore.scan.evidence import Assessment
from botcore.scan.trace import Explanation, Way
from botcore.settings import Setting

from .weighed import CONFIDENCES, USUAL, WEIGHED

__all__ = [
    "AWFUL",
    "ENGINE",
    "FOUND",
    "KNIFE",
    "LIMITS",
    "NOW",
    "PROGRESS",
    "REPORT",
    "Said",
    "alerted",
    "changes",
    "errors_of",
    "everything",
    "explanations",
    "find",
    "progress",
    "report",
    "status",
]

Said = str | Post
NOW = 1_767_225_600.0
LIMITS = {"market": 10, "sales": 6, "fee": 20, "other": 20}
FOUND = Opportunity(
    offer_id="o1",
    asset_id="a1",
    title="AK-47 | Redline (Field-Tested)",
    phase="",
    game=Game.CSGO,
    price_cents=2000,
    exit=Exit.RELIST,
    exit_price_cents=2250,
    fee_cents=113,
    profit_cents=137,
    profit_percent=6.85,
    trade_lock_days=7,
    listed_at=datetime(2026, 1, 1, tzinfo=UTC),
    sales_30d=39,
    median_cents=2300,
    next_ask_cents=2251,
    days_to_sell=1.0,
    url="https://dmarket.com/ingame-items/item-list/csgo-skins?userOfferId=o1",
)
KNIFE = msgspec.structs.replace(
    FOUND,
    offer_id="o2",
    title="★ Flip Knife | Doppler (Factory New)",
    phase="phase-2",
    price_cents=36_000,
    exit=Exit.TARGET,
    exit_price_cents=40_279,
    fee_cents=1209,
    profit_cents=3070,
    profit_percent=8.53,
    trade_lock_days=0,
    next_ask_cents=None,
)
DROPPED = {"p2p": 301, "low": 3100, "too-good": 4, "thin": 200, "failed": 3, "muted": 10}
REPORT = ScanReport(
    "dmarket",
    Game.CSGO,
    Level.STANDARD,
    datetime(2026, 1, 1, tzinfo=UTC),
    seconds=12.34,
    listed=4120,
    funnel=Funnel(4120, 812, 95, 6, DROPPED),
    requests=RequestCounts(42, 12, 1, 31),
)
PROGRESS = ScanProgress(
    seconds=4.0, listed=1000, total=4000, listing=True, waiting=0, evidence=3, found=1, requests=RequestCounts(40, 12, 1, 8), funnel=Funnel(1000, 20, 5, 1)
)
AWFUL = (
    "",
    " \n\t ",
    "\x00\x1b[2J\u202e\u200b\u2066",
    "x" * 5000,
    "&" * 5000,
    '<b>&amp;</b><a href="tg://user?id=1">' * 200,
    "</code></b><!-- ",
    "\u05e9\u05dc\u05d5\u05dd " * 1200,
    "\u0627\u0644\u0633\u0644\u0627\u0645 <",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 900,
    "e" + "\u0301" * 5000,
    "{0} {title!r} {__class__} %s",
    "lone \ud800 half",
    "line\nbreak\r\nand\u2028more",
)


ALL = [(game, level) for game in Game for level in Level]
ENGINE = WatchFigures(
    seconds=60.0,
    seen=90,
    per_second=1.5,
    alerts=12,
    changes=3,
    gone=1,
    live=9,
    to_alert=(0.61, 1.44),
    waiting=2,
    requests={"newest": RequestCounts(60, 0, 0, 2)},
    used={"market": 0.624, "sales": 0.05, "other": 0.0},
    throttled=0,
    retries=0,
    games={Game.CSGO: GameFigures(1.25, 0.4, 150, 1200, 2, 0.5), Game.DOTA2: GameFigures(0.25, 2.0, 30, 300, 4, 0.1)},
    funnel=Funnel(),
    failures=[],
)


def alerted(found: Opportunity) -> Alert:
    return Alert(id=2**53, level=Level.ADVANCED, opportunity=found, seen_at=NOW, decided_at=NOW, queued_at=NOW)


def changes(found: Opportunity) -> Iterator[Change]:
    """What may become of an alert."""
    common: dict[str, Any] = {"alert": alerted(found), "offer_id": "o2", "at": NOW}
    yield Change(state=AlertState.GONE, price_cents=None, **common)
    yield Change(state=AlertState.SPOILED, price_cents=found.price_cents, **common)
    yield Change(state=AlertState.LIVE, price_cents=found.price_cents, opportunity=found, **common)
    for state, price in ((AlertState.CHEAPER, found.price_cents - 1), (AlertState.DEARER, found.price_cents + 1)):
        for now in (None, msgspec.structs.replace(found, price_cents=price)):
            yield Change(state=state, price_cents=price, opportunity=now, **common)


def explanations(found: Opportunity, weighed: Assessment) -> Iterator[Explanation]:
    """How an offer may fare, at each stage."""
    bare = Explanation(
        game=found.game,
        level=Level.STANDARD,
        offer_id=found.offer_id,
        title=found.title,
        verdict="gone",
        stage="",
        at=NOW,
        least_percent=5.0,
        most_percent=10.0,
    )
    yield bare
    way = Way(exit=found.exit, price_cents=2250, fee_cents=113, profit_cents=137, profit_percent=6.85, verdict="fits")
    figures: dict[str, Any] = {"orders": 10, "fitting": 3, "bid_cents": 2100, "sales_30d": 39, "median_cents": 2300, "next_ask_cents": 2251, "ways": (way, way)}
    quote = Quote(found.title, 2251, 12, 2100, 30)
    seen = msgspec.structs.replace(bare, phase=found.phase, price_cents=found.price_cents, quote=quote, affordable_cents=1990, best=found, **figures)
    yield msgspec.structs.replace(seen, verdict="found", stage="found", cheapest=True, found=found, assessment=weighed)
    yield msgspec.structs.replace(seen, verdict="thin", stage="listed", quote=Quote(found.title, 2251, 12, 0, 0), ways=())
    for verdict in ("low", "too-good", "thin", "no-exit"):
        yield msgspec.structs.replace(seen, verdict=verdict, stage="checked", assessment=weighed, most_percent=None)
    for verdict in ("price", "locked", "p2p", "own", "muted", "duplicate", found.title):
        yield msgspec.structs.replace(bare, verdict=verdict, stage="listed", price_cents=found.price_cents)


def find(**changes: Any) -> Opportunity:
    return msgspec.structs.replace(FOUND, **changes)


def report(**changes: Any) -> ScanReport:
    return msgspec.structs.replace(REPORT, **changes)


def progress(**changes: Any) -> ScanProgress:
    return msgspec.structs.replace(PROGRESS, **changes)


def status(**changes: Any) -> messages.Status:
    plain = messages.Status(
        market="https://api.dmarket.com",
        sandbox=False,
        sent={"market": 1234, "sales": 50, "fee": 0, "other": 90},
        recent={"market": 9.8, "sales": 3.0},
        limits=LIMITS,
        throttled=3,
        cache={"memory_hits": 900, "redis_hits": 30, "loads": 200},
        scans=12,
        last_scan=(Game.CSGO, Level.STANDARD, 190.0, 5),
        watches=4,
        levels=2,
        engine=ENGINE,
        gone=1,
        outbox=0,
        uptime=98_765.0,
        version="0.1.0",
    )
    return msgspec.structs.replace(plain, **changes)


def errors_of(kind: type[Exception] = MarketError) -> set[str]:
    """The names of an error and of all below it."""
    return {kind.__name__}.union(*(errors_of(below) for below in kind.__subclasses__()))


def everything(lang: str, *, sandbox: bool) -> Iterator[tuple[str, Said]]:
    """Each builder's name with what it gives, for every way it can go."""
    yield from short_answers(lang)
    for title in (FOUND.title, *AWFUL):
        yield from of_titles(lang, title, sandbox=sandbox)
        yield from of_words(lang, title)
        yield from of_finds(lang, title, sandbox=sandbox)
        yield from of_scans(lang, title, sandbox=sandbox)
    yield from of_progress(lang, sandbox=sandbox)
    yield from of_choices(lang, sandbox=sandbox)
    yield from of_state(lang, sandbox=sandbox)


def short_answers(lang: str) -> Iterator[tuple[str, Said]]:
    for name in SHORT:
        yield name, getattr(messages, name)(lang)


SHORT = (
    "foreign_button",
    "help_",
    "interrupted",
    "keys_refused",
    "market_away",
    "market_back",
    "mute_usage",
    "not_a_command",
    "nothing_runs",
    "old_button",
    "price_usage",
    "restarting",
    "stopping",
    "too_long",
    "unknown_command",
    "why_usage",
)


def of_words(lang: str, words: str) -> Iterator[tuple[str, Said]]:
    """Words of persons and of errors."""
    yield "start", messages.start(lang, name=words, game=Game.CSGO, level=Level.BOOST, sandbox=False)
    yield "wrong_scan", messages.wrong_scan(lang, words)
    yield "wrong_watch", messages.wrong_watch(lang, words)
    yield "why_unseen", messages.why_unseen(lang, words)
    yield "error", messages.error(lang, words)
    yield "owner_error", messages.owner_error(lang, error_id=words, kind=words, what=words)
    yield "scan_failed", messages.scan_failed(lang, words, words)
    yield "market_trouble", messages.market_trouble(lang, words, words)
    for kind in errors_of() | {"ScanFailed", "away", "error"}:
        yield "market_trouble", messages.market_trouble(lang, "a1b2c3", kind)
    yield "config", messages.config(lang, [Setting(words, words, words)] * 40, page=2)
    yield "status", messages.status(lang, status(market=words, version=words))


def of_titles(lang: str, title: str, *, sandbox: bool) -> Iterator[tuple[str, Said]]:
    for name in ("muted", "unmuted", "not_muted", "unwatched"):
        yield name, getattr(messages, name)(lang, title)
    yield "watching", messages.watching(lang, title=title, game=Game.DOTA2, level=Level.ADVANCED)
    for count in (0, 1, 200):
        titles = [(2**53 - number, Game.CSGO, Level.PRO, title) for number in range(count)]
        for pairs in ((), [(Game.RUST, Level.PRO)], ALL):
            for engine in (None, ENGINE):
                yield "watches", messages.watches(lang, pairs, titles, engine, gone=2)
        yield "mutes", messages.mutes(lang, [(Game.RUST, title)] * count)
    yield "alert_gone", messages.alert_gone(lang, title=title, price_cents=2000, sandbox=sandbox)
    for near in ([], [(Game.CSGO, FOUND.title), (Game.TF2, title)] * 9):
        yield "price_unknown", messages.price_unknown(lang, title=title, near=near)
    for quote in (None, Quote(title, 0, 0, 0, 0), Quote(title, 10**12, 10**9, 10**12, 10**9)):
        for sales in ([], [Sale(100, 1)], [Sale(10**12 + day, int(NOW) - day * 86_400, f"phase-{day % 3}") for day in range(200)]):
            caption = messages.price_caption(lang, title=title, game=Game.CSGO, quote=quote, sales=sales, now=NOW, sandbox=sandbox)
            yield "price_caption", caption


def of_finds(lang: str, title: str, *, sandbox: bool) -> Iterator[tuple[str, Said]]:
    market = "sandbox" if sandbox else "dmarket"
    finds = [
        find(title=title, phase=title),
        find(title=title, phase="phase-2", exit=Exit.TARGET, trade_lock_days=0, sales_30d=0, median_cents=None, next_ask_cents=None, days_to_sell=None),
        find(title=title, exit_price_cents=2200, median_cents=2200, url=f"https://dmarket.com/{title}"),
        find(title=title, exit_price_cents=2300, next_ask_cents=None, url="javascript:alert(1)"),
        find(title=title, price_cents=10**12, exit_price_cents=10**13, profit_cents=-(10**13), profit_percent=1e9, trade_lock_days=10**6, days_to_sell=1e6),
    ]
    for found in finds:
        yield "alert", messages.alert(lang, found=found, watch=2**53, sandbox=sandbox)
        for weighed, confidence in product(WEIGHED, CONFIDENCES):
            yield "alert", messages.alert(lang, found=found, watch=1, sandbox=sandbox, weighed=weighed, confidence=confidence)
            yield "level_alert", messages.level_alert(lang, alert=alerted(found), level=Level.PRO, sandbox=sandbox, weighed=weighed, confidence=confidence)
        for told, weighed in zip(explanations(found, USUAL), cycle(WEIGHED), strict=False):
            case = msgspec.structs.replace(told, assessment=told.assessment and weighed)
            yield "explained", messages.explained(lang, case, CONFIDENCES[1], sandbox=sandbox)
            yield "why", messages.why(lang, found=found, report=report(market=market), told=case, confidence=CONFIDENCES[-1])
        yield "level_alert", messages.level_alert(lang, alert=alerted(found), level=Level.BOOST, sandbox=sandbox)
        for change in changes(found):
            yield "level_alert_changed", messages.level_alert_changed(lang, change=change, sandbox=sandbox)
        yield "alert_changed", messages.alert_changed(lang, found=found, before_cents=1, watch=2**53, sandbox=sandbox)
        yield "alert_line", messages.alert_line(lang, found)
        for dropped in ({}, {f"unknown-{title}": 1, "gone": 2, **DROPPED}):
            yield "why", messages.why(lang, found=found, report=report(market=market, funnel=Funnel(9, 8, 7, 6, dropped)))
    lines = [messages.alert_line(lang, found) for found in finds]
    for count in (1, 3, 200):
        yield "digest", messages.digest(lang, (lines * 40)[:count], sandbox)
    rows: list[tuple[float, Opportunity]] = [(age, found) for age, found in zip((0.0, 59.9, 3601.0, 1e5, -5.0), finds, strict=True)]
    for game_rows in ([], rows, rows * 40):
        yield "top", messages.top(lang, game=Game.DOTA2, rows=game_rows, sandbox=sandbox)


REASONS = (
    None,
    "stopped",
    "stopped in the chat",
    "the deadline of 30 s passed",
    "the market refused the keys: 401",
    "no fee book for csgo, and no fee is ever assumed: no answer",
    "the listing was refused: 400",
    "more than a tenth of the requests for next ask failed, last with: no answer",
    "more than a tenth of the requests for listing and sales failed; what was found is incomplete",
)


def of_scans(lang: str, title: str, *, sandbox: bool) -> Iterator[tuple[str, Said]]:
    finds = [(place, find(title=title, phase=title)) for place in range(200)]
    whats = ("listing", "quotes", "targets", "sales", "next ask", "sale", "offer", "fees", "own offers", "own targets", title)
    failures = [Failure(what, error, 3) for what in whats for error in (*sorted(errors_of()), "EmptyPage", title)]
    common: dict[str, Any] = {"view": 2**53, "sandbox": sandbox}
    for reason in (*REASONS, title):
        broken = report(stopped=reason, funnel=Funnel(), requests=RequestCounts(), throttled=3, retries=4, failures=failures)
        yield "results", messages.results(lang, report=broken, finds=finds, page=0, said=reason, **common)
        yield "results", messages.results(lang, report=report(stopped=reason), finds=[], page=0, **common)
        yield "results", messages.results(lang, report=broken, finds=[], page=0, said=messages.interrupted(lang), **common)
    for place in range(0, len(failures), 5):
        yield "results", messages.results(lang, report=report(failures=failures[place : place + 5]), finds=finds, page=place, age=40.0, hidden=2, **common)
    astray = [(place, find(url="nowhere")) for place in range(3)]
    yield "results", messages.results(lang, report=REPORT, finds=astray, page=0, **common)
    known = report(cache={"memory_hits": 20, "redis_hits": 1}, funnel=Funnel(9, 8, 7, 6, {"gone": 3, "own": 2, "stopped": 1, title: 9}))
    yield "results", messages.results(lang, report=known, finds=[], page=-1, hidden=2, **common)
    yield "results", messages.results(lang, report=known, finds=[], page=99, **common)
    for reasons in (("duplicate", "price", "locked", "own"), ("no-exit", "stopped", "gone", "failed")):
        seen = report(funnel=Funnel(9, 0, 0, 0, dict.fromkeys(reasons, 1)))
        yield "results", messages.results(lang, report=seen, finds=[], page=0, **common)
    latest = [found for _, found in finds]
    shown: dict[str, Any] = {"game": Game.CSGO, "level": Level.PRO, "limits": LIMITS, "latest": latest, **common}
    yield "scanning", messages.scanning(lang, progress=PROGRESS, hidden=3, shared=True, resumed=True, **shown)


def of_progress(lang: str, *, sandbox: bool) -> Iterator[tuple[str, Said]]:
    for now in (
        None,
        progress(listed=0, total=0, requests=RequestCounts(), funnel=Funnel(), evidence=0, seconds=0.0),
        progress(listed=12_000, total=10_000),
        progress(listing=False, listed=4000, evidence=0),
        progress(listing=False, requests=RequestCounts(), evidence=0),
    ):
        for latest in ([], [FOUND, FOUND]):
            post = messages.scanning(lang, view=1, game=Game.TF2, level=Level.MEDIUM, progress=now, latest=latest, limits={"market": 10}, sandbox=sandbox)
            yield "scanning", post


def of_choices(lang: str, *, sandbox: bool) -> Iterator[tuple[str, Said]]:
    yield "choose_game", messages.choose_game(lang, "scan")
    yield "choose_game", messages.choose_game(lang, "set")
    yield "commands", "\n".join(f"{name} {meaning}" for name, meaning in messages.commands(lang))
    for game in Game:
        for pairs in ([(game, Level.PRO)], [(game, level) for level in Level], ALL):
            yield "watching_levels", messages.watching_levels(lang, pairs)
        for levels in ([Level.PRO], list(Level)):
            yield "unwatched_levels", messages.unwatched_levels(lang, game, levels)
        yield "choose_level", messages.choose_level(lang, "scan", game)
        yield "choose_level", messages.choose_level(lang, "set", game)
        for level in Level:
            yield "level", messages.level(lang, game=game, level=level)
            yield "start", messages.start(lang, name="Anna", game=game, level=level, sandbox=sandbox)
            yield "already_running", messages.already_running(lang, game, level)
            yield "interrupted_post", messages.interrupted_post(lang, game=game, level=level)


def of_state(lang: str, *, sandbox: bool) -> Iterator[tuple[str, Said]]:
    for number in (1, 2, 5, 21, 10**15, -(10**15)):
        yield "stranger", messages.stranger(lang, number)
        yield "group_moved", messages.group_moved(lang, number)
        yield "watch_full", messages.watch_full(lang, number)
        yield "balance", messages.balance(lang, balance=Balance(number, 1), sandbox=sandbox)
    yield "status", messages.status(lang, status(sandbox=sandbox))
    yield "status", messages.status(lang, status(sandbox=sandbox, levels=0, engine=None))
    yield "status", messages.status(lang, status(sandbox=sandbox, engine=msgspec.structs.replace(ENGINE, to_alert=None)))
    yield "status", messages.status(lang, status(sandbox=sandbox, last_scan=None, recent={}, sent={}, cache={}, limits={}, uptime=0.0))
    for rows in ([], [Setting("BOTCORE_POOL_KEEPALIVE", "", "default")] * 40, [Setting("BOTCORE_SCAN_BANDS", "4", "tuned by profiling_results/scan.json")]):
        for page in (-1, 0, 1, 99):
            yield "config", messages.config(lang, rows, page=page)
    yield "config", messages.config(lang, [Setting("REDIS_URL", "redis://h", "environment"), Setting("A", "1", ".env")], page=0)
