"""test_survey_clock: is every customer asked once, whoever looks, and whenever it dies?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import psycopg
import pytest
from psycopg import Connection

from aggregates.customer import AskedToRate, CustomerRegistered
from aggregates.envelope import Actor, ActorKind, Envelope, Recorded, encode, recorded
from aggregates.fact import Fact
from aggregates.sla.noting import event_id
from aggregates.surveys.surveys import SURVEY_LIST, SurveyPublished
from aggregates.surveys.terms import SurveyTerms
from aggregates.ticket import events as t
from commands.append import Append, Write, append_blocking
from commands.log import read_streams
from consumers import survey_clock
from consumers.survey_clock import BATCH, SurveyClock, ask, find
from tests.consumers.rig import await_true, running
from tests.databases import Database

CSAT, PERIODIC, ANNA, ADA, SUPPORT = (UUID(int=0xC0 + n) for n in range(5))
RESOLVED = t.Resolved(was="open", code="solved")
WAITING = "SELECT count(*) FROM consumers.survey_due"


@dataclass
class Desk:
    url: str
    connection: Connection[Any]

    def told(self, stream: UUID, *facts: Fact, at: datetime | None = None, by: ActorKind = "agent") -> None:
        command, version = uuid4(), len(self.history(stream))
        actor = Actor(kind=by, id=str(ADA))
        events = tuple(
            (
                fact.type_name,
                encode(
                    Envelope[Any](actor=actor, command_id=command, correlation_id=command, occurred_at=at, fact=fact)
                ),
            )
            for fact in facts
        )
        [outcome] = append_blocking(self.connection, [Append(command, "test", b"", (Write(stream, version, events),))])
        assert outcome.kind == "accepted"

    def publish(self, survey: UUID = CSAT, **given: Any) -> None:
        terms = SurveyTerms.model_validate({"name": "x", "delay": 0, **given})
        self.told(SURVEY_LIST, SurveyPublished(survey=survey, terms=terms))

    def customer(self) -> UUID:
        customer = uuid4()
        self.told(customer, CustomerRegistered(name="Anna"))
        return customer

    def resolved(self, customer: UUID, *more: Fact, at: datetime | None = None, by: ActorKind = "agent") -> UUID:
        ticket = uuid4()
        opened = t.Opened(number=ticket.int % 10**9, requester=customer, subject="Fire", channel="email", team=SUPPORT)
        self.told(ticket, opened, t.Assigned(agent=ADA), RESOLVED, *more, at=at, by=by)
        return ticket

    def look(self) -> None:
        """Until nothing is due any more."""
        while find(self.connection) or ask(self.connection):
            pass

    def history(self, stream: UUID) -> list[Recorded]:
        return [recorded(stored) for stored in read_streams(self.connection, [(stream, 0)])]

    def asked(self, ticket: UUID) -> list[t.SatisfactionRequested]:
        return [e.fact for e in self.history(ticket) if isinstance(e.fact, t.SatisfactionRequested)]

    def count(self, statement: Any, *values: Any) -> int:
        row = self.connection.execute(statement, values).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        yield Desk(database.app_url, connection)


def test_a_resolved_tickets_customer_is_asked_once_and_both_streams_say_so(desk: Desk) -> None:
    desk.publish()
    anna = desk.customer()
    ticket = desk.resolved(anna)
    desk.look()
    desk.look()
    [request] = desk.asked(ticket)
    assert (request.survey, request.survey_version, request.agent, request.team) == (CSAT, 1, ADA, SUPPORT)
    noted = desk.history(ticket)[-1]
    assert request.expires_at - noted.recorded_at == pytest.approx(timedelta(days=14), abs=timedelta(seconds=5))
    assert noted.envelope.causation_id == event_id(ticket, 3)
    assert noted.envelope.subject is None
    told = desk.history(anna)[-1]
    assert isinstance(told.fact, AskedToRate)
    assert (told.fact.ticket, told.fact.request) == (ticket, request.request)
    assert told.envelope.command_id == noted.envelope.command_id == uuid5(ticket, f"survey {CSAT} 3")
    assert desk.count(WAITING) == 0


def test_nobody_is_asked_about_what_was_resolved_before_there_was_a_survey(desk: Desk) -> None:
    ticket = desk.resolved(desk.customer())
    desk.publish()
    desk.look()
    assert desk.asked(ticket) == []


def test_a_delay_is_kept_and_a_ticket_reopened_meanwhile_asks_nobody(desk: Desk) -> None:
    desk.publish(delay=3_600)
    kept, reopened = desk.resolved(desk.customer()), desk.resolved(desk.customer())
    desk.look()
    assert (desk.asked(kept), desk.count(WAITING)) == ([], 2)
    desk.told(reopened, t.Reopened(was="resolved", cause="message"))
    with psycopg.connect(desk.url) as connection:
        connection.execute("UPDATE consumers.survey_due SET due_at = due_at - interval '2 hours'")
    desk.look()
    # Decided by the ticket's own stream: what the row says only tells when to look.
    assert (desk.asked(kept), desk.asked(reopened)) == ([], [])
    assert desk.count(WAITING) == 1


def test_imported_history_asks_nobody_and_what_is_resolved_here_after_it_does(desk: Desk) -> None:
    desk.publish()
    long_ago = datetime.fromisoformat("2012-05-01T00:00:00+00:00")
    recent = desk.history(SURVEY_LIST)[0].recorded_at
    old = [
        desk.resolved(desk.customer(), t.Imported(source="log", case=str(at)), at=at, by="import")
        for at in (long_ago, recent)
    ]
    here = desk.resolved(desk.customer(), t.Imported(source="log", case="3"), t.Reopened(was="resolved", cause="agent"))
    desk.told(here, RESOLVED)
    desk.look()
    assert [len(desk.asked(ticket)) for ticket in (*old, here)] == [0, 0, 1]
    assert desk.count(WAITING) == 0


def test_a_customer_with_many_tickets_is_asked_as_often_as_the_survey_says(desk: Desk) -> None:
    desk.publish(rest_days=7)
    anna = desk.customer()
    tickets = [desk.resolved(anna) for _ in range(5)]
    other = desk.resolved(desk.customer())
    desk.look()
    assert sum(len(desk.asked(ticket)) for ticket in tickets) == 1
    assert len(desk.asked(other)) == 1


def test_a_periodic_survey_asks_each_customer_about_what_was_resolved_last(desk: Desk) -> None:
    desk.publish(PERIODIC, every_days=90)
    anna = desk.customer()
    tickets = [desk.resolved(anna) for _ in range(3)]
    desk.look()
    assert [len(desk.asked(ticket)) for ticket in tickets] == [0, 0, 1]
    assert desk.count(WAITING) == 0, "what was resolved before it is done with"
    later = desk.resolved(anna)
    desk.look()
    assert desk.asked(later) == []
    waits = "SELECT extract(epoch FROM due_at - clock_timestamp()) / 86400 FROM consumers.survey_due"
    assert desk.count(waits) == 89


def test_two_at_once_ask_nobody_twice(desk: Desk) -> None:
    """Two that both take themselves for the active one."""
    desk.publish(rest_days=1)
    customers = [desk.customer() for _ in range(20)]
    tickets = {customer: [desk.resolved(customer) for _ in range(3)] for customer in customers}
    barrier = threading.Barrier(4)

    def clock() -> None:
        with psycopg.connect(desk.url, autocommit=True) as connection:
            barrier.wait()
            while find(connection) or ask(connection):
                pass

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(clock) for _ in range(4)]:
            done.result()
    asked = {customer: sum(len(desk.asked(ticket)) for ticket in mine) for customer, mine in tickets.items()}
    assert set(asked.values()) == {1}
    assert desk.count(WAITING) == 0


class Died(Exception):
    pass


def die(*args: Any, **more: Any) -> Any:
    raise Died


def append_and_die(*args: Any) -> Any:
    append_blocking(*args)
    raise Died


@pytest.mark.parametrize(
    ("line", "death"),
    [("_kept", die), ("append_blocking", die), ("append_blocking", append_and_die), ("metrics.ASKED.inc", die)],
)
def test_a_clock_that_dies_at_any_line_neither_loses_nor_doubles(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, line: str, death: Any
) -> None:
    desk.publish()
    tickets = [desk.resolved(desk.customer()) for _ in range(3)]

    monkeypatch.setattr(f"consumers.survey_clock.{line}", death)
    with pytest.raises(Died):
        desk.look()
    monkeypatch.undo()
    desk.look()
    assert [len(desk.asked(ticket)) for ticket in tickets] == [1, 1, 1]
    assert desk.count(WAITING) == 0


def test_a_clock_that_forgot_everything_asks_nobody_again(desk: Desk) -> None:
    desk.publish(rest_days=7)
    anna = desk.customer()
    tickets = [desk.resolved(anna), desk.resolved(anna), desk.resolved(desk.customer())]
    desk.look()
    before = [len(desk.asked(ticket)) for ticket in tickets]
    desk.connection.execute("UPDATE consumers.survey_clock SET position = 0")
    desk.look()
    assert [len(desk.asked(ticket)) for ticket in tickets] == before


@pytest.mark.parametrize(
    ("meanwhile", "asked"), [(t.Reopened(was="resolved", cause="message"), 0), (t.NoteAdded(body="Phew."), 1)]
)
def test_a_ticket_written_to_meanwhile_is_looked_at_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, meanwhile: Fact, asked: int
) -> None:
    desk.publish()
    ticket = desk.resolved(desk.customer())
    find(desk.connection)

    def too_late(*args: Any) -> Any:
        monkeypatch.undo()
        desk.told(ticket, meanwhile)
        return append_blocking(*args)

    monkeypatch.setattr(survey_clock, "append_blocking", too_late)
    desk.look()
    assert (len(desk.asked(ticket)), desk.count(WAITING)) == (asked, 0)


def test_who_was_not_asked_after_all_is_asked_about_the_other_ticket(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.publish(rest_days=7)
    anna = desk.customer()
    older, newer = desk.resolved(anna), desk.resolved(anna)
    find(desk.connection)

    def too_late(*args: Any) -> Any:
        monkeypatch.undo()
        desk.told(newer, t.Reopened(was="resolved", cause="message"))
        return append_blocking(*args)

    monkeypatch.setattr(survey_clock, "append_blocking", too_late)
    desk.look()
    assert ([len(desk.asked(ticket)) for ticket in (older, newer)], desk.count(WAITING)) == ([1, 0], 0)


def test_one_look_settles_all_that_is_due_of_a_customer(desk: Desk) -> None:
    desk.publish()
    anna = desk.customer()
    tickets = [desk.resolved(anna) for _ in range(10)]
    find(desk.connection)
    assert ask(desk.connection) == 10
    assert ([len(desk.asked(ticket)) for ticket in tickets], desk.count(WAITING)) == ([1] * 10, 0)


def test_what_is_due_is_found_by_an_index(desk: Desk) -> None:
    desk.connection.execute(
        "INSERT INTO consumers.survey_due SELECT gen_random_uuid(), gen_random_uuid(), 1, n,"
        " clock_timestamp() + n * interval '1 second' FROM generate_series(1, 20000) n"
    )
    with psycopg.connect(desk.url, autocommit=True) as connection:
        asked = {"now": datetime.fromisoformat("2000-01-01T00:00:00+00:00"), "limit": BATCH}
        plan = connection.execute(b"EXPLAIN " + survey_clock.DUE.encode(), asked).fetchall()
    assert "survey_due_next" in str(plan)
    assert "Sort" not in str(plan)


CLOCK = """
import sys, threading
from consumers.survey_clock import SurveyClock
SurveyClock(sys.argv[1]).run(threading.Event())
"""


def test_kill_9_at_any_moment_while_tickets_are_resolved(desk: Desk) -> None:
    desk.publish()
    tickets: list[UUID] = []
    for wait in (0.7, 0.8, 0.9, 1.0):
        clock = subprocess.Popen([sys.executable, "-c", CLOCK, desk.url])
        try:
            end = time.monotonic() + wait
            while time.monotonic() < end:
                tickets.append(desk.resolved(desk.customer()))
        finally:
            os.kill(clock.pid, signal.SIGKILL)
            clock.wait(10)
    with running(surveys=SurveyClock(desk.url).run):
        await_true(
            lambda: desk.count("SELECT count(*) FROM store.events WHERE topic = %s", ASKED) >= len(tickets),
            "somebody was never asked",
        )
    assert Counter(len(desk.asked(ticket)) for ticket in tickets) == {1: len(tickets)}


ASKED = t.SatisfactionRequested.type_name
