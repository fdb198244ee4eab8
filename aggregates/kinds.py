"""Which kinds of streams are there, and how does each fold? A stream's kind is the first word of its event types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from aggregates import agent, calendar, customer, rates, reportable, team
from aggregates.customer import Customer, Organisation
from aggregates.goals import goals
from aggregates.sla import policies
from aggregates.surveys import surveys
from aggregates.ticket import state


class Kind(NamedTuple):
    """`evolve(initial, fact)` never raises for this kind's own facts."""

    initial: Any
    evolve: Callable[[Any, Any], Any]


KINDS: Mapping[str, Kind] = {
    "ticket": Kind(state.Ticket(), state.evolve),
    "team": Kind(team.Team(), team.evolve),
    "agent": Kind(agent.Agent(), agent.evolve),
    "customer": Kind(Customer(), customer.evolve),
    "organisation": Kind(Organisation(), customer.evolve_organisation),
    "calendar": Kind(calendar.Calendar(), calendar.evolve),
    "policy_list": Kind(policies.PolicyList(), policies.evolve),
    "goal_list": Kind(goals.GoalList(), goals.evolve),
    "rate_card": Kind(rates.RateCard(), rates.evolve),
    "survey_list": Kind(surveys.SurveyList(), surveys.evolve),
    "reportable_fields": Kind(reportable.ReportableFields(), reportable.evolve),
}

SINGLE = frozenset(
    {policies.POLICY_LIST, rates.RATE_CARD, surveys.SURVEY_LIST, goals.GOAL_LIST, reportable.REPORTABLE_FIELDS}
)
"""Streams of which there is one under a fixed id: nothing else may take it."""


def evolved(state: Any, fact: Any) -> Any:
    """The state of any stream after one more fact; `state` is None before the first."""
    kind = KINDS[kind_of(fact.type_name)]
    return kind.evolve(kind.initial if state is None else state, fact)


def kind_of(type_name: str) -> str:
    return type_name.partition(".")[0]
