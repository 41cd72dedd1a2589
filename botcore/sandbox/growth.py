"""Grows a whole market from a seed: titles, offers piled up at the low end with a long tail, orders, sales, fees, the account.

The same seed, size and start time give the same world. The finds in it come from ``deals``.
"""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING, Any

from botcore.model import Game
from botcore.sandbox.catalogue import titles_of
from botcore.sandbox.deals import plant_deals
from botcore.sandbox.goods import Order, Title
from botcore.sandbox.history import chance, grow_orders, grow_sales
from botcore.sandbox.levy import Levy, Reduction
from botcore.sandbox.moods import draw_mood, price_factor, reshape
from botcore.sandbox.prices import listed_prices
from botcore.sandbox.world import GameMarket, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from botcore.sandbox.prices import ListedPrice

__all__ = ["grow_item", "grow_ladder", "grow_world"]

SHARES = {Game.CSGO: 0.50, Game.DOTA2: 0.20, Game.TF2: 0.125, Game.RUST: 0.175}
DAY = 86_400

# Value range in cents, share of the titles, share of the offers: cheap titles have many offers.
_BANDS = (
    (4, 50, 0.12, 0.17),
    (50, 300, 0.30, 0.52),
    (300, 1000, 0.22, 0.14),
    (1000, 3000, 0.15, 0.085),
    (3000, 10_000, 0.11, 0.055),
    (10_000, 100_000, 0.085, 0.027),
    (100_000, 900_000, 0.015, 0.003),
)
_SINGLES = 0.08
_FIRST = 4  # the first few offers of a title lie within ...
_CLOSE = 0.03  # ... this share of each other, later ones may be further apart
_WIDE = 0.2
_OWN = 4
# api page 13.2 and 11.3: 5 % for CS2; the other games' defaults are unknown, so they differ on purpose.
_FEES = {Game.CSGO: ("0.05", 1), Game.DOTA2: ("0.05", 1), Game.TF2: ("0.07", 2), Game.RUST: ("0.06", 1)}


def grow_world(seed: int = 1, size: int = 40_000, *, prices: str | None = None, clock: Callable[[], float] = time.time) -> World:
    """A world of about ``size`` offers over all four games; ``prices`` names a file of real titles to build it around.

    From about 600 offers on, every level of every game holds opportunities; a list of real prices
    holds them only where it has titles.
    """
    world = World(seed, clock=clock, balance=5_000_000)
    rows = listed_prices(prices) if prices else None
    for game, share in SHARES.items():
        rng = Random(f"{seed}/{game}")
        market = world.games[game]
        wanted = round(size * share)
        grown = _sow(world, game, rng, max(14, wanted)) if rows is None else _settle(world, game, rng, rows.get(game, []), wanted)
        for title, count in grown:
            _fill(world, title, count, rng)
        market.levy = _grow_levy(world, market, rng)
        plant_deals(world, market, rng, exact_prices=rows is not None)
        _grow_account(world, market, rng)
    return world


def grow_item(world: World, title: Title, rng: Random, phase: str = "", *, p2p: bool = False) -> dict[str, Any]:
    """What a new asset of a title looks like: float, paint seed and trade lock."""
    asset: dict[str, Any] = {"phase": phase}
    if title.wear_range is not None and chance(rng, 0.98):
        asset["wear"] = rng.uniform(*title.wear_range)
        asset["seed"] = rng.randint(1, 1000) if chance(rng, 0.98) else 0
    lockable = title.game in (Game.CSGO, Game.DOTA2) and not p2p
    if lockable and chance(rng, 0.11):
        asset["unlock"] = world.clock() + rng.uniform(3600, 7.2 * DAY)
    return asset


def grow_ladder(rng: Random, value: float, count: int) -> list[int]:
    """Asking prices of one kind in cents, cheapest first: close together, then thinning out, with a joke now and then."""
    step = min(0.008, 0.6 / max(1, count))
    price = value * rng.uniform(0.97, 1.08)
    ladder = []
    for number in range(count):
        ladder.append(max(2, round(price)))
        price *= 1 + min(_CLOSE if number < _FIRST else _WIDE, rng.expovariate(1 / step))
        if number > _FIRST and chance(rng, 0.02):
            ladder[-1] = max(2, round(value * rng.uniform(3, 40) ** (2 if chance(rng, 0.1) else 1)))
    return sorted(ladder)


def _sow(world: World, game: Game, rng: Random, offers: int) -> list[tuple[Title, int]]:
    known = titles_of(game)
    count = min(len(known), max(14, round(offers**0.68)))
    chosen = rng.sample(known, count)
    chosen.sort(key=lambda pair: pair[1]["rank"] + rng.gauss(0, 1.6))
    grown: list[tuple[Title, int]] = []
    for (low, high, _, of_offers), number in zip(_BANDS, _split(count, [band[2] for band in _BANDS]), strict=True):
        values = sorted(round(low * (high / low) ** (rng.random() ** 1.3)) for _ in range(number))
        names, chosen = chosen[:number], chosen[number:]
        counts = _crowd(rng, number, round(offers * of_offers))
        for (name, traits), value, pieces in zip(names, values, counts, strict=True):
            title = world.add_title(game, name, value, traits=traits)
            title.reference = 0 if chance(rng, 0.2) else max(1, round(value * rng.uniform(0.95, 1.2)))
            grown.append((title, pieces))
    return grown


def _split(total: int, shares: list[float]) -> list[int]:
    """Whole parts of ``total`` in the given shares, none under two."""
    parts = [max(2, round(total * share)) for share in shares]
    parts[1] += total - sum(parts)
    return parts


def _crowd(rng: Random, titles: int, offers: int) -> list[int]:
    """How many offers each title has: a few have most, some have exactly one."""
    weights = [0.0 if chance(rng, _SINGLES) else rng.paretovariate(1.4) for _ in range(titles)]
    total = sum(weights) or 1.0
    capped = [min(weight, total * 0.15) for weight in weights]
    share = max(0, offers - titles) / (sum(capped) or 1.0)
    return [1 + round(weight * share) for weight in capped]


def _settle(world: World, game: Game, rng: Random, rows: list[ListedPrice], offers: int) -> list[tuple[Title, int]]:
    """Titles and offers exactly as a price list has them; returns how many more each title gets."""
    titles: dict[str, Title] = {}
    for row in rows:
        title = titles.get(row.title)
        if title is None:
            title = titles[row.title] = world.add_title(game, row.title, row.reference or row.price, traits=row.traits)
            title.reference = row.reference
        elif not title.reference:
            title.value = min(title.value, row.price)
        asset: dict[str, Any] = {"wear": row.wear, "phase": rng.choice(list(title.phases))}
        if row.wear >= 0:
            asset["seed"] = rng.randint(1, 1000)
        if row.lock_hours:
            asset["unlock"] = world.start + row.lock_hours * 3600
        world.add_offer(title, row.price, created=world.start - rng.uniform(60, 30 * DAY), **asset)
    more = max(0, offers - len(rows))
    return list(zip(titles.values(), _crowd(rng, len(titles), more) if more > len(titles) else [0] * len(titles), strict=True))


def _fill(world: World, title: Title, count: int, rng: Random) -> None:
    mood = draw_mood(world.seed, title)
    asked = title.value * price_factor(mood, 0.0)  # sellers see a pump as well
    for phase, pieces in _by_phase(title, count, rng).items():
        for price in grow_ladder(rng, asked * title.phases[phase], pieces):
            p2p = title.game is Game.CSGO and chance(rng, 0.06)
            created = world.start - min(rng.expovariate(1 / (6 * DAY)), 90 * DAY) - 30
            created = float(int(created)) if chance(rng, 0.5) else round(created, 3)
            asset = grow_item(world, title, rng, phase, p2p=p2p)
            world.add_offer(title, price, created=created, p2p=p2p, locked=chance(rng, 0.02), **asset)
    grow_orders(world, title, rng)
    grow_sales(world, title, rng)
    title.mood = reshape(title, mood, world.start, world.seed)


def _by_phase(title: Title, count: int, rng: Random) -> dict[str, int]:
    if len(title.phases) == 1:
        return {next(iter(title.phases)): count}
    drawn = rng.choices(list(title.phases), weights=[1 / share**2 for share in title.phases.values()], k=count)
    return {phase: drawn.count(phase) for phase in title.phases if phase in drawn}


def _grow_levy(world: World, market: GameMarket, rng: Random) -> Levy:
    fraction, minimum = _FEES[market.game]
    now = int(world.start)
    rows = []
    for title in market.titles.values():
        if chance(rng, 0.88):
            continue
        low, high = rng.choice(
            ((1, 10_000_000), (1, round(title.value * 0.96)), (max(1, title.value // 2), title.value * 2), (title.value * 3, title.value * 9))
        )
        expires = now + rng.choice((-DAY, 9 * 3600, 2 * DAY + 1800, 20 * DAY + 900, 60 * DAY))
        rows.append(Reduction(title.name, rng.choice(("0.01", "0.02", "0.025", "0.03")), low, max(low, high), expires))
        if chance(rng, 0.1):  # two rows for one title: the lowest that holds counts
            rows.append(Reduction(title.name, "0.035", 1, 10_000_000, now + 40 * DAY))
    rows.append(Reduction("Sandbox Retired Item", "0.02", 1, 10_000, now + DAY))
    return Levy(fraction, minimum, rows)


def _grow_account(world: World, market: GameMarket, rng: Random) -> None:
    """A few items, offers and orders of the account itself, some of them the best of their title."""
    titles = [title for title in market.titles.values() if title.serials and title.value >= _BANDS[1][0]]
    for number, title in enumerate(rng.sample(titles, min(_OWN, len(titles)))):
        cheapest = min(offer.price for offer in market.offers_of(title))
        phase = rng.choice(list(title.phases))
        asset = grow_item(world, title, rng, phase)
        price = max(3, round(cheapest * (0.99 if number % 2 else 1.05)))
        world.add_offer(title, price, created=world.start - 3600 * (number + 1), mine=True, **asset)
        world.ledger.give(world.new_item(title, **grow_item(world, title, rng, phase)), in_market=number < _OWN - 1)
    for number, title in enumerate(rng.sample(titles, min(_OWN, len(titles)))):
        best = max((order.price for order in title.orders), default=title.value // 2)
        cheapest = min(offer.price for offer in market.offers_of(title))
        price = max(1, min(best + (2 if number % 2 else 0), cheapest - 1))
        target = world.ledger.place(title, Order(price, 1 + number))
        if number == _OWN - 1:
            world.ledger.pause(target)
