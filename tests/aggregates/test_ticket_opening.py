"""What does opening a ticket write, and what is refused?"""

from __future__ import annotations

from aggregates.ticket.commands import OpenTicket
from aggregates.ticket.events import Assigned, MessageReceived, Opened, ReplyAdded
from tests.aggregates.cast import (
    ADA,
    ANNA,
    AS_ANNA,
    AS_BEN,
    AS_RULE,
    DISSOLVED,
    GONE,
    NOBODY,
    NUMBER,
    OPENED,
    SUPPORT,
)
from tests.spec import given

OPEN = OpenTicket(requester=ANNA, subject="Printer on fire", channel="email")


def with_(**more: object) -> OpenTicket:
    return OpenTicket.model_validate(OPEN.model_dump(exclude_unset=True) | more)


def test_a_ticket_opens_as_new() -> None:
    opens = OpenTicket(requester=ANNA, subject="Printer on fire", channel="email")
    given().when(opens).then(OPENED).becomes(status="new", number=NUMBER, requester=ANNA, assignee=None, level=1)


def test_a_ticket_opens_once() -> None:
    given(OPENED).when(OPEN).refused("ticket.already_opened")


def test_the_first_message_is_the_requesters() -> None:
    message = MessageReceived(author=ANNA, body="Help!", channel="email")
    given().when(with_(message="Help!")).then(OPENED, message).becomes(status="new", public_replies=0)


def test_a_ticket_that_an_agent_opens_with_a_public_message_is_open() -> None:
    outbound = with_(message="We saw smoke.", author="agent")
    given().when(outbound).then(OPENED, ReplyAdded(body="We saw smoke.")).becomes(status="open")


def test_what_a_rule_writes_while_opening_is_automatic() -> None:
    outbound = with_(message="We saw smoke.", author="agent")
    reply = ReplyAdded(body="We saw smoke.", automatic=True)
    given(actor=AS_RULE).when(outbound).then(OPENED, reply).becomes(status="new")


def test_a_customer_opens_no_ticket_in_an_agents_name() -> None:
    given(actor=AS_ANNA).when(with_(message="hi", author="agent")).refused("ticket.not_for_customers")


def test_a_ticket_may_open_with_team_assignee_tags_and_fields() -> None:
    command = with_(team=SUPPORT, assignee=ADA, tags=("VIP", "vip ", "fire"), fields={"floor": 3, "room": None})
    opened = Opened.model_validate(OPENED.model_dump() | {"team": SUPPORT, "tags": ("fire", "vip")})
    opened = opened.model_copy(update={"fields": {"floor": 3}})
    given().when(command).then(opened, Assigned(agent=ADA, claimed=True)).becomes(status="open", assignee=ADA)


def test_opening_for_somebody_else_is_no_claim() -> None:
    given(actor=AS_BEN).when(with_(assignee=ADA)).then(OPENED, Assigned(agent=ADA))


def test_opening_refuses_whom_it_does_not_know_and_names_the_field() -> None:
    given().when(with_(requester=NOBODY)).refused("customer.unknown", "requester")
    given().when(with_(requester=ADA)).refused("customer.unknown", "requester")
    given().when(with_(team=NOBODY)).refused("team.unknown", "team")
    given().when(with_(assignee=NOBODY)).refused("agent.unknown", "assignee")


def test_opening_refuses_who_is_disabled_and_names_the_field() -> None:
    given().when(with_(team=DISSOLVED)).refused("team.disabled", "team")
    given().when(with_(assignee=GONE)).refused("agent.disabled", "assignee")
