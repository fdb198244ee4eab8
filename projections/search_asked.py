"""search_asked: what does somebody look for? Words, "phrases", -without and OR, as a tsquery that is never malformed.

The language of a query is not known: a word is looked for as it stands and by its stem in each language of its script.
What is written together, such as `ERR-4042` or an e-mail address, is looked for as a phrase. Of two neighbouring pairs
of characters in a longer Chinese word one suffices: the other may stand across two words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from projections.languages import COMMON
from projections.search_words import Token, forms, quoted, tokens

# What people type as quotation marks, on whatever keyboard.
QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"'))
PART = re.compile(r'(-?)"([^"]*)"?|[^\s"]+')
MOST_PARTS = 32
LONG_RUN = 3
"""Pairs of characters in a Chinese run of four."""
Forms = Callable[[Token], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A tsquery, and by which lexemes, or beginnings of lexemes, what it finds is recognised in a text."""

    tsquery: str
    lexemes: frozenset[str]
    beginnings: tuple[str, ...] = ()

    def finds(self, token: Token) -> bool:
        return token.word.startswith(self.beginnings) or not self.lexemes.isdisjoint(forms(token))


def asked(text: str, *, in_body: bool = False) -> Asked | None:
    """What to look for; in what stands under a subject alone, if `in_body`. None: there is no word in it."""
    reading = _Reading(in_body)
    groups: list[_Group] = [_Group()]
    for number, part in enumerate(PART.finditer(text.translate(QUOTES))):
        if number == MOST_PARTS:
            break
        if part.group().lower() == "or":
            groups.append(_Group())
        else:
            reading.take(part, groups[-1])
    wanted = [f"({expression})" for group in groups if (expression := group.expression())]
    return Asked(" | ".join(wanted), frozenset(reading.lexemes), tuple(reading.beginnings)) if wanted else None


@dataclass(slots=True)
class _Group:
    """Clauses that must all hold. `common` ones count only where there is nothing else."""

    wanted: list[str] = field(default_factory=list)
    common: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)

    def expression(self) -> str:
        wanted = self.wanted or self.common
        return " & ".join([*wanted, *self.unwanted]) if wanted else ""


class _Reading:
    """Turns parts into clauses, and remembers by what their finds are recognised."""

    def __init__(self, in_body: bool) -> None:
        self._weight = "D" if in_body else ""
        self.lexemes: set[str] = set()
        self.beginnings: list[str] = []

    def take(self, part: re.Match[str], group: _Group) -> None:
        phrase = part.group(2) is not None
        without = part.group(1) == "-" or (not phrase and part.group().startswith("-"))
        found = list(tokens(part.group(2) if phrase else part.group()))
        if not found:
            return
        if without:
            group.unwanted.append(f"!({self._clause(found, phrase, marked=False)})")
        elif len(found) == 1 and found[0].word in COMMON and not phrase:
            group.common.append(self._clause(found, phrase, marked=False))
        else:
            group.wanted.append(self._clause(found, phrase))

    def _clause(self, found: Sequence[Token], phrase: bool, *, marked: bool = True) -> str:
        placed = [(place, token) for place, token in enumerate(found) if not _closes_run(found, place)]
        if not phrase and len(placed) >= LONG_RUN and _one_run(found):
            return self._long_run([token for _, token in placed], marked)
        named: Forms = _verbatim if phrase else forms
        clause = self._any(placed[0][1], named, marked)
        for (before, _), (place, token) in pairwise(placed):
            clause += f" <{place - before}> {self._any(token, named, marked)}"
        return f"({clause})"

    def _long_run(self, found: Sequence[Token], marked: bool) -> str:
        two = [found[place : place + 2] for place in range(0, len(found), 2)]
        return " & ".join("(" + " | ".join(self._any(t, _verbatim, marked) for t in pair) + ")" for pair in two)

    def _any(self, token: Token, named: Forms, marked: bool) -> str:
        if token.last:
            if marked:
                self.beginnings.append(token.word)
            return f"{quoted(token.word)}:*{self._weight}"
        lexemes = list(dict.fromkeys(named(token)))
        if marked:
            self.lexemes.update(lexemes)
        suffix = f":{self._weight}" if self._weight else ""
        return "(" + " | ".join(quoted(lexeme) + suffix for lexeme in lexemes) + ")"


def _verbatim(token: Token) -> Sequence[str]:
    return (token.word,)


def _closes_run(found: Sequence[Token], place: int) -> bool:
    """The last character of a run that has pairs: these say all."""
    token = found[place]
    return token.last and place > 0 and found[place - 1].end == token.end


def _one_run(found: Sequence[Token]) -> bool:
    return found[-1].last and found[-1].end - found[0].start == len(found)
