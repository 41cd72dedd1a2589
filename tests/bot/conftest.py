from __future__ import annotations

import pytest
import pytest_asyncio

from tests.bot.support import Clock, open_scene


@pytest_asyncio.fixture
async def scene(tmp_path):
    """A market and a Telegram of one's own, both at rest."""
    async with open_scene(tmp_path) as made:
        yield made


@pytest.fixture
def clock():
    """Time that passes when a test says so."""
    return Clock()
