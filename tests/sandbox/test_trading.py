"""Buying and selling over the wire, and a ledger that nothing can drive below zero."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from botcore.model import Game
from botcore.sandbox import World, grow_world
from botcore.sandbox.churn import Churn
from botcore.sandbox.goods import Order
from botcore.sandbox.ledger import ASSET_LOCK_SECONDS, TradeRefused
from tests.sandbox.peer import meet

OFFERS = "/marketplace-api/v2/offers"
BUY = "/exchange/v1/offers-buy"


def wish(item, price=None, kind="dmarket"):
    return {"offerId": item["offerId"], "price": {"amount": str(price or item["priceCents"]), "currency": "USD"}, "type": kind}


async def buy(peer, *wishes):
    return await peer.posted(BUY, {"offers": list(wishes)}, "PATCH")


async def one_offer(peer, **more):
    page = await peer.ok(OFFERS, gameId="a8db", limit=50, orderBy="price", priceFrom=100, **more)
    own = peer.world.account_id
    return next(item for item in page["items"] if not item["locked"] and item["attributes"]["owner"] != own)


async def balance(peer):
    return int((await peer.ok("/account/v1/balance"))["usd"])


async def assets(peer):
    return {row["attributes"]["id"] for row in (await peer.ok("/marketplace-api/v2/user/inventory", gameId="a8db", limit=100))["items"]}


@pytest.fixture
async def peer():
    async with meet() as found:
        yield found


async def test_what_is_bought_is_paid_gone_and_ours(peer):
    item = await one_offer(peer)
    before = await balance(peer)
    bought = await buy(peer, wish(item))
    assert bought["status"] == "TxSuccess"
    assert bought["dmOffersStatus"] == {item["offerId"]: {"started": True}}
    assert bought["dmOffersFailReason"] == {"code": ""}
    assert await balance(peer) == before - int(item["priceCents"])
    assert item["attributes"]["id"] in await assets(peer)
    items, _ = await peer.walk(gameId="a8db", limit=100)
    assert item["offerId"] not in {row["offerId"] for row in items}
    again = await buy(peer, wish(item))
    assert (again["status"], again["dmOffersFailReason"]["code"], again["txId"]) == ("TxFailed", "OfferNotFound", "")
    assert await balance(peer) == before - int(item["priceCents"])


async def test_a_changed_price_a_locked_offer_p2p_and_an_own_one_cannot_be_bought(peer):
    item = await one_offer(peer)
    locked = next(o for o in peer.world.games[Game.CSGO].offers.values() if o.locked and not o.p2p)
    own = next(o for o in peer.world.games[Game.CSGO].offers.values() if o.mine)
    p2p = await one_offer(peer, offerType="p2p")
    for wanted in (
        wish(item, int(item["priceCents"]) + 1),
        wish({"offerId": peer.world.offer_id(locked)}, locked.price),
        wish({"offerId": peer.world.offer_id(own)}, own.price),
        wish(p2p, kind="p2p"),
        wish({"offerId": "nonsense"}, 5),
    ):
        answer = await buy(peer, wanted)
        assert (answer["status"], answer["dmOffersFailReason"]["code"]) == ("TxFailed", "OfferNotFound")


async def test_no_money_no_deal_and_all_or_none(peer):
    item, before = await one_offer(peer), await balance(peer)
    answer = await buy(peer, wish(item), wish({"offerId": "gone"}, 5))
    assert answer["status"] == "TxFailed"
    assert await balance(peer) == before
    peer.world.ledger.balance = int(item["priceCents"]) - 1
    answer = await buy(peer, wish(item))
    assert answer["dmOffersFailReason"] == {"code": "BalanceInsufficientFunds"}
    peer.world.ledger.balance += 1
    assert (await buy(peer, wish(item)))["status"] == "TxSuccess"
    assert await balance(peer) == 0


async def test_list_reprice_and_take_down(peer):
    item = await one_offer(peer)
    await buy(peer, wish(item))
    asset = item["attributes"]["id"]
    made = await peer.posted(OFFERS + ":batchCreate", {"requests": [{"assetId": asset, "priceCents": "777"}, {"assetId": "none", "priceCents": 5}]})
    assert made["offers"][0]["assetId"] == asset
    assert made["failed"][0]["code"] == "BadRequest"
    own = await peer.ok("/marketplace-api/v2/user/offers", gameId="a8db", limit=100)
    assert (made["offers"][0]["id"], "777") in {(row["offerId"], row["priceCents"]) for row in own["items"]}
    assert asset not in await assets(peer)
    early = await peer.posted("/marketplace-api/v2/offers%3AbatchUpdate", {"requests": [{"offerId": made["offers"][0]["id"], "priceCents": 700}]})
    assert (early["failed"][0]["code"], early["failed"][0]["message"]) == ("AssetTimeLocked", "10:59")
    gone = await peer.posted(OFFERS + ":batchDelete", {"requests": [{"offerId": made["offers"][0]["id"]}, {"offerId": "x"}]})
    assert gone["offers"] == made["offers"]
    assert gone["failed"] == [{"offerId": "x", "code": "OfferNotFound", "message": ""}]
    assert asset in await assets(peer)


async def test_targets_are_placed_in_the_book_and_taken_back(peer):
    name = next(title.name for title in peer.world.games[Game.CSGO].titles.values() if title.wear_range)
    lines = [
        {"Amount": "2", "Price": {"Currency": "USD", "Amount": 12.34}, "Title": name, "Attrs": {"floatPartValue": "FT-0"}},
        {"Amount": "101", "Price": {"Currency": "USD", "Amount": 1}, "Title": name},
        {"Amount": "1", "Price": {"Currency": "USD", "Amount": 1.005}, "Title": name},
        {"Amount": "1", "Price": {"Currency": "USD", "Amount": 1}, "Title": "No such title"},
        {"Amount": "1", "Price": {"Currency": "USD", "Amount": 1}, "Title": name, "Attrs": {"floatPartValue": "0.15"}},
    ]
    made = (await peer.posted("/marketplace-api/v1/user-targets/create", {"GameID": "a8db", "Targets": lines}))["Result"]
    assert [row["Successful"] for row in made] == [True, False, False, False, False]
    assert [row["CreateTarget"] for row in made] == lines
    assert made[1]["Error"]["Code"] == "InvalidAmount"
    path = "/marketplace-api/v1/targets-by-title/a8db/" + "".join(f"%{byte:02X}" for byte in name.encode())
    row = {"amount": "2", "price": "1234", "title": name, "attributes": {"floatPartValue": "FT-0", "paintSeed": "any"}}
    assert row in (await peer.ok(path))["orders"]
    ids = [{"TargetID": made[0]["TargetID"]}, {"TargetID": "x"}]
    ended = (await peer.posted("/marketplace-api/v1/user-targets/delete", {"Targets": ids}))["Result"]
    assert [row["Successful"] for row in ended] == [True, False]
    assert row not in (await peer.ok(path))["orders"]


async def test_deposit_and_withdraw(peer):
    rows = (await peer.ok("/marketplace-api/v2/user/inventory", gameId="a8db", limit=100))["items"]
    steam = next(row["attributes"]["inGameAssetId"] for row in rows if not row["inMarket"])
    deposit = await peer.posted("/marketplace-api/v1/deposit-assets", {"AssetID": [steam]})
    assert (await peer.ok(f"/marketplace-api/v1/deposit-status/{deposit['DepositID']}"))["Status"] == "TransferStatusCreated"
    peer.world.clock = lambda clock=peer.world.clock: clock() + 3
    done = await peer.ok(f"/marketplace-api/v1/deposit-status/{deposit['DepositID']}")
    assert done["Status"] == "TransferStatusSuccess"
    wanted = {"assets": [{"id": done["Assets"][0]["DmarketAssetID"], "gameId": "a8db", "classId": "1"}], "requestId": "r"}
    assert (await peer.posted("/exchange/v1/withdraw-assets", wanted))["transferId"]
    assert (await peer.post("/exchange/v1/withdraw-assets", wanted)).status_code == 400
    assert await peer.posted("/marketplace-api/v1/user-inventory/sync", {"Type": "Inventory", "GameID": "CSGO"}) == {}
    assert (await peer.post("/marketplace-api/v1/user-inventory/sync", {"Type": "Inventory", "GameID": "a8db"})).status_code == 400


def test_a_sold_offer_pays_less_its_fee_and_is_payable_after_a_week():
    now = [1_790_000_000.0]
    world = World(1, clock=lambda: now[0], balance=100)
    offer = world.add_offer(world.add_title(Game.CSGO, "A", 1000), 1000, mine=True)
    world.drop(offer)
    world.ledger.sold(offer)
    assert (world.ledger.balance, world.ledger.payable) == (1050, 100)
    now[0] += 7 * 86_400
    assert world.ledger.payable == 1050


def test_a_new_offer_fills_the_dearest_own_target_that_takes_it():
    world = World(1, balance=1000)
    title = world.add_title(Game.CSGO, "A", 1000)
    target = world.ledger.place(title, Order(900, 1))
    assert not world.ledger.meet(world.add_offer(title, 901))
    assert world.ledger.meet(world.add_offer(title, 800))
    assert (world.ledger.balance, len(world.ledger.holdings), world.ledger.closed_targets[0].price) == (200, 1, 800)
    assert target.number not in world.ledger.targets
    poor = world.ledger.place(title, Order(900, 1))
    assert not world.ledger.meet(world.add_offer(title, 800))
    assert not poor.active


class LedgerMachine(RuleBasedStateMachine):
    """Any order of buying, listing, repricing, taking down, ordering, selling and churning keeps the books straight."""

    offers = Bundle("offers")

    def __init__(self):
        super().__init__()
        self.now = 1_790_000_000.0
        self.world = grow_world(4, 100, clock=lambda: self.now)
        self.world.ledger.balance = 3000
        self.churn = Churn(self.world)
        self.market = self.world.games[Game.CSGO]

    def attempt(self, act):
        before = self.world.ledger.balance
        try:
            return act()
        except TradeRefused:
            assert self.world.ledger.balance == before
            return None

    @rule(place=st.integers(0, 500), wrong=st.booleans())
    def buys(self, place, wrong):
        every = list(self.market.offers.values())
        offer = every[place % len(every)]
        offer_id, before = self.world.offer_id(offer), self.world.ledger.balance
        bought = self.attempt(lambda: self.world.ledger.buy([(offer_id, offer.price + wrong, "dmarket")]))
        if bought:
            assert self.world.ledger.balance == before - offer.price
            assert self.world.find_offer(offer_id) is None
            assert offer.item.asset in self.world.ledger.holdings
            assert self.attempt(lambda: self.world.ledger.buy([(offer_id, offer.price, "dmarket")])) is None

    @rule(place=st.integers(0, 50), price=st.integers(-1, 5000))
    def lists(self, place, price):
        held = self.world.ledger.visible()
        if held:
            item = held[place % len(held)].item
            offer = self.attempt(lambda: self.world.ledger.sell(self.world.asset_id(item), price))
            assert offer is None or offer.item.asset not in self.world.ledger.holdings

    @rule(place=st.integers(0, 50), price=st.integers(0, 5000), down=st.booleans())
    def changes(self, place, price, down):
        own = [offer for offer in self.market.offers.values() if offer.mine]
        if own:
            offer_id = self.world.offer_id(own[place % len(own)])
            ledger = self.world.ledger
            changed = self.attempt(lambda: ledger.withdraw_offer(offer_id) if down else ledger.reprice(offer_id, price))
            assert changed is None or self.world.find_offer(offer_id) is None

    @rule(place=st.integers(0, 50), price=st.integers(1, 5000), amount=st.integers(1, 3))
    def orders(self, place, price, amount):
        titles = list(self.market.titles.values())
        self.attempt(lambda: self.world.ledger.place(titles[place % len(titles)], Order(price, amount)))

    @rule(count=st.integers(1, 20), seconds=st.sampled_from([0, 1, ASSET_LOCK_SECONDS]))
    def lives(self, count, seconds):
        self.now += seconds
        self.churn.apply(count)

    @invariant()
    def books_are_straight(self):
        ledger = self.world.ledger
        assert 0 <= ledger.payable <= ledger.balance
        on_sale = [offer.item.asset for market in self.world.games.values() for offer in market.offers.values()]
        assert len(set(on_sale)) == len(on_sale)
        assert not set(on_sale) & set(ledger.holdings)
        assert all(count == 1 for count in ledger.bought.values())


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
