"""The market as an ASGI application: signature, quota, fault, answer, latency, in that order.

A request is counted when it arrives and answered at once; the answer is then held back for the
latency by a timer, so that no slow request keeps another waiting.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
import zlib
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import msgspec

from botcore.sandbox.answers import Answer, Refusal, throttled, unauthorized
from botcore.sandbox.chaos import EARLY, Chaos, Fault, spoiled
from botcore.sandbox.control import Control
from botcore.sandbox.limits import QUOTAS, Quota, Served, Verdict, classify
from botcore.sandbox.routes import Routes
from botcore.sandbox.signature import SignatureCheck

if TYPE_CHECKING:
    from botcore.sandbox.churn import Churn
    from botcore.sandbox.options import MarketOptions
    from botcore.sandbox.world import World

__all__ = ["Market", "Request"]

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_SMALLEST_ZIPPED = 200


class Request(msgspec.Struct, frozen=True):
    """One request as it arrived. ``path`` is decoded, ``target`` is the raw path and the raw query."""

    method: str
    path: str
    target: tuple[bytes, bytes]
    body: bytes
    headers: dict[str, str]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query's names and values, decoded, in order."""
        return parse_qsl(self.target[1].decode("latin-1"), keep_blank_values=True)


class Market:
    """Serves one world to one account. ``now`` is the clock of quotas, in seconds."""

    def __init__(self, world: World, options: MarketOptions, public_key: str, churn: Churn, now: Callable[[], float] = time.monotonic) -> None:
        self.world = world
        self.options = options
        self.served = Served()
        self._now = now
        self._check = SignatureCheck(public_key)
        self._routes = Routes(world, options.integers, public_key)
        self._control = Control(world, churn, self.served)
        self._quotas = {kind: Quota(limit, options.window) for kind, limit in QUOTAS.items()}
        self._chaos = Chaos(options.chaos, options.seed)
        self._rng = Random(f"{options.seed}/latency")

    async def handle(self, scope: dict[str, Any], receive: Receive, send: Send, abort: Callable[[], None]) -> None:
        """Answer one HTTP request; ``abort`` breaks the connection under it."""
        request = await _read(scope, receive)
        if request.path.startswith("/sandbox/"):
            await self._send(request, self._control.answer(request.method, request.path, dict(request.pairs), request.body), send, [])
            return
        arrived = self._now()
        kind = classify(request.method, request.path)
        self.served.arrive(kind, request.path, arrived)
        verdict, fault = None, None
        if not self._routes.is_retired(request.path) and self._problem(request) is not None:
            self.served.bad_signatures += 1
            answer = unauthorized(request.path)
            headers = self._told(self._quotas[kind].take(arrived, enforced=False))
        else:
            verdict = self._quotas[kind].take(arrived, enforced=self.options.limits)
            headers = self._told(verdict)
            answer, fault = self._decide(request, kind, passed=verdict.passed)
        delay = self._latency()
        if delay:
            await asyncio.sleep(delay / self.options.speed)
        await self._deliver(request, answer, fault, (send, abort, headers))

    def _told(self, verdict: Verdict) -> list[tuple[bytes, bytes]]:
        """The headers of the quota; a market without limits has none to tell."""
        return verdict.headers() if self.options.limits else []

    def _decide(self, request: Request, kind: Any, *, passed: bool) -> tuple[Answer, Fault | None]:
        """The answer, and the fault that will spoil it."""
        if not passed:
            self.served.refused[kind] += 1
            return throttled(), None
        fault = self._chaos.choose((request.method, request.target, hashlib.blake2b(request.body).digest()))
        if fault is not None:
            self.served.faults[fault] = self.served.faults.get(fault, 0) + 1
        if fault is Fault.REFUSED:
            self.served.chaos_refused += 1
            return throttled(), None
        answer = Answer(b"") if fault in EARLY else self._answer(request)
        if fault in (Fault.ERROR_EARLY, Fault.ERROR_LATE):
            return self._chaos.error(), None
        return (spoiled(answer, fault) if fault else answer), fault

    def _answer(self, request: Request) -> Answer:
        try:
            return self._routes.answer(request.method, request.path, request.pairs, request.body)
        except Refusal as refusal:
            return refusal.answer

    def _problem(self, request: Request) -> str | None:
        at = self._wall() if self.options.signed_at is None else self.options.signed_at
        return self._check.problem(request.method, request.target, request.body, request.headers, at)

    def _wall(self) -> float:
        return self.world.clock() + self.options.clock_offset

    def _latency(self) -> float:
        median, sigma = self.options.latency, self.options.jitter
        return median * math.exp(self._rng.gauss(0.0, sigma)) if sigma and median else median

    async def _deliver(self, request: Request, answer: Answer, fault: Fault | None, line: tuple[Send, Callable[[], None], list[tuple[bytes, bytes]]]) -> None:
        send, abort, headers = line
        if fault in (Fault.RESET_EARLY, Fault.RESET_LATE):
            abort()
            return
        if fault is Fault.STALL_HEAD:
            await asyncio.sleep(self.options.stall / self.options.speed)
        if fault is Fault.RESET_BODY:
            await self._send(request, answer, send, headers, half=True)
            abort()
            return
        pause = self.options.stall / self.options.speed if fault is Fault.STALL_BODY else 0.0
        await self._send(request, answer, send, headers, pause=pause, torn=fault is Fault.TORN_GZIP)

    async def _send(
        self, request: Request, answer: Answer, send: Send, headers: list[tuple[bytes, bytes]], *, half: bool = False, torn: bool = False, pause: float = 0.0
    ) -> None:
        """Put an answer on the wire; ``half`` stops in the middle, ``torn`` cuts the gzip stream, ``pause`` waits within the body."""
        body, sent = answer.body, [*headers, *answer.headers]
        if torn or (len(body) >= _SMALLEST_ZIPPED and "gzip" in request.headers.get("accept-encoding", "")):
            packer = zlib.compressobj(1, wbits=31)
            body = packer.compress(body) + packer.flush()
            body = body[: max(12, len(body) // 2)] if torn else body
            sent += [(b"content-encoding", b"gzip"), (b"vary", b"accept-encoding")]
        sent += [
            (b"content-type", answer.kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"date", formatdate(self._wall(), usegmt=True).encode()),
            (b"server", b"botcore-sandbox"),
        ]
        self.served.bytes += len(body)
        await send({"type": "http.response.start", "status": answer.status, "headers": sent})
        if half or pause:
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            await asyncio.sleep(pause)
            body = body[len(body) // 2 :]
        if not half:
            await send({"type": "http.response.body", "body": body, "more_body": False})


async def _read(scope: dict[str, Any], receive: Receive) -> Request:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    raw: bytes = scope["raw_path"]
    return Request(scope["method"], unquote(raw.decode("latin-1")), (raw, scope["query_string"]), b"".join(parts), headers)
