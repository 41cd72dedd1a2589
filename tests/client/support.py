"""What the tests of the client share: time that waits for nobody, and a market that answers from a script."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from contextlib import asynccontextmanager, contextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import trustme
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from botcore.client.api import DMarketClient, RetryOptions
from botcore.client.auth import KeyPair
from botcore.client.quota import Quota
from botcore.client.transport import PoolOptions
from botcore.model import RequestClass
from tests.vectors import PUBLIC, SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
    from pathlib import Path

    from botcore.sandbox import MarketServer

NOON = 1_795_435_200.0
TRANSPORTS = ("http1", "http2", "aiohttp")
LEAST_MARGIN = 0.02
"""Seconds by which a window of the quota is longer than a server's second, at least."""


class JumpingTime:
    """Time that passes only when somebody waits for it, and then at once."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.Handle:
        def jump() -> None:
            self.now += delay
            callback()

        return asyncio.get_running_loop().call_soon(jump)


class Request(NamedTuple):
    """A request as the market saw it."""

    method: str
    target: str
    body: bytes
    headers: dict[str, str]
    http_version: str
    signed: bool


class Answer(NamedTuple):
    """What the market says."""

    body: bytes = b"{}"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    kind: str = "application/json"


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(msgspec.json.encode(value), status, tuple((name.replace("_", "-"), text) for name, text in headers.items()))


class ScriptedMarket:
    """An ASGI app that gives the answers it was told, the last one for ever, and checks signatures on its own."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.now = NOON
        self.requests: list[Request] = []
        self._script: deque[Answer | Callable[[Request], Answer]] = deque([Answer()])

    def answers(self, *script: Answer | Callable[[Request], Answer]) -> None:
        self._script = deque(script)

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            return
        request = await _read(scope, receive)
        self.requests.append(request)
        told = self._script[0] if len(self._script) == 1 else self._script.popleft()
        answer = told(request) if callable(told) else told
        given = {name.lower() for name, _ in answer.headers}
        headers = [(b"content-type", answer.kind.encode()), *((name.lower().encode(), text.encode()) for name, text in answer.headers)]
        if "date" not in given:
            headers.append((b"date", formatdate(self.now, usegmt=True).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


async def _read(scope: Any, receive: Callable[[], Awaitable[Any]]) -> Request:
    body, more = b"", True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    raw: bytes = scope["raw_path"]
    target = raw.decode() + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
    return Request(scope["method"], target, body, headers, scope["http_version"], _verified(scope["method"], target, body, headers))


def _verified(method: str, target: str, body: bytes, headers: dict[str, str]) -> bool:
    """Verify as a server does, sharing no code with the client."""
    path, mark, query = target.partition("?")
    decoded = bytearray()
    rest = path.encode()
    while rest:
        size = 3 if rest[:1] == b"%" else 1
        decoded += bytes.fromhex(rest[1:3].decode()) if size == 3 else rest[:1]
        rest = rest[size:]
    message = method.encode() + bytes(decoded) + mark.encode() + query.encode() + body + headers["x-sign-date"].encode()
    try:
        VerifyKey(bytes.fromhex(headers["x-api-key"])).verify(message, bytes.fromhex(headers["x-request-sign"].removeprefix("dmar ed25519 ")))
    except BadSignatureError:
        return False
    return True


class Doors(NamedTuple):
    """A market and its addresses."""

    market: ScriptedMarket
    tls: str
    plain: str
    ca_file: str


def _listener() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


@contextmanager
def serve(market: ScriptedMarket, folder: Path) -> Iterator[Doors]:
    """The market over TLS and in the clear, speaking HTTP/1.1 and HTTP/2, in a thread of its own."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    with (folder / "cert.pem").open("wb") as file:
        file.writelines(blob.bytes() for blob in certificate.cert_chain_pems)
    config = Config()
    secure, plain = _listener(), _listener()
    doors = Doors(market, f"https://127.0.0.1:{secure.getsockname()[1]}", f"http://127.0.0.1:{plain.getsockname()[1]}", str(folder / "ca.pem"))
    config.bind, config.insecure_bind = [f"fd://{secure.detach()}"], [f"fd://{plain.detach()}"]
    config.certfile, config.keyfile = str(folder / "cert.pem"), str(folder / "key.pem")
    config.include_date_header = False
    config.include_server_header = False
    config.graceful_timeout = 0.1
    config.loglevel = "CRITICAL"
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(hypercorn_serve(market, config, shutdown_trigger=stop.wait)))
    thread.start()
    try:
        yield doors
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@asynccontextmanager
async def raw_server(handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """A server of bytes on loopback: its address. Handlers still busy at the end are cancelled."""
    busy: set[asyncio.Task[None]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        try:
            await handle(reader, writer)
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


class WatchedQuota(Quota):
    """A quota in real time that remembers when each answered request was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sends: dict[RequestClass, list[float]] = {kind: [] for kind in RequestClass}

    def observe(self, kind: RequestClass, status: int, headers: Mapping[str, str], *, retry_after: float = 1.0, sent_at: float | None = None) -> None:
        if sent_at is not None:
            self.sends[kind].append(sent_at)
        super().observe(kind, status, headers, retry_after=retry_after, sent_at=sent_at)


def arrivals_at(server: MarketServer) -> dict[RequestClass, list[float]]:
    """When requests arrive at a market, by class: filled from now on."""
    times: dict[RequestClass, list[float]] = {kind: [] for kind in RequestClass}
    count = server.served.arrive

    def arrive(kind: RequestClass, path: str, now: float) -> None:
        times[kind].append(now)
        count(kind, path, now)

    server.served.arrive = arrive  # type: ignore[method-assign]
    return times


def check_pace(quota: WatchedQuota, server: MarketServer, arrivals: dict[RequestClass, list[float]]) -> None:
    """What the pace promises on every machine, however unevenly that runs.

    No second has more sends than the limit. The market sees the same and refuses nothing, unless the way there took
    differently long by more than the pace's least margin, which no client can help.
    """
    for kind, sends in quota.sends.items():
        limit, sent, arrived = quota.options.limit(kind), sorted(sends), arrivals[kind]
        assert len(sent) == len(arrived) == server.served.requests[kind]
        assert all(later - earlier > 1 for earlier, later in zip(sent, sent[limit:], strict=False))
        ways = [there - here for here, there in zip(sent, arrived, strict=True)]
        if ways and max(ways) - min(ways) < LEAST_MARGIN:
            assert (server.served.refused[kind], server.served.most_in_a_second[kind] <= limit) == (0, True)


class Waits:
    """Stands for sleeping between attempts: notes how long it would have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Client(NamedTuple):
    """A client under test, and its time."""

    api: DMarketClient
    waits: Waits
    time: JumpingTime


@asynccontextmanager
async def client_of(
    address: str, transport: str = "http1", *, ca_file: str | None = None, retry: RetryOptions | None = None, unix: float = NOON, **pool: float
) -> AsyncIterator[Client]:
    """A client whose waits take no time and whose clock stands still."""
    waits, time = Waits(), JumpingTime()
    api = DMarketClient(
        address,
        KeyPair.parse(PUBLIC, SECRET),
        pool=PoolOptions(transport=transport, ca_file=ca_file, **pool),  # type: ignore[arg-type]
        quota=Quota(clock=time.clock, call_later=time.call_later),
        retry=retry,
        clock=lambda: unix,
        jitter=lambda: 1.0,
        sleep=waits,
    )
    async with api:
        yield Client(api, waits, time)
