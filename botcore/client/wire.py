"""Bytes from DMarket become objects here, once, and requests become bytes. Pure: no clock, no log, no await.

Structs declare only the fields that are read, so the rest of an answer is skipped at the speed of the parser. A page
is decoded whole; only when that fails is it decoded row by row, so that a broken row costs itself and is counted.
Integers may come as text or as numbers, unknown fields and enum members are welcome, optional objects may be null.
Money becomes integer cents through ``Decimal``, never through a binary float.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Raw, Struct

from botcore.client.shapes import (
    MOST_CENTS,
    Attributes,
    BalanceBody,
    Cs2,
    ErrorShape,
    Fees,
    InventoryRow,
    Listing,
    Money,
    OfferRow,
    OrderRow,
    Orders,
    OwnTargetCs2,
    OwnTargetRow,
    ProfileBody,
    QuoteRow,
    Quotes,
    QuotesFilter,
    QuotesRequest,
    ReducedFeeRow,
    Restrictions,
    SaleRow,
    Sales,
)
from botcore.errors import BadAnswer
from botcore.fees import FeeBook, ReducedFee
from botcore.model import Game, Offer, OwnTarget, Quote, Sale, Target, normal_phase
from botcore.timing import measure_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "Balance",
    "ErrorBody",
    "FeePage",
    "InventoryItem",
    "OffersPage",
    "Page",
    "Profile",
    "QuotesPage",
    "SalesPage",
    "TargetsPage",
    "decode_balance",
    "decode_error",
    "decode_fees",
    "decode_inventory",
    "decode_offers",
    "decode_own_targets",
    "decode_profile",
    "decode_quotes",
    "decode_sales",
    "decode_targets",
    "describe",
    "encode_catalogue_request",
    "encode_quotes_request",
]

T = TypeVar("T")

_UNSPECIFIED_PHASE = "PHASE_TITLE_UNSPECIFIED"
_ANYTHING = frozenset({"", "any", "null", "none"})


class Page(Struct, Generic[T], frozen=True):
    """One page of a listing. ``cursor`` is empty on the last page; ``broken`` rows could not be read and are left out."""

    rows: list[T]
    total: int
    cursor: str
    broken: int


class OffersPage(Struct, frozen=True):
    """One page of offers. ``total`` counts all matches, up to 10,000; ``cursor`` is empty on the last page.

    ``broken`` rows could not be read (no title, a price of zero, ...) and are left out.
    """

    offers: list[Offer]
    total: int
    cursor: str
    broken: int = 0


class SalesPage(Struct, frozen=True):
    """Finished trades of a title, in the order of the wire (newest first); ``broken`` rows are left out."""

    sales: list[Sale]
    broken: int = 0


class QuotesPage(Struct, frozen=True):
    """Quotes and the cursor of the next page, empty on the last; ``broken`` rows are left out."""

    quotes: list[Quote]
    cursor: str
    broken: int = 0


class TargetsPage(Struct, frozen=True):
    """The buy-side book of a title, highest price first; ``broken`` rows are left out."""

    targets: list[Target]
    broken: int = 0


class FeePage(Struct, frozen=True):
    """A page of the fee list; ``rows`` counts what the page held, ``broken`` how many of them could not be read."""

    book: FeeBook
    rows: int
    broken: int = 0


class InventoryItem(Struct, frozen=True):
    """An item the account owns and does not sell. ``suggested_cents`` is None when the market has no opinion."""

    asset_id: str
    title: str
    phase: str
    in_market: bool
    tradable: bool
    unlock_at: datetime | None = None
    suggested_cents: int | None = None


class Balance(Struct, frozen=True):
    """The account's money, in cents. What can be withdrawn is less while sales are under trade protection."""

    usd_cents: int
    withdrawable_cents: int


class Profile(Struct, frozen=True):
    """What we keep of the account's profile; e-mail, tokens and trade address are never read."""

    account_id: str
    username: str
    targets_limit: int


class ErrorBody(NamedTuple):
    """The market's own words about a failure; both may be empty."""

    code: str
    message: str


_UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)


class _Shape(NamedTuple):
    """Three decoders of one answer: the whole, the whole with its rows left raw, and a single row."""

    whole: msgspec.json.Decoder[Any]
    raw: msgspec.json.Decoder[Any]
    row: msgspec.json.Decoder[Any]


def _shape(envelope: Any, row: Any) -> _Shape:
    """Decoders that take "12" for 12, as DMarket spells its 64-bit integers either way."""
    whole, raw, single = (msgspec.json.Decoder(kind, strict=False) for kind in (envelope[row], envelope[Raw], row))
    return _Shape(whole, raw, single)


_OFFERS = _shape(Listing, OfferRow)
_INVENTORY = _shape(Listing, InventoryRow)
_OWN_TARGETS = _shape(Listing, OwnTargetRow)
_ORDERS = _shape(Orders, OrderRow)
_SALES = _shape(Sales, SaleRow)
_QUOTES = _shape(Quotes, QuoteRow)
_FEES = _shape(Fees, ReducedFeeRow)


@measure_time
def decode_offers(data: bytes, asked_at: datetime | None = None) -> OffersPage:
    """A page of ``/marketplace-api/v2/offers`` or ``.../user/offers``; raises BadAnswer when it is no such page.

    An offer with no unlock date but a lock duration (deprecated fields) is unlocked that long after ``asked_at``;
    without ``asked_at`` its ``unlock_at`` stays None.
    """
    page, offers, broken = _read(_OFFERS, data, lambda row: _offer(row, asked_at))
    return OffersPage(offers, page.total or 0, page.cursor or "", broken)


def decode_inventory(data: bytes, asked_at: datetime | None = None) -> Page[InventoryItem]:
    """A page of ``/marketplace-api/v2/user/inventory``; raises BadAnswer when it is no such page."""
    page, items, broken = _read(_INVENTORY, data, lambda row: _inventory_item(row, asked_at))
    return Page(items, page.total or 0, page.cursor or "", broken)


def decode_own_targets(data: bytes) -> Page[OwnTarget]:
    """A page of ``/marketplace-api/v2/user/targets``; raises BadAnswer when it is no such page."""
    page, targets, broken = _read(_OWN_TARGETS, data, _own_target)
    return Page(targets, page.total or 0, page.cursor or "", broken)


def decode_targets(data: bytes) -> TargetsPage:
    """The book of ``/marketplace-api/v1/targets-by-title``, highest price first; raises BadAnswer when it is no book."""
    _, targets, broken = _read(_ORDERS, data, _target)
    return TargetsPage(sorted(targets, key=_falling_price), broken)


def decode_sales(data: bytes) -> SalesPage:
    """A page of ``/trade-aggregator/v1/last-sales``; raises BadAnswer when it is no such page."""
    _, sales, broken = _read(_SALES, data, _sale)
    return SalesPage(sales, broken)


def decode_quotes(data: bytes) -> QuotesPage:
    """A page of ``/marketplace-api/v1/aggregated-prices``; raises BadAnswer when it is no such page."""
    page, quotes, broken = _read(_QUOTES, data, _quote)
    return QuotesPage(quotes, page.next_cursor or "", broken)


def decode_fees(data: bytes, game: Game) -> FeePage:
    """A page of ``/exchange/v1/customized-fees``; raises BadAnswer when its default fee cannot be read."""
    page, rows, broken = _read(_FEES, data, _reduced_fee)
    try:
        default = _fraction(page.default_fee.fraction)
    except ValueError as error:
        raise BadAnswer(f"the default fee of {game} is unreadable: {error}") from error
    reduced: dict[str, tuple[ReducedFee, ...]] = {}
    for title, fee in rows:
        reduced[title] = (*reduced.get(title, ()), fee)
    return FeePage(FeeBook(game, default, page.default_fee.min_amount, reduced), len(page.rows), broken)


_BALANCE = msgspec.json.Decoder(BalanceBody, strict=False)
_PROFILE = msgspec.json.Decoder(ProfileBody, strict=False)
_ERROR = msgspec.json.Decoder(ErrorShape, strict=False)


def decode_balance(data: bytes) -> Balance:
    """The answer of ``/account/v1/balance``; raises BadAnswer when ``usd`` is missing, as a 2021 client met it."""
    balance = _one(_BALANCE, data)
    return Balance(balance.usd, balance.usd_available_to_withdraw)


def decode_profile(data: bytes) -> Profile:
    """The answer of ``/account/v1/user``, without its secrets; raises BadAnswer when it has no id."""
    profile = _one(_PROFILE, data)
    return Profile(profile.id, profile.username, profile.settings.targets_limit if profile.settings else 0)


def decode_error(data: bytes) -> ErrorBody:
    """Code and message of an error body in any of its spellings; both empty when it is no JSON object."""
    try:
        body = _ERROR.decode(data)
    except _UNREADABLE:
        return ErrorBody("", "")
    code = body.code if body.code is not None else body.capital_code
    texts = (body.message, body.capital_message, body.error, body.detail, body.description)
    message = next((text for text in texts if isinstance(text, str) and text), "")
    nested = decode_error(message.encode()) if message.startswith("{") else ErrorBody("", "")
    return ErrorBody(nested.code or ("" if code is None else str(code)), nested.message or message)


def encode_quotes_request(game: Game, titles: Sequence[str], cursor: str = "") -> bytes:
    """The body that asks ``aggregated-prices`` for some titles, always with P2P left out: it cannot be bought here."""
    return msgspec.json.encode(QuotesRequest(QuotesFilter(game.wire, titles), str(len(titles)), cursor))


def encode_catalogue_request(game: Game, limit: int, cursor: str = "") -> bytes:
    """The body that asks ``aggregated-prices`` for all titles of a game, so many a page, with P2P left out."""
    return msgspec.json.encode(QuotesRequest(QuotesFilter(game.wire, msgspec.UNSET), str(limit), cursor))


def _read(shape: _Shape, data: bytes, make: Callable[[Any], T]) -> tuple[Any, list[T], int]:
    """The envelope, the rows that could be read, and how many could not."""
    try:
        page = shape.whole.decode(data)
        return page, [make(row) for row in page.rows], 0
    except _UNREADABLE:
        page = _one(shape.raw, data)
    rows = [made for raw in page.rows if (made := _row(shape, raw, make)) is not None]
    return page, rows, len(page.rows) - len(rows)


def _row(shape: _Shape, raw: Raw, make: Callable[[Any], T]) -> T | None:
    try:
        return make(shape.row.decode(raw))
    except _UNREADABLE:
        return None


def _one(decoder: msgspec.json.Decoder[Any], data: bytes) -> Any:
    try:
        return decoder.decode(data)
    except _UNREADABLE as error:
        raise BadAnswer(f"the answer is {describe(data)}: {error}") from error


def describe(data: bytes) -> str:
    """What came instead of the JSON that was expected, in a few words and with nothing of its values."""
    text = data[:2000].decode("utf-8", "replace").strip()
    if not text:
        return "empty"
    if text.startswith("<"):
        title = re.search(r"<title>(.{1,80}?)</title>", text, re.IGNORECASE | re.DOTALL)
        return f"a web page titled {title[1]!r}" if title else "a web page"
    return "JSON of another shape or cut short" if text[0] in "{[" else f"the text {text[:40]!r}"


def _offer(row: OfferRow, asked_at: datetime | None) -> Offer:
    item = row.attributes
    cs2 = item.cs2 or item.cs2_attributes
    phase, float_value, seed = ("", "", 0) if cs2 is None else (_phase(cs2), _float_text(cs2), cs2.paint_seed or 0)
    p2p = row.offer_type == "p2p"
    return Offer(
        row.offer_id, item.id, item.title, phase, row.price_cents, row.created_at, bool(row.locked), p2p, _unlock_at(item, asked_at), float_value, seed
    )


def _phase(cs2: Cs2) -> str:
    if cs2.phase and (phase := normal_phase(cs2.phase)):
        return phase
    # Nearly every offer says "unspecified": telling it apart here saves the spelling out for the few that have a phase.
    return "" if cs2.phase_title is None or cs2.phase_title == _UNSPECIFIED_PHASE else normal_phase(cs2.phase_title)


def _float_text(cs2: Cs2) -> str:
    value = cs2.float_value if cs2.wear is None else cs2.wear
    if value is None or value == "":
        return ""
    if isinstance(value, str) and value.replace(".", "", 1).isdecimal():
        return value
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return ""
    return f"{number:f}" if number.is_finite() and abs(number.adjusted()) < 30 else ""  # noqa: PLR2004  # beyond it is no wear


def _unlock_at(item: Attributes, asked_at: datetime | None) -> datetime | None:
    """When the Steam lock ends: at its date, or after its duration in the older fields; 0 and -1 there mean no lock."""
    if item.unlock_date is not None or asked_at is None:
        return item.unlock_date
    try:
        seconds = float(str(item.trade_lock_duration or 0).removesuffix("s")) or (item.trade_lock_days or 0) * 86400
        return asked_at + timedelta(seconds=seconds) if seconds > 0 else None
    except (ValueError, OverflowError):
        return None


def _inventory_item(row: InventoryRow, asked_at: datetime | None) -> InventoryItem:
    item = row.attributes
    cs2 = item.cs2 or item.cs2_attributes
    return InventoryItem(
        item.id,
        item.title,
        "" if cs2 is None else _phase(cs2),
        bool(row.in_market),
        bool(item.tradable),
        _unlock_at(item, asked_at),
        _suggested_cents(row.suggested_price),
    )


_MONEY = msgspec.json.Decoder(Money, strict=False)


def _suggested_cents(raw: Raw) -> int | None:
    """An opinion in dollars; one that cannot be read is no opinion."""
    try:
        return _cents(_amount(_MONEY.decode(raw)), scale=100)
    except _UNREADABLE:
        return None


def _own_target(row: OwnTargetRow) -> OwnTarget:
    cs2 = (row.attributes and row.attributes.cs2) or OwnTargetCs2()
    part = (cs2.float_part or "").upper().removeprefix("FLOAT_PART_")
    seed = str(cs2.paint_seed) if cs2.paint_seed else ""
    target = Target(row.price_cents, row.amount, "" if part == "UNSPECIFIED" else _float_part(part), normal_phase(cs2.phase), seed)
    return OwnTarget(row.title, target, row.status == "TARGET_STATUS_ACTIVE")


def _target(row: OrderRow) -> Target:
    wants = row.attributes or Restrictions()
    return Target(_cents(row.price), row.amount, _float_part(wants.float_part_value), normal_phase(wants.phase), _wish(wants.paint_seed))


def _float_part(text: str | None) -> str:
    return _wish(text).upper().replace("_", "-")


def _wish(value: str | int | None) -> str:
    """A restriction as text, empty when anything will do."""
    text = "" if value is None else str(value).strip()
    return "" if text.lower() in _ANYTHING else text


def _falling_price(target: Target) -> int:
    return -target.price_cents


def _sale(row: SaleRow) -> Sale:
    item = row.offer_attributes
    phase = "" if item is None else normal_phase(item.phase_title) or normal_phase(item.phase)
    return Sale(_cents(row.price, scale=100), row.date, phase, (row.tx_operation_type or "").lower() == "target")


def _quote(row: QuoteRow) -> Quote:
    ask, bid = (0 if money is None else _cents(_amount(money), least=0) for money in (row.offer_best_price, row.order_best_price))
    return Quote(row.title, ask, row.offer_count or 0, bid, row.order_count or 0)


def _reduced_fee(row: ReducedFeeRow) -> tuple[str, ReducedFee]:
    return row.title, ReducedFee(_fraction(row.fraction), row.min_price, row.max_price, row.expires_at)


def _fraction(number: Decimal) -> Fraction:
    """A share of the price, exact; raises ValueError when it is none, such as 5 where 0.05 was meant."""
    if not number.is_finite() or not 0 <= number < 1 or number.adjusted() < -30:  # noqa: PLR2004  # beyond it is noise that costs memory
        raise ValueError(f"{number} is no share of a price")
    return Fraction(number)


def _amount(money: Money) -> Decimal:
    amount = money.amount if money.amount is not None else money.capital
    if amount is None:
        raise ValueError("money without an amount")
    return amount


def _cents(number: Decimal, *, scale: int = 1, least: int = 1) -> int:
    """Whole cents of a number of which one is worth ``scale`` cents; raises ValueError for anything else."""
    # The bounds come first: to calculate with 1e999999 is an error of its own, or takes for ever.
    if not number.is_finite() or abs(number) > MOST_CENTS:
        raise ValueError(f"{number} is no amount of money")
    cents = number * scale
    if cents < least or cents != int(cents):
        raise ValueError(f"{number} is no amount of whole cents")
    return int(cents)
