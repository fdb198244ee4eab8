"""What do given rules mean beside those that are published? Whatever could not be published is refused by its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid5

from psycopg import Connection

from aggregates.calendar import Calendar, CreateCalendar, decide
from aggregates.calendar import Version as HoursVersion
from aggregates.desk import Desk
from aggregates.errors import Refusal, Unacceptable, UnknownReference
from aggregates.sla.checks import check, named
from aggregates.sla.policies import Listing, PolicyList, Version
from aggregates.sla.terms import Terms
from aggregates.sla.values import conditions, uuid_or_none
from aggregates.ticket.events import Priority
from replay.tickets import BEGINNING
from replay.what_if.given import Given, GivenPolicy
from replay.what_if.read import Published, published_calendars, tiers
from replay.what_if.rules import GivenLibrary, Listed, SlaRules

GIVEN = UUID("0a5f8b0e-27ce-4d2f-a0c0-6f2b5c1d9e21")
Calendars = Mapping[UUID, Calendar]


def resolved(connection: Connection[Any], given: Given, head: int, now: datetime) -> SlaRules:
    """The rules that are given, beside what was published by position `head`.

    Raises Refusal, whose field is the place in `given`, and psycopg.Error.
    """
    published = _published(connection, given, head)
    known = {id: entry for id, entry in published.desk().entries.items() if isinstance(entry, Calendar)}
    calendars = known | _given_calendars(given, known)
    desk = Desk({**published.desk().entries, **calendars})
    versions = _versions(given, published.policies, desk, calendars)
    priorities, priority_of = _priorities(given, desk)
    listed = _listed(_list(given, published.policies, versions), calendars)
    before = _listed(published.policies, known) if given.extends else None
    asks = any(each.tiered for each in (listed, before, _listed(priorities, {})) if each is not None)
    return SlaRules(
        given=listed,
        published=before,
        priorities=priorities,
        priority_of=priority_of,
        tiers=tiers(connection, head) if asks else {},
        library=GivenLibrary(published.book, {(one.policy, one.number): one.terms for one in versions}, calendars),
        now=now,
    )


def _published(connection: Connection[Any], given: Given, head: int) -> Published:
    """With all the configuration that is named."""
    published = Published(connection, head)
    published.refresh(id for one in given.policies for id in named(one.terms))
    published.refresh(id for one in given.priority for id in named(_promising_nothing(one.all, one.any)))
    names = [*given.calendars, *(one.calendar for one in given.policies if one.calendar is not None)]
    ids = [uuid_or_none(name) for name in names]
    published.refresh(id for id in ids if id is not None)
    if None in ids:
        published.refresh(published_calendars(connection, head))
    return published


def _given_calendars(given: Given, known: Calendars) -> dict[UUID, Calendar]:
    """In place of a published one as its next version, which holds all along."""
    found: dict[UUID, Calendar] = {}
    for name, hours in given.calendars.items():
        field = f"calendars.{name}"
        id = _calendar_called(name, known, field)
        if id is None and uuid_or_none(name) is not None:
            raise UnknownReference("calendar.unknown", "There is no such calendar.", field=field)
        held = Calendar(name) if id is None else known[id]
        with _placed(field, "hours"):
            decide(Calendar(), CreateCalendar(name=held.name, hours=hours))
        stands_for = id or uuid5(GIVEN, name)
        if stands_for in found:
            raise Unacceptable("calendar.given_twice", "A calendar is given once.", field=field)
        found[stands_for] = replace(held, versions=(HoursVersion(len(held.versions) + 1, hours, None),))
    return found


def _calendar_called(name: str, known: Calendars, field: str) -> UUID | None:
    """By id or by name."""
    id = uuid_or_none(name)
    return id if id in known else _only([id for id, one in known.items() if one.name == name], field)


def _versions(given: Given, published: PolicyList, desk: Desk, calendars: Calendars) -> list[Version]:
    found = [_version(place, one, published, desk, calendars) for place, one in enumerate(given.policies)]
    times = Counter(version.policy for version in found)
    for place, version in enumerate(found):
        if times[version.policy] > 1:
            raise Unacceptable("policy.given_twice", "A policy is given once.", field=f"policies.{place}")
    return found


def _version(place: int, one: GivenPolicy, published: PolicyList, desk: Desk, calendars: Calendars) -> Version:
    field = f"policies.{place}"
    terms = one.terms
    if one.calendar is not None:
        called = _calendar_called(one.calendar, calendars, f"{field}.calendar")
        if called is None:
            detail = "There is no such calendar, neither published nor given."
            raise UnknownReference("calendar.unknown", detail, field=f"{field}.calendar")
        terms = terms.model_copy(update={"calendar": called})
    with _placed(field):
        check(terms, desk)
    policy = _policy(one, published, field)
    return Version(
        policy=policy,
        number=len(published.versions(policy)) + 1,
        terms=terms,
        effective_from=one.effective_from or BEGINNING,
        reach="open",
        listed=published.version + 1,
    )


def _policy(one: GivenPolicy, published: PolicyList, field: str) -> UUID:
    """Of the published policy that it stands for, if there is one: what follows its versions is the next of them."""
    if one.id is not None:
        if not published.versions(one.id):
            raise UnknownReference("policy.unknown", "There is no such policy.", field=f"{field}.id")
        return one.id
    of_name = [policy for policy, held in published.current if held[-1].terms.name == one.terms.name]
    return _only(of_name, f"{field}.terms.name") or uuid5(GIVEN, one.terms.name)


def _list(given: Given, published: PolicyList, versions: Sequence[Version]) -> PolicyList:
    """Steps are kept for their number alone: a past is judged by what is current."""
    own = {version.policy: (version,) for version in versions}
    if given.extends is None:
        return replace(published, current=Listing(tuple(own), MappingProxyType(own)))
    there = published.current.policies
    order = (*(policy for policy in own if policy not in there), *there)
    return replace(published, current=Listing(order, MappingProxyType({**published.current.versions, **own})))


def _priorities(given: Given, desk: Desk) -> tuple[PolicyList, dict[UUID, Priority]]:
    """As a list of policies, so that what matches policies matches these."""
    versions = {}
    for place, one in enumerate(given.priority):
        terms = _promising_nothing(one.all, one.any)
        with _placed(f"priority.{place}", "terms"):
            check(terms, desk)
        policy = uuid5(GIVEN, f"priority {place}")
        versions[policy] = (Version(policy, 1, terms, BEGINNING, "open", 1),)
    listing = Listing(tuple(versions), MappingProxyType(versions))
    return PolicyList(current=listing), dict(zip(versions, (one.priority for one in given.priority), strict=True))


def _promising_nothing(all: Any, any: Any) -> Terms:
    return Terms(name="priority", all=all, any=any)


def _listed(policies: PolicyList, calendars: Calendars) -> Listed:
    terms = [version.terms for _, versions in policies.current for version in versions]
    return Listed(policies, calendars, any(c.attribute == "tier" for one in terms for _, c in conditions(one)))


def _only(found: Sequence[UUID], field: str) -> UUID | None:
    if len(found) > 1:
        raise Unacceptable("what_if.ambiguous", "Several are called so: give the id.", field=field)
    return found[0] if found else None


@contextmanager
def _placed(field: str, dropped: str = "") -> Iterator[None]:
    """A refusal's field, as the place in what was given."""
    try:
        yield
    except Refusal as refusal:
        inner = (refusal.field or "").removeprefix(f"{dropped}.")
        refusal.field = f"{field}.{inner}" if inner else field
        raise
