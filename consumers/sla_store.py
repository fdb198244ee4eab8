"""sla_store: how does the SLA clock read tickets and configuration, and write what it notes? Many at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from psycopg import Connection

from aggregates.desk import Desk
from aggregates.envelope import Recorded, encode, envelope_of, recorded
from aggregates.kinds import evolved
from aggregates.sla.catalogue import Catalogue
from aggregates.sla.noting import Note
from aggregates.sla.policies import POLICY_LIST, PolicyList
from aggregates.ticket.state import Ticket
from commands.append import Append, Outcome, Write, append_blocking
from commands.log import read_streams

CALLER = "sla clock"
MOST = 50_000


@dataclass(frozen=True, slots=True)
class Noted:
    """What is to be written to one ticket that was seen at `version`, and the configuration that it stands on."""

    stream: UUID
    version: int
    ticket: Ticket
    notes: Sequence[Note]
    reads: tuple[tuple[UUID, int], ...] = ()


class Configuration:
    """Policies and calendars as they were ever published, and customers, teams and agents as they are now."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._states: dict[UUID, Any] = {}
        self._versions: dict[UUID, int] = {}
        self.book = Catalogue()

    def refresh(self, wanted: Iterable[UUID] = ()) -> None:
        """Know all that was published, and these streams, as they are now."""
        if len(self._versions) > MOST:
            self._forget()
        known, more = 0, set(wanted)
        while known < len(more | self._published):
            more |= self._published
            known = len(more)
            for stored in read_streams(self._connection, [(id, self._versions.get(id, 0)) for id in more]):
                self._learn(recorded(stored))

    @property
    def policies(self) -> PolicyList:
        return self._states.get(POLICY_LIST) or PolicyList()

    def desk(self) -> Desk:
        return Desk(self._states)

    def reads(self, ids: Iterable[UUID]) -> tuple[tuple[UUID, int], ...]:
        """What a decision stood on, for the store to check."""
        return tuple((id, self._versions.get(id, 0)) for id in dict.fromkeys(ids))

    @property
    def _published(self) -> set[UUID]:
        return {id for id, _ in self.book.streams}

    def _learn(self, event: Recorded) -> None:
        self._versions[event.stream] = event.version
        self._states[event.stream] = evolved(self._states.get(event.stream), event.fact)
        if event.stream in self._published:
            self.book.learn(event)

    def _forget(self) -> None:
        for id in self._versions.keys() - self._published:
            del self._versions[id], self._states[id]


def histories(connection: Connection[Any], streams: Sequence[UUID]) -> Mapping[UUID, list[Recorded]]:
    """Whole streams, in order of version."""
    found: defaultdict[UUID, list[Recorded]] = defaultdict(list)
    for stored in read_streams(connection, [(stream, 0) for stream in streams]):
        found[stored.stream].append(recorded(stored))
    return found


def write(connection: Connection[Any], notes: Sequence[Noted]) -> list[Outcome]:
    """One call for all. Whoever was written to meanwhile, or stood on what has changed, is left as it is."""
    return append_blocking(connection, [_command(noted) for noted in notes])


def _command(noted: Noted) -> Append:
    # The same ticket at the same version is told the same: whichever clock comes second finds it done.
    command = uuid5(noted.stream, f"sla {noted.version}")
    events = tuple((note.fact.type_name, _state(noted, note, command)) for note in noted.notes)
    return Append(command, CALLER, b"", (Write(noted.stream, noted.version, events),), noted.reads)


def _state(noted: Noted, note: Note, command: UUID) -> bytes:
    envelope = envelope_of(note.fact.type_name)(
        actor=note.actor,
        command_id=command,
        correlation_id=command,
        causation_id=note.cause,
        subject=noted.ticket.requester if note.fact.personal else None,
        fact=note.fact,
    )
    return encode(envelope)
