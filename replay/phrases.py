"""How is a fact said in one line?"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from aggregates.fact import Fact
from aggregates.text import shown
from aggregates.ticket import events as e

Names = Mapping[str, str]


def phrase(fact: Fact, names: Names) -> str:
    """In the past tense, with names for ids where they are known. Others say their type."""
    match fact:
        case e.Opened():
            return f"opened as T-{fact.number} in {_name(fact.team, names)}, priority {fact.priority}"
        case e.Imported():
            return f"imported from {fact.source}, case {fact.case}"
        case e.Routed():
            return f"routed from {_name(fact.from_team, names)} to {_name(fact.team, names)}"
        case e.Assigned():
            return f"assigned to {_name(fact.agent, names)}" + _from(fact.from_agent, names)
        case e.Unassigned():
            return f"let go by {_name(fact.from_agent, names)}"
        case e.Escalated() | e.DeEscalated():
            way = "escalated" if isinstance(fact, e.Escalated) else "de-escalated"
            return f"{way} to line {fact.to_level}" + _to_team(fact, names)
        case e.PriorityChanged():
            return f"priority {fact.priority}, was {fact.was}"
        case e.FieldChanged():
            return f"{fact.name} = {fact.value if not isinstance(fact.value, str) else shown(fact.value)}"
        case e.PutPending():
            return "waits for the requester"
        case e.PutOnHold():
            return "waits for somebody else"
        case e.Reopened():
            return f"reopened, was {fact.was.replace('_', ' ')}"
        case e.Resolved():
            return "resolved" if fact.code == "resolved" else f"resolved ({fact.code.replace('_', ' ')})"
        case e.Closed():
            return "closed"
        case _:
            return fact.type_name.split(".")[1].replace("_", " ")


def _name(id: UUID | None, names: Names) -> str:
    return "nobody" if id is None else names.get(str(id), str(id)[:8])


def _from(id: UUID | None, names: Names) -> str:
    return "" if id is None else f", from {_name(id, names)}"


def _to_team(fact: e.Escalated | e.DeEscalated, names: Names) -> str:
    if fact.to_team == fact.from_team or fact.to_team is None:
        return ""
    return f", from {_name(fact.from_team, names)} to {_name(fact.to_team, names)}"
