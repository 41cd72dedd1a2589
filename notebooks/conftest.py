"""How notebooks run as tests: in their short form, on a sandbox market, in a folder of their own that goes when they end."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator

import pytest

from botcore.settings import WORKPLACE

PLACE = pytest.StashKey[tempfile.TemporaryDirectory[str]]()
GIVEN = ("DMARKET_", "BOTCORE_", "REDIS_URL", "DATABASE_URL")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """The kernel, which the first cell starts, sees nothing of what a person has set: no keys, no store, no other form."""
    notebook = item.parent or item.session
    if PLACE not in notebook.stash:
        notebook.stash[PLACE] = tempfile.TemporaryDirectory(prefix="botcore-notebook-")
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(GIVEN)]:
                patch.delenv(name)
            patch.setenv("BOTCORE_NOTEBOOKS", "short")
            patch.setenv(WORKPLACE, notebook.stash[PLACE].name)
            return (yield)
    finally:
        if nextitem is None or nextitem.parent is not notebook:
            notebook.stash[PLACE].cleanup()
