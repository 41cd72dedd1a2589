"""``/sandbox/events``: the event log as server-sent events, for a page that stays open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from botcore.sandbox.telegram.events import EventLog

__all__ = ["stream_events"]

_BEAT_SECONDS = 15.0


async def stream_events(log: EventLog, request: web.Request) -> web.StreamResponse:
    """Send every event as it comes until the reader goes or the server ends.

    It starts after ``Last-Event-ID``, which a browser sends when it comes back, or after ``?after``,
    or with the next new event.
    """
    try:
        after = int(request.headers.get("Last-Event-ID") or request.query.get("after") or log.last)
    except ValueError:
        return web.json_response({"message": "after is no number"}, status=400)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    await response.write(b": welcome\n\n")
    while not log.closed:
        events = log.since(after)
        if events:
            after = log.last
            await response.write(b"".join(b"id: %d\ndata: %s\n\n" % (event.number, msgspec.json.encode(event)) for event in events))
        elif not await _news(log):
            await response.write(b": still here\n\n")
    return response


async def _news(log: EventLog) -> bool:
    """Whether something new came before it is time for a sign of life, which is how a reader that has gone is noticed."""
    try:
        await asyncio.wait_for(log.wait(), _BEAT_SECONDS)
    except TimeoutError:
        return False
    return True
