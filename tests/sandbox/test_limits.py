"""Quotas by class, in each way of counting, and the documented headers."""

from __future__ import annotations

import pytest

from botcore.model import RequestClass
from botcore.sandbox import MarketOptions, World
from botcore.sandbox.limits import QUOTAS, Quota, Served, classify
from tests.sandbox.peer import meet

PATHS = {
    RequestClass.MARKET: "/marketplace-api/v2/offers?gameId=a8db&limit=1",
    RequestClass.SALES: "/trade-aggregator/v1/last-sales?gameId=a8db&title=x",
    RequestClass.FEE: "/exchange/v1/customized-fees?gameId=a8db",
    RequestClass.OTHER: "/account/v1/balance",
}


def passes(quota, times):
    return [quota.take(at).passed for at in times]


def test_a_fixed_window_restarts_with_the_second():
    quota = Quota(2, "fixed")
    assert passes(quota, [0.8, 0.9, 0.95, 1.0, 1.1, 1.2]) == [True, True, False, True, True, False]


def test_a_sliding_window_looks_back_one_second():
    quota = Quota(2, "sliding")
    assert passes(quota, [0.8, 0.9, 0.95, 1.0, 1.79, 1.81, 1.85, 1.91]) == [True, True, False, False, False, True, False, True]


def test_a_bucket_refills_steadily():
    quota = Quota(2, "bucket")
    assert passes(quota, [0.0, 0.0, 0.0, 0.4, 0.51, 0.6, 5.0, 5.0, 5.0]) == [True, True, False, False, True, False, True, True, False]


@pytest.mark.parametrize("window", ["fixed", "sliding", "bucket"])
def test_what_is_refused_costs_nothing(window):
    quota = Quota(2, window)
    assert passes(quota, [10.0 + n / 1000 for n in range(100)]).count(True) == 2
    assert quota.take(11.2).passed
    assert quota.take(11.2).remaining == 0


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/marketplace-api/v2/offers", RequestClass.MARKET),
        ("GET", "/exchange/v1/market/items", RequestClass.MARKET),
        ("GET", "/trade-aggregator/v1/last-sales", RequestClass.SALES),
        ("GET", "/exchange/v1/customized-fees", RequestClass.FEE),
        ("POST", "/marketplace-api/v1/aggregated-prices", RequestClass.OTHER),
        ("POST", "/marketplace-api/v2/offers:batchCreate", RequestClass.OTHER),
        ("GET", "/marketplace-api/v1/targets-by-title/a8db/x", RequestClass.OTHER),
    ],
)
def test_classes(method, path, kind):
    assert classify(method, path) is kind


def test_the_most_in_any_second_is_no_average():
    served = Served()
    for at in (0.0, 0.5, 0.9, 0.95, 1.2, 5.0):
        served.arrive(RequestClass.MARKET, "/x", at)
    assert served.most_in_a_second[RequestClass.MARKET] == 4
    assert served.requests[RequestClass.MARKET] == 6


@pytest.mark.parametrize("kind", list(RequestClass))
@pytest.mark.parametrize("window", ["fixed", "sliding", "bucket"])
async def test_each_class_is_held_to_its_quota(kind, window):
    now = [100.0]
    async with meet(MarketOptions(latency=0.0, window=window), world=World(1), now=lambda: now[0]) as peer:
        answers = [await peer.get(PATHS[kind]) for _ in range(QUOTAS[kind] + 2)]
        assert [answer.status_code for answer in answers].count(429) == 2
        first, last = answers[0].headers, answers[-1]
        limit = str(QUOTAS[kind])
        assert (first["x-ratelimit-limit-second"], first["ratelimit-limit"]) == (limit, limit)
        assert first["ratelimit-remaining"] == first["x-ratelimit-remaining-second"] == str(QUOTAS[kind] - 1)
        assert last.json() == {"message": "API rate limit exceeded"}
        assert (last.headers["retry-after"], last.headers["ratelimit-remaining"], last.headers["ratelimit-reset"]) == ("1", "0", "1")
        now[0] += 1.01
        assert (await peer.get(PATHS[kind])).status_code == 200
        report = await peer.ok("/sandbox/served")
        assert report["refused"][kind] == 2
        assert report["most_in_a_second"][kind] == QUOTAS[kind] + 2


async def test_everything_else_shares_one_quota():
    async with meet(MarketOptions(latency=0.0), world=World(1), now=lambda: 5.0) as peer:
        paths = ["/account/v1/balance", "/account/v1/user", "/marketplace-api/v1/targets-by-title/a8db/x", "/nowhere"] * 6
        statuses = [(await peer.get(path)).status_code for path in paths]
        assert statuses.count(429) == 4
        assert (await peer.get(PATHS[RequestClass.MARKET])).status_code == 200


async def test_limits_can_be_off_and_counts_forgotten():
    async with meet(MarketOptions(latency=0.0, limits=False), world=World(1), now=lambda: 5.0) as peer:
        answers = [await peer.get(PATHS[RequestClass.SALES]) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {200}
        assert not {name for answer in answers for name in answer.headers if "ratelimit" in name}
        assert (await peer.ok("/sandbox/served"))["requests"]["sales"] == 20
        await peer.posted("/sandbox/served/reset", {})
        report = await peer.ok("/sandbox/served")
        assert report["requests"] == {"market": 0, "sales": 0, "fee": 0, "other": 0}
        assert report["paths"] == {}
