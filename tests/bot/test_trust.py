"""How far a find can be trusted, as the bot says it."""

from __future__ import annotations

import msgspec
import pytest

from botcore.bot import messages
from botcore.bot.messages import wording
from botcore.bot.messages.trust import trust
from botcore.bot.split import plain
from botcore.bot.texts import LANGUAGES, has
from botcore.scan.confidence import Confidence
from botcore.scan.evidence import Concern
from botcore.scan.wording import REASONS

from .spoken import FOUND, REPORT, explanations
from .weighed import CONFIDENCES, ODD, USUAL, WEIGHED


def lines(lang, weighed=USUAL, confidence=CONFIDENCES[-1]):
    return [plain(line).replace("\u00a0", " ") for line in trust(lang, weighed, confidence)]


def test_a_usual_find_takes_two_lines():
    assert lines("en") == [
        "12 sales in 30 days, the last 2 h ago, price steady; 9 asks below the exit",
        "worst case -$1.35, sold at once · $0.14 a day for 10 d · confidence 83% (2,000 outcomes)",
    ]
    assert lines("ru") == [
        "12 продаж за 30 дней, последняя 2 ч назад, цена ровная; 9 лотов дешевле цены выхода",
        "в худшем случае -$1.35, сразу · $0.14 в день, 10 дн. · уверенность 83% (2 000 исходов)",
    ]


def test_an_odd_market_is_warned_of_in_a_third_line():
    said = lines("en", ODD)
    assert said[1].startswith("worst case unknown: no order takes it · confidence")
    assert said[2].startswith("Careful: few sales, price pumped in the last days, ")
    assert len(said[2].split(", ")) == len(Concern)


def test_where_nobody_asked_for_orders_no_worst_case_is_told():
    unasked = msgspec.structs.replace(USUAL, worst_cents=None, orders_known=False)
    assert lines("en", unasked)[1] == "$0.14 a day for 10 d · confidence 83% (2,000 outcomes)"
    assert len(lines("en", msgspec.structs.replace(unasked, days=1.0), confidence=None)) == 1


def test_before_there_is_enough_data_no_number_is_given():
    assert lines("en", confidence=Confidence(None, 17))[1].endswith("confidence not yet known (17 outcomes)")
    assert "confidence" not in lines("en", confidence=None)[1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_reason_and_every_concern_has_words(lang):
    assert {concern for concern in Concern if not has(lang, f"concern_{concern}")} == set()
    told = {key for key in REASONS if not key.startswith("concern_")} - {"lock"}  # the lock is told with the price already
    assert {key for key in told if not has(lang, f"reason_{key}")} == set()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("weighed", WEIGHED)
def test_why_and_alert_hold_the_lines_where_a_find_was_weighed(lang, weighed):
    plain_alert = messages.alert(lang, found=FOUND, watch=1, sandbox=False)
    weighed_alert = messages.alert(lang, found=FOUND, watch=1, sandbox=False, weighed=weighed, confidence=None)
    expected = list(trust(lang, weighed, None))
    new = [line for line in weighed_alert.text.split("\n") if line not in plain_alert.text.split("\n")]
    assert new == [wording.prices(lang, FOUND), *expected], "what the sales tell is not said twice"
    told = next(one for one in explanations(FOUND, weighed) if one.verdict == "found")
    assert all(line in messages.why(lang, found=FOUND, report=REPORT, told=told).text.split("\n") for line in expected)
