"""What the bot says: valid, short enough and complete in both languages, whatever the market and people send."""

from __future__ import annotations

import inspect
import re
import unicodedata
from string import Formatter

import pytest

from botcore.bot import messages, presses, texts
from botcore.bot.posts import CAPTION, TEXT, Post
from botcore.bot.split import plain
from botcore.bot.texts import LANGUAGES, clean, label, language, say
from botcore.cli.view import MEANING
from botcore.errors import OutcomeUnknown
from botcore.model import Game, Level

from .spoken import AWFUL, FOUND, errors_of, everything
from .telegram_html import read, size

EVERY_BUTTON = 100
A_ROW = 8
ANSWER = 200
ANSWERS = ("watching", "unwatched", "muted", "unmuted", "watch_full", "old_button", "foreign_button", "stopping", "nothing_runs")
"""What may answer a press, where Telegram shows no more than 200 characters."""
ISOLATES = "\u2068\u2069"
WORDS = re.compile(r"[^\W\d_]+")
languages = pytest.mark.parametrize("lang", LANGUAGES)


def html_of(said) -> str:
    return said.text if isinstance(said, Post) else said


def fields(template: str) -> dict[str, set[str]]:
    """The values of a template, each with the word forms it asks for."""
    found: dict[str, set[str]] = {}
    for _, name, forms, _ in Formatter().parse(template):
        if name is not None:
            found.setdefault(name, set()).update(filter(None, [forms]))
    return found


def outside_fields(template: str) -> str:
    return "".join(text for text, *_ in Formatter().parse(template))


# ---- both languages ----------------------------------------------------------------------------------------------------


def test_both_languages_have_the_same_texts():
    assert set(LANGUAGES["en"]) == set(LANGUAGES["ru"])


@pytest.mark.parametrize("key", LANGUAGES["en"])
def test_a_text_takes_the_same_values_in_both_languages(key):
    english, russian = (fields(words[key]) for words in LANGUAGES.values())
    assert set(english) == set(russian)


@pytest.mark.parametrize(("lang", "count"), [("en", 2), ("ru", 3)])
def test_every_counted_word_has_as_many_forms_as_its_language(lang, count):
    forms = [form for template in LANGUAGES[lang].values() for given in fields(template).values() for form in given]
    assert len(forms) >= 10
    assert {len(form.split("|")) for form in forms} == {count}


def test_what_has_words_is_translated():
    same = {key for key, template in LANGUAGES["en"].items() if template == LANGUAGES["ru"][key]}
    assert {key for key in same if WORDS.search(re.sub(r"<[^>]+>", "", outside_fields(LANGUAGES["en"][key])))} == set()


@languages
def test_every_text_is_used(lang, monkeypatch):
    used: set[str] = set()

    class Noting(dict[str, str]):
        def __getitem__(self, key: str) -> str:
            used.add(key)
            return super().__getitem__(key)

    monkeypatch.setattr(texts, "LANGUAGES", {lang: Noting(LANGUAGES[lang])})
    assert all(html_of(said) for sandbox in (True, False) for _, said in everything(lang, sandbox=sandbox))
    assert set(LANGUAGES[lang]) - used == set()


@languages
def test_texts_are_plain_words_without_emoji(lang):
    odd = {letter for template in LANGUAGES[lang].values() for letter in template if unicodedata.category(letter) in {"So", "Sk", "Cs", "Co", "Cn", "Cf"}}
    assert odd == set()


@pytest.mark.parametrize(
    ("code", "lang"),
    [
        ("ru", "ru"),
        ("uk", "ru"),
        ("be", "ru"),
        ("kk", "ru"),
        ("ru-RU", "ru"),
        ("RU", "ru"),
        ("en", "en"),
        ("de", "en"),
        ("pt-br", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_language_follows_the_user(code, lang):
    assert language(code) == lang


def test_an_unknown_language_is_spoken_to_in_english():
    assert messages.stopping("de") == messages.stopping("en")


# ---- every builder -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[(lang, sandbox) for lang in LANGUAGES for sandbox in (True, False)], ids=str)
def spoken(request):
    lang, sandbox = request.param
    return lang, sandbox, list(everything(lang, sandbox=sandbox))


def builders() -> set[str]:
    made = {name: getattr(messages, name) for name in messages.__all__}
    return {name for name, one in made.items() if inspect.isfunction(one) and "lang" in inspect.signature(one).parameters}


def test_every_builder_is_among_those_tried_here(spoken):
    assert builders() == {name for name, _ in spoken[2]}


def test_everything_is_html_that_telegram_takes(spoken):
    for name, said in spoken[2]:
        letters = "".join(letter for letter, _ in read(html_of(said)))
        most = CAPTION if name == "price_caption" else TEXT
        assert 0 < size(letters.strip()) <= size(letters) <= most, name
        assert letters == plain(html_of(said)), name


def test_nothing_invisible_comes_through(spoken):
    for name, said in spoken[2]:
        odd = {letter for letter in plain(html_of(said)) if not letter.isprintable() and letter not in f"\n\u00a0{ISOLATES}"}
        assert odd == set(), name
        assert plain(html_of(said)).count(ISOLATES[0]) == plain(html_of(said)).count(ISOLATES[1]), name


def test_no_line_is_empty_at_the_ends_nor_two_in_a_row(spoken):
    for name, said in spoken[2]:
        lines = html_of(said).split("\n")
        assert lines[0].strip(), name
        assert lines[-1].strip(), name
        assert "\n\n\n" not in html_of(said), name


def test_every_button_can_be_pressed_or_opened(spoken):
    rows = [(name, row) for name, said in spoken[2] if isinstance(said, Post) for row in said.buttons]
    assert len(rows) > 1000
    for name, row in rows:
        assert 0 < len(row) <= A_ROW, name
        for button in row:
            assert 0 < size(button.text) <= 64, name
            assert button.text.strip(), name
            assert bool(button.press) != bool(button.url), name
            if button.press:
                assert len(button.press.encode()) <= 64, name
                assert presses.unpack(button.press) is not None, name
            else:
                assert re.fullmatch(r"https?://[^\s<>\"]{1,600}", button.url), name


def test_a_button_shows_a_title_as_it_is():
    post = messages.watches("en", (), [(1, Game.CSGO, Level.PRO, "Tom & <Jerry>")], None)
    assert post.buttons[0][0].text == "Stop 1: Tom & <Jerry>"
    assert "1. Tom &amp; &lt;Jerry&gt; · CS2 pro" in post.text


def test_no_message_has_more_buttons_than_telegram_shows(spoken):
    assert max(sum(map(len, said.buttons)) for _, said in spoken[2] if isinstance(said, Post)) <= EVERY_BUTTON


LABELLED = {"alert", "alert_changed", "alert_gone", "balance", "digest", "explained", "level_alert", "level_alert_changed", "price_caption"}
LABELLED |= {"results", "scanning", "status", "top", "why"}


def test_sandbox_data_is_labelled_and_real_data_is_not(spoken):
    lang, sandbox, all_of_it = spoken
    words = plain(say(lang, "sandbox"))
    for name, said in all_of_it:
        if name in LABELLED and not (name == "status" and "api.dmarket.com" not in plain(html_of(said))):
            assert (words in plain(html_of(said))) is sandbox, name


def test_answers_to_presses_are_short_with_or_without_their_markup(spoken):
    answers = [said for name, said in spoken[2] if name in ANSWERS]
    assert len(answers) > 50
    for said in answers:
        assert size(html_of(said)) <= ANSWER
        assert "<" not in html_of(said)


# ---- words and values ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "russian"),
    [
        (0, "0 продаж"),
        (1, "1 продажа"),
        (2, "2 продажи"),
        (4, "4 продажи"),
        (5, "5 продаж"),
        (11, "11 продаж"),
        (14, "14 продаж"),
        (21, "21 продажа"),
        (22, "22 продажи"),
        (100, "100 продаж"),
        (111, "111 продаж"),
        (101, "101 продажа"),
        (1234, "1\u00a0234 продажи"),
    ],
)
def test_russian_counts_as_russians_do(count, russian):
    assert label("ru", "sales", count=count) == f"{russian} за 30 дней"


@pytest.mark.parametrize(("count", "english"), [(0, "0 sales"), (1, "1 sale"), (2, "2 sales"), (21, "21 sales"), (1234, "1,234 sales")])
def test_english_counts_as_the_english_do(count, english):
    assert label("en", "sales", count=count) == f"{english} in 30 days"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\nb\t c", "a b c"),
        ("a\x00\x1b[31m\u202eb", "a[31mb"),
        ("lone \ud800 half", "lone  half"),
        ("x" * 11, "xxxxxxxxx…"),
        ("\U0001f600" * 6, "\U0001f600" * 4 + "…"),
        (" \u200b ", ""),
        ("\u00a0 ", ""),
        ("5\u00a0min", "5\u00a0min"),
    ],
)
def test_text_from_outside_is_one_line_that_can_be_seen(given, shown):
    assert clean(given, 10) == shown


def test_text_from_right_to_left_does_not_turn_its_neighbours_around():
    assert say("en", "short_find", gain="\u05d0", buy="$1.00") == f"<b>{ISOLATES[0]}\u05d0{ISOLATES[1]}</b> · buy for $1.00"


@pytest.mark.parametrize("words", AWFUL)
def test_words_cannot_become_a_template_or_markup(words):
    shown = say("en", "title", title=words)
    assert {tags for _, tags in read(shown)} <= {()}
    assert plain(shown).strip(ISOLATES) == clean(words)


@languages
@pytest.mark.parametrize("reason", MEANING)
def test_every_reason_of_a_scan_is_told_in_words(lang, reason):
    assert WORDS.search(label(lang, f"drop_{reason}"))


def test_every_error_of_the_market_has_a_sentence_of_its_own():
    kinds = errors_of()
    said = {messages.market_trouble("en", "a1b2c3", kind) for kind in kinds}
    assert len(said) == len(kinds)
    assert {kind for kind in kinds if not texts.has("en", f"error_{kind}")} == {"MarketError", OutcomeUnknown.__name__}


@languages
def test_the_command_menu_is_one_that_telegram_takes(lang):
    menu = messages.commands(lang)
    assert " ".join(name for name, _ in menu) == "start scan top price watch why balance level mute unmute status config cancel help"
    assert all(re.fullmatch(r"[a-z]{1,32}", name) and 3 <= len(meaning) <= 256 and "<" not in meaning for name, meaning in menu)


@languages
def test_help_has_a_line_for_each_command(lang):
    lines = plain(messages.help_(lang).text).split("\n")
    for name, meaning in messages.commands(lang):
        assert [line for line in lines if re.match(rf"/{name}\b", line) and line.endswith(meaning)], name
    assert FOUND.title not in lines
