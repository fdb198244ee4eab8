"""test_search_words: is what people write found in the forms in which others look for it, and by nothing else?"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg import Connection

from projections.languages import folded
from projections.search_asked import asked
from projections.search_snippets import WIDTH, marked, snippet
from projections.search_words import Index
from tests.databases import Database
from tests.projections.harness import connected
from tests.projections.histories import LENIENT

SAID = tomllib.loads(Path(__file__).with_name("sentences.toml").read_text("utf-8"))["said"]
HOSTILE = st.text(st.sampled_from("'\"\\:*&|!()<->aA -打印机éё\u0301\ufffd%{}\t\n"), max_size=40) | st.text(max_size=60)


@pytest.fixture(scope="module")
def connection(module_database: Database) -> Iterator[Connection[Any]]:
    with connected(module_database) as connection:
        yield connection


def vector(*texts: str) -> str:
    """Of a text, or of a subject and a text."""
    index = Index()
    for text in texts:
        index.add(text, "D" if text is texts[-1] else "A")
    return index.vector()


def finds(connection: Connection[Any], query: str, text: str, *, in_body: bool = False) -> bool:
    what = asked(query, in_body=in_body)
    if what is None:
        return False
    row = connection.execute("SELECT %s::tsvector @@ %s::tsquery", (vector(text), what.tsquery)).fetchone()
    assert row is not None
    return bool(row[0])


@pytest.mark.parametrize("said", SAID, ids=lambda said: said["text"].strip()[:30])
def test_a_text_is_found_in_other_forms_and_not_by_other_words(
    connection: Connection[Any], said: dict[str, str]
) -> None:
    assert [word for word in said["found"].split() if not finds(connection, word, said["text"])] == []
    assert [word for word in said["not_found"].split() if finds(connection, word, said["text"])] == []


@pytest.mark.parametrize("said", SAID, ids=lambda said: said["text"].strip()[:30])
def test_the_language_of_a_text_is_found(said: dict[str, str]) -> None:
    assert Index().add(said["text"], "D") == said["language"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12345 67-89",
        "XKC-4042",
        "Xyzzy qwrtp",
        "Ελληνικά",
        "!?",
        "👍",
        "Der Drucker druckt seit gestern nicht mehr.",
    ],
)
def test_what_is_in_no_language_for_sure_is_in_none(text: str) -> None:
    assert Index().add(text, "D") is None


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("paper jam", True), ("jam paper", True), ('"paper jam"', True), ('"jam paper"', False), ("paper -jam", False),
        ("paper -scanner", True), ("scanner OR printers", True), ("scanner or fax", False), ("-scanner", False),
        ('paper -"tray two"', False), ('paper -"two tray"', True), ("the", True), ("the scanner", False),
        ("what is jamming the printer?", True), ('"printer has"', True), ('"printers has"', False),
        ("“paper jam”", True), ("»paper jam«", True), ('"paper', True), ("paper-jam", True), ("jam-paper", False),
        ("", False), ("- & | !", False),
    ],
)  # fmt: skip
def test_words_phrases_without_and_or(connection: Connection[Any], query: str, is_found: bool) -> None:
    assert finds(connection, query, "The printer has a paper jam in tray two.") is is_found


def test_words_of_the_subject_and_the_text_find_it_together_but_no_phrase_across(connection: Connection[Any]) -> None:
    words = vector("Printer offline", "since yesterday")
    found = {
        query: connection.execute("SELECT %s::tsvector @@ %s::tsquery", (words, what.tsquery)).fetchone()
        for query, in_body in (("printer yesterday", False), ('"offline since"', False), ("printers", True))
        if (what := asked(query, in_body=in_body))
    }
    assert list(found.values()) == [(True,), (False,), (False,)]


def test_words_are_folded_as_people_leave_marks_out() -> None:
    assert [folded(word) for word in ("Čevelj", "ŽALOST", "Đuro", "naïve", "Straße", "ﬁle")] == [
        "cevelj", "zalost", "duro", "naive", "strasse", "file",
    ]  # fmt: skip
    assert folded("\u0401\u043b\u043a\u0438\u0439") == "\u0435\u043b\u043a\u0438\u0439"


@given(text=HOSTILE)
@example(text="'")
@example(text="\\")
@example(text="打")
@example(text="-打 OR OR -")
@LENIENT
def test_no_text_makes_a_malformed_query_or_vector(connection: Connection[Any], text: str) -> None:
    text = text.replace("\0", "")
    for in_body in (False, True):
        finds(connection, text, text, in_body=in_body)
    what = asked("a " + text)
    if what is not None:
        assert "".join(part.text for part in marked(text, what)) == text
        assert "".join(part.text for part in snippet(text, what)) in text


HAN = [chr(code) for code in range(0x4E00, 0x9F00)]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000,
        "".join(random.Random(1).choices(HAN, k=200_000)),
        HAN[0] * 50_000,
        " ".join(f"{chr(0x10D0) * 55}{n}" for n in range(30_000)),
    ],
    ids=["one word", "every pair another", "one pair", "long words"],
)
def test_however_long_a_text_is_postgres_takes_what_it_is_found_by(connection: Connection[Any], text: str) -> None:
    row = connection.execute("SELECT length(%s::tsvector)", (vector(text),)).fetchone()
    assert row is not None
    assert row[0] > 0


def test_a_snippet_is_where_most_of_it_is() -> None:
    what = asked("printers jam")
    assert what is not None
    text = "A printer. " + "word " * 200 + "The printer has a jam and jams again. " + "more " * 200
    parts = snippet(text, what)
    assert [part.text for part in parts if part.marked] == ["printer", "jam", "jams"]
    assert sum(len(part.text) for part in parts) <= WIDTH + 40


def test_pairs_of_characters_are_marked_as_one() -> None:
    what = asked("\u6253\u5370\u673a")
    assert what is not None
    assert [part.text for part in marked("\u6211\u7684\u6253\u5370\u673a\u574f\u4e86", what) if part.marked] == [
        "\u6253\u5370\u673a"
    ]
