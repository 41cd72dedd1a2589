"""Starting and ending: in the loop, with TLS and HTTP/2, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys
import time

import httpx
import msgspec
import pytest

import botcore.sandbox
from botcore.errors import SandboxError
from botcore.sandbox import MarketAddress, MarketOptions, World, serve_market, spawn_market
from tests.sandbox.peer import OPEN, Signed, meet


@pytest.mark.parametrize(("http2", "version"), [(True, "HTTP/2"), (False, "HTTP/1.1")])
async def test_tls_speaks_both(http2, version):
    async with serve_market(msgspec.structs.replace(OPEN, tls=True), world=World(1)) as server:
        address = server.address
        assert address.url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=address.ca_file)
        auth = Signed(address.secret_key, address.public_key)
        async with httpx.AsyncClient(base_url=address.url, auth=auth, verify=trust, http2=http2) as http:
            answers = await asyncio.gather(*(http.get("/account/v1/balance") for _ in range(20)))
            assert {(answer.status_code, answer.http_version) for answer in answers} == {(200, version)}
    with pytest.raises(FileNotFoundError):
        ssl.create_default_context(cafile=address.ca_file)


async def test_latency_is_added_and_nobody_waits_for_another():
    async with meet(MarketOptions(latency=0.1, limits=False), world=World(1)) as peer:
        started = time.monotonic()
        await asyncio.gather(*(peer.get("/account/v1/balance") for _ in range(10)))
        assert 0.1 <= time.monotonic() - started < 0.6
        started = time.monotonic()
        await peer.get("/sandbox/world")
        assert time.monotonic() - started < 0.1


async def test_churn_runs_by_the_clock_and_can_be_paused():
    async with meet(msgspec.structs.replace(OPEN, churn=2000.0, size=400)) as peer:
        for _ in range(100):
            events = await peer.ok("/sandbox/events", since=5)
            if events["last"] > 50:
                break
            await asyncio.sleep(0.02)
        assert events["events"][0]["number"] == 6
        assert set(events["events"][0]) == {"number", "kind", "time", "game", "title", "offer_id", "old_price_cents", "new_price_cents", "new_offer_id"}
        await peer.posted("/sandbox/pause", {})
        last = (await peer.ok("/sandbox/events"))["last"]
        assert len((await peer.posted("/sandbox/churn", {"events": 7}))["events"]) == 7
        assert (await peer.ok("/sandbox/events"))["last"] == last + 7
        await peer.posted("/sandbox/resume", {})
        assert not peer.server.churn.paused


async def test_a_taken_port_is_an_error_with_its_reason():
    async with serve_market(OPEN, world=World(1)) as server:
        port = int(server.address.url.rsplit(":", 1)[1])
        with pytest.raises(SandboxError, match=f"127.0.0.1:{port}"):
            async with serve_market(msgspec.structs.replace(OPEN, port=port), world=World(1)):
                pass
        with pytest.raises(SandboxError, match=f"127.0.0.1:{port}"):
            async with spawn_market(MarketOptions(port=port, size=100)):
                pass


async def test_a_process_of_its_own():
    async with spawn_market(MarketOptions(size=100, latency=0.0)) as address, httpx.AsyncClient(base_url=address.url) as http:
        answer = await http.get("/account/v1/balance", auth=Signed(address.secret_key, address.public_key))
        assert answer.status_code == 200
    async with httpx.AsyncClient(base_url=address.url) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("/sandbox/world")


async def test_the_process_ends_with_its_parent():
    script = (
        "import asyncio, sys\nfrom botcore.sandbox import MarketOptions, spawn_market\n"
        "async def main():\n    async with spawn_market(MarketOptions(size=100)) as address:\n"
        "        print(address.url, flush=True)\n        await asyncio.sleep(60)\nasyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    url = (await asyncio.wait_for(parent.stdout.readline(), 30)).decode().strip()
    async with httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/sandbox/world")).status_code == 200
        parent.kill()
        await parent.wait()
        for _ in range(200):
            try:
                await http.get("/sandbox/world", headers={"connection": "close"})
            except httpx.TransportError:
                return
            await asyncio.sleep(0.02)
    pytest.fail("the market outlived its parent")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_run_ends_cleanly_within_a_second(number):
    script = (
        "from botcore.sandbox import MarketOptions, run\nimport msgspec\n"
        "run(MarketOptions(size=100), lambda address: print(msgspec.json.encode(address).decode(), flush=True))\n"
    )
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    address = msgspec.json.decode(await child.stdout.readline(), type=MarketAddress)
    async with httpx.AsyncClient(base_url=address.url) as http:
        await http.get("/sandbox/world")  # a connection that stays open
        started = time.monotonic()
        os.kill(child.pid, number)
        _, errors = await child.communicate()
    assert time.monotonic() - started < 1.0
    assert (child.returncode, errors) == (0, b"")


def test_only_loopback_and_only_what_is_needed():
    code = "import sys, botcore.sandbox; sys.exit(any(name in sys.modules for name in ('hypercorn', 'trustme', 'nacl', 'httpx')))"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
    assert botcore.sandbox.__all__ == sorted(botcore.sandbox.__all__)
    assert all(getattr(botcore.sandbox, name) for name in botcore.sandbox.__all__)
    with pytest.raises(AttributeError):
        botcore.sandbox.nothing  # noqa: B018
