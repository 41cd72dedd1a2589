"""Which fields DMarket's answers have, as far as botcore knows: those that ``shapes`` reads, and those that it leaves out.

A field that is listed and not read is known by name alone: what is inside it is not looked at, unless its inside is listed.
"""

from __future__ import annotations

from typing import Any

from msgspec import inspect

from botcore.client import shapes

__all__ = ["Fields", "answer_of", "known_fields"]


class Fields:
    """The fields of an object: ``inside`` tells of each what it holds, None for what is not looked at; ``needed`` are always there."""

    __slots__ = ("inside", "needed")

    def __init__(self) -> None:
        self.inside: dict[str, Fields | None] = {}
        self.needed: set[str] = set()

    def at(self, path: str) -> tuple[Fields, str]:
        """The object that a dotted path leads to, made where it is not known yet, and the last name of the path."""
        head, _, rest = path.partition(".")
        if not rest:
            return self, head
        inner = self.inside.get(head)
        if inner is None:
            inner = self.inside[head] = Fields()
        return inner.at(rest)


_ITEM = """
    gameId gameType title name slug itemSlug productId categoryPath type classId steamAssetId inGameAssetId imageUri viewAtSteamUri backgroundColor
    nameColor description botId owner depositor provider status withdrawable depositLocked overstocked saleRestricted sellUnavailable withdrawalState8
    tradeProtectionRemoved settlementTime withdrawOnlyEndTime revertPendingUntil
    cs2.category cs2.collection cs2.family cs2.exterior cs2.inspectInGameUri cs2.inspectInGameTemplateUri cs2.itemType cs2.quality cs2.rareInfo
    cs2.paintIndex cs2.defIndex cs2.stickers cs2.fadePercent cs2.rarePattern cs2.colors cs2.floatPart cs2.charms cs2.charmPattern cs2.customName
    cs2.killEaterScoreType cs2.killEaterValue cs2.isProskin cs2.proskin
    dota2.hero dota2.quality dota2.rarity dota2.gems dota2.slot
    rust.categoryPath rust.type
    tf2.class tf2.collection tf2.exterior tf2.grade tf2.quality tf2.killstreak tf2.type tf2.effect tf2.paintColor tf2.warPaint tf2.spells
    tf2.isCraftable tf2.isFestivized tf2.isAustralium tf2.inspectInGameUri tf2.inspectInGameTemplateUri
"""
"""An item, wherever it stands."""
_OWN_TARGET = """
    targetId createdAt updatedAt attributes.categoryPath attributes.image attributes.title attributes.name attributes.cs2.category
    attributes.cs2.exterior attributes.cs2.isAdvanced
"""
_STORED = "offerRecommendedPrice createdAt updatedAt suggestedPrice"
_SALE = """
    orderAttributes offerAttributes.floatValue offerAttributes.paintSeed offerAttributes.rareInfo offerAttributes.stickers offerAttributes.charms
    offerAttributes.charmPattern offerAttributes.gems
"""
_QUOTE = "orderBestPrice.currency orderBestPrice.Currency offerBestPrice.currency offerBestPrice.Currency"
_PROFILE = """
    email imageUrl publicKey countryCode countryCodeFromIP level regType isEmailVerified isPasswordSet migrated hasActiveSubscriptions
    hasHistoryEvents ga_client_id agreementsInfo features linkedGames restrictions steamAccount twitchAccount
    settings.enabledDeviceConfirmation settings.isSubscribedToNewsletters settings.tradingApiToken
"""

_SHAPES: dict[str, Any] = {
    "offers": shapes.Listing[shapes.OfferRow],
    "own offers": shapes.Listing[shapes.OfferRow],
    "own targets": shapes.Listing[shapes.OwnTargetRow],
    "inventory": shapes.Listing[shapes.InventoryRow],
    "targets": shapes.Orders[shapes.OrderRow],
    "sales": shapes.Sales[shapes.SaleRow],
    "quotes": shapes.Quotes[shapes.QuoteRow],
    "fees": shapes.Fees[shapes.ReducedFeeRow],
    "balance": shapes.BalanceBody,
    "profile": shapes.ProfileBody,
}
"""What is read of each kind of answer."""


def _within(path: str, names: str) -> list[str]:
    """Each of the names, as a path that goes on from ``path``."""
    return [f"{path}.{name}" for name in names.split()]


_OFFER = ["items.discountPercent", *_within("items.attributes", _ITEM)]
_LEFT_OUT: dict[str, list[str]] = {
    "offers": _OFFER,
    "own offers": _OFFER,
    "own targets": _within("items", _OWN_TARGET),
    "inventory": [*_within("items", _STORED), *_within("items.attributes", _ITEM)],
    "targets": ["orders.title"],
    "sales": _within("sales", _SALE),
    "quotes": _within("aggregatedPrices", _QUOTE),
    "balance": ["dmc", "dmcAvailableToWithdraw"],
    "profile": _PROFILE.split(),
}
"""What each kind of answer brings beside that."""

_ALWAYS: dict[str, list[str]] = {
    "offers": ["total", *_within("items", "locked offerType attributes.id")],
    "own offers": ["total", "items.attributes.id"],
    "own targets": ["total", "items.status"],
    "inventory": ["total", *_within("items", "inMarket attributes.id")],
    "sales": ["sales.txOperationType"],
    "quotes": _within("aggregatedPrices", "orderBestPrice orderCount offerBestPrice offerCount"),
}
"""What is read, could be missing without breaking anything, and is always there nevertheless."""

_PATHS = {
    "/marketplace-api/v2/offers": "offers",
    "/marketplace-api/v2/user/offers": "own offers",
    "/marketplace-api/v2/user/targets": "own targets",
    "/marketplace-api/v2/user/inventory": "inventory",
    "/trade-aggregator/v1/last-sales": "sales",
    "/marketplace-api/v1/aggregated-prices": "quotes",
    "/exchange/v1/customized-fees": "fees",
    "/account/v1/balance": "balance",
    "/account/v1/user": "profile",
}
_BOOK = "/marketplace-api/v1/targets-by-title/"


def answer_of(path: str) -> str | None:
    """The kind of answer that a path gives, None for one that is not looked at."""
    return "targets" if path.startswith(_BOOK) else _PATHS.get(path)


def known_fields() -> dict[str, Fields]:
    """The fields of every kind of answer."""
    return {kind: _fields(shape, _LEFT_OUT.get(kind, []), _ALWAYS.get(kind, [])) for kind, shape in _SHAPES.items()}


def _fields(shape: Any, left_out: list[str], always: list[str]) -> Fields:
    fields = _read(inspect.type_info(shape)) or Fields()
    for path in left_out:
        owner, name = fields.at(path)
        owner.inside.setdefault(name, None)
    for path in always:
        owner, name = fields.at(path)
        owner.needed.add(name)
    return fields


def _read(kind: inspect.Type) -> Fields | None:
    """The fields that are read of a type, None where it is no object, and holds none."""
    if isinstance(kind, inspect.StructType):
        fields = Fields()
        for field in kind.fields:
            fields.inside[field.encode_name] = _read(field.type)
            if field.required:
                fields.needed.add(field.encode_name)
        return fields
    if isinstance(kind, inspect.UnionType):
        return next((found for one in kind.types if (found := _read(one)) is not None), None)
    return _read(kind.item_type) if isinstance(kind, inspect.ListType) else None
