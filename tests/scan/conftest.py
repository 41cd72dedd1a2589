"""One calm sandbox market for a whole module."""

from __future__ import annotations

import pytest_asyncio

from tests.scan.support import bent, desk_at


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk():
    async with desk_at() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def between(desk):
    """The same market behind a go-between that answers may be bent in."""
    async with bent(desk) as made:
        yield made
