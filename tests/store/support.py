"""Things to store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from botcore.model import Exit, Failure, Funnel, Game, Level, Opportunity, Quote, RequestCounts, Sale, ScanReport
from botcore.store import PricePoint

NOW = 1_790_000_000.0
DAY = 86_400
TITLE = "AK-47 | Redline (Field-Tested)"
PASSWORD = "s3cret-Passw0rd"
FIRST = datetime(2026, 9, 21, 12, 0, 0, 250_000, tzinfo=UTC)


def opportunity(number: int = 1, **other) -> Opportunity:
    values = {
        "offer_id": f"offer-{number}",
        "asset_id": f"asset-{number}",
        "title": TITLE,
        "phase": "",
        "game": Game.CSGO,
        "price_cents": 500 + number,
        "exit": Exit.RELIST,
        "exit_price_cents": 600,
        "fee_cents": 30,
        "profit_cents": 70 - number,
        "profit_percent": 13.97,
        "trade_lock_days": 7,
        "listed_at": datetime(2026, 9, 1, tzinfo=UTC),
        "sales_30d": 40,
        "median_cents": None,
        "next_ask_cents": 601,
        "days_to_sell": 1.5,
        "url": f"https://dmarket.com/{number}",
    }
    return Opportunity(**{**values, **other})


def report(found: int = 2, number: int = 0, **other) -> ScanReport:
    values = {
        "market": "sandbox",
        "game": Game.CSGO,
        "level": Level.STANDARD,
        "started_at": FIRST + timedelta(seconds=number),
        "seconds": 12.5,
        "listed": 1000,
        "funnel": Funnel(1000, 50, 20, found, {"low": 30}),
        "requests": RequestCounts(11, 5, 1, 2),
        "failures": [Failure("sales", "NoAnswer", 2)],
        "opportunities": [opportunity(one) for one in range(1, found + 1)],
    }
    return ScanReport(**{**values, **other})


def point(at: float = NOW, title: str = TITLE, ask: int = 600, **other) -> PricePoint:
    return PricePoint(Game.CSGO, at, Quote(title, ask, 10, 550, 3), **other)


def sale(second: float = NOW, price: int = 590, **other) -> Sale:
    return Sale(price, int(second), **other)
