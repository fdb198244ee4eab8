"""May these terms be published, and which configuration do they name?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args
from uuid import UUID

from aggregates.customer import Tier
from aggregates.desk import Desk
from aggregates.errors import Unacceptable
from aggregates.sla.terms import Action, Attribute, Conditional, EscalateTicket, Notify, Terms, Value
from aggregates.sla.values import conditions, teams_named, uuid_or_none
from aggregates.ticket.events import Channel, Priority, TicketType

VOCABULARY: Mapping[Attribute, frozenset[Value]] = {
    "priority": frozenset(get_args(Priority)),
    "channel": frozenset(get_args(Channel)),
    "type": frozenset(get_args(TicketType)),
    "tier": frozenset(get_args(Tier)),
}


def check(terms: Terms, desk: Desk) -> None:
    """Raises Unacceptable or UnknownReference, naming the field."""
    if terms.calendar is not None:
        desk.calendar(terms.calendar, "terms.calendar")
    elif any(target.time == "business" for target in terms.targets.values()):
        detail = "Targets in business time need a calendar that says which time that is."
        raise Unacceptable("policy.needs_calendar", detail, field="terms.calendar")
    check_conditions(terms, desk)
    for team, where in _teams_acted_on(terms):
        desk.team(team, where)
    for agent, where in _agents_acted_on(terms):
        desk.agent(agent, where)


def check_conditions(terms: Conditional, desk: Desk) -> None:
    """What could never hold is a mistake. Raises Unacceptable or UnknownReference, naming the field."""
    for where, condition in conditions(terms):
        if (condition.attribute == "field") != (condition.name is not None) or condition.name == "":
            detail = "A condition on a custom field says its name, and no other does."
            raise Unacceptable("policy.condition_name", detail, field=f"{where}.name")
        for place, value in enumerate(condition.values):
            if not _possible(condition.attribute, value):
                detail = f"No ticket has such a {condition.attribute}."
                raise Unacceptable("policy.condition_value", detail, field=f"{where}.values.{place}")
        for team in teams_named(condition):
            desk.team(team, f"{where}.values")


def _possible(attribute: Attribute, value: Value) -> bool:
    if attribute == "field":
        return True
    if attribute in VOCABULARY:
        return value in VOCABULARY[attribute]
    if attribute == "team":
        return value is None or uuid_or_none(value) is not None
    return value is None or isinstance(value, str)


def teams_in_conditions(terms: Conditional) -> tuple[UUID, ...]:
    return tuple(team for _, condition in conditions(terms) for team in teams_named(condition))


def named(terms: Terms) -> tuple[UUID, ...]:
    """Ids of all configuration that publishing these terms looks up."""
    acted_on = (id for id, _ in (*_teams_acted_on(terms), *_agents_acted_on(terms)))
    return (*(() if terms.calendar is None else (terms.calendar,)), *teams_in_conditions(terms), *acted_on)


def _teams_acted_on(terms: Terms) -> Iterator[tuple[UUID, str]]:
    for action, where in _actions(terms):
        if isinstance(action, EscalateTicket) and action.team is not None:
            yield action.team, f"{where}.team"
        elif isinstance(action, Notify):
            yield from ((team, f"{where}.teams.{place}") for place, team in enumerate(action.teams))


def _agents_acted_on(terms: Terms) -> Iterator[tuple[UUID, str]]:
    for action, where in _actions(terms):
        if isinstance(action, EscalateTicket) and action.agent is not None:
            yield action.agent, f"{where}.agent"
        elif isinstance(action, Notify):
            yield from ((agent, f"{where}.agents.{place}") for place, agent in enumerate(action.agents))


def _actions(terms: Terms) -> Iterator[tuple[Action, str]]:
    for r, reaction in enumerate(terms.reactions):
        for a, action in enumerate(reaction.actions):
            yield action, f"terms.reactions.{r}.actions.{a}"
