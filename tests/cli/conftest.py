"""One sandbox market for the whole run, and the terminal door as somebody would use it: a process in an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from botcore.cli import main

from .door import Door, check_secret, clean_environment, door_to


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory):
    """The address and keys of a market that is started as the README says; it is quick and has no quotas."""
    arguments = ["sandbox", "--json", "--port", "0", "--latency", "0", "--size", "3000", "--limits", "off"]
    folder = tmp_path_factory.mktemp("market")
    process = subprocess.Popen([sys.executable, "-m", "botcore", *arguments], stdout=subprocess.PIPE, env=clean_environment(), cwd=folder)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.fixture
def door(market, tmp_path) -> Door:
    """A door to the shared market, with quotas wide open."""
    return door_to(market, tmp_path)


@pytest.fixture
def keyless(tmp_path) -> Door:
    """A door without any setting."""
    return Door(tmp_path, {})


@pytest.fixture
def inside(monkeypatch, capsys, tmp_path):
    """The same door in this process, for what ends before anything is sent; gives output, errors and exit code."""

    def call(*arguments: str, **settings: str) -> tuple[str, str, object]:
        monkeypatch.chdir(tmp_path)
        for name in set(os.environ) - set(clean_environment()):
            monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capsys.readouterr()
        check_secret(out + err, settings)
        return out, err, ended.value.code

    return call
