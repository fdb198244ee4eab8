"""lives: a ticket's facts with their instants, told in a few words, and the clocks that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aggregates.business_time import Hours, Span
from aggregates.envelope import Actor, ActorKind, Envelope, Recorded
from aggregates.fact import Fact
from aggregates.sla.agenda import Item, agenda
from aggregates.sla.clock import Clock
from aggregates.sla.clocks import Clocks, clocks
from aggregates.sla.terms import Target, Terms
from aggregates.ticket import events as t
from aggregates.ticket.events import Metric, Priority

TICKET, ANNA, ADA, BEN = UUID(int=0x71), UUID(int=0xA1), UUID(int=0xB1), UUID(int=0xB2)
SUPPORT, NETWORK = UUID(int=0xC1), UUID(int=0xC2)
GOLD, SILVER, OFFICE, NIGHT = (UUID(int=0xF0 + n) for n in range(4))
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE, HOUR, DAY = 60, 3_600, 86_400
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")


def hours(days: Sequence[str], *spans: tuple[int, int]) -> Hours:
    """The same spans, in whole hours UTC, on each of the days."""
    open_from = [Span(opens=opens * 60, closes=closes * 60) for opens, closes in spans]
    return Hours.model_validate({"zone": "UTC"} | dict.fromkeys(days, open_from))


OFFICE_HOURS = hours(WEEK, (9, 18))
NIGHT_HOURS = hours(WEEK[:2], (18, 9))


def at(clock: str, day: int = 0) -> datetime:
    """10:30 or 10:30:15 on a day of that week, Monday being 0."""
    hour, minute, second = (*map(float, clock.split(":")), 0.0)[:3]
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute, seconds=second)


def terms(seconds: int | Mapping[Priority, int], *metrics: Metric, time: str = "calendar", **more: object) -> Terms:
    """One target for each of the metrics."""
    by_priority = {p: seconds for p in ("low", "normal", "high", "urgent")} if isinstance(seconds, int) else seconds
    target = Target.model_validate({"seconds": by_priority, "time": time})
    calendar = OFFICE if time == "business" else None
    return Terms.model_validate(
        {"name": "Gold", "calendar": calendar, "targets": dict.fromkeys(metrics, target)} | more
    )


class Shelf:
    """A book of policies and calendars by id and version."""

    def __init__(
        self,
        policies: Mapping[tuple[UUID, int], Terms],
        calendars: Mapping[tuple[UUID, int], Hours] | None = None,
    ) -> None:
        self.policies = dict(policies)
        self.calendars = dict(calendars or {(OFFICE, 1): OFFICE_HOURS, (NIGHT, 1): NIGHT_HOURS})

    def terms(self, policy: UUID, version: int) -> Terms:
        return self.policies[policy, version]

    def hours(self, calendar: UUID, version: int) -> Hours:
        return self.calendars[calendar, version]


class Life:
    """Tell what happened, in the order in which it was recorded."""

    def __init__(self, *policies: Terms, calendars: Mapping[tuple[UUID, int], Hours] | None = None) -> None:
        self.shelf = Shelf({(GOLD, n): terms for n, terms in enumerate(policies, 1)}, calendars)
        self.events: list[Recorded] = []
        self.commands = 0

    def tell(
        self,
        when: datetime,
        *facts: Fact,
        by: ActorKind = "agent",
        recorded: datetime | None = None,
        command: int | None = None,
    ) -> Life:
        """Facts of one command, that happened at `when` and were recorded then or later."""
        self.commands += 1
        for fact in facts:
            version = len(self.events) + 1
            envelope = Envelope[Fact](
                actor=Actor(kind=by, id=str(ADA)),
                command_id=UUID(int=self.commands if command is None else command),
                correlation_id=UUID(int=1),
                occurred_at=None if recorded is None else when,
                fact=fact,
            )
            self.events.append(Recorded(version, TICKET, version, recorded or when, envelope))
        return self

    def opened(self, when: datetime, *, priority: Priority = "normal", team: UUID | None = None) -> Life:
        """With the requester's message, under version 1 of the policy."""
        opened = t.Opened(number=1, requester=ANNA, subject="Fire", channel="email", priority=priority, team=team)
        return self.tell(when, opened, message(), applied(1, self.shelf))

    @property
    def clocks(self) -> Clocks:
        return clocks(self.events, self.shelf)

    def clock(self, metric: Metric, cycle: int = 1) -> Clock:
        found = [clock for clock in self.clocks if (clock.metric, clock.cycle) == (metric, cycle)]
        assert len(found) == 1, f"{metric} {cycle}: {len(found)}"
        return found[0]

    def agenda(self, until: datetime) -> list[Item]:
        return [item for item in agenda(self.clocks) if item.at <= until]

    def noted(self, until: datetime) -> Life:
        """The clock process has been here and wrote what was due by then."""
        for item in self.agenda(until):
            self.tell(until, item.fact, by="system")
        return self


def applied(version: int, shelf: Shelf, *, since: datetime | None = None, calendar_version: int = 1) -> t.SlaApplied:
    calendar = shelf.policies[GOLD, version].calendar
    return t.SlaApplied(
        policy=GOLD,
        policy_version=version,
        calendar=calendar,
        calendar_version=calendar_version if calendar else 0,
        list_version=version,
        since=since,
    )


def message() -> t.MessageReceived:
    return t.MessageReceived(author=ANNA, body="It burns", channel="email")


def reply(*, automatic: bool = False) -> t.ReplyAdded:
    return t.ReplyAdded(body="Water", automatic=automatic)


def priority(now: Priority, was: Priority = "normal") -> t.PriorityChanged:
    return t.PriorityChanged(priority=now, was=was)


def pending() -> t.PutPending:
    return t.PutPending(was="open")


def on_hold() -> t.PutOnHold:
    return t.PutOnHold(was="open")


def resolved() -> t.Resolved:
    return t.Resolved(was="open", code="done")


def reopened() -> t.Reopened:
    return t.Reopened(was="resolved", cause="message")


def seconds(clock: Clock, now: datetime) -> float:
    return clock.elapsed(now).total_seconds()
