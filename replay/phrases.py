"""How is a fact said in one line?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from aggregates.calendar import CalendarPublished
from aggregates.customer import AskedToRate, Contact
from aggregates.envelope import Actor
from aggregates.fact import Fact
from aggregates.goals.goals import GoalPublished
from aggregates.rates import RatesPublished
from aggregates.sla.policies import PolicyPublished
from aggregates.surveys.surveys import SurveyPublished
from aggregates.text import Erased
from aggregates.ticket import events as e

Names = Mapping[str, str]
"""What people call ids."""
WORDS = 60
ERASED = "(erased)"


def phrase(fact: Fact, names: Names) -> str:
    """In the past tense, with names for ids where they are known, and the first words of what was written."""
    match fact:
        case e.Opened():
            team = "" if fact.team is None else f" in {named(fact.team, names)}"
            return f"opened as T-{fact.number}{team}, priority {fact.priority}: {words(fact.subject)}"
        case e.Imported():
            return f"imported from {fact.source}, case {fact.case}"
        case e.MessageReceived():
            return f"message by {fact.channel}: {words(fact.body)}"
        case e.ReplyAdded():
            return f"{'automatic ' if fact.automatic else ''}reply: {words(fact.body)}"
        case e.NoteAdded():
            return f"note: {words(fact.body)}"
        case e.SlaApplied() | e.SlaWarned() | e.SlaBreached() | e.SlaMet() | e.SlaBreachWithdrawn():
            return _promise(fact, names)
        case e.SlaMetWithdrawn() | e.Notified():
            return _promise(fact, names)
        case _:
            return _move(fact, names)


def said_by(actor: Actor, names: Names) -> str:
    """A name where there is one; of an import, the person in whose place it speaks."""
    if actor.kind == "import":
        source, _, who = actor.id.partition(":")
        return who or source
    if actor.kind == "rule":
        return f"rule {versioned(actor.id, names)}"
    return names.get(actor.id, f"{actor.kind} {short(actor.id)}")


def versioned(id: str, names: Names) -> str:
    """`id@3` of a rule or policy, by its name."""
    named, at, version = id.partition("@")
    return f"{names.get(named, short(named))}{at}{version}"


def named(id: UUID | str | None, names: Names) -> str:
    return "nobody" if id is None else names.get(str(id), short(str(id)))


def short(id: str) -> str:
    """The first block of a UUID is enough to tell one from another at a glance."""
    return id[:8] if len(id) == 36 and id.count("-") == 4 else id


def words(text: object) -> str:
    """The first words of a text, in one line."""
    if isinstance(text, Erased):
        return ERASED
    line = " ".join(str(text).split())
    return line if len(line) <= WORDS else f"{line[: WORDS - 1]}…"


def _move(fact: Fact, names: Names) -> str:
    match fact:
        case e.Routed():
            return f"routed from {named(fact.from_team, names)} to {named(fact.team, names)}" + _why(fact.reason)
        case e.Assigned():
            verb = "claimed by" if fact.claimed else "assigned to"
            return f"{verb} {named(fact.agent, names)}" + _from(fact.from_agent, names)
        case e.Unassigned():
            return f"let go by {named(fact.from_agent, names)}" + _why(fact.reason)
        case e.Escalated() | e.DeEscalated():
            return _escalation(fact, names)
        case e.PriorityChanged():
            return f"priority {fact.was} -> {fact.priority}"
        case e.CategoryChanged():
            return f"category {fact.was or 'none'} -> {fact.category or 'none'}"
        case e.TypeChanged():
            return f"type {fact.was} -> {fact.ticket_type}"
        case e.Tagged():
            return f"tagged {', '.join(fact.tags)}"
        case e.Untagged():
            return f"tags taken off: {', '.join(fact.tags)}"
        case e.FieldChanged():
            return f"{fact.name} = {'nothing' if fact.value is None else words(fact.value)}"
        case _:
            return _status(fact, names)


def _status(fact: Fact, names: Names) -> str:
    match fact:
        case e.PutPending():
            return "waits for the requester" + _why(fact.reason)
        case e.PutOnHold():
            return "waits for somebody else" + _why(fact.reason)
        case e.Reopened():
            by = " by a message" if fact.cause == "message" else ""
            return f"reopened{by}, was {fact.was.replace('_', ' ')}" + _why(fact.reason)
        case e.Resolved():
            code = "" if fact.code == "resolved" else f" ({fact.code.replace('_', ' ')})"
            return f"resolved{code}" + ("" if fact.unanswered is None else f" unanswered: {words(fact.unanswered)}")
        case e.Closed():
            return "closed by itself" if fact.cause == "auto" else "closed"
        case e.Merged():
            return f"merged into T-{fact.number}"
        case e.FollowedUp():
            return f"followed up by T-{fact.number}"
        case e.Linked() | e.Unlinked():
            verb = "linked" if isinstance(fact, e.Linked) else "no longer linked"
            return f"{verb}: {fact.relation.replace('_', ' ')} {named(fact.other, names)}"
        case e.WatcherAdded() | e.WatcherRemoved():
            return (
                f"{named(fact.watcher, names)} {'watches' if isinstance(fact, e.WatcherAdded) else 'watches no more'}"
            )
        case e.TimeLogged():
            rate = "" if fact.rate is None else f", an hour of it costs {fact.rate:,} minor units of {fact.currency}"
            return f"{fact.seconds:,} s of work by {named(fact.agent, names)}{rate}" + _why(fact.note)
        case e.SatisfactionRequested():
            whom = "" if fact.agent is None else f" with {named(fact.agent, names)}"
            return f"asked how satisfied they are{whom}, to be answered by {_minute(fact.expires_at)}"
        case e.SatisfactionRated():
            was = "" if fact.was is None else f", was {fact.was}"
            return f"rated {fact.score} of 5{was}" + _why(fact.comment)
        case PolicyPublished():
            told = f"policy {fact.terms.name} published, from {_minute(fact.effective_from)}"
            return told + ("" if fact.reach == "new" else ", for open tickets too")
        case RatesPublished():
            return f"rates in {fact.rates.currency} published, from {_minute(fact.effective_from)}"
        case GoalPublished():
            return f"goal {fact.terms.name} published, from {_minute(fact.effective_from)}"
        case SurveyPublished():
            return f"survey {fact.terms.name} published" + ("" if fact.terms.enabled else ", not enabled")
        case AskedToRate():
            return f"asked how satisfied they are with {named(fact.ticket, names)}"
        case CalendarPublished():
            since = "" if fact.effective_from is None else f", from {_minute(fact.effective_from)}"
            return f"hours of {fact.hours.zone} published{since}"
        case _:
            return _plainly(fact, names)


def _plainly(fact: Fact, names: Names) -> str:
    """Its type and whatever it says."""
    said = ", ".join(f"{name.replace('_', ' ')} {_word(value, names)}" for name, value in fact)
    verb = fact.type_name.split(".")[1].replace("_", " ")
    return f"{verb}: {said}" if said else verb


def _word(value: object, names: Names) -> str:
    match value:
        case None | ():
            return "nothing"
        case UUID():
            return named(value, names)
        case tuple():
            return " and ".join(_word(one, names) for one in value)
        case Contact():
            return f"{value.kind} {words(value.value)}"
        case _:
            return words(value)


def _promise(fact: Fact, names: Names) -> str:
    match fact:
        case e.SlaApplied(policy=None):
            return "no policy holds any more"
        case e.SlaApplied():
            since = "" if fact.since is None else f", since {_minute(fact.since)}"
            return f"policy {versioned(f'{fact.policy}@{fact.policy_version}', names)} holds{since}"
        case e.SlaWarned():
            left = f"{fact.percent} % gone" if fact.percent is not None else f"{fact.left} s left"
            return f"{_cycle(fact.metric, fact.cycle)} at risk: {left}"
        case e.SlaBreached():
            return f"{_cycle(fact.metric, fact.cycle)} breached, was due {_minute(fact.due)}"
        case e.SlaMet():
            return f"{_cycle(fact.metric, fact.cycle)} met after {fact.elapsed:,.0f} s"
        case e.SlaBreachWithdrawn() | e.SlaMetWithdrawn():
            was = "breach" if isinstance(fact, e.SlaBreachWithdrawn) else "met"
            return f"{_cycle(fact.metric, fact.cycle)}: {was} withdrawn"
        case e.Notified():
            told = ", ".join(named(id, names) for id in (*fact.agents, *fact.teams))
            return f"{told} told of {_cycle(fact.metric, fact.cycle)} {fact.about.removeprefix('sla_')}"
        case _:
            return fact.type_name


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _cycle(metric: str, cycle: int) -> str:
    return metric.replace("_", " ") + (f" {cycle}" if cycle > 1 else "")


def _escalation(fact: e.Escalated | e.DeEscalated, names: Names) -> str:
    way = "escalated" if isinstance(fact, e.Escalated) else "de-escalated"
    team = "" if fact.to_team in (fact.from_team, None) else _moved(fact.from_team, fact.to_team, names)
    agent = "" if fact.to_agent in (fact.from_agent, None) else f", agent {named(fact.to_agent, names)}"
    return f"{way} to line {fact.to_level}{team}{agent}" + _why(fact.reason)


def _moved(before: UUID | None, after: UUID | None, names: Names) -> str:
    return f", from {named(before, names)} to {named(after, names)}"


def _why(reason: object) -> str:
    return "" if reason is None else f": {words(reason)}"


def _from(id: UUID | None, names: Names) -> str:
    return "" if id is None else f", from {named(id, names)}"
