"""Assessments and explanations in English, for the terminal and for whoever reads JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from botcore.scan.confidence import Confidence
from botcore.scan.evidence import Assessment, Concern, Reason

__all__ = ["CONCERNS", "REASONS", "confidence_line", "evidence_line", "in_short", "reason"]

MINUTE, HOUR, DAY = 60, 3600, 86_400
CONCERNS: Mapping[Concern, str] = {
    Concern.THIN: "thin: few sales tell the price",
    Concern.PUMPED: "pumped: the price of the last days is far above the one before",
    Concern.STALE: "stale: for its pace the last sale was long ago",
    Concern.MIXED: "mixed phases: many sales do not tell which phase was sold",
    Concern.FALLING: "the price falls",
    Concern.SCATTERED: "prices scattered: the median says little",
    Concern.CROWDED: "crowded: many ask about the same price",
    Concern.SHALLOW: "shallow: one order for one piece stands behind the exit",
    Concern.FEE_ENDS: "the reduced fee ends about when the item would be sold",
}


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}" if count else f"no {one}"


def _span(seconds: int) -> str:
    """A time in its largest unit."""
    for size, one, many in ((DAY, "day", "days"), (HOUR, "hour", "hours"), (MINUTE, "minute", "minutes")):
        if seconds >= size:
            return _counted(seconds // size, one, many)
    return "less than a minute"


REASONS: Mapping[str, Callable[[Mapping[str, int]], str]] = {
    "sales": lambda told: f"{_counted(told['count'], 'sale', 'sales')} in 30 days",
    "no_sales": lambda _: "no sale in 30 days",
    "last_sale": lambda told: f"the last {_span(told['seconds'])} ago",
    "price_steady": lambda _: "price steady",
    "price_rising": lambda told: f"price rising by {told['percent']} % in 30 days",
    "price_falling": lambda told: f"price falling by {told['percent']} % in 30 days",
    "price_scattered": lambda told: f"prices scattered by {told['percent']} %",
    "spikes": lambda told: f"{_counted(told['count'], 'odd price', 'odd prices')} left out",
    "orders": lambda told: f"{_counted(told['count'], 'order', 'orders')} for {_counted(told['pieces'], 'piece', 'pieces')} at the exit",
    "asks_below": lambda told: f"{_counted(told['count'], 'ask', 'asks')} below the exit",
    "asks_near": lambda told: f"{told['count']:,} close above it",
    "lock": lambda told: f"trade lock {_counted(told['days'], 'day', 'days')}",
    "fee_until": lambda told: f"reduced fee until {datetime.fromtimestamp(told['at'], UTC):%Y-%m-%d %H:%M} UTC",
    **{f"concern_{name}": lambda _, text=text: text for name, text in CONCERNS.items()},  # type: ignore[misc]
}
_GROUPS = (("sales", "no_sales", "last_sale", "price_", "spikes"), ("orders", "asks_"), ("lock", "fee_"))


def reason(one: Reason) -> str:
    """A reason in words."""
    return REASONS[one.key](one.values)


def evidence_line(assessment: Assessment) -> str:
    """Its reasons in one line: ``12 sales in 30 days, the last 2 hours ago, price steady; 9 asks below the exit``."""
    groups = (", ".join(_of(assessment.reasons, group)) for group in _GROUPS)
    return "; ".join(text for text in groups if text)


def _of(reasons: Iterable[Reason], keys: tuple[str, ...]) -> Iterable[str]:
    return (reason(one) for one in reasons if one.key.startswith(keys))


def confidence_line(confidence: Confidence) -> str:
    """How sure it is, and by how many outcomes: ``confidence 0.83, from 2,000 outcomes``; no number before there are enough."""
    if confidence.chance is None:
        return f"confidence not yet known ({_counted(confidence.outcomes, 'outcome', 'outcomes')} so far)"
    return f"confidence {confidence.chance:.2f}, from {confidence.outcomes:,} outcomes"


def in_short(assessment: Assessment | None, confidence: Confidence | None) -> str:
    """How far a find can be trusted, where there is little room: ``sure 0.83, thin, pumped``."""
    if assessment is None or confidence is None:
        return "not weighed"
    sure = "confidence not yet known" if confidence.chance is None else f"sure {confidence.chance:.2f}"
    return ", ".join([sure, *assessment.concerns])
