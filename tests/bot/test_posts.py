"""What the start, alerts, lists, prices and the bot's state look like, word for word."""

# ruff: noqa: RUF001 - Russian is written in letters that look like Latin ones

from __future__ import annotations

import msgspec
import pytest

from botcore.bot import messages, presses
from botcore.bot.presses import ChooseGame, ChooseLevel, Price, Scan, SetLevel, Settings, Unmute, Unwatch
from botcore.client import Balance
from botcore.model import Game, Level, Quote, Sale
from botcore.settings import Setting

from .reading import labels, lines, pressed, shown
from .spoken import FOUND, KNIFE, NOW, status

# ---- the start -----------------------------------------------------------------------------------------------------------


def test_the_start_says_who_it_is_and_offers_a_scan():
    post = messages.start("en", name="Anna <3", game=Game.CSGO, level=Level.STANDARD, sandbox=True)
    assert (
        post.text
        == """\
Hello, Anna &lt;3. I find items on DMarket that cost less than they sell for.
For each I show what is left after the fee, and why.
<i>Sandbox: items and prices are invented</i>

Set for this chat: <b>CS2 standard</b>
Buy for $3 to $10, profit 5 to 10%"""
    )
    assert labels(post) == [["Scan CS2 standard"], ["Another game or level"]]
    assert pressed(post) == [[Scan(Game.CSGO, Level.STANDARD)], [ChooseGame("scan")]]


def test_somebody_without_a_name_is_greeted_all_the_same():
    assert lines(messages.start("ru", name=" ", game=Game.CSGO, level=Level.PRO, sandbox=False))[0].startswith("Здравствуйте. Я ищу")


def test_every_game_can_be_chosen():
    assert pressed(messages.choose_game("en", "set")) == [
        [ChooseLevel("set", Game.CSGO), ChooseLevel("set", Game.DOTA2)],
        [ChooseLevel("set", Game.TF2), ChooseLevel("set", Game.RUST)],
    ]


@pytest.mark.parametrize(("then", "press"), [("scan", Scan), ("set", SetLevel)])
def test_every_level_can_be_chosen_and_shows_its_windows(then, press):
    post = messages.choose_level("en", then, Game.RUST)
    assert pressed(post) == [*([press(Game.RUST, level)] for level in Level), [ChooseGame(then)]]
    assert labels(post)[0] == ["boost: $0.50 to $3, 1 to 5%"]
    assert labels(post)[4] == ["pro: $100 to $1,000, 20 to 100%"]


def test_the_level_of_a_chat_can_be_changed_and_scanned():
    post = messages.level("ru", game=Game.DOTA2, level=Level.BOOST)
    assert lines(post)[:2] == ["Выбрано для этого чата: Dota 2 boost", "Покупка за $0.50–$3, прибыль 1–5%"]
    assert pressed(post) == [[ChooseGame("set")], [Scan(Game.DOTA2, Level.BOOST)]]


def test_wrong_words_after_scan_are_answered_with_the_right_ones():
    assert shown(messages.wrong_scan("en", "csgo <hard>")) == (
        "I do not know “csgo <hard>”. Write /scan csgo standard; games: csgo, dota2, tf2, rust; levels: boost, standard, medium, advanced, pro."
    )


# ---- alerts --------------------------------------------------------------------------------------------------------------


def test_an_alert_says_what_matters_first():
    post = messages.alert("ru", found=FOUND, watch=5, sandbox=False)
    assert (
        shown(post)
        == """\
$1.37 · 6.85%
AK-47 | Redline (Field-Tested)
$20.00 → $22.50, позже своим лотом, трейд-лок 7 дн.
39 продаж за 30 дней, медиана $23.00, следующий лот $22.51
Вы следите за этим предметом"""
    )
    assert pressed(post) == [[FOUND.url, Unwatch(5)]]


def test_an_alert_that_changed_says_from_what():
    post = messages.alert_changed("en", found=FOUND, before_cents=1900, watch=5, sandbox=False)
    assert lines(post)[:2] == ["Price changed: $19.00 → $20.00", "$1.37 · 6.85%"]
    assert pressed(post) == [[FOUND.url, Unwatch(5)]]


def test_an_alert_whose_offer_is_gone_has_nothing_to_press():
    post = messages.alert_gone("en", title="A & B", price_cents=2000, sandbox=True)
    assert lines(post) == ["Gone: A & B for $20.00. It was sold or repriced.", "Sandbox: items and prices are invented"]
    assert post.buttons == ()


def test_a_digest_counts_what_it_leaves_out():
    line = messages.alert_line("en", FOUND)
    told = lines(messages.digest("en", [line] * 200, sandbox=True))
    assert told[0] == "200 new finds of what you watch"
    assert told[3] == "$1.37 · 6.85% · buy for $20.00 · AK-47 | Redline (Field-Tested)"
    listed = told.count(told[3])
    assert listed >= 40
    assert told[-1] == f"and {200 - listed} more"


def test_a_digest_of_few_lines_shows_all():
    assert lines(messages.digest("ru", [messages.alert_line("ru", FOUND), messages.alert_line("ru", KNIFE)], sandbox=False)) == [
        "2 новые находки среди того, за чем вы следите",
        "",
        "$1.37 · 6.85% · купить за $20.00 · AK-47 | Redline (Field-Tested)",
        "$30.70 · 8.53% · купить за $360.00 · ★ Flip Knife | Doppler (Factory New) (phase-2)",
    ]


def test_the_best_of_the_day_come_with_their_age():
    post = messages.top("en", game=Game.CSGO, rows=[(40.0, FOUND), (8000.0, KNIFE)], sandbox=False)
    assert lines(post)[:6] == [
        "CS2: best finds of the last day",
        "",
        "1. $1.37 · 6.85% · 40 s ago",
        "AK-47 | Redline (Field-Tested)",
        "$20.00 → $22.50, relisted later, trade lock 7 d",
        "",
    ]
    assert lines(post)[6] == "2. $30.70 · 8.53% · 2 h 13 min ago"
    assert pressed(post) == [[ChooseLevel("scan", Game.CSGO)]]


def test_without_finds_a_scan_is_offered():
    post = messages.top("en", game=Game.RUST, rows=[], sandbox=False)
    assert shown(post) == "Rust: nothing was found in the last day. A scan looks now."
    assert pressed(post) == [[ChooseLevel("scan", Game.RUST)]]


# ---- lists ---------------------------------------------------------------------------------------------------------------


def test_each_watch_can_be_ended():
    post = messages.watches("en", (), [(11, Game.CSGO, Level.PRO, FOUND.title), (12, Game.TF2, Level.BOOST, "Key")], None)
    assert lines(post) == ["You watch 2 titles", "1. AK-47 | Redline (Field-Tested) · CS2 pro", "2. Key · TF2 boost"]
    assert labels(post) == [["Stop 1: AK-47 | Redline (Field-Tested)"], ["Stop 2: Key"]]
    assert pressed(post) == [[Unwatch(11, listed=True)], [Unwatch(12, listed=True)]]


def test_each_mute_can_be_lifted_by_the_name_of_its_title():
    post = messages.mutes("ru", [(Game.CSGO, FOUND.title)] + [(Game.RUST, f"R{number}") for number in range(30)])
    assert lines(post)[0] == "Скрыто в этом чате: 31 предмет"
    assert lines(post)[-1] == "и ещё 11"
    assert pressed(post)[0] == [Unmute(presses.name_of(Game.CSGO, FOUND.title))]
    assert len(post.buttons) == 20


# ---- prices --------------------------------------------------------------------------------------------------------------


def caption(lang="en", *, quote=None, sales=()):
    return lines(messages.price_caption(lang, title=FOUND.title, game=Game.CSGO, quote=quote, sales=sales, now=NOW, sandbox=False))[1:]


def test_a_price_shows_both_sides_and_the_sales_of_a_month():
    sales = [Sale(price, int(NOW) - days * 86_400) for price, days in ((100, 40), (1900, 29), (2000, 2), (2200, 1), (2100, 3))]
    assert caption(quote=Quote(FOUND.title, 2250, 12, 1850, 1), sales=sales) == [
        "Best ask: $22.50 (12 offers)",
        "Best buy order: $18.50 (1 order)",
        "30 days: 4 sales, median $20.00",
        "Last sale: $22.00, 1 d ago",
    ]


def test_a_price_says_what_there_is_not():
    assert caption(quote=Quote(FOUND.title, 0, 0, 0, 0)) == ["Best ask: none", "Best buy order: none", "30 days: no sales"]
    assert caption("ru", sales=[Sale(100, 0)])[:2] == ["Лучших цен DMarket для него не сообщает.", "30 дней: продаж нет"]


def test_phases_taken_together_are_named_as_such():
    assert "All phases together; their prices differ." in caption(sales=[Sale(100, int(NOW), "ruby"), Sale(9, int(NOW), "phase-1")])


def test_titles_that_look_alike_can_be_pressed():
    post = messages.price_unknown("en", title="AK <Redlin>", near=[(Game.CSGO, FOUND.title)])
    assert lines(post) == ["I know nothing of “AK <Redlin>”.", "Did you mean one of these?"]
    assert labels(post) == [[FOUND.title]]
    assert pressed(post) == [[Price(presses.name_of(Game.CSGO, FOUND.title))]]


# ---- the account and the state -------------------------------------------------------------------------------------------


def test_the_balance_tells_what_can_be_withdrawn():
    assert lines(messages.balance("en", balance=Balance(123_456, 100_000), sandbox=False)) == [
        "Balance: $1,234.56",
        "Of it to withdraw: $1,000.00",
        "Under trade protection: $234.56",
    ]
    assert len(lines(messages.balance("en", balance=Balance(5, 5), sandbox=False))) == 2


def test_the_status_shows_the_meter_beside_the_quota():
    assert (
        shown(messages.status("en", status()))
        == """\
Status
Market: https://api.dmarket.com
Last scan: CS2 standard, 3 min ago, 5 found
Scans since the start: 12; titles watched: 4
Chats that watch levels: 2
Messages waiting: 0

The watch
CS2: 1.2 new offers a second, looked at every 0.4 s
Dota 2: 0.2 new offers a second, looked at every 2.0 s
Listed to alert: 0.6 s, 19 of 20 within 1.4 s
Quota used: market 62%, sales 5%, other 0%
Alerts: 12; gone before they were sent: 2

Requests a second, last 10 s: market 9.8 of 10, sales 3.0 of 6, fees 0.0 of 20, other 0.0 of 20
Sent since the start: market 1,234, sales 50, other 90
Refused by the quota: 3
Cache: memory 900, Redis 30, asked anew 200

Up for 1 d 3 h, version 0.1.0"""
    )


def test_the_settings_come_page_by_page_with_where_they_are_from():
    rows = [Setting(f"BOTCORE_A_{number}", "" if number % 2 else str(number), "default" if number % 2 else "environment") for number in range(31)]
    post = messages.config("en", rows, page=1)
    assert lines(post)[0] == "Settings in force, page 2 of 3"
    assert lines(post)[3:5] == ["BOTCORE_A_15 = not set (default)", "BOTCORE_A_16 = 16 (environment)"]
    assert len(lines(post)) == 3 + messages.SETTINGS_A_PAGE
    assert pressed(post) == [[Settings(0), Settings(1), Settings(2)]]


def test_a_tuned_setting_shows_its_record():
    tuned = Setting("BOTCORE_SCAN_BANDS", "4", "tuned by profiling_results/scan.json")
    post = messages.config("en", [tuned], page=0)
    assert lines(post)[1:] == [
        "A tuned value shows the record of the measurement it comes from.",
        "",
        "BOTCORE_SCAN_BANDS = 4 (tuned by profiling_results/scan.json)",
    ]
    untuned = messages.config("en", [msgspec.structs.replace(tuned, source="default")], page=0)
    assert lines(untuned)[1] == "Nothing is tuned; a tuned value shows the record of the measurement it comes from."


@pytest.mark.parametrize(
    ("seconds", "english", "russian"),
    [
        (0, "0 s", "0 с"),
        (59.9, "59 s", "59 с"),
        (60, "1 min", "1 мин"),
        (3600, "1 h", "1 ч"),
        (11_100, "3 h 5 min", "3 ч 5 мин"),
        (86_400, "1 d", "1 дн."),
        (187_200, "2 d 4 h", "2 дн. 4 ч"),
        (800_000, "9 d", "9 дн."),
        (-3, "0 s", "0 с"),
    ],
)
def test_times_are_told_in_their_largest_units(seconds, english, russian):
    for lang, said in (("en", f"Up for {english}, "), ("ru", f"Работаю {russian}, ")):
        assert said in shown(messages.status(lang, status(uptime=seconds)))


# ---- errors --------------------------------------------------------------------------------------------------------------


def test_an_error_is_one_sentence_with_its_number():
    assert shown(messages.error("en", "a1b2c3")) == "Something went wrong on my side; the owner can look it up by its number, a1b2c3."
    assert shown(messages.market_trouble("ru", "a1b2c3", "Throttled")) == "DMarket говорит: слишком много запросов; повторите через минуту (a1b2c3)."
    assert shown(messages.market_trouble("en", "a1b2c3", "Unforeseen")) == "DMarket could not answer this; try again in a minute (a1b2c3)."
    assert shown(messages.scan_failed("ru", "a1b2c3", "the listing was refused: 400")) == "Поиск не удался: DMarket отказался показать лоты (a1b2c3)."


def test_the_owner_is_told_which_error_and_where():
    assert lines(messages.owner_error("en", error_id="a1b2c3", kind="KeyError", what="botcore.bot.<lambda>")) == [
        "Error a1b2c3: KeyError",
        "botcore.bot.<lambda>",
        "More of this kind within the hour are in the log only.",
    ]


def test_a_scan_that_was_broken_off_can_be_begun_again():
    post = messages.interrupted_post("en", game=Game.TF2, level=Level.PRO)
    assert shown(post) == "TF2 pro: the scan was broken off."
    assert pressed(post) == [[Scan(Game.TF2, Level.PRO)]]


def test_a_stranger_gets_his_id_to_copy():
    assert messages.stranger("en", 123_456_789) == "This bot is private. Your id, to hand to its owner: <code>123456789</code>"
