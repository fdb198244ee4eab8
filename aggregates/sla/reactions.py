"""What does a policy do by itself when a promise is about to be broken, or is?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args
from uuid import UUID

from aggregates.desk import Desk
from aggregates.envelope import Actor
from aggregates.errors import Refusal
from aggregates.sla.terms import Action, EscalateTicket, Moment, Notify, RaisePriority, TagTicket, Terms
from aggregates.team import Team
from aggregates.ticket.commands import AddTags, ChangePriority, Escalate, TicketCommand
from aggregates.ticket.decide import decide
from aggregates.ticket.events import Notified, Priority, SlaBreached, SlaWarned, TicketFact
from aggregates.ticket.state import Ticket

# In the order in which they are declared: the most urgent last.
PRIORITIES: tuple[Priority, ...] = get_args(Priority)


def actions(terms: Terms, cause: SlaWarned | SlaBreached) -> Iterator[Action]:
    """What follows from it, in the policy's order."""
    moment: Moment = "breach" if isinstance(cause, SlaBreached) else "warning"
    for reaction in terms.reactions:
        if reaction.on == moment and (not reaction.metrics or cause.metric in reaction.metrics):
            yield from reaction.actions


def named(terms: Terms) -> frozenset[UUID]:
    """The teams and agents that any of its actions asks the desk about."""
    found: set[UUID | None] = set()
    for reaction in terms.reactions:
        for action in reaction.actions:
            if isinstance(action, EscalateTicket):
                found |= {action.team, action.agent}
    return frozenset(id for id in found if id is not None)


def done(
    ticket: Ticket, action: Action, cause: SlaWarned | SlaBreached, rule: Actor, desk: Desk
) -> tuple[TicketFact, ...]:
    """What the action does to the ticket as it is now; nothing where the ticket's own rules forbid it by now.

    A ticket that is resolved or closed is not pushed any further; who is to be told is told all the same.
    """
    if isinstance(action, Notify):
        return _notified(ticket, action, cause, desk)
    command = _command(ticket, action, cause)
    if command is None or not ticket.active:
        return ()
    try:
        return decide(ticket, command, rule, desk)
    except Refusal:
        return ()


def _command(
    ticket: Ticket, action: EscalateTicket | RaisePriority | TagTicket, cause: SlaWarned | SlaBreached
) -> TicketCommand | None:
    match action:
        case EscalateTicket():
            # The highest level named may be behind the ticket already: then only team and person count.
            level = None if action.level is None or action.level < ticket.level else action.level
            reason = f"SLA: {cause.metric} {'breached' if isinstance(cause, SlaBreached) else 'at risk'}"
            return Escalate(level=level, team=action.team, agent=action.agent, reason=reason)
        case RaisePriority():
            higher = _higher(ticket.priority, action.priority)
            return None if higher is None else ChangePriority(priority=higher)
        case TagTicket():
            return AddTags(tags=action.tags)


def _higher(now: Priority, wanted: Priority | None) -> Priority | None:
    place = PRIORITIES.index(now)
    goal = min(place + 1, len(PRIORITIES) - 1) if wanted is None else PRIORITIES.index(wanted)
    return PRIORITIES[goal] if goal > place else None


def _notified(ticket: Ticket, action: Notify, cause: SlaWarned | SlaBreached, desk: Desk) -> tuple[TicketFact, ...]:
    team = desk.entries.get(ticket.team) if ticket.team is not None else None
    leader = team.leader if action.leader and isinstance(team, Team) else None
    assignee = ticket.assignee if action.assignee else None
    agents = tuple(sorted({*action.agents, *(id for id in (leader, assignee) if id is not None)}))
    if not agents and not action.teams:
        return ()
    return (
        Notified(
            agents=agents,
            teams=action.teams,
            about="sla_breach" if isinstance(cause, SlaBreached) else "sla_warning",
            metric=cause.metric,
            cycle=cause.cycle,
        ),
    )
