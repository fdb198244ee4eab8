"""HTTP for working on tickets. Parse, authorise, hand over, answer; no rules live here."""

from __future__ import annotations

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
    Unassign,
    Unlink,
    Unwatch,
    WaitForRequester,
    Watch,
)
from api.answers import CommandAnswer
from api.asking import Ask, AskAnew, TicketId
from api.callers import AgentCaller, IntakeCaller
from api.strict import router

tickets = router("/tickets", "tickets")


@tickets.post("", status_code=201)
async def open_ticket(who: IntakeCaller, body: OpenTicket, ask: AskAnew) -> CommandAnswer:
    """Open a ticket for a customer, with their first message or, from an agent, yours."""
    return await ask.open(who, body)


@tickets.post("/{ticket}/messages")
async def receive_message(who: IntakeCaller, ticket: TicketId, body: ReceiveMessage, ask: Ask) -> CommandAnswer:
    """Hand in what the requester wrote. On a closed ticket it opens a follow-up, or goes to the one there is."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/replies")
async def add_reply(who: IntakeCaller, ticket: TicketId, body: AddReply, ask: Ask) -> CommandAnswer:
    """Answer publicly: the requester sees it."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/notes")
async def add_note(who: AgentCaller, ticket: TicketId, body: AddNote, ask: Ask) -> CommandAnswer:
    """Write internally: no customer ever sees it."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/route")
async def route_ticket(who: AgentCaller, ticket: TicketId, body: Route, ask: Ask) -> CommandAnswer:
    """Give the ticket to a team."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/assign")
async def assign_ticket(who: AgentCaller, ticket: TicketId, body: Assign, ask: Ask) -> CommandAnswer:
    """Give the ticket to an agent."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/claim")
async def claim_ticket(who: AgentCaller, ticket: TicketId, ask: Ask) -> CommandAnswer:
    """Take the ticket yourself, if nobody has it. Of two agents at once one wins."""
    return await ask.work(who, ticket, Claim())


@tickets.post("/{ticket}/unassign")
async def unassign_ticket(who: AgentCaller, ticket: TicketId, body: Unassign, ask: Ask) -> CommandAnswer:
    """Take the ticket from whoever has it."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/escalate")
async def escalate_ticket(who: AgentCaller, ticket: TicketId, body: Escalate, ask: Ask) -> CommandAnswer:
    """Hand the ticket to a higher level, another team or another person."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/de-escalate")
async def de_escalate_ticket(who: AgentCaller, ticket: TicketId, body: DeEscalate, ask: Ask) -> CommandAnswer:
    """Hand the ticket to a lower level."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/priority")
async def change_priority(who: AgentCaller, ticket: TicketId, body: ChangePriority, ask: Ask) -> CommandAnswer:
    """Change how urgent it is."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/category")
async def change_category(who: AgentCaller, ticket: TicketId, body: ChangeCategory, ask: Ask) -> CommandAnswer:
    """Change what it is about."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/type")
async def change_type(who: AgentCaller, ticket: TicketId, body: ChangeType, ask: Ask) -> CommandAnswer:
    """Change whether it is a question, an incident, a problem or a task."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/fields")
async def change_fields(who: AgentCaller, ticket: TicketId, body: ChangeFields, ask: Ask) -> CommandAnswer:
    """Set custom fields; null clears one."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/tags/add")
async def add_tags(who: AgentCaller, ticket: TicketId, body: AddTags, ask: Ask) -> CommandAnswer:
    """Add tags."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/tags/remove")
async def remove_tags(who: AgentCaller, ticket: TicketId, body: RemoveTags, ask: Ask) -> CommandAnswer:
    """Take tags away."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/pending")
async def wait_for_requester(who: AgentCaller, ticket: TicketId, body: WaitForRequester, ask: Ask) -> CommandAnswer:
    """Wait for the requester; their next message reopens the ticket."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/hold")
async def hold_ticket(who: AgentCaller, ticket: TicketId, body: Hold, ask: Ask) -> CommandAnswer:
    """Wait for somebody else; to the requester the ticket stays open."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/reopen")
async def reopen_ticket(who: AgentCaller, ticket: TicketId, body: Reopen, ask: Ask) -> CommandAnswer:
    """Work goes on, from pending, on hold or resolved."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/resolve")
async def resolve_ticket(who: AgentCaller, ticket: TicketId, body: Resolve, ask: Ask) -> CommandAnswer:
    """Say that it is solved; whoever does so without an assignee becomes it."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/close")
async def close_ticket(who: AgentCaller, ticket: TicketId, ask: Ask) -> CommandAnswer:
    """End a resolved ticket for good."""
    return await ask.work(who, ticket, Close())


@tickets.post("/{ticket}/spam")
async def mark_spam(who: AgentCaller, ticket: TicketId, ask: Ask) -> CommandAnswer:
    """Close the ticket as spam."""
    return await ask.work(who, ticket, MarkSpam())


@tickets.post("/{ticket}/links/add")
async def link_tickets(who: AgentCaller, ticket: TicketId, body: Link, ask: Ask) -> CommandAnswer:
    """Link two tickets; the other one gets the mirrored relation."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/links/remove")
async def unlink_tickets(who: AgentCaller, ticket: TicketId, body: Unlink, ask: Ask) -> CommandAnswer:
    """Take a link away, on both sides."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/merge")
async def merge_ticket(who: AgentCaller, ticket: TicketId, body: Merge, ask: Ask) -> CommandAnswer:
    """Close it because another ticket of its requester tells the same story, where that goes on."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/time")
async def log_time(who: AgentCaller, ticket: TicketId, body: LogTime, ask: Ask) -> CommandAnswer:
    """Register work, also on a closed ticket."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/watchers/add")
async def watch_ticket(who: AgentCaller, ticket: TicketId, body: Watch, ask: Ask) -> CommandAnswer:
    """Have an agent watch the ticket; yourself if you name none."""
    return await ask.work(who, ticket, body)


@tickets.post("/{ticket}/watchers/remove")
async def unwatch_ticket(who: AgentCaller, ticket: TicketId, body: Unwatch, ask: Ask) -> CommandAnswer:
    """Have an agent watch it no longer."""
    return await ask.work(who, ticket, body)
