"""Who may talk to this server: programs on this machine and its own page, no web page from elsewhere.

A foreign page could reach 127.0.0.1 by a name it lets point there (so the Host must be ours) or by
posting forms and loading pictures (so the Origin must be ours, and the browser must not call the
request cross-site). Programs send no such headers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["PAGE_POLICY", "guard"]

_NAMES = ("127.0.0.1", "localhost")
_OWN_SITE = ("", "none", "same-origin")
PAGE_POLICY = "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'self'"


@web.middleware
async def guard(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """Refuse what comes from elsewhere with 403."""
    problem = _problem(request)
    return web.json_response({"message": problem}, status=403) if problem else await handler(request)


def _problem(request: web.Request) -> str:
    host = request.headers.get("Host", "").lower()
    port = request.transport.get_extra_info("sockname")[1] if request.transport else 0
    own = [f"{name}:{port}" for name in _NAMES]
    if host not in own:
        return "this server answers to 127.0.0.1 and localhost only"
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{host}":
        return "this server answers to its own page only"
    if request.path != "/" and request.headers.get("Sec-Fetch-Site", "") not in _OWN_SITE:
        return "this server answers to its own page only"
    return ""
