"""Signing vectors of a throw-away key (seed 00..1f): Ed25519 is deterministic, so every digit must come out."""

from __future__ import annotations

from typing import NamedTuple

SEED = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
PUBLIC = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
SECRET = SEED + PUBLIC
SIGN_DATE = 1764000000


class Vector(NamedTuple):
    """A request as it is sent, and its signature."""

    name: str
    method: str
    target: str
    body: str
    signature: str


POSITIVE: list[Vector] = [
    Vector(
        "V1 plain GET",
        "GET",
        "/account/v1/balance",
        "",
        "60bb1b619cb38bc8d40c97decf9521ec3e6bc8353ffe298eecf78b3f15b7f4f189eeb0b98a67b9b6f71230bdba490ca2f8819885a2e67912988a9ecc691b120a",
    ),
    Vector(
        "V2 GET with percent-encoded query",
        "GET",
        "/marketplace-api/v2/offers?gameId=a8db&title=%E2%98%85%20Karambit%20%7C%20Doppler&treeFilters=phase%5B%5D%3Druby%2Ccategory%3D%E2%98%85&orderBy=price&limit=100",
        "",
        "358bdb1b73f658383b758336e227b4f051a631abf716019312cf5f5db6240c0d811be3b86c02ac61dc2543b2b603dd8e2d40198c9c452844f5c5ca93fbc65b09",
    ),
    Vector(
        "V3 GET with plus-encoded query",
        "GET",
        "/marketplace-api/v2/offers?gameId=a8db&title=%E2%98%85+Karambit+%7C+Doppler&limit=100",
        "",
        "c06bb0a53c161a4dcfad2b066cff5405a6a77d752ccf6bc789fda08bb0c282a6c9fa6b0537050643a4a684e3a9f18fb2d84412ab7daacda4df2ff2a87e3ae808",
    ),
    Vector(
        "V4 title in the path",
        "GET",
        "/marketplace-api/v1/targets-by-title/a8db/%E2%98%85%20StatTrak%E2%84%A2%20Karambit%20%7C%20Doppler%20%28Factory%20New%29",
        "",
        "62c58762d8aa342392af5751c9de5d516088edc9f8e60fae889c32a0b835012d785262ad8b83473be462d3cb46b8f26c2439d5670866728241805262c43f6109",
    ),
    Vector(
        "V5 PATCH with compact JSON body",
        "PATCH",
        "/exchange/v1/offers-buy",
        '{"offers":[{"offerId":"c3d4e5f6-1234-4abc-9def-7890abcdef12","price":{"amount":"4999","currency":"USD"},"type":"dmarket"}]}',
        "185cd1904feee9ffb8a4e7fb690bfdcab8ad78c9a6b34a0865116daa57fc4c29d9937669274caf6b128f32479e64c4b3a62a6eadd37479d2e32dff002aa05301",
    ),
    Vector(
        "V6 POST with spaced JSON body holding raw UTF-8",
        "POST",
        "/marketplace-api/v1/aggregated-prices",
        '{"filter": {"game": "a8db", "titles": ["★ StatTrak™ Karambit | Doppler (Factory New)"], "includeP2p": false}, "limit": "100"}',
        "407f1b5f56de8927dfc511ee9bab11c2b01026489bab10f3ec27736a7e3024591a5e63f330061b15264e1556dd112e861f2deef7d285c1541dfe024297f05208",
    ),
    Vector(
        "V7 POST with colon in the path",
        "POST",
        "/marketplace-api/v2/offers:batchCreate",
        '{"requests":[{"assetId":"9179b887-04ef-4ce5-ab3a-b5bbd39ea3c8","priceCents":"1599"}]}',
        "f90cc572ed1d9107d9772b86a94f535907e9828a23e31c2524c5ef94b63146a13c8e3c98aba0ca4c4f2fc08be6bfadafb4d2eb422a2d0186178f9c2d81a50206",
    ),
    Vector(
        "V7b same request, colon escaped on the wire",
        "POST",
        "/marketplace-api/v2/offers%3AbatchCreate",
        '{"requests":[{"assetId":"9179b887-04ef-4ce5-ab3a-b5bbd39ea3c8","priceCents":"1599"}]}',
        "f90cc572ed1d9107d9772b86a94f535907e9828a23e31c2524c5ef94b63146a13c8e3c98aba0ca4c4f2fc08be6bfadafb4d2eb422a2d0186178f9c2d81a50206",
    ),
]

# Signed wrongly: over the encoded path, with a stray "&", with the time first. The fourth of the set is V1 at a later time.
NEGATIVE: list[Vector] = [
    Vector(
        "N1 encoded path was signed",
        "GET",
        "/marketplace-api/v1/targets-by-title/a8db/%E2%98%85%20StatTrak%E2%84%A2%20Karambit%20%7C%20Doppler%20%28Factory%20New%29",
        "",
        "006b33d405ee14b91fd480cae44cc6506ed9f731e28c0bd71e2381ea8c4f0f603020d468efa3ecb7e1195b593b2e32643f4c6339ce6740dc8fba43451735e10b",
    ),
    Vector(
        "N2 stray ampersand before the timestamp",
        "GET",
        "/account/v1/balance",
        "",
        "1fce2ac5baa5e257207b7c176e3caebd2f406283b027f9d7d150c36b89372deed2d3bc54301074c8900d41fd3f0f0856134198b4533c78860eda023b4643d60d",
    ),
    Vector(
        "N3 timestamp first",
        "GET",
        "/account/v1/balance",
        "",
        "2e11f7e18182b0ad223c29cf590ca610561bd64a2d2d4e7cd562e76a924a204215f671c9cc9b3c1e6859be491d0d8b2c6d536cf0754a1d097898a9b39defaf02",
    ),
]
