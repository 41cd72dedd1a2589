"""What is noted of an offer when it is alerted or rejected, and what follows from a later look at it. Values in, values out; no clock.

Three looks tell whether it is still for sale, a last question whether its exit came. A look that comes late tells less: an offer
that is there was there all the time, of one that is gone nobody knows since when.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from botcore.fees import FeeBook
from botcore.model import Exit, Game, Level, Offer, Opportunity
from botcore.scan.confidence import Judged
from botcore.scan.evidence import AT_ONCE_DAYS, Assessment, expected_days
from botcore.scan.match import ANY, DAY, Evidence, decide, float_part
from botcore.store import Claim, Outcome

__all__ = ["FIRST", "LAST_STEP", "any_exit", "claim", "closed", "due_in", "judged", "looked", "sampled"]

FIRST = 30.0
"""Seconds from a claim to its first question."""
MOMENTS = {"there_30s": FIRST, "there_5min": 300.0, "there_1h": 3600.0}
LATE = 1.5
"""A look so many times later than its moment still tells of that moment that an offer was gone."""
LAST_STEP = len(MOMENTS)
"""The question about the exit."""


def claim(
    offer: Offer | Opportunity,
    found: Opportunity | None,
    *,
    level: Level,
    game: Game,
    at: float,
    reason: str = "",
    assessment: Assessment | None = None,
) -> Claim:
    """What is to be noted of an offer at ``at`` (unix seconds): ``found`` is its best exit, None when it has none; ``reason`` why it was rejected.

    Of an offer that is known as an opportunity alone, float and seed are unknown.
    """
    known = offer if isinstance(offer, Offer) else None
    exit_price, fee, profit = (found.exit_price_cents, found.fee_cents, found.profit_cents) if found else (0, 0, 0)
    return Claim(
        game=game,
        level=level,
        offer_id=offer.offer_id,
        title=offer.title,
        phase=offer.phase,
        price_cents=offer.price_cents,
        exit=found.exit if found else None,
        exit_price_cents=exit_price,
        fee_cents=fee,
        profit_cents=profit,
        lock_days=found.trade_lock_days if found else 0,
        noted_at=at,
        due_at=at + (due_in(found) if found else 0.0),
        float_part=float_part(known.float_value) if known else "",
        paint_seed=str(known.paint_seed) if known and known.paint_seed > 0 else "",
        reason=reason,
        score=assessment.score if assessment else None,
        features=assessment.features if assessment else {},
    )


def due_in(found: Opportunity) -> float:
    """Seconds within which the exit price is expected to occur."""
    return (expected_days(found) + (AT_ONCE_DAYS if found.exit is Exit.TARGET else 0.0)) * DAY


def any_exit(offer: Offer, evidence: Evidence, fees: FeeBook, now: float, game: Game) -> Opportunity | None:
    """The exit of an offer that leaves the most, be it little or a loss; None when there is none."""
    found = decide(offer, evidence, fees, ANY, now, game)
    return None if isinstance(found, str) else found


def sampled(offer_id: str, share: float) -> bool:
    """Whether a rejected offer is among the share (0 to 1) of those that are followed: always the same answer for an offer."""
    return int.from_bytes(blake2b(offer_id.encode("utf-8", "replace"), digest_size=4).digest()) < share * 2**32


def looked(before: Outcome, *, there: bool, now: float) -> Outcome:
    """The outcome after a look at the listing at ``now`` (unix seconds), with the next question set."""
    age = now - before.noted_at
    answers = {name: _answer(there, moment, age) for name, moment in list(MOMENTS.items())[before.step :]}
    left = [moment for moment in MOMENTS.values() if moment > age] if there else []
    step = LAST_STEP - len(left)
    return _next(msgspec.structs.replace(before, step=step, **answers), left)


def _answer(there: bool, moment: float, age: float) -> bool | None:
    if there:
        return True if age >= moment else None
    return False if age <= LATE * moment else None


def _next(after: Outcome, left: list[float]) -> Outcome:
    if after.exit is None and not left:
        return closed(after, came_true=None, earned_cents=None)
    return msgspec.structs.replace(after, next_at=after.noted_at + left[0] if left else max(after.due_at, after.noted_at + FIRST))


def closed(before: Outcome, *, came_true: bool | None, earned_cents: int | None) -> Outcome:
    """The outcome with its last question answered, None where nobody can tell."""
    return msgspec.structs.replace(before, step=LAST_STEP + 1, next_at=None, came_true=came_true, earned_cents=earned_cents)


def judged(outcomes: Iterable[Outcome]) -> list[Judged]:
    """Those of the outcomes that a calibration can learn from."""
    return [Judged(one.exit, one.score, one.came_true) for one in outcomes if one.exit is not None and one.score is not None and one.came_true is not None]
