"""How early alerts are and how far they can be trusted: on living sandbox markets, held against the markets' own account.

In real time against a market in a process of its own; an hour with time compressed; and the confidence of finds on worlds it
was not learned from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from math import ceil, inf
from statistics import median

import msgspec

from botcore.bench import calibration
from botcore.bench.account import Served
from botcore.bench.hour import MARKET as HOUR_MARKET
from botcore.bench.hour import Hour, hour
from botcore.bench.live import Live, live
from botcore.bench.told import Told
from botcore.perf.record import Measure, RunRecord, Work, dotted
from botcore.sandbox import MarketOptions
from botcore.scan import WatchFigures, WatchOptions

__all__ = ["run"]

NEW = 5.0
"""New offers a second in all four games; what is priced anew comes on top of them."""
LISTED = 0.4
"""How many of the churn's events list a new offer."""
MARKET = MarketOptions(size=20_000, churn=NEW / LISTED, latency=0.15, deals=0.2)
"""A fifth of what is listed newly is priced under what it would bring, so that there are alerts enough to count."""
LARGE = msgspec.structs.replace(MARKET, size=200_000)
"""The world in which requests are held against rescanning it; a real market has more."""
SECONDS = 150.0
LEARN = 100.0
"""Seconds in which a watch learns what was there before it, which the quota of sales allows no sooner."""
MINUTES = 60
SPEED = 8.0
"""How much faster the hour passes. Twice as fast, the two processes are busy for half of the time, and waits are those for the processor."""


def run(*, quick: bool, say: Callable[[str], None]) -> RunRecord:
    """Measure everything; ``quick`` takes one small world for a short time, a few minutes of the hour, and leaves out the large world and the calibration."""
    started = datetime.now(UTC)
    minutes = 4 if quick else MINUTES
    seeds = range(1, 2 if quick else 3)
    small = msgspec.structs.replace(MARKET, size=1_000) if quick else MARKET
    # First, while the process holds nothing that it could give back meanwhile.
    say(f"{minutes} minutes at {HOUR_MARKET.churn:g} events a second, {SPEED:g} times as fast")
    long = asyncio.run(hour(minutes=minutes, speed=SPEED, say=say))
    learn, seconds = (40.0, 40.0) if quick else (LEARN, SECONDS)
    runs = []
    for seed in seeds:
        say(f"alerts of a living market of {small.size:,} offers, {NEW:g} new ones a second, {seed} of {len(seeds)}")
        runs.append(asyncio.run(live(msgspec.structs.replace(small, seed=seed), learn=learn, seconds=seconds)))
    measures = [*_live_measures(runs), *_hour_measures(long, minutes)]
    samples: list[dict[str, object]] = [{"hour": _hour_told(long)}]
    samples += ({"live": _live_told(one)} for one in runs)
    if not quick:
        say(f"requests in a world of {LARGE.size:,} offers")
        large = asyncio.run(live(LARGE, learn=0.0, seconds=60.0))
        found, more = calibration.measures(quick=quick, say=say)
        measures += [_requests_measure(large), *found]
        samples += [{"large": _live_told(large)}, *more]
        runs.append(large)
    everything: list[Live | Hour] = [*runs, long]
    return RunRecord(
        question="bench-watch",
        run=dotted(run),
        started_at=started,
        work=sum((_work(one.served, one.told, one.figures) for one in everything), Work()),
        options={"watch": WatchOptions(), "seconds": seconds, "learn": learn, "minutes": minutes, "speed": SPEED},
        data={"market": "sandbox", "live": small, "large": LARGE, "hour": HOUR_MARKET, "seeds": list(seeds)},
        samples=samples,
        measures=measures,
    ).also(("sqlalchemy", "aiosqlite"))


# ---- measures --------------------------------------------------------------------------------------------------------


def _live_measures(runs: Sequence[Live]) -> list[Measure]:
    waits = [_waits(one.told) for one in runs]
    alerts = sum(len(one.told.alerts()) for one in runs)
    due = sum(len(one.told.due()) for one in runs)
    return [
        Measure.of("listed to alert queued, p50", [median(one) for one in waits], "seconds", "<= 1"),
        Measure.of("listed to alert queued, p95", [_p95(one) for one in waits], "seconds", "<= 2"),
        Measure.of(f"opportunities that lived over 10 s and were not told, of {due}", [_sum(len(one.told.missed()) for one in runs)], "offers", "<= 0"),
        Measure.of(
            f"alerts whose offer was gone or changed when sent, of {alerts}",
            [_sum(len(one.told.stale()) for one in runs) / max(1, alerts)],
            "of all",
            "<= 0.005",
        ),
        Measure.of(f"alerts that were no opportunity when sent, of {alerts}", [_sum(len(one.told.void()) for one in runs) / max(1, alerts)], "of all"),
        *_begun_measures([one.first for one in runs]),
        Measure.of("quota used at the market, of the class used most", [one.used() for one in runs], "of it", "<= 0.9"),
        Measure.of("the same in the busiest second", [one.served.busiest() for one in runs], "of it"),
        Measure.of("requests refused, all runs", [_sum(one.refused() for one in runs)], "requests", "<= 0"),
    ]


def _begun_measures(runs: Sequence[Told]) -> list[Measure]:
    """How it is before everything was learned that was there before; an offer that was missed lived over 10 s within that time."""
    due = sum(len(one.due()) for one in runs)
    return [
        Measure.of("while it still learns: listed to alert queued, p95", [_p95(_waits(one)) for one in runs], "seconds"),
        Measure.of(f"while it still learns: not told, of {due}", [_sum(len(one.missed()) for one in runs)], "offers"),
    ]


def _waits(told: Told) -> list[float]:
    return sorted(waited for _, waited in told.waits()) or [inf]


def _p95(waits: Sequence[float]) -> float:
    return waits[ceil(0.95 * len(waits)) - 1]


def _requests_measure(large: Live) -> Measure:
    name = f"all requests against rescanning {LARGE.size:,} offers as often as it looked for new ones"
    return Measure.of(name, [large.against_rescanning()], "ratio", "<= 0.01")


def _hour_measures(long: Hour, minutes: int) -> list[Measure]:
    return [
        Measure.of(f"{minutes} minutes, time compressed: memory at the end beyond that after a sixth", [long.grown()], "MB", "<= 10"),
        Measure.of("the same: middle time to alert of the last third against that of the second", [long.drift()], "ratio", "<= 1.1"),
    ]


def _sum(counts: Iterable[int]) -> float:
    return float(sum(counts))


# ---- what the record keeps -------------------------------------------------------------------------------------------


def _work(served: Served, told: Told, figures: WatchFigures) -> Work:
    return Work(served.counts, sum(served.refused.values()), served.bytes, offers=figures.funnel.listed, answers=len(told.heard))


def _told(told: Told) -> dict[str, object]:
    return {
        "waits": [round(waited, 3) for _, waited in told.waits()],
        "due": len(told.due()),
        "missed": told.missed(),
        "alerts": len(told.alerts()),
        "stale": len(told.stale()),
        "void": len(told.void()),
    }


def _live_told(one: Live) -> dict[str, object]:
    return _told(one.told) | {
        "seconds": one.seconds,
        "learned": one.learned,
        "first": _told(one.first),
        "served": one.served,
        "refused": one.refused(),
        "looks": one.looks,
        "pages": one.pages,
        "against_rescanning": one.against_rescanning(),
        "figures": one.figures,
    }


def _hour_told(long: Hour) -> dict[str, object]:
    return _told(long.told) | {"minutes": long.minutes, "thirds": long.thirds(), "served": long.served, "figures": long.figures}
