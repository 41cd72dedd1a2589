"""A market far away: a relay in front of it that makes every round trip take its time, those of connecting and of TLS included.

A loopback connection is made in no time, so a slow answer alone would make new connections look free.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

__all__ = ["relay"]

_CHUNK = 65_536


async def relay(port: int, upstream: int, round_trip: float) -> asyncio.Server:
    """Serve ``port`` of 127.0.0.1 (0 takes a free one) by the server at ``upstream``, ``round_trip`` seconds away. Raises OSError when the port is taken."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", upstream)
            # A client that is far away may speak one round trip after it called at the earliest.
            earliest = asyncio.get_running_loop().time() + round_trip
            await asyncio.gather(_carry(reader, far_writer, round_trip / 2, earliest), _carry(far_reader, writer, round_trip / 2, 0.0))

    return await asyncio.start_server(connected, "127.0.0.1", port, backlog=1024)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, earliest: float) -> None:
    """Pass on what comes, each piece as late as the way takes, and the end as well."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    deliver = loop.create_task(_deliver(pieces, writer))
    try:
        while not deliver.done():
            data = await _read(reader)
            pieces.put_nowait((max(loop.time(), earliest) + delay, data))
            if not data:
                break
        await deliver
    finally:
        deliver.cancel()
        writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    """What came; nothing at the end, also where the line was cut."""
    try:
        return await reader.read(_CHUNK)
    except OSError:
        return b""


async def _deliver(pieces: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due, data = await pieces.get()
        await asyncio.sleep(max(0.0, due - loop.time()))
        if not data:
            return
        writer.write(data)
        await writer.drain()
