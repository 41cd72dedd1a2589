from __future__ import annotations

import pytest
import pytest_asyncio

from tests.browser import LAUNCH, chromium, missing
from tests.sandbox.peer import meet

_PATIENCE_MS = 30_000
"""How long a condition may take to come true. A slow machine needs it; a sound page on a sound machine needs a hundredth of it."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def peer():
    """One open market for a whole module: no quotas, no latency."""
    async with meet() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    """One Chromium for a whole module; every test has a window of its own in it."""
    from playwright.async_api import async_playwright, expect  # noqa: PLC0415 - the other tests of this folder do without

    path = chromium()
    if path is None:
        pytest.skip(missing())
    expect.set_options(timeout=_PATIENCE_MS)
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=path, args=list(LAUNCH), timeout=120_000)
        yield found
        await found.close()
