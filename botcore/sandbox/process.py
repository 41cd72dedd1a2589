"""A market or a Telegram in its own process, which ends with its parent. Light: the parent loads nothing of the server."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from botcore.errors import SandboxError
from botcore.sandbox.options import MarketAddress, MarketOptions
from botcore.sandbox.telegram.options import TelegramAddress, TelegramOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from typing import IO

__all__ = ["run", "serve_child", "spawn_market", "spawn_telegram"]

_START_SECONDS = 60.0
_STOP_SECONDS = 2.0
_OPTIONS: dict[str, type[MarketOptions | TelegramOptions]] = {"market": MarketOptions, "telegram": TelegramOptions}

Options = MarketOptions | TelegramOptions
Address = TypeVar("Address", MarketAddress, TelegramAddress)


def spawn_market(options: MarketOptions) -> AbstractAsyncContextManager[MarketAddress]:
    """Serve a market from another process until the block ends.

    The child reads its options from standard input and ends when that closes, so it ends with its
    parent however the parent ends. Ctrl-C in a terminal reaches the parent alone. Raises SandboxError with the reason when it does not come up.
    """
    return _spawned("market", options, MarketAddress)


def spawn_telegram(options: TelegramOptions) -> AbstractAsyncContextManager[TelegramAddress]:
    """Serve a local Telegram from another process until the block ends, as ``spawn_market`` does with a market. Raises SandboxError."""
    return _spawned("telegram", options, TelegramAddress)


def run(options: MarketOptions, announce: Callable[[MarketAddress], None] | None = None) -> None:
    """Serve a market until Ctrl-C or SIGTERM; ``announce`` is called once it listens. Raises SandboxError."""
    asyncio.run(_serve(options, announce, None))


def serve_child(kind: str = "market") -> None:
    """What ``python -m botcore.sandbox market`` (or ``telegram``) does, until standard input closes.

    Options come in as a JSON line, the address goes out as a JSON line.
    """
    try:
        line = sys.stdin.buffer.readline()
        options = msgspec.json.decode(line or b"{}", type=_OPTIONS[kind])
        asyncio.run(_serve(options, _print_address, sys.stdin.buffer))
    except (SandboxError, msgspec.DecodeError) as error:
        sys.exit(f"SandboxError: {error}")


@asynccontextmanager
async def _spawned(kind: str, options: Options, address: type[Address]) -> AsyncIterator[Address]:
    command = (sys.executable, "-m", "botcore.sandbox", kind)
    with tempfile.TemporaryFile() as errors:
        child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=errors, start_new_session=True)
        try:
            yield msgspec.json.decode(await _address(child, kind, options, errors), type=address)
        finally:
            await _end(child)


async def _address(child: asyncio.subprocess.Process, kind: str, options: Options, errors: IO[bytes]) -> bytes:
    """The line in which the child says where it listens."""
    if child.stdin is None or child.stdout is None:
        raise SandboxError("the sandbox process has no pipes")
    with suppress(ConnectionError):
        child.stdin.write(msgspec.json.encode(options) + b"\n")
        await child.stdin.drain()
    try:
        line = await asyncio.wait_for(child.stdout.readline(), _START_SECONDS)
    except TimeoutError:
        raise SandboxError(f"the sandbox {kind} did not come up within {_START_SECONDS:.0f} s") from None
    if not line:
        await child.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines() or [f"it ended with code {child.returncode}"]
        raise SandboxError(said[-1].removeprefix("SandboxError: "))
    return line


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.stdin is not None:
        child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), _STOP_SECONDS)
    except TimeoutError:
        child.kill()
        await child.wait()


async def _serve(options: Options, announce: Callable[[Any], None] | None, parent: IO[bytes] | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with _server(options) as server:
        if announce is not None:
            announce(server.address)
        if parent is None:
            await stop.wait()
            return
        watch = asyncio.create_task(_until_closed(parent, stop))
        await stop.wait()
        watch.cancel()


def _server(options: Options) -> AbstractAsyncContextManager[Any]:
    """The server these options are for. The spawning side must load neither, and a market must not pay for the other's aiohttp."""
    if isinstance(options, TelegramOptions):
        from botcore.sandbox.telegram.serve import serve_telegram  # noqa: PLC0415

        return serve_telegram(options)
    from botcore.sandbox.serve import serve_market  # noqa: PLC0415

    return serve_market(options)


async def _until_closed(parent: IO[bytes], stop: asyncio.Event) -> None:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), parent)
    try:
        await reader.read()
        stop.set()
    finally:
        transport.close()


def _print_address(address: MarketAddress | TelegramAddress) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(address) + b"\n")
    sys.stdout.buffer.flush()
