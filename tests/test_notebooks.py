"""The notebooks as they are stored: each asks one question by calls into the package, answers it from its data, and names its record.

That they still do what their outputs say is tested by ``pytest --nbval notebooks``, which ``make test`` runs as well.
"""

from __future__ import annotations

import ast
import re
import socket
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import pytest

from botcore.lab import settle
from botcore.perf.record import read
from botcore.settings import WORKPLACE

ROOT = Path(__file__).parent.parent
NOTEBOOKS = {path.stem: msgspec.json.decode(path.read_bytes()) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
QUESTIONS = [
    "00-start-here",
    "01-where-does-a-scan-spend-its-time",
    "02-how-large-a-batch",
    "03-how-large-a-pool",
    "04-how-many-bands",
    "05-what-does-the-cache-save",
    "06-before-and-after",
    "07-what-did-we-find",
    "08-were-the-alerts-right",
]
EXEMPT = "nbval-ignore-output"
RECORD = re.compile(r"profiling_results/[\w.-]+\.json")
ABSOLUTE = re.compile(r"(?<![\w.:/-])/(?:home|root|Users|tmp|usr|var|opt|etc|mnt|private)/|\b[A-Z]:\\|file://")
"""A path from the root of a machine. Routes of an API, which begin with a slash too, are none."""
SECRET = re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{128}\b|\b\d{8,10}:[\w-]{35}\b|://[^/\s:@]+:[^/\s@]+@")
"""Keys and signatures of DMarket, tokens of Telegram, passwords in addresses."""
ADDRESS = re.compile(r"\b(?!127\.0\.0\.1\b)\d{1,3}(?:\.\d{1,3}){3}\b")
MIMES = ("text/plain", "text/html", "text/markdown", "image/svg+xml", "application/json")
every = pytest.mark.parametrize("name", NOTEBOOKS)


def sources(name: str, kind: str = "code") -> list[str]:
    return ["".join(cell["source"]) for cell in NOTEBOOKS[name]["cells"] if cell["cell_type"] == kind]


def python(source: str) -> str:
    """The Python of a cell: what is for IPython alone is left out."""
    return "\n".join(re.sub(r"^(\s*)(\w+ = )?%.*", r"\1pass", line) for line in source.splitlines())


def outputs(cell: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cell.get("outputs", [])
    return found


def texts(cell: dict[str, Any]) -> str:
    """All that a cell shows, pictures left out."""
    shown = ["".join(output.get("text", "")) for output in outputs(cell)]
    return "\n".join([*shown, *("".join(output["data"][mime]) for output in outputs(cell) for mime in MIMES if mime in output.get("data", {}))])


def everything(name: str) -> str:
    return "\n".join(texts(cell) for cell in NOTEBOOKS[name]["cells"])


def links(name: str) -> set[str]:
    markdown = [*sources(name, "markdown"), *(texts(cell) for cell in NOTEBOOKS[name]["cells"])]
    return {link for text in markdown for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link}


def test_there_is_a_notebook_for_each_question():
    assert list(NOTEBOOKS) == QUESTIONS


@every
def test_a_notebook_begins_with_its_question_and_how_long_it_takes(name):
    first = NOTEBOOKS[name]["cells"][0]
    title, _, rest = "".join(first["source"]).partition("\n")
    assert first["cell_type"] == "markdown"
    assert re.fullmatch(r"# .+\?", title)
    assert re.search(r"\b(seconds?|minutes?)\b", rest)


@every
def test_a_notebook_defines_nothing_and_its_cells_are_short(name):
    code = sources(name)
    nodes = [node for source in code for node in ast.walk(compile(python(source), name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))]
    assert [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)] == []
    assert "asyncio.run" not in "".join(code)
    assert median(len(source.splitlines()) for source in code) <= 8
    assert 8 <= len(NOTEBOOKS[name]["cells"]) <= 25


@every
def test_a_notebook_was_run_from_top_to_bottom(name):
    counts = [cell["execution_count"] for cell in NOTEBOOKS[name]["cells"] if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))


@every
def test_a_notebook_ends_with_its_answer_and_a_record_that_exists(name):
    last = NOTEBOOKS[name]["cells"][-1]
    assert last["cell_type"] == "code"
    answer = texts(last)
    assert re.search(r"[a-z]{2,} .*\d.*\.", answer)
    named = set(RECORD.findall(answer))
    assert named
    for path in named:
        assert read(ROOT / path).work.any


@every
def test_stored_outputs_have_no_error_and_no_warning(name):
    kinds = [(output["output_type"], output.get("name")) for cell in NOTEBOOKS[name]["cells"] for output in outputs(cell)]
    assert ("stream", "stderr") not in kinds
    assert "error" not in [kind for kind, _ in kinds]
    assert "Traceback" not in everything(name)


@every
def test_stored_outputs_and_sources_tell_nothing_of_the_machine_and_no_secret(name):
    shown = everything(name) + "\n".join(sources(name) + sources(name, "markdown"))
    for pattern in (ABSOLUTE, SECRET, ADDRESS):
        assert pattern.findall(shown) == []
    machine = socket.gethostname()
    assert machine.isalpha() or not re.search(rf"\b{re.escape(machine)}\b", shown)  # a machine may be called by an everyday word


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("see /mnt/x", ABSOLUTE),
        ("(/opt/perf)", ABSOLUTE),
        ("C:\\me", ABSOLUTE),
        ("ab" * 32, SECRET),
        ("redis://me:word@there", SECRET),
        ("at 10.0.0.7:80", ADDRESS),
    ],
)
def test_what_must_not_be_shown_would_be_noticed(text, pattern):
    assert pattern.search(text)


def test_what_may_be_shown_is_let_pass():
    text = "<td>a</td> ../profiling_results/x.svg profiling_results/x.json https://dmarket.com/a/b http://127.0.0.1:80/a/b 0.5/0.7 text/html " + "ab" * 5
    assert [pattern.findall(text) for pattern in (ABSOLUTE, SECRET, ADDRESS)] == [[], [], []]


@every
def test_a_cell_is_exempt_from_comparison_by_its_tag_alone(name):
    """No output is hidden by patterns, and at least one that shows something is compared."""
    cells = [cell for cell in NOTEBOOKS[name]["cells"] if cell["cell_type"] == "code"]
    tags = {tag for cell in cells for tag in cell["metadata"].get("tags", [])}
    assert tags <= {EXEMPT}
    assert any(outputs(cell) and EXEMPT not in cell["metadata"].get("tags", []) for cell in cells)
    assert "nbval" not in "".join(sources(name)).lower()


@every
def test_a_notebook_can_be_opened_by_any_jupyter(name):
    notebook = NOTEBOOKS[name]
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)


@every
def test_links_lead_to_files(name):
    assert [link for link in links(name) if not (ROOT / "notebooks" / link).resolve().exists()] == []


def test_the_first_notebook_shows_the_magic_and_leads_to_all_others():
    code = "\n".join(sources("00-start-here"))
    assert "%load_ext botcore" in code
    assert "%scan csgo standard" in code
    assert {f"{question}.ipynb" for question in QUESTIONS[1:]} <= links("00-start-here")


# ---- where they work -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", [".", "notebooks", "tests/perf"])
def test_a_notebook_works_in_the_folder_of_its_project(monkeypatch, folder):
    monkeypatch.chdir(ROOT / folder)
    monkeypatch.delenv(WORKPLACE, raising=False)
    assert settle() == Path.cwd() == ROOT


def test_a_notebook_elsewhere_stays_where_it_is(monkeypatch, tmp_path):
    monkeypatch.delenv(WORKPLACE, raising=False)
    assert settle() == Path.cwd() == tmp_path


def test_another_folder_can_be_named_and_is_made(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv(WORKPLACE, str(tmp_path / "there"))
    assert settle() == Path.cwd() == tmp_path / "there"
