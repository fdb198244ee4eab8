"""What does a ticket allow?"""

from __future__ import annotations

from typing import assert_never
from uuid import UUID

from aggregates.desk import Desk
from aggregates.envelope import Actor
from aggregates.errors import RuleBroken, require
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
    CategoryChanged,
    Closed,
    DeEscalated,
    Escalated,
    FieldChanged,
    MarkedSpam,
    MessageReceived,
    NoteAdded,
    Opened,
    PriorityChanged,
    PutOnHold,
    PutPending,
    Reopened,
    ReplyAdded,
    Resolved,
    Routed,
    Tagged,
    TicketFact,
    TimeLogged,
    TypeChanged,
    Unassigned,
    Untagged,
    WatcherAdded,
    WatcherRemoved,
)
from aggregates.ticket.state import Ticket, evolve

Facts = tuple[TicketFact, ...]
TOP_LEVEL = 9


def open_ticket(command: OpenTicket, number: int, actor: Actor, desk: Desk) -> Facts:
    """The first facts of a new ticket. Raises UnknownReference."""
    desk.customer(command.requester, "requester")
    facts: list[TicketFact] = [_opened(command, number, desk)]
    if command.message is not None and command.author == "requester":
        facts.append(MessageReceived(author=command.requester, body=command.message, channel=command.channel))
    elif command.message is not None:
        facts.append(_reply(command.message, actor))
    if command.assignee is not None:
        desk.agent(command.assignee, "assignee")
        facts.append(Assigned(agent=command.assignee, claimed=actor.agent == command.assignee))
    return tuple(facts)


def decide(ticket: Ticket, command: TicketCommand, actor: Actor, desk: Desk) -> Facts:
    """Say what happens next; nothing, if it is so already. Raises RuleBroken or UnknownReference.

    Reads no clock, database or random source. `ticket` exists.
    """
    if not isinstance(command, LogTime) and not (isinstance(command, Reopen) and ticket.spam):
        require(ticket.status != "closed", "ticket.closed", "A closed ticket is final; open a follow-up.")
    match command:
        case OpenTicket():
            raise RuleBroken("ticket.already_opened", "This ticket is open already.")
        case ReceiveMessage():
            return _receive(ticket, command, desk)
        case AddReply():
            return (_reply(command.body, actor, command.automatic),)
        case AddNote():
            _require_staff(actor)
            return (NoteAdded(body=command.body),)
        case Route():
            return _route(ticket, command, desk)
        case Assign():
            desk.agent(command.agent, "agent")
            assigned = Assigned(agent=command.agent, from_agent=ticket.assignee)
            return () if command.agent == ticket.assignee else (assigned,)
        case Claim():
            return _claim(ticket, actor, desk)
        case Unassign():
            return _unassign(ticket, command)
        case Escalate():
            return _escalate(ticket, command, desk)
        case DeEscalate():
            return _de_escalate(ticket, command, desk)
        case ChangePriority(priority=priority):
            return () if priority == ticket.priority else (PriorityChanged(priority=priority, was=ticket.priority),)
        case ChangeCategory(category=category):
            return () if category == ticket.category else (CategoryChanged(category=category, was=ticket.category),)
        case ChangeType(ticket_type=kind):
            return () if kind == ticket.ticket_type else (TypeChanged(ticket_type=kind, was=ticket.ticket_type),)
        case ChangeFields():
            return _change_fields(ticket, command)
        case AddTags():
            new = tuple(tag for tag in command.tags if tag not in ticket.tags)
            return (Tagged(tags=new),) if new else ()
        case RemoveTags():
            gone = tuple(tag for tag in command.tags if tag in ticket.tags)
            return (Untagged(tags=gone),) if gone else ()
        case WaitForRequester() | Hold():
            return _wait(ticket, command)
        case Reopen():
            require(ticket.status not in ("new", "open"), "ticket.already_open", "The ticket is open already.")
            return (Reopened(was=ticket.status, cause="agent", reason=command.reason),)
        case Resolve():
            return _resolve(ticket, command, actor, desk)
        case Close():
            require(ticket.status == "resolved", "ticket.not_resolved", "Only a resolved ticket can be closed.")
            return (Closed(was=ticket.status, cause="auto" if actor.automatic else "agent"),)
        case MarkSpam():
            return (MarkedSpam(was=ticket.status),)
        case Watch() | Unwatch():
            return _watch(ticket, command, actor, desk)
        case LogTime():
            return _log_time(command, actor, desk)
        case Link() | Unlink() | Merge():
            raise TypeError("this is written to two tickets at once: see aggregates.ticket.pairs")
        case _:
            assert_never(command)


def _opened(command: OpenTicket, number: int, desk: Desk) -> Opened:
    if command.team is not None:
        desk.team(command.team, "team")
    return Opened(
        number=number,
        requester=command.requester,
        subject=command.subject,
        channel=command.channel,
        category=command.category,
        team=command.team,
        priority=command.priority,
        ticket_type=command.ticket_type,
        tags=command.tags,
        fields={name: value for name, value in command.fields.items() if value is not None},
    )


def _receive(ticket: Ticket, command: ReceiveMessage, desk: Desk) -> Facts:
    received = received_message(ticket, command, desk)
    if ticket.status in ("new", "open"):
        return (received,)
    return (received, Reopened(was=ticket.status, cause="message"))


def received_message(ticket: Ticket, command: ReceiveMessage, desk: Desk) -> MessageReceived:
    if command.author is not None:
        desk.customer(command.author, "author")
    return MessageReceived(author=command.author or requester_of(ticket), body=command.body, channel=command.channel)


def _route(ticket: Ticket, command: Route, desk: Desk) -> Facts:
    """Whoever has it and is not of the new team lets go, or nobody there would see it waiting."""
    team = desk.team(command.team, "team")
    if command.team == ticket.team:
        return ()
    routed = Routed(team=command.team, from_team=ticket.team, reason=command.reason)
    if ticket.assignee is None or ticket.assignee in team.members:
        return (routed,)
    return (routed, Unassigned(from_agent=ticket.assignee))


def _reply(body: str, actor: Actor, automatic: bool = False) -> ReplyAdded:
    """What a rule or the system writes is automatic, whether it says so or not."""
    _require_staff(actor)
    return ReplyAdded(body=body, automatic=automatic or actor.automatic)


def _require_staff(actor: Actor) -> None:
    require(actor.kind != "customer", "ticket.not_for_customers", "A customer writes messages, not replies or notes.")


def _claim(ticket: Ticket, actor: Actor, desk: Desk) -> Facts:
    agent = _acting_agent(actor)
    if ticket.assignee == agent:
        return ()
    require(ticket.assignee is None, "ticket.already_assigned", "Somebody else has this ticket.")
    desk.agent(agent, "agent")
    return (Assigned(agent=agent, claimed=True),)


def _unassign(ticket: Ticket, command: Unassign) -> Facts:
    if ticket.assignee is None:
        raise RuleBroken("ticket.not_assigned", "Nobody has this ticket.")
    return (Unassigned(from_agent=ticket.assignee, reason=command.reason),)


def _escalate(ticket: Ticket, command: Escalate, desk: Desk) -> Facts:
    require(ticket.active, "ticket.already_resolved", "A resolved ticket must be reopened first.")
    moved = command.team is not None or command.agent is not None
    level = command.level or (ticket.level if moved else ticket.level + 1)
    require(level <= TOP_LEVEL, "ticket.top_level", "The ticket is on the highest level already.")
    require(level > ticket.level or moved, "ticket.level_not_higher", "Escalating needs a higher level.")
    require(level >= ticket.level, "ticket.level_not_higher", "Escalating needs a higher level.")
    team, agent = _destination(ticket, command, desk, level)
    require(
        (level, team, agent) != (ticket.level, ticket.team, ticket.assignee),
        "ticket.already_there",
        "The ticket is there already.",
    )
    return (
        Escalated(
            from_level=ticket.level,
            to_level=level,
            from_team=ticket.team,
            to_team=team,
            from_agent=ticket.assignee,
            to_agent=agent,
            reason=command.reason,
        ),
    )


def _de_escalate(ticket: Ticket, command: DeEscalate, desk: Desk) -> Facts:
    require(ticket.active, "ticket.already_resolved", "A resolved ticket must be reopened first.")
    require(ticket.level > 1, "ticket.lowest_level", "The ticket is on the first level already.")
    level = command.level or ticket.level - 1
    require(level < ticket.level, "ticket.level_not_lower", "De-escalating needs a lower level.")
    team, agent = _destination(ticket, command, desk, level)
    return (
        DeEscalated(
            from_level=ticket.level,
            to_level=level,
            from_team=ticket.team,
            to_team=team,
            from_agent=ticket.assignee,
            to_agent=agent,
            reason=command.reason,
        ),
    )


def _destination(
    ticket: Ticket, command: Escalate | DeEscalate, desk: Desk, level: int
) -> tuple[UUID | None, UUID | None]:
    """Team and agent afterwards: another team or level starts without an assignee unless one is named."""
    if command.team is not None:
        desk.team(command.team, "team")
    if command.agent is not None:
        desk.agent(command.agent, "agent")
    team = command.team or ticket.team
    stays = team == ticket.team and level == ticket.level
    return team, command.agent or (ticket.assignee if stays else None)


def _change_fields(ticket: Ticket, command: ChangeFields) -> Facts:
    return tuple(
        FieldChanged(name=name, value=value)
        for name, value in sorted(command.fields.items())
        if not _same(ticket.fields.get(name), value)
    )


def _same(old: object, new: object) -> bool:
    """Equal and of one kind: True is not 1."""
    return type(old) is type(new) and old == new


def _wait(ticket: Ticket, command: WaitForRequester | Hold) -> Facts:
    require(ticket.active, "ticket.already_resolved", "A resolved ticket must be reopened first.")
    if isinstance(command, WaitForRequester):
        require(ticket.status != "pending", "ticket.already_pending", "The ticket waits for the requester already.")
        return (PutPending(was=ticket.status, reason=command.reason),)
    require(ticket.status != "on_hold", "ticket.already_on_hold", "The ticket is on hold already.")
    return (PutOnHold(was=ticket.status, reason=command.reason),)


def _resolve(ticket: Ticket, command: Resolve, actor: Actor, desk: Desk) -> Facts:
    require(ticket.active, "ticket.already_resolved", "The ticket is resolved already.")
    require(
        ticket.public_replies > 0 or command.unanswered is not None,
        "ticket.no_public_reply",
        "The requester has seen no answer: reply first, or say in `unanswered` why there is none.",
    )
    if ticket.assignee is not None:
        return (_resolved(ticket, command),)
    resolver = actor.agent
    if resolver is None:
        raise RuleBroken("ticket.no_assignee", "Resolving needs an assignee.")
    desk.agent(resolver, "agent")
    assigned = Assigned(agent=resolver, claimed=True)
    return (assigned, _resolved(evolve(ticket, assigned), command))


def _resolved(ticket: Ticket, command: Resolve) -> Resolved:
    return Resolved(was=ticket.status, code=command.code, unanswered=command.unanswered)


def _watch(ticket: Ticket, command: Watch | Unwatch, actor: Actor, desk: Desk) -> Facts:
    watcher = command.watcher or _acting_agent(actor)
    if isinstance(command, Unwatch):
        return (WatcherRemoved(watcher=watcher),) if watcher in ticket.watchers else ()
    desk.agent(watcher, "watcher")
    return () if watcher in ticket.watchers else (WatcherAdded(watcher=watcher),)


def _log_time(command: LogTime, actor: Actor, desk: Desk) -> Facts:
    agent = command.agent or _acting_agent(actor)
    desk.agent(agent, "agent")
    return (TimeLogged(agent=agent, seconds=command.seconds, billable=command.billable, note=command.note),)


def _acting_agent(actor: Actor) -> UUID:
    if actor.agent is None:
        raise RuleBroken("ticket.not_an_agent", "Only an agent can do this in their own name; name one.")
    return actor.agent


def requester_of(ticket: Ticket) -> UUID:
    if ticket.requester is None:
        raise RuleBroken("ticket.no_requester", "The ticket has no requester; name the author.")
    return ticket.requester
