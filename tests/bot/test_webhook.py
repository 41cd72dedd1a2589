"""Webhook mode: Telegram brings the updates to a port of this machine, with a secret that nobody else knows."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest

from botcore.errors import ConfigError
from tests.bot.posting import said
from tests.bot.support import ANNA, DEADLINE, Gate

SECRET = "a-secret_of-24-characters"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def hook():
    """Settings of a webhook, with its address."""
    port = free_port()
    return {
        "BOTCORE_BOT_WEBHOOK_URL": f"http://127.0.0.1:{port}/hook/of/mine",
        "BOTCORE_BOT_WEBHOOK_PORT": f"{port}",
        "BOTCORE_BOT_WEBHOOK_SECRET": SECRET,
    }


def command(update_id, text, user_id=ANNA):
    person = {"id": user_id, "is_bot": False, "first_name": "Anna", "language_code": "en"}
    message = {"message_id": 999, "date": 0, "chat": {"id": user_id, "type": "private"}, "from": person, "text": text}
    return {"update_id": update_id, "message": message}


async def test_updates_that_telegram_brings_are_answered_and_confirmed(scene, hook):
    anna = scene.chat()
    async with scene.bot(**hook) as running:
        await anna.ask("/help", "/scan")
        await anna.ask("/mute", ".")
        await scene.settled(running)
        assert "getUpdates" not in scene.telegram.telegram.tally.calls


async def test_only_the_kinds_that_are_handled_are_asked_for(scene, hook):
    async with scene.bot(**hook):
        assert scene.telegram.telegram.updates.allowed == ["callback_query", "message", "my_chat_member"]


@pytest.mark.parametrize("headers", [{}, {SECRET_HEADER: "wrong"}, {SECRET_HEADER: SECRET[:-1]}, {SECRET_HEADER: ""}], ids=str)
async def test_whoever_does_not_know_the_secret_is_refused_and_nothing_is_handled(scene, hook, headers):
    anna = scene.chat()
    async with scene.bot(**hook) as running, httpx.AsyncClient(timeout=DEADLINE) as http:
        url = hook["BOTCORE_BOT_WEBHOOK_URL"]
        assert (await http.post(url, json=command(1, "/help"), headers=headers)).status_code == 401
        await anna.ask("/mute", ".")
        await scene.settled(running)
        assert len(anna.messages) == 1
        assert (await http.post(url, json=command(2, "/mute"), headers={SECRET_HEADER: SECRET})).status_code == 200
        await scene.settled(running)
        assert len(anna.messages) == 2, "who knows it is heard"


async def test_other_paths_and_verbs_lead_nowhere(scene, hook):
    async with scene.bot(**hook), httpx.AsyncClient(timeout=DEADLINE) as http:
        url = hook["BOTCORE_BOT_WEBHOOK_URL"]
        assert (await http.post(url + "/more", headers={SECRET_HEADER: SECRET})).status_code == 404
        assert (await http.get(url, headers={SECRET_HEADER: SECRET})).status_code == 405


@pytest.mark.parametrize("address", ["127.0.0.2", "::1"])
async def test_the_port_is_bound_to_127_0_0_1_alone(scene, hook, address):
    """Whoever listens on every address would answer on these."""
    async with scene.bot(**hook):
        port = int(hook["BOTCORE_BOT_WEBHOOK_PORT"])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection(address, port)


async def test_a_port_that_is_taken_is_said(scene, hook):
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(hook["BOTCORE_BOT_WEBHOOK_PORT"])))
        other.listen()
        with pytest.raises(ConfigError, match=f"BOTCORE_BOT_WEBHOOK_PORT={hook['BOTCORE_BOT_WEBHOOK_PORT']} cannot be listened on"):
            async with scene.bot(**hook):
                pass


async def test_an_address_that_telegram_does_not_take_is_said_without_the_secret(scene, hook):
    with pytest.raises(ConfigError, match=r"Telegram does not take BOTCORE_BOT_WEBHOOK_URL=https://bot\.example/hook: Bad Request: bad webhook") as failed:
        async with scene.bot(**hook | {"BOTCORE_BOT_WEBHOOK_URL": "https://bot.example/hook"}):
            pass
    assert SECRET not in str(failed.value)


async def test_while_telegram_is_away_the_webhook_is_announced_again_and_that_is_said_once(scene, hook, caplog):
    await _fail(scene, method="setWebhook", status=500, times=2)
    anna = scene.chat()
    async with scene.bot(**hook):
        await anna.ask("/help", "/scan")
    assert len(said(caplog, "Telegram does not answer")) == 1


async def test_a_bot_that_polls_puts_the_webhook_of_before_away_even_when_that_fails_at_first(scene, hook, caplog):
    anna = scene.chat()
    async with scene.bot(**hook):
        await anna.ask("/help", "/scan")
    await _fail(scene, method="deleteWebhook", drop="before")
    async with scene.bot():
        await anna.ask("/mute", ".")
    assert said(caplog, "webhook") == []


async def test_a_bot_with_a_webhook_ends_soon_though_a_handler_hangs_and_sends_what_it_has_to_say(scene, hook):
    gate = Gate()
    scene.between.hold = gate
    anna = scene.chat()
    async with scene.bot(**hook):
        await anna.ask("/scan", ".")
        anna.write("/balance")
        await asyncio.wait_for(gate.reached.wait(), DEADLINE)
        leaving = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - leaving < 10
    gate.open()
    assert any("restarting" in (message.text or "") for message in anna.messages)


async def test_an_update_that_came_while_the_bot_was_down_is_brought_again(scene, hook):
    anna = scene.chat()
    async with scene.bot(**hook):
        await anna.ask("/help", "/scan")
    anna.write("/mute")
    await scene.until(lambda: bool(scene.telegram.telegram.updates), "the update")
    async with scene.bot(**hook):
        await anna.sees(".")


async def _fail(scene, **what):
    async with httpx.AsyncClient(base_url=scene.telegram.address.url) as http:
        assert (await http.post("/sandbox/fail", json=what)).status_code == 200
