"""Plants what a scan is for: offers priced under what they would bring, and their near misses.

Prices are worked back from an exit and a wished profit; whether a planted offer really is an
opportunity is for ``truth`` to say, which looks at the finished world.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botcore.model import Level
from botcore.sandbox.goods import float_part
from botcore.sandbox.truth import is_opportunity

if TYPE_CHECKING:
    from random import Random

    from botcore.sandbox.goods import Offer, Title
    from botcore.sandbox.world import GameMarket, World

__all__ = ["plant_deals", "plant_offer"]

DAY = 86_400
_MONTH = 30 * DAY
_THIN = 5
_TWINS = 0.6
_SMALL = 300
_LEAST_FINDS = 2
_TRIES = 40
_CHEAPEST = 20  # cents; under that no exit can reach a level


def plant_deals(world: World, market: GameMarket, rng: Random, *, exact_prices: bool) -> None:
    """Add near misses, boundary cases, too good offers and finds at every level, in proportion to its offers; two finds at least."""
    titles = [title for title in market.titles.values() if title.value >= _CHEAPEST]
    for level in Level:
        low, high = level.price_window
        fitting = [title for title in titles if low <= title.value * 1.02 and title.value * 0.8 <= high]
        if not fitting:
            continue  # a list of real prices may hold nothing near this level, and nothing is invented
        offers = market.count_priced(low, high)
        wanted = {"edge": 1 + offers // 4000, "joke": 1 + offers // 3000, "miss": max(2, offers // 700), "find": max(3, offers // 330)}
        if exact_prices:
            wanted = {"miss": 1, "find": max(2, offers // 100)}
        deck: list[Title] = []
        for wish, count in wanted.items():
            _plant(world, market, rng, (level, wish), (fitting, deck), count)
    if not exact_prices:
        _make_sure(world, market, rng, titles)


def _make_sure(world: World, market: GameMarket, rng: Random, titles: list[Title]) -> None:
    """In a small world one deal may spoil another's: where a level has under two finds, orders are added that make some."""
    for level in (*Level, *Level):
        low, high = level.price_window
        fitting = [title for title in titles if low <= title.value * 0.8 <= high] or titles
        for _ in range(_TRIES if market.count_priced(low, high) < _SMALL else 0):
            found = sum(
                is_opportunity(market, offer, level, world.clock()) for offer in market.offers.values() if not (offer.p2p or offer.locked or offer.mine)
            )
            if found >= _LEAST_FINDS:
                break
            title = rng.choice(fitting)
            price = max(low, min(high, round(title.value * rng.uniform(0.6, 0.8))))
            net = price * (100 + rng.uniform(level.profit_window[0] + 1, level.profit_window[1])) / 100
            phase = rng.choice(list(title.phases))
            world.add_order(title, round(net / (1 - float(market.levy.fraction))), 1, phase=phase)
            world.add_offer(title, price, created=world.start - 60, phase=phase)


def _plant(world: World, market: GameMarket, rng: Random, aim: tuple[Level, str], cards: tuple[list[Title], list[Title]], count: int) -> None:
    """Plant ``count`` offers of one wish; titles are dealt like cards, so that one deal seldom spoils another."""
    level, wish = aim
    fitting, deck = cards
    planted = 0
    for _ in range(count * 15):
        if planted == count:
            return
        if not deck:
            deck.extend(rng.sample(fitting, len(fitting)))
        title = deck.pop()
        placed = _edge(world, title, level, rng) if wish == "edge" else plant_offer(world, market, title, rng, _percent(level, wish, rng))
        if placed is None or (wish == "find" and not is_opportunity(market, placed, level, world.clock())):
            continue
        planted += 1
        # What a buy order takes may lie there several times.
        while wish == "find" and planted < count and rng.random() < _TWINS and _twin(world, market, level, placed):
            planted += 1


def _twin(world: World, market: GameMarket, level: Level, placed: Offer) -> bool:
    """A second piece like ``placed`` for the same buy order; it is taken back when it finds no exit of its own."""
    item = placed.item
    twin = world.add_offer(item.title, placed.price, created=placed.created / 1000 - 60, phase=item.phase, wear=item.wear, seed=item.seed)
    if is_opportunity(market, twin, level, world.clock()):
        return True
    world.drop(twin)
    return False


def _percent(level: Level, wish: str, rng: Random) -> float:
    low, high = level.profit_window
    if wish == "find":
        return rng.uniform(low + 0.1, high)
    if wish == "joke":
        return rng.uniform(high * 1.3, high * 3)
    return rng.choice((rng.uniform(low - 1.5, low), rng.uniform(high, high * 1.1)))


def plant_offer(world: World, market: GameMarket, title: Title, rng: Random, percent: float, *, age: float = DAY) -> Offer | None:
    """One offer of a title that leaves about ``percent`` profit at some exit, at most ``age`` seconds old.

    None when the title has no exit or the price lies in no level's window.
    """
    phase = rng.choice(list(title.phases))
    wear = rng.uniform(*title.wear_range) if title.wear_range else -1.0
    exits = [price for price in (_relist_price(world, market, title, phase), _bid(title, phase, wear)) if price]
    if not exits:
        return None
    exit_price = rng.choice(exits)
    net = exit_price - market.levy.fee(title.name, exit_price, world.clock())
    price = round(net / (1 + percent / 100))
    if not any(level.price_window[0] <= price <= level.price_window[1] for level in Level):
        return None
    created = round(world.clock() - rng.uniform(0, age), 3)
    return world.add_offer(title, price, created=created, phase=phase, wear=wear, seed=rng.randint(1, 1000) if wear >= 0 else 0)


def _edge(world: World, title: Title, level: Level, rng: Random) -> Offer | None:
    """An offer whose profit into a buy order is exactly the level's border, which is still within."""
    low, high = level.price_window
    border = rng.choice(level.profit_window)
    levy = world.games[title.game].levy
    base = max(low, min(high, round(title.value * rng.uniform(0.6, 0.7))))
    for price in range(max(low, base - 60), min(high, base + 60) + 1):
        if price * border % 100:
            continue
        wanted = price + price * border // 100
        guess = round(wanted / (1 - float(levy.fraction)))
        for bid in range(guess - 1, guess + 2):
            if bid - levy.fee(title.name, bid, world.clock()) == wanted and bid < title.value * 0.9:
                phase = rng.choice(list(title.phases))
                world.add_order(title, bid, 1, phase=phase)
                return world.add_offer(title, price, created=world.clock() - 600, phase=phase)
    return None


def _relist_price(world: World, market: GameMarket, title: Title, phase: str) -> int:
    asks = [offer.price for offer in market.offers_of(title) if offer.item.phase == phase and not (offer.p2p or offer.locked or offer.mine)]
    sales = sorted(sale.price for sale in title.sales if sale.phase == phase and sale.sold_at >= world.clock() - _MONTH)
    if len(sales) < _THIN:
        return 0
    median = sales[(len(sales) - 1) // 2]
    return min(min(asks) - 1, median) if asks else median


def _bid(title: Title, phase: str, wear: float) -> int:
    part = float_part(wear) if wear >= 0 else ""
    return max(
        (order.price for order in title.orders if not order.seed and not order.target and order.phase in ("", phase) and order.part in ("", part)), default=0
    )
