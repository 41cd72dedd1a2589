"""What a scan and its finds look like, word for word."""

# ruff: noqa: RUF001 - Russian is written in letters that look like Latin ones

from __future__ import annotations

import pytest

from botcore.bot import messages
from botcore.bot.presses import Mute, Page, Scan, Stop, Watch, Why
from botcore.model import Failure, Funnel, Game, Level, RequestCounts

from .reading import labels, lines, pressed, shown, spaced
from .spoken import FOUND, KNIFE, LIMITS, PROGRESS, REPORT, find, progress, report

# ---- a scan that runs ----------------------------------------------------------------------------------------------------


def scanning(lang="en", *, now=PROGRESS, latest=(), **more):
    return messages.scanning(lang, view=7, game=Game.CSGO, level=Level.PRO, progress=now, latest=latest, limits=LIMITS, sandbox=False, **more)


def test_a_scan_shows_how_far_it_is_and_its_newest_finds_first():
    post = scanning(latest=[FOUND, FOUND, KNIFE], hidden=2)
    assert (
        spaced(post.text)
        == """\
<b>CS2 pro</b>: looking
████░░░░░░░░░░░░
1,000 of 4,000 offers, about 12 s left
listed 1,000 → quoted 20 → checked 5 (3 being asked) → found 1
requests a second: market 10.0 of 10, sales 3.0 of 6, fees 0.2 of 20, other 2.0 of 20

Newest finds
<b>$30.70 · 8.53%</b> · buy for $360.00
★ Flip Knife | Doppler (Factory New) (phase-2)
<b>$1.37 · 6.85%</b> · buy for $20.00
2 x AK-47 | Redline (Field-Tested)
Muted and not shown: 2"""
    )
    assert pressed(post) == [[Stop(7)]]


def test_a_scan_that_has_not_begun_says_what_it_waits_for():
    assert lines(scanning("ru", now=None)) == ["CS2 pro: идёт поиск", "Запрашиваю комиссии и первые лоты."]


def test_only_the_newest_groups_of_finds_are_shown():
    text = shown(scanning(latest=[find(price_cents=2000 + number) for number in range(9)]))
    assert [f"$20.0{number}" in text for number in range(9)] == [False] * 4 + [True] * 5
    assert text.index("$20.08") < text.index("$20.04")


def test_there_is_no_bar_where_the_market_does_not_say_how_much_there_is():
    text = shown(scanning(now=progress(listed=12_000, total=10_000)))
    assert "12,000 of more than 12,000 offers, 4 s so far" in text
    assert "░" not in text


def test_the_bar_is_full_when_all_is_read():
    assert "█" * 16 + "\n4,000 of 4,000 offers, about 1 s left" in shown(scanning(now=progress(listing=False, listed=4000)))


def test_a_shared_or_resumed_scan_says_so():
    assert lines(scanning(shared=True))[1] == "This scan was already running for another chat; you see the same one."
    assert lines(scanning(resumed=True))[1] == "The bot was restarted, so this scan began anew."


# ---- results -------------------------------------------------------------------------------------------------------------


def results(lang="en", *, of=REPORT, finds=(), page=0, **more):
    return messages.results(lang, view=7, report=of, finds=finds, page=page, **{"sandbox": False, **more})


def test_results_show_each_find_with_what_can_be_done_about_it():
    post = results(finds=[(0, KNIFE), (4, FOUND)], sandbox=True, hidden=3, age=75.0)
    assert (
        spaced(post.text)
        == """\
<b>CS2 standard: 2 found</b>
<i>Sandbox: items and prices are invented</i>

<b>1. $30.70 · 8.53%</b>
★ Flip Knife | Doppler (Factory New) (phase-2)
$360.00 → $402.79, sold at once to a buy order

<b>2. $1.37 · 6.85%</b>
AK-47 | Redline (Field-Tested)
$20.00 → $22.50, relisted later, trade lock 7 d

Muted and not shown: 3
From a scan 1 min ago
<i>listed 4,120 → quoted 812 → checked 95 → found 6
12.3 s; requests: market 42, sales 12, fees 1, other 31</i>"""
    )
    assert labels(post) == [["1 Open", "Why", "Watch", "Mute"], ["2 Open", "Why", "Watch", "Mute"], ["Scan again"]]
    assert pressed(post) == [
        [KNIFE.url, Why(7, 0), Watch(7, 0), Mute(7, 0)],
        [FOUND.url, Why(7, 4), Watch(7, 4), Mute(7, 4)],
        [Scan(Game.CSGO, Level.STANDARD, anew=True)],
    ]


def test_results_in_russian():
    post = results("ru", finds=[(0, KNIFE), (1, FOUND)], of=report(throttled=1, retries=2, cache={"memory_hits": 21}))
    assert (
        shown(post)
        == """\
CS2 standard: найдено 2

1. $30.70 · 8.53%
★ Flip Knife | Doppler (Factory New) (phase-2)
$360.00 → $402.79, сразу в ордер на покупку

2. $1.37 · 6.85%
AK-47 | Redline (Field-Tested)
$20.00 → $22.50, позже своим лотом, трейд-лок 7 дн.

прочитано 4 120 → отобрано 812 → проверено 95 → найдено 6
12.3 с; запросы: рынок 42, продажи 12, комиссии 1, прочее 31; отказов по квоте: 1; повторов: 2; 21 ответ был известен заранее"""
    )
    assert labels(post)[0] == ["Лот 1", "Почему", "Следить", "Скрыть"]


@pytest.mark.parametrize(("finds", "count"), [(0, 1), (1, 1), (4, 1), (5, 2), (8, 2), (9, 3), (200, 50)])
def test_pages_hold_four_finds(finds, count):
    assert messages.pages(finds) == count


@pytest.mark.parametrize(
    ("page", "turn", "numbers"),
    [
        (0, ["· 1 ·", "2", "50 »"], [0, 1, 49]),
        (1, ["1", "· 2 ·", "3", "50 »"], [0, 1, 2, 49]),
        (9, ["« 1", "9", "· 10 ·", "11", "50 »"], [0, 8, 9, 10, 49]),
        (49, ["« 1", "49", "· 50 ·"], [0, 48, 49]),
        (99, ["« 1", "49", "· 50 ·"], [0, 48, 49]),
        (-1, ["· 1 ·", "2", "50 »"], [0, 1, 49]),
    ],
)
def test_pages_can_be_turned_and_none_is_out_of_reach(page, turn, numbers):
    post = results(finds=list(enumerate([FOUND] * 200)), page=page)
    assert labels(post)[-2] == turn
    assert pressed(post)[-2] == [Page(7, number) for number in numbers]


def test_finds_keep_their_number_from_page_to_page():
    post = results(finds=list(enumerate([FOUND] * 6)), page=1)
    assert lines(post)[0] == "CS2 standard: 6 found, page 2 of 2"
    assert [row[0] for row in labels(post)[:2]] == ["5 Open", "6 Open"]


def test_a_find_with_an_address_that_is_none_has_no_button_to_open_it():
    assert labels(results(finds=[(0, find(url="javascript:alert(1)"))]))[0] == ["1 Why", "Watch", "Mute"]


def test_nothing_found_is_said_with_the_biggest_reasons():
    assert lines(results())[:6] == [
        "CS2 standard: 0 found",
        "No offer leaves the profit of this level.",
        "Most often:",
        "3,100 · profit below the window",
        "301 · P2P, not to be bought here",
        "200 · no buy order and fewer than 5 sales",
    ]
    assert labels(results()) == [["Scan again"]]


@pytest.mark.parametrize(
    ("of", "more", "said"),
    [
        (REPORT, {"hidden": 2}, "All that was found is muted here."),
        (report(funnel=Funnel()), {}, "Nothing is for sale at the prices of this level."),
        (report(stopped="stopped in the chat"), {}, "Nothing was found until then."),
        (report(funnel=Funnel(), stopped="the market refused the keys: 401"), {}, "Nothing was found until then."),
    ],
)
def test_why_there_is_nothing_to_show(of, more, said):
    assert lines(results(of=of, **more))[1] == said


def test_what_failed_is_told_the_first_five_kinds_of_it():
    failures = [Failure("listing", "Throttled", 3), Failure("next ask", "NoAnswer", 1), *(Failure("sales", f"E{number}", 2) for number in range(5))]
    told = lines(results(finds=[(0, FOUND)], of=report(failures=failures)))
    assert told[-6:] == [
        "Failed: list of offers, too many requests, 3 times",
        "Failed: next ask, no answer, 1 time",
        "Failed: sales, E0, 2 times",
        "Failed: sales, E1, 2 times",
        "Failed: sales, E2, 2 times",
        "and 2 more",
    ]


@pytest.mark.parametrize(
    ("reason", "english", "russian"),
    [
        ("the deadline of 30 s passed", "the time allowed was over", "вышло отведённое время"),
        ("stopped in the chat", "it was stopped", "поиск остановлен"),
        ("the market refused the keys: 401", "DMarket refused the keys", "DMarket не принял ключи"),
        (
            "more than a tenth of the requests for listing and next ask failed; what was found is incomplete",
            "more than a tenth of the requests failed (list of offers, next ask)",
            "не удалось больше десятой части запросов (список лотов, следующий лот)",
        ),
        ("a reason <that> nobody foresaw", "a reason <that> nobody foresaw", "a reason <that> nobody foresaw"),
    ],
)
def test_why_a_scan_ended_early_is_said_in_the_language_of_the_user(reason, english, russian):
    assert lines(results(of=report(stopped=reason)))[-1] == f"Ended early: {english}"
    assert lines(results("ru", of=report(stopped=reason)))[-1] == f"Закончено раньше срока: {russian}"


def test_why_a_scan_failed_is_said_once_and_first():
    reason = "the market refused the keys: 401"
    text = shown(results("ru", finds=[(0, FOUND)], of=report(stopped=reason), said=reason))
    assert text.startswith("Поиск не удался: DMarket не принял ключи\n")
    assert text.count("не принял ключи") == 1


def test_a_line_of_our_own_may_come_first():
    assert lines(results(said=messages.muted("en", "A & B")))[0] == "Muted: A & B. /unmute shows it again."


def test_requests_of_which_there_were_none_are_told_as_such():
    assert lines(results("en", finds=[(0, FOUND)], of=report(requests=RequestCounts())))[-1] == "12.3 s; no request was answered"


# ---- why -----------------------------------------------------------------------------------------------------------------


def test_why_writes_the_sum_out_and_names_exit_evidence_and_what_was_left_out():
    post = messages.why("en", found=FOUND, report=REPORT)
    assert (
        spaced(post.text)
        == """\
<b>AK-47 | Redline (Field-Tested)</b>

<code>  $22.50</code>  exit price
<code>-  $1.13</code>  fee
<code>- $20.00</code>  buy price
<code>=  $1.37</code>  profit (6.85%)

<b>Exit:</b> later, as an offer of your own.
One cent below the next ask of $22.51; the median of 30 days ($23.00) is no lower.
Of the exits whose profit fits the level it leaves the most.

<b>Evidence</b>
39 sales in 30 days, median $23.00, next ask $22.51
sells in about 1 d
trade lock 7 d: Steam holds it for that long
DMarket does not answer, so it could not be looked at again.

<b>What else that scan saw</b>
listed 4,120 → quoted 812 → checked 95 → found 6
Left out at reading:
301 · P2P, not to be bought here
10 · muted titles
Left out by prices and sales:
3,100 · profit below the window
200 · no buy order and fewer than 5 sales
4 · profit above the window
Left undecided:
3 · prices or sales could not be had"""
    )
    assert pressed(post) == [[FOUND.url]]


def test_the_sum_adds_up_in_what_is_shown():
    for found in (FOUND, KNIFE):
        sell, fee, buy, profit = (int(line.split("$")[1].split()[0].replace(".", "")) for line in lines(messages.why("ru", found=found, report=REPORT))[2:6])
        assert sell - fee - buy == profit


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (KNIFE, ["Exit: at once, to the best buy order that takes this very item."]),
        (
            find(next_ask_cents=None, exit_price_cents=2300),
            ["Exit: later, as an offer of your own.", "At the median of 30 days, since nobody else asks a price."],
        ),
        (
            find(next_ask_cents=2400, exit_price_cents=2300),
            ["Exit: later, as an offer of your own.", "At the median of 30 days, since the next ask ($24.00) is higher."],
        ),
    ],
)
def test_why_names_the_exit_and_what_made_its_price(found, said):
    text = lines(messages.why("en", found=found, report=REPORT))
    start = text.index(said[0])
    assert text[start : start + len(said) + 1] == [*said, "Of the exits whose profit fits the level it leaves the most."]


def test_a_scan_that_left_nothing_out_says_so():
    assert lines(messages.why("en", found=KNIFE, report=report(funnel=Funnel(1, 1, 1, 1))))[-1] == "Nothing was left out."
