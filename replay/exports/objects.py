"""Which things does a fact speak of, and what is known of a thing? As OCEL sees a desk: objects that events touch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from aggregates.agent import Agent
from aggregates.calendar import Calendar
from aggregates.customer import Customer, Organisation
from aggregates.envelope import Recorded
from aggregates.kinds import kind_of
from aggregates.sla.policies import PolicyList, PolicyPublished
from aggregates.surveys.surveys import SurveyList
from aggregates.team import Team
from aggregates.text import shown
from aggregates.ticket.state import Ticket
from replay.exports.texts import Texts

OBJECT_TYPES = ("ticket", "customer", "agent", "team", "organisation", "policy", "survey", "rating", "calendar")
# What the fields of facts that hold ids refer to.
REFERS = {
    **dict.fromkeys(("agent", "from_agent", "to_agent", "agents", "watcher", "leader"), "agent"),
    **dict.fromkeys(("team", "from_team", "to_team", "teams"), "team"),
    **dict.fromkeys(("requester", "author"), "customer"),
    **dict.fromkeys(("other", "into", "follow_up", "follow_up_of", "ticket"), "ticket"),
    **dict.fromkeys(("policy", "order"), "policy"),
    **dict.fromkeys(("survey", "surveys"), "survey"),
    "request": "rating",
    "goal": "goal",
    "organisation": "organisation",
    "calendar": "calendar",
}
Mention = tuple[str, str, UUID]
"""As what, of which type, and which one."""
Attributes = dict[str, str | int | bool | None]


def mentions(event: Recorded) -> Iterator[Mention]:
    """The stream's own object first, then who acted, then whatever the fact names."""
    kind = kind_of(event.fact.type_name)
    if kind in OBJECT_TYPES:
        yield kind, kind, event.stream
    if event.actor.kind in ("agent", "customer") and (actor := _uuid(event.actor.id)):
        yield "actor", event.actor.kind, actor
    for name in type(event.fact).model_fields.keys() & REFERS.keys():
        value = getattr(event.fact, name)
        for id in value if isinstance(value, tuple) else (value,):
            if id is not None:
                yield name, REFERS[name], id
    if isinstance(event.fact, PolicyPublished) and event.fact.terms.calendar is not None:
        yield "calendar", "calendar", event.fact.terms.calendar


def attributes(state: Any, texts: Texts) -> Attributes:
    """What can change about a thing. Names of customers are theirs, and so are the words in custom fields."""
    match state:
        case Ticket():
            return _of_ticket(state, texts)
        case Agent():
            skills = json.dumps(dict(sorted(state.skills.items())), ensure_ascii=False)
            return {"name": state.name, "capacity": state.capacity, "online": state.online,
                    "enabled": state.enabled, "skills": skills}  # fmt: skip
        case Team():
            return {"name": state.name, "enabled": state.enabled}
        case Customer():
            name: Attributes = {"name": shown(state.name)} if texts == "all" else {}
            return {**name, "tier": state.tier, "language": state.language}
        case Organisation():
            return {"name": state.name}
        case Calendar():
            return {"name": state.name, "version": len(state.versions)}
        case _:
            return {}


def _of_ticket(ticket: Ticket, texts: Texts) -> Attributes:
    said: Attributes = {
        "number": ticket.number,
        "status": ticket.status,
        "priority": ticket.priority,
        "type": ticket.ticket_type,
        "category": ticket.category,
        "channel": ticket.channel,
        "level": ticket.level,
        "tags": json.dumps(sorted(ticket.tags), ensure_ascii=False),
        "team": _text(ticket.team),
        "assignee": _text(ticket.assignee),
        "resolution_code": ticket.resolution_code,
        "spam": ticket.spam,
        "time_spent": ticket.time_spent,
        "source": ticket.source,
        "case": ticket.case,
    }
    if texts != "none":
        said["subject"] = shown(ticket.subject)
    for name, value in sorted(ticket.fields.items()):
        if texts == "all" or not isinstance(value, str):
            said[f"field.{name}"] = shown(value) if isinstance(value, str) else json.dumps(value, default=str)
    return said


def relations(state: Any) -> Iterator[tuple[str, UUID]]:
    """To other things, as they are at the end."""
    match state:
        case Ticket():
            yield from _named(requester=state.requester, team=state.team, assignee=state.assignee)
            yield from _named(follow_up=state.follow_up, follow_up_of=state.follow_up_of)
            if state.sla is not None:
                yield from _named(policy=state.sla.policy, calendar=state.sla.calendar)
            yield from (("watcher", watcher) for watcher in sorted(state.watchers))
            yield from sorted(state.links)
        case Team():
            yield from _named(leader=state.leader)
            yield from (("member", member) for member in sorted(state.members))
        case Customer():
            yield from _named(organisation=state.organisation)


def policies(listed: PolicyList) -> dict[UUID, Attributes]:
    """Each policy that was ever published, as it is listed now."""
    told: dict[UUID, Attributes] = {}
    for policy, versions in listed.current.versions.items():
        told[policy] = {"name": versions[-1].terms.name, "version": versions[-1].number, "in_force": True}
    for policy in listed.retired:
        last = listed.versions(policy)[-1]
        told[policy] = {"name": last.terms.name, "version": last.number, "in_force": False}
    return told


def surveys(listed: SurveyList) -> dict[UUID, Attributes]:
    """Each survey, as it is listed now."""
    return {
        survey: {"name": last.terms.name, "version": last.number, "enabled": last.terms.enabled}
        for survey, (*_, last) in listed.versions.items()
    }


def _named(**ids: UUID | None) -> Iterator[tuple[str, UUID]]:
    return ((name, id) for name, id in ids.items() if id is not None)


def _text(id: UUID | None) -> str | None:
    return None if id is None else str(id)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
