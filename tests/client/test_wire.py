"""Bytes become objects: every spelling, every kind of money, and what a broken row costs."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.client import wire
from botcore.errors import BadAnswer
from botcore.fees import ReducedFee
from botcore.model import Game, Offer, OwnTarget, Quote, Sale, Target

from .rows import attributes, cs2, listing, offer_row

ASKED_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
LISTED_AT = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


def one_offer(**changes) -> Offer:
    page = wire.decode_offers(listing([offer_row(**changes)]), ASKED_AT)
    assert page.broken == 0
    return page.offers[0]


def encode(**body) -> bytes:
    return msgspec.json.encode(body)


def test_an_offer_as_it_comes_today():
    """Text for integers, nulls for what does not apply."""
    page = wire.decode_offers(listing([offer_row()], cursor="next", total="10000"))
    assert page == wire.OffersPage(
        [
            Offer(
                offer_id="1c3989ab-7498-5355-a41a-3bbd48e95dcd",
                asset_id="724c65d6-42b5-5fce-be93-08a22aa450a1",
                title="AK-47 | Redline (Field-Tested)",
                phase="",
                price_cents=3180,
                listed_at=LISTED_AT,
                locked=False,
                p2p=False,
                unlock_at=None,
                float_value="0.2356003224849701",
                paint_seed=412,
            )
        ],
        total=10000,
        cursor="next",
        broken=0,
    )


def test_an_offer_in_the_spelling_of_july_is_the_same_offer():
    """Numbers for integers, ``cs2Attributes`` with a numeric float."""
    july = {"floatValue": 0.2356003224849701, "exterior": "field-tested", "paintSeed": 412}
    row = offer_row(priceCents=3180, attributes=attributes(cs2Attributes=july))
    del row["attributes"]["cs2"]
    assert wire.decode_offers(listing([row], total=3)) == wire.decode_offers(listing([offer_row()]))


def test_what_a_page_cannot_do_without_and_what_it_can():
    """Null lists and cursors are empty ones; a page without a list is no page."""
    assert wire.decode_offers(b'{"items": null, "total": null, "cursor": null}') == wire.OffersPage([], 0, "", 0)
    assert wire.decode_offers(b'{"items": []}') == wire.OffersPage([], 0, "", 0)
    with pytest.raises(BadAnswer, match="missing required field `items`"):
        wire.decode_offers(b"{}")


@pytest.mark.parametrize("missing", ["locked", "offerType", "discountPercent"])
def test_an_offer_without_its_optional_parts_is_an_offer(missing):
    """Missing and null alike."""
    row = offer_row()
    del row[missing]
    assert wire.decode_offers(listing([row, offer_row(**{missing: None})])).offers == [one_offer()] * 2


@pytest.mark.parametrize("value", [None, "missing"])
def test_an_item_of_another_game_has_no_wear(value):
    """No cs2 object, as in Dota 2."""
    row = offer_row(attributes=attributes(cs2=value))
    if value == "missing":
        del row["attributes"]["cs2"]
    offer = wire.decode_offers(listing([row])).offers[0]
    assert (offer.phase, offer.float_value, offer.paint_seed) == ("", "", 0)


BROKEN = [
    {"priceCents": "0"},
    {"priceCents": 0},
    {"priceCents": "-5"},
    {"priceCents": "31.80"},
    {"priceCents": 31.5},
    {"priceCents": ""},
    {"priceCents": None},
    {"priceCents": "9" * 30},
    {"priceCents": True},
    {"offerId": ""},
    {"offerId": None},
    {"createdAt": "yesterday"},
    {"createdAt": None},
    {"createdAt": "2026-11-23T10:30:00"},
    {"attributes": None},
    {"attributes": {}},
    {"attributes": {"title": ""}},
]


@pytest.mark.parametrize("change", BROKEN, ids=repr)
def test_a_broken_offer_costs_itself_and_is_counted(change):
    """Its neighbours stay, in their order."""
    rows = [offer_row(offerId=str(number)) for number in range(99)]
    page = wire.decode_offers(listing([*rows[:40], offer_row(**change), *rows[40:]]))
    assert [offer.offer_id for offer in page.offers] == [str(number) for number in range(99)]
    assert page.broken == 1


@pytest.mark.parametrize("row", [None, 5, "offer", [], {}])
def test_a_row_that_is_no_object_is_a_broken_row(row):
    """Whatever it is instead."""
    page = wire.decode_offers(listing([row, offer_row()]))
    assert (len(page.offers), page.broken) == (1, 1)


@pytest.mark.parametrize(
    ("item", "phase"),
    [
        (cs2(phase="phase-2"), "phase-2"),
        (cs2(phase="", phaseTitle="PHASE_TITLE_PHASE_2"), "phase-2"),
        (cs2(phase=None, phaseTitle="PHASE_TITLE_BLACK_PEARL"), "black-pearl"),
        (cs2(phase="any", phaseTitle="PHASE_TITLE_RUBY"), "ruby"),
        (cs2(phaseTitle="PHASE_TITLE_SOMETHING_NEW"), "somethingnew"),
        (cs2(phaseTitle=None), ""),
    ],
)
def test_a_phase_is_told_in_either_of_two_fields(item, phase):
    """In several spellings, unknown ones included."""
    assert one_offer(attributes=attributes(cs2=item)).phase == phase


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ("0.15012345612049103", "0.15012345612049103"),
        ("", ""),
        (None, ""),
        (0.25, "0.25"),
        (1, "1.0"),
        (0.00001, "0.00001"),
        ("1e-05", "0.00001"),
        ("NaN", ""),
        ("broken", ""),
        ("1e999", ""),
    ],
)
def test_a_wear_stays_the_decimal_text_it_was(told, text):
    """Never an exponent, and nothing when it is no number."""
    assert one_offer(attributes=attributes(cs2=cs2(float=told))).float_value == text


@pytest.mark.parametrize(
    ("lock", "unlock_at"),
    [
        ({"unlockDate": "2026-11-29T03:45:23.140Z", "tradeLockDays": 6}, datetime(2026, 11, 29, 3, 45, 23, 140000, UTC)),
        ({"unlockDate": "2026-11-29T05:45:23.140999999+02:00"}, datetime(2026, 11, 29, 3, 45, 23, 141000, UTC)),
        ({"tradeLockDuration": "86400s"}, ASKED_AT + timedelta(days=1)),
        ({"tradeLockDuration": "480923.5s", "tradeLockDays": 6}, ASKED_AT + timedelta(seconds=480923.5)),
        ({"tradeLockDuration": 3600}, ASKED_AT + timedelta(hours=1)),
        ({"tradeLockDays": 2}, ASKED_AT + timedelta(days=2)),
        ({"tradeLockDays": "2"}, ASKED_AT + timedelta(days=2)),
        ({"tradeLockDuration": -1}, None),
        ({"tradeLockDuration": "0s"}, None),
        ({"tradeLockDuration": "a while"}, None),
        ({"tradeLockDuration": "1e300s"}, None),
        ({}, None),
    ],
)
def test_a_lock_ends_at_its_date_or_after_its_duration(lock, unlock_at):
    """The date counts when there is one; -1 means there is no such thing."""
    assert one_offer(attributes=attributes(**lock)).unlock_at == unlock_at


def test_a_lock_told_as_a_duration_needs_the_time_of_asking():
    """Without it nothing is made up."""
    page = wire.decode_offers(listing([offer_row(attributes=attributes(tradeLockDays=2))]))
    assert page.offers[0].unlock_at is None


def test_locked_and_p2p_are_told_by_the_wire():
    """Whatever the row is otherwise."""
    offer = one_offer(locked=True, offerType="p2p")
    assert (offer.locked, offer.p2p) == (True, True)


@given(cents=st.integers(1, 10**9), as_text=st.booleans())
def test_cents_of_a_listing_are_exact(cents, as_text):
    """As text and as a number."""
    assert one_offer(priceCents=str(cents) if as_text else cents).price_cents == cents


@given(cents=st.integers(1, 10**9), as_text=st.booleans(), zeros=st.integers(0, 3))
def test_dollars_of_a_sale_are_exact(cents, as_text, zeros):
    """No binary float comes between: 0.29 is 29 cents."""
    dollars = f"{cents // 100}.{cents % 100:02}" + "0" * zeros
    price = f'"{dollars}"' if as_text else dollars
    page = wire.decode_sales(f'{{"sales": [{{"price": {price}, "date": "1763884800"}}]}}'.encode())
    assert page == wire.SalesPage([Sale(cents, 1763884800)])


@pytest.mark.parametrize("price", ['"0.00"', '"-1.00"', '"31.605"', '"NaN"', '"Infinity"', '"1e999999"', "1e400", '""', "null", "true", '"$5"'])
def test_dollars_that_are_no_whole_cents_break_the_row(price):
    """And quickly, whatever their size."""
    page = wire.decode_sales(f'{{"sales": [{{"price": {price}, "date": 1}}, {{"price": "1.00", "date": 1}}]}}'.encode())
    assert page == wire.SalesPage([Sale(100, 1)], broken=1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["items", "total", "cursor", "offerId", "x"]), inner, max_size=4),
    max_leaves=12,
)
DECODERS = [
    wire.decode_offers,
    wire.decode_inventory,
    wire.decode_own_targets,
    wire.decode_targets,
    wire.decode_sales,
    wire.decode_quotes,
    lambda data: wire.decode_fees(data, Game.CSGO),
    wire.decode_balance,
    wire.decode_profile,
]


@pytest.mark.parametrize("decode", DECODERS)
@given(data=st.one_of(st.binary(max_size=60), JSON.map(lambda value: str(value).encode()), JSON.map(msgspec.json.encode)))
def test_whatever_comes_is_a_page_or_a_bad_answer(decode, data):
    """No other error leaves this module."""
    with suppress(BadAnswer):
        assert decode(data) is not None


def test_an_answer_nested_without_end_is_a_bad_answer():
    """The parser's own limit is no crash."""
    with pytest.raises(BadAnswer):
        wire.decode_offers(b'{"items": [{"x": ' + b"[" * 100_000)


VALUES = JSON | st.sampled_from(["3180", 3180, "2026-11-23T10:30:00Z", attributes(), "p2p", True])


@given(st.lists(st.dictionaries(st.sampled_from(list(offer_row())), VALUES, max_size=3), max_size=6))
def test_what_a_page_gives_does_not_depend_on_its_neighbours(changes):
    """Whole or row by row: each readable row gives the same offer, each other counts once."""
    rows = [offer_row(**change) for change in changes]
    alone = [wire.decode_offers(listing([row]), ASKED_AT) for row in rows]
    together = wire.decode_offers(listing([*rows, None]), ASKED_AT)
    assert together.offers == [offer for page in alone for offer in page.offers]
    assert together.broken == 1 + sum(page.broken for page in alone)


def test_targets_come_highest_first_with_their_wishes_spelt_one_way():
    """any, nothing, null and absent all mean anything."""
    body = encode(
        orders=[
            {"amount": "1", "price": "2800", "title": "x", "attributes": {"floatPartValue": "any", "paintSeed": "661", "phase": "any"}},
            {"amount": 3, "price": 2951, "attributes": {"floatPartValue": "ft_0", "paintSeed": 0, "phase": "Phase 2"}},
            {"amount": "14", "price": "2840", "attributes": {"floatPartValue": "", "paintSeed": None, "phase": "Any"}},
            {"amount": "1", "price": "2700", "attributes": None},
            {"amount": "1", "price": "0", "attributes": {}},
            {"amount": "1", "price": "12.5"},
            {"amount": "2", "price": "2600"},
        ]
    )
    assert wire.decode_targets(body) == wire.TargetsPage(
        [
            Target(2951, 3, "FT-0", "phase-2", "0"),
            Target(2840, 14),
            Target(2800, 1, paint_seed="661"),
            Target(2700, 1),
            Target(2600, 2),
        ],
        broken=2,
    )


def test_sales_come_in_their_order_with_phase_and_kind():
    """Null attributes are attributes of nothing."""
    body = encode(
        sales=[
            {
                "price": "31.60",
                "date": "1763884800",
                "txOperationType": "Offer",
                "offerAttributes": {"phaseTitle": None, "floatValue": 0.27},
                "orderAttributes": {},
            },
            {"price": 28.4, "date": 1763881200, "txOperationType": "Target", "offerAttributes": {"phaseTitle": "Phase 4"}},
            {"price": "1550.00", "date": "1763880000", "txOperationType": "Offer", "offerAttributes": None},
            {"price": "1.00", "date": "-5"},
        ]
    )
    sales = [Sale(3160, 1763884800), Sale(2840, 1763881200, "phase-4", to_target=True), Sale(155000, 1763880000)]
    assert wire.decode_sales(body) == wire.SalesPage(sales, broken=1)
    assert wire.decode_sales(b'{"sales": []}') == wire.SalesPage([])


def test_quotes_read_both_spellings_of_money_and_an_empty_side_as_zero():
    """Capital keys as seen live, lower case as elsewhere."""
    body = encode(
        aggregatedPrices=[
            {
                "title": "a",
                "orderBestPrice": {"Currency": "USD", "Amount": "2951"},
                "orderCount": "18",
                "offerBestPrice": {"currency": "USD", "amount": "3180"},
                "offerCount": 412,
            },
            {"title": "b", "orderBestPrice": {"Currency": "USD", "Amount": "0"}, "orderCount": "0", "offerBestPrice": None},
            {"title": "c", "offerBestPrice": {"Currency": "USD"}},
            {"title": "d", "offerBestPrice": {"Amount": "-1"}},
        ],
        nextCursor="MTAw",
    )
    assert wire.decode_quotes(body) == wire.QuotesPage([Quote("a", 3180, 412, 2951, 18), Quote("b", 0, 0, 0, 0)], "MTAw", broken=2)


def test_a_quotes_request_leaves_p2p_out():
    """The default would count what cannot be bought here."""
    assert msgspec.json.decode(wire.encode_quotes_request(Game.DOTA2, ["a", "★"])) == {
        "filter": {"game": "9a92", "titles": ["a", "★"], "includeP2p": False},
        "limit": "2",
    }
    assert b'"cursor":"MTAw"' in wire.encode_quotes_request(Game.DOTA2, ["a"], "MTAw")


def test_fees_are_exact_fractions_and_a_title_may_have_several():
    """A broken reduced row costs itself."""
    reduced = [
        {"title": "a", "fraction": "0.02", "minPrice": 1000, "maxPrice": 10000, "expiresAt": 1764028800},
        {"title": "a", "fraction": 0.03, "minPrice": "1", "maxPrice": 100, "expiresAt": "1764028800"},
        {"title": "b", "fraction": "5", "minPrice": 1, "maxPrice": 2, "expiresAt": 3},
        {"title": "c", "fraction": "0.01", "minPrice": 1, "maxPrice": None, "expiresAt": 3},
    ]
    page = wire.decode_fees(encode(defaultFee={"fraction": "0.05", "minAmount": 1}, reducedFees=reduced), Game.CSGO)
    assert (page.book.game, page.book.default, page.book.minimum_cents, page.rows, page.broken) == (Game.CSGO, Fraction(1, 20), 1, 4, 2)
    assert page.book.reduced == {"a": (ReducedFee(Fraction(1, 50), 1000, 10000, 1764028800), ReducedFee(Fraction(3, 100), 1, 100, 1764028800))}


@pytest.mark.parametrize(
    "default",
    [
        {},
        {"fraction": "0.05"},
        {"fraction": "5", "minAmount": 1},
        {"fraction": "-0.1", "minAmount": 1},
        {"fraction": "NaN", "minAmount": 1},
        {"fraction": "", "minAmount": 1},
        None,
    ],
)
def test_no_fee_is_ever_assumed(default):
    """A default fee that cannot be read is a bad answer."""
    with pytest.raises(BadAnswer):
        wire.decode_fees(encode(defaultFee=default, reducedFees=[]), Game.TF2)


@given(st.integers(0, 99_999), st.booleans())
def test_any_fraction_comes_out_exact(share, as_text):
    """As text and as a number."""
    text = format(Decimal(share).scaleb(-5), "f")
    body = f'{{"defaultFee": {{"fraction": {chr(34) + text + chr(34) if as_text else text}, "minAmount": 1}}}}'
    assert wire.decode_fees(body.encode(), Game.TF2).book.default == Fraction(share, 100_000)


def test_a_balance_needs_its_money():
    """A 200 without ``usd`` is no balance."""
    assert wire.decode_balance(encode(usd="152340", usdAvailableToWithdraw=120000, dmc="0")) == wire.Balance(152340, 120000)
    with pytest.raises(BadAnswer):
        wire.decode_balance(encode(dmc="0"))


def test_a_profile_keeps_no_secret():
    """What is not read cannot leak."""
    body = encode(
        id="f4ddc09f",
        username="trader",
        email="trader@example.test",
        settings={"targetsLimit": 500, "tradingApiToken": "T0KEN"},
        steamAccount={"apiKey": "K3Y"},
    )
    profile = wire.decode_profile(body)
    assert profile == wire.Profile("f4ddc09f", "trader", 500)
    assert wire.decode_profile(encode(id="x", settings=None)).targets_limit == 0


def test_own_targets_are_read_like_those_of_others():
    """With the market's other spelling of the same wishes."""
    wishes = {"phase": "PHASE_TITLE_PHASE_2", "paintSeed": 661, "floatPart": "FLOAT_PART_FT_0"}
    nothing = {"phase": "PHASE_TITLE_UNSPECIFIED", "paintSeed": 0, "floatPart": "FLOAT_PART_UNSPECIFIED"}
    rows = [
        {"title": "a", "amount": "2", "status": "TARGET_STATUS_ACTIVE", "priceCents": "2800", "attributes": {"cs2": wishes}},
        {"title": "b", "amount": 10, "status": "TARGET_STATUS_INACTIVE", "priceCents": 60, "attributes": {"cs2": nothing}},
        {"title": "c", "amount": "1", "status": "TARGET_STATUS_NEW", "priceCents": "1", "attributes": None},
        {"title": "d", "amount": "1", "priceCents": "0"},
    ]
    page = wire.decode_own_targets(listing(rows))
    assert page.rows == [
        OwnTarget("a", Target(2800, 2, "FT-0", "phase-2", "661"), active=True),
        OwnTarget("b", Target(60, 10), active=False),
        OwnTarget("c", Target(1, 1), active=False),
    ]
    assert page.broken == 1


@pytest.mark.parametrize(
    ("money", "cents"),
    [
        ({"currency": "USD", "amount": "36.34"}, 3634),
        ({"Currency": "USD", "Amount": 0.7}, 70),
        ({"currency": "USD", "amount": ""}, None),
        ({"currency": "USD", "amount": "0"}, None),
        (None, None),
        ("a lot", None),
    ],
)
def test_an_inventory_item_s_suggested_price_is_only_an_opinion(money, cents):
    """One that cannot be read breaks nothing."""
    row = {"attributes": attributes(), "suggestedPrice": money, "inMarket": True}
    page = wire.decode_inventory(listing([row, {}]), ASKED_AT)
    assert page.rows == [
        wire.InventoryItem("724c65d6-42b5-5fce-be93-08a22aa450a1", "AK-47 | Redline (Field-Tested)", "", in_market=True, tradable=True, suggested_cents=cents)
    ]
    assert (page.total, page.cursor, page.broken) == (3, "", 1)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"code": "BadRequest", "message": "validation failed", "validationDetails": {"offers": "x"}}, "BadRequest", "validation failed"),
        ({"error": "invalid limit", "code": 3}, "3", "invalid limit"),
        ({"Code": "Unauthorized", "Message": "no"}, "Unauthorized", "no"),
        ({"message": '{"Code": "Inner", "Message": "deep"}'}, "Inner", "deep"),
        ({"message": {"not": "text"}, "detail": "this then"}, "", "this then"),
        ({"code": {"odd": 1}}, "", ""),
        ([1], "", ""),
    ],
)
def test_an_error_is_read_in_every_spelling(body, code, message):
    """And is empty when it is none."""
    assert wire.decode_error(msgspec.json.encode(body)) == (code, message)
