"""The witness: it keeps when each opportunity came and went, and time in a market may pass faster."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from botcore.errors import SandboxError
from botcore.model import Game, Level
from botcore.sandbox import MarketOptions, grow_world, serve_market
from botcore.sandbox.churn import Churn
from botcore.sandbox.truth import true_opportunities
from botcore.sandbox.witness import Witness

CLOCK = 1_790_000_000.0


def all_true(world):
    return {one.offer_id for game in Game for level in Level for one in true_opportunities(world, game, level)}


def alive(witness):
    return {life.offer_id for life in witness.lives if life.died is None}


@pytest.mark.parametrize("seed", [1, 2])
def test_what_lives_is_what_is_true_after_any_events(seed):
    now = CLOCK

    def clock():
        return now

    world = grow_world(seed, 2500, clock=clock)
    churn = Churn(world, deals=0.3)
    witness = Witness(world, churn)
    assert alive(witness) == all_true(world)
    first = len(witness.lives)
    for _ in range(15):
        now += 20.0
        churn.apply(40)
        assert alive(witness) == all_true(world)
    assert len(witness.lives) > first + 10
    ended = [life for life in witness.lives if life.died is not None]
    assert ended
    assert all(life.died is not None and CLOCK <= life.born <= life.died <= now for life in ended)
    assert all(life.listed <= life.born for life in witness.lives)


def test_more_deals_make_more_opportunities():
    counts = []
    for deals in (0.0, 0.6):
        world = grow_world(3, 2000, clock=lambda: CLOCK)
        churn = Churn(world, deals)
        witness = Witness(world, churn)
        before = len(witness.lives)
        churn.apply(400)
        counts.append(len(witness.lives) - before)
    assert counts[1] > 2 * counts[0]


async def test_the_lives_are_told_once_somebody_looks():
    async with serve_market(MarketOptions(size=800, latency=0.0)) as server, httpx.AsyncClient(base_url=server.address.url, trust_env=False) as http:
        assert (await http.get("/sandbox/lives")).status_code == 400
        assert (await http.post("/sandbox/witness")).status_code == 200
        first = (await http.get("/sandbox/lives")).json()["lives"]
        await http.post("/sandbox/churn", json={"events": 300})
        await http.post("/sandbox/witness")
        told = (await http.get("/sandbox/lives")).json()
    assert {life["offer_id"] for life in first} <= {life["offer_id"] for life in told["lives"]}
    assert len(told["lives"]) > len(first)
    assert any(life["died"] for life in told["lives"])


async def test_time_in_a_market_may_pass_faster_and_others_can_share_its_clock():
    epoch = time.time() - 1
    options = MarketOptions(size=300, latency=2.0, speed=50, epoch=epoch, churn=10)
    async with serve_market(options) as server, httpx.AsyncClient(base_url=server.address.url, trust_env=False) as http:
        before = time.time()
        told = server.world.clock()
        assert 50 * (before - epoch) <= told - epoch <= 50 * (time.time() - epoch)
        started = asyncio.get_running_loop().time()
        await http.get("/marketplace-api/v2/offers", params={"gameId": "a8db", "limit": "1"})
        assert 0.04 <= asyncio.get_running_loop().time() - started < 2.0
        twentieth = asyncio.Event()
        server.churn.hear = lambda event: twentieth.set() if event.number >= 20 else None
        await twentieth.wait()
        passed = server.world.clock() - server.world.start
    assert 20 <= server.world.event_count <= passed * 10 + 10


@pytest.mark.parametrize("wrong", [{"deals": 1.5}, {"deals": -0.1}, {"speed": 0.0}])
def test_what_makes_no_market_is_refused(wrong):
    with pytest.raises(SandboxError):
        MarketOptions(**wrong)
