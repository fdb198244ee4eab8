"""What happened to a case, as facts? Pure: a log's rows in, drafts of events out, the same ones every time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from aggregates.envelope import Actor
from aggregates.ticket.events import (
    Assigned,
    CategoryChanged,
    Closed,
    DeEscalated,
    Escalated,
    FieldChanged,
    Imported,
    Opened,
    PriorityChanged,
    PutOnHold,
    PutPending,
    Reopened,
    Resolved,
    Routed,
    TicketFact,
    Unassigned,
)
from aggregates.ticket.state import Ticket, evolve
from replay.logs.eventlog import Case, Row
from replay.logs.lexicon import Lexicon
from replay.logs.mapping import NAMED
from replay.logs.steps import Remark, Remarks, Step, clean, step_of, text_of


@dataclass(frozen=True, slots=True)
class Draft:
    """A fact of the log's, before it is anybody's event."""

    fact: TicketFact
    at: datetime
    actor: Actor


@dataclass(slots=True)
class Telling:
    """A ticket's story so far: what was said, what was remarked, and what it adds up to."""

    ticket: Ticket = field(default_factory=Ticket)
    drafts: list[Draft] = field(default_factory=list)
    remarks: Remarks = field(default_factory=Remarks)
    names: dict[UUID, None] = field(default_factory=dict)
    """Teams, agents and customers that it speaks of, in the order of their appearance."""

    def say(self, step: Step, fact: TicketFact) -> None:
        self.drafts.append(Draft(fact, step.at, step.actor))
        self.ticket = evolve(self.ticket, fact)


def tell(case: Case, number: int, lexicon: Lexicon, upto: datetime) -> Telling:
    """The case's whole story. Events after `upto` have not happened yet: they are left for a later import.

    Raises BrokenLog where an event has no time that can be read.
    """
    telling = Telling()
    for attribute, times in case.dropped.items():
        telling.remarks[Remark("nested attributes are not imported", attribute)] += times
    steps = _steps(case, lexicon, telling, upto)
    for place, (step, row) in enumerate(steps):
        if place == 0:
            telling.say(step, _opened(row, number, lexicon, step, telling))
            telling.say(step, Imported(source=lexicon.mapping.source, case=case.id))
        _name(telling, step)
        _go_on(telling, step)
    return telling


def _steps(case: Case, lexicon: Lexicon, telling: Telling, upto: datetime) -> list[tuple[Step, Row]]:
    steps = [(step_of(row, case, lexicon, telling.remarks), row) for row in case.rows]
    in_time = [(step, row) for step, row in steps if step.at <= upto]
    if len(in_time) < len(steps):
        late = len(steps) - len(in_time)
        telling.remarks[Remark("lies in the future: import it later", lexicon.mapping.event.time)] += late
    if any(earlier[0].at > later[0].at for earlier, later in pairwise(in_time)):
        telling.remarks.add("events were not in order of time: sorted", lexicon.mapping.event.time)
        in_time.sort(key=lambda pair: pair[0].at)
    return in_time


def _opened(row: Row, number: int, lexicon: Lexicon, step: Step, telling: Telling) -> Opened:
    asked = lexicon.mapping.requester
    requester = lexicon.customer(text_of(row, asked.attribute, telling.remarks) or asked.placeholder)
    telling.names[requester] = None
    return Opened(
        number=number,
        requester=requester,
        subject=_subject(row, lexicon, telling),
        channel=lexicon.mapping.case.channel,
        category=step.category,
        team=step.team.id if step.team else None,
        priority=step.priority or "normal",
        ticket_type=lexicon.mapping.case.type,
        level=step.team.level if step.team else 1,
        fields=step.fields,
    )


def _subject(row: Row, lexicon: Lexicon, telling: Telling) -> str:
    subject = NAMED.sub(lambda found: str(row.get(found[1], "?")), lexicon.mapping.case.subject)
    return str(clean(subject, "case.subject", telling.remarks))


def _name(telling: Telling, step: Step) -> None:
    if step.team is not None:
        telling.names[step.team.id] = None
    if step.agent is not None:
        telling.names[step.agent] = None


def _go_on(telling: Telling, step: Step) -> None:
    """First the ticket is worked on again, then what changed about it, then who has it, then how it stands."""
    _reopen(telling, step)
    _describe(telling, step)
    _move(telling, step)
    _hand_over(telling, step)
    _settle(telling, step)


def _reopen(telling: Telling, step: Step) -> None:
    status, does = telling.ticket.status, step.status.does
    worked_on = does in ("in_progress", "queued") and status not in ("new", "open")
    waits_again = does in ("pending", "on_hold") and not telling.ticket.active
    if worked_on or waits_again or (does == "resolved" and status == "closed"):
        telling.say(step, Reopened(was=status, cause="import"))


def _describe(telling: Telling, step: Step) -> None:
    ticket = telling.ticket
    if step.priority is not None and step.priority != ticket.priority:
        telling.say(step, PriorityChanged(priority=step.priority, was=ticket.priority))
    if step.category is not None and step.category != ticket.category:
        telling.say(step, CategoryChanged(category=step.category, was=ticket.category))
    for name, value in step.fields.items():
        if not _same(ticket.fields.get(name), value):
            telling.say(step, FieldChanged(name=name, value=value))


def _same(old: object, new: object) -> bool:
    return type(old) is type(new) and old == new


def _move(telling: Telling, step: Step) -> None:
    """To another team; to another line as well, if the team is on one, and then the ticket needs a new agent."""
    ticket, team = telling.ticket, step.team
    if team is None or team.id == ticket.team:
        return
    if team.level == ticket.level:
        telling.say(step, Routed(team=team.id, from_team=ticket.team))
        return
    stays = step.status.does != "queued" and step.agent in (None, ticket.assignee)
    kind = Escalated if team.level > ticket.level else DeEscalated
    telling.say(step, kind(from_level=ticket.level, to_level=team.level, from_team=ticket.team, to_team=team.id,
                           from_agent=ticket.assignee, to_agent=ticket.assignee if stays else None))  # fmt: skip


def _hand_over(telling: Telling, step: Step) -> None:
    """Who queues a ticket lets it go; whoever else does something with it has it."""
    holder = telling.ticket.assignee
    if step.status.does == "queued":
        if holder is not None:
            telling.say(step, Unassigned(from_agent=holder))
    elif step.agent is not None and step.agent != holder:
        telling.say(step, Assigned(agent=step.agent, from_agent=holder))


def _settle(telling: Telling, step: Step) -> None:
    status, does = telling.ticket.status, step.status.does
    if does == status:
        return
    match does:
        case "pending":
            telling.say(step, PutPending(was=status))
        case "on_hold":
            telling.say(step, PutOnHold(was=status))
        case "resolved":
            telling.say(step, Resolved(was=status, code=step.status.code))
        case "closed":
            if telling.ticket.active:
                telling.say(step, Resolved(was=status, code=step.status.code))
            telling.say(step, Closed(was=telling.ticket.status, cause="import"))
        case _:
            pass
