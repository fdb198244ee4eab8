"""Which streams does a ticket command touch, and which decision does it ask for?"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid5

from aggregates.desk import Desk
from aggregates.errors import NotFound, RuleBroken, Unacceptable
from aggregates.fact import Fact
from aggregates.sla.policies import POLICY_LIST
from aggregates.ticket.commands import Intake, Link, Merge, OpenTicket, ReceiveMessage, TicketCommand, Unlink
from aggregates.ticket.decide import decide, open_ticket
from aggregates.ticket.events import Opened
from aggregates.ticket.pairs import follow_up, link, merge, unlink
from aggregates.ticket.rating import Rate, rate
from aggregates.ticket.state import Ticket
from commands.applying import follows, follows_new, listed, with_policy
from commands.context import Accepted, Context
from commands.handle import Ask, Handler, Seen, Writes
from commands.rates import charged, with_rate
from commands.references import references

NUMBER = "ticket.number"


def number_key(number: int) -> bytes:
    """The key under which a ticket's number is reserved."""
    return str(number).encode()


class Tickets:
    """Opening tickets and working on them. Raises Refusal."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def open(self, command: OpenTicket, context: Context) -> Accepted:
        """The id follows from the command, so a retry opens nothing twice."""
        ticket = uuid5(context.command_id, "ticket")
        number = await self._handler.store.next_number()

        def decision(seen: Seen, desk: Desk) -> Writes:
            facts = open_ticket(command, number, context.actor, desk)
            return {ticket: with_policy(facts, Ticket(), command.requester, seen, context.now)}

        return await self._handler.handle(
            Ask(
                command,
                context,
                own=(ticket,),
                decide=decision,
                refers=(*references(command, context.actor), *listed(command)),
                follow=follows_new(lambda seen: command.requester, context.now),
                new=frozenset({ticket}),
                reserve=_reserve_number,
            )
        )

    async def work(self, ticket: UUID, command: TicketCommand, context: Context) -> Accepted:
        """Any command on a ticket that exists. Raises NotFound if it does not."""
        match command:
            case Link() | Unlink():
                return await self._pair(ticket, command.other, "other", command, context)
            case Merge():
                return await self._pair(ticket, command.into, "into", command, context)
            case ReceiveMessage():
                return await self._receive(ticket, command, context)
            case _:
                return await self._alone(ticket, command, context)

    async def rate(self, ticket: UUID, command: Rate, context: Context) -> Accepted:
        """What its requester answers when asked how satisfied they are."""

        def decision(seen: Seen, desk: Desk) -> Writes:
            return {ticket: rate(_existing(seen, ticket), command, context.now)}

        return await self._handler.handle(Ask(command, context, own=(ticket,), decide=decision))

    async def _alone(self, ticket: UUID, command: TicketCommand, context: Context) -> Accepted:
        def decision(seen: Seen, desk: Desk) -> Writes:
            if isinstance(command, Intake):
                _check_lateness(seen, ticket, context)
            state = _existing(seen, ticket)
            facts = with_rate(decide(state, command, context.actor, desk), state, seen, context.now)
            return {ticket: with_policy(facts, state, state.requester, seen, context.now)}

        refers = (*references(command, context.actor), *listed(command), *charged(command))
        follow = follows(ticket, context.now)
        return await self._handler.handle(
            Ask(command, context, own=(ticket,), decide=decision, refers=refers, follow=follow)
        )

    async def _receive(self, ticket: UUID, command: ReceiveMessage, context: Context) -> Accepted:
        """A closed ticket's message goes to its follow-up, which it opens if there is none."""
        try:
            return await self._alone(ticket, command, context)
        except RuleBroken as refusal:
            if refusal.code != "ticket.closed":
                raise
        context = replace(context, occurred_at=None, expected_version=None)
        closed = await self._recall(ticket)
        if closed.follow_up is None:
            try:
                return await self._follow_up(ticket, closed.team, command, context)
            except RuleBroken as refusal:
                if refusal.code != "ticket.already_followed_up":
                    raise
            closed = await self._recall(ticket)
        assert closed.follow_up is not None  # noqa: S101
        return await self._receive(closed.follow_up, command, context)

    async def _recall(self, ticket: UUID) -> Ticket:
        return _existing(await self._handler.memory.recall([ticket], fresh=False), ticket)

    async def _follow_up(self, ticket: UUID, team: UUID | None, command: ReceiveMessage, context: Context) -> Accepted:
        """Two streams, one command: the closed ticket remembers where the story goes on."""
        new, number = uuid5(context.command_id, "ticket"), await self._handler.store.next_number()

        def decision(seen: Seen, desk: Desk) -> Writes:
            state = _existing(seen, ticket)
            old, opened = follow_up(state, ticket, command, new, number, desk)
            return {ticket: old, new: with_policy(opened, Ticket(), state.requester, seen, context.now)}

        return await self._handler.handle(
            Ask(
                command,
                context,
                own=(ticket, new),
                decide=decision,
                refers=(*references(command, context.actor), *((team,) if team else ()), POLICY_LIST),
                follow=follows_new(lambda seen: _existing(seen, ticket).requester, context.now),
                new=frozenset({new}),
                reserve=_reserve_number,
            )
        )

    async def _pair(
        self, ticket: UUID, other: UUID, field: str, command: Link | Unlink | Merge, context: Context
    ) -> Accepted:
        """`field` of the command names the other one."""

        def decision(seen: Seen, desk: Desk) -> Writes:
            here = _existing(seen, ticket)
            if ticket == other:
                raise Unacceptable("ticket.linked_to_itself", "A ticket cannot be linked to itself.", field=field)
            there = desk.ticket(other, field)
            match command:
                case Link():
                    ours, theirs = link(here, ticket, there, command)
                case Unlink():
                    ours, theirs = unlink(here, ticket, there, command)
                case Merge():
                    ours, theirs = merge(here, ticket, there, command)
            return {ticket: ours, other: theirs}

        own = tuple(dict.fromkeys((ticket, other)))
        return await self._handler.handle(Ask(command, context, own=own, decide=decision))


def _existing(seen: Seen, ticket: UUID) -> Ticket:
    state = seen[ticket].state
    if not isinstance(state, Ticket):
        raise NotFound("ticket.not_found", "There is no such ticket.")
    return state


def _check_lateness(seen: Seen, ticket: UUID, context: Context) -> None:
    began, at = seen[ticket].began_at, context.occurred_at
    if at is None:
        return
    if at > context.now:
        raise Unacceptable("occurred_at.in_the_future", "Nothing happens before it is recorded.", field="occurred_at")
    if began is not None and at < began:
        raise Unacceptable("occurred_at.before_opening", "The ticket was not open then.", field="occurred_at")


def _reserve_number(stream: UUID, fact: Fact) -> tuple[tuple[str, bytes, UUID], ...]:
    return ((NUMBER, number_key(fact.number), stream),) if isinstance(fact, Opened) else ()
