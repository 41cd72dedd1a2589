"""How notebooks run as tests: in their short form, on a sandbox market, in a folder of their own that goes when they end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from botcore import tuned
from botcore.settings import WORKPLACE

ROOT = Path(__file__).parent.parent

PLACE = pytest.StashKey[tempfile.TemporaryDirectory[str]]()
GIVEN = ("DMARKET_", "BOTCORE_", "REDIS_URL", "DATABASE_URL")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """The kernel, which the first cell starts, sees nothing of what a person has set: no keys, no store, no other form."""
    notebook = item.parent or item.session
    if PLACE not in notebook.stash:
        notebook.stash[PLACE] = _furnished()
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


def _furnished() -> tempfile.TemporaryDirectory[str]:
    """A folder with the numbers in force and the records behind them, so that these choose the same in every run."""
    folder = tempfile.TemporaryDirectory(prefix="botcore-notebook-")
    file = ROOT / tuned.DEFAULT
    records = {tuned.record_of(file, entry) for entry in tuned.read(file).values()}
    for path in (file, *records) if records else ():
        copy = Path(folder.name) / path.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    return folder
