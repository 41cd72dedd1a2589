"""Starts a local Telegram on 127.0.0.1 in this event loop: the Bot API, the chat page, and the routes the page uses."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from botcore.errors import SandboxError
from botcore.sandbox.telegram.api import BotApi
from botcore.sandbox.telegram.control import Control
from botcore.sandbox.telegram.guard import PAGE_POLICY, guard
from botcore.sandbox.telegram.methods import Methods
from botcore.sandbox.telegram.options import TelegramAddress, TelegramOptions
from botcore.sandbox.telegram.people import People
from botcore.sandbox.telegram.state import Telegram
from botcore.sandbox.telegram.stream import stream_events

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["TelegramServer", "serve_telegram"]

_PAGE = Path(__file__).parent / "page"
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
_PAGE_FILE = re.compile(r"[A-Za-z0-9_-]+\.[a-z0-9]+")
_GOODBYE_SECONDS = 1.0
_BACKLOG = 1024


class TelegramServer:
    """A local Telegram that is being served: where, what stands behind it, and who sits in its chats."""

    def __init__(self, address: TelegramAddress, telegram: Telegram, people: People) -> None:
        self.address = address
        self.telegram = telegram
        self.people = people

    def __repr__(self) -> str:
        return f"TelegramServer({self.address.url}, {self.telegram!r})"


@asynccontextmanager
async def serve_telegram(options: TelegramOptions, *, now: Callable[[], float] | None = None) -> AsyncIterator[TelegramServer]:
    """Serve a Telegram until the block ends. ``now`` replaces the clock of dates, deadlines and flood control, in unix seconds.

    Raises SandboxError when the port is taken.
    """
    telegram = Telegram(options, **({"now": now} if now else {}))
    people = People(telegram)
    methods = Methods(telegram)
    runner = web.AppRunner(_application(telegram, people, methods), handler_cancellation=True, access_log=None, shutdown_timeout=_GOODBYE_SECONDS)
    await runner.setup()
    try:
        await _listen(runner, options.port)
        yield TelegramServer(TelegramAddress(f"http://127.0.0.1:{runner.addresses[0][1]}", options.token), telegram, people)
    finally:
        await methods.webhook.stop()
        telegram.updates.release()
        telegram.events.close()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=_BACKLOG).start()
    except OSError as error:
        raise SandboxError(f"the local Telegram cannot listen on 127.0.0.1:{port}: {error.strerror}") from error


def _application(telegram: Telegram, people: People, methods: Methods) -> web.Application:
    api = BotApi(telegram, methods)
    control = Control(telegram, people, api.faults)

    async def events(request: web.Request) -> web.StreamResponse:
        return await stream_events(telegram.events, request)

    application = web.Application(middlewares=[guard])
    application.router.add_get("/", _page)
    application.router.add_get("/page/{name}", _page)
    application.router.add_get("/sandbox/events", events)
    application.router.add_route("*", "/sandbox/{path:.*}", control.answer)
    application.router.add_route("*", "/file/bot{path:.*}", api.download)
    application.router.add_route("*", "/bot{path:.*}", api.answer)
    application.router.add_route("*", "/{path:.*}", api.nowhere)
    return application


async def _page(request: web.Request) -> web.Response:
    """The chat page or one of its files."""
    name = request.match_info.get("name", "index.html")
    path = _PAGE / name
    if not _PAGE_FILE.fullmatch(name) or path.suffix not in _KINDS or not path.is_file():
        return web.json_response({"message": f"the page has no {name}"}, status=404)
    kind = _KINDS[path.suffix]
    headers = {
        "Content-Security-Policy": PAGE_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return web.Response(body=path.read_bytes(), content_type=kind, charset="utf-8" if kind.startswith("text/") else None, headers=headers)
