"""languages: which language is a line in, and what is the same in all forms of a word?

English and Russian words go to their Snowball stems, the ones that Postgres has, too. Snowball knows no Slovenian and
no Bulgarian: there a dictionary gives the word's base form, and endings are taken off it and off the word itself, which
the dictionary may not know. The same dictionaries, by counting, tell one language from another.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from threading import Lock
from types import MappingProxyType
from typing import Literal

import snowballstemmer
from simplemma.strategies import LOW_MEMORY_DICTIONARY_FACTORY, DictionaryLookupStrategy

Language = Literal["bg", "en", "ru", "sl", "zh"]
Script = Literal["latin", "cyrillic", "han"]
WRITTEN: Mapping[Script, tuple[Language, ...]] = MappingProxyType(
    {"latin": ("en", "sl"), "cyrillic": ("ru", "bg"), "han": ("zh",)}
)
SNOWBALL = MappingProxyType({"en": snowballstemmer.stemmer("english"), "ru": snowballstemmer.stemmer("russian")})
# Read where they lie: as Python dictionaries they would take hundreds of megabytes.
DICTIONARIES = DictionaryLookupStrategy(LOW_MEMORY_DICTIONARY_FACTORY)
# A Snowball stemmer keeps the word that it works on.
ONE_AT_A_TIME = Lock()
WORDS = tomllib.loads(files("projections").joinpath("languages.toml").read_text("utf-8"))
COMMON = frozenset(WORDS["common"].split())
"""Asked for only together with other words: nobody looks for a ticket by these."""
ENDINGS: Mapping[str, Sequence[str]] = MappingProxyType(
    {language: sorted(endings.split(), key=len, reverse=True) for language, endings in WORDS["endings"].items()}
)
VOWELS: Mapping[str, str] = MappingProxyType(WORDS["vowels"])
SHORTEST_STEM = 4
# Some base forms in the dictionaries are followed by a remark.
LETTERS = re.compile(r"[^\W\d_]+")
# Strokes do not come off as marks do; the breve of й makes a letter of its own.
STROKES = str.maketrans("đłø", "dlo")
SHORT_I = "\u0438\u0306"


def folded(word: str) -> str:
    """The word without case and diacritics."""
    bare = ""
    for char in unicodedata.normalize("NFKD", word.casefold()):
        if not unicodedata.combining(char) or bare[-1:] + char == SHORT_I:
            bare += char
    return unicodedata.normalize("NFC", bare).translate(STROKES)


def script(word: str) -> Script | None:
    """Of its first letter. None: a script that nobody here writes, or a number."""
    first = word[:1]
    if first < "\u0370":
        return "latin" if first.isalpha() else None
    if "\u0400" <= first <= "\u052f":
        return "cyrillic"
    return "han" if first.isalpha() and unicodedata.name(first, "").startswith("CJK") else None


def known(words: Collection[str], script: Script) -> dict[Language, int]:
    """How many of a line's words of one script, in small letters, each of its languages knows."""
    return {language: sum(_knows(language, word) for word in words) for language in WRITTEN[script]}


def plainly(known: Mapping[Language, int], words: int) -> Sequence[Language]:
    """The languages that so many words may be of: one that knows half of them, twice as many as any other; or all."""
    first, *others = sorted(known, key=lambda language: -known[language])
    most, second = known[first], max((known[other] for other in others), default=0)
    return [first] if most > 2 * second and 2 * most >= words else list(known)


@lru_cache(maxsize=100_000)
def stems(word: str, language: Language) -> tuple[str, ...]:
    """What all forms of a word, written in small letters, have in common: by the dictionary, and by their endings."""
    bare = folded(word)
    if language == "zh":
        return ()
    if language in SNOWBALL:
        with ONE_AT_A_TIME:
            return (str(SNOWBALL[language].stemWord(bare)),)
    base = LETTERS.match(folded(_base(word, language) or ""))
    return tuple(dict.fromkeys(_shortened(form, language) for form in (base.group() if base else bare, bare)))


def _shortened(word: str, language: Language) -> str:
    """Ending after ending: so that a word that looks as if it had one loses it in all its forms."""
    while True:
        ending = next((e for e in ENDINGS[language] if len(word) - len(e) >= SHORTEST_STEM and word.endswith(e)), "")
        if not ending:
            return word[:-1] if len(word) == SHORTEST_STEM and word[-1] in VOWELS[language] else word
        word = word.removesuffix(ending)


def _knows(language: Language, word: str) -> bool:
    return language == "zh" or (len(word) > 1 and _base(word, language) is not None)


@lru_cache(maxsize=200_000)
def _base(word: str, language: Language) -> str | None:
    """The word's base form, if the dictionary knows it; Slovenian is often typed without its diacritics."""
    known = DICTIONARIES.get_lemma(word, language)
    if known is None and language == "sl":
        return DICTIONARIES.get_lemma(_marked().get(word, word), language)
    return known


@cache
def _marked() -> Mapping[str, str]:
    """Slovenian words as they are written, by what is left of them without diacritics. A second to make."""
    words = LOW_MEMORY_DICTIONARY_FACTORY.get_dictionary("sl")
    return {bare: word for word in words if not word.isascii() and (bare := folded(word)) != word}
