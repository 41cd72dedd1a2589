"""The true opportunities of a world, by brute force: every rule of the trade written out once more, without any of the scanner's code."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING

from botcore.model import Exit, Level, Opportunity

if TYPE_CHECKING:
    from botcore.model import Game
    from botcore.sandbox.goods import Item, Offer, Title
    from botcore.sandbox.world import GameMarket, World

__all__ = ["exit_came", "is_opportunity", "opportunities_of", "true_opportunities"]

_DAY = 86_400
_MONTH = 30 * _DAY
_ENOUGH_SALES = 5
_PAGES = {"csgo": "csgo-skins", "dota2": "dota2-skins", "tf2": "tf2-skins", "rust": "rust-skins"}


def true_opportunities(world: World, game: Game, level: Level, *, max_profit: float | None = None, now: float | None = None) -> list[Opportunity]:
    """What a perfect scan would find now, best first. ``max_profit`` (percent) replaces the level's cap; ``inf`` lifts it."""
    market = world.games[game]
    at = world.clock() if now is None else now
    low, high = level.price_window
    least, most = (Fraction(border) for border in level.profit_window)
    cap: Fraction | None = most if max_profit is None else None if max_profit == float("inf") else Fraction(max_profit)
    found = []
    looked: dict[tuple[str, str], _Evidence] = {}
    for offer in market.offers.values():
        if offer.p2p or offer.locked or offer.mine or not low <= offer.price <= high:
            continue
        kind = (offer.item.title.name, offer.item.phase)
        evidence = looked.get(kind) or looked.setdefault(kind, _look(market, offer.item, at))
        best = _best_exit(market, offer, evidence, (least, cap), at)
        if best is not None:
            found.append(_tell(world, offer, evidence, best, at))
    return sorted(found, key=lambda one: one.order)


def is_opportunity(market: GameMarket, offer: Offer, level: Level, at: float) -> bool:
    """Whether an offer that can be bought is an opportunity at a level, at ``at`` unix seconds."""
    low, high = level.price_window
    least, most = (Fraction(border) for border in level.profit_window)
    return low <= offer.price <= high and _best_exit(market, offer, _look(market, offer.item, at), (least, most), at) is not None


def opportunities_of(market: GameMarket, title: Title, at: float) -> dict[int, Level]:
    """The offers of one title, by serial number, that are opportunities at ``at`` unix seconds, each with the first level at which it is one."""
    looked: dict[str, _Evidence] = {}
    best_bid = max((order.price for order in title.orders), default=0)
    found = {}
    for offer in market.offers_of(title):
        evidence = looked.get(offer.item.phase) or looked.setdefault(offer.item.phase, _look(market, offer.item, at))
        cheapest = bool(evidence.asks) and evidence.asks[0][1] == offer.serial
        if offer.p2p or offer.locked or offer.mine or not (cheapest or offer.price < best_bid):
            continue  # behind the cheapest ask and above every bid no exit leaves anything
        for level in Level:
            low, high = level.price_window
            least, most = (Fraction(border) for border in level.profit_window)
            if low <= offer.price <= high and _best_exit(market, offer, evidence, (least, most), at) is not None:
                found[offer.serial] = level
                break
    return found


def exit_came(world: World, found: Opportunity, item: Item, since: float) -> bool:
    """Whether the exit price of a find could be had from ``since`` (unix seconds) until now.

    Somebody paid it for one of its kind; or a buy order that takes the item paid it, or still offers to.
    """
    to_target = found.exit is Exit.TARGET
    sales = (sale for sale in item.title.sales if sale.sold_at >= since and sale.phase == item.phase and (sale.to_target or not to_target))
    standing = any(not order.target and order.price >= found.exit_price_cents and order.accepts(item) for order in item.title.orders)
    return any(sale.price >= found.exit_price_cents for sale in sales) or (to_target and standing and world.clock() >= since)


class _Evidence:
    """What is known of a kind: its two cheapest rivals ``(price, serial)`` and its sales of the month, cheapest first."""

    __slots__ = ("asks", "sales")

    def __init__(self, asks: list[tuple[int, int]], sales: list[int]) -> None:
        self.asks = asks
        self.sales = sales

    def next_ask(self, offer: Offer) -> int | None:
        """The cheapest other offer of the kind."""
        return next((price for price, serial in self.asks if serial != offer.serial), None)


def _look(market: GameMarket, item: Item, at: float) -> _Evidence:
    rivals = (market.offers[serial] for serial in item.title.serials)
    # What is p2p, reserved or the account's own does not compete.
    asks = sorted((rival.price, rival.serial) for rival in rivals if rival.item.phase == item.phase and not (rival.p2p or rival.locked or rival.mine))
    sales = sorted(sale.price for sale in item.title.sales if sale.phase == item.phase and sale.sold_at >= at - _MONTH)
    return _Evidence(asks[:2], sales)


def _best_exit(market: GameMarket, offer: Offer, evidence: _Evidence, window: tuple[Fraction, Fraction | None], at: float) -> tuple[int, Exit, int, int] | None:
    """(profit, exit, price, fee) of the better exit within the window; target wins a tie."""
    least, cap = window
    within = []
    for way, price, sold_at in _exits(offer, evidence, at):
        fee = market.levy.fee(offer.item.title.name, price, sold_at)
        profit = price - fee - offer.price
        percent = Fraction(100 * profit, offer.price)
        if percent >= least and (cap is None or percent <= cap):
            within.append((profit, way, price, fee))
    return max(within, key=lambda one: (one[0], one[1] is Exit.TARGET)) if within else None


def _exits(offer: Offer, evidence: _Evidence, at: float) -> list[tuple[Exit, int, float]]:
    """Each way out with its price in cents and the time of the sale."""
    ways = []
    bids = [order.price for order in offer.item.title.orders if not order.target and order.accepts(offer.item)]
    if bids:
        ways.append((Exit.TARGET, max(bids), at))
    if len(evidence.sales) >= _ENOUGH_SALES:
        ask = evidence.next_ask(offer)
        price = _median(evidence.sales) if ask is None else min(ask - 1, _median(evidence.sales))
        if price > 0:
            ways.append((Exit.RELIST, price, at + float(_days_to_sell(len(evidence.sales)) * _DAY)))
    return ways


def _median(prices: list[int]) -> int:
    return prices[(len(prices) - 1) // 2]


def _days_to_sell(sales: int) -> Fraction:
    return max(Fraction(1), Fraction(30, sales))


def _tell(world: World, offer: Offer, evidence: _Evidence, best: tuple[int, Exit, int, int], at: float) -> Opportunity:
    profit, way, price, fee = best
    item = offer.item
    sales = evidence.sales
    left = item.unlock - at
    return Opportunity(
        offer_id=world.offer_id(offer),
        asset_id=world.asset_id(item),
        title=item.title.name,
        phase=item.phase,
        game=item.title.game,
        price_cents=offer.price,
        exit=way,
        exit_price_cents=price,
        fee_cents=fee,
        profit_cents=profit,
        profit_percent=round(float(Fraction(100 * profit, offer.price)), 2),
        trade_lock_days=max(0, int(-(-left // _DAY))),
        listed_at=datetime.fromtimestamp(offer.created // 1000, UTC).replace(microsecond=offer.created % 1000 * 1000),
        sales_30d=len(sales),
        median_cents=_median(sales) if sales else None,
        next_ask_cents=evidence.next_ask(offer),
        days_to_sell=float(_days_to_sell(len(sales))) if sales else None,
        url=f"https://dmarket.com/ingame-items/item-list/{_PAGES[item.title.game]}?userOfferId={world.offer_id(offer)}",
    )
