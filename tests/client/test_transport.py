"""Pool options, and the table that turns foreign errors into ours."""

from __future__ import annotations

import inspect

import aiohttp
import httpx
import pytest
from aiohttp import client_exceptions, http_exceptions

from botcore.client import transport as module
from botcore.client.transport import PoolOptions, make_transport, translate
from botcore.errors import BadAnswer, ConfigError, MarketError, NoAnswer, Unreachable
from tests.vectors import PUBLIC


def family(base: type[Exception], *modules: object) -> list[type[Exception]]:
    """Every public exception of some modules below a base."""
    found = {kind for home in modules for _, kind in inspect.getmembers(home, inspect.isclass) if issubclass(kind, base)}
    return sorted(found, key=lambda kind: kind.__name__)


# These are no failed requests: a wrong address (refused when the client is built), and misuse of httpx.
NOT_ABOUT_A_REQUEST = {httpx.InvalidURL, httpx.CookieConflict} | set(family(httpx.StreamError, httpx))


def test_every_error_of_httpx_has_a_translation_or_a_reason_to_have_none():
    """A new exception of httpx fails here first."""
    for kind in set(family(Exception, httpx)) - NOT_ABOUT_A_REQUEST:
        if kind is httpx.HTTPStatusError:
            error: httpx.HTTPError = httpx.HTTPStatusError("x", request=httpx.Request("GET", "http://x"), response=httpx.Response(500))
        else:
            assert issubclass(kind, httpx.HTTPError), kind
            error = kind("what happened")
        ours = translate(error, "/some/path")
        assert isinstance(ours, MarketError)
        assert ours.path == "/some/path"
        assert "/some/path" in str(ours)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (httpx.ConnectError(""), Unreachable),
        (httpx.ConnectTimeout(""), Unreachable),
        (httpx.PoolTimeout(""), Unreachable),
        (httpx.UnsupportedProtocol(""), Unreachable),
        (httpx.ReadTimeout(""), NoAnswer),
        (httpx.WriteTimeout(""), NoAnswer),
        (httpx.ReadError(""), NoAnswer),
        (httpx.WriteError(""), NoAnswer),
        (httpx.RemoteProtocolError(""), NoAnswer),
        (httpx.LocalProtocolError(""), NoAnswer),
        (httpx.DecodingError(""), BadAnswer),
    ],
)
def test_only_what_surely_sent_nothing_is_unreachable(error, ours):
    """Anything doubtful counts as sent."""
    assert type(translate(error, "/")) is ours


def aiohttp_errors() -> list[type[Exception]]:
    errors = family(aiohttp.ClientError, aiohttp, client_exceptions) + family(http_exceptions.HttpProcessingError, http_exceptions)
    return [*errors, ConnectionResetError, BrokenPipeError, TimeoutError, OSError]


@pytest.mark.parametrize("kind", aiohttp_errors(), ids=lambda kind: kind.__name__)
def test_every_error_of_aiohttp_becomes_one_of_httpx(kind):
    """What failed while connecting is told apart from what failed after."""
    error = kind.__new__(kind)  # their constructors want half a connection
    ours = translate(module._kind(error)("what happened"), "/")
    connecting = (
        aiohttp.ClientConnectorError,
        aiohttp.ConnectionTimeoutError,
        aiohttp.ServerFingerprintMismatch,
        aiohttp.InvalidURL,
        aiohttp.NonHttpUrlClientError,
    )
    assert isinstance(ours, Unreachable) == isinstance(error, connecting)


def test_aiohttp_still_has_the_switch_for_silent_repetition():
    """We turn it off through a private name: a release that renames it must not pass unseen."""
    assert "_retry_connection" in aiohttp.ClientSession.ATTRS


@pytest.mark.parametrize(("transport", "http2"), [("http1", False), ("http2", True), ("aiohttp", False)])
def test_http2_follows_from_the_transport(transport, http2):
    """The field tells the truth."""
    assert PoolOptions(transport=transport).http2 is http2
    assert PoolOptions(transport=transport, http2=http2).http2 is http2
    with pytest.raises(ConfigError, match="HTTP/2"):
        PoolOptions(transport=transport, http2=not http2)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"transport": "quic"}, "unknown transport 'quic'"),
        ({"max_connections": 0}, "at least one connection"),
        ({"max_keepalive": -1}, "fewer than none"),
        ({"connect": 0}, "above 0 seconds"),
        ({"whole": -1}, "above 0 seconds"),
    ],
)
def test_options_no_transport_could_follow_are_refused(options, complaint):
    """When they are made, not when they are used."""
    with pytest.raises(ConfigError, match=complaint):
        PoolOptions(**options)


def test_the_four_time_outs_reach_httpx():
    """Each by its own name."""
    timeout = PoolOptions(connect=1, read=2, write=3, pool=4).timeout()
    assert (timeout.connect, timeout.read, timeout.write, timeout.pool) == (1, 2, 3, 4)


def test_a_certificate_file_that_cannot_be_read_is_named(tmp_path):
    """As a setting that is wrong."""
    with pytest.raises(ConfigError, match=r"missing\.pem"):
        make_transport(PoolOptions(ca_file=str(tmp_path / "missing.pem")))
    broken = tmp_path / "broken.pem"
    broken.write_text(PUBLIC)
    with pytest.raises(ConfigError, match=r"broken\.pem"):
        make_transport(PoolOptions(ca_file=str(broken), transport="http2"))
