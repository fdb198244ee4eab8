"""survey_sight: what does the survey clock see of tickets, customers and surveys, and what does it ask of whom?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any
from uuid import UUID, uuid5

from psycopg import Connection

from aggregates.customer import Customer
from aggregates.envelope import Actor, Envelope, Recorded, encode
from aggregates.fact import Fact
from aggregates.kinds import evolved
from aggregates.sla.noting import event_id
from aggregates.surveys.asking import Asked, Resolution, asking
from aggregates.surveys.surveys import SURVEY_LIST, SurveyList
from aggregates.ticket.events import Opened
from commands.append import Append, Write
from consumers.sla_store import histories

CALLER = "surveys"
CLOCK = Actor(kind="system", id=CALLER)


@dataclass(frozen=True, slots=True)
class Due:
    """What a survey may ask about: the resolution at this version of a ticket, at this position of the log."""

    survey: UUID
    ticket: UUID
    version: int
    position: int

    @property
    def named(self) -> dict[str, object]:
        return {"survey": self.survey, "ticket": self.ticket, "version": self.version}


class Sight:
    """Each decision sees the ones before it as if they were written already: then one look settles a customer."""

    def __init__(self, connection: Connection[Any], due: Sequence[Due]) -> None:
        self._streams = {**histories(connection, list({one.ticket for one in due}))}
        customers = {customer for one in due if (customer := self.customer(one)) is not None}
        self._streams |= histories(connection, [SURVEY_LIST, *customers])

    def customer(self, due: Due) -> UUID | None:
        """Whose ticket it is, which never changes."""
        facts = (event.fact for event in self._streams[due.ticket])
        return next((fact.requester for fact in facts if isinstance(fact, Opened)), None)

    def decide(self, due: Due, now: datetime) -> Append | datetime | None:
        """The command that asks, or when to look again; None: it is settled."""
        requester = self.customer(due)
        customer = None if requester is None else _folded(self._streams.get(requester, ()))
        if requester is None or not isinstance(customer, Customer):
            return None
        listed, resolution = self._streams.get(SURVEY_LIST, []), Resolution(self._streams[due.ticket], due.version)
        then, today = surveys(listed, due.position), surveys(listed)
        found = asking(resolution, due.survey, then, today, customer, now)
        return self._command(due, requester, found) if isinstance(found, Asked) else found

    def _command(self, due: Due, requester: UUID, asked: Asked) -> Append:
        # The same resolution is asked about once by the same survey: whichever clock comes second finds it done.
        command = uuid5(due.ticket, f"survey {due.survey} {due.version}")
        cause = event_id(due.ticket, due.version)
        writes = (
            self._write(due.ticket, asked.request, command, cause, asked.noted.at),
            self._write(requester, asked.noted, command, cause, asked.noted.at),
        )
        return Append(command, CALLER, b"", writes, ((SURVEY_LIST, len(self._streams[SURVEY_LIST])),))

    def _write(self, stream: UUID, fact: Fact, command: UUID, cause: UUID, at: datetime) -> Write:
        envelope = Envelope[Any](actor=CLOCK, command_id=command, correlation_id=command, causation_id=cause, fact=fact)
        history = self._streams[stream]
        write = Write(stream, len(history), ((fact.type_name, encode(envelope)),))
        history.append(Recorded(0, stream, len(history) + 1, at, envelope))
        return write


def surveys(listed: Sequence[Recorded], before: int | None = None) -> SurveyList:
    """As they are, or were at a position of the log."""
    state = _folded([event for event in listed if before is None or event.position < before])
    return state if isinstance(state, SurveyList) else SurveyList()


def _folded(history: Sequence[Recorded]) -> Any:
    return reduce(evolved, (event.fact for event in history), None)
