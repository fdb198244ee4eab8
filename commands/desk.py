"""Which streams does a configuration command touch, and which decision does it ask for?"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from aggregates import agent, calendar, customer, team
from aggregates.agent import Agent, AgentCommand, RegisterAgent
from aggregates.calendar import Calendar, CalendarCommand, CalendarPublished, CreateCalendar
from aggregates.customer import (
    ContactsChanged,
    Customer,
    CustomerCommand,
    Organisation,
    OrganisationCommand,
    RegisterCustomer,
    RegisterOrganisation,
)
from aggregates.desk import Desk
from aggregates.errors import NotFound
from aggregates.fact import Command, Fact
from aggregates.team import CreateTeam, Team, TeamCommand
from commands.context import Accepted, Context
from commands.handle import Ask, Handler, Seen, Writes
from commands.references import references

EMAIL = "customer.email"
Decide = Callable[[Any, Desk], tuple[Fact, ...]]


CREATES = (CreateTeam, RegisterAgent, RegisterCustomer, RegisterOrganisation, CreateCalendar)


class Configuration:
    """Teams, agents, customers, organisations, calendars. Where `id` is None it follows from the command.

    Raises Refusal.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def team(self, id: UUID | None, command: TeamCommand, context: Context) -> Accepted:
        def decision(state: Team, desk: Desk) -> tuple[Fact, ...]:
            members = command.members if isinstance(command, CreateTeam) else command.add_members
            for place, member in enumerate(members):
                field = "members" if isinstance(command, CreateTeam) else "add_members"
                desk.agent(member, f"{field}.{place}")
            if command.leader is not None:
                desk.agent(command.leader, "leader")
            return team.decide(state, command)

        return await self._run(id, Team(), command, context, decision)

    async def agent(self, id: UUID | None, command: AgentCommand, context: Context) -> Accepted:
        return await self._run(id, Agent(), command, context, lambda state, desk: agent.decide(state, command))

    async def customer(self, id: UUID | None, command: CustomerCommand, context: Context) -> Accepted:
        def decision(state: Customer, desk: Desk) -> tuple[Fact, ...]:
            if command.organisation is not None:
                desk.organisation(command.organisation, "organisation")
            return customer.decide(state, command)

        return await self._run(id, Customer(), command, context, decision)

    async def organisation(self, id: UUID | None, command: OrganisationCommand, context: Context) -> Accepted:
        def decision(state: Organisation, desk: Desk) -> tuple[Fact, ...]:
            return customer.decide_organisation(state, command)

        return await self._run(id, Organisation(), command, context, decision)

    async def calendar(self, id: UUID | None, command: CalendarCommand, context: Context) -> Accepted:
        """Hours that do not say from when they hold, hold from now on."""

        def decision(state: Calendar, desk: Desk) -> tuple[Fact, ...]:
            return tuple(_dated(fact, context.now) for fact in calendar.decide(state, command))

        return await self._run(id, Calendar(), command, context, decision)

    async def _run(self, id: UUID | None, initial: Any, command: Command, context: Context, decide: Decide) -> Accepted:
        stream = id or uuid5(context.command_id, type(initial).__name__)

        def decision(seen: Seen, desk: Desk) -> Writes:
            state = seen[stream].state
            if not isinstance(state, type(initial)) and (state is not None or not isinstance(command, CREATES)):
                kind = type(initial).__name__.lower()
                raise NotFound(f"{kind}.not_found", f"There is no such {kind}.")
            return {stream: decide(initial if state is None else state, desk)}

        return await self._handler.handle(
            Ask(
                command,
                context,
                own=(stream,),
                decide=decision,
                refers=references(command, context.actor),
                new=frozenset() if id else frozenset({stream}),
                reserve=self._reserve_email,
            )
        )

    def _reserve_email(self, stream: UUID, fact: Fact) -> tuple[tuple[str, bytes, UUID], ...]:
        """E-mail addresses are unique; only a keyed digest of them leaves the customer's own stream."""
        if not isinstance(fact, ContactsChanged):
            return ()
        secret = self._handler.secret
        emails = [contact.value for contact in fact.contacts if contact.kind == "email"]
        return tuple((EMAIL, email_key(secret, email), stream) for email in emails if isinstance(email, str))


def email_key(secret: bytes, email: str) -> bytes:
    """The key under which an address is reserved."""
    return hmac.digest(secret, email.strip().casefold().encode(), hashlib.sha256)


def _dated(fact: Fact, now: datetime) -> Fact:
    # After deciding: only there does it show whether the same hours were asked for again.
    undated = isinstance(fact, CalendarPublished) and fact.effective_from is None
    return fact.model_copy(update={"effective_from": now}) if undated else fact
