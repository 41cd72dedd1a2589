"""Help, and what it costs."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import click
import pytest

from botcore import __version__
from botcore.cli import COMMANDS

from .door import clean_environment

HEAVY = ("httpx", "aiohttp", "hypercorn", "nacl", "rich", "polars", "botcore.app", "botcore.client", "botcore.scan", "botcore.sandbox")


def commands() -> dict[str, click.Command]:
    return {name: import_module(f"botcore.cli.{name}").command for name in COMMANDS}


def test_help_names_every_command_and_loads_nothing_heavy(tmp_path):
    code = f"""
import sys
from botcore.cli import main
try:
    main(["--help"])
except SystemExit as ended:
    print("ended", ended.code, sorted(set({HEAVY}) & set(sys.modules)))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean_environment(), cwd=tmp_path).stdout
    assert out.splitlines()[-1] == "ended 0 []"
    for name, text in COMMANDS.items():
        assert f"  {name} " in out
        assert text.split(",")[0] in " ".join(out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name):
    command = commands()[name]
    assert command.help
    assert command.short_help
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_help_keeps_to_a_narrow_terminal(inside, name):
    out, _, code = inside(name, "--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "\\b" not in out


def test_the_levels_in_the_help_of_scan_are_a_table(inside):
    out, _, _ = inside("scan", "--help")
    rows = [line.split()[:5] for line in out.splitlines()]
    for row in ("boost 0.50 to 3 1", "standard 3 to 10 5", "medium 10 to 30 5", "advanced 30 to 100 10", "pro 100 to 1000 20"):
        assert row.split() in rows


def test_version(inside):
    assert inside("--version") == (f"botcore {__version__}\n", "", 0)


@pytest.mark.parametrize("arguments", [["nosuch"], ["--nosuch"], ["bench", "nosuch"], ["sandbox", "--chaos", "some"], ["config", "more"]])
def test_what_does_not_exist_is_wrong_use(inside, arguments):
    out, err, code = inside(*arguments)
    assert (out, code) == ("", 2)
    assert "Usage: botcore" in err
