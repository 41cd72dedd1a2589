"""The settings that every bench runs with."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from botcore.settings import Settings, load
from botcore.store import StoreOptions

__all__ = ["defaults"]


@contextmanager
def defaults() -> Iterator[Settings]:
    """Defaults alone, whatever stands in the environment, in a file named .env or among the measured numbers, with a store that ends with the bench."""
    with tempfile.TemporaryDirectory(prefix="botcore-bench-") as folder:
        store = StoreOptions(url=f"sqlite:///{Path(folder) / 'bench.db'}")
        yield msgspec.structs.replace(load({"BOTCORE_TUNED": os.devnull}, Path(os.devnull)), store=store)
