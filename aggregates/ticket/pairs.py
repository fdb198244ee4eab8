"""What do two tickets allow that are written at once? Linking, merging, and following one up with the other."""

from __future__ import annotations

from uuid import UUID

from aggregates.desk import Desk
from aggregates.errors import require
from aggregates.ticket.commands import Link, Merge, ReceiveMessage, Unlink
from aggregates.ticket.decide import Facts, received_message, requester_of
from aggregates.ticket.events import FollowedUp, Linked, Merged, Opened, Relation, Unlinked
from aggregates.ticket.state import Ticket

MIRROR: dict[Relation, Relation] = {
    "relates_to": "relates_to",
    "duplicates": "duplicated_by",
    "duplicated_by": "duplicates",
    "blocks": "blocked_by",
    "blocked_by": "blocks",
    "causes": "caused_by",
    "caused_by": "causes",
}


def link(ticket: Ticket, id: UUID, other: Ticket, command: Link) -> tuple[Facts, Facts]:
    """The facts of both tickets, the mirrored relation on the other one. Closed tickets may be linked."""
    require(id != command.other, "ticket.linked_to_itself", "A ticket cannot be linked to itself.")
    there = (MIRROR[command.relation], id)
    ours = () if (command.relation, command.other) in ticket.links else (_linked(command.relation, command.other),)
    return ours, () if there in other.links else (_linked(*there),)


def unlink(ticket: Ticket, id: UUID, other: Ticket, command: Unlink) -> tuple[Facts, Facts]:
    here, there = (command.relation, command.other), (MIRROR[command.relation], id)
    require(here in ticket.links, "ticket.not_linked", "There is no such link.")
    ours = Unlinked(relation=command.relation, other=command.other)
    return (ours,), (Unlinked(relation=there[0], other=id),) if there in other.links else ()


def merge(ticket: Ticket, id: UUID, other: Ticket, command: Merge) -> tuple[Facts, Facts]:
    """The one is closed, and what its requester writes from then on goes to the other, which is linked to it."""
    require(ticket.status != "closed", "ticket.closed", "A closed ticket is final; open a follow-up.")
    require(other.status != "closed", "ticket.merge_into_closed", "The other ticket is closed.")
    # What is written to the one would be read by the other's requester.
    require(ticket.requester == other.requester, "ticket.other_requester", "The other ticket is another requester's.")
    ours, theirs = link(ticket, id, other, Link(other=command.into, relation="duplicates"))
    return (*ours, Merged(was=ticket.status, into=command.into, number=other.number)), theirs


def follow_up(
    ticket: Ticket, id: UUID, command: ReceiveMessage, new_id: UUID, number: int, desk: Desk
) -> tuple[Facts, Facts]:
    """A message to a closed ticket: what the old one remembers, and the first facts of the new one.

    It goes to the same team, unless that takes no more work.
    """
    require(ticket.follow_up is None, "ticket.already_followed_up", "The story goes on in another ticket already.")
    received = received_message(ticket, command, desk)
    opened = Opened(
        number=number,
        requester=requester_of(ticket),
        subject=ticket.subject,
        channel=command.channel,
        category=ticket.category,
        team=ticket.team if desk.takes_work(ticket.team) else None,
        priority=ticket.priority,
        ticket_type=ticket.ticket_type,
        follow_up_of=id,
    )
    return (FollowedUp(follow_up=new_id, number=number),), (opened, received)


def _linked(relation: Relation, other: UUID) -> Linked:
    return Linked(relation=relation, other=other)
