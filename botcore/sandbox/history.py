"""Grows what stands behind a title: its buy orders and its past sales."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botcore.sandbox.goods import Sale, float_part

if TYPE_CHECKING:
    from random import Random

    from botcore.sandbox.goods import Title
    from botcore.sandbox.world import World

__all__ = ["CLEAR", "DAY", "chance", "draw_phase", "grow_orders", "grow_sales", "spelled"]

DAY = 86_400
# A month's edge moves while a scan runs; no sale lies so near to it that the two could disagree.
CLEAR = 2 * 3600
_DENSITIES = ((0.08, 0, 0), (0.15, 1, 4), (0.62, 5, 19), (0.13, 21, 60), (0.02, 101, 160))


def chance(rng: Random, share: float) -> bool:
    """True in ``share`` of all cases."""
    return rng.random() < share


def grow_orders(world: World, title: Title, rng: Random) -> None:
    """Buy orders under the value, some with requirements, sometimes a restricted one on top or a best bid of nobody's."""
    if chance(rng, 0.08):
        return
    # Those who buy any phase pay for the cheapest one.
    price = title.value * min(title.phases.values()) * rng.uniform(0.74, 0.93)
    for _ in range(rng.randint(1, 9)):
        world.add_order(title, max(1, round(price)), rng.choice((1, 1, 2, 5, 14, 40)))
        price *= 1 - rng.uniform(0.003, 0.05)
    _restrict(world, title, rng)
    if chance(rng, 0.02):
        title.stale_bid = max(max(order.price for order in title.orders) + 1, round(title.value * rng.uniform(0.95, 1.15)))


def grow_sales(world: World, title: Title, rng: Random) -> None:
    """Sales of the last year: dense, usual, thin, old or none at all."""
    now = int(world.start)
    times = [now - rng.randint(60, 30 * DAY - CLEAR) for _ in range(_density(rng))]
    if chance(rng, 0.6):
        times += [now - rng.randint(30 * DAY + CLEAR, 360 * DAY) for _ in range(rng.randint(1, 25))]
    level = title.level = rng.uniform(0.9, 1.04)
    rows = []
    for sold_at in times:
        phase = draw_phase(title, rng)
        to_target = chance(rng, 0.25)
        price = title.value * title.phases[phase] * level * rng.lognormvariate(0, 0.05) * (0.9 if to_target else 1.0)
        named = phase if chance(rng, 0.96) else ""  # some rows do not say which phase was sold
        wear = rng.uniform(*title.wear_range) if title.wear_range else -1.0
        seed = rng.randint(1, 1000) if title.wear_range else 0
        rows.append(Sale(sold_at, max(1, round(price)), named, spelled(named, rng), to_target, wear, seed))
    title.sales = sorted(rows, key=lambda sale: sale.sold_at, reverse=True)


def draw_phase(title: Title, rng: Random) -> str:
    """The phase of a piece that is sold: the dearer, the seldomer."""
    phases = list(title.phases)
    return rng.choices(phases, [1 / title.phases[phase] ** 2 for phase in phases])[0]


def spelled(phase: str, rng: Random) -> str | None:
    """One of the spellings that sales use for a phase; what has none is null, empty or the enum's zero member."""
    if not phase:
        return rng.choice((None, "", "PHASE_TITLE_UNSPECIFIED"))
    words = phase.replace("-", " ")
    return rng.choice((phase, words.title(), "PHASE_TITLE_" + phase.upper().replace("-", "_"), words))


def _density(rng: Random) -> int:
    mark = rng.random()
    for share, low, high in _DENSITIES:
        mark -= share
        if mark < 0:
            return rng.randint(low, high)
    return 0


def _restrict(world: World, title: Title, rng: Random) -> None:
    if len(title.phases) > 1:
        for phase, share in title.phases.items():
            if chance(rng, 0.6):
                world.add_order(title, max(1, round(title.value * share * rng.uniform(0.7, 0.95))), 1, phase=phase)
    if title.wear_range is None or chance(rng, 0.55):
        return
    low, high = title.wear_range
    for _ in range(rng.randint(1, 3)):
        wanted = rng.uniform(low, low + (high - low) * 0.6)
        world.add_order(title, max(1, round(title.value * rng.uniform(0.7, 1.06))), rng.randint(1, 3), part=float_part(wanted))
    if chance(rng, 0.4):
        world.add_order(title, max(1, round(title.value * rng.uniform(0.8, 1.12))), 1, seed=str(rng.randint(1, 1000)))
