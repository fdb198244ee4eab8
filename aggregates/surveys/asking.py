"""Is a customer asked now how satisfied they are with a resolution, later, or never?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID, uuid5

from aggregates.customer import AskedToRate, Customer
from aggregates.envelope import Recorded
from aggregates.sla.matching import holds
from aggregates.surveys.surveys import SurveyList, SurveyVersion
from aggregates.text import Erased
from aggregates.ticket.events import (
    Imported,
    MarkedSpam,
    Merged,
    Reopened,
    Resolved,
    SatisfactionRequested,
    TicketFact,
)
from aggregates.ticket.state import Ticket, replay

BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Resolution:
    """One resolution of a ticket, by its version, and all that happened to that ticket up to now."""

    history: Sequence[Recorded]
    version: int

    @property
    def event(self) -> Recorded:
        return self.history[self.version - 1]

    @property
    def since(self) -> Sequence[Recorded]:
        return self.history[self.version :]

    def stands(self) -> bool:
        """It is one, nothing undid it, and it is not older than the ticket's import."""
        if not isinstance(self.event.fact, Resolved):
            return False
        undone = any(isinstance(event.fact, Reopened | MarkedSpam | Merged) for event in self.since)
        imported = (event.recorded_at for event in self.history if isinstance(event.fact, Imported))
        return not undone and self.event.at >= max(imported, default=BEGINNING)

    @property
    def asked_about(self) -> bool:
        """By any survey."""
        return any(isinstance(event.fact, SatisfactionRequested) for event in self.since)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to write into the ticket's stream, and into the customer's, whom it leaves alone for a while."""

    request: SatisfactionRequested
    noted: AskedToRate


def asking(
    resolution: Resolution, survey: UUID, then: SurveyList, now_listed: SurveyList, customer: Customer, now: datetime
) -> Asked | datetime | None:
    """The question, or when to look again; None: never.

    `then`: the surveys as they were when the ticket was resolved, which decide what is asked; a survey that is
    disabled by now asks nobody. `customer`: the ticket's requester.
    """
    version = then.in_force(survey)
    ticket = _folded(resolution.history)
    if version is None or now_listed.in_force(survey) is None or isinstance(customer.name, Erased):
        return None
    if not resolution.stands() or not _asks(version, then, ticket, customer):
        return None
    due = _due(resolution, version, ticket, customer)
    if due is None or due + version.terms.answerable <= now:
        return None
    return due if now < due else _asked(resolution, version, ticket, now)


def _asks(version: SurveyVersion, then: SurveyList, ticket: Ticket, customer: Customer) -> bool:
    """Each periodic survey whose conditions hold; of the others, the first."""
    if version.terms.occasion == "survey":
        return holds(version.terms, ticket, customer.tier)
    others = (other for other in then.asking if other.terms.occasion == "resolved")
    first = next((other for other in others if holds(other.terms, ticket, customer.tier)), None)
    return first is not None and first.survey == version.survey


def _due(resolution: Resolution, version: SurveyVersion, ticket: Ticket, customer: Customer) -> datetime | None:
    """A question after a resolution falls away where it would disturb; a periodic one waits, and is asked once of
    all that was resolved meanwhile."""
    terms, resolved_at = version.terms, resolution.event.at
    due = resolved_at + terms.waits
    rested = max(customer.asked.values(), default=BEGINNING) + terms.rest if terms.rest_days else BEGINNING
    if terms.every_days is None:
        return None if rested > due or resolution.asked_about else due
    last = customer.asked.get(version.survey)
    if last is not None and resolved_at <= last:
        return None
    again = BEGINNING if last is None else last + timedelta(days=terms.every_days)
    # A second question would take the place of the first one in the ticket.
    answered = BEGINNING if ticket.asked is None else ticket.asked.expires_at
    return max(due, rested, again, answered)


def _asked(resolution: Resolution, version: SurveyVersion, ticket: Ticket, now: datetime) -> Asked:
    worked = _folded(resolution.history[: resolution.version])
    survey, stream = version.survey, resolution.event.stream
    # Customers see it: it must not tell them the version, which counts hidden notes.
    request = uuid5(resolution.event.envelope.command_id, f"{stream} asked by {survey}")
    return Asked(
        SatisfactionRequested(
            request=request,
            occasion=version.terms.occasion,
            survey=survey,
            survey_version=version.number,
            agent=worked.assignee,
            team=worked.team,
            expires_at=now + version.terms.answerable,
        ),
        AskedToRate(survey=survey, ticket=stream, request=request, at=now),
    )


def _folded(history: Sequence[Recorded]) -> Ticket:
    return replay(cast(TicketFact, event.fact) for event in history)
