"""client_driver: a ticket's whole way through the generated client. Run by test_openapi.py in a process of its own."""

# mypy: ignore-errors
from __future__ import annotations

import sys
from uuid import UUID

from desk_client import AuthenticatedClient
from desk_client.api.my_tickets import get_own_thread, write_message
from desk_client.api.queues import list_queue
from desk_client.api.tickets import (
    add_note,
    add_reply,
    claim_ticket,
    close_ticket,
    get_ticket,
    open_ticket,
    resolve_ticket,
    run_bulk,
    ticket_history,
    wait_for_requester,
)
from desk_client.models import (
    AddNote,
    AddReply,
    Bulk,
    BulkAddTags,
    BulkItem,
    CommandAnswer,
    ListQueueStatusItem,
    OpenTicket,
    Problem,
    Resolve,
    TicketShownStatus,
    WaitForRequester,
    WriteMessage,
)

url, agent_key, customer_key, auditor_key, requester = sys.argv[1:]
agent, customer, auditor = (
    AuthenticatedClient(url, key, raise_on_unexpected_status=True) for key in (agent_key, customer_key, auditor_key)
)


def done(answer):
    assert isinstance(answer, CommandAnswer), answer
    return answer


body = OpenTicket(requester=UUID(requester), subject="Printer on fire", message="It burns.")
opened = done(open_ticket.sync(client=agent, body=body, idempotency_key="driven"))
assert open_ticket.sync(client=agent, body=body, idempotency_key="driven") == opened
ticket = opened.number
claimed = claim_ticket.sync_detailed(ticket, client=agent)
done(claimed.parsed)
stale = add_note.sync(ticket, client=agent, body=AddNote(body="x"), if_match='"1"')
assert isinstance(stale, Problem)
assert (stale.status, stale.code) == (412, "version.stale")
done(add_note.sync(ticket, client=agent, body=AddNote(body="third fire"), if_match=claimed.headers["etag"]))
done(add_reply.sync(ticket, client=agent, body=AddReply(body="Which one?")))
waiting = done(wait_for_requester.sync(ticket, client=agent, body=WaitForRequester()))
written = write_message.sync_detailed(ticket, client=customer, body=WriteMessage(body="The left one."))
seen = get_own_thread.sync(ticket, client=customer, chronodesk_after=written.headers["chronodesk-position"])
assert [message.body for message in seen.messages] == ["It burns.", "Which one?", "The left one."]
tagged = run_bulk.sync(
    client=agent, body=Bulk(commands=[BulkItem(ticket=ticket, command=BulkAddTags(type_="add_tags", tags=["fire"]))])
)
assert tagged.outcomes[0].status == 200
shown = get_ticket.sync(ticket, client=auditor, chronodesk_after=tagged.outcomes[0].answer.position, prefer="wait=10")
assert (shown.status, shown.tags) == (TicketShownStatus.OPEN, ["fire"])
listed = list_queue.sync(client=agent, status=[ListQueueStatusItem.OPEN], chronodesk_after=waiting.position)
assert ticket in [item.number for item in listed.items]
done(resolve_ticket.sync(ticket, client=agent, body=Resolve(code="replaced")))
closed = done(close_ticket.sync(ticket, client=agent))
history = ticket_history.sync(ticket, client=auditor)
assert [event.version for event in history.events] == list(range(1, closed.version + 1))
final = get_ticket.sync(ticket, client=agent, chronodesk_after=closed.position, prefer="wait=10")
print(final.number, final.status)  # noqa: T201
