"""What holds for any history and any command?"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import Any, get_args
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aggregates.agent import AgentCommand
from aggregates.calendar import CalendarCommand
from aggregates.customer import CustomerCommand, OrganisationCommand
from aggregates.desk import Desk
from aggregates.envelope import Actor, decode, encode, envelope_of
from aggregates.errors import Refusal
from aggregates.fact import Command, Fact
from aggregates.goals.goals import GoalCommand
from aggregates.kinds import KINDS, evolved
from aggregates.rates import PublishRates
from aggregates.reportable import ReportableCommand
from aggregates.sla.policies import PolicyCommand
from aggregates.surveys.surveys import SurveyCommand
from aggregates.team import TeamCommand
from aggregates.ticket.commands import (
    AddReply,
    AddTags,
    Assign,
    ChangeCategory,
    ChangeFields,
    ChangePriority,
    ChangeType,
    Claim,
    Close,
    Link,
    OpenTicket,
    ReceiveMessage,
    RemoveTags,
    Resolve,
    Route,
    TicketCommand,
    Unwatch,
    WaitForRequester,
    Watch,
)
from aggregates.ticket.events import Closed, FollowedUp, Reopened
from aggregates.ticket.pairs import follow_up
from aggregates.ticket.state import Ticket
from tests.aggregates.cast import (
    ANNA,
    AS_ADA,
    AS_ANNA,
    AS_BEN,
    AS_GONE,
    AS_NOBODY,
    AS_RULE,
    AS_SCRIPT,
    AS_SYSTEM,
    CARL,
    DESK,
    FOLLOW_UP,
    OPENED,
    TICKET,
)
from tests.aggregates.says import says
from tests.aggregates.strategies import facts, of
from tests.spec import Given, decided

ACTORS = st.sampled_from((AS_ADA, AS_BEN, AS_GONE, AS_NOBODY, AS_SCRIPT, AS_ANNA, AS_RULE, AS_SYSTEM))
COMMANDS: dict[str, Any] = {
    "ticket": TicketCommand,
    "team": TeamCommand,
    "agent": AgentCommand,
    "customer": CustomerCommand,
    "organisation": OrganisationCommand,
    "calendar": CalendarCommand,
    "policy_list": PolicyCommand,
    "rate_card": PublishRates,
    "goal_list": GoalCommand,
    "survey_list": SurveyCommand,
    "reportable_fields": ReportableCommand,
}
OPEN = OpenTicket(requester=OPENED.requester, subject="Printer on fire", channel="email")
# Other suites share the machine: a slow draw is no fault of what is tested.
MANY = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SOME = settings(MANY, max_examples=80)

# How far a story has come before anything is asked; chance alone seldom gets there.
WHOLE_WAY: tuple[Command, ...] = (Claim(), AddReply(body="Done."), WaitForRequester(), Resolve(), Close())
DESCRIBE: tuple[type[Command], ...] = (
    *(Route, Assign, Claim, ChangePriority, ChangeCategory, ChangeType, ChangeFields),
    *(AddTags, RemoveTags, Watch, Unwatch, Link),
)


@cache
def commands(kind: str) -> st.SearchStrategy[Command]:
    return any_of(_models(kind))


def _models(kind: str) -> tuple[type[Command], ...]:
    return get_args(COMMANDS[kind]) or (COMMANDS[kind],)


def any_of(models: tuple[type[Command], ...]) -> st.SearchStrategy[Command]:
    return st.one_of(*map(of, models))


def stored_and_read(fact: Fact) -> Fact:
    envelope = envelope_of(fact.type_name)(actor=AS_ADA, command_id=uuid4(), correlation_id=uuid4(), fact=fact)
    state = encode(envelope)
    again = decode(fact.type_name, state)
    assert encode(again) == state
    return again.fact


@dataclass
class Story:
    """A stream that is only ever written through decisions, and the other one that links name."""

    desk: Desk = DESK
    facts: tuple[Fact, ...] = ()
    there: tuple[Fact, ...] = (OPENED,)
    states: list[Any] = field(default_factory=list)

    def ask(self, command: Command, actor: Actor) -> None:
        try:
            ours, theirs = decided(Given(self.facts, self.there, self.desk, actor), command)
        except Refusal:
            return
        for fact in ours:
            self._write(fact)
        self.there = (*self.there, *theirs)

    def _write(self, fact: Fact) -> None:
        kind = fact.type_name.partition(".")[0]
        before = self.states[-1] if self.states else KINDS[kind].initial
        after = evolved(before, fact)
        assert says(before, fact, after), fact
        assert evolved(before, stored_and_read(fact)) == after
        self.facts = (*self.facts, fact)
        self.states.append(after)


@pytest.mark.parametrize("kind", KINDS)
@SOME
@given(data=st.data())
def test_history_is_never_rejected(kind: str, data: st.DataObject) -> None:
    state = None
    for fact in data.draw(st.lists(facts(kind), max_size=30)):
        state = evolved(state, fact)
        assert isinstance(state, type(KINDS[kind].initial))


@pytest.mark.parametrize("kind", KINDS)
@SOME
@given(data=st.data())
def test_any_fact_survives_being_stored(kind: str, data: st.DataObject) -> None:
    fact = data.draw(facts(kind))
    assert stored_and_read(fact) == fact


@pytest.mark.parametrize("kind", KINDS)
@SOME
@given(data=st.data())
def test_a_decision_on_any_history_is_facts_or_a_refusal(kind: str, data: st.DataObject) -> None:
    """Imported histories hold what no decision would have written."""
    past = tuple(data.draw(st.lists(facts(kind), max_size=12)))
    asked = Given(past, (OPENED,), DESK, data.draw(ACTORS))
    with suppress(Refusal):
        for fact in chain(*decided(asked, data.draw(commands(kind)))):
            assert stored_and_read(fact) == fact


@MANY
@given(
    begun=st.integers(0, len(WHOLE_WAY)), asked=st.lists(st.tuples(commands("ticket"), ACTORS), min_size=4, max_size=20)
)
def test_whatever_is_asked_of_a_ticket_its_rules_hold(begun: int, asked: list[tuple[Command, Actor]]) -> None:
    story = Story()
    for command in (OPEN, *WHOLE_WAY[:begun]):
        story.ask(command, AS_ADA)
    for command, actor in asked:
        story.ask(command, actor)
    statuses = [state.status for state in story.states]
    assert "new" not in statuses[statuses.count("new") :], "nothing returns to new"
    for fact, before, state in zip(story.facts, [Ticket(), *story.states], story.states, strict=False):
        assert state.assignee is None or state.status != "new", "assigning opens"
        assert state.public_replies == 0 or state.status != "new", "an answer opens"
        assert not (isinstance(fact, Reopened) and fact.was == "closed") or before.spam, "closed is final"
    _assert_nothing_but_time_and_links_follows_the_end(story)


def _assert_nothing_but_time_and_links_follows_the_end(story: Story) -> None:
    ends = [place for place, fact in enumerate(story.facts) if isinstance(fact, Closed)]
    after = story.facts[ends[0] + 1 :] if ends else ()
    assert {fact.type_name for fact in after} <= {"ticket.time_logged.v1", "ticket.linked.v1", "ticket.unlinked.v1"}


@pytest.mark.parametrize("kind", sorted(COMMANDS.keys() - {"ticket"}))
@SOME
@given(data=st.data())
def test_whatever_is_asked_of_the_desk_each_fact_changes_what_it_says(kind: str, data: st.DataObject) -> None:
    story = Story()
    creates, *changes = _models(kind)
    for command in (data.draw(of(creates)), *data.draw(st.lists(any_of((creates, *changes)), max_size=12))):
        story.ask(command, AS_ADA)
        once = story.facts
        story.ask(command, AS_ADA)
        assert story.facts == once, "asked again, it is so already or refused"


@SOME
@given(data=st.data())
def test_asking_twice_is_asking_once(data: st.DataObject) -> None:
    """What describes a ticket, rather than tells what happened, is written once."""
    story = Story()
    story.ask(OPEN, AS_ADA)
    for command in data.draw(st.lists(any_of(DESCRIBE), max_size=10)):
        story.ask(command, AS_ADA)
        once = story.facts, story.there
        story.ask(command, AS_ADA)
        assert (story.facts, story.there) == once


@SOME
@given(past=st.lists(facts("ticket"), max_size=12), message=of(ReceiveMessage))
def test_a_follow_up_tells_the_message_and_where_it_comes_from(past: list[Fact], message: ReceiveMessage) -> None:
    closed = _folded("ticket", (OPENED, *past, Closed(was="resolved", cause="auto")))
    assume(closed.follow_up is None and message.author in {None, ANNA, CARL})
    (followed_up,), (opened, received) = follow_up(closed, TICKET, message, FOLLOW_UP, 7, DESK)
    assert isinstance(followed_up, FollowedUp)
    assert says(closed, followed_up, evolved(closed, followed_up))
    assert says(Ticket(), opened, evolved(None, opened))
    assert [stored_and_read(fact) for fact in (followed_up, opened, received)] == [followed_up, opened, received]


def _folded(kind: str, past: tuple[Fact, ...]) -> Any:
    state = KINDS[kind].initial
    for fact in past:
        state = evolved(state, fact)
    return state
