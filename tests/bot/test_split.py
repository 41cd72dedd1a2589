"""Cutting HTML: nothing is lost, no part is broken, and each fits."""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from botcore.bot.split import length, plain, shorten, shorten_text, split, units

from .telegram_html import Letter, read, size

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
WAVE = "\U0001f44b\U0001f3fd"
FLAGS = "\U0001f1eb\U0001f1f7\U0001f1e9\U0001f1ea"
ACCENTS = "e\u0301\u0323"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"

letters = st.one_of(
    st.sampled_from(["a", "b", " ", "\n", "\n\n", "&", "<", ">", '"', "&amp;", "<b>", "\u05d0", "\u0300", FAMILY, WAVE, FLAGS, ACCENTS]),
    st.characters(exclude_categories=["Cs", "Cc"]),
)
words = st.lists(letters, max_size=20).map(lambda parts: escape("".join(parts), quote=False))
TAGS = ["b", "i", "u", "s", "strong", "blockquote", "blockquote expandable", 'span class="tg-spoiler"', 'a href="https://dmarket.com/?a=1&amp;b=2"']
CODE = ["code", "pre"]


def wrapped(tag: str, inner: str) -> str:
    return f"<{tag}>{inner}</{tag.split(maxsplit=1)[0]}>"


def within(tags: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Text in which these tags may still be opened."""
    if not tags:
        return words
    return st.lists(words | st.sampled_from(tags).flatmap(lambda tag: opened(tag, tags)), max_size=4).map("".join)


def opened(tag: str, tags: tuple[str, ...]) -> st.SearchStrategy[str]:
    if tag in CODE:
        return words.map(lambda inner: wrapped(tag, inner))
    kind = "b" if tag == "strong" else tag.split(maxsplit=1)[0]
    rest = tuple(other for other in tags if ("b" if other == "strong" else other.split(maxsplit=1)[0]) != kind)
    return within(rest).map(lambda inner: wrapped(tag, inner))


html = within((*TAGS, *CODE)) | st.lists(within((*TAGS[:3], *CODE)), max_size=6).map("\n\n".join)
limits = st.integers(2, 60)


def visible(html: str) -> list[Letter]:
    return [letter for letter in read(html, most_entities=None) if not letter[0].isspace()]


def text_of(html: str) -> str:
    return "".join(letter for letter, _ in read(html, most_entities=None))


@given(html, limits)
@example("<b>" + "x" * 100 + "</b>", 7)
@example("a&amp;" * 50, 2)
def test_every_character_keeps_its_place_and_its_formatting(html, limit):
    assert [letter for part in split(html, limit) for letter in visible(part)] == visible(html)


@given(html, limits)
def test_every_part_is_valid_says_something_and_fits(html, limit):
    for part in split(html, limit):
        said = text_of(part)
        assert said.strip()
        assert size(said) <= limit


@given(html, limits)
def test_white_space_is_left_out_at_the_cuts_alone(html, limit):
    rest = text_of(html)
    for number, part in enumerate(split(html, limit)):
        said = text_of(part)
        assert said in rest
        before, _, rest = rest.partition(said)
        assert not before.strip(), number
    assert not rest.strip()


@given(html)
def test_length_is_what_telegram_counts(html):
    assert length(html) == size(text_of(html))
    assert plain(html) == text_of(html)


@given(html, st.integers(1, 60))
def test_what_is_shortened_fits_and_is_the_beginning(html, limit):
    short = shorten(html, limit)
    said, whole = text_of(short), text_of(html)
    assert size(said) <= limit
    if size(whole) <= limit:
        assert short == html
    else:
        assert said.endswith("…")
        kept = read(short, most_entities=None)[:-1]
        assert kept == read(html, most_entities=None)[: len(kept)]


@given(st.text(), st.integers(1, 20))
def test_text_without_markup_is_shortened_alike(text, limit):
    short = shorten_text(text, limit)
    assert size(short) <= limit
    assert short == text if size(text) <= limit else text.startswith(short.removesuffix("…"))


@pytest.mark.parametrize(("text", "count"), [("", 0), ("abc", 3), ("\u05d0", 1), ("\U0001f600", 2), (ACCENTS, 3), (FAMILY, 8), ("\ud800", 1)])
def test_units_are_those_of_utf_16(text, count):
    assert units(text) == count


@pytest.mark.parametrize("html", ["", " ", "\n \n", "<b> </b>\n", "<i></i>"])
def test_white_space_alone_is_no_message(html):
    assert split(html) == []


def test_what_fits_stays_as_it_is():
    html = " <b>a</b>&#62;&quot;\n"
    assert split(html, 5) == [html]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("one two\nthree\n\nfour five six", ["one two\nthree", "four five six"]),
        ("one two\nthree four five six", ["one two", "three four five", "six"]),
        ("one two three four five", ["one two three", "four five"]),
        ("onetwothreefourfivesix", ["onetwothreefour", "fivesix"]),
        ("onetwothreefour fivesix", ["onetwothreefour", "fivesix"]),
        ("onetwothreefour\n\nfivesix", ["onetwothreefour", "fivesix"]),
    ],
)
def test_it_is_cut_at_blank_lines_else_at_line_ends_else_at_spaces_else_anywhere(text, parts):
    assert split(text, 15) == parts


def test_tags_are_closed_at_a_cut_and_opened_again_as_they_were():
    html = '<blockquote expandable>see <a href="https://dmarket.com/?a=1&amp;b=2"><b>one two</b></a></blockquote>'
    assert split(html, 7) == [
        '<blockquote expandable>see <a href="https://dmarket.com/?a=1&amp;b=2"><b>one</b></a></blockquote>',
        '<blockquote expandable><a href="https://dmarket.com/?a=1&amp;b=2"><b>two</b></a></blockquote>',
    ]


def test_neighbours_of_the_same_kind_stay_apart():
    html = "<blockquote>one</blockquote><blockquote>two</blockquote> three"
    assert split(html, 8) == ["<blockquote>one</blockquote><blockquote>two</blockquote>", "three"]


@pytest.mark.parametrize("sequence", [FAMILY, WAVE, FLAGS[:2], ACCENTS, SCOTLAND, "\u2764\ufe0f", "\U0001f600"])
def test_no_cut_falls_into_what_is_seen_as_one_character(sequence):
    for limit in range(size(sequence), 3 * size(sequence)):
        assert {part.replace(sequence, "") for part in split(sequence * 9, limit)} == {""}
        assert shorten_text(sequence * 9, limit).removesuffix("…").replace(sequence, "") == ""


def test_a_sequence_longer_than_a_message_is_cut_all_the_same():
    parts = split("e" + "\u0301" * 50, 20)
    assert "".join(parts) == "e" + "\u0301" * 50


@pytest.mark.parametrize(
    "html",
    ["<b>x", "x</b>", "<b>x</i>", "<b><i>x</b></i>", "a < b", "a <", "<div>x</div>", "<br>", "<b", "<>", "</>", "<!-- x -->", '<a href="x>y</a>'],
)
def test_what_telegram_would_refuse_is_refused_here(html):
    for reads in (split, length, plain):
        with pytest.raises(ValueError, match=r"tag|closed|closes|knows"):
            reads(html)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("&lt;&gt;&amp;&quot;", '<>&"'),
        ("&#65;&#x41;&#X1F600;", "AA\U0001f600"),
        ("&copy; &nbsp; & &#0; &#xD800; &#1114112;", "&copy; &nbsp; & &#0; &#xD800; &#1114112;"),
        ("<B>x</B> <tg-emoji emoji-id=\"5\">\U0001f600</tg-emoji> <a href='x'>y</a>", "x \U0001f600 y"),
        ('<pre><code class="language-python">x</code></pre>', "x"),
    ],
)
def test_markup_is_read_as_telegram_reads_it(html, text):
    assert plain(html) == text


def test_a_limit_that_holds_no_character_is_refused():
    with pytest.raises(ValueError, match="no character"):
        split("x", 1)


def test_a_long_text_is_cut_into_full_messages():
    line = "<b>12,345</b> items &amp; more\n"
    parts = split(line * 3000)
    assert [len(read(part, most_entities=None)) > 4000 for part in parts[:-1]] == [True] * (len(parts) - 1)
    assert [letter for part in parts for letter in visible(part)] == visible(line) * 3000
