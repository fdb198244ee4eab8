"""Is it so, after a fact, as the fact says; and was it before as it says it was?"""

from __future__ import annotations

from typing import Any

from aggregates.agent import (
    AgentDisabled,
    AgentEnabled,
    AgentRegistered,
    AgentRenamed,
    CapacityChanged,
    SkillChanged,
    WentOffline,
    WentOnline,
)
from aggregates.calendar import CalendarCreated, CalendarPublished, CalendarRenamed
from aggregates.customer import (
    ContactsChanged,
    CustomerRegistered,
    CustomerRenamed,
    LanguageChanged,
    OrganisationChanged,
    OrganisationRegistered,
    OrganisationRenamed,
    TierChanged,
)
from aggregates.fact import Fact
from aggregates.goals.goals import GoalPublished, GoalRetired
from aggregates.rates import RatesPublished
from aggregates.reportable import FieldDeclared, FieldWithdrawn
from aggregates.sla.policies import PoliciesOrdered, PolicyPublished, PolicyRetired
from aggregates.surveys.surveys import SurveyPublished, SurveysOrdered
from aggregates.team import (
    TeamCreated,
    TeamDisabled,
    TeamEnabled,
    TeamLeaderChanged,
    TeamMemberAdded,
    TeamMemberRemoved,
    TeamRenamed,
)
from aggregates.ticket import events as t


def says(before: Any, fact: Fact, after: Any) -> bool:
    """What the fact says holds now and did not hold before; whatever it does not speak of is as it was."""
    told = _ticket if fact.type_name.startswith("ticket.") else _desk
    return bool(told(before, fact, after))


def _ticket(before: Any, fact: Fact, after: Any) -> object:
    match fact:
        case t.Opened():
            return not before.exists and (after.number, after.requester) == (fact.number, fact.requester)
        case t.MessageReceived() | t.NoteAdded() | t.ReplyAdded(automatic=True):
            return after == before
        case t.ReplyAdded():
            return after.public_replies == before.public_replies + 1
        case t.Routed():
            return before.team == fact.from_team != fact.team == after.team
        case t.Assigned():
            return before.assignee == fact.from_agent != fact.agent == after.assignee
        case t.Unassigned():
            return before.assignee == fact.from_agent and after.assignee is None
        case t.Escalated() | t.DeEscalated():
            return _moved(before, fact, after)
        case t.PriorityChanged():
            return before.priority == fact.was != fact.priority == after.priority
        case t.CategoryChanged():
            return before.category == fact.was != fact.category == after.category
        case t.TypeChanged():
            return before.ticket_type == fact.was != fact.ticket_type == after.ticket_type
        case t.Tagged(tags=tags):
            return bool(tags) and before.tags.isdisjoint(tags) and after.tags == before.tags | set(tags)
        case t.Untagged(tags=tags):
            return bool(tags) and before.tags.issuperset(tags) and after.tags == before.tags - set(tags)
        case t.FieldChanged():
            return _set(before.fields.get(fact.name), fact.value, after.fields.get(fact.name))
        case t.PutPending():
            return (before.status, after.status) == (fact.was, "pending") and fact.was != "pending"
        case t.PutOnHold():
            return (before.status, after.status) == (fact.was, "on_hold") and fact.was != "on_hold"
        case t.Reopened():
            return (before.status, after.status) == (fact.was, "open") and fact.was not in ("new", "open")
        case t.Resolved():
            return (before.status, after.status, after.resolution_code) == (fact.was, "resolved", fact.code)
        case t.Closed():
            return (before.status, after.status) == (fact.was, "closed")
        case t.MarkedSpam():
            return (before.status, after.status, after.spam) == (fact.was, "closed", True)
        case t.Merged():
            return (before.status, after.status, after.follow_up) == (fact.was, "closed", fact.into)
        case t.WatcherAdded():
            return fact.watcher in after.watchers - before.watchers
        case t.WatcherRemoved():
            return fact.watcher in before.watchers - after.watchers
        case t.Linked():
            return (fact.relation, fact.other) in after.links - before.links
        case t.Unlinked():
            return (fact.relation, fact.other) in before.links - after.links
        case t.FollowedUp():
            return after.follow_up == fact.follow_up
        case t.TimeLogged():
            return after.time_spent == before.time_spent + fact.seconds
        case t.SatisfactionRequested():
            return before.asked != fact == after.asked and after.rated is None
        case t.SatisfactionRated():
            was = None if before.rated is None else before.rated.score
            return after.asked is not None and fact.request == after.asked.request and was == fact.was
    raise TypeError(f"say here what {fact.type_name} says")


def _moved(before: Any, fact: t.Escalated | t.DeEscalated, after: Any) -> object:
    was = (fact.from_level, fact.from_team, fact.from_agent)
    now = (fact.to_level, fact.to_team, fact.to_agent)
    told = (before.level, before.team, before.assignee) == was and (after.level, after.team, after.assignee) == now
    up = fact.to_level >= fact.from_level
    return told and was != now and up == isinstance(fact, t.Escalated)


def _set(old: object, value: object, new: object) -> bool:
    return type(new) is type(value) and new == value and (type(old) is not type(new) or old != new)


def _desk(before: Any, fact: Fact, after: Any) -> object:
    match fact:
        case TeamCreated() | AgentRegistered() | CustomerRegistered() | OrganisationRegistered() | CalendarCreated():
            return not before.exists and after.name == fact.name
        case TeamRenamed() | AgentRenamed() | CustomerRenamed() | OrganisationRenamed() | CalendarRenamed():
            return before.name != fact.name == after.name
        case TeamLeaderChanged():
            return before.leader != fact.leader == after.leader
        case TeamMemberAdded():
            return fact.agent in after.members - before.members
        case TeamMemberRemoved():
            return fact.agent in before.members - after.members
        case TeamDisabled() | AgentDisabled():
            return before.enabled and not after.enabled
        case TeamEnabled() | AgentEnabled():
            return after.enabled and not before.enabled
        case SkillChanged():
            return before.skills.get(fact.skill, 0) != fact.level == after.skills.get(fact.skill, 0)
        case CapacityChanged():
            return before.capacity != fact.capacity == after.capacity
        case WentOnline():
            return after.online and not before.online
        case WentOffline():
            return before.online and not after.online
        case ContactsChanged():
            return before.contacts != fact.contacts == after.contacts
        case LanguageChanged():
            return before.language != fact.language == after.language
        case TierChanged():
            return before.tier == fact.was != fact.tier == after.tier
        case CalendarPublished():
            said = (fact.hours, fact.effective_from) == (after.latest.hours, after.latest.effective_from)
            return said and after.versions[:-1] == before.versions and after.latest.number == len(after.versions)
        case PolicyPublished():
            newest = after.versions(fact.policy)[-1]
            said = (newest.terms, newest.effective_from, newest.reach) == (fact.terms, fact.effective_from, fact.reach)
            return said and newest.listed == after.version and fact.policy in after.current.policies
        case PoliciesOrdered():
            return set(before.current.policies) == set(fact.order) and after.current.policies == fact.order
        case PolicyRetired():
            return bool(before.versions(fact.policy)) and fact.policy not in after.current.policies
        case FieldDeclared():
            return before.declared.get(fact.name) != fact == after.declared.get(fact.name)
        case FieldWithdrawn():
            return fact.name in before.declared.keys() - after.declared.keys()
        case RatesPublished():
            newest = after.versions[-1]
            if (newest.rates, newest.effective_from) != (fact.rates, fact.effective_from):
                return False
            return newest.number == len(after.versions) and after.versions[:-1] == before.versions
        case GoalPublished():
            newest = after.versions(fact.goal)[-1]
            return (newest.terms, newest.listed) == (fact.terms, after.version) and fact.goal in after.kept
        case GoalRetired():
            return fact.goal in set(before.kept) - set(after.kept)
        case SurveyPublished():
            newest = after.versions[fact.survey][-1]
            return (newest.terms, newest.listed) == (fact.terms, after.version) and fact.survey in after.order
        case SurveysOrdered():
            return sorted(before.order) == sorted(fact.surveys) and before.order != fact.surveys == after.order
        case OrganisationChanged():
            return before.organisation != fact.organisation == after.organisation
    raise TypeError(f"say here what {fact.type_name} says")
