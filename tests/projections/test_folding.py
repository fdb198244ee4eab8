"""test_folding: is a read model the same, however its events came: one by one, in batches, or all at once?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection

from aggregates.envelope import Recorded
from tests.databases import Database
from tests.projections.harness import Build, build, connected, projection_of
from tests.projections.histories import LENIENT, logs

OF_TICKETS = ["tickets", "queues", "reports", "sla", "trail", "search", "figures"]


@pytest.fixture(scope="module")
def connection(module_database: Database) -> Iterator[Connection[Any]]:
    with connected(module_database) as connection:
        yield connection


@cache
def built(connection: Connection[Any], name: str, n: int) -> Build:
    """The same few builds serve all examples: each erases what it wrote."""
    return build(connection, name)


def batches(log: list[Recorded], cuts: list[int]) -> list[list[Recorded]]:
    ends = sorted({min(cut, len(log)) for cut in cuts} | {len(log)})
    return [log[start:end] for start, end in zip([0, *ends], ends, strict=False) if start < end]


def rows_of(subject: Build) -> dict[Any, Any]:
    streams = list({event.stream for event in subject.log})
    return dict(subject.projection.load(subject.connection, streams))


@pytest.mark.parametrize("name", OF_TICKETS)
@given(log=logs(), cuts=st.lists(st.integers(0, 60), max_size=5))
@LENIENT
def test_one_by_one_in_batches_and_from_the_whole_history_agree(
    connection: Connection[Any], name: str, log: list[Recorded], cuts: list[int]
) -> None:
    alone, together, rebuilt = (built(connection, name, n) for n in range(3))
    with connection.transaction():
        alone.enter()
        for event in log:
            alone.apply([event])
        rows = rows_of(alone)
        together.enter()
        for batch in batches(log, cuts):
            together.apply(batch)
        rebuilt.enter()
        assert rebuilt.copy(log) == rows
    assert alone.contents() == together.contents() == rebuilt.contents()
    for subject in (alone, together, rebuilt):
        subject.emptied()


@pytest.mark.parametrize("name", OF_TICKETS)
@given(log=logs())
@settings(LENIENT, max_examples=200)
def test_a_fold_leaves_the_row_before_it_alone(name: str, log: list[Recorded]) -> None:
    projection = projection_of(name)
    rows: dict[Any, Any] = {}
    for event in log:
        before = rows.get(event.stream)
        told = repr(before)
        rows[event.stream] = projection.fold(before, event) or projection.refold(
            [e for e in log if e.stream == event.stream and e.version <= event.version]
        )
        assert repr(before) == told


@given(log=logs())
@LENIENT
def test_the_counts_are_those_of_a_plain_group_by(connection: Connection[Any], log: list[Recorded]) -> None:
    queues = built(connection, "queues", 0)
    queues.enter()
    for batch in batches(log, [len(log) // 3, len(log) // 2]):
        queues.apply(batch)
        assert connection.execute(COUNTED).fetchall() == connection.execute(GROUPED).fetchall()
    queues.projection.erase(connection, [log[0].stream])
    assert connection.execute(COUNTED).fetchall() == connection.execute(GROUPED).fetchall()
    queues.emptied()


COUNTED = "SELECT shard, team, status, priority, unassigned, tickets FROM queue_counts ORDER BY 1, 2, 3, 4, 5"
GROUPED = """
SELECT ('x' || left(stream::text, 8))::bit(32)::bigint % 12, team, status, priority, assignee IS NULL, count(*)
  FROM queues WHERE status <> 'closed' AND opened_at IS NOT NULL GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""
