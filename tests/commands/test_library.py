"""The eventsourcing library reads our log, and writes to it only through our recorder."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from threading import Timer
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, PersistenceError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from aggregates.ticket.events import NoteAdded
from commands.append import Write, append_blocking
from commands.database import connect
from commands.library import Event, EventLog, event_log
from tests.commands.samples import an_append, envelope, notes
from tests.databases import Database

STOCK_TYPE = """
CREATE TYPE store.stored_event_uuid AS (originator_id uuid, originator_version bigint, topic text, state bytea)
"""


@pytest.fixture
def log(database: Database) -> Iterator[EventLog]:
    with event_log(database.app_url) as application:
        yield application


def stock(url: str) -> PostgresApplicationRecorder:
    where: dict[str, Any] = conninfo_to_dict(url)
    datastore = PostgresDatastore(
        where["dbname"], where["host"], where["port"], where["user"], where["password"], schema="store", pool_size=2
    )
    return PostgresApplicationRecorder(datastore, events_table_name="events")


def test_events_saved_through_the_application_read_back_validated(log: EventLog) -> None:
    stream = uuid4()
    saved = [Event(stream, version, envelope(NoteAdded(body=f"note {version}"))) for version in (1, 2)]
    recordings = log.events.put(saved)
    assert [recording.notification.id for recording in recordings] == [1, 2]
    assert log.history(stream) == saved
    assert log.history(stream, upto=1) == saved[:1]


def test_our_recorder_says_integrity_error_when_somebody_was_first(log: EventLog) -> None:
    stream = uuid4()
    log.events.put([Event(stream, 1, envelope())])
    with pytest.raises(IntegrityError):
        log.events.put([Event(stream, 1, envelope())])


def test_a_retry_after_a_lost_answer_is_no_false_conflict(log: EventLog) -> None:
    event = Event(uuid4(), 1, envelope())
    stored = log.mapper.to_stored_event(event)
    assert list(log.recorder.insert_events([stored]) or []) == [1]
    assert list(log.recorder.insert_events([stored]) or []) == [1]


def test_the_stock_recorder_reads_our_table(database: Database) -> None:
    stream = uuid4()
    with connect(database.app_url, name="test") as connection:
        append_blocking(connection, [an_append(Write(stream, 0, notes(3)))])
    recorder = stock(database.app_url)
    with recorder.datastore:
        assert [event.originator_version for event in recorder.select_events(stream)] == [1, 2, 3]
        assert [event.id for event in recorder.select_notifications(2, 10)] == [2, 3]
        assert recorder.max_notification_id() == 3


def test_the_stock_subscription_is_woken_by_our_appends(database: Database) -> None:
    recorder = stock(database.app_url)

    def append() -> None:
        with connect(database.app_url, name="test") as connection:
            append_blocking(connection, [an_append(Write(uuid4(), 0, notes(2)))])

    with recorder.datastore, recorder.subscribe(gt=0) as subscription:
        Timer(0.3, append).start()
        Timer(20, subscription.stop).start()
        assert [notification.id for notification in islice(subscription, 2)] == [1, 2]


@pytest.mark.parametrize("who", ["app_url", "owner_url", "superuser_url"])
def test_the_stock_write_path_fails_whoever_tries(database: Database, who: str) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute(STOCK_TYPE)
        connection.execute("GRANT USAGE ON SCHEMA store TO chronodesk_owner")
    recorder = stock(getattr(database, who))
    with recorder.datastore, pytest.raises(PersistenceError):
        recorder.insert_events([StoredEvent(uuid4(), 1, "ticket.note_added.v1", b"{}")])
    with connect(database.app_url, name="test") as connection:
        assert connection.execute("SELECT count(*) FROM store.events").fetchone() == (0,)
