"""A market at a distance answers as late as the way takes, and so do connecting and TLS."""

from __future__ import annotations

import ssl
import time

import httpx
import pytest

from botcore.errors import SandboxError
from botcore.sandbox import MarketOptions, spawn_market

FAR = 0.2


async def seconds(http, url):
    start = time.perf_counter()
    answer = await http.get(f"{url}/sandbox/world")
    assert answer.status_code == 200
    return time.perf_counter() - start


@pytest.mark.parametrize(("tls", "trips"), [(False, 2), (True, 3)])
async def test_a_new_connection_takes_its_round_trips_and_a_kept_one_a_single(tls, trips):
    async with (
        spawn_market(MarketOptions(size=100, latency=0.0, tls=tls, distance=FAR)) as address,
        httpx.AsyncClient(verify=ssl.create_default_context(cafile=address.ca_file) if address.ca_file else False, trust_env=False) as http,
    ):
        first = await seconds(http, address.url)
        second = await seconds(http, address.url)
    assert trips * FAR <= first
    assert FAR <= second < first - (trips - 1) * FAR * 0.8


async def test_an_answer_of_many_pieces_arrives_whole():
    async with spawn_market(MarketOptions(size=40_000, latency=0.0, distance=0.01)) as address, httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{address.url}/sandbox/truth", params={"game": "csgo", "level": "boost", "max_profit": "inf"})
        assert len(answer.content) > 10_000
        assert answer.json()["opportunities"]


def test_no_distance_is_less_than_none():
    with pytest.raises(SandboxError, match="distance is -1"):
        MarketOptions(distance=-1)
