"""The things the sandbox world is made of: titles, items, offers, orders, sales.

Money is integer US cents. An offer is never changed except for its ``locked`` mark: a new price is
a new offer, as on the real market. Offers and items hold no path back to their containers, so that
they need no garbage collector and a world of 400,000 offers stays small.
"""

from __future__ import annotations

from typing import Any

import msgspec

from botcore.model import Game

__all__ = ["ANY_PHASE", "Item", "Offer", "Order", "Sale", "Title", "float_part", "identifier", "serial_of"]

ANY_PHASE = ""

_MASK48 = (1 << 48) - 1
_MASK64 = (1 << 64) - 1
_FACTOR = 0x5DEECE66D  # odd, so multiplication modulo 2**48 can be undone
_INVERSE = pow(_FACTOR, -1, 1 << 48)

# Lower ends of the float parts, api page section 8; lower end included.
_PARTS = (
    *((i / 100, f"FN-{i}") for i in range(7)),
    *(((7 + i) / 100, f"MW-{i}") for i in range(5)),
    *(((15 + 3 * i) / 100, f"FT-{i}") for i in range(5)),
    *(((38 + i) / 100, f"WW-{i}") for i in range(5)),
    (0.45, "BS-0"),
    (0.50, "BS-1"),
    (0.63, "BS-2"),
    (0.76, "BS-3"),
    (0.80, "BS-4"),
)


class Title:
    """Everything the world knows of one market name.

    ``value`` is what a piece is worth to the generator, ``reference`` DMarket's appraised price (0
    when it has none). ``phases`` maps a phase to its share of the value; a title without phases has
    the one phase ``""``. ``serials`` are its offers. ``stale_bid`` is a best bid that no order
    stands behind, 0 when there is none. ``sales`` are newest first. ``level`` is what buyers pay
    against the value, ``mood`` how that goes on (see ``moods``).
    """

    __slots__ = (
        "fragments",
        "game",
        "level",
        "mood",
        "name",
        "orders",
        "phases",
        "reference",
        "sales",
        "serials",
        "stale_bid",
        "traits",
        "value",
        "wear_range",
    )

    def __init__(self, game: Game, name: str, value: int, traits: dict[str, Any]) -> None:
        self.game = game
        self.name = name
        self.value = value
        self.reference = value
        self.traits = traits
        self.phases: dict[str, float] = traits.get("phases") or {"": 1.0}
        self.wear_range: tuple[float, float] | None = traits.get("wear_range")
        self.serials: dict[int, None] = {}
        self.orders: list[Order] = []
        self.sales: list[Sale] = []
        self.stale_bid = 0
        self.level = 1.0
        self.mood = "steady"
        self.fragments: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Title({self.name!r}, value={self.value}, offers={len(self.serials)}, orders={len(self.orders)}, sales={len(self.sales)})"


class Item(msgspec.Struct, gc=False):
    """One asset. ``wear`` is its float, negative when unknown; ``seed`` its paint seed, 0 when unknown; ``unlock`` unix seconds, 0 when free."""

    asset: int
    title: Title
    phase: str = ""
    wear: float = -1.0
    seed: int = 0
    unlock: float = 0.0


class Offer(msgspec.Struct, gc=False):
    """One item on sale. ``created`` is in unix milliseconds; ``mine`` marks the account's own."""

    serial: int
    item: Item
    price: int
    created: int
    p2p: bool = False
    locked: bool = False
    mine: bool = False


class Order(msgspec.Struct, gc=False):
    """A standing buy order; an empty requirement accepts anything. ``target`` numbers the account's own, 0 for everyone else's."""

    price: int
    amount: int
    part: str = ""
    phase: str = ""
    seed: str = ""
    target: int = 0

    def accepts(self, item: Item) -> bool:
        """Whether this item meets every requirement (domain rule: unknown meets none)."""
        if self.part and (item.wear < 0 or float_part(item.wear) != self.part):
            return False
        if self.phase and item.phase != self.phase:
            return False
        return not self.seed or (item.seed > 0 and str(item.seed) == self.seed)


class Sale(msgspec.Struct, gc=False, frozen=True):
    """A finished trade. ``sold_at`` is unix seconds; ``spelling`` is the phase as this row of the wire spells it."""

    sold_at: int
    price: int
    phase: str = ""
    spelling: str | None = None
    to_target: bool = False
    wear: float = -1.0
    seed: int = 0


def float_part(wear: float) -> str:
    """The bucket a float falls in, such as ``FT-2``; lower end included, 1 belongs to BS-4."""
    found = _PARTS[0][1]
    for low, name in _PARTS:
        if wear < low:
            break
        found = name
    return found


def identifier(serial: int, salt: int) -> str:
    """A UUID for a serial number, and different for every salt. ``serial_of`` undoes it, so no table of ids is kept."""
    head = (serial * _FACTOR + salt) & _MASK48
    rest = _mix(serial ^ (salt << 20))
    return f"{head >> 16:08x}-{head & 0xFFFF:04x}-5{rest >> 52:03x}-{0x8 | rest >> 48 & 3:x}{rest >> 36 & 0xFFF:03x}-{(rest ^ rest >> 17) & _MASK48:012x}"


def serial_of(text: str, salt: int) -> int | None:
    """The serial number behind a UUID of ``identifier``; None when it is no such UUID."""
    try:
        head = int(text[:8] + text[9:13], 16)
    except ValueError:
        return None
    serial = ((head - salt) * _INVERSE) & _MASK48
    return serial if identifier(serial, salt) == text else None


def _mix(number: int) -> int:
    number = (number + 0x9E3779B97F4A7C15) & _MASK64
    number = ((number ^ number >> 30) * 0xBF58476D1CE4E5B9) & _MASK64
    number = ((number ^ number >> 27) * 0x94D049BB133111EB) & _MASK64
    return number ^ number >> 31
