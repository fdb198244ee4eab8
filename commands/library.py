"""How does the `eventsourcing` library see our log? As an Application with our recorder and our mapper."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from eventsourcing import postgres
from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import ApplicationRecorder, IntegrityError, Mapper, StoredEvent
from psycopg.conninfo import conninfo_to_dict

from aggregates.envelope import Envelope, decode, encode
from aggregates.fact import Fact
from commands.append import Append, Outcome, Write, append_blocking
from commands.database import session_parameters

SCHEMA, TABLE = "store", "events"


@dataclass(frozen=True, slots=True)
class Event:
    """A domain event as the library wants one: our envelope at its place in its stream."""

    originator_id: UUID
    originator_version: int
    envelope: Envelope[Fact]


class EnvelopeMapper(Mapper[UUID]):
    """Stable names instead of import paths; validated in both directions; `state` is what the chain covers."""

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        if not isinstance(domain_event, Event):
            raise TypeError(f"not an event of ours: {type(domain_event).__name__}")
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=domain_event.envelope.fact.type_name,
            state=encode(domain_event.envelope),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        stream = stored_event.originator_id
        envelope = decode(stored_event.topic, stored_event.state)
        return Event(stream if isinstance(stream, UUID) else UUID(stream), stored_event.originator_version, envelope)


class LogRecorder(postgres.PostgresApplicationRecorder):
    """Reads as the library does; writes through `store.append`, as one command."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Positions of the events. Raises the library's IntegrityError when somebody else wrote first."""
        if not stored_events:
            return []
        with self.datastore.get_connection() as connection:
            outcome = append_blocking(connection, [_command(stored_events)])[0]
        return _positions(outcome)


class Factory(postgres.PostgresFactory):
    """Every time limit set, and acting as the application role: the library's own defaults wait for ever.

    The library looks for the one factory class in this module, so its own may not be imported by name.
    """

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        kwargs = self.datastore.pool.kwargs
        assert isinstance(kwargs, dict), "the library passes a dict"  # noqa: S101
        kwargs.update(session_parameters("library"))


class EventLog(Application[UUID]):
    """The log as an Application: `repository`-style reads and the library's subscriptions work on it."""

    def construct_mapper(self) -> Mapper[UUID]:
        return EnvelopeMapper(transcoder=self.construct_transcoder())

    def construct_recorder(self) -> ApplicationRecorder:
        assert isinstance(self.factory, Factory)  # noqa: S101
        return LogRecorder(self.factory.datastore, events_table_name=TABLE)

    def history(self, stream: UUID, upto: int | None = None) -> list[Event]:
        """One stream's events in order; `upto` is time travel to a version."""
        return [event for event in self.events.get(stream, lte=upto) if isinstance(event, Event)]


def event_log(url: str, pool_size: int = 2) -> EventLog:
    """The log behind a libpq URL. Close it after use."""
    return EventLog(env=environment(url, pool_size))


def environment(url: str, pool_size: int = 2) -> dict[str, str]:
    """What the library wants to know of the log behind a libpq URL."""
    where = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    return {
        "PERSISTENCE_MODULE": __name__,
        "CREATE_TABLE": "n",
        "POSTGRES_DBNAME": where["dbname"],
        "POSTGRES_HOST": where["host"],
        "POSTGRES_PORT": where.get("port", "5432"),
        "POSTGRES_USER": where["user"],
        "POSTGRES_PASSWORD": where.get("password", ""),
        "POSTGRES_SCHEMA": SCHEMA,
        "POSTGRES_POOL_SIZE": str(pool_size),
        "POSTGRES_LOCK_TIMEOUT": "5",
        "POSTGRES_IDLE_IN_TRANSACTION_SESSION_TIMEOUT": "15",
    }


def _command(events: Sequence[StoredEvent]) -> Append:
    first = decode(events[0].topic, events[0].state)
    digest = hashlib.sha256(b"".join(event.state for event in events)).digest()
    by_stream = groupby(sorted(events, key=_stream), key=_stream)
    return Append(first.command_id, "library", digest, tuple(_write(stream, list(run)) for stream, run in by_stream))


def _stream(event: StoredEvent) -> UUID:
    return UUID(str(event.originator_id))


def _write(stream: UUID, events: list[StoredEvent]) -> Write:
    expected = events[0].originator_version - 1
    if [event.originator_version for event in events] != list(range(expected + 1, expected + 1 + len(events))):
        raise IntegrityError("versions of one stream follow each other")
    return Write(stream, expected, tuple((event.topic, event.state) for event in events))


def _positions(outcome: Outcome) -> Sequence[int]:
    if not outcome.written:
        raise IntegrityError(f"nothing was appended: {outcome.kind}")
    return range(outcome.first_position, outcome.last_position + 1)
