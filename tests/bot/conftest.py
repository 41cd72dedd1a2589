from __future__ import annotations

import pytest
import pytest_asyncio

from tests.bot.shelf import Shelf
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


@pytest.fixture
def shelf():
    """One title, and its offers."""
    return Shelf()


@pytest_asyncio.fixture
async def street(tmp_path, shelf):
    """A scene whose market sells that one title."""
    async with open_scene(tmp_path, world=shelf.world) as scene:
        yield scene
