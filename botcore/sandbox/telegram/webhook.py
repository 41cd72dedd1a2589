"""Delivery of updates by POST to an address on this machine: one at a time, in order, again until it is taken."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp

from botcore.sandbox.telegram.calls import Call, read_call
from botcore.sandbox.telegram.failures import Failure, bad_request
from botcore.sandbox.telegram.told import Told

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from botcore.sandbox.telegram.state import Telegram

__all__ = ["Webhook"]

_ANSWER_SECONDS = 60.0
_SLOWEST = 30
_SECRET = re.compile(r"[A-Za-z0-9_-]{0,256}")
_MOST_CONNECTIONS = 100
_NOT_BY_ANSWER = ("getupdates", "setwebhook", "deletewebhook")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Webhook:
    """The webhook of the bot, none at first. ``carry_out`` runs a method that an answer carries."""

    def __init__(self, telegram: Telegram, carry_out: Callable[[Call], Awaitable[object]]) -> None:
        self.url = ""
        self._telegram = telegram
        self._carry_out = carry_out
        self._secret = ""
        self._connections = 40
        self._error: tuple[int, str] | None = None
        self._task: asyncio.Task[None] | None = None

    async def set(self, call: Call) -> Told:
        """``setWebhook``; an empty address is deleteWebhook. Raises Failure 400."""
        url, secret = call.text("url"), call.text("secret_token")
        if not url:
            return await self.delete(call)
        _check_url(url)
        if not _SECRET.fullmatch(secret):
            raise bad_request("secret token contains unallowed characters" if len(secret) <= 256 else "secret token is too long")  # noqa: PLR2004
        self._telegram.updates.allow(call.listing("allowed_updates", "allowed updates"))
        same = (url, secret) == (self.url, self._secret)
        await self.stop()
        self._telegram.updates.interrupt("terminated by setWebhook request")
        self._drop_if_asked(call)
        self.url, self._secret, self._error = url, secret, None
        self._connections = call.limited("max_connections", 40, 1, _MOST_CONNECTIONS)
        self._task = asyncio.create_task(self._deliver())
        return Told(result=True, description="Webhook is already set" if same else "Webhook was set")

    async def delete(self, call: Call) -> Told:
        """``deleteWebhook``."""
        there = bool(self.url)
        await self.stop()
        self._drop_if_asked(call)
        self.url, self._secret, self._error = "", "", None
        return Told(result=True, description="Webhook was deleted" if there else "Webhook is already deleted")

    def info(self, _: Call) -> dict[str, Any]:
        """``getWebhookInfo``."""
        told: dict[str, Any] = {"url": self.url, "has_custom_certificate": False, "pending_update_count": len(self._telegram.updates)}
        if self.url:
            told |= {"max_connections": self._connections, "ip_address": "127.0.0.1"}
        if self._error:
            told |= {"last_error_date": self._error[0], "last_error_message": self._error[1]}
        if allowed := self._telegram.updates.allowed:
            told["allowed_updates"] = allowed
        return told

    async def stop(self) -> None:
        """Deliver nothing more. An update whose answer is awaited stays in the queue."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _drop_if_asked(self, call: Call) -> None:
        if call.flag("drop_pending_updates"):
            self._telegram.updates.clear()

    async def _deliver(self) -> None:
        pause = self._telegram.options.webhook_pause
        wait = pause
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS)) as http:
            while True:
                number, body = await self._telegram.updates.next()
                problem = await self._hand_over(http, bytes(body))
                if problem is None:
                    self._telegram.updates.confirm(number)
                    wait = pause
                    continue
                self._error = (int(self._telegram.now()), problem)
                await asyncio.sleep(wait)
                wait = min(wait * 2, pause * _SLOWEST)

    async def _hand_over(self, http: aiohttp.ClientSession, body: bytes) -> str | None:
        """Post one update and run the method its answer may carry. What went wrong, None when it was taken."""
        headers = {"Content-Type": "application/json"} | ({"X-Telegram-Bot-Api-Secret-Token": self._secret} if self._secret else {})
        try:
            async with http.post(self.url, data=body, headers=headers, allow_redirects=False) as answer:
                if not 200 <= answer.status < 300:  # noqa: PLR2004 - every 2xx
                    return f"Wrong response from the webhook: {answer.status} {answer.reason}"
                await self._run_answer(answer)
        except aiohttp.ClientConnectorError:
            return "Connection refused"
        except TimeoutError:
            return "Read timeout expired"
        except aiohttp.ClientError:
            return "Connection closed"
        return None

    async def _run_answer(self, answer: aiohttp.ClientResponse) -> None:
        """An answer may name a method to carry out; nobody hears what came of it."""
        with suppress(Failure):
            call = await read_call("", {}, answer.headers, answer.content)
            if call.method and call.method.lower() not in _NOT_BY_ANSWER:
                await self._carry_out(call)


def _check_url(url: str) -> None:
    """This server reaches nothing but this machine."""
    try:
        parts = urlsplit(url)
        known = parts.scheme == "http" and parts.hostname in _LOOPBACK and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise bad_request("bad webhook: the local Telegram delivers to http addresses on 127.0.0.1 only")
