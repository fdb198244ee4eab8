"""The append function, driven at random, must agree with a few dictionaries."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, ClassVar
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from commands.append import Append, Outcome, Write, append_blocking
from commands.database import connect
from commands.log import read_after, read_head
from tests.commands.samples import notes
from tests.databases import Database

streams = st.integers(1, 4)
ids = st.integers(100, 110)
runs = count(1)


@st.composite
def writes(draw: st.DrawFn) -> tuple[tuple[int, int, int], ...]:
    """(stream, how far off the expected version is, events)."""
    chosen = draw(st.lists(streams, min_size=1, max_size=2, unique=True))
    return tuple((stream, draw(st.sampled_from([0, 0, 0, 1, -1])), draw(st.integers(1, 3))) for stream in chosen)


commands = st.fixed_dictionaries(
    {
        "id": ids,
        "request": st.sampled_from([b"a", b"a", b"b"]),
        "writes": writes(),
        "reads": st.lists(st.tuples(streams, st.sampled_from([0, 0, 1])), max_size=1),
        "names": st.lists(st.tuples(st.sampled_from([b"x", b"y"]), streams), max_size=1),
    }
)


class StoreMachine(RuleBasedStateMachine):
    db: ClassVar[psycopg.Connection[Any]]

    @initialize()
    def start(self) -> None:
        """Every run has streams, ids and names of its own behind the log of the runs before it."""
        self.run = next(runs)
        self.offset = self.head = read_head(self.db).position
        self.versions = {self.uuid(n): 0 for n in range(1, 5)}
        self.done: dict[UUID, tuple[bytes, Outcome]] = {}
        self.names: dict[bytes, UUID] = {}

    def uuid(self, n: int) -> UUID:
        return UUID(int=self.run * 1_000 + n)

    @rule(batch=st.lists(commands, min_size=1, max_size=5))
    def append(self, batch: list[dict[str, Any]]) -> None:
        asked, expected = [], []
        guess = dict(self.versions)
        for drawn in batch:
            command = self.build(drawn, guess)
            asked.append(command)
            for write in command.writes:
                guess[write.stream] = write.expected + len(write.events)
        for command in asked:
            expected.append(self.predict(command))
        assert append_blocking(self.db, asked) == expected

    def build(self, drawn: dict[str, Any], guess: dict[UUID, int]) -> Append:
        return Append(
            self.uuid(drawn["id"]),
            "ada",
            drawn["request"],
            tuple(
                Write(self.uuid(n), max(0, guess[self.uuid(n)] + off), notes(events))
                for n, off, events in drawn["writes"]
            ),
            tuple((self.uuid(n), guess[self.uuid(n)] + off) for n, off in drawn["reads"]),
            tuple((f"run {self.run}", key, self.uuid(n)) for key, n in drawn["names"]),
        )

    def predict(self, command: Append) -> Outcome:
        if command.command_id in self.done:
            request, first = self.done[command.command_id]
            return first if request == command.request else Outcome("reused", first.first_position, first.last_position)
        if any(self.versions[write.stream] != write.expected for write in command.writes):
            return Outcome("conflict")
        written = {write.stream for write in command.writes}
        if any(self.versions[stream] != version or stream in written for stream, version in command.reads):
            return Outcome("stale_read")
        if any(self.names.get(key, stream) != stream for _, key, stream in command.reserve):
            return Outcome("reserved")
        return self.accept(command)

    def accept(self, command: Append) -> Outcome:
        first = self.head + 1
        for write in command.writes:
            self.versions[write.stream] += len(write.events)
            self.head += len(write.events)
        self.names |= {key: stream for _, key, stream in command.reserve}
        self.done[command.command_id] = (command.request, Outcome("duplicate", first, self.head))
        return Outcome("accepted", first, self.head)

    @invariant()
    def the_log_is_what_was_accepted(self) -> None:
        if not hasattr(self, "head"):
            return
        assert read_head(self.db).position == self.head
        events = read_after(self.db, self.offset, 10_000)
        assert [event.position for event in events] == list(range(self.offset + 1, self.head + 1))
        last = {event.stream: event.version for event in events}
        assert last == {stream: version for stream, version in self.versions.items() if version}


@pytest.fixture
def db(database: Database) -> Iterator[psycopg.Connection[Any]]:
    with connect(database.app_url, name="machine") as connection:
        yield connection


def test_the_append_function_agrees_with_the_model(db: psycopg.Connection[Any]) -> None:
    StoreMachine.db = db
    run_state_machine_as_test(
        StoreMachine,
        settings=settings(
            max_examples=60, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    broken = """
        SELECT count(*) FROM (
            SELECT hash, store.chain(lag(hash, 1, decode(repeat('00', 32), 'hex')) OVER log, notification_id,
                originator_id, originator_version, topic, recorded_at, state) AS expected
              FROM store.events WINDOW log AS (ORDER BY notification_id)) AS e
         WHERE hash <> expected"""
    assert db.execute(broken).fetchone() == (0,)
    assert read_head(db).position > 100
