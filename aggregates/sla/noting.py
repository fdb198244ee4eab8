"""What does the clock process write into one ticket's stream, and what caused each of it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1
from typing import cast
from uuid import UUID

from aggregates.calendar import Calendar
from aggregates.customer import Customer, Tier
from aggregates.desk import Desk
from aggregates.envelope import Actor, Recorded
from aggregates.sla.agenda import agenda
from aggregates.sla.clock import Book
from aggregates.sla.clocks import Clocks, clocks
from aggregates.sla.matching import applied, reapplied
from aggregates.sla.policies import PolicyList
from aggregates.sla.reactions import actions, done
from aggregates.ticket.events import SlaApplied, SlaBreached, SlaWarned, TicketFact
from aggregates.ticket.state import Ticket, evolve, replay

CLOCK = Actor(kind="system", id="sla")


@dataclass(frozen=True, slots=True)
class Note:
    """`cause`: the id of the event that this one follows from, if it follows from one."""

    fact: TicketFact
    actor: Actor = CLOCK
    cause: UUID | None = None


def event_id(stream: UUID, version: int) -> UUID:
    """What an event is called where another one names it as its cause."""
    digest = sha1(stream.bytes + str(version).encode(), usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)


def due_notes(history: Sequence[Recorded], book: Book, policies: PolicyList, desk: Desk, now: datetime) -> list[Note]:
    """All that is due by `now` and not noted yet, with what follows from it. `history` in order of version."""
    folded = clocks(history, book)
    due = [item for item in agenda(folded) if item.at <= now]
    if not due:
        return []
    writer = _Writer(history, policies, desk, now)
    for item in due:
        writer.note(item.fact)
        if item.acts and isinstance(item.fact, SlaWarned | SlaBreached):
            writer.react(item.fact, folded)
    return writer.notes


def moved(
    ticket: Ticket, history: Sequence[Recorded], policies: PolicyList, desk: Desk, since: datetime
) -> SlaApplied | None:
    """The policy that an open ticket moves to since that instant, at which the configuration changed; None: it stays.

    `ticket` as its history leaves it. Who was opened or matched anew after that has seen the change.
    """
    if not ticket.exists or ticket.status == "closed" or _matched_at(history) >= since:
        return None
    fact = applied(policies, ticket, tier_of(ticket, desk), calendars_of(desk), since)
    return None if fact is None else fact.model_copy(update={"since": since})


def replay_facts(history: Sequence[Recorded]) -> Ticket:
    return replay(cast(TicketFact, event.fact) for event in history)


def tier_of(ticket: Ticket, desk: Desk) -> Tier:
    known = desk.entries.get(ticket.requester) if ticket.requester is not None else None
    return known.tier if isinstance(known, Customer) else "standard"


def calendars_of(desk: Desk) -> Mapping[UUID, Calendar]:
    return {id: entry for id, entry in desk.entries.items() if isinstance(entry, Calendar)}


def _matched_at(history: Sequence[Recorded]) -> datetime:
    """When it was last seen to which policy the ticket belongs."""
    found = [event.fact.since or event.at for event in history if isinstance(event.fact, SlaApplied)]
    return max(found, default=history[0].at)


class _Writer:
    """The facts so far, and the ticket as they leave it."""

    def __init__(self, history: Sequence[Recorded], policies: PolicyList, desk: Desk, now: datetime) -> None:
        self._stream, self._version = history[0].stream, len(history)
        self._ticket = replay_facts(history)
        self._policies, self._desk, self._now = policies, desk, now
        self.notes: list[Note] = []

    def note(self, fact: TicketFact, actor: Actor = CLOCK, cause: UUID | None = None) -> None:
        self.notes.append(Note(fact, actor, cause))
        self._ticket = evolve(self._ticket, fact)

    def react(self, fact: SlaWarned | SlaBreached, folded: Clocks) -> None:
        """What the policy in force does about the fact noted last."""
        ground = folded.ground
        if ground is None:
            return
        cause = event_id(self._stream, self._version + len(self.notes))
        rule = Actor(kind="rule", id=f"{ground.policy}@{ground.policy_version}")
        for action in actions(ground.terms, fact):
            before = self._ticket
            facts = done(before, action, fact, rule, self._desk)
            for follows in facts:
                self.note(follows, rule, cause)
            self._match_anew(before, facts, cause)

    def _match_anew(self, before: Ticket, facts: tuple[TicketFact, ...], cause: UUID) -> None:
        tier, calendars = tier_of(before, self._desk), calendars_of(self._desk)
        at = self._policies.moment(self._now)
        fact = reapplied(before, facts, self._policies, tier, calendars, at) if facts else None
        if fact is not None:
            self.note(fact, CLOCK, cause)
