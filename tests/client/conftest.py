"""A scripted market, one for the whole run, and a client for each transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .support import TRANSPORTS, Client, Doors, ScriptedMarket, client_of, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="session")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    with serve(ScriptedMarket(), tmp_path_factory.mktemp("market")) as doors:
        yield doors


@pytest.fixture
def market(doors: Doors) -> ScriptedMarket:
    doors.market.reset()
    return doors.market


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def client(doors: Doors, market: ScriptedMarket, transport: str) -> AsyncIterator[Client]:
    assert market is doors.market
    async with client_of(doors.tls, transport, ca_file=doors.ca_file) as made:
        yield made
