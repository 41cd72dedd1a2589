"""A client of the sandbox's tests: signs by itself, and shares no code with botcore's client."""

from __future__ import annotations

import json
import time
from contextlib import asynccontextmanager

import httpx
from nacl.signing import SigningKey

from botcore.sandbox import MarketOptions, serve_market

OPEN = MarketOptions(seed=3, size=1500, latency=0.0, limits=False)


class Signed(httpx.Auth):
    requires_request_body = True

    def __init__(self, secret_key, public_key, date=None):
        self.key = SigningKey(bytes.fromhex(secret_key)[:32])
        self.public_key = public_key
        self.date = date

    def auth_flow(self, request):
        date = str(int(time.time()) if self.date is None else self.date)
        target = request.url.path + (f"?{request.url.query.decode()}" if request.url.query else "")
        message = request.method.encode() + target.encode() + request.content + date.encode()
        sign = self.key.sign(message).signature.hex()
        request.headers.update({"X-Api-Key": self.public_key, "X-Sign-Date": date, "X-Request-Sign": f"dmar ed25519 {sign}"})
        yield request


class Peer:
    def __init__(self, server, http):
        self.server = server
        self.world = server.world
        self.http = http

    async def get(self, path, **params):
        return await self.http.get(path, params=params or None)

    async def ok(self, path, **params):
        answer = await self.get(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path, body, method="POST"):
        return await self.http.request(method, path, content=json.dumps(body))

    async def posted(self, path, body, method="POST"):
        answer = await self.post(path, body, method)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def walk(self, **params):
        """Every offer of a listing, page by page, and the total each page told."""
        items, totals = [], []
        while True:
            page = await self.ok("/marketplace-api/v2/offers", **params)
            items += page["items"]
            totals.append(page["total"])
            if not page["cursor"]:
                return items, totals
            params["cursor"] = page["cursor"]


@asynccontextmanager
async def meet(options=OPEN, *, world=None, now=None, date=None, **client):
    """A served market and a peer that talks to it."""
    async with serve_market(options, world=world, now=now) as server:
        auth = Signed(server.address.secret_key, server.address.public_key, date)
        async with httpx.AsyncClient(base_url=server.address.url, auth=auth, **client) as http:
            yield Peer(server, http)
