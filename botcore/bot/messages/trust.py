"""How far a find can be trusted, in words: its evidence, its worst case, how sure it is, and what is odd about its market. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime

from botcore.bot.messages import wording
from botcore.bot.texts import Markup, label, say
from botcore.model import dollars
from botcore.scan.confidence import Confidence
from botcore.scan.evidence import Assessment, Reason

__all__ = ["trust"]

_GROUPS = (("sales", "no_sales", "last_sale", "price_", "spikes"), ("orders", "asks_"), ("fee_",))


def trust(lang: str, weighed: Assessment, confidence: Confidence | None) -> Iterable[Markup]:
    """One line of evidence, one of money and confidence, and one of warnings where there are any."""
    yield Markup("; ".join(filter(None, (", ".join(_reasons(lang, weighed, group)) for group in _GROUPS))))
    if money := " · ".join(_money(lang, weighed, confidence)):
        yield Markup(money)
    if weighed.concerns:
        yield say(lang, "concerns", concerns=Markup(", ".join(say(lang, f"concern_{concern}") for concern in weighed.concerns)))


def _reasons(lang: str, weighed: Assessment, keys: tuple[str, ...]) -> Iterable[str]:
    return (_reason(lang, reason) for reason in weighed.reasons if reason.key.startswith(keys))


def _reason(lang: str, reason: Reason) -> Markup:
    """A reason with its numbers; a count of nothing has words of its own."""
    values: dict[str, object] = dict(reason.values)
    if "seconds" in values:
        values["span"] = wording.span(lang, reason.values["seconds"])
    if "at" in values:
        values["date"] = f"{datetime.fromtimestamp(reason.values['at'], UTC):%d.%m %H:%M} UTC"
    if reason.key == "orders":
        values["pieces"] = label(lang, "pieces", count=reason.values["pieces"])
    none = reason.values.get("count") == 0
    return say(lang, f"reason_{reason.key}{'_none' if none else ''}", **values)


def _money(lang: str, weighed: Assessment, confidence: Confidence | None) -> Iterable[Markup]:
    worst = weighed.worst_cents
    if weighed.orders_known:
        yield say(lang, "worst_none") if worst is None else say(lang, "worst", money=dollars(worst))
    if weighed.days > 1:
        days = label(lang, "days", count=math.ceil(weighed.days))
        yield say(lang, "per_day", money=dollars(round(weighed.per_day_cents)), days=days)
    if confidence is not None:
        known = confidence.chance is not None
        yield say(lang, "sure" if known else "sure_not_yet", percent=round(100 * (confidence.chance or 0.0)), count=confidence.outcomes)
