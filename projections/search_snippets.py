"""search_snippets: which stretch of a text shows why it was found? In parts: there is nothing to unescape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from projections.search_asked import Asked
from projections.search_words import tokens

WIDTH = 240
LEAD = 40
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Part:
    text: str
    marked: bool


def marked(text: str, asked: Asked) -> list[Part]:
    """The whole text."""
    return _parts(text, 0, len(text), _spans(text, asked))


def snippet(text: str, asked: Asked) -> list[Part]:
    """The stretch that most of it is in, beginning and ending between words."""
    spans = _spans(text, asked)
    start = _best(spans)
    begin = _between_words(text, start - LEAD) if start > LEAD else 0
    return _parts(text, begin, _between_words(text, begin + WIDTH), spans)


def _spans(text: str, asked: Asked) -> list[Span]:
    """What is found, in order; pairs of Chinese characters overlap, and become one."""
    spans: list[Span] = []
    for token in tokens(text):
        if asked.finds(token):
            if spans and token.start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(spans[-1][1], token.end))
            else:
                spans.append((token.start, token.end))
    return spans


def _best(spans: Sequence[Span]) -> int:
    """Where a stretch begins that holds as much as any."""
    best, most, last = 0, 0, 0
    for first, (start, _) in enumerate(spans):
        while last < len(spans) and spans[last][1] <= start + WIDTH - LEAD:
            last += 1
        if last - first > most:
            best, most = start, last - first
    return best


def _between_words(text: str, near: int) -> int:
    """The next space from there on, if it is not far."""
    if near >= len(text):
        return len(text)
    return next((place for place in range(near, min(near + LEAD // 2, len(text))) if text[place].isspace()), near)


def _parts(text: str, begin: int, end: int, spans: Sequence[Span]) -> list[Part]:
    parts, at = [], begin
    for start, stop in spans:
        if start < at or stop > end:
            continue
        parts += [Part(text[at:start], False), Part(text[start:stop], True)]
        at = stop
    parts.append(Part(text[at:end], False))
    return [part for part in parts if part.text]
