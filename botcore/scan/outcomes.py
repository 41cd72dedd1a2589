"""Asks what became of offers that were alerted or rejected, with what is left of the quota, and keeps score.

What is due stands in the store, so that it goes on where it was after any end. One request is under way at a time, and each takes
the last turn: give the client of a ``PartQuota``, and everything together stays within that part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from http import HTTPStatus

import msgspec

from botcore.client import DMarketClient, Priority
from botcore.errors import MarketError, Refused, Unauthorized
from botcore.fees import FeeBook
from botcore.model import Exit, Game, OwnTarget, Sale, Target
from botcore.scan.bands import PAGE
from botcore.scan.claims import FIRST, LAST_STEP, closed, looked
from botcore.scan.match import DAY, foreign
from botcore.store import Claim, Outcome, Outcomes

__all__ = ["Asked", "Asker"]

WARM = Priority.WARM
AT_ONCE = 100
"""Outcomes of a round."""
AGAIN = 300.0
"""Seconds until what could not be asked is asked again."""
GIVEN_UP = 7 * DAY
"""Seconds past its time after which an outcome that still cannot be had is left unknown."""
STANDING = 3600.0
"""Seconds past its time up to which an order that stands tells that it stood then."""
FEES_KEPT = 3600.0
SALES_PAGE = 20
MOST_PAGES = 50
WAIT = 5.0
"""Seconds at most until the store is asked again what is due, since new claims come from elsewhere."""
SHORTEST = 0.1


class Asked(msgspec.Struct):
    """What a round did: outcomes looked at, of them closed, and put off because the market did not answer."""

    looked: int = 0
    closed: int = 0
    postponed: int = 0


class Asker:
    """Fills in the outcomes of one market. ``now`` is unix seconds by the market's clock, and is given with every round."""

    def __init__(self, client: DMarketClient, outcomes: Outcomes) -> None:
        self._client = client
        self._outcomes = outcomes
        self._fees: dict[Game, tuple[float, FeeBook]] = {}

    async def note(self, claims: Iterable[Claim]) -> int:
        """Note claims, to be followed up; an offer at a price is noted once. Gives how many were new. Raises StoreError."""
        return await self._outcomes.note(claims, first=FIRST)

    async def round(self, now: float) -> float:
        """Ask what is due at ``now``, and give the seconds until there is more to ask. Raises as ``ask`` does."""
        asked = await self.ask(now)
        if asked.looked + asked.postponed:
            return 0.0
        due = await self._outcomes.next_at()
        return WAIT if due is None else max(SHORTEST, min(WAIT, due - now))

    async def ask(self, now: float, limit: int = AT_ONCE) -> Asked:
        """Ask what is due at ``now``, the longest waiting first; what is learned is stored title by title.

        A title of which the market does not answer waits. Raises StoreError, and Unauthorized when the keys are refused.
        """
        asked = Asked()
        own: dict[Game, list[OwnTarget]] = {}
        for (game, title, last), waiting in _by_title(await self._outcomes.due(now, limit)).items():
            try:
                answers = await (self._ends(game, title, waiting, now, own) if last else self._looks(game, title, waiting, now))
            except Unauthorized:
                raise
            except MarketError:
                await self._put_off(waiting, now, asked)
            else:
                for before, after in zip(waiting, answers, strict=True):
                    asked.looked += await self._outcomes.answer(before, after)
                    asked.closed += after.next_at is None
        return asked

    async def _put_off(self, waiting: Sequence[Outcome], now: float, asked: Asked) -> None:
        later = [one for one in waiting if now < one.due_at + GIVEN_UP]
        await self._outcomes.postpone(later, now + AGAIN)
        asked.postponed += len(later)
        for one in waiting:
            if one not in later:
                await self._outcomes.answer(one, closed(one, came_true=None, earned_cents=None))
                asked.closed += 1

    # ---- still for sale? ---------------------------------------------------------------------------------------------

    async def _looks(self, game: Game, title: str, waiting: Sequence[Outcome], now: float) -> list[Outcome]:
        prices = [one.price_cents for one in waiting]
        listed: dict[str, int] = {}
        async for page in self._client.offers(
            game, title=title, price_from=min(prices), price_to=max(prices), order_by="price", descending=False, limit=PAGE, priority=WARM
        ):
            listed |= {offer.offer_id: offer.price_cents for offer in page.offers if offer.title == title}
        return [looked(one, there=listed.get(one.offer_id) == one.price_cents, now=now) for one in waiting]

    # ---- did its exit come? ------------------------------------------------------------------------------------------

    async def _ends(self, game: Game, title: str, waiting: Sequence[Outcome], now: float, own: dict[Game, list[OwnTarget]]) -> list[Outcome]:
        fees = await self._fee_book(game, now)
        sales = await self._sales(game, title, min(map(_since, waiting)))
        targets = await self._targets(game, title, own)
        return [_end(one, sales, [target for target in targets if _takes(target, one)], fees, now) for one in waiting]

    async def _fee_book(self, game: Game, now: float) -> FeeBook:
        kept = self._fees.get(game)
        if kept is None or not kept[0] <= now < kept[0] + FEES_KEPT:
            kept = self._fees[game] = (now, await self._client.fee_book(game, priority=WARM))
        return kept[1]

    async def _sales(self, game: Game, title: str, since: float) -> list[Sale]:
        """The sales of a title since then. The market gives the newest first."""
        sales: list[Sale] = []
        for number in range(MOST_PAGES):
            page = await self._client.sales_page(game, title, offset=number * SALES_PAGE, limit=SALES_PAGE, priority=WARM)
            sales += page.sales
            if len(page.sales) + page.broken < SALES_PAGE or min((sale.sold_at for sale in page.sales), default=since) < since:
                break
        return sales

    async def _targets(self, game: Game, title: str, own: dict[Game, list[OwnTarget]]) -> list[Target]:
        """The orders of others; none for a title that the market's path cannot say."""
        if game not in own:
            own[game] = await self._client.own_targets(game, priority=WARM)
        try:
            return foreign(title, await self._client.targets(game, title, priority=WARM), own[game])
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return []
            raise


def _by_title(due: Iterable[Outcome]) -> dict[tuple[Game, str, bool], list[Outcome]]:
    """What one request can answer together, in the order of waiting."""
    groups: dict[tuple[Game, str, bool], list[Outcome]] = defaultdict(list)
    for one in due:
        groups[one.game, one.title, one.step >= LAST_STEP].append(one)
    return groups


def _since(outcome: Outcome) -> float:
    """From when on the item could have been sold."""
    return outcome.noted_at + outcome.lock_days * DAY


def _takes(target: Target, outcome: Outcome) -> bool:
    wanted = ((target.phase, outcome.phase), (target.paint_seed, outcome.paint_seed), (target.float_part, outcome.float_part))
    return all(asked in ("", has) for asked, has in wanted)


def _end(outcome: Outcome, sales: Iterable[Sale], bids: Sequence[Target], fees: FeeBook, now: float) -> Outcome:
    """Whether the exit price occurred in time, and what the offer would have left."""
    paid = [sale.sold_at for sale in sales if _pays(sale, outcome)]
    best = max((bid.price_cents for bid in bids), default=None)
    in_time = now <= outcome.due_at + STANDING
    if outcome.exit is Exit.TARGET and best is not None and best >= outcome.exit_price_cents and in_time:
        paid.append(int(now))
    if paid:
        return closed(outcome, came_true=True, earned_cents=_left(outcome, outcome.exit_price_cents, fees, min(paid)))
    earned = None if best is None else _left(outcome, best, fees, now)
    unknown = outcome.exit is Exit.TARGET and not in_time
    return closed(outcome, came_true=None if unknown else False, earned_cents=earned)


def _pays(sale: Sale, outcome: Outcome) -> bool:
    in_time = _since(outcome) <= sale.sold_at <= outcome.due_at
    at_once = sale.to_target or outcome.exit is not Exit.TARGET
    return in_time and at_once and sale.phase == outcome.phase and sale.price_cents >= outcome.exit_price_cents


def _left(outcome: Outcome, price: int, fees: FeeBook, at: float) -> int:
    return price - fees.fee(outcome.title, price, at) - outcome.price_cents
