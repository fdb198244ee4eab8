"""test_batch: does every value come back from an array literal as it went in?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from projections.batch import Table, array
from tests.databases import Database
from tests.projections.harness import connected
from tests.projections.histories import LENIENT, texts

zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(-timedelta(hours=9, minutes=30))])
moments = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=zones)  # noqa: DTZ001
awkward = st.sampled_from(
    ["", " ", "NULL", "null", '"', "\\", '\\"', "{}", "{a,b}", ",", "\n\t", "\\N", "\\.", "\r", " a ", "é𝄞\u202e"]
)


@pytest.fixture(scope="module")
def connection(module_database: Database) -> Iterator[Connection[Any]]:
    with connected(module_database) as connection:
        yield connection


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("SELECT %s::text[]", texts | awkward),
        ("SELECT %s::uuid[]", st.uuids()),
        ("SELECT %s::bigint[]", st.integers(-(2**63), 2**63 - 1)),
        ("SELECT %s::boolean[]", st.booleans()),
        ("SELECT %s::timestamptz[]", moments),
    ],
    ids=["text", "uuid", "bigint", "boolean", "timestamptz"],
)
def test_an_array_holds_what_was_put_in(
    connection: Connection[Any], query: str, values: st.SearchStrategy[Any]
) -> None:
    @given(st.lists(st.none() | values, max_size=6))
    @LENIENT
    def there_and_back(given_values: list[Any]) -> None:
        row = connection.execute(query, [array(given_values)], binary=True).fetchone()
        assert row == (given_values,)

    there_and_back()


CELLS = (texts | awkward, st.uuids(), st.integers(-(2**63), 2**63 - 1), st.booleans(), moments)


@given(rows=st.lists(st.tuples(*(st.none() | cell for cell in CELLS)), max_size=6))
@LENIENT
def test_a_copied_table_holds_what_was_put_in(connection: Connection[Any], rows: list[Any]) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("CREATE TEMP TABLE copied (a text, b uuid, c bigint, d boolean, e timestamptz)")
        Table("copied", "a b c d e", "").copy(connection, rows)
        assert connection.execute("SELECT * FROM copied", binary=True).fetchall() == rows


def test_arrays_lie_within_arrays(connection: Connection[Any]) -> None:
    inner = array(['quo"te', "b,c", "\\"])
    row = connection.execute("SELECT a::text[] FROM unnest(%s::text[]) AS a", [array([inner])]).fetchone()
    assert row == (['quo"te', "b,c", "\\"],)
