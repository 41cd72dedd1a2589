"""Who may ask: every signing vector over the wire, and everything that must be refused."""

from __future__ import annotations

import httpx
import msgspec
import pytest

from botcore.sandbox import MarketOptions, World, serve_market
from botcore.sandbox.signature import SignatureCheck, make_keys
from tests.vectors import NEGATIVE, POSITIVE, PUBLIC, SECRET, SIGN_DATE

OPTIONS = MarketOptions(latency=0.0, public_key=PUBLIC, secret_key=SECRET, signed_at=float(SIGN_DATE))


async def ask(vector, options=OPTIONS, **headers):
    sent = {"X-Api-Key": PUBLIC, "X-Sign-Date": str(SIGN_DATE), "X-Request-Sign": f"dmar ed25519 {vector.signature}", **headers}
    async with serve_market(options, world=World(1)) as server, httpx.AsyncClient(base_url=server.address.url) as http:
        answer = await http.request(vector.method, vector.target, content=vector.body.encode(), headers={k: v for k, v in sent.items() if v})
        return answer, server.served.bad_signatures


@pytest.mark.parametrize("vector", POSITIVE, ids=lambda vector: vector.name)
async def test_a_right_signature_is_accepted(vector):
    answer, bad = await ask(vector)
    assert answer.status_code != 401
    assert bad == 0


@pytest.mark.parametrize("vector", NEGATIVE, ids=lambda vector: vector.name)
async def test_a_wrong_signature_is_refused(vector):
    answer, bad = await ask(vector)
    assert answer.status_code == 401
    assert bad == 1


@pytest.mark.parametrize(("late", "status"), [(0, 200), (120, 200), (121, 401), (-120, 200), (-121, 401)])
async def test_the_date_may_be_two_minutes_off(late, status):
    answer, _ = await ask(POSITIVE[0], msgspec.structs.replace(OPTIONS, signed_at=float(SIGN_DATE + late)))
    assert answer.status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Api-Key": ""},
        {"X-Api-Key": "ab" * 32},
        {"X-Sign-Date": ""},
        {"X-Sign-Date": "soon"},
        {"X-Request-Sign": ""},
        {"X-Request-Sign": POSITIVE[0].signature},
        {"X-Request-Sign": "dmar ed25519 " + "0" * 128},
    ],
)
async def test_a_header_that_is_missing_or_wrong_is_401(headers):
    answer, _ = await ask(POSITIVE[0], **headers)
    assert answer.status_code == 401
    assert answer.json() == {"code": "Unauthorized", "message": "Unauthorized"}


async def test_401_is_pascal_case_on_the_marketplace():
    answer, _ = await ask(POSITIVE[1], **{"X-Request-Sign": ""})
    assert answer.json() == {"Code": "Unauthorized", "Message": "Unauthorized"}


def test_keys_belong_to_the_seed():
    public, secret = make_keys(5)
    assert (public, secret) == make_keys(5)
    assert public != make_keys(6)[0]
    assert (len(public), len(secret), secret[64:]) == (64, 128, public)
    SignatureCheck(public)


async def test_the_clock_of_the_server_can_be_off():
    answer, _ = await ask(POSITIVE[0], MarketOptions(latency=0.0, public_key=PUBLIC, secret_key=SECRET, clock_offset=-1e8))
    assert answer.status_code == 401
    assert " 2023 " in answer.headers["date"]
