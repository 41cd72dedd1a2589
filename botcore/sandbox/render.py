"""Turns offers and items into the wire's JSON, with every attribute of the v2 API (api page, sections 9.19 and 10).

What is the same for all offers of a title is rendered once and kept with the title; the rest is
filled in for each offer, which costs about ten microseconds.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from botcore.model import Game
from botcore.sandbox.goods import float_part, identifier
from botcore.sandbox.world import discount

if TYPE_CHECKING:
    from botcore.sandbox.goods import Item, Offer, Title
    from botcore.sandbox.ledger import Holding, OwnTarget
    from botcore.sandbox.world import World

__all__ = ["Renderer", "phase_title", "stamp", "text"]

_APPS = {Game.CSGO: 730, Game.DOTA2: 570, Game.TF2: 440, Game.RUST: 252490}
_CATEGORIES = {"normal": "NORMAL", "stattrak™": "STATTRACK", "★": "STAR", "souvenir": "SOUVENIR"}
_QUALITIES = ("CONSUMER_GRADE", "INDUSTRIAL_GRADE", "MIL_SPEC", "RESTRICTED", "CLASSIFIED", "COVERT")
_SELLERS = 40


class Renderer:
    """Renders for one world. ``integers`` is ``string`` or ``number``: how 64-bit integers are written."""

    def __init__(self, world: World, integers: str = "string") -> None:
        self.world = world
        self.quote = '"' if integers == "string" else ""

    def integer(self, number: int) -> str:
        """A 64-bit integer as this market writes it."""
        return f"{self.quote}{number}{self.quote}"

    def offer(self, offer: Offer, *, images: bool = False, shared: bool = True) -> str:
        """One offer of a listing; ``shared`` False is the account's own view, which has no discount."""
        percent = discount(offer) if shared else 0.0
        kind = "p2p" if offer.p2p else "dmarket"
        percent_text = f"{percent:g}"
        return (
            f'{{"offerId":"{self.world.offer_id(offer)}","priceCents":{self.integer(offer.price)},"createdAt":"{stamp(offer.created / 1000)}",'
            f'"locked":{"true" if offer.locked else "false"},"discountPercent":{percent_text},"offerType":"{kind}",'
            f'"attributes":{self._attributes(offer.item, mine=offer.mine, p2p=offer.p2p, images=images)}}}'
        )

    def holding(self, holding: Holding) -> str:
        """One row of the inventory; prices are dollars there."""
        item = holding.item
        reference = max(1, round((item.title.reference or item.title.value) * item.title.phases.get(item.phase, 1.0)))
        at = stamp(holding.since)
        return (
            f'{{"attributes":{self._attributes(item, mine=True, p2p=False, images=True, steam=not holding.in_market)},'
            f'"suggestedPrice":{{"currency":"USD","amount":"{reference / 100:.2f}"}},'
            f'"offerRecommendedPrice":{{"currency":"USD","amount":"{reference * 0.98 / 100:.2f}"}},'
            f'"createdAt":"{at}","updatedAt":"{at}","inMarket":{"true" if holding.in_market else "false"}}}'
        )

    def target(self, target: OwnTarget) -> str:
        """One of the account's buy orders."""
        title, order = target.title, target.order
        attributes: dict[str, Any] = {"categoryPath": title.traits["path"], "image": "", "title": title.name, "name": title.traits["name"]}
        if title.game is Game.CSGO:
            attributes["cs2"] = {
                "category": f"CATEGORY_{_CATEGORIES.get(title.traits.get('category', 'normal'), 'NORMAL')}",
                "exterior": f"EXTERIOR_{title.traits.get('exterior', 'UNSPECIFIED')}",
                "phase": phase_title(order.phase),
                "paintSeed": int(order.seed or 0),
                "floatPart": f"FLOAT_PART_{order.part.replace('-', '_') or 'UNSPECIFIED'}",
                "isAdvanced": bool(order.phase or order.seed or order.part),
            }
        status = "ACTIVE" if target.active else "INACTIVE"
        return (
            f'{{"targetId":"{self.world.ledger.target_id(target.number)}","title":{text(title.name)},"amount":{self.integer(order.amount)},'
            f'"status":"TARGET_STATUS_{status}","priceCents":{self.integer(order.price)},"createdAt":"{stamp(target.created)}",'
            f'"updatedAt":"{stamp(target.updated)}","attributes":{text(attributes)}}}'
        )

    def class_id(self, title: Title) -> int:
        """Steam's class of a title."""
        return 3_000_000_000 + int(self._product(title)[-7:], 16)

    def _attributes(self, item: Item, *, mine: bool, p2p: bool, images: bool, steam: bool = False) -> str:
        title, world = item.title, self.world
        app, steam_asset = _APPS[title.game], 40_000_000_000 + item.asset
        composite = f"0:{self.class_id(title)}:{steam_asset}:{app}"
        owner = world.account_id if mine else identifier(2 + item.asset % _SELLERS, world.salt ^ 0xACC)
        held = not p2p and not steam
        bot = f"765611900000{item.asset % 90_000 + 10_000}"
        image = f"https://img.example.test/{title.game}/{self._product(title)}.png" if images else ""
        seen = "" if steam else f"https://steamcommunity.com/profiles/{bot}/inventory/#{app}_2_{steam_asset}"
        head = title.fragments.get("head") or title.fragments.setdefault("head", self._head(title))
        return (
            f'{{"id":"{composite if steam else world.asset_id(item)}",{head},"steamAssetId":"{steam_asset}","inGameAssetId":"{composite}",'
            f'"imageUri":"{image}","viewAtSteamUri":"{seen}","backgroundColor":"","nameColor":"d2d2d2","description":"","botId":"{bot if held else ""}",'
            f'"owner":"{owner}","depositor":"{owner if held else ""}","provider":"{"ICS" if p2p else "CPU" if held else ""}","status":"default",'
            f"{self._locks(item, withdrawable=held)},{self._game_part(item)}}}"
        )

    def _locks(self, item: Item, *, withdrawable: bool) -> str:
        left = item.unlock - self.world.clock() if item.unlock else 0.0
        days = int(-(-left // 86_400)) if left > 0 else 0
        unlock = f'"{stamp(item.unlock)}"' if left > 0 else "null"
        duration = f'"{left:.2f}s"' if left > 0 else "null"
        return (
            f'"tradable":{"false" if left > 0 else "true"},"withdrawable":{"true" if withdrawable else "false"},"depositLocked":false,"overstocked":false,'
            f'"saleRestricted":false,"sellUnavailable":false,"withdrawalState8":false,"tradeProtectionRemoved":false,"tradeLockDays":{days},'
            f'"tradeLockDuration":{duration},"unlockDate":{unlock},"settlementTime":null,"withdrawOnlyEndTime":null,"revertPendingUntil":null'
        )

    def _product(self, title: Title) -> str:
        known = title.fragments.get("product")
        if known is None:
            known = title.fragments["product"] = hashlib.blake2b(f"{title.game}/{title.name}".encode(), digest_size=16).hexdigest()
        return known

    def _head(self, title: Title) -> str:
        slug = "-".join(part for part in "".join(c if c.isalnum() else " " for c in title.traits["name"].lower()).split(" ") if part)
        fields = {
            "gameId": title.game.wire,
            "gameType": "steam",
            "title": title.name,
            "name": title.traits["name"],
            "slug": slug,
            "itemSlug": slug,
            "productId": f"{title.game.wire}:{self._product(title)}",
            "categoryPath": title.traits["path"],
            "type": title.traits["type"],
            "classId": str(self.class_id(title)),
        }
        return text(fields)[1:-1]

    def _game_part(self, item: Item) -> str:
        title = item.title
        if title.game is Game.CSGO:
            return self._cs2(item)
        known = title.fragments.get("game")
        if known is None:
            known = title.fragments["game"] = _other_game(title)
        return known

    def _cs2(self, item: Item) -> str:
        title = item.title
        first = title.fragments.get("cs2") or title.fragments.setdefault("cs2", _cs2_head(title))
        wear, part = ("", "UNSPECIFIED") if item.wear < 0 else (repr(item.wear), float_part(item.wear).replace("-", "_"))
        inspect = f"steam://rungame/730/76561202255233023/+csgo_econ_action_preview%20S{item.asset}" if item.asset % 2 else ""
        stat = "StatTrak" in title.name
        return (
            f'"cs2":{{{first},"float":"{wear}","inspectInGameUri":"{inspect}","phase":"{item.phase}","phaseTitle":"{phase_title(item.phase)}",'
            f'"rareInfo":"{"phase" if item.phase else ""}","paintSeed":{item.seed},"stickers":{_stickers(item)},"fadePercent":"0",'
            f'"rarePattern":"RARE_PATTERN_UNSPECIFIED","colors":["COLOR_RED","COLOR_BLACK"],"floatPart":"FLOAT_PART_{part}","charms":[],"charmPattern":0,'
            f'"customName":"","killEaterScoreType":0,"killEaterValue":{item.asset % 977 if stat else 0},"isProskin":false,'
            '"proskin":{"proPlayerOwned":false,"hasHighlights":false,"proPlayerNickname":""},"inspectInGameTemplateUri":""}'
        )


def stamp(seconds: float) -> str:
    """RFC 3339 in UTC: whole seconds without a fraction, otherwise three digits."""
    thousandths = round(seconds * 1000)
    at = datetime.fromtimestamp(thousandths // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{at}.{thousandths % 1000:03d}Z" if thousandths % 1000 else f"{at}Z"


def text(value: Any) -> str:
    """Compact JSON."""
    return msgspec.json.encode(value).decode()


def phase_title(phase: str) -> str:
    """A phase as the enum spells it."""
    return f"PHASE_TITLE_{phase.upper().replace('-', '_') or 'UNSPECIFIED'}"


def _cs2_head(title: Title) -> str:
    traits = title.traits
    family = traits["name"].split(" | ")[-1].lower()
    fields = {
        "category": f"CATEGORY_{_CATEGORIES.get(traits.get('category', 'normal'), 'NORMAL')}",
        "collection": f"the {family} collection",
        "family": family,
        "exterior": f"EXTERIOR_{traits.get('exterior', 'UNSPECIFIED')}",
        "itemType": traits["type"],
        "quality": f"QUALITY_{_QUALITIES[len(traits['name']) % len(_QUALITIES)]}",
        "paintIndex": len(traits["name"]) * 13,
        "defIndex": len(traits["path"]),
    }
    return text(fields)[1:-1]


def _stickers(item: Item) -> str:
    if item.asset % 5 or item.wear < 0:
        return "[]"
    return (
        f'[{{"id":{4000 + item.asset % 900},"name":"Sandbox Team | Test 2026","image":"",'
        f'"slot":{item.asset % 4},"wear":"0.25","scale":"0","rotation":"0","tintId":0,'
        '"collection":"","rarity":"high grade","colors":["COLOR_BLUE"],"team":"Sandbox Team","player":"","offsetX":0,"offsetY":0,"offsetZ":0,"pattern":0}]'
    )


def _other_game(title: Title) -> str:
    traits = title.traits
    if title.game is Game.RUST:
        return text({"rust": {"categoryPath": traits["path"], "type": traits["type"]}})[1:-1]
    if title.game is Game.DOTA2:
        gems = [{"name": f"Games Watched: {len(title.name)}", "image": "", "type": "General"}] if title.name.startswith("Inscribed") else []
        fields = {"gems": gems, "hero": traits.get("hero", ""), "quality": traits.get("quality", ""), "rarity": "immortal", "slot": "SLOT_WEAPON"}
        return text({"dota2": fields})[1:-1]
    kind = traits["type"].upper().replace(" ", "_")
    fields = {
        "class": ["CLASS_SOLDIER"],
        "collection": "",
        "exterior": f"EXTERIOR_{traits.get('exterior', 'UNSPECIFIED')}",
        "grade": "GRADE_UNSPECIFIED",
        "quality": f"QUALITY_{traits.get('quality', 'UNIQUE')}",
        "type": f"TYPE_{kind}",
        "inspectInGameUri": "",
        "effect": "",
        "spells": [],
        "paintColor": "",
        "warPaint": "",
        "isCraftable": True,
        "isFestivized": False,
        "killstreak": f"KILLSTREAK_{traits.get('killstreak', 'NONE')}",
        "isAustralium": "Australium" in title.name,
        "inspectInGameTemplateUri": "steam://rungame/440/76561202255233023/+tf_econ_item_preview%20S%owner_steamid%A%assetid%D0",
    }
    return text({"tf2": fields})[1:-1]
