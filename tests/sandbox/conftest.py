from __future__ import annotations

import pytest_asyncio

from tests.sandbox.peer import meet


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def peer():
    """One open market for a whole module: no quotas, no latency."""
    async with meet() as found:
        yield found
