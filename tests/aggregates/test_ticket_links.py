"""Links are written to both tickets, each from its own side."""

from __future__ import annotations

from typing import get_args

import pytest

from aggregates.ticket.commands import Link, Merge, Unlink
from aggregates.ticket.decide import decide
from aggregates.ticket.events import Closed, Linked, Merged, Opened, Relation, Unlinked
from aggregates.ticket.pairs import MIRROR
from aggregates.ticket.state import Ticket
from tests.aggregates.cast import AS_ADA, CARL, DESK, OPENED, OTHER, TICKET
from tests.spec import given

RELATIONS: tuple[Relation, ...] = get_args(Relation)
CLOSED = Closed(was="resolved", cause="agent")


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_link_is_mirrored_on_the_other_ticket(relation: Relation) -> None:
    here, there = Linked(relation=relation, other=OTHER), Linked(relation=MIRROR[relation], other=TICKET)
    given(OPENED, there=[OPENED]).when(Link(other=OTHER, relation=relation)).then(here, there=[there]).becomes(
        links=frozenset({(relation, OTHER)})
    )


def test_every_relation_is_the_mirror_of_its_mirror() -> None:
    assert all(MIRROR[MIRROR[relation]] == relation for relation in RELATIONS)
    assert {relation for relation in RELATIONS if MIRROR[relation] == relation} == {"relates_to"}


def test_a_link_that_is_there_already_writes_nothing() -> None:
    here, there = Linked(relation="blocks", other=OTHER), Linked(relation="blocked_by", other=TICKET)
    given(OPENED, here, there=[OPENED, there]).when(Link(other=OTHER, relation="blocks")).then()


def test_a_half_written_link_is_mended() -> None:
    here, there = Linked(relation="blocks", other=OTHER), Linked(relation="blocked_by", other=TICKET)
    given(OPENED, here, there=[OPENED]).when(Link(other=OTHER, relation="blocks")).then(there=[there])
    given(OPENED, there=[OPENED, there]).when(Link(other=OTHER, relation="blocks")).then(here)


def test_closed_tickets_are_linked_and_unlinked() -> None:
    here, there = Linked(relation="relates_to", other=OTHER), Linked(relation="relates_to", other=TICKET)
    given(OPENED, CLOSED, there=[OPENED, CLOSED]).when(Link(other=OTHER)).then(here, there=[there])
    given(OPENED, here, CLOSED, there=[OPENED, there, CLOSED]).when(Unlink(other=OTHER)).then(
        Unlinked(relation="relates_to", other=OTHER), there=[Unlinked(relation="relates_to", other=TICKET)]
    )


def test_a_ticket_is_not_linked_to_itself() -> None:
    given(OPENED, there=[OPENED]).when(Link(other=TICKET)).refused("ticket.linked_to_itself")


def test_unlinking_takes_both_sides_away() -> None:
    here, there = Linked(relation="causes", other=OTHER), Linked(relation="caused_by", other=TICKET)
    given(OPENED, here, there=[OPENED, there]).when(Unlink(other=OTHER, relation="causes")).then(
        Unlinked(relation="causes", other=OTHER), there=[Unlinked(relation="caused_by", other=TICKET)]
    ).becomes(links=frozenset())
    given(OPENED, here, there=[OPENED]).when(Unlink(other=OTHER, relation="causes")).then(
        Unlinked(relation="causes", other=OTHER)
    )


def test_what_is_not_linked_is_not_unlinked() -> None:
    other_way = Linked(relation="caused_by", other=OTHER)
    given(OPENED, there=[OPENED]).when(Unlink(other=OTHER)).refused("ticket.not_linked")
    given(OPENED, other_way, there=[OPENED]).when(Unlink(other=OTHER, relation="causes")).refused("ticket.not_linked")


@pytest.mark.parametrize("command", [Link(other=OTHER), Unlink(other=OTHER)])
def test_one_ticket_alone_decides_no_link(command: Link | Unlink) -> None:
    with pytest.raises(TypeError, match="two tickets"):
        decide(Ticket(number=1), command, AS_ADA, DESK)


def test_a_merged_ticket_is_closed_and_its_story_goes_on_in_the_other() -> None:
    here, there = Linked(relation="duplicates", other=OTHER), Linked(relation="duplicated_by", other=TICKET)
    merged = Merged(was="new", into=OTHER, number=OPENED.number)
    given(OPENED, there=[OPENED]).when(Merge(into=OTHER)).then(here, merged, there=[there]).becomes(
        status="closed", follow_up=OTHER
    )


def test_what_is_closed_is_neither_merged_nor_merged_into() -> None:
    given(OPENED, CLOSED, there=[OPENED]).when(Merge(into=OTHER)).refused("ticket.closed")
    given(OPENED, there=[OPENED, CLOSED]).when(Merge(into=OTHER)).refused("ticket.merge_into_closed")


def test_nobody_reads_what_another_requester_wrote() -> None:
    others = Opened(number=7, requester=CARL, subject="Smoke", channel="email")
    given(OPENED, there=[others]).when(Merge(into=OTHER)).refused("ticket.other_requester")


def test_a_ticket_is_not_merged_into_itself() -> None:
    given(OPENED, there=[OPENED]).when(Merge(into=TICKET)).refused("ticket.linked_to_itself")
