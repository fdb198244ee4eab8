"""From new to closed: waiting, resolving, reopening, closing, spam."""

from __future__ import annotations

from typing import get_args

import pytest

from aggregates.fact import Fact
from aggregates.ticket.commands import (
    AddNote,
    AddReply,
    AddTags,
    Assign,
    ChangeCategory,
    ChangeFields,
    ChangePriority,
    ChangeType,
    Claim,
    Close,
    DeEscalate,
    Escalate,
    Hold,
    Link,
    LogTime,
    MarkSpam,
    Merge,
    OpenTicket,
    ReceiveMessage,
    RemoveTags,
    Reopen,
    Resolve,
    Route,
    TicketCommand,
    Unassign,
    Unlink,
    Unwatch,
    WaitForRequester,
    Watch,
)
from aggregates.ticket.events import (
    Assigned,
    Closed,
    MarkedSpam,
    MessageReceived,
    NoteAdded,
    PutOnHold,
    PutPending,
    Reopened,
    ReplyAdded,
    Resolved,
    Status,
    Unassigned,
)
from tests.aggregates.cast import (
    ADA,
    ANNA,
    AS_ANNA,
    AS_BEN,
    AS_GONE,
    AS_NOBODY,
    AS_RULE,
    AS_SCRIPT,
    AS_SYSTEM,
    BEN,
    OPENED,
    OTHER,
    SUPPORT,
)
from tests.spec import given

HAS_ADA = Assigned(agent=ADA)
ANSWERED = ReplyAdded(body="Done.")
WORKED_ON: tuple[Fact, ...] = (OPENED, HAS_ADA, ANSWERED)
PENDING, ON_HOLD = PutPending(was="open"), PutOnHold(was="open")
RESOLVED = Resolved(was="open", code="solved")
CLOSED = Closed(was="resolved", cause="agent")


def test_waiting_for_the_requester_is_pending() -> None:
    given(*WORKED_ON).when(WaitForRequester(reason="Which floor?")).then(
        PutPending(was="open", reason="Which floor?")
    ).becomes(status="pending")


def test_waiting_for_somebody_else_is_on_hold() -> None:
    given(*WORKED_ON).when(Hold(reason="Spare part")).then(PutOnHold(was="open", reason="Spare part")).becomes(
        status="on_hold"
    )


def test_from_one_wait_to_the_other() -> None:
    given(*WORKED_ON, PENDING).when(Hold()).then(PutOnHold(was="pending"))
    given(*WORKED_ON, ON_HOLD).when(WaitForRequester()).then(PutPending(was="on_hold"))


def test_what_waits_already_is_not_put_to_wait_again() -> None:
    given(*WORKED_ON, PENDING).when(WaitForRequester()).refused("ticket.already_pending")
    given(*WORKED_ON, ON_HOLD).when(Hold()).refused("ticket.already_on_hold")


@pytest.mark.parametrize("command", [WaitForRequester(), Hold()])
def test_what_is_resolved_waits_for_nobody(command: WaitForRequester | Hold) -> None:
    given(*WORKED_ON, RESOLVED).when(command).refused("ticket.already_resolved")


@pytest.mark.parametrize(("waiting", "was"), [(PENDING, "pending"), (ON_HOLD, "on_hold"), (RESOLVED, "resolved")])
def test_an_agent_reopens_what_waits_or_is_resolved(waiting: Fact, was: Status) -> None:
    reopened = Reopened(was=was, cause="agent", reason="Not yet")
    given(*WORKED_ON, waiting).when(Reopen(reason="Not yet")).then(reopened).becomes(status="open", assignee=ADA)


def test_what_is_open_is_not_reopened() -> None:
    given(OPENED).when(Reopen()).refused("ticket.already_open")
    given(*WORKED_ON).when(Reopen()).refused("ticket.already_open")


def test_reopening_takes_the_resolution_back() -> None:
    given(*WORKED_ON, RESOLVED).when(Reopen()).then(Reopened(was="resolved", cause="agent")).becomes(
        resolution_code=None
    )


def test_an_answered_ticket_is_resolved_with_a_code() -> None:
    given(*WORKED_ON).when(Resolve(code="replaced")).then(Resolved(was="open", code="replaced")).becomes(
        status="resolved", resolution_code="replaced", assignee=ADA
    )


@pytest.mark.parametrize(("waiting", "was"), [(PENDING, "pending"), (ON_HOLD, "on_hold")])
def test_a_waiting_ticket_is_resolved_without_a_detour(waiting: Fact, was: Status) -> None:
    given(*WORKED_ON, waiting).when(Resolve()).then(Resolved(was=was, code="solved"))


def test_the_resolver_becomes_the_assignee_of_what_nobody_has() -> None:
    given(OPENED, ANSWERED, actor=AS_BEN).when(Resolve()).then(Assigned(agent=BEN, claimed=True), RESOLVED).becomes(
        status="resolved", assignee=BEN
    )


def test_resolving_what_somebody_has_leaves_it_with_them() -> None:
    given(*WORKED_ON, actor=AS_BEN).when(Resolve()).then(RESOLVED).becomes(assignee=ADA)
    given(*WORKED_ON, actor=AS_RULE).when(Resolve()).then(RESOLVED).becomes(assignee=ADA)


def test_resolving_needs_an_assignee_that_only_an_agent_can_be() -> None:
    given(OPENED, ANSWERED, actor=AS_RULE).when(Resolve()).refused("ticket.no_assignee")
    given(OPENED, ANSWERED, actor=AS_ANNA).when(Resolve()).refused("ticket.no_assignee")
    given(OPENED, ANSWERED, actor=AS_SCRIPT).when(Resolve()).refused("ticket.no_assignee")
    given(OPENED, ANSWERED, actor=AS_NOBODY).when(Resolve()).refused("agent.unknown", "agent")
    given(OPENED, ANSWERED, actor=AS_GONE).when(Resolve()).refused("agent.disabled", "agent")


def test_resolving_needs_an_answer_that_the_requester_could_see() -> None:
    given(OPENED, HAS_ADA).when(Resolve()).refused("ticket.no_public_reply")
    given(OPENED, HAS_ADA, NoteAdded(body="done")).when(Resolve()).refused("ticket.no_public_reply")
    message = MessageReceived(author=ANNA, body="hello?", channel="email")
    given(OPENED, HAS_ADA, message).when(Resolve()).refused("ticket.no_public_reply")


def test_a_bots_answer_is_no_answer() -> None:
    automatic = ReplyAdded(body="We are closed until nine.", automatic=True)
    given(OPENED, HAS_ADA, automatic).when(Resolve()).refused("ticket.no_public_reply")
    given(OPENED, HAS_ADA, automatic, ANSWERED).when(Resolve()).then(RESOLVED)


def test_a_reason_stands_in_for_the_answer() -> None:
    resolved = Resolved(was="open", code="duplicate", unanswered="Told on the phone")
    given(OPENED, HAS_ADA).when(Resolve(code="duplicate", unanswered="Told on the phone")).then(resolved)


def test_a_new_ticket_resolved_with_a_reason_was_opened_by_its_resolver() -> None:
    given(OPENED).when(Resolve(unanswered="Told on the phone")).then(
        Assigned(agent=ADA, claimed=True), Resolved(was="open", code="solved", unanswered="Told on the phone")
    )


def test_what_is_resolved_is_not_resolved_again() -> None:
    given(*WORKED_ON, RESOLVED).when(Resolve()).refused("ticket.already_resolved")


def test_a_resolved_ticket_may_be_given_back_and_reopens_as_nobodys() -> None:
    given(*WORKED_ON, RESOLVED, Unassigned(from_agent=ADA)).when(Reopen()).then(
        Reopened(was="resolved", cause="agent")
    ).becomes(assignee=None, status="open")


def test_a_resolved_ticket_is_closed_by_an_agent_or_by_itself() -> None:
    given(*WORKED_ON, RESOLVED).when(Close()).then(CLOSED).becomes(status="closed", resolution_code="solved")
    given(*WORKED_ON, RESOLVED, actor=AS_SYSTEM).when(Close()).then(Closed(was="resolved", cause="auto"))
    given(*WORKED_ON, RESOLVED, actor=AS_RULE).when(Close()).then(Closed(was="resolved", cause="auto"))


@pytest.mark.parametrize("facts", [(OPENED,), WORKED_ON, (*WORKED_ON, PENDING), (*WORKED_ON, ON_HOLD)])
def test_only_what_is_resolved_is_closed(facts: tuple[Fact, ...]) -> None:
    given(*facts).when(Close()).refused("ticket.not_resolved")


@pytest.mark.parametrize(
    ("facts", "was"), [((OPENED,), "new"), (WORKED_ON, "open"), ((*WORKED_ON, RESOLVED), "resolved")]
)
def test_spam_is_over_at_once(facts: tuple[Fact, ...], was: Status) -> None:
    given(*facts).when(MarkSpam()).then(MarkedSpam(was=was)).becomes(status="closed", spam=True)


def test_a_wrong_spam_mark_can_be_taken_back() -> None:
    given(OPENED, MarkedSpam(was="new")).when(Reopen(reason="a real customer")).then(
        Reopened(was="closed", cause="agent", reason="a real customer")
    ).becomes(status="open", spam=False)


def test_history_may_reopen_what_was_closed_and_then_it_is_no_spam() -> None:
    given(OPENED, MarkedSpam(was="new"), Reopened(was="closed", cause="import")).when(Claim()).then(
        Assigned(agent=ADA, claimed=True)
    ).becomes(status="open", spam=False)


CLOSED_TO: tuple[TicketCommand, ...] = (
    OpenTicket(requester=ANNA, subject="s"),
    ReceiveMessage(body="x"),
    AddReply(body="x"),
    AddNote(body="x"),
    Route(team=SUPPORT),
    Assign(agent=BEN),
    Claim(),
    Unassign(),
    Escalate(reason="x"),
    DeEscalate(),
    ChangePriority(priority="high"),
    ChangeCategory(category="x"),
    ChangeType(ticket_type="task"),
    ChangeFields(fields={"x": 1}),
    AddTags(tags=("x",)),
    RemoveTags(tags=("x",)),
    WaitForRequester(),
    Hold(),
    Reopen(),
    Resolve(),
    Close(),
    MarkSpam(),
    Merge(into=OTHER),
    Watch(),
    Unwatch(),
)


@pytest.mark.parametrize("command", CLOSED_TO, ids=lambda command: type(command).__name__)
def test_closed_is_final(command: TicketCommand) -> None:
    given(*WORKED_ON, RESOLVED, CLOSED).when(command).refused("ticket.closed")


def test_every_command_was_tried_on_a_closed_ticket() -> None:
    allowed = {LogTime, Link, Unlink}
    assert {type(command) for command in CLOSED_TO} == set(get_args(TicketCommand)) - allowed
