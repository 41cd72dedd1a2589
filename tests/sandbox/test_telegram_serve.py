"""Starting and ending: in the loop, and in a process that ends with its parent."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import httpx
import msgspec
import pytest

from botcore.errors import SandboxError
from botcore.sandbox import Person, TelegramOptions, serve_telegram, spawn_telegram
from tests.sandbox.telegram import CALM, aiogram_bot, meet


async def test_a_process_of_its_own_serves_the_same_telegram():
    options = TelegramOptions(token="8:OTHER", people=(Person(id=5, first_name="Eva", language_code="de"),), groups=())
    async with spawn_telegram(options) as address, aiogram_bot(address) as bot, httpx.AsyncClient(base_url=address.url) as http:
        assert address.token == "8:OTHER"
        assert (await bot.get_me()).id == 8
        assert (await http.get("/sandbox/people")).json()["people"] == [{"id": 5, "is_bot": False, "first_name": "Eva", "language_code": "de"}]
    async with httpx.AsyncClient(base_url=address.url) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("/sandbox/people")


async def test_the_process_ends_with_its_parent():
    script = (
        "import asyncio\nfrom botcore.sandbox import TelegramOptions, spawn_telegram\n"
        "async def main():\n    async with spawn_telegram(TelegramOptions()) as address:\n"
        "        print(address.url, flush=True)\n        await asyncio.sleep(60)\nasyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    url = (await asyncio.wait_for(parent.stdout.readline(), 30)).decode().strip()
    async with httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/sandbox/people")).status_code == 200
        parent.kill()
        await parent.wait()
        for _ in range(200):
            try:
                await http.get("/sandbox/people", headers={"connection": "close"})
            except httpx.TransportError:
                return
            await asyncio.sleep(0.02)
    pytest.fail("the Telegram outlived its parent")


async def test_a_taken_port_is_an_error_with_its_reason():
    async with serve_telegram(CALM) as server:
        port = int(server.address.url.rsplit(":", 1)[1])
        with pytest.raises(SandboxError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with serve_telegram(msgspec.structs.replace(CALM, port=port)):
                pass
        with pytest.raises(SandboxError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with spawn_telegram(msgspec.structs.replace(CALM, port=port)):
                pass


async def test_it_ends_at_once_whoever_still_waits():
    async with meet(CALM) as line:
        held = asyncio.create_task(line.call("getUpdates", timeout=50))
        async with line.http.stream("GET", "/sandbox/events") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == ": welcome"
            await line.held()
            await line.ok("setWebhook", url="http://127.0.0.1:9/")
            started = time.monotonic()
            await line.close()
            assert time.monotonic() - started < 3.0
            assert [text async for text in lines] == [""]
        assert (await held).status_code == 409


async def test_a_held_call_gets_an_empty_answer_when_the_server_ends():
    async with meet(CALM) as line:
        held = asyncio.create_task(line.call("getUpdates", timeout=50))
        await line.held()
        await line.close()
        assert (await held).json() == {"ok": True, "result": []}


def test_a_market_does_not_pay_for_telegram():
    code = "import sys, botcore.sandbox; from botcore.sandbox import serve_market; sys.exit(any(name in sys.modules for name in ('aiohttp', 'aiogram')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    code = "import sys, botcore.sandbox.telegram.serve; sys.exit(any(name in sys.modules for name in ('hypercorn', 'nacl', 'httpx', 'aiogram')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_it_says_what_it_is():
    async with meet(CALM) as line:
        assert repr(line.server) == f"TelegramServer({line.server.address.url}, Telegram(2 people, 3 chats, 0 updates wait))"
        assert repr(line.telegram.rooms[1001]) == "Room(1001, private, 1 messages)"
