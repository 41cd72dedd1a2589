"""``%load_ext botcore`` and ``%scan``, in a real kernel, where a loop runs already; and without one."""

from __future__ import annotations

import io
import os
import threading

import nbformat
import pytest
from IPython.core.error import UsageError
from matplotlib.figure import Figure
from nbclient import NotebookClient
from rich.console import Console

from botcore import lab
from botcore.perf import progress
from botcore.sandbox import MarketOptions, spawn_market
from tests.cli.door import clean_environment

CELLS = [
    "%load_ext botcore",
    "found = %scan csgo boost --limit 3",
    "found",
    "import asyncio\nawait asyncio.sleep(0)\nfound.frame.height == len(found.report.opportunities) > 3",
    "%scan chess",
    "from botcore.perf import progress\nshow = progress.notebook()\nshow(0, 2, 'first')\nshow(2, 2, 'done')",
    "from botcore.perf import sweep_charts\nimport polars as pl\nsweep_charts.bars(pl.DataFrame({'a': ['x'], 'b': [1]}), label='a', value='b', title='t')",
]


@pytest.fixture
async def quick(monkeypatch, tmp_path):
    """A market without latency and quotas, in the environment."""
    for name in set(os.environ) - set(clean_environment()):
        monkeypatch.delenv(name)
    async with spawn_market(MarketOptions(size=3000, latency=0.0, limits=False)) as address:
        for name in ("url", "public_key", "secret_key"):
            monkeypatch.setenv(f"DMARKET_{name.upper()}", getattr(address, name))
        for name in ("MARKET", "SALES", "OTHER"):
            monkeypatch.setenv(f"BOTCORE_QUOTA_{name}", "900")
        yield tmp_path


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.usefixtures("quick")
async def test_a_notebook_scans_shows_a_table_and_figures():
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    await NotebookClient(book, timeout=120, allow_errors=True, kernel_name="python3").async_execute()
    outputs = [cell.outputs for cell in book.cells]
    assert outputs[0] == []
    assert [(one.output_type, one.data["text/plain"]) for one in outputs[1]] == [("display_data", "")]
    (table,) = outputs[2]
    assert "csgo boost:" in table.data["text/plain"]
    assert "the best 3 shown" in table.data["text/plain"]
    assert table.data["text/html"].startswith("<pre")
    assert outputs[3][0].data["text/plain"] == "True"
    (refused,) = outputs[4]
    assert "UsageError: unknown game 'chess'" in refused.text
    assert [one.data["text/plain"] for one in outputs[5]] == ["2 samples"]
    assert "image/png" in outputs[6][-1].data


@pytest.mark.usefixtures("quick")
async def test_without_a_kernel_the_magic_is_a_function(capsys):
    found = lab.scan("csgo boost")
    assert found.report.opportunities
    assert repr(found).startswith("csgo boost: ")
    assert "<pre" in found._repr_html_()
    assert found.frame["profit_cents"].to_list() == [one.profit_cents for one in found.report.opportunities]
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("quick")
async def test_an_interrupt_ends_the_scan_with_what_it_has(monkeypatch):
    monkeypatch.setenv("BOTCORE_QUOTA_MARKET", "2")
    original = lab._Scan.picture
    seen = threading.Event()

    def picture(scan):
        if scan._stream is not None and not seen.is_set():
            seen.set()
            raise KeyboardInterrupt
        return original(scan)

    monkeypatch.setattr(lab._Scan, "picture", picture)
    monkeypatch.setattr(lab, "display", lambda shown, **_: _Handle(shown))
    found = lab.scan("csgo boost")
    assert seen.is_set()
    assert found.report.stopped == "stopped by an interrupt"


class _Handle:
    """Draws what it is given, as a notebook would."""

    def __init__(self, shown):
        repr(shown)

    def update(self, shown):
        repr(shown)


@pytest.mark.parametrize(("line", "said"), [("chess", "unknown game 'chess'"), ("csgo high", "unknown level 'high'"), ("--nothing", "unrecognized arguments")])
def test_wrong_use_is_said_in_one_line(line, said):
    with pytest.raises(UsageError, match=said):
        lab.scan(line)


def test_settings_that_cannot_be_used_are_said_as_well(monkeypatch):
    monkeypatch.setenv("BOTCORE_QUOTA_MARKET", "none")
    with pytest.raises(UsageError, match="BOTCORE_QUOTA_MARKET"):
        lab.scan("csgo boost")


def test_a_figure_becomes_a_picture():
    assert lab._png(Figure())[:8] == b"\x89PNG\r\n\x1a\n"


def test_progress_outside_of_a_notebook_shows_nothing(capsys):
    show = progress.notebook()
    show(0, 2, "first")
    show(2, 2, "done")
    assert capsys.readouterr() == ("", "")


def test_progress_without_a_terminal_shows_nothing():
    out = io.StringIO()
    with progress.terminal(Console(file=out)) as show:
        show(1, 2, "first")
    assert out.getvalue() == ""
