"""Who says what on a ticket, and what does it do to the ticket?"""

from __future__ import annotations

import pytest

from aggregates.envelope import Actor
from aggregates.text import Erased
from aggregates.ticket.commands import AddNote, AddReply, ReceiveMessage
from aggregates.ticket.events import (
    Assigned,
    Closed,
    FollowedUp,
    MarkedSpam,
    MessageReceived,
    NoteAdded,
    Opened,
    PutOnHold,
    PutPending,
    Reopened,
    ReplyAdded,
    Resolved,
    Routed,
    Status,
    TicketFact,
)
from aggregates.ticket.state import Ticket
from tests.aggregates.cast import (
    ADA,
    ANNA,
    AS_ANNA,
    AS_IMPORT,
    AS_RULE,
    AS_SYSTEM,
    CARL,
    DISSOLVED,
    FOLLOW_UP,
    NOBODY,
    NUMBER,
    OPENED,
    OTHER,
    SUPPORT,
    TICKET,
)
from tests.spec import given

ANSWERED = ReplyAdded(body="Use the extinguisher.")
BOT = ReplyAdded(body="We are closed until nine.", automatic=True)
RESOLVED = Resolved(was="open", code="solved")
CLOSED = Closed(was="resolved", cause="agent")
WRITES = ReceiveMessage(body="It burns again.", channel="email")
WROTE = MessageReceived(author=ANNA, body="It burns again.", channel="email")


def test_a_public_reply_opens_a_new_ticket() -> None:
    given(OPENED).when(AddReply(body="Hello")).then(ReplyAdded(body="Hello")).becomes(status="open", public_replies=1)


def test_an_automatic_reply_leaves_a_new_ticket_new_and_is_no_answer() -> None:
    automatic = AddReply(body="We are closed until nine.", automatic=True)
    given(OPENED).when(automatic).then(BOT).becomes(status="new", public_replies=0)


@pytest.mark.parametrize("actor", [AS_RULE, AS_SYSTEM])
def test_what_a_rule_or_the_system_replies_is_automatic_whether_it_says_so_or_not(actor: Actor) -> None:
    given(OPENED, actor=actor).when(AddReply(body="We are closed until nine.")).then(BOT)


def test_an_imported_reply_is_a_persons() -> None:
    given(OPENED, actor=AS_IMPORT).when(AddReply(body="Hello")).then(ReplyAdded(body="Hello"))


def test_a_note_is_internal_and_opens_nothing() -> None:
    given(OPENED).when(AddNote(body="third one")).then(NoteAdded(body="third one")).becomes(status="new")


def test_a_customer_cannot_write_anything_but_messages() -> None:
    given(OPENED, actor=AS_ANNA).when(AddNote(body="psst")).refused("ticket.not_for_customers")
    given(OPENED, actor=AS_ANNA).when(AddReply(body="I answer myself")).refused("ticket.not_for_customers")
    given(OPENED, actor=AS_ANNA).when(WRITES).then(WROTE)


def test_a_reply_to_a_waiting_or_resolved_ticket_leaves_its_status() -> None:
    pending = PutPending(was="open")
    given(OPENED, ANSWERED, pending).when(AddReply(body="And?")).then(ReplyAdded(body="And?")).becomes(status="pending")
    given(OPENED, ANSWERED, RESOLVED).when(AddReply(body="Bye")).then(ReplyAdded(body="Bye")).becomes(status="resolved")


@pytest.mark.parametrize("facts", [(OPENED,), (OPENED, ANSWERED)])
def test_a_message_to_a_new_or_open_ticket_only_joins_the_thread(facts: tuple[TicketFact, ...]) -> None:
    given(*facts).when(WRITES).then(WROTE)


@pytest.mark.parametrize(
    ("waiting", "was"),
    [(PutPending(was="open"), "pending"), (PutOnHold(was="open"), "on_hold"), (RESOLVED, "resolved")],
)
def test_a_requester_writing_to_a_waiting_or_resolved_ticket_reopens_it(waiting: TicketFact, was: Status) -> None:
    reopened = Reopened(was=was, cause="message")
    given(OPENED, ANSWERED, waiting).when(WRITES).then(WROTE, reopened).becomes(status="open", resolution_code=None)


def test_another_customer_on_the_ticket_is_named_as_author() -> None:
    message = MessageReceived(author=CARL, body="Me too", channel="api")
    given(OPENED).when(ReceiveMessage(body="Me too", author=CARL)).then(message)


def test_an_author_nobody_knows_is_refused() -> None:
    given(OPENED).when(ReceiveMessage(body="Me too", author=NOBODY)).refused("customer.unknown", "author")


def test_a_story_goes_on_in_one_ticket_only() -> None:
    followed = FollowedUp(follow_up=OTHER, number=7)
    given(OPENED, ANSWERED, RESOLVED, CLOSED, followed).when_followed_up_by(WRITES).refused(
        "ticket.already_followed_up"
    )


def test_a_follow_up_does_not_go_to_a_team_that_was_dissolved() -> None:
    routed = Routed(team=DISSOLVED)
    given(OPENED, routed, ANSWERED, RESOLVED, CLOSED).when_followed_up_by(WRITES).then(
        FollowedUp(follow_up=FOLLOW_UP, number=NUMBER + 1),
        there=(
            Opened(
                number=NUMBER + 1,
                requester=ANNA,
                subject="Printer on fire",
                channel=WRITES.channel,
                follow_up_of=TICKET,
            ),
            MessageReceived(author=ANNA, body=WRITES.body, channel=WRITES.channel),
        ),
    )


def test_a_history_without_a_requester_needs_the_author_named() -> None:
    given(ANSWERED).when(WRITES).refused("ticket.no_requester")
    given(ANSWERED).when_followed_up_by(WRITES).refused("ticket.no_requester")


def test_a_message_to_a_closed_ticket_is_not_taken_by_the_ticket_itself() -> None:
    given(OPENED, ANSWERED, RESOLVED, CLOSED).when(WRITES).refused("ticket.closed")


def test_a_message_to_a_closed_ticket_opens_a_linked_follow_up() -> None:
    routed, assigned = Routed(team=SUPPORT), Assigned(agent=ADA)
    opened = Opened(
        number=NUMBER + 1,
        requester=ANNA,
        subject="Printer on fire",
        channel="email",
        team=SUPPORT,
        follow_up_of=TICKET,
    )
    given(OPENED, routed, assigned, ANSWERED, RESOLVED, CLOSED).when_followed_up_by(WRITES).then(
        FollowedUp(follow_up=FOLLOW_UP, number=NUMBER + 1), there=(opened, WROTE)
    ).becomes(status="closed", follow_up=FOLLOW_UP)


def test_a_follow_up_starts_over_new_on_the_first_level_without_an_assignee() -> None:
    opened = Opened(number=2, requester=ANNA, subject="s", channel="email", follow_up_of=TICKET)
    given(opened).when(WRITES).then(WROTE).becomes(status="new", level=1, assignee=None, follow_up_of=TICKET)


def test_spam_gets_a_follow_up_too_for_a_wrong_mark_must_be_no_dead_end() -> None:
    spam = MarkedSpam(was="new")
    given(OPENED, spam).when(WRITES).refused("ticket.closed")
    opened = Opened(number=NUMBER + 1, requester=ANNA, subject="Printer on fire", channel="email", follow_up_of=TICKET)
    given(OPENED, spam).when_followed_up_by(WRITES).then(
        FollowedUp(follow_up=FOLLOW_UP, number=NUMBER + 1), there=(opened, WROTE)
    )


def test_an_erased_subject_stays_erased_in_the_follow_up() -> None:
    erased = OPENED.model_copy(update={"subject": Erased()})
    opened = Opened(number=NUMBER + 1, requester=ANNA, subject=Erased(), channel="email", follow_up_of=TICKET)
    given(erased, RESOLVED, CLOSED).when_followed_up_by(WRITES).then(
        FollowedUp(follow_up=FOLLOW_UP, number=NUMBER + 1), there=(opened, WROTE)
    )


def test_before_its_first_fact_a_ticket_does_not_exist() -> None:
    assert not Ticket().exists
