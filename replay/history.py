"""What happened to a case, as facts? Pure: a log's rows in, drafts of events out, the same ones every time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from aggregates.envelope import Actor
from aggregates.text import FieldValue
from aggregates.ticket.events import (
    Assigned,
    CategoryChanged,
    Closed,
    DeEscalated,
    Escalated,
    FieldChanged,
    Imported,
    Opened,
    Priority,
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
from replay.eventlog import BrokenLog, Case, Row, Value
from replay.lexicon import KnownTeam, Lexicon
from replay.mapping import NAMED, StatusMeaning, moment

LONGEST_TEXT = 10_000
UNKNOWN = StatusMeaning(does="unchanged")


@dataclass(frozen=True, slots=True)
class Remark:
    """Something in the log that did not become a fact as it stands, and why."""

    why: str
    attribute: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A fact of the log's, before it is anybody's event."""

    fact: TicketFact
    at: datetime
    actor: Actor


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the log in our words. What the log leaves out is None: it stays as it was."""

    at: datetime
    actor: Actor
    agent: UUID | None
    team: KnownTeam | None
    category: str | None
    priority: Priority | None
    status: StatusMeaning
    fields: dict[str, FieldValue]


@dataclass(slots=True)
class Telling:
    """A ticket's story so far: what was said, what was remarked, and what it adds up to."""

    ticket: Ticket = field(default_factory=Ticket)
    drafts: list[Draft] = field(default_factory=list)
    remarks: Counter[Remark] = field(default_factory=Counter)
    names: dict[UUID, None] = field(default_factory=dict)
    """Teams, agents and customers that it speaks of, in the order of their appearance."""

    def say(self, step: Step, fact: TicketFact) -> None:
        self.drafts.append(Draft(fact, step.at, step.actor))
        self.ticket = evolve(self.ticket, fact)

    def remark(self, why: str, attribute: str, value: object = "") -> None:
        self.remarks[Remark(why, attribute, str(value)[:80])] += 1


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
    steps = [(_step(row, lexicon, telling, case), row) for row in case.rows]
    in_time = [(step, row) for step, row in steps if step.at <= upto]
    if len(in_time) < len(steps):
        late = len(steps) - len(in_time)
        telling.remarks[Remark("lies in the future: import it later", lexicon.mapping.event.time)] += late
    if any(earlier[0].at > later[0].at for earlier, later in pairwise(in_time)):
        telling.remark("events were not in order of time: sorted", lexicon.mapping.event.time)
        in_time.sort(key=lambda pair: pair[0].at)
    return in_time


def _step(row: Row, lexicon: Lexicon, telling: Telling, case: Case) -> Step:
    mapping, event = lexicon.mapping, lexicon.mapping.event
    who = _text(row, event.who, telling)
    team = _text(row, event.team, telling)
    person = who if who not in lexicon.machines else None
    return Step(
        at=_time(row, lexicon, case),
        actor=lexicon.actor(who),
        agent=lexicon.agent(person) if person is not None else None,
        team=lexicon.team(team) if team is not None else None,
        category=_text(row, event.category, telling),
        priority=_word(mapping.priority.values.get, _text(row, mapping.priority.attribute, telling), telling,
                       mapping.priority.attribute) if mapping.priority else None,
        status=_status(row, lexicon, telling),
        fields=_fields(row, lexicon, telling),
    )  # fmt: skip


def _time(row: Row, lexicon: Lexicon, case: Case) -> datetime:
    attribute = lexicon.mapping.event.time
    text = row.get(attribute)
    if text is None:
        raise BrokenLog(case.line, f"an event of case {case.id!r} has no {attribute!r}")
    try:
        return moment(str(text), lexicon.mapping.event)
    except ValueError as error:
        raise BrokenLog(case.line, f"in case {case.id!r}, {attribute} {str(text)[:80]!r}: {error}") from None


def _word(
    lookup: Callable[[str], Priority | None], word: str | None, telling: Telling, attribute: str
) -> Priority | None:
    found = lookup(word) if word is not None else None
    if word is not None and found is None:
        telling.remark("the mapping has no meaning for this value", attribute, word)
    return found


def _status(row: Row, lexicon: Lexicon, telling: Telling) -> StatusMeaning:
    attributes = lexicon.mapping.event.status
    words = [word for word in (_text(row, attribute, telling) for attribute in attributes) if word is not None]
    if len(words) < len(attributes) or not words:
        return UNKNOWN
    said = "/".join(words)
    meaning = lexicon.meaning(said)
    if meaning is None:
        telling.remark("the mapping has no meaning for this value", "/".join(attributes), said)
        return UNKNOWN
    if meaning.does == "unchanged":
        telling.remark("changes no status, says the mapping", "/".join(attributes), said)
    return meaning


def _fields(row: Row, lexicon: Lexicon, telling: Telling) -> dict[str, FieldValue]:
    known = lexicon.fields
    fields: dict[str, FieldValue] = {}
    for attribute, value in row.items():
        name = known[attribute] if attribute in known else lexicon.field(attribute)
        if name is not None:
            fields[name] = _clean(value, attribute, telling)
        elif attribute in lexicon.rest:
            telling.remark("not mapped: left out", attribute)
    for attribute in lexicon.mapping.fields:
        if attribute not in row:
            telling.remark("missing: the field stayed as it was", attribute)
    return fields


def _text(row: Row, attribute: str | None, telling: Telling) -> str | None:
    """The value as text, if the log has one."""
    if attribute is None:
        return None
    value = row.get(attribute)
    if value is None or value == "":
        telling.remark("missing: what it says stayed as it was", attribute)
        return None
    return str(_clean(value, attribute, telling))


def _clean(value: Value, attribute: str, telling: Telling) -> Value:
    """Postgres text cannot hold U+0000, and no message may grow without bound."""
    if not isinstance(value, str):
        return value
    if "\x00" in value:
        telling.remark("held U+0000: stored as U+FFFD", attribute)
        value = value.replace("\x00", "\ufffd")
    if len(value) > LONGEST_TEXT:
        telling.remark(f"longer than {LONGEST_TEXT:,} characters: cut", attribute)
        value = value[:LONGEST_TEXT]
    return value


def _opened(row: Row, number: int, lexicon: Lexicon, step: Step, telling: Telling) -> Opened:
    asked = lexicon.mapping.requester
    requester = lexicon.customer(_text(row, asked.attribute, telling) or asked.placeholder)
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
    return str(_clean(subject, "case.subject", telling))


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
