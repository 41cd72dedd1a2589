"""A market in its own process, which ends with its parent. Light: the parent loads nothing of the market."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import msgspec

from botcore.errors import SandboxError
from botcore.sandbox.options import MarketAddress, MarketOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import IO

__all__ = ["run", "serve_child", "spawn_market"]

_START_SECONDS = 60.0
_STOP_SECONDS = 2.0


@asynccontextmanager
async def spawn_market(options: MarketOptions) -> AsyncIterator[MarketAddress]:
    """Serve a market from another process until the block ends.

    The child reads its options from standard input and ends when that closes, so it ends with its
    parent however the parent ends. Ctrl-C in a terminal reaches the parent alone. Raises SandboxError with the reason when it does not come up.
    """
    with tempfile.TemporaryFile() as errors:
        child = await asyncio.create_subprocess_exec(sys.executable, "-m", "botcore.sandbox", stdin=PIPE, stdout=PIPE, stderr=errors, start_new_session=True)
        try:
            yield await _address(child, options, errors)
        finally:
            await _end(child)


def run(options: MarketOptions, announce: Callable[[MarketAddress], None] | None = None) -> None:
    """Serve a market until Ctrl-C or SIGTERM; ``announce`` is called once it listens. Raises SandboxError."""
    asyncio.run(_serve(options, announce, None))


def serve_child() -> None:
    """What ``python -m botcore.sandbox`` does: options in as a JSON line, address out as a JSON line, until standard input closes."""
    try:
        line = sys.stdin.buffer.readline()
        options = msgspec.json.decode(line or b"{}", type=MarketOptions)
        asyncio.run(_serve(options, _print_address, sys.stdin.buffer))
    except (SandboxError, msgspec.DecodeError) as error:
        sys.exit(f"SandboxError: {error}")


async def _address(child: asyncio.subprocess.Process, options: MarketOptions, errors: IO[bytes]) -> MarketAddress:
    if child.stdin is None or child.stdout is None:
        raise SandboxError("the sandbox process has no pipes")
    with suppress(ConnectionError):
        child.stdin.write(msgspec.json.encode(options) + b"\n")
        await child.stdin.drain()
    try:
        line = await asyncio.wait_for(child.stdout.readline(), _START_SECONDS)
    except TimeoutError:
        raise SandboxError(f"the sandbox market did not come up within {_START_SECONDS:.0f} s") from None
    if not line:
        await child.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines() or [f"it ended with code {child.returncode}"]
        raise SandboxError(said[-1].removeprefix("SandboxError: "))
    return msgspec.json.decode(line, type=MarketAddress)


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.stdin is not None:
        child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), _STOP_SECONDS)
    except TimeoutError:
        child.kill()
        await child.wait()


async def _serve(options: MarketOptions, announce: Callable[[MarketAddress], None] | None, parent: IO[bytes] | None) -> None:
    from botcore.sandbox.serve import serve_market  # noqa: PLC0415 - the spawning side must not load the server

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve_market(options) as server:
        if announce is not None:
            announce(server.address)
        if parent is None:
            await stop.wait()
            return
        watch = asyncio.create_task(_until_closed(parent, stop))
        await stop.wait()
        watch.cancel()


async def _until_closed(parent: IO[bytes], stop: asyncio.Event) -> None:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), parent)
    try:
        await reader.read()
        stop.set()
    finally:
        transport.close()


def _print_address(address: MarketAddress) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(address) + b"\n")
    sys.stdout.buffer.flush()
