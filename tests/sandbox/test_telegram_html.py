"""HTML to text and entities: every tag, every failure, and what holds for any text at all."""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.sandbox.telegram.failures import Failure
from botcore.sandbox.telegram.html import parse_html
from botcore.sandbox.telegram.objects import User
from botcore.sandbox.telegram.text import Formatted, clean, tidy, units

ANNA = User(id=1001, is_bot=False, first_name="Anna")
STYLES = {"b": "bold", "i": "italic", "u": "underline", "s": "strikethrough", "tg-spoiler": "spoiler"}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def parsed(markup):
    """Text, and each entity as (type, offset, length)."""
    found = parse_html(markup, {1001: ANNA})
    return found.text, [(one.type, one.offset, one.length) for one in found.entities]


def stored(markup):
    """The same after everything Telegram does to a text before it keeps it."""
    found = tidy(parse_html(markup, {1001: ANNA}))
    return found.text, [(one.type, one.offset, one.length) for one in found.entities]


def cut(text, offset, length):
    """The part of a text that UTF-16 code units name, as a client cuts it."""
    return text.encode("utf-16-le")[2 * offset : 2 * (offset + length)].decode("utf-16-le")


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        *(("b", "bold"), ("strong", "bold"), ("i", "italic"), ("em", "italic"), ("u", "underline"), ("ins", "underline")),
        *(("s", "strikethrough"), ("strike", "strikethrough"), ("del", "strikethrough"), ("tg-spoiler", "spoiler")),
        *(("code", "code"), ("pre", "pre"), ("blockquote", "blockquote"), ("B", "bold"), ("Code", "code")),
    ],
)
def test_each_tag_has_its_entity(tag, kind):
    assert parsed(f"😀 <{tag}>a😀</{tag}> b") == ("😀 a😀 b", [(kind, 3, 3)])


@pytest.mark.parametrize(
    ("markup", "fields"),
    [
        ('<span class="tg-spoiler">x</span>', {"type": "spoiler"}),
        ("<span class = 'tg-spoiler' >x</span >", {"type": "spoiler"}),
        ("<span class=tg-spoiler>x</>", {"type": "spoiler"}),
        ('<a href="https://a.b/?c=1&amp;d=&quot;">x</a>', {"type": "text_link", "url": 'https://a.b/?c=1&d="'}),
        ('<a href="a.org/b">x</a>', {"type": "text_link", "url": "http://a.org/b"}),
        ("<a>https://a.b</a>", {"type": "text_link", "url": "https://a.b"}),
        ('<a href="tg://user?id=1001">x</a>', {"type": "text_mention", "user": ANNA}),
        ('<pre><code class="language-python">x</code></pre>', {"type": "pre", "language": "python"}),
        ("<pre><code>x</code></pre>", {"type": "pre"}),
        ("<blockquote expandable>x</blockquote>", {"type": "expandable_blockquote"}),
        ('<tg-emoji emoji-id="5368324170671202286">x</tg-emoji>', {"type": "custom_emoji", "custom_emoji_id": "5368324170671202286"}),
        ('<tg-time unix="1764000000" format="wDT">x</tg-time>', {"type": "date_time", "unix_time": 1764000000, "date_time_format": "wDT"}),
    ],
)
def test_attributes_say_more(markup, fields):
    (entity,) = parse_html(markup, {1001: ANNA}).entities
    assert {name: getattr(entity, name) for name in fields} == fields


@pytest.mark.parametrize("markup", ['<a href="tg://user?id=5">x</a>', '<a href="no address">x</a>', "<a>x</a>", "<b></b>x", '<a href="https://a.b"></a>x'])
def test_what_marks_nothing_is_left_as_text(markup):
    assert parsed(markup) == ("x", [])


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("&lt;&gt;&amp;&quot;", '<>&"'),
        ("&#60;&#x3C;&#x3c;&#128512;", "<<<😀"),
        ("&lt &amp &#65", "< & A"),
        ("&nbsp;&copy;&laquo;&AMP;", "&nbsp;&copy;&laquo;&AMP;"),
        ("&#0;&#xD800;&#12345678;&#x110000;&#;&#x;", "&#0;&#xD800;&#12345678;&#x110000;&#;&#x;"),
        ("a & b && c &", "a & b && c &"),
        ("a > b", "a > b"),
    ],
)
def test_only_four_names_and_numbers_stand_for_a_character(markup, text):
    assert parsed(markup) == (text, [])


@pytest.mark.parametrize(
    ("markup", "tail"),
    [
        ("hello <div>", 'Unsupported start tag "div" at byte offset 6'),
        ("★ <p>", 'Unsupported start tag "p" at byte offset 4'),
        ("a < b > c", 'Unsupported start tag "" at byte offset 2'),
        ("<br/>", 'Unsupported start tag "br/" at byte offset 0'),
        ("<!-- a -->", 'Unsupported start tag "!--" at byte offset 0'),
        ("a <b", "Unclosed start tag at byte offset 2"),
        ("1 <2", "Unclosed start tag at byte offset 2"),
        ("<b ", 'Empty attribute name in the tag "b" at byte offset 0'),
        ("<b a", 'Unclosed start tag "b" at byte offset 0'),
        ("<b a =", 'Unclosed start tag "b" at byte offset 0'),
        ('<a href="x>y', "Unclosed start tag at byte offset 0"),
        ("<i =a>", 'Empty attribute name in the tag "i" at byte offset 0'),
        ("<i a=b,c>", "Unexpected end of name token at byte offset 5"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('x<span class="red">x</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 1'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b><i>x", 'Can\'t find end tag corresponding to start tag "i"'),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b><i>é</b></i>", 'Unmatched end tag at byte offset 8, expected "</i>", found "</b>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</b></b>", "Unexpected end tag at byte offset 8"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<b>x</b x>", "Unclosed end tag at byte offset 4"),
        ('<tg-emoji emoji-id="x">a</tg-emoji>', "Invalid custom emoji identifier specified"),
        ('<tg-time unix="now">a</tg-time>', "Invalid Unix time specified"),
    ],
)
def test_each_failure_has_telegrams_words(markup, tail):
    with pytest.raises(Failure) as caught:
        parse_html(markup, {})
    assert (caught.value.status, caught.value.description) == (400, f"Bad Request: can't parse entities: {tail}")


@pytest.mark.parametrize(
    ("markup", "entities"),
    [
        ("<b>a<i>b</i></b>", [("bold", 0, 2), ("italic", 1, 1)]),
        ("<b>a<b>b</b></b>", [("bold", 0, 2)]),
        ("<b>a<code>b</code>c</b>", [("bold", 0, 1), ("code", 1, 1), ("bold", 2, 1)]),
        ("<code>a<b>b</b></code>", [("code", 0, 2)]),
        ("<pre>a<b>b</b></pre>", [("pre", 0, 2)]),
        ('<a href="https://a.b">a<code>b</code></a>', [("text_link", 0, 2)]),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>", [("blockquote", 0, 2)]),
        ("<blockquote>a<code>b</code></blockquote>", [("blockquote", 0, 2), ("code", 1, 1)]),
        ("  <b> a </b>  ", [("bold", 0, 2)]),
        ("a<b> </b>", []),
        ("<b>a</b>" * 120, [("bold", place, 1) for place in range(100)]),
    ],
)
def test_what_may_stand_in_what(markup, entities):
    assert stored(markup)[1] == entities


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("go to https://a.b/c?d=(e).", [("url", "https://a.b/c?d=(e")]),
        ("mail me@mail.example.org!", [("email", "me@mail.example.org")]),
        ("/start now, not a/b or //c, /help@some_bot", [("bot_command", "/start"), ("bot_command", "/help@some_bot")]),
        ("@anna_1 and me@x.y1 and @ab", [("mention", "@anna_1")]),
        ("#продам #1 #a1 ##b", [("hashtag", "#продам"), ("hashtag", "#a1")]),
        ("$BTC $usd $TOOLONGNAME $5", [("cashtag", "$BTC")]),
        ("😀 /go", [("bot_command", "/go")]),
        ("StatTrak™ AK-47 | Redline (Field-Tested) 1/2 12.50$", []),
    ],
)
def test_what_telegram_finds_by_itself(text, found):
    entities = tidy(Formatted(text)).entities
    assert [(one.type, cut(text, one.offset, one.length)) for one in entities] == found


def test_nothing_is_found_inside_code_and_links():
    assert stored("<code>/a</code> <pre>@anna</pre> <a href='https://a.b'>#tag</a> <b>/b</b>")[1] == [
        ("code", 0, 2),
        ("pre", 3, 5),
        ("text_link", 9, 4),
        ("bold", 14, 2),
        ("bot_command", 14, 2),
    ]


@given(TEXTS)
def test_any_text_comes_back_when_it_is_escaped(text):
    assert parsed(escape(text, quote=False)) == (clean(text), [])
    assert parsed(escape(text)) == (clean(text), [])


@given(TEXTS, TEXTS, st.sampled_from(sorted(STYLES)))
def test_an_entity_names_its_text_in_utf_16(before, inside, tag):
    text, entities = parsed(f"{escape(before)}<{tag}>{escape(inside)}</{tag}>")
    assert [cut(text, offset, length) for _, offset, length in entities] == ([clean(inside)] if clean(inside) else [])
    assert text == clean(before + inside)


TREES = st.recursive(TEXTS.map(escape), lambda inner: st.tuples(st.sampled_from(sorted(STYLES)), st.lists(inner, max_size=3)), max_leaves=8)


def written(tree):
    return tree if isinstance(tree, str) else f"<{tree[0]}>{''.join(map(written, tree[1]))}</{tree[0]}>"


@given(TREES)
def test_nested_styles_stay_in_order_inside_the_text(tree):
    text, entities = stored(written(tree))
    assert entities == sorted(entities, key=lambda one: (one[1], -one[2]))
    assert all(offset >= 0 and length > 0 and offset + length <= units(text) for _, offset, length in entities)
    assert text == text.rstrip(" \n")


def outcome(markup):
    """What a markup gives, or why it is refused."""
    try:
        return tidy(parse_html(markup, {})), None
    except Failure as failure:
        return Formatted(""), failure.description


@given(st.text("<>/&;#=\"' abi😀", max_size=30))
def test_any_markup_is_parsed_or_refused_with_a_reason(markup):
    found, reason = outcome(markup)
    assert reason is None or reason.startswith("Bad Request: can't parse entities: ")
    assert all(one.end <= units(found.text) for one in found.entities)
