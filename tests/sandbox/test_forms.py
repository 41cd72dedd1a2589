"""The peer view: what the market sends has the form of the API's documentation, field by field.

A form is a type, ``[form]`` for a list, a mapping for an object with exactly these fields;
``maybe`` marks what may be null or absent, ``number`` is a string of digits.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec
import pytest

from botcore.model import Game, Level
from tests.sandbox.peer import OPEN, meet

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Maybe(NamedTuple):
    form: object


def like(pattern):
    return re.compile(pattern)


number = like(r"-?\d+")
time = like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6}|\.\d{9})?Z")
uuid = like(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
numeric = (int, float)

ATTRIBUTES = {
    "id": str,
    **dict.fromkeys(("gameId", "gameType", "title", "name", "slug", "itemSlug", "productId", "categoryPath", "type", "classId", "steamAssetId"), str),
    "inGameAssetId": like(r"0:\d+:\d+:(730|570|440|252490)"),
    **dict.fromkeys(("imageUri", "viewAtSteamUri", "backgroundColor", "nameColor", "description", "botId", "owner", "depositor", "provider", "status"), str),
    **dict.fromkeys(("tradable", "withdrawable", "depositLocked", "overstocked", "saleRestricted", "sellUnavailable", "withdrawalState8"), bool),
    "tradeProtectionRemoved": bool,
    "tradeLockDays": int,
    "tradeLockDuration": Maybe(like(r"\d+(\.\d+)?s")),
    **dict.fromkeys(("unlockDate", "settlementTime", "withdrawOnlyEndTime", "revertPendingUntil"), Maybe(time)),
}
STICKER = {
    "id": int,
    **dict.fromkeys(("name", "image", "wear", "scale", "rotation", "collection", "rarity", "team", "player"), str),
    **dict.fromkeys(("slot", "tintId", "pattern"), int),
    **dict.fromkeys(("offsetX", "offsetY", "offsetZ"), numeric),
    "colors": [like("COLOR_.+")],
}
CS2 = {
    "category": like("CATEGORY_(STATTRACK|SOUVENIR|NORMAL|STAR)"),
    "exterior": like("EXTERIOR_(UNSPECIFIED|FACTORY_NEW|MINIMAL_WEAR|FIELD_TESTED|WELL_WORN|BATTLE_SCARRED|NOT_PAINTED)"),
    "phaseTitle": like("PHASE_TITLE_(UNSPECIFIED|BLACK_PEARL|EMERALD|PHASE_[1-4]|RUBY|SAPPHIRE)"),
    "quality": like("QUALITY_.+"),
    "rarePattern": like("RARE_PATTERN_.+"),
    "floatPart": like("FLOAT_PART_(UNSPECIFIED|(FN|MW|FT|WW|BS)_[0-6])"),
    "float": like(r"(\d\.\d+(e-\d+)?)?"),
    **dict.fromkeys(
        ("collection", "family", "itemType", "phase", "rareInfo", "inspectInGameUri", "inspectInGameTemplateUri", "customName", "fadePercent"), str
    ),
    **dict.fromkeys(("paintIndex", "paintSeed", "defIndex", "charmPattern", "killEaterScoreType", "killEaterValue"), int),
    "stickers": [STICKER],
    "charms": [dict],
    "colors": [like("COLOR_.+")],
    "isProskin": bool,
    "proskin": {"proPlayerOwned": bool, "hasHighlights": bool, "proPlayerNickname": str},
}
DOTA2 = {"gems": [{"name": str, "image": str, "type": str}], "hero": str, "quality": str, "rarity": str, "slot": like("SLOT_.+")}
TF2 = {
    "class": [like("CLASS_.+")],
    "exterior": like("EXTERIOR_.+"),
    "grade": like("GRADE_.+"),
    "quality": like("QUALITY_.+"),
    "type": like("TYPE_.+"),
    "killstreak": like("KILLSTREAK_(NONE|BASIC|SPECIALIZED|PROFESSIONAL)"),
    **dict.fromkeys(("collection", "inspectInGameUri", "inspectInGameTemplateUri", "effect", "paintColor", "warPaint"), str),
    "spells": [str],
    **dict.fromkeys(("isCraftable", "isFestivized", "isAustralium"), bool),
}
GAMES = {"a8db": ("cs2", CS2), "9a92": ("dota2", DOTA2), "tf2": ("tf2", TF2), "rust": ("rust", {"categoryPath": str, "type": str})}


def offer(game, integer=number):
    name, form = GAMES[game]
    return {
        "offerId": uuid,
        "priceCents": integer,
        "createdAt": time,
        "locked": bool,
        "discountPercent": numeric,
        "offerType": like("dmarket|p2p"),
        "attributes": ATTRIBUTES | {name: form},
    }


def page(item, integer=number):
    return {"items": [item], "total": integer, "cursor": str}


MONEY = {"currency": like("USD"), "amount": like(r"\d+\.\d\d")}
DOLLARS = {"Currency": like("USD"), "Amount": numeric}
CENTS = {"Currency": like("USD"), "Amount": number}
FAILURE = Maybe({"Code": str, "Message": str})
TARGET = {
    **dict.fromkeys(("targetId", "title"), str),
    "amount": number,
    "status": like("TARGET_STATUS_(ACTIVE|INACTIVE)"),
    "priceCents": number,
    "createdAt": time,
    "updatedAt": time,
    "attributes": {
        **dict.fromkeys(("categoryPath", "image", "title", "name"), str),
        "cs2": {"category": str, "exterior": str, "phase": like("PHASE_TITLE_.+"), "paintSeed": int, "floatPart": like("FLOAT_PART_.+"), "isAdvanced": bool},
    },
}
SALE = {
    "price": like(r"\d+\.\d\d"),
    "date": number,
    "txOperationType": like("Offer|Target"),
    "offerAttributes": {
        "floatValue": numeric,
        "paintSeed": numeric,
        "rareInfo": Maybe(str),
        "phaseTitle": Maybe(str),
        "stickers": [dict],
        "charms": Maybe([dict]),
        "charmPattern": Maybe(numeric),
    },
    "orderAttributes": {"isAdvanced": Maybe(bool), "rareInfo": Maybe(str)},
}
ORDER = {"amount": number, "price": number, "title": str, "attributes": {"floatPartValue": Maybe(str), "paintSeed": Maybe(str), "phase": Maybe(str)}}
QUOTE = {"title": str, "orderBestPrice": CENTS, "orderCount": number, "offerBestPrice": CENTS, "offerCount": number}
FEES = {
    "defaultFee": {"fraction": like(r"0\.\d+"), "minAmount": int},
    "reducedFees": [{"title": str, "fraction": like(r"0\.\d+"), "minPrice": int, "maxPrice": int, "expiresAt": int}],
}
PROFILE = {
    **dict.fromkeys(("id", "username", "email", "imageUrl", "publicKey", "countryCode", "countryCodeFromIP", "regType", "ga_client_id"), str),
    "level": int,
    **dict.fromkeys(("isEmailVerified", "isPasswordSet", "migrated", "hasActiveSubscriptions", "hasHistoryEvents"), bool),
    "agreementsInfo": {"isConfirmed": bool, "updated": int},
    "features": [{"name": str, "enabled": bool}],
    "linkedGames": [{"gameId": str, "gameUserId": str, "username": str}],
    "restrictions": [{"name": str, "expirationTime": int}],
    "settings": {"enabledDeviceConfirmation": bool, "isSubscribedToNewsletters": bool, "targetsLimit": int, "tradingApiToken": str},
    "steamAccount": {
        **dict.fromkeys(("apiKey", "apiKeyStatus", "icon", "steamId", "tradeUrl", "username"), str),
        "isProfilePrivate": bool,
        "level": int,
    },
    "twitchAccount": {"icon": str, "userId": str, "username": str},
}


def check(value, form, where="answer"):
    """Walk a value along its form; every difference names its place."""
    if isinstance(form, Maybe):
        if value is not None:
            check(value, form.form, where)
    elif isinstance(form, dict):
        assert isinstance(value, dict), where
        assert set(value) <= set(form), f"{where}: {set(value) - set(form)} is not documented"
        missing = {name for name in set(form) - set(value) if not isinstance(form[name], Maybe)}
        assert not missing, f"{where}: {missing} is missing"
        for name, part in value.items():
            check(part, form[name], f"{where}.{name}")
    elif isinstance(form, list):
        assert isinstance(value, list), where
        for place, part in enumerate(value):
            check(part, form[0], f"{where}[{place}]")
    elif isinstance(form, re.Pattern):
        assert isinstance(value, str), f"{where}: {value!r}"
        assert form.fullmatch(value), f"{where}: {value!r}"
    else:
        assert isinstance(value, form), f"{where}: {value!r}"
        assert isinstance(value, bool) == (form is bool), f"{where}: {value!r}"


@pytest.mark.parametrize("game", list(GAMES))
async def test_offers(peer, game):
    for params in ({"offerType": "all"}, {"treeFilters": "tradeLockFrom=0.1"}):
        answer = await peer.ok("/marketplace-api/v2/offers", gameId=game, limit=100, **params)
        check(answer, page(offer(game)))
    assert (await peer.ok("/marketplace-api/v2/offers", gameId=game, limit=5, priceFrom=99999999)) == {"items": [], "total": "0", "cursor": ""}


async def test_the_marks_of_p2p_and_of_what_dmarket_holds(peer):
    for kind, provider in (("p2p", "ICS"), ("dmarket", "CPU")):
        for item in (await peer.ok("/marketplace-api/v2/offers", gameId="a8db", limit=50, offerType=kind))["items"]:
            attributes = item["attributes"]
            assert (item["offerType"], attributes["provider"]) == (kind, provider)
            assert bool(attributes["botId"]) == bool(attributes["depositor"]) == (kind == "dmarket")


async def test_a_page_is_as_heavy_as_a_real_one(peer):
    answer = await peer.get("/marketplace-api/v2/offers", gameId="a8db", limit=100)
    assert 180_000 < len(answer.content) < 260_000
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < 60_000


async def test_account(peer):
    check(await peer.ok("/account/v1/balance"), dict.fromkeys(("usd", "usdAvailableToWithdraw", "dmc", "dmcAvailableToWithdraw"), number))
    check(await peer.ok("/account/v1/user"), PROFILE)


async def test_what_the_account_has(peer):
    asset = {
        "attributes": ATTRIBUTES | {"cs2": CS2},
        "suggestedPrice": MONEY,
        "offerRecommendedPrice": MONEY,
        "createdAt": time,
        "updatedAt": time,
        "inMarket": bool,
    }
    inventory = await peer.ok("/marketplace-api/v2/user/inventory", gameId="a8db", limit=100)
    check(inventory, page(asset))
    steam = [row for row in inventory["items"] if not row["inMarket"]]
    assert all(row["attributes"]["id"] == row["attributes"]["inGameAssetId"] for row in steam)
    assert steam
    offers = await peer.ok("/marketplace-api/v2/user/offers", gameId="a8db", limit=100)
    check(offers, page(offer("a8db")))
    assert all(row["attributes"]["imageUri"] and row["discountPercent"] == 0 for row in offers["items"])
    targets = await peer.ok("/marketplace-api/v2/user/targets", gameId="a8db", limit=100)
    check(targets, page(TARGET))
    assert {row["status"] for row in targets["items"]} == {"TARGET_STATUS_ACTIVE", "TARGET_STATUS_INACTIVE"}


async def test_the_book(peer):
    for title in list(peer.world.games[Game.CSGO].titles)[:25]:
        check(await peer.ok("/trade-aggregator/v1/last-sales", gameId="a8db", title=title, limit=20), {"sales": [SALE]})
    body = {"filter": {"game": "a8db", "includeP2p": False}, "limit": "200"}
    quotes = await peer.posted("/marketplace-api/v1/aggregated-prices", body)
    check(quotes, {"aggregatedPrices": [QUOTE], "nextCursor": str})
    check(await peer.ok("/exchange/v1/customized-fees", gameId="a8db", limit=10000), FEES)
    blocked = {"title": str, "overstocked": bool, "sellUnavailable": bool, "updatedAt": time}
    form = {"gameId": str, "titles": [blocked], "updatedAt": time, "total": number, "cursor": str}
    check(await peer.ok("/marketplace-api/v2/deposit-blocked-titles", gameId="a8db"), form)


async def test_targets_by_title(peer):
    for name in list(peer.world.games[Game.CSGO].titles)[:40]:
        path = "/marketplace-api/v1/targets-by-title/a8db/" + "".join(f"%{byte:02X}" for byte in name.encode())
        check(await peer.ok(path), {"orders": [ORDER]})
    assert await peer.ok("/marketplace-api/v1/targets-by-title/csgo/No%20Such%20Thing") == {"orders": []}


async def test_july_wrote_integers_as_numbers():
    async with meet(msgspec.structs.replace(OPEN, integers="number")) as peer:
        check(await peer.ok("/marketplace-api/v2/offers", gameId="rust", limit=3), page(offer("rust", int), int))
        title = next(title.name for title in peer.world.games[Game.RUST].titles.values() if title.sales)
        assert isinstance((await peer.ok("/trade-aggregator/v1/last-sales", gameId="rust", title=title))["sales"][0]["date"], int)


async def test_errors(peer):
    gone = await peer.get("/exchange/v1/market/items", gameId="a8db")
    assert (gone.status_code, gone.json()) == (410, {"code": "Gone", "message": "endpoint is no longer available"})
    missing = await peer.get("/marketplace-api/v2/nothing")
    assert (missing.status_code, missing.json()) == (404, {"error": "Not Found", "code": 5, "message": "Not Found"})
    assert (await peer.get("/exchange/v1/nothing")).status_code == 404
    empty = await peer.post("/exchange/v1/offers-buy", {"offers": []}, "PATCH")
    assert empty.status_code == 400
    check(empty.json(), {"code": str, "message": str})


async def test_every_answer_is_marked_and_dated(peer):
    for path in ("/account/v1/balance", "/nowhere", "/exchange/v1/market/items", "/sandbox/world"):
        headers = (await peer.get(path)).headers
        assert headers["server"] == "botcore-sandbox"
        assert headers["date"].endswith("GMT")
        assert headers["content-type"] == "application/json"


async def test_the_control_routes(peer):
    world = await peer.ok("/sandbox/world")
    assert set(world["games"]) == {"csgo", "dota2", "tf2", "rust"}
    assert set(world["games"]["csgo"]["levels"]) == set(Level)
    truth = await peer.ok("/sandbox/truth", game="cs2", level="boost")
    assert truth["listed"] == world["games"]["csgo"]["levels"]["boost"]
    fields = "offer_id asset_id title phase game price_cents exit exit_price_cents fee_cents profit_cents profit_percent trade_lock_days listed_at sales_30d "
    assert set(truth["opportunities"][0]) == set((fields + "median_cents next_ask_cents days_to_sell url").split())
    assert len((await peer.ok("/sandbox/truth", game="csgo", level="boost", max_profit="inf"))["opportunities"]) > len(truth["opportunities"])
    assert (await peer.get("/sandbox/truth", game="chess", level="boost")).status_code == 400
    assert (await peer.get("/sandbox/nothing")).status_code == 404
