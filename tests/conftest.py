"""What holds for every test."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """Tests work in a folder of their own: what a command keeps in ``data/`` by default stays out of the project."""
    monkeypatch.chdir(tmp_path)
