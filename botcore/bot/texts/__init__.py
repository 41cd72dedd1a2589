"""The bot's words in each language, and how values get into them. Pure.

A text is a template: ``{title}`` is a value, ``{count:find|finds}`` a number with the word in the form that it wants, in as
many forms as the language has: two in English (1, many), three in Russian (1, 2 to 4, many).
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping
from html import escape

from botcore.bot.split import shorten_text
from botcore.bot.texts import english, russian

__all__ = ["LANGUAGES", "Markup", "clean", "has", "label", "language", "say"]

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": english.WORDS, "ru": russian.WORDS}
READS_RUSSIAN = frozenset({"ru", "uk", "be", "kk"})
LONG = 300
"""Units to which a value from outside is shortened where its place asks for no less."""
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_ISOLATE, _ISOLATED = "\u2068", "\u2069"
FIRM = "\u00a0"
"""A space at which no line is broken: between a number and its unit, and between thousands in Russian."""
_SPACES = re.compile(rf"[^\S{FIRM}]+")


class Markup(str):
    """HTML of our own making, which is not escaped again."""

    __slots__ = ()


def language(code: str | None) -> str:
    """The language of ours for a user's ``language_code``: Russian for ``ru``, ``uk``, ``be`` and ``kk``, else English."""
    return "ru" if (code or "").lower().replace("_", "-").split("-")[0] in READS_RUSSIAN else "en"


def say(lang: str, key: str, **values: object) -> Markup:
    """A text as HTML. Numbers are grouped, strings cleaned, shortened and escaped; only ``Markup`` goes in as it is."""
    return Markup(_Html(lang).vformat(_words(lang)[key], (), values))


def label(lang: str, key: str, **values: object) -> str:
    """A text for places that know no markup: a button, or an entry of the command menu."""
    return _Plain(lang).vformat(_words(lang)[key], (), values)


def has(lang: str, key: str) -> bool:
    """Whether there is such a text."""
    return key in _words(lang)


def clean(text: str, most: int = LONG) -> str:
    """Text from outside in one line, without what cannot be seen, at most ``most`` units."""
    line = _SPACES.sub(" ", text)
    if not line.isprintable():
        line = "".join(letter for letter in line if letter.isprintable() or letter == FIRM)
    return shorten_text(line.strip(), most)


class _Plain(string.Formatter):
    """Puts values into a template."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def format_field(self, value: object, format_spec: str) -> str:
        """A value as it is shown; the forms of the word that a number counts are its ``format_spec``."""
        if isinstance(value, int):
            number = f"{value:,}" if self.lang != "ru" else f"{value:,}".replace(",", FIRM)
            return f"{number} {_form(value, format_spec.split('|'))}" if format_spec else number
        return _isolated(clean(str(value)))


class _Html(_Plain):
    """The same where markup is read."""

    def format_field(self, value: object, format_spec: str) -> str:
        """A value as it is shown, with nothing in it that is taken for markup."""
        return value if isinstance(value, Markup) else escape(super().format_field(value, format_spec), quote=False)


def _words(lang: str) -> Mapping[str, str]:
    return LANGUAGES.get(lang, english.WORDS)


def _form(number: int, forms: list[str]) -> str:
    """The form that a number wants; how many forms there are tells which rule holds."""
    if len(forms) == 2:  # noqa: PLR2004 - one and many
        return forms[number != 1]
    ones, tens = abs(number) % 10, abs(number) // 10 % 10
    return forms[2 if tens == 1 or ones == 0 or ones > 4 else int(ones > 1)]  # noqa: PLR2004 - 1, 2 to 4, and the rest


def _isolated(text: str) -> str:
    """Text that runs from right to left must not turn the prices beside it around."""
    return f"{_ISOLATE}{text}{_ISOLATED}" if any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in text) else text
