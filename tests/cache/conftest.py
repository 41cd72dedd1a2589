"""A Valkey for each worker, one that a test may kill, and a space of its own for every test."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest

from botcore.cache.embedded import EmbeddedServer, find_server
from botcore.cache.two_level import Cache

from .support import NOWHERE, Clock, Market, opened, turned


@pytest.fixture(scope="session")
def valkey() -> Iterator[EmbeddedServer]:
    if find_server() is None:
        pytest.skip("no Valkey or Redis to start")
    with EmbeddedServer(memory=64 * 2**20) as server:
        yield server


@pytest.fixture
def mortal(valkey: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """A server of the test's own, to kill."""
    assert valkey.pid
    with EmbeddedServer(memory=64 * 2**20) as server:
        yield server


@pytest.fixture
def space() -> str:
    return secrets.token_hex(6)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def market() -> Market:
    return Market()


@pytest.fixture(params=["memory", "redis", "redis away from the start", "redis killed"])
async def cache(request: pytest.FixtureRequest, valkey: EmbeddedServer, space: str, clock: Clock) -> AsyncIterator[Cache]:
    """The whole cache, in every state that Redis can be in."""
    if request.param == "redis killed":
        mortal: EmbeddedServer = request.getfixturevalue("mortal")
        async with opened(mortal.url, space, clock=clock) as made:
            await turned(made, up=True)
            mortal.kill()
            yield made
        return
    url = {"memory": None, "redis": valkey.url}.get(request.param, NOWHERE)
    async with opened(url, space, clock=clock) as made:
        yield made
