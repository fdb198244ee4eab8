"""test_sla_clock: is what falls due noted once, with its exact instant, and what follows from it?"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import Connection

from aggregates.agent import AgentRegistered
from aggregates.business_time import Hours
from aggregates.calendar import CalendarCreated, CalendarPublished
from aggregates.customer import CustomerRegistered, TierChanged
from aggregates.envelope import Actor, ActorKind, Envelope, Recorded, encode, recorded
from aggregates.fact import Fact
from aggregates.sla.noting import event_id
from aggregates.sla.policies import POLICY_LIST, PoliciesOrdered, PolicyPublished, Reach
from aggregates.sla.terms import Condition, Terms
from aggregates.team import TeamCreated, TeamDisabled, TeamLeaderChanged
from aggregates.ticket import events as t
from commands.append import Append, Write, append_blocking
from commands.log import read_head, read_streams
from consumers.builds import build_position, ensure_live
from consumers.loop import Source, consume
from consumers.runner import apply
from consumers.sla_clock import Notes, SlaClock
from consumers.sla_moves import Moves
from consumers.sla_store import Configuration
from consumers.store_feed import StoreFeed
from projections.sla import Sla
from tests.aggregates.lives import terms
from tests.consumers.rig import await_true, running
from tests.databases import Database

GOLD, SILVER, OFFICE = UUID(int=0xF0), UUID(int=0xF1), UUID(int=0xF2)
ANNA, ADA, BEN, SUPPORT, NETWORK = (UUID(int=0xA0 + n) for n in range(5))
HOUR = timedelta(hours=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Desk:
    """A store with its sla view and its clock, each moved on by the test."""

    url: str
    connection: Connection[Any]
    sla: Sla = field(default_factory=Sla)
    listed: int = 0

    def __post_init__(self) -> None:
        self.now = self.connection.execute("SELECT clock_timestamp()").fetchone()[0]  # type: ignore[index]
        self.told(ADA, AgentRegistered(name="Ada"))
        self.told(BEN, AgentRegistered(name="Ben"))
        self.told(SUPPORT, TeamCreated(name="Support"), TeamLeaderChanged(leader=BEN))
        self.told(NETWORK, TeamCreated(name="Network"))
        self.told(ANNA, CustomerRegistered(name="Anna"))

    def ago(self, hours: float) -> datetime:
        return self.now - timedelta(hours=hours)  # type: ignore[no-any-return]

    def told(self, stream: UUID, *facts: Fact, at: datetime | None = None, by: ActorKind = "agent") -> int:
        """Append facts that happened `at` an instant; the stream's version then."""
        version = len(self.history(stream))
        command = uuid4()
        events = tuple(
            (
                fact.type_name,
                encode(
                    Envelope[Any](
                        actor=Actor(kind=by, id=str(ADA)),
                        command_id=command,
                        correlation_id=command,
                        occurred_at=at,
                        fact=fact,
                    )
                ),
            )
            for fact in facts
        )
        [outcome] = append_blocking(self.connection, [Append(command, "test", b"", (Write(stream, version, events),))])
        assert outcome.kind == "accepted"
        return version + len(facts)

    def publish(self, policy: UUID, terms: Terms, *, reach: Reach = "new", since: datetime = LONG_AGO) -> None:
        self.told(POLICY_LIST, PolicyPublished(policy=policy, terms=terms, effective_from=since, reach=reach))
        self.listed += 1

    def opened(self, hours: float, *more: Fact, by: ActorKind = "agent", policy: int = 1) -> UUID:
        """A ticket opened so many hours ago, under that version of the policy."""
        ticket = uuid4()
        opened = t.Opened(number=ticket.int % 10**9, requester=ANNA, subject="Fire", channel="email", team=SUPPORT)
        held = t.SlaApplied(policy=GOLD, policy_version=policy, list_version=self.listed)
        self.told(ticket, opened, held, *more, at=self.ago(hours), by=by)
        return ticket

    def look(self) -> None:
        """The view hears of everything."""
        build, head = ensure_live(self.connection, self.sla), read_head(self.connection).position
        with closing(StoreFeed(self.url, build.schema)) as feed:
            while build_position(self.connection, build.schema) < head:
                parts = feed.poll(0.2)
                if parts:
                    apply(self.connection, build, self.sla, parts)

    def notes(self) -> Notes:
        """A clock process that has just begun."""
        return Notes(self.connection, Configuration(self.connection))

    def tick(self) -> int:
        self.look()
        return self.notes().take()

    def move(self) -> None:
        self.look()
        moves = Moves(self.connection, Configuration(self.connection))
        while moves.advance():
            pass

    def history(self, stream: UUID) -> list[Recorded]:
        return [recorded(stored) for stored in read_streams(self.connection, [(stream, 0)])]

    def facts(self, stream: UUID, *kinds: type[Fact]) -> list[Any]:
        return [event.fact for event in self.history(stream) if not kinds or isinstance(event.fact, kinds)]


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        yield Desk(database.app_url, connection)


def test_a_breach_is_noted_once_with_the_instant_at_which_it_fell_due(desk: Desk) -> None:
    desk.publish(GOLD, terms(3_600, "first_reply"))
    ticket = desk.opened(2)
    desk.tick()
    desk.tick()
    [breach] = desk.facts(ticket, t.SlaBreached)
    assert (breach.due, breach.in_status, breach.team) == (desk.ago(1), "new", SUPPORT)
    assert desk.history(ticket)[-1].actor == Actor(kind="system", id="sla")


def test_a_view_that_has_not_heard_of_it_makes_nobody_look_twice(desk: Desk) -> None:
    desk.publish(GOLD, terms(3_600, "first_reply"))
    desk.opened(2)
    desk.look()
    notes = desk.notes()
    assert (notes.take(), notes.take()) == (1, 0)


def test_two_clocks_at_once_note_each_breach_once(desk: Desk, database: Database) -> None:
    desk.publish(GOLD, terms(3_600, "first_reply", "resolution"))
    tickets = [desk.opened(2) for _ in range(20)]
    desk.look()
    with psycopg.connect(database.app_url, autocommit=True) as other:
        clocks = [desk.notes(), Notes(other, Configuration(other))]
        threads = [threading.Thread(target=clock.take) for clock in clocks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert all(len(desk.facts(ticket, t.SlaBreached)) == 2 for ticket in tickets)


def test_what_the_view_does_not_know_yet_leaves_no_false_breach(desk: Desk) -> None:
    """A reply, a pause and a higher target arrived after the view was read."""
    desk.publish(GOLD, terms(3_600, "first_reply"))
    desk.publish(GOLD, terms(36_000, "first_reply"))
    replied, moved = desk.opened(2), desk.opened(2)
    desk.look()
    desk.told(replied, t.ReplyAdded(body="Water"), at=desk.ago(1.5))
    desk.told(moved, t.SlaApplied(policy=GOLD, policy_version=2, list_version=2, since=desk.ago(2)))
    desk.notes().take()
    assert desk.facts(replied, t.SlaBreached, t.SlaMet) == [desk.facts(replied)[-1]]
    assert isinstance(desk.facts(replied)[-1], t.SlaMet)
    assert desk.facts(moved, t.SlaBreached) == []


def test_a_reply_that_is_recorded_late_withdraws_the_breach(desk: Desk) -> None:
    desk.publish(GOLD, terms(3_600, "first_reply"))
    ticket = desk.opened(2)
    desk.tick()
    desk.told(ticket, t.ReplyAdded(body="Water"), at=desk.ago(1.5))
    desk.tick()
    kinds = [type(fact) for fact in desk.facts(ticket)]
    assert kinds[-4:] == [t.SlaBreached, t.ReplyAdded, t.SlaBreachWithdrawn, t.SlaMet]
    desk.look()
    row = desk.connection.execute("SELECT due, withdrawn_at IS NOT NULL FROM read.sla_breaches").fetchone()
    assert row == (desk.ago(1), True)


def test_the_policys_reactions_follow_from_the_breach(desk: Desk) -> None:
    reactions = [
        {"on": "warning", "actions": [{"action": "notify", "assignee": True, "leader": True}]},
        {
            "on": "breach",
            "metrics": ["first_reply"],
            "actions": [
                {"action": "escalate", "level": 2, "team": str(NETWORK)},
                {"action": "raise_priority"},
                {"action": "tag", "tags": ["late"]},
            ],
        },
        {"on": "breach", "metrics": ["resolution"], "actions": [{"action": "tag", "tags": ["never"]}]},
    ]
    desk.publish(GOLD, terms(3_600, "first_reply", warnings=({"percent": 50},), reactions=reactions))
    ticket = desk.opened(2, t.Assigned(agent=ADA))
    desk.tick()
    history = desk.history(ticket)
    told = [type(event.fact) for event in history[3:]]
    assert told == [t.SlaWarned, t.Notified, t.SlaBreached, t.Escalated, t.PriorityChanged, t.Tagged]
    warned, notified, breached, escalated, raised, tagged = history[3:]
    assert notified.fact.agents == tuple(sorted((ADA, BEN)))  # type: ignore[attr-defined]
    assert notified.envelope.causation_id == event_id(ticket, warned.version)
    assert {event.envelope.causation_id for event in (escalated, raised, tagged)} == {
        event_id(ticket, breached.version)
    }
    assert escalated.actor == Actor(kind="rule", id=f"{GOLD}@1")
    assert (escalated.fact.to_level, escalated.fact.to_team) == (2, NETWORK)  # type: ignore[attr-defined]


def test_a_reaction_that_the_desk_forbids_by_now_is_left_out_and_the_breach_is_not(desk: Desk) -> None:
    actions = [{"action": "escalate", "team": str(NETWORK)}, {"action": "tag", "tags": ["late"]}]
    desk.publish(GOLD, terms(3_600, "first_reply", reactions=[{"on": "breach", "actions": actions}]))
    desk.told(NETWORK, TeamDisabled())
    ticket = desk.opened(2)
    desk.tick()
    assert [type(fact) for fact in desk.facts(ticket)[2:]] == [t.SlaBreached, t.Tagged]


def test_a_raised_priority_may_bring_another_policy_at_once(desk: Desk) -> None:
    reactions = [{"on": "breach", "actions": [{"action": "raise_priority", "priority": "urgent"}]}]
    urgent = Condition(attribute="priority", values=("urgent",))
    desk.publish(
        GOLD,
        terms(3_600, "first_reply", reactions=reactions, all=(Condition(attribute="priority", values=("normal",)),)),
    )
    desk.publish(SILVER, terms(36_000, "resolution", all=(urgent,)), reach="open")
    ticket = desk.opened(2)
    desk.tick()
    assert desk.facts(ticket, t.SlaApplied)[-1].policy == SILVER


def test_nothing_is_pushed_further_that_is_resolved_by_then(desk: Desk) -> None:
    actions = [{"action": "escalate", "level": 2}, {"action": "raise_priority"}, {"action": "notify", "leader": True}]
    desk.publish(GOLD, terms(3_600, "resolution", reactions=[{"on": "breach", "actions": actions}]))
    ticket = desk.opened(3)
    desk.told(ticket, t.Resolved(was="new", code="done"), at=desk.ago(1))
    desk.tick()
    assert [type(fact) for fact in desk.facts(ticket)[3:]] == [t.SlaBreached, t.Notified]


def test_nobody_is_paged_for_what_was_due_before_the_import(desk: Desk) -> None:
    reactions = [
        {"on": "breach", "actions": [{"action": "escalate", "level": 2}, {"action": "notify", "leader": True}]}
    ]
    desk.publish(GOLD, terms(3_600, "first_reply", reactions=reactions))
    ticket = desk.opened(200, t.Imported(source="log", case="1"), by="import")
    resolved = desk.opened(300, t.Imported(source="log", case="2"), t.Resolved(was="new", code="done"), by="import")
    desk.tick()
    assert [type(fact) for fact in desk.facts(ticket)[3:]] == [t.SlaBreached]
    assert desk.facts(resolved, t.Closed) == []


def test_a_resolved_ticket_closes_by_itself(desk: Desk) -> None:
    desk.publish(GOLD, terms(360_000, "update"))
    early, late = desk.opened(100), desk.opened(98)
    for ticket, hours in ((early, 97), (late, 95)):
        desk.told(ticket, t.Resolved(was="new", code="done"), at=desk.ago(hours))
    desk.tick()
    assert [fact.cause for fact in desk.facts(early, t.Closed)] == ["auto"]
    assert desk.facts(late, t.Closed) == []


def test_a_policy_that_reaches_open_tickets_moves_each_of_them_once(desk: Desk) -> None:
    desk.publish(GOLD, terms(3_600, "first_reply"))
    tickets = [desk.opened(0.5) for _ in range(3)]
    closed = desk.opened(0.5)
    desk.told(closed, t.Closed(was="resolved", cause="agent"))
    desk.publish(GOLD, terms(7_200, "first_reply"), reach="open")
    published = desk.history(POLICY_LIST)[-1].recorded_at
    desk.move()
    desk.move()
    for ticket in tickets:
        [_, moved] = desk.facts(ticket, t.SlaApplied)
        assert (moved.policy_version, moved.since) == (2, published)
    assert len(desk.facts(closed, t.SlaApplied)) == 1
    row = desk.connection.execute(
        "SELECT total, looked_at, moved, finished_at IS NOT NULL FROM consumers.sla_moves ORDER BY position"
    ).fetchall()
    assert row == [(3, 3, 3, True)]


def test_who_was_opened_after_a_change_is_not_moved_back_by_it(desk: Desk) -> None:
    desk.publish(GOLD, terms(3_600, "first_reply"))
    for seconds in (7_200, 10_800):
        now = desk.connection.execute("SELECT clock_timestamp()").fetchone()
        assert now is not None
        desk.publish(GOLD, terms(seconds, "first_reply"), reach="open", since=now[0])
    ticket = desk.opened(-1 / 3_600, policy=3)
    desk.move()
    assert [fact.policy_version for fact in desk.facts(ticket, t.SlaApplied)] == [3]


def test_a_policy_for_new_tickets_moves_none(desk: Desk) -> None:
    desk.publish(GOLD, terms(3_600, "first_reply"))
    ticket = desk.opened(0.5)
    desk.publish(GOLD, terms(7_200, "first_reply"), reach="new")
    desk.told(POLICY_LIST, PoliciesOrdered(order=(GOLD,), reach="open"))
    desk.move()
    assert [fact.policy_version for fact in desk.facts(ticket, t.SlaApplied)] == [1]


def test_what_holds_from_a_later_instant_moves_nobody_before(desk: Desk) -> None:
    desk.publish(GOLD, terms(3_600, "first_reply"))
    ticket = desk.opened(0.5)
    desk.publish(GOLD, terms(7_200, "first_reply"), reach="open", since=desk.now + HOUR)
    desk.move()
    assert len(desk.facts(ticket, t.SlaApplied)) == 1
    assert desk.connection.execute("SELECT since, finished_at FROM consumers.sla_moves").fetchone() == (
        desk.now + HOUR,
        None,
    )


def test_a_customers_new_tier_moves_their_tickets_only(desk: Desk) -> None:
    vip = Condition(attribute="tier", values=("vip",))
    desk.publish(SILVER, terms(60, "first_reply", all=(vip,)))
    desk.publish(GOLD, terms(3_600, "first_reply"))
    mine, other = desk.opened(0.5), uuid4()
    held = t.SlaApplied(policy=GOLD, policy_version=1, list_version=2)
    desk.told(other, t.Opened(number=7, requester=uuid4(), subject="Smoke", channel="email"), held)
    desk.told(ANNA, TierChanged(tier="vip", was="standard"))
    desk.move()
    assert [fact.policy for fact in desk.facts(mine, t.SlaApplied)] == [GOLD, SILVER]
    assert len(desk.facts(other, t.SlaApplied)) == 1
    assert desk.connection.execute("SELECT total, moved FROM consumers.sla_moves").fetchall() == [(1, 1)]


def test_a_ticket_that_the_view_has_not_heard_of_yet_is_not_passed_over(desk: Desk) -> None:
    desk.publish(GOLD, terms(3_600, "first_reply"))
    desk.look()
    ticket = desk.opened(0.5)
    desk.publish(GOLD, terms(7_200, "first_reply"), reach="open")
    moves = Moves(desk.connection, Configuration(desk.connection))
    while moves.advance():
        pass
    desk.move()
    assert [fact.policy_version for fact in desk.facts(ticket, t.SlaApplied)] == [1, 2]


def test_new_hours_reach_open_tickets_from_the_instant_they_hold(desk: Desk) -> None:
    always = {day: [{"opens": "00:00", "closes": "24:00"}] for day in ("monday", "tuesday", "wednesday", "thursday")}
    desk.told(
        OFFICE, CalendarCreated(name="Office"), CalendarPublished(hours=Hours(zone="UTC"), effective_from=LONG_AGO)
    )
    desk.publish(GOLD, terms(3_600, "first_reply", time="business").model_copy(update={"calendar": OFFICE}))
    ticket = uuid4()
    held = t.SlaApplied(policy=GOLD, policy_version=1, calendar=OFFICE, calendar_version=1, list_version=1)
    desk.told(ticket, t.Opened(number=7, requester=ANNA, subject="Smoke", channel="email"), held)
    hours = Hours.model_validate({"zone": "UTC"} | always)
    desk.told(OFFICE, CalendarPublished(hours=hours, effective_from=LONG_AGO))
    desk.move()
    assert [fact.calendar_version for fact in desk.facts(ticket, t.SlaApplied)] == [1, 2]


def test_what_was_learnt_of_one_log_says_nothing_of_another(desk: Desk, module_database: Database) -> None:
    """The same policy's first version, and the same ticket, in the logs of two desks."""
    with psycopg.connect(module_database.app_url, autocommit=True) as connection:
        other = Desk(module_database.app_url, connection, desk.sla)
        for one, seconds in ((desk, 3_600), (other, 60)):
            one.publish(GOLD, terms(seconds, "first_reply"))
            one.opened(0.001)
            one.look()
            assert one.connection.execute("SELECT target FROM read.sla_clocks").fetchall() == [(seconds,)]


def test_the_process_finds_what_falls_due_while_it_runs(desk: Desk) -> None:
    desk.publish(GOLD, terms(1, "first_reply"))
    source = Source(desk.url, None, "unused")
    with running(consume=lambda stopping: consume(desk.sla, source, stopping), clock=SlaClock(desk.url).run):
        ticket = desk.opened(-0.0)
        with psycopg.connect(desk.url, autocommit=True) as connection:
            count = "SELECT count(*) FROM store.events WHERE originator_id = %s AND topic = %s"
            asked = (ticket, t.SlaBreached.type_name)
            await_true(lambda: connection.execute(count, asked).fetchone() == (1,), "no breach was noted")
