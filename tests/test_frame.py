"""The project's frame: what is installed, locked, hooked and where things stand."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PROMISED = ["jupyterlab", "pandas", "polars", "httpx", "redis", "aiogram", "snakeviz", "line-profiler", "matplotlib", "sqlalchemy", "pytest", "nbval"]
TOP = {
    *("botcore", "notebooks", "tests", "data", "profiling_results", "environment.yml", "pyproject.toml"),
    *("README.md", "LICENSE", "CHANGELOG.md", "Makefile", "requirements.lock"),
}


def tracked() -> list[str]:
    """What git holds or would take in."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def distribution(requirement: str) -> str:
    """The normal form of the name in a requirement."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~;\s]", requirement)[0]).lower()


def required() -> set[str]:
    every = [*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)]
    return {distribution(one) for one in every} - {"botcore"}


def locked() -> list[str]:
    """Requirements of the lock, each with its hashes, on one line."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def test_the_conda_environment_installs_the_package_with_all_its_extras():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (python,) = [one for one in environment["dependencies"] if isinstance(one, str) and one.startswith("python")]
    (pip,) = [one["pip"] for one in environment["dependencies"] if isinstance(one, dict)]
    assert python.removeprefix("python") == PROJECT["requires-python"]
    assert pip == ["-e .[all]"]
    assert EXTRAS["all"] == [f"botcore[{','.join(name for name in EXTRAS if name != 'all')}]"]


def test_the_promised_packages_are_installed():
    assert set(PROMISED) - required() == set()


def test_the_lock_pins_and_hashes_every_requirement_and_names_no_address():
    lines = locked()
    assert lines
    assert [line for line in lines if not re.match(r"[a-z0-9.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)] == []
    assert [line for line in lines if "://" in line or "index" in line.split("--hash")[0]] == []


def test_the_lock_covers_every_dependency():
    assert required() - {distribution(line) for line in locked()} == set()


def test_the_lock_is_no_older_than_the_dependencies():
    versions: dict[str, set[str]] = {}
    for line in locked():
        versions.setdefault(distribution(line), set()).add(line.split()[0].split("==")[1])
    every = [*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)]
    lower = {distribution(one): found[1] for one in every if (found := re.search(r">=([\d.]+)", one))}
    assert lower
    assert {name for name, least in lower.items() for version in versions[name] if numbers(version) < numbers(least)} == set()


def numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def test_only_the_expected_names_stand_at_top_level():
    names = {name.split("/")[0] for name in tracked()}
    assert {name for name in names if not name.startswith(".")} - TOP == set()


def test_the_tests_mirror_the_package():
    folders = {path.name for path in (ROOT / "tests").iterdir() if (path / "__init__.py").exists()}
    assert {name for name in folders if not (ROOT / "botcore" / name).is_dir()} == set()


def test_the_import_contracts_hold():
    done = subprocess.run([Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_hooks_are_local():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    assert [hook["language"] for repo in hooks["repos"] for hook in repo["hooks"]] == ["system"]


def test_continuous_integration_runs_the_commands_of_the_readme():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert {"make test", "make lint"} <= set(lines)
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize("target", ["help", "scan"])
def test_make_shows_its_targets_and_refuses_an_old_python(target, tmp_path):
    """In a copy of the Makefile alone, in a folder whose name has a blank."""
    folder = tmp_path / "a b"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(["make", "-C", folder, target, f"PYTHON={old}"], capture_output=True, text=True, check=False)
    if target == "help":
        assert re.search(r"^  make scan +look for", done.stdout, flags=re.MULTILINE)
    else:
        assert done.returncode == 2
        assert "botcore needs Python 3.11 to 3.13" in done.stderr
        assert not (folder / ".venv").exists()


def test_no_file_names_a_home():
    home = re.compile(rb"/(home|root|Users)/[a-z.]")
    assert [name for name in tracked() if home.search((ROOT / name).read_bytes())] == []
