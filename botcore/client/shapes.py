"""The shapes of DMarket's answers and requests: camel case there, our case here, and only the fields that are read.

Every optional object may be null or missing; which fields a row cannot do without is what has no default here.
"""

from __future__ import annotations

from collections.abc import Sequence  # msgspec reads annotations while running
from datetime import datetime
from decimal import Decimal  # same
from typing import Annotated, Any, Generic, TypeVar

from msgspec import Meta, Raw, Struct, UnsetType, field

__all__ = [
    "MOST_CENTS",
    "Attributes",
    "BalanceBody",
    "Cs2",
    "DefaultFee",
    "ErrorShape",
    "Fees",
    "InventoryRow",
    "Listing",
    "Money",
    "OfferRow",
    "OrderRow",
    "Orders",
    "OwnTargetAttributes",
    "OwnTargetCs2",
    "OwnTargetRow",
    "ProfileBody",
    "QuoteRow",
    "Quotes",
    "QuotesFilter",
    "QuotesRequest",
    "ReducedFeeRow",
    "Restrictions",
    "SaleAttributes",
    "SaleRow",
    "Sales",
    "Settings",
]

Row = TypeVar("Row")

# A thousand million dollars: a figure beyond it is no price, and bounding it keeps "1e999999" from filling the memory.
MOST_CENTS = 10**11
Count = Annotated[int, Meta(ge=0)]
PositiveCents = Annotated[int, Meta(ge=1, le=MOST_CENTS)]
Time = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1)]


class Cs2(Struct, gc=False, rename="camel"):
    """What only CS2 items have, of which we read wear, phase and seed."""

    wear: str | float | None = field(default=None, name="float")
    float_value: float | str | None = None  # the July spelling
    phase: str | None = None
    phase_title: str | None = None
    paint_seed: int | None = None


class Attributes(Struct, gc=False, rename="camel"):
    """The item itself, in listings, own offers and inventory."""

    title: Name
    id: str = ""
    tradable: bool | None = None
    unlock_date: Time | None = None
    trade_lock_duration: str | float | None = None
    trade_lock_days: int | None = None
    cs2: Cs2 | None = None
    cs2_attributes: Cs2 | None = None  # the July spelling


class OfferRow(Struct, gc=False, rename="camel"):
    """One row of a listing or of the own offers."""

    offer_id: Name
    price_cents: PositiveCents
    created_at: Time
    attributes: Attributes
    locked: bool | None = None
    offer_type: str | None = None


class Money(Struct, gc=False):
    """``{currency, amount}``, in either case."""

    amount: Decimal | None = None
    capital: Decimal | None = field(default=None, name="Amount")


class InventoryRow(Struct, gc=False, rename="camel"):
    """One row of the inventory; the suggested price is an opinion and read apart, so that it breaks nothing."""

    attributes: Attributes
    in_market: bool | None = None
    suggested_price: Raw = Raw(b"null")


class OwnTargetCs2(Struct, gc=False, rename="camel"):
    """What an own buy order asks of a CS2 item."""

    phase: str | None = None
    paint_seed: int | None = None
    float_part: str | None = None


class OwnTargetAttributes(Struct, gc=False, rename="camel"):
    """The item that an own buy order asks for."""

    cs2: OwnTargetCs2 | None = None


class OwnTargetRow(Struct, gc=False, rename="camel"):
    """One own buy order."""

    title: Name
    price_cents: PositiveCents
    amount: Count
    status: str | None = None
    attributes: OwnTargetAttributes | None = None


class Restrictions(Struct, gc=False, rename="camel"):
    """What the buy orders of a group ask for."""

    float_part_value: str | None = None
    paint_seed: str | int | None = None
    phase: str | None = None


class OrderRow(Struct, gc=False, rename="camel"):
    """Buy orders of one price and one set of restrictions."""

    price: Decimal
    amount: Count
    attributes: Restrictions | None = None


class SaleAttributes(Struct, gc=False, rename="camel"):
    """The item that was sold."""

    phase_title: str | None = None
    phase: str | None = None


class SaleRow(Struct, gc=False, rename="camel"):
    """One finished trade."""

    price: Decimal
    date: Count
    tx_operation_type: str | None = None
    offer_attributes: SaleAttributes | None = None


class QuoteRow(Struct, gc=False, rename="camel"):
    """Best prices and counts of one title."""

    title: Name
    order_best_price: Money | None = None
    order_count: Count | None = None
    offer_best_price: Money | None = None
    offer_count: Count | None = None


class ReducedFeeRow(Struct, gc=False, rename="camel"):
    """A lower fee for one title."""

    title: Name
    fraction: Decimal
    min_price: Count
    max_price: Count
    expires_at: Count


class DefaultFee(Struct, gc=False, rename="camel"):
    """The fee of every other title."""

    fraction: Decimal
    min_amount: Count


class Listing(Struct, Generic[Row], rename="camel"):
    """A page with a cursor: offers, inventory, own offers, own targets."""

    items: list[Row] | None
    total: Count | None = None
    cursor: str | None = None

    @property
    def rows(self) -> list[Row]:
        """The rows, none when they are null."""
        return self.items or []


class Orders(Struct, Generic[Row], rename="camel"):
    """The buy-side book of a title."""

    orders: list[Row] | None

    @property
    def rows(self) -> list[Row]:
        """The rows, none when they are null."""
        return self.orders or []


class Sales(Struct, Generic[Row], rename="camel"):
    """A page of finished trades."""

    sales: list[Row] | None

    @property
    def rows(self) -> list[Row]:
        """The rows, none when they are null."""
        return self.sales or []


class Quotes(Struct, Generic[Row], rename="camel"):
    """A page of aggregated prices."""

    aggregated_prices: list[Row] | None
    next_cursor: str | None = None

    @property
    def rows(self) -> list[Row]:
        """The rows, none when they are null."""
        return self.aggregated_prices or []


class Fees(Struct, Generic[Row], rename="camel"):
    """A page of fees."""

    default_fee: DefaultFee
    reduced_fees: list[Row] | None = None

    @property
    def rows(self) -> list[Row]:
        """The rows, none when they are null."""
        return self.reduced_fees or []


class BalanceBody(Struct, rename="camel"):
    """The balance, in cents."""

    usd: Count
    usd_available_to_withdraw: Count


class Settings(Struct, rename="camel"):
    """The settings of an account, of which we read one."""

    targets_limit: Count = 0


class ProfileBody(Struct, rename="camel"):
    """The profile, without its secrets."""

    id: Name
    username: str = ""
    settings: Settings | None = None


class ErrorShape(Struct):
    """An error, in any of the spellings seen."""

    code: str | int | None = None
    capital_code: str | int | None = field(default=None, name="Code")
    message: Any = None
    capital_message: Any = field(default=None, name="Message")
    error: Any = None
    detail: Any = None
    description: Any = None


class QuotesFilter(Struct, rename="camel"):
    """Which titles to quote; all of the game when they are left out."""

    game: str
    titles: Sequence[str] | UnsetType
    # Said in full, since msgspec would spell it includeP2P.
    include_p2p: bool = field(default=False, name="includeP2p")


class QuotesRequest(Struct, omit_defaults=True, rename="camel"):
    """What aggregated-prices is asked with."""

    filter: QuotesFilter
    limit: str
    cursor: str = ""
