"""The app: a sandbox of its own without keys, the given market with them."""

from __future__ import annotations

import httpx
import pytest

from botcore.app import open_app
from botcore.cache.embedded import EmbeddedServer
from botcore.client import DMarketClient, KeyPair
from botcore.errors import ConfigError, SandboxError, StoreError
from botcore.model import RequestClass, ScanQuery
from botcore.sandbox import MarketOptions, serve_market
from botcore.sandbox.signature import make_keys
from botcore.settings import load
from botcore.store import Store

QUICK = {f"BOTCORE_QUOTA_{kind}": "2000" for kind in ("MARKET", "SALES", "FEE", "OTHER")}
SMALL = MarketOptions(seed=2, size=1_000, latency=0.0, limits=False)
QUERY = ScanQuery("dota2", "standard")


@pytest.fixture
def dotenv(tmp_path):
    return tmp_path / ".env"


def keys_of(address):
    return {"DMARKET_URL": address.url, "DMARKET_PUBLIC_KEY": address.public_key, "DMARKET_SECRET_KEY": address.secret_key}


async def test_without_keys_a_sandbox_market_is_started_and_ends_with_the_app(dotenv):
    async with open_app(load({}, dotenv)) as app:
        assert app.sandbox == MarketOptions()
        url = app.client.base_url
        assert url.startswith("http://127.0.0.1:")
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{url}/sandbox/world")).json()["seed"] == MarketOptions().seed
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{url}/sandbox/world")


async def test_the_sandbox_can_be_chosen_and_a_scan_of_it_finds_its_truth(dotenv):
    async with open_app(load(QUICK, dotenv), sandbox=SMALL) as app:
        assert app.sandbox == SMALL
        report = await app.scanner.scan(QUERY)
        async with httpx.AsyncClient(base_url=app.client.base_url) as http:
            truth = (await http.get("/sandbox/truth", params={"game": "dota2", "level": "standard"})).json()["opportunities"]
    assert [found.offer_id for found in report.opportunities] == [found["offer_id"] for found in truth] != []
    assert report.market == "sandbox"


async def test_with_keys_the_market_of_the_settings_is_used(dotenv):
    async with serve_market(SMALL) as server:
        settings = load(QUICK | keys_of(server.address) | {"BOTCORE_SCAN_CONCURRENCY": "3"}, dotenv)
        async with open_app(settings) as app:
            assert (app.sandbox, app.client.base_url, app.settings) == (None, server.address.url, settings)
            assert app.scanner.options.concurrency == 3
            assert app.client.quota.options.market == 2000
            report = await app.scanner.scan(QUERY)
        assert report.opportunities
        assert server.served.requests[RequestClass.MARKET] == report.requests.market > 0


async def test_a_sandbox_that_is_asked_for_is_used_even_with_keys(dotenv):
    """The keys stay at home: the sandbox gets a pair of its own."""
    public, secret = make_keys(77)
    async with open_app(load(QUICK | {"DMARKET_PUBLIC_KEY": public, "DMARKET_SECRET_KEY": secret}, dotenv), sandbox=SMALL) as app:
        assert app.client.base_url.startswith("http://127.0.0.1:")
        assert (await app.client.balance()).usd_cents > 0
        async with DMarketClient(app.client.base_url, KeyPair.parse(public, secret)) as stranger:
            with pytest.raises(Exception, match="key pair"):
                await stranger.balance()


async def test_a_sandbox_over_tls_is_trusted(dotenv):
    async with open_app(load(QUICK, dotenv), sandbox=MarketOptions(size=600, latency=0.0, limits=False, tls=True)) as app:
        assert app.client.base_url.startswith("https://")
        assert (await app.client.balance()).usd_cents > 0


async def test_settings_come_from_the_environment_when_none_are_given(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOTCORE_QUOTA_MARKTE", "3")
    with pytest.raises(ConfigError, match="did you mean BOTCORE_QUOTA_MARKET"):
        async with open_app():
            pass


async def test_a_sandbox_that_cannot_start_says_why(dotenv):
    async with serve_market(SMALL) as server:
        port = int(server.address.url.rsplit(":", 1)[1])
        with pytest.raises(SandboxError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with open_app(load({}, dotenv), sandbox=MarketOptions(size=600, port=port)):
                pass


async def test_an_error_within_the_block_ends_the_sandbox_too(dotenv):
    urls = []

    async def stumble():
        async with open_app(load({}, dotenv), sandbox=SMALL) as app:
            urls.append(app.client.base_url)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await stumble()
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{urls[0]}/sandbox/world")


async def test_what_a_scan_saw_is_kept_for_good(dotenv):
    async with open_app(load(QUICK, dotenv), sandbox=SMALL) as app:
        report = await app.scanner.scan(QUERY)
    async with Store(app.settings.store) as store:
        (kept,) = await store.scans()
        assert await store.scan(kept.id) == report
        stored = await store.opportunities("sandbox", report.game)
        assert sorted(stored, key=lambda found: found.order) == report.opportunities
        title = report.opportunities[0].title
        assert [point.quote.title for point in await store.points("sandbox", report.game, title)] == [title]
        assert len(await store.sales("sandbox", report.game, title)) >= report.opportunities[0].sales_30d


async def test_what_a_stopped_scan_saw_is_kept_as_well(dotenv):
    async with open_app(load(QUICK, dotenv), sandbox=SMALL) as app, app.scanner.stream(QUERY) as stream:
        found = await anext(stream)
        await stream.stop("stopped here")
        assert found in stream.report.opportunities
    async with Store(app.settings.store) as store:
        assert [scan.report.stopped for scan in await store.scans()] == ["stopped here"]
        assert len(await store.opportunities("sandbox", QUERY.game)) == len(stream.report.opportunities)


async def test_a_store_that_cannot_be_opened_costs_no_scan_and_is_said_once(dotenv, tmp_path, caplog):
    (tmp_path / "data").write_text("no folder")
    async with open_app(load(QUICK, dotenv), sandbox=SMALL) as app:
        assert (await app.scanner.scan(QUERY)).opportunities
        with pytest.raises(StoreError, match="not open"):
            await app.update_item_price(QUERY.game, "offer", 100)
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith("nothing is kept for good: ")


async def test_a_stored_price_that_changes_makes_the_scans_of_its_game_old(dotenv):
    async with open_app(load(QUICK, dotenv), sandbox=SMALL) as app:
        first = await app.scanner.recall(QUERY)
        assert app.journal is not None
        await app.journal.flush()
        with pytest.raises(StoreError):
            await app.update_item_price(QUERY.game, "nobody's", 100)
        assert (await app.scanner.recall(QUERY)).started_at == first.started_at
        offer = first.opportunities[0]
        await app.update_item_price(QUERY.game, offer.offer_id, offer.price_cents + 1)
        assert app.store is not None
        assert await app.store.price("sandbox", QUERY.game, offer.offer_id) == offer.price_cents + 1
        assert (await app.scanner.recall(QUERY)).started_at > first.started_at


async def test_two_apps_with_the_same_keys_share_what_one_asked(dotenv):
    with EmbeddedServer() as redis:
        async with serve_market(SMALL) as server:
            settings = load(QUICK | keys_of(server.address) | {"REDIS_URL": redis.url}, dotenv)
            async with open_app(settings) as one, open_app(settings) as two:
                first, second = await one.scanner.scan(QUERY), await two.scanner.scan(QUERY)
    assert second.opportunities == first.opportunities != []
    assert (second.requests.sales, second.requests.fee) == (0, 0)


async def test_a_private_redis_needs_no_server_and_ends_with_the_app(dotenv):
    async with open_app(load(QUICK | {"REDIS_URL": "embedded"}, dotenv), sandbox=SMALL) as app:
        assert app.cache.redis is not None
        assert app.cache.redis.up
        assert (await app.scanner.scan(QUERY)).cache["redis_misses"] > 0
