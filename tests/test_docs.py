"""The README tells the truth: what it names exists, what exists is named, and its Python runs."""

from __future__ import annotations

import asyncio
import re
import shlex
import textwrap
from importlib import import_module
from pathlib import Path
from urllib.request import urlopen

import click
import pytest

import botcore
from botcore.cli import COMMANDS
from botcore.model import Level
from botcore.sandbox import MarketOptions, spawn_market
from botcore.settings import OTHERS, names

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SPANS = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", README, flags=re.DOTALL))
LINES = [*SPANS, *(line for block in re.findall(r"```\n(.*?)```", README, flags=re.DOTALL) for line in block.splitlines())]
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


def command(name: str) -> click.Command:
    found = import_module(f"botcore.cli.{name}").command
    assert isinstance(found, click.Command)
    return found


def options(name: str) -> set[str]:
    """The options of a command, those of its own commands included."""
    found = command(name)
    every = [found, *(found.commands.values() if isinstance(found, click.Group) else ())]
    return {"--help", *(spelling for one in every for parameter in one.params for spelling in parameter.opts if spelling.startswith("--"))}


def section(title: str) -> str:
    """The text under a heading, up to the next of its kind."""
    return re.split(r"\n## ", README.split(f"\n## {title}\n")[1])[0]


WRITTEN = [shlex.split(line) for line in LINES if line.startswith("botcore ")]


@pytest.mark.parametrize("words", WRITTEN, ids=" ".join)
def test_every_command_line_in_the_readme_parses(words):
    name, *rest = words[1:]
    assert name in COMMANDS
    assert {word for word in rest if word.startswith("--")} <= options(name)
    found = command(name)
    if isinstance(found, click.Group) and rest:
        name, found, rest = rest[0], found.commands[rest[0]], rest[1:]
    if "--help" not in rest:
        found.make_context(name, rest)


def test_every_option_named_in_the_readme_belongs_to_a_command_named_there():
    spelled = {word for span in SPANS for word in span.split() if re.fullmatch(r"--[a-z-]+", word)}
    assert spelled
    assert spelled <= set().union(*(options(words[1]) for words in WRITTEN))


def test_every_command_is_in_the_readme():
    assert {words[1] for words in WRITTEN} == set(COMMANDS)


@pytest.mark.parametrize("name", [name for name in COMMANDS if isinstance(command(name), click.Group)])
def test_every_part_of_a_command_is_in_the_readme_and_has_help(name):
    group = command(name)
    assert isinstance(group, click.Group)
    assert {words[2] for words in WRITTEN if words[1] == name and len(words) > 2} == set(group.commands)
    assert all(part.help for part in group.commands.values())


def test_the_options_of_the_sandbox_are_all_in_its_section():
    assert [option for option in sorted(options("sandbox") - {"--help", "--json"}) if f"`{option}" not in section("Sandbox")] == []


def test_every_make_target_is_in_the_readme_and_the_other_way_round():
    written = {word for line in LINES for word in re.findall(r"^make ([a-z]+)", line)}
    assert written <= set(TARGETS)
    assert set(TARGETS) - written <= {"help"}


def test_every_variable_in_the_readme_is_read():
    written = set(re.findall(r"\b(?:(?:DMARKET|BOTCORE|TELEGRAM)_[A-Z0-9_]+[A-Z0-9]|[A-Z]+_URL)\b", README))
    assert written
    assert written <= {*names(), *OTHERS}
    assert {name for name in names() if not name.startswith("BOTCORE_")} <= written


def test_every_link_leads_to_a_file():
    links = [link for link in re.findall(r"\]\(([^)#]+)", README) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_other_path_in_the_readme_exists():
    paths = [span for span in SPANS if re.fullmatch(r"\.ci/\w+|\w+\.(md|toml|yml|lock)", span)]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_levels_in_the_readme_are_those_of_the_model():
    rows = re.findall(r"^\| (\w+) \| \$([\d.]+) to \$([\d.]+) \| (\d+) to (\d+) % \|$", README, flags=re.MULTILINE)
    told = {name: (tuple(round(100 * float(price)) for price in prices), tuple(map(int, profit))) for name, *prices, a, b in rows for profit in [(a, b)]}
    assert told == {level.value: (level.price_window, level.profit_window) for level in Level}


def test_the_python_versions_are_those_of_the_package():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.11,<3.14"' in project
    assert "3.11 to 3.13" in README


def test_the_picture_of_a_scan_is_one_of_the_sandbox():
    assert "sandbox" in (ROOT / ".readme" / "scan.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["scan", "sweep", "flame"])
def test_a_picture_is_a_small_drawing_that_loads_nothing_and_names_no_folder(name):
    picture = (ROOT / ".readme" / f"{name}.svg").read_text(encoding="utf-8")
    assert re.search(r"<svg\s", picture[:400])
    assert len(picture) < 300_000
    assert not re.search(r"(href|src|url)\W+https?:|<script", picture)
    assert not re.search(r"/(home|root|Users|tmp|usr)/", picture)


async def test_the_python_in_the_readme_runs(capsys, monkeypatch, tmp_path):
    """As a person would run it, in a coroutine of a script; a small market stands in for the default one."""
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[0]
    async with spawn_market(MarketOptions(size=3000, latency=0.0, limits=False)) as address:
        for name in ("url", "public_key", "secret_key"):
            monkeypatch.setenv(f"DMARKET_{name.upper()}", getattr(address, name))
        scope: dict[str, object] = {}
        exec(f"async def script():\n{textwrap.indent(code, '    ')}    return report\n", scope)
        script = scope["script"]
        assert callable(script)
        report = await script()
        printed = capsys.readouterr().out.splitlines()
    assert isinstance(report, botcore.ScanReport)
    assert report.opportunities
    assert [line.rsplit(maxsplit=2)[1:] for line in printed] == [[str(row.price_cents), str(row.profit_cents)] for row in report.opportunities]


async def test_the_routes_of_the_sandbox_in_the_readme_answer():
    routes = re.findall(r"`(?:(GET|POST) )?(/sandbox/[^`]+)`", section("Sandbox"))
    assert len(routes) == 8

    def get(url: str) -> int:
        with urlopen(url) as answer:
            status: int = answer.status
            return status

    def post(url: str) -> int:
        with urlopen(url, data=b"") as answer:
            status: int = answer.status
            return status

    posts = {"churn", "pause", "resume", "served/reset"}
    async with spawn_market(MarketOptions(size=100, latency=0.0)) as address:
        for _, path in routes:
            ask = post if path.removeprefix("/sandbox/") in posts else get
            assert await asyncio.to_thread(ask, address.url + path) == 200
