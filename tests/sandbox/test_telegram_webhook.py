"""Webhooks: a real receiver on loopback, in order, again until it is taken."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web

from tests.sandbox.telegram import ANNA, CALM, meet, until

SECRET = "X-Telegram-Bot-Api-Secret-Token"
OPTIONS = msgspec.structs.replace(CALM, webhook_pause=0.01)


class Receiver:
    """Takes updates; ``answers`` are what it says to the next ones, 200 when there is nothing left to say."""

    def __init__(self):
        self.url = ""
        self.got = []
        self.headers = []
        self.answers = []
        self.at_once = 0
        self.most_at_once = 0
        self._change = asyncio.Condition()

    async def handle(self, request):
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        update = await request.json()
        await asyncio.sleep(0)
        self.at_once -= 1
        async with self._change:
            self.got.append(update["message"]["text"])
            self.headers.append(request.headers)
            self._change.notify_all()
        return self.answers.pop(0) if self.answers else web.Response()

    async def until(self, count):
        async with self._change:
            await asyncio.wait_for(self._change.wait_for(lambda: len(self.got) >= count), 10)


@asynccontextmanager
async def receiver():
    found = Receiver()
    application = web.Application()
    application.router.add_post("/hook", found.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield found
    finally:
        await runner.cleanup()


@pytest.fixture
async def line():
    async with meet(OPTIONS) as found:
        yield found


@pytest.fixture
async def hook():
    async with receiver() as found:
        yield found


async def test_updates_are_posted_in_order_one_at_a_time_with_the_secret(line, hook):
    await line.say("waited already")
    assert (await line.call("setWebhook", url=hook.url, secret_token="s-3_cret")).json() == {"ok": True, "result": True, "description": "Webhook was set"}
    for number in range(20):
        await line.say(f"m{number}")
    await hook.until(21)
    assert hook.got == ["waited already", *(f"m{number}" for number in range(20))]
    assert hook.most_at_once == 1
    assert {(headers[SECRET], headers["Content-Type"]) for headers in hook.headers} == {("s-3_cret", "application/json")}
    await until(lambda: not len(line.telegram.updates))


async def test_without_a_secret_there_is_no_such_header(line, hook):
    await line.ok("setWebhook", url=hook.url)
    await line.say("a")
    await hook.until(1)
    assert SECRET not in hook.headers[0]


async def test_an_update_comes_again_until_the_answer_is_2xx(line, hook):
    hook.answers = [web.Response(status=500), web.Response(status=302, headers={"Location": "/x"}), web.Response(status=404), web.Response(status=204)]
    await line.ok("setWebhook", url=hook.url)
    await line.say("stubborn")
    await line.say("next")
    await hook.until(5)
    assert hook.got == ["stubborn"] * 4 + ["next"]
    info = await line.ok("getWebhookInfo")
    assert info["last_error_message"] == "Wrong response from the webhook: 404 Not Found"
    assert info["last_error_date"] > 0


async def test_a_receiver_that_is_away_gets_everything_when_it_is_back(line):
    async with receiver() as first:
        url = first.url
        await line.ok("setWebhook", url=url)
    await line.say("missed")
    while "last_error_message" not in (info := await line.ok("getWebhookInfo")):
        assert info["pending_update_count"] == 1
    assert (info["pending_update_count"], info["last_error_message"]) == (1, "Connection refused")
    async with receiver() as second:
        await line.ok("setWebhook", url=second.url)
        await second.until(1)
        assert second.got == ["missed"]


async def test_a_receiver_that_hangs_up_is_asked_again(line):
    calls = []

    async def cut(reader, writer):
        calls.append(await reader.readline())
        if len(calls) > 1:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    async with server:
        await line.ok("setWebhook", url=f"http://localhost:{server.sockets[0].getsockname()[1]}/")
        await line.say("a")
        await until(lambda: len(calls) == 2 and not len(line.telegram.updates))
    assert (await line.ok("getWebhookInfo"))["last_error_message"] == "Connection closed"


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.json_response({"method": "sendMessage", "chat_id": ANNA, "text": "from the answer"}),
        lambda: web.Response(text=f"method=sendmessage&chat_id={ANNA}&text=from+the+answer", content_type="application/x-www-form-urlencoded"),
    ],
)
async def test_an_answer_may_carry_a_method(line, hook, answer):
    hook.answers = [
        answer(),
        web.json_response({"method": "sendMessage", "chat_id": 77, "text": "refused"}),
        web.Response(text="fine", content_type="text/plain"),
    ]
    await line.ok("setWebhook", url=hook.url)
    for text in "abc":
        await line.say(text)
    await until(lambda: not len(line.telegram.updates))
    assert [message.text for message in line.telegram.rooms[ANNA].messages.values() if message.sender.is_bot] == ["from the answer"]
    logged = [(one["method"], one["status"]) for one in (await line.told("calls"))["calls"]]
    assert logged == [("setWebhook", 200), ("sendMessage", 200), ("sendMessage", 400)]


async def test_an_answer_cannot_stop_its_own_delivery(line, hook):
    hook.answers = [web.json_response({"method": "deleteWebhook"})]
    await line.ok("setWebhook", url=hook.url)
    await line.say("a")
    await line.say("b")
    await hook.until(2)
    assert (await line.ok("getWebhookInfo"))["url"] == hook.url


async def test_set_again_changed_and_deleted_it_says_so(line, hook):
    for params, description in (
        ({"url": hook.url}, "Webhook was set"),
        ({"url": hook.url}, "Webhook is already set"),
        ({"url": hook.url, "secret_token": "x"}, "Webhook was set"),
        ({"url": ""}, "Webhook was deleted"),
        ({"url": ""}, "Webhook is already deleted"),
    ):
        assert (await line.call("setWebhook", **params)).json()["description"] == description
    assert (await line.call("deleteWebhook")).json() == {"ok": True, "result": True, "description": "Webhook is already deleted"}


async def test_what_waits_can_be_dropped(line, hook):
    await line.say("a")
    assert (await line.ok("getWebhookInfo"))["pending_update_count"] == 1
    await line.ok("deleteWebhook", drop_pending_updates=True)
    assert (await line.ok("getWebhookInfo")) == {"url": "", "has_custom_certificate": False, "pending_update_count": 0}
    await line.say("b")
    await line.ok("setWebhook", url=hook.url, drop_pending_updates=True, max_connections=7, allowed_updates=json.dumps(["message"]))
    await line.say("c")
    await hook.until(1)
    assert hook.got == ["c"]
    info = await line.ok("getWebhookInfo")
    assert (info["max_connections"], info["allowed_updates"], info["url"]) == (7, ["message"], hook.url)


@pytest.mark.parametrize("url", ["http://example.org/", "https://127.0.0.1/", "http://127.0.0.1.example.org/", "http://[", "ftp://127.0.0.1/", "nonsense"])
async def test_only_this_machine_is_reached(line, url):
    assert await line.refused("setWebhook", url=url) == (400, "Bad Request: bad webhook: the local Telegram delivers to http addresses on 127.0.0.1 only")


@pytest.mark.parametrize(("secret", "reason"), [("a b", "contains unallowed characters"), ("ж", "contains unallowed characters"), ("a" * 257, "is too long")])
async def test_a_secret_has_its_rules(line, hook, secret, reason):
    assert await line.refused("setWebhook", url=hook.url, secret_token=secret) == (400, f"Bad Request: secret token {reason}")
    assert (await line.ok("getWebhookInfo"))["url"] == ""
