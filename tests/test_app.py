"""The app: a sandbox of its own without keys, the given market with them."""

from __future__ import annotations

import httpx
import pytest

from botcore.app import open_app
from botcore.client import DMarketClient, KeyPair
from botcore.errors import ConfigError, SandboxError
from botcore.model import RequestClass, ScanQuery
from botcore.sandbox import MarketOptions, serve_market
from botcore.sandbox.signature import make_keys
from botcore.settings import load

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
