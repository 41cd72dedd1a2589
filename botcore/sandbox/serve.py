"""Starts a market on 127.0.0.1 in this event loop, HTTP/1.1 plain or, with TLS, HTTP/1.1 and HTTP/2.

The connections are hypercorn's. They are opened here and not by its ``serve``, because a market
that breaks connections on purpose needs the transport under each of them.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import trustme
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config

from botcore.errors import SandboxError
from botcore.sandbox.churn import Churn
from botcore.sandbox.distance import relay
from botcore.sandbox.growth import grow_world
from botcore.sandbox.market import Market
from botcore.sandbox.options import MarketAddress, MarketOptions
from botcore.sandbox.signature import make_keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from botcore.sandbox.limits import Served
    from botcore.sandbox.world import World

__all__ = ["MarketServer", "serve_market"]

_CHURN_PAUSE = 0.05


class MarketServer:
    """A market that is being served: where, and what stands behind it."""

    def __init__(self, address: MarketAddress, market: Market, churn: Churn) -> None:
        self.address = address
        self.market = market
        self.churn = churn

    def __repr__(self) -> str:
        return f"MarketServer({self.address.url}, {self.world!r})"

    @property
    def world(self) -> World:
        """What is sold here."""
        return self.market.world

    @property
    def served(self) -> Served:
        """What arrived so far."""
        return self.market.served


@asynccontextmanager
async def serve_market(options: MarketOptions, *, world: World | None = None, now: Callable[[], float] | None = None) -> AsyncIterator[MarketServer]:
    """Serve a market until the block ends. ``world`` replaces the grown one, ``now`` the clock of the quotas.

    Raises SandboxError when the port is taken or the price list is no good.
    """
    fast = options.speed != 1
    if world is None:
        world = grow_world(options.seed, options.size, prices=options.prices, clock=_fast_wall(options) if fast else time.time)
    if now is None and fast:
        now = partial(_fast_monotonic, options.speed)
    public, secret = make_keys(options.seed)
    if options.public_key and options.secret_key:
        public, secret = options.public_key, options.secret_key
    churn = Churn(world, options.deals)
    market = Market(world, options, public, churn, **({"now": now} if now else {}))
    async with AsyncExitStack() as stack:
        ca_file, context = _certificate(stack) if options.tls else (None, None)
        port = await _listen(stack, market, 0 if options.distance else options.port, context)
        if options.distance:
            port = await _remove(stack, port, options)
        if options.churn:
            stack.push_async_callback(_cancelled, asyncio.create_task(_live(churn, options.churn * options.speed)))
        scheme = "https" if options.tls else "http"
        yield MarketServer(MarketAddress(f"{scheme}://127.0.0.1:{port}", public, secret, ca_file), market, churn)


def _fast_wall(options: MarketOptions) -> Callable[[], float]:
    """Unix seconds that pass faster, or slower, from the epoch on."""
    epoch = time.time() if options.epoch is None else options.epoch
    return lambda: epoch + (time.time() - epoch) * options.speed


def _fast_monotonic(speed: float) -> float:
    return time.monotonic() * speed


def _certificate(stack: AsyncExitStack) -> tuple[str, ssl.SSLContext]:
    """A certificate of a throw-away authority, and the file to trust it by, which goes when the stack closes."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="botcore-sandbox-"))
    path = Path(folder) / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path), context


async def _listen(stack: AsyncExitStack, market: Market, port: int, context: ssl.SSLContext | None) -> int:
    config = Config()
    config.include_date_header = False  # both headers are the market's own
    config.include_server_header = False
    config.errorlog = None
    config.h11_max_incomplete_size = 65_536
    config.keep_alive_timeout = 75
    worker = WorkerContext(None)
    open_connections: dict[asyncio.Task[None], asyncio.WriteTransport] = {}

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            open_connections[task] = writer.transport
            task.add_done_callback(open_connections.pop)
        await _converse(market, config, worker, reader, writer)

    try:
        server = await asyncio.start_server(connected, "127.0.0.1", port, ssl=context, backlog=1024)
    except OSError as error:
        raise _taken(port, error) from error
    stack.push_async_callback(_closed, server, open_connections)
    bound: int = server.sockets[0].getsockname()[1]
    return bound


async def _remove(stack: AsyncExitStack, near: int, options: MarketOptions) -> int:
    """Put the market at its distance: the port under which it is reached from there."""
    try:
        server = await relay(options.port, near, options.distance)
    except OSError as error:
        raise _taken(options.port, error) from error
    stack.callback(server.close)
    bound: int = server.sockets[0].getsockname()[1]
    return bound


def _taken(port: int, error: OSError) -> SandboxError:
    return SandboxError(f"the sandbox market cannot listen on 127.0.0.1:{port}: {error.strerror}")


async def _converse(market: Market, config: Any, worker: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, for as long as it lasts."""

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await market.handle(scope, receive, send, writer.transport.abort)

    with suppress(asyncio.CancelledError, ConnectionError):
        await TCPServer(ASGIWrapper(cast("Any", application)), asyncio.get_running_loop(), config, worker, {}, reader, writer)


async def _closed(server: asyncio.Server, connections: dict[asyncio.Task[None], asyncio.WriteTransport]) -> None:
    """Cut every connection. A TLS connection that is only closed waits half a minute for its client's goodbye."""
    server.close()
    tasks = list(connections)
    for task in tasks:
        connections[task].abort()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _live(churn: Churn, rate: float) -> None:
    """Let ``rate`` events a second happen, as a clock would have them."""
    loop = asyncio.get_running_loop()
    due, last = 0.0, loop.time()
    while True:
        await asyncio.sleep(_CHURN_PAUSE)
        now = loop.time()
        due, last = due + (0.0 if churn.paused else (now - last) * rate), now
        churn.apply(int(due))
        due -= int(due)
