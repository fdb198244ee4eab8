"""search_words: which words are in a text, and under which names are they found?

A word is found as it stands, without case and diacritics, and under its stem in each language that it may be of:
`en/print` is no word of another language. Chinese is found by each two neighbouring characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from projections.languages import COMMON, WRITTEN, Language, Script, folded, known, plainly, script, stems

Weight = Literal["A", "D"]
"""Of a subject, or of what was written under it."""
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
WORD = re.compile(rf"[{HAN}]+|(?:(?![{HAN}_])[\w\u0300-\u036f])+")
LONGEST_WORD = 64
# Postgres takes a megabyte of lexemes and places.
MOST_BYTES = 500_000
SHORTEST_STEMMED = 3
GAP = 2
"""So that no phrase goes on from the subject to the text."""


class Token(NamedTuple):
    """A word, or two Chinese characters, and where in the text it is.

    written   in small letters, with its diacritics
    last      it is the last character of a Chinese run, which a lone character is found by
    """

    start: int
    end: int
    written: str
    word: str
    last: bool = False


@dataclass(slots=True)
class Index:
    """What a text is found by: the places of each lexeme, as a tsvector has them."""

    places: dict[str, list[str]] = field(default_factory=dict)
    place: int = 0
    size: int = 0

    def add(self, text: str, weight: Weight) -> Language | None:
        """One text more, behind what there is. The language of most of its words, if there is one."""
        counts: Counter[Language] = Counter()
        first = self.place = self.place + GAP if self.place else 0
        for line in text.splitlines():
            if self.size < MOST_BYTES:
                counts.update(self._add_line(line, weight))
        (language, most), (_, second) = [*counts.most_common(2), (None, 0), (None, 0)][:2]
        return language if most > second and 2 * most >= self.place - first else None

    def vector(self) -> str:
        return " ".join(f"{quoted(lexeme)}:{','.join(places)}" for lexeme, places in self.places.items())

    def _add_line(self, line: str, weight: Weight) -> Mapping[Language, int]:
        found = [(token, script(token.written)) for token in tokens(line)]
        written: dict[Script, list[str]] = {kind: [] for kind in WRITTEN}
        for token, kind in found:
            if kind is not None:
                written[kind].append(token.written)
        counts = {kind: known(words, kind) for kind, words in written.items()}
        spoken = {kind: plainly(counts[kind], len(words)) for kind, words in written.items()}
        for token, kind in found:
            if self.size >= MOST_BYTES:
                break
            self.place += 1
            for lexeme in (token.word, *named(token, spoken[kind] if kind else ())):
                self._add(lexeme, weight)
        return {language: count for of in counts.values() for language, count in of.items()}

    def _add(self, lexeme: str, weight: Weight) -> None:
        if lexeme not in self.places:
            self.places[lexeme] = []
            self.size += len(lexeme.encode()) + 8
        self.places[lexeme].append(f"{self.place}{weight}")
        self.size += 2


def tokens(text: str) -> Iterator[Token]:
    for found in WORD.finditer(text):
        start, run = found.start(), found.group()
        if script(run) == "han":
            yield from _pairs(start, run)
            continue
        written, word = _both(run)
        if word:
            yield Token(start, found.end(), written, word)


def named(token: Token, languages: Iterable[Language]) -> list[str]:
    """The names under which a word's other forms are found."""
    if len(token.word) < SHORTEST_STEMMED or token.word in COMMON or not token.written.isalpha():
        return []
    return [f"{language}/{stem}" for language in languages for stem in stems(token.written, language)]


def forms(token: Token) -> list[str]:
    """All names under which a word of a language that is not known may be found."""
    kind = script(token.written)
    return [token.word, *named(token, WRITTEN[kind] if kind else ())]


def quoted(lexeme: str) -> str:
    """As tsvector and tsquery read it."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _pairs(start: int, run: str) -> Iterator[Token]:
    run = unicodedata.normalize("NFC", run)
    for place in range(len(run)):
        pair = run[place : place + 2]
        yield Token(start + place, start + place + len(pair), pair, pair, len(pair) == 1)


@lru_cache(maxsize=100_000)
def _both(run: str) -> tuple[str, str]:
    return unicodedata.normalize("NFC", run).lower()[:LONGEST_WORD], folded(run)[:LONGEST_WORD]
