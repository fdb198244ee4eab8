"""HTTP for SLA policies: the list and its order, versions, and which policy a ticket would get and why."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, cast
from uuid import UUID, uuid5

from fastapi import Query, Response
from pydantic import AwareDatetime, Field

from aggregates.calendar import Calendar
from aggregates.customer import Customer, Tier
from aggregates.envelope import Recorded, recorded
from aggregates.errors import UnknownReference
from aggregates.fact import Command
from aggregates.sla.matching import Checked, Judged, applying, in_force, match, standing, stood_on
from aggregates.sla.policies import (
    POLICY_LIST,
    OrderPolicies,
    PolicyList,
    PolicyPublished,
    PolicyRetired,
    PublishDefaults,
    PublishPolicy,
    Reach,
    RetirePolicy,
    Version,
)
from aggregates.text import Name
from aggregates.ticket.commands import Fields, Tags
from aggregates.ticket.events import Channel, Metric, Priority, SlaApplied, TicketType
from aggregates.ticket.state import Ticket
from api.asking import Ask, AskAnew, newest, stamp, ticket_id
from api.callers import FigureCaller, LeadCaller, ReaderCaller
from api.desk import Id
from api.policies_shown import (
    CheckedShown,
    DryRunShown,
    JudgedShown,
    PoliciesShown,
    PolicyHistoryShown,
    PolicyListChanged,
    PolicyShown,
    PolicyVersionShown,
    PublishedShown,
    RetiredShown,
)
from api.reading import found
from api.services import Services, Shared, no_ticket
from api.shown import ActorShown
from api.strict import invalid, router
from commands.applying import policies_seen
from commands.context import Accepted

policies = router("/sla/policies", "sla")
ReachAsked = Annotated[Reach, Query(description="`open`: open tickets lose it, too; `new`: only new ones never get it")]


class DryRun(Command):
    """A `ticket` that is there, or one as you describe it: `tier`, or a `requester` who has one. `at`: now, if left
    out."""

    ticket: Annotated[str, Field(max_length=64)] | None = None
    at: AwareDatetime | None = None
    priority: Priority = "normal"
    channel: Channel = "api"
    category: Name | None = None
    team: UUID | None = None
    ticket_type: TicketType = "question"
    tags: Tags = ()
    fields: Fields = Field(default_factory=dict)
    requester: UUID | None = None
    tier: Tier | None = None


@policies.get("")
async def list_policies(who: FigureCaller, services: Shared, response: Response) -> PoliciesShown:
    """All policies with their versions, in the order in which they are looked at; never behind."""
    listed = await _policies(services, response)
    holding = {policy: v.number for policy, v in in_force(listed, listed.moment(datetime.now(UTC)), None)}
    return PoliciesShown(
        version=listed.version,
        policies=[_shown(listed, policy, holding.get(policy)) for policy in listed.current.policies],
        retired=[_shown(listed, policy, None) for policy in listed.retired],
    )


@policies.post("", status_code=201)
async def publish_policy(who: LeadCaller, body: PublishPolicy, ask: AskAnew, response: Response) -> PolicyListChanged:
    """Publish a new policy; it comes last."""
    context = ask.context(who, body, "policy")
    policy = uuid5(context.command_id, "policy")
    accepted = await ask.services.policies.change(body, context, policy)
    response.headers["Location"] = f"/v1/sla/policies/{policy}/versions"
    return _told(response, accepted, policy)


@policies.put("/order")
async def order_policies(who: LeadCaller, body: OrderPolicies, ask: Ask, response: Response) -> PolicyListChanged:
    """Say in which order policies are looked at: the first whose conditions hold applies."""
    context = ask.context(who, body, "policy order")
    return _told(response, await ask.services.policies.change(body, context), *body.order)


@policies.put("/{id}")
async def publish_policy_as(
    who: LeadCaller, id: Id, body: PublishPolicy, ask: Ask, response: Response
) -> PolicyListChanged:
    """Publish a new version of a policy, a retired one again, or a new one under an id of your own choice."""
    context = ask.context(who, body, f"policy {id}")
    return _told(response, await ask.services.policies.change(body, context, id), id)


@policies.delete("/{id}")
async def retire_policy(
    who: LeadCaller, id: Id, ask: Ask, response: Response, reach: ReachAsked = "new"
) -> PolicyListChanged:
    """Retire a policy: it holds no longer, and its versions stay readable."""
    command = RetirePolicy(reach=reach)
    context = ask.context(who, command, f"policy {id}")
    return _told(response, await ask.services.policies.change(command, context, id), id)


@policies.get("/{id}/versions")
async def list_policy_versions(who: FigureCaller, id: Id, services: Shared, response: Response) -> PolicyHistoryShown:
    """Every version that was ever published: what it said, from when, who published it and when."""
    listed = await _policies(services, response)
    events = [recorded(stored) for stored in await services.store.stream(POLICY_LIST)]
    versions = [
        _published(version, event)
        for version in listed.versions(id)
        for event in events[version.listed - 1 : version.listed]
    ]
    retirements = [_retired(event) for event in events if _retires(event, id)]
    return PolicyHistoryShown(versions=found(versions or None, "policy"), retirements=retirements)


@policies.post("/defaults", status_code=201)
async def publish_defaults(
    who: LeadCaller, body: PublishDefaults, ask: AskAnew, response: Response
) -> PolicyListChanged:
    """Publish the five policies that are shipped: one each for chat, phone, email and social media, and one for all."""
    return _told(response, await ask.services.policies.change(body, ask.context(who, body, "policy defaults")))


@policies.post("/dry-run")
async def dry_run_policies(who: ReaderCaller, body: DryRun, services: Shared, response: Response) -> DryRunShown:
    """Which policy a ticket would get, and why: every policy in force, condition by condition. Changes nothing."""
    listed = await _policies(services, response)
    ticket = await _ticket(body, services)
    tier = body.tier or await _tier(ticket.requester, body, services)
    at = body.at or listed.moment(datetime.now(UTC))
    known = await services.handler.memory.recall(stood_on(listed, None, standing(ticket), at), fresh=True)
    calendars = {id: now.state for id, now in known.items() if isinstance(now.state, Calendar)}
    judged = match(listed, ticket, tier, at)
    return _explained(at, applying(listed, ticket, tier, calendars, at), judged.applies, judged.judged, ticket.priority)


async def _policies(services: Services, response: Response) -> PolicyList:
    return policies_seen(await newest(POLICY_LIST, services, response))


async def _ticket(body: DryRun, services: Services) -> Ticket:
    if body.requester is not None and body.tier is not None:
        raise invalid("body.tier", "requester_or_tier")
    if body.ticket is None:
        return Ticket(
            number=1,
            requester=body.requester,
            channel=body.channel,
            category=body.category,
            team=body.team,
            priority=body.priority,
            ticket_type=body.ticket_type,
            tags=frozenset(body.tags),
            fields=MappingProxyType({name: value for name, value in body.fields.items() if value is not None}),
        )
    if body.model_fields_set - {"ticket", "at"}:
        raise invalid("body.ticket", "ticket_or_attributes")
    id = await ticket_id(body.ticket, services, "body.ticket")
    state = (await services.handler.memory.recall([id], fresh=True))[id].state
    if not isinstance(state, Ticket):
        raise no_ticket()
    return state


async def _tier(requester: UUID | None, body: DryRun, services: Services) -> Tier:
    if requester is None:
        return "standard"
    state = (await services.handler.memory.recall([requester], fresh=True))[requester].state
    if isinstance(state, Customer):
        return state.tier
    if body.requester is not None:
        raise UnknownReference("customer.unknown", "There is no such customer.", field="requester")
    return "standard"


def _shown(listed: PolicyList, policy: UUID, holds: int | None) -> PolicyShown:
    versions = listed.versions(policy)
    shown = [PolicyVersionShown.model_validate(version) for version in versions]
    return PolicyShown(id=policy, name=versions[-1].terms.name, holds=holds, versions=shown)


def _published(version: Version, event: Recorded) -> PublishedShown:
    shown = PolicyVersionShown.model_validate(version)
    by = ActorShown.model_validate(event.actor)
    return PublishedShown(**dict(shown), published_at=event.recorded_at, published_by=by)


def _retires(event: Recorded, policy: UUID) -> bool:
    return isinstance(event.fact, PolicyRetired) and event.fact.policy == policy


def _retired(event: Recorded) -> RetiredShown:
    by, reach = ActorShown.model_validate(event.actor), cast(PolicyRetired, event.fact).reach
    return RetiredShown(reach=reach, listed=event.version, retired_at=event.recorded_at, retired_by=by)


def _explained(
    at: datetime, applies: SlaApplied, version: Version | None, judged: tuple[Judged, ...], priority: Priority
) -> DryRunShown:
    return DryRunShown(
        at=at,
        list_version=applies.list_version,
        policy=applies.policy,
        policy_version=applies.policy_version or None,
        name=None if version is None else version.terms.name,
        calendar=applies.calendar,
        calendar_version=applies.calendar_version or None,
        targets={} if version is None else _targets(version, priority),
        policies=[_judged(one) for one in judged],
    )


def _targets(version: Version, priority: Priority) -> dict[Metric, int]:
    found = {metric: version.terms.target(metric, priority) for metric in version.terms.targets}
    return {metric: seconds for metric, seconds in found.items() if seconds is not None}


def _judged(judged: Judged) -> JudgedShown:
    return JudgedShown(
        policy=judged.policy,
        version=judged.version.number,
        name=judged.version.terms.name,
        holds=judged.holds,
        all=[_checked(checked) for checked in judged.all],
        any=[_checked(checked) for checked in judged.any],
    )


def _checked(checked: Checked) -> CheckedShown:
    return CheckedShown(**dict(checked.condition), held=checked.held, had=list(checked.had))


def _told(response: Response, accepted: Accepted, *about: UUID) -> PolicyListChanged:
    stamp(response, accepted)
    return PolicyListChanged(
        policies=list(about) or [fact.policy for fact in accepted.facts if isinstance(fact, PolicyPublished)],
        version=accepted.version,
        position=accepted.position,
        events=accepted.events,
    )
