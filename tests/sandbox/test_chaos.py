"""Each fault on the wire, and what mild promises."""

from __future__ import annotations

import time
from contextlib import suppress

import httpx
import pytest

from botcore.model import Game
from botcore.sandbox import MarketOptions, World, chaos
from botcore.sandbox.chaos import Chaos, Fault
from tests.sandbox.peer import meet

BALANCE = "/account/v1/balance"
OPTIONS = MarketOptions(latency=0.0, limits=False, chaos="storm", stall=0.05)


async def struck(monkeypatch, fault, path=BALANCE, method="GET", body=None):
    monkeypatch.setattr(Chaos, "choose", lambda *_: fault)
    async with meet(OPTIONS, world=World(1)) as peer:
        started = time.monotonic()
        try:
            answer = await (peer.get(path) if method == "GET" else peer.post(path, body, method))
        except httpx.HTTPError as error:
            answer = error
        return answer, time.monotonic() - started, peer


async def test_errors_carry_their_usual_bodies(monkeypatch):
    seen = set()
    for seed in range(4):
        monkeypatch.setattr(Chaos, "error", lambda _, seed=seed: chaos._ERRORS[seed])
        answer, _, _ = await struck(monkeypatch, Fault.ERROR_EARLY)
        seen.add((answer.status_code, answer.headers["content-type"]))
    assert seen == {(500, "application/json"), (502, "text/html"), (503, "application/json"), (504, "text/html")}


@pytest.mark.parametrize("fault", [Fault.RESET_EARLY, Fault.RESET_LATE])
async def test_a_reset_leaves_no_answer(monkeypatch, fault):
    answer, _, _ = await struck(monkeypatch, fault)
    assert isinstance(answer, httpx.ReadError | httpx.RemoteProtocolError)


async def test_a_reset_within_the_body(monkeypatch):
    answer, _, _ = await struck(monkeypatch, Fault.RESET_BODY)
    assert isinstance(answer, httpx.ReadError | httpx.RemoteProtocolError)


@pytest.mark.parametrize("fault", [Fault.STALL_HEAD, Fault.STALL_BODY])
async def test_a_stall_is_late_and_whole(monkeypatch, fault):
    answer, seconds, _ = await struck(monkeypatch, fault)
    assert answer.json()["usd"]
    assert seconds >= 0.05


async def test_html_with_status_200(monkeypatch):
    answer, _, _ = await struck(monkeypatch, Fault.HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
    assert "<html>" in answer.text


async def test_torn_gzip(monkeypatch):
    answer, _, _ = await struck(monkeypatch, Fault.TORN_GZIP)
    if isinstance(answer, httpx.Response):
        assert not answer.text.endswith("}")
    else:
        assert isinstance(answer, httpx.DecodingError)


async def test_a_chaotic_429_is_counted_apart(monkeypatch):
    answer, _, peer = await struck(monkeypatch, Fault.REFUSED)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert (peer.server.served.chaos_refused, set(peer.server.served.refused.values())) == (1, {0})


@pytest.mark.parametrize(("fault", "done"), [(Fault.RESET_EARLY, False), (Fault.RESET_LATE, True), (Fault.ERROR_EARLY, False), (Fault.ERROR_LATE, True)])
async def test_a_write_may_have_happened_or_not(monkeypatch, fault, done):
    monkeypatch.setattr(Chaos, "choose", lambda *_: fault)
    world = World(1)
    offer = world.add_offer(world.add_title(Game.CSGO, "A", 100), 100)
    async with meet(OPTIONS, world=world) as peer:
        body = {"offers": [{"offerId": world.offer_id(offer), "price": {"amount": "100", "currency": "USD"}, "type": "dmarket"}]}
        with suppress(httpx.HTTPError):
            assert (await peer.post("/exchange/v1/offers-buy", body, "PATCH")).status_code >= 500
    assert (world.ledger.balance == 1_000_000 - 100) == done


def test_mild_is_rare_and_never_twice_in_a_row():
    mild = Chaos("mild", 1)
    faults = [mild.choose(number) for number in range(20_000)]
    share = sum(fault is not None for fault in faults) / len(faults)
    assert 0.02 < share < 0.045
    assert set(faults) - {None} == set(Fault)
    mild = Chaos("mild", 2)
    last = None
    for _ in range(20_000):
        fault = mild.choose("the same")
        assert last is None or fault is None
        last = fault


def test_storm_spoils_a_third_and_off_nothing():
    storm = Chaos("storm", 1)
    assert 0.3 < sum(storm.choose(n) is not None for n in range(5000)) / 5000 < 0.42
    assert not any(Chaos("off", 1).choose(n) for n in range(1000))


async def test_control_routes_are_spared(monkeypatch):
    answer, _, _ = await struck(monkeypatch, Fault.RESET_EARLY, "/sandbox/world")
    assert answer.status_code == 200
