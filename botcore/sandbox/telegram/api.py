"""The Bot API over HTTP: token, call, fault, result, latency, in that order (api page, section 1)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
from aiohttp import web

from botcore.sandbox.telegram.calls import read_call
from botcore.sandbox.telegram.failures import Failure, not_found
from botcore.sandbox.telegram.faults import Faults
from botcore.sandbox.telegram.objects import message_id_of
from botcore.sandbox.telegram.told import Told

if TYPE_CHECKING:
    from botcore.sandbox.telegram.calls import Call
    from botcore.sandbox.telegram.faults import Fault
    from botcore.sandbox.telegram.methods import Methods
    from botcore.sandbox.telegram.state import Telegram

__all__ = ["BotApi"]

_LONGEST_TOKEN = 80
_VERBS = ("GET", "POST")
_CUT = 0


class BotApi:
    """Answers everything under ``/bot`` and ``/file/bot``."""

    def __init__(self, telegram: Telegram, methods: Methods) -> None:
        self.faults = Faults()
        self._telegram = telegram
        self._methods = methods

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The answer to one call."""
        if request.method not in _VERBS:
            return _failed(Failure(405, "Method Not Allowed: closing"))
        token, _, method = unquote(request.rel_url.raw_path).removeprefix("/bot").partition("/")
        method = method.removeprefix("test/")
        try:
            self._check_token(token)
            if not method or "/" in method:
                raise not_found()
        except Failure as failure:
            return _failed(failure)
        return await self._called(request, method)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """The bytes behind a path of getFile."""
        token, _, path = unquote(request.rel_url.raw_path).removeprefix("/file/bot").partition("/")
        try:
            self._check_token(token)
            stored = self._telegram.files.by_path(path)
            if stored is None:
                raise not_found()
        except Failure as failure:
            return _failed(failure)
        return web.Response(body=stored.data, content_type="application/octet-stream")

    async def nowhere(self, _: web.Request) -> web.StreamResponse:
        """Any path that means nothing."""
        return _failed(not_found())

    async def _called(self, request: web.Request, method: str) -> web.StreamResponse:
        at, name = self._telegram.now(), self._methods.name(method)
        call: Call | None = None
        try:
            call = await read_call(method, request.query, request.headers, request.content)
            fault = self.faults.take(name)
            response, result = await self._outcome(call, fault)
        except Failure as failure:
            fault, response, result = None, _failed(failure), None
        cut = fault is not None and bool(fault.drop)
        self._telegram.tally.call(at, name, call.chat_id if call else None, _CUT if cut else response.status, message_id_of(result))
        await asyncio.sleep(self._telegram.options.latency)
        if cut and request.transport:
            request.transport.abort()
        return response

    async def _outcome(self, call: Call, fault: Fault | None) -> tuple[web.Response, Any]:
        """The answer and the result in it. Raises Failure."""
        if fault and fault.failure:
            raise fault.failure
        if fault and fault.html:
            return web.Response(text=fault.page, status=fault.html, content_type="text/html"), None
        if fault and fault.drop == "before":
            return web.Response(), None
        if fault:
            await asyncio.sleep(fault.delay)
        result = await self._methods.carry_out(call)
        return _succeeded(result), result

    def _check_token(self, token: str) -> None:
        number, colon, _ = token.partition(":")
        if not colon or token.startswith("0") or len(token) > _LONGEST_TOKEN:
            raise Failure(401, "Unauthorized: invalid token specified")
        if not (number.isascii() and number.isdecimal()):
            raise Failure(421, "Misdirected Request: unallowed token specified")
        if token != self._telegram.options.token:
            raise Failure(401, "Unauthorized")


def _succeeded(result: Any) -> web.Response:
    envelope: dict[str, Any] = {"ok": True, "result": result}
    if isinstance(result, Told):
        envelope = {"ok": True, "result": result.result, "description": result.description}
    return web.Response(body=msgspec.json.encode(envelope), content_type="application/json")


def _failed(failure: Failure) -> web.Response:
    headers = {"Retry-After": str(failure.parameters["retry_after"])} if "retry_after" in failure.parameters else {}
    return web.Response(body=msgspec.json.encode(failure.envelope), status=failure.status, content_type="application/json", headers=headers)
