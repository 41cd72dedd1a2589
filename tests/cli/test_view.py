"""What is drawn, whatever the market says and however narrow the terminal is."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

import msgspec
import pytest
from rich.console import Console

from botcore.cli import view
from botcore.model import Exit, Failure, Funnel, Game, Level, Opportunity, RequestClass, RequestCounts, ScanQuery, ScanReport, dollars
from botcore.sandbox import MarketOptions
from botcore.scan import ScanProgress

FOUND = Opportunity(
    offer_id="o1",
    asset_id="a1",
    title="★ StatTrak™ Paracord Knife | Slaughter (Well-Worn)",
    phase="",
    game=Game.CSGO,
    price_cents=40_179,
    exit=Exit.RELIST,
    exit_price_cents=72_278,
    fee_cents=1_446,
    profit_cents=30_653,
    profit_percent=76.29,
    trade_lock_days=7,
    listed_at=datetime(2026, 1, 1, tzinfo=UTC),
    sales_30d=39,
    median_cents=72_278,
    next_ask_cents=75_597,
    days_to_sell=1.0,
    url="https://dmarket.com/o1",
)
LIMITS = {kind.value: 10 for kind in RequestClass}
REPORT = ScanReport("dmarket", Game.CSGO, Level.PRO, datetime(2026, 1, 1, tzinfo=UTC), opportunities=[FOUND])


def drawn(what, columns=100, *, terminal=False) -> str:
    console = Console(width=columns, file=StringIO(), force_terminal=terminal)
    console.print(what)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def progress(**changes) -> ScanProgress:
    first = ScanProgress(
        seconds=4.0, listed=1000, total=4000, listing=True, waiting=0, evidence=3, found=1, requests=RequestCounts(40, 12, 1, 8), funnel=Funnel(1000, 20, 5, 1)
    )
    return msgspec.structs.replace(first, **changes)


def board(now: ScanProgress, columns=100, latest=(FOUND,)) -> str:
    return drawn(view.Board(ScanQuery(Game.CSGO, Level.PRO), LIMITS).draw(now, list(latest)), columns)


@pytest.mark.parametrize(("cents", "text"), [(0, "$0.00"), (5, "$0.05"), (123_456, "$1,234.56"), (-150, "-$1.50")])
def test_dollars(cents, text):
    assert dollars(cents) == text


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_progress_keeps_to_the_terminal(columns):
    assert max(map(len, board(progress(), columns).splitlines())) <= columns


def test_time_left_follows_the_longer_of_listing_and_evidence():
    assert "about 12 s left" in board(progress())
    assert "about 40 s left" in board(progress(evidence=200))
    assert "about 1 s left" in board(progress(listing=False, evidence=5))


def test_no_time_left_is_told_where_the_market_does_not_say_how_much_there_is():
    text = board(progress(total=10_000))
    assert "1,000 of 10,000+ offers" in text
    assert "4 s so far" in text
    assert "left" not in text


def test_a_board_before_the_first_page_is_calm():
    text = board(progress(seconds=0.0, listed=0, total=0, evidence=0, requests=RequestCounts(), funnel=Funnel()), latest=())
    assert "0 s so far" in text
    assert "found 0" in text


def test_equal_finds_are_one_line_on_a_terminal_and_a_line_each_elsewhere():
    other = msgspec.structs.replace(FOUND, offer_id="o2", url="https://dmarket.com/o2")
    report = msgspec.structs.replace(REPORT, opportunities=[FOUND, other])
    assert "2 x ★ StatTrak™" in drawn(view.results(report, None, 140), 140)
    plain = drawn(view.results(report, None, None), 400)
    assert [line.split()[-1] for line in plain.splitlines() if "https" in line] == [FOUND.url, other.url]


@pytest.mark.parametrize("columns", [80, 140])
def test_every_figure_is_there_narrow_or_wide(columns):
    text = " ".join(drawn(view.results(REPORT, None, columns), columns).split())
    for figure in ("$401.79", "$722.78", "relist", "$14.46", "$306.53", "76.29", "7 d", "39 sales", "median $722.78", "next $755.97"):
        assert figure in text


def test_the_limit_is_said():
    report = msgspec.structs.replace(REPORT, opportunities=[FOUND] * 3)
    assert "csgo pro: 3 found, the best 2 shown\n" in drawn(view.results(report, 2, 100))


def test_a_title_can_neither_colour_nor_command_the_terminal():
    evil = msgspec.structs.replace(FOUND, title="\x1b]0;owned\x07[red]Knife\x1b[2J")
    for columns in (80, 140, None):
        text = drawn(view.results(msgspec.structs.replace(REPORT, opportunities=[evil]), None, columns), columns or 400)
        assert "\x1b" not in text
        assert "[red]Knife" in text
    assert "\x1b" not in board(progress(), latest=[evil])


def test_reasons_failures_and_an_early_end_are_told():
    funnel = Funnel(10, 5, 2, 1, {"low": 5, "brand-new-reason": 4})
    report = msgspec.structs.replace(REPORT, funnel=funnel, failures=[Failure("sales", "ServerFault", 3)], stopped="stopped by Ctrl-C", throttled=2)
    text = drawn(view.results(report, None, 100))
    for part in ("5  low", "4  brand-new-reason", "failed: sales, ServerFault, 3 times", "ended early: stopped by Ctrl-C", "2 refused by quota"):
        assert part in text


def test_only_a_sandbox_is_called_one():
    assert "sandbox" not in drawn(view.results(REPORT, None, 100))
    assert "(sandbox: invented items and prices)" in drawn(view.results(msgspec.structs.replace(REPORT, market="sandbox"), None, 100))
    assert view.market_line("https://api.dmarket.com", None, keys=True) == "Market: https://api.dmarket.com"
    assert "DMARKET_PUBLIC_KEY" not in view.market_line("", MarketOptions(seed=4), keys=True)
