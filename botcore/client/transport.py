"""Options of the connection pool -> an httpx transport: HTTP/1.1 or HTTP/2 by httpx, or HTTP/1.1 by aiohttp.

``aiohttp`` is the default: it takes about half the processor time of httpx's own HTTP/1.1 for a page of offers, and
does not grow slower with many requests in flight as that does. ``http2`` needs a single connection, which saves
handshakes far from the market. Whatever fails below is an httpx error here, and one of ours after ``translate``.
"""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import aiohttp
import httpcore
import httpx
import msgspec
import yarl
from aiohttp.http_exceptions import HttpProcessingError
from httpx_aiohttp import AiohttpTransport

from botcore.errors import BadAnswer, ConfigError, MarketError, NoAnswer, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["SENT_EVENTS", "PoolOptions", "make_transport", "translate"]

Transport = Literal["http1", "http2", "aiohttp"]

_AIOHTTP_SENT = "aiohttp.send_request_headers.started"
SENT_EVENTS = frozenset({"http11.send_request_headers.started", "http2.send_request_headers.started", _AIOHTTP_SENT})
"""The names under which the transports tell a request's ``trace`` extension that its bytes go out now."""


class PoolOptions(msgspec.Struct, frozen=True, kw_only=True):
    """One pool of connections. Times are in seconds.

    ``http2`` follows from ``transport``; setting it against the transport is refused, so the field always tells the
    truth. ``max_keepalive`` idle connections are kept for ``keepalive_expiry`` (aiohttp knows only none and all).
    ``whole`` bounds one request from the wait for a connection to the last byte, since an answer may drip for ever.
    ``write`` bounds the sending of a body; aiohttp has no such bound and does without. ``ca_file`` names a
    certificate to trust instead of the public ones, as for a market of one's own.
    """

    transport: Transport = "aiohttp"
    max_connections: int = 100
    max_keepalive: int = 100
    keepalive_expiry: float = 30.0
    http2: bool | None = None
    connect: float = 5.0
    read: float = 15.0
    write: float = 5.0
    pool: float = 10.0
    whole: float = 60.0
    ca_file: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no transport can do."""
        if self.transport not in ("http1", "http2", "aiohttp"):
            raise ConfigError(f"unknown transport {self.transport!r}: choose http1, http2 or aiohttp")
        speaks_http2 = self.transport == "http2"
        if self.http2 not in (None, speaks_http2):
            raise ConfigError(
                f"transport {self.transport} {'always speaks' if speaks_http2 else 'does not speak'} HTTP/2: leave http2 out, or choose another transport"
            )
        if self.max_connections < 1 or self.max_keepalive < 0:
            raise ConfigError("the pool needs at least one connection and cannot keep fewer than none")
        if min(self.connect, self.read, self.write, self.pool, self.whole) <= 0:
            raise ConfigError("time-outs must be above 0 seconds")
        msgspec.structs.force_setattr(self, "http2", speaks_http2)

    def timeout(self) -> httpx.Timeout:
        """The four time-outs as httpx wants them."""
        return httpx.Timeout(connect=self.connect, read=self.read, write=self.write, pool=self.pool)


def make_transport(options: PoolOptions) -> httpx.AsyncBaseTransport:
    """The transport that the options describe; raises ConfigError when the certificate file cannot be read."""
    # Every transport gets a context of its own: an HTTP/2 pool changes the protocols it offers.
    context = _ssl_context(options.ca_file)
    limits = httpx.Limits(max_connections=options.max_connections, max_keepalive_connections=options.max_keepalive, keepalive_expiry=options.keepalive_expiry)
    if options.transport == "aiohttp":
        return _Aiohttp(context, options)
    # A plain http:// address has no way to agree on HTTP/2, so it is spoken from the first byte or not at all.
    transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False, http1=not options.http2, http2=bool(options.http2), limits=limits)
    # httpx offers no way of its own to choose what connects below it.
    transport._pool._network_backend = _Backend()  # noqa: SLF001
    return transport


def _ssl_context(ca_file: str | None) -> ssl.SSLContext:
    if ca_file is None:
        return httpx.create_ssl_context(trust_env=False)
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"cannot read the certificate file {ca_file}: {error}") from error


_FOREIGN: dict[type[Exception], type[MarketError]] = {
    httpx.ConnectError: Unreachable,
    httpx.ConnectTimeout: Unreachable,
    httpx.PoolTimeout: Unreachable,
    httpx.ProxyError: Unreachable,
    httpx.UnsupportedProtocol: Unreachable,
    # Whatever else goes wrong on the way may have gone wrong after the request was sent.
    httpx.TransportError: NoAnswer,
    httpx.HTTPError: NoAnswer,
    httpx.DecodingError: BadAnswer,
    httpx.TooManyRedirects: BadAnswer,
}


def translate(error: httpx.HTTPError, path: str) -> MarketError:
    """Our word for what went wrong below."""
    kind = next(_FOREIGN[base] for base in type(error).__mro__ if base in _FOREIGN)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if kind is Unreachable:
        return Unreachable(f"could not reach the market for {path} ({what}): check the address and the network", path=path)
    if kind is BadAnswer:
        return BadAnswer(f"DMarket's answer for {path} could not be unpacked ({what})", path=path)
    return NoAnswer(f"DMarket's answer for {path} was lost ({what})", path=path)


class _Backend(httpcore.AnyIOBackend):
    """httpcore's own, but for a connection whose handshake is cancelled: httpcore leaves that one open."""

    async def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return _Plain(await super().connect_tcp(*args, **kwargs))


class _Plain(httpcore.AsyncNetworkStream):
    """A connection before its handshake, or without one."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None) -> httpcore.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._stream.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Aiohttp(AiohttpTransport):
    """httpx-aiohttp, with three things put right.

    Addresses go out as they are, since a rewritten escape breaks the signature. Errors tell whether anything was
    sent. And aiohttp repeats nothing on its own, since a repetition must be paced and signed anew.
    """

    def __init__(self, context: ssl.SSLContext, options: PoolOptions) -> None:
        super().__init__(verify=context, trust_env=False)
        self._context = context
        self._options = options

    def get_client(self) -> aiohttp.ClientSession:
        """The session, made inside the running loop. httpx keeps the cookies."""
        options = self._options
        keep = options.max_keepalive > 0
        connector = aiohttp.TCPConnector(
            limit=options.max_connections, ssl=self._context, force_close=not keep, keepalive_timeout=options.keepalive_expiry if keep else None
        )
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_tell_sent)
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, trace_configs=[trace])
        session._retry_connection = False  # noqa: SLF001  # the public options cannot turn it off
        return session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its errors are httpx's."""
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        try:
            answer = await self.client.request(
                request.method,
                yarl.URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=request.content or None,
                allow_redirects=False,
                auto_decompress=False,
                timeout=_aiohttp_timeout(request),
                trace_request_ctx=request.extensions.get("trace"),
            )
        except _LEAKS as error:
            raise _as_httpx(error) from error
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer), request=request, extensions={"http_version": b"HTTP/1.1"})


def _aiohttp_timeout(request: httpx.Request) -> aiohttp.ClientTimeout:
    wait = request.extensions["timeout"]
    return aiohttp.ClientTimeout(total=None, connect=wait["pool"] + wait["connect"], sock_connect=wait["connect"], sock_read=wait["read"])


async def _tell_sent(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams) -> None:
    """Pass on, in httpx's way, that the headers go out."""
    if context.trace_request_ctx is not None:
        await context.trace_request_ctx(_AIOHTTP_SENT, {})


class _Body(httpx.AsyncByteStream):
    """The body of an answer as it comes, still compressed."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._answer.content.iter_any():
                yield chunk
        except _LEAKS as error:
            raise _as_httpx(error) from error

    async def aclose(self) -> None:
        """Keep the connection when the body was read to its end, else drop it."""
        if self._answer.content.is_eof():
            self._answer.release()
        else:
            self._answer.close()


_LEAKS = (aiohttp.ClientError, HttpProcessingError, OSError)
"""What aiohttp may raise for a failed request; time-outs are OSErrors."""

# The first that fits counts, so what happened before sending stands above what may have happened after.
_AIOHTTP_ERRORS: tuple[tuple[type[Exception], type[httpx.RequestError]], ...] = (
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ServerFingerprintMismatch, httpx.ConnectError),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
    (aiohttp.TooManyRedirects, httpx.TooManyRedirects),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (TimeoutError, httpx.ReadTimeout),
    (OSError, httpx.ReadError),
    (aiohttp.ClientPayloadError, httpx.ReadError),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
    (HttpProcessingError, httpx.RemoteProtocolError),
)


def _as_httpx(error: Exception) -> httpx.RequestError:
    """An error of aiohttp in httpx's words; aiohttp's own repeat the whole address, which is nobody's business."""
    return _kind(error)(str(error).partition("?")[0] or type(error).__name__)


def _kind(error: Exception) -> type[httpx.RequestError]:
    return next(ours for theirs, ours in _AIOHTTP_ERRORS if isinstance(error, theirs))
