"""The sell side: filters, orders, cursors, totals, and what is refused."""

from __future__ import annotations

import base64

import msgspec
import pytest

from botcore.model import Game
from botcore.sandbox import grow_world
from tests.sandbox.peer import OPEN, meet

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFFERS = "/marketplace-api/v2/offers"


def price(item):
    return int(item["priceCents"])


async def test_a_walk_gives_every_offer_once_in_order(peer):
    items, totals = await peer.walk(gameId="a8db", limit=7, orderBy="price", priceFrom=50, priceTo=300)
    expected = sorted(o.price for o in peer.world.games[Game.CSGO].offers.values() if not o.p2p and 50 <= o.price <= 300)
    assert [price(item) for item in items] == expected
    assert len(expected) > len(set(expected)), "ties are part of the test"
    assert len({item["offerId"] for item in items}) == len(items)
    assert set(totals) == {str(len(items))}


@pytest.mark.parametrize("order", ["price", "title", "float", "createdAt", "discount", ""])
async def test_down_is_up_reversed(peer, order):
    up, _ = await peer.walk(gameId="a8db", limit=40, orderBy=order, orderDir="asc", priceTo=400)
    down, _ = await peer.walk(gameId="a8db", limit=40, orderBy=order, orderDir="desc", priceTo=400)
    assert len(up) > 100
    if order == "discount":
        shares = [item["discountPercent"] for item in down]
        assert shares == sorted(shares, reverse=True)
        assert [item["discountPercent"] for item in up if item["discountPercent"]] == sorted(share for share in shares if share)
        assert up[-1]["discountPercent"] == down[-1]["discountPercent"] == 0
    else:
        assert [item["offerId"] for item in down] == [item["offerId"] for item in up][::-1]


async def test_without_an_order_the_newest_come_first(peer):
    items = (await peer.ok(OFFERS, gameId="rust", limit=100))["items"]
    times = [item["createdAt"].replace("Z", "") for item in items]
    assert times == sorted(times, reverse=True)


async def test_the_title_is_a_prefix_in_any_case(peer):
    name = next(o.item.title.name for o in peer.world.games[Game.CSGO].offers.values() if o.item.title.name.startswith("★"))
    items, _ = await peer.walk(gameId="a8db", limit=100, title=name[:9].upper(), offerType="all")
    want = [o for o in peer.world.games[Game.CSGO].offers.values() if o.item.title.name.lower().startswith(name[:9].lower())]
    assert len(items) == len(want) > 0


async def test_offer_types_divide_the_offers(peer):
    counts = {kind: len((await peer.walk(gameId="a8db", limit=100, offerType=kind))[0]) for kind in ("dmarket", "p2p", "all")}
    assert counts["dmarket"] + counts["p2p"] == counts["all"]
    assert counts["p2p"] > 0
    assert (await peer.ok(OFFERS, gameId="tf2", limit=5, offerType="p2p"))["items"] == []
    assert (await peer.ok(OFFERS, gameId="a8db", limit=5, offerType="p2p", onlineSellersOnly="true"))["items"]


@pytest.mark.parametrize(
    ("filters", "holds"),
    [
        ("exterior[]=factory new,exterior[]=field-tested", lambda a: a["cs2"]["exterior"] in ("EXTERIOR_FACTORY_NEW", "EXTERIOR_FIELD_TESTED")),
        ("not_exterior=factory new", lambda a: a["cs2"]["exterior"] != "EXTERIOR_FACTORY_NEW"),
        ("category[]=stattrak_tm", lambda a: a["cs2"]["category"] == "CATEGORY_STATTRACK"),
        ("floatPart[]=FT-2", lambda a: a["cs2"]["floatPart"] == "FLOAT_PART_FT_2"),
        ("tradeLockTo=1", lambda a: a["tradeLockDays"] <= 1),
        ("tradeLockFrom=2", lambda a: a["tradeLockDays"] > 2),
        ("type[]=knife", lambda a: a["type"] == "knife"),
        ("phase[]=phase-1,phase[]=phase-2", lambda a: a["cs2"]["phase"] in ("phase-1", "phase-2")),
    ],
)
async def test_tree_filters(peer, filters, holds):
    every, _ = await peer.walk(gameId="a8db", limit=100)
    items, totals = await peer.walk(gameId="a8db", limit=20, treeFilters=filters)
    assert [item["offerId"] for item in items] == [item["offerId"] for item in every if holds(item["attributes"])]
    assert totals[0] == str(len(items)) != str(len(every))
    assert items


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"gameId": "a8db"}, "limit"),
        ({"gameId": "a8db", "limit": "0"}, "limit"),
        ({"gameId": "a8db", "limit": "101"}, "limit"),
        ({"gameId": "a8db", "limit": "ten"}, "limit"),
        ({"limit": "10"}, "gameId"),
        ({"gameId": "csgo", "limit": "10"}, "gameId"),
        ({"gameId": "a8db", "limit": "10", "orderBy": "age"}, "orderBy"),
        ({"gameId": "a8db", "limit": "10", "orderDir": "up"}, "orderDir"),
        ({"gameId": "a8db", "limit": "10", "priceFrom": "1.50"}, "priceFrom"),
        ({"gameId": "a8db", "limit": "10", "offerType": "steam"}, "offerType"),
        ({"gameId": "a8db", "limit": "10", "onlineSellersOnly": "true"}, "onlineSellersOnly"),
        ({"gameId": "a8db", "limit": "10", "cursor": "?"}, "cursor"),
        ({"gameId": "a8db", "limit": "10", "cursor": base64.b64encode(b"[1]").decode()}, "cursor"),
    ],
)
async def test_bad_parameters_are_400_in_shape_c(peer, params, said):
    answer = await peer.get(OFFERS, **params)
    assert answer.status_code == 400
    body = answer.json()
    assert body["code"] == 3
    assert body["error"] == body["message"]
    assert said in body["message"]


async def test_unknown_parameters_are_ignored(peer):
    assert (await peer.ok(OFFERS, gameId="a8db", limit=1, currency="USD", offset=5, types="dmarket"))["items"]


async def test_a_cursor_belongs_to_its_parameters(peer):
    page = await peer.ok(OFFERS, gameId="a8db", limit=5, orderBy="price")
    answer = await peer.get(OFFERS, gameId="a8db", limit=5, orderBy="price", priceTo=900, cursor=page["cursor"])
    assert answer.status_code == 400
    assert len(page["cursor"]) <= 500


async def test_a_cursor_lives_ten_minutes():
    times = [1_790_000_000.0]
    world = grow_world(2, 300, clock=lambda: times[0])
    options = msgspec.structs.replace(OPEN, signed_at=times[0])
    async with meet(options, world=world, date=int(times[0])) as peer:
        page = await peer.ok(OFFERS, gameId="a8db", limit=5)
        times[0] += 600
        assert (await peer.get(OFFERS, gameId="a8db", limit=5, cursor=page["cursor"])).status_code == 200
        times[0] += 1
        assert (await peer.get(OFFERS, gameId="a8db", limit=5, cursor=page["cursor"])).status_code == 400


async def test_images_only_when_asked_for(peer):
    plain, rich = [(await peer.ok(OFFERS, gameId="a8db", limit=1, withImages=images))["items"][0] for images in ("false", "true")]
    assert plain["attributes"]["imageUri"] == ""
    assert rich["attributes"]["imageUri"].startswith("https://")


async def test_pages_stay_whole_while_the_market_moves():
    async with meet() as peer:
        before = {o.serial for o in peer.world.games[Game.CSGO].offers.values() if not o.p2p}
        seen, params = [], {"gameId": "a8db", "limit": 20, "orderBy": "price"}
        while True:
            page = await peer.ok(OFFERS, **params)
            seen += [item["offerId"] for item in page["items"]]
            peer.server.churn.apply(10)
            if not page["cursor"]:
                break
            params["cursor"] = page["cursor"]
        after = {o.serial for o in peer.world.games[Game.CSGO].offers.values() if not o.p2p}
        stayed = {peer.world.offer_id(peer.world.games[Game.CSGO].offers[serial]) for serial in before & after}
        assert len(seen) == len(set(seen))
        assert stayed <= set(seen)


async def test_the_total_stops_at_ten_thousand():
    async with meet(world=grow_world(1, 24_000)) as peer:
        assert (await peer.ok(OFFERS, gameId="a8db", limit=1))["total"] == "10000"
        assert (await peer.ok(OFFERS, gameId="a8db", limit=1, treeFilters="not_phase=ruby"))["total"] == "10000"
