"""What the packages promise: every name is there, listed once, and costs nothing until it is used."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import botcore

HEAVY = ("httpx", "aiohttp", "aiogram", "click", "hypercorn", "matplotlib", "msgspec", "nacl", "pandas", "polars", "redis", "rich", "sqlalchemy", "asyncio")
MODULES = sorted(module.name for module in pkgutil.walk_packages(botcore.__path__, "botcore.") if not module.name.endswith("__main__"))
PACKAGES = ["botcore", *(name for name in MODULES if hasattr(import_module(name), "__path__"))]


def imported_for_types() -> list[str]:
    """Names under ``if TYPE_CHECKING`` in ``botcore/__init__.py``, which is what editors and mypy see."""
    tree = ast.parse(Path(botcore.__file__ or "").read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    return [alias.name for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names]


def test_the_public_names_are_sorted_and_the_same_for_programs_and_for_type_checkers():
    assert botcore.__all__ == sorted(set(botcore.__all__))
    assert sorted(imported_for_types()) == botcore.__all__


def test_importing_botcore_loads_nothing_heavy():
    code = f"import sys; before = set(sys.modules); import botcore; print(sorted(set({HEAVY}) & (set(sys.modules) - before)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["botcore", *MODULES])
def test_every_name_that_a_module_lists_exists(name):
    module = import_module(name)
    listed = getattr(module, "__all__", [])
    assert len(listed) == len(set(listed))
    assert [one for one in listed if not hasattr(module, one)] == []


@pytest.mark.parametrize("name", PACKAGES)
def test_what_a_package_lists_comes_from_its_modules_and_is_public(name):
    package = import_module(name)
    for one in getattr(package, "__all__", []):
        assert not one.startswith("_")
        home = getattr(getattr(package, one), "__module__", name)
        assert home.startswith(name)


def test_an_unknown_name_is_an_attribute_error():
    for name in ("botcore", "botcore.client", "botcore.sandbox"):
        with pytest.raises(AttributeError, match="no_such_name"):
            _ = import_module(name).no_such_name
