"""Finds that were weighed, for what the bot says of them."""

from __future__ import annotations

import msgspec

from botcore.model import Exit
from botcore.scan.confidence import Confidence
from botcore.scan.evidence import Assessment, Book, Concern, Reason
from botcore.scan.sales import SalesStudy

__all__ = ["CONFIDENCES", "ODD", "USUAL", "WEIGHED"]

USUAL = Assessment(
    exit=Exit.RELIST,
    expected_cents=137,
    worst_cents=-135,
    days=9.5,
    lock_days=7,
    per_day_cents=14.42,
    lock_cost_cents=40.0,
    fee_cents=113,
    fee_until=None,
    sales=SalesStudy(count=12),
    book=Book(orders=0, pieces=0, asks_below=9, asks_near=0),
    concerns=(),
    reasons=(
        Reason("sales", {"count": 12}),
        Reason("last_sale", {"seconds": 7200}),
        Reason("price_steady"),
        Reason("asks_below", {"count": 9}),
        Reason("lock", {"days": 7}),
    ),
    features={},
    score=0.7,
)
ODD = msgspec.structs.replace(
    USUAL,
    exit=Exit.TARGET,
    worst_cents=None,
    days=0.0,
    concerns=tuple(Concern),
    reasons=(
        Reason("no_sales"),
        Reason("price_rising", {"percent": 63}),
        Reason("price_falling", {"percent": 12}),
        Reason("price_scattered", {"percent": 14}),
        Reason("spikes", {"count": 2}),
        Reason("orders", {"count": 1, "pieces": 1}),
        Reason("orders", {"count": 0, "pieces": 0}),
        Reason("asks_below", {"count": 0}),
        Reason("asks_near", {"count": 5}),
        Reason("fee_until", {"at": 1_767_225_600}),
        *(Reason(f"concern_{concern}") for concern in Concern),
    ),
)
WEIGHED = (USUAL, ODD)
CONFIDENCES = (None, Confidence(None, 0), Confidence(0.834, 2000))
