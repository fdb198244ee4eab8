"""test_judge: is an imported past judged once, by what held then, whatever happens on the way? And nobody is paged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from aggregates.business_time import Hours, Span
from aggregates.customer import TierChanged
from aggregates.envelope import Recorded
from aggregates.sla.noting import due_notes
from aggregates.sla.policies import POLICY_LIST
from consumers.sla_store import Configuration, histories
from replay.judge import Judgement, KeptMoving, NoPolicies, NothingInForce
from replay.logs.batches import Batch
from replay.logs.simulate import simulate
from replay.logs.writing import write_log
from replay.tickets import Period
from tests.databases import Database
from tests.replay.judging import (
    ALL,
    GOLD,
    OFFICE,
    SILVER,
    SINCE,
    SLA,
    defaults,
    judge,
    publish,
    publish_hours,
    topics,
    write,
    written,
)
from tests.replay.logs import Desk, desk_on, event, write_xes
from tests.replay.test_importing import note

HOUR = 3_600
EVERY = {"low": HOUR, "normal": HOUR, "high": HOUR, "urgent": HOUR}
LATE = [event("work"), event("resolve", 90), event("close", 95, who="Siebel")]
SOON = [event("work"), event("resolve", 30), event("close", 35, who="Siebel")]
TEN = datetime(2012, 5, 1, 8, 0, tzinfo=UTC)
ACTIONS = [
    {"action": "escalate"},
    {"action": "raise_priority", "priority": "urgent"},
    {"action": "tag", "tags": ["late"]},
    {"action": "notify", "assignee": True},
]


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with desk_on(database) as one:
        yield one


@pytest.fixture
def take(desk: Desk, tmp_path: Path) -> Any:
    def take(**cases: Sequence[Mapping[str, Any]]) -> None:
        assert desk.take(write_xes(tmp_path / "log.xes", cases), now=datetime.now(UTC)).whole

    return take


def opened(when: datetime) -> dict[str, Any]:
    return event("work") | {"time:timestamp": when.isoformat()}


def stream_of(desk: Desk, case: str) -> UUID:
    row = desk.reading.execute("SELECT stream FROM store.reservations WHERE key = %s", [case.encode()]).fetchone()
    assert row is not None
    stream: UUID = row[0]
    return stream


def instants(facts: Sequence[Mapping[str, Any]], kind: str, field: str) -> list[datetime]:
    return [datetime.fromisoformat(fact[field]) for fact in facts if fact["is"] == kind]


def test_what_was_late_is_breached_at_its_instant_and_what_was_not_is_met(desk: Desk, take: Any) -> None:
    take(late=LATE, soon=SOON)
    publish(desk, GOLD, EVERY, warnings=[{"percent": 50}])
    verdict = judge(desk)
    assert [fact["is"] for fact in written(desk, "late")] == ["sla_applied", "sla_warned", "sla_breached"]
    assert instants(written(desk, "late"), "sla_warned", "at") == [TEN + timedelta(minutes=30)]
    assert instants(written(desk, "late"), "sla_breached", "due") == [TEN + timedelta(hours=1)]
    applied, met = written(desk, "soon")
    assert (applied["policy"], applied["list_version"]) == (str(GOLD), 1)
    assert datetime.fromisoformat(applied["since"]) == TEN
    assert (met["is"], met["elapsed"]) == ("sla_met", 1_800)
    assert (verdict.tickets, verdict.judged, verdict.facts.total()) == (2, 2, 5)


def test_applied_twice_writes_nothing(desk: Desk, take: Any) -> None:
    take(late=LATE, soon=SOON)
    publish(desk, GOLD, EVERY)
    judge(desk)
    before = desk.head()
    publish(desk, GOLD, dict.fromkeys(EVERY, 5))
    again = judge(desk)
    assert (again.tickets, again.judged, desk.head()) == (2, 0, before + 1)


def test_a_dry_run_says_the_same_and_writes_nothing(desk: Desk, take: Any) -> None:
    take(late=LATE, soon=SOON)
    publish(desk, GOLD, EVERY)
    before = desk.head()
    dry = judge(desk, dry=True)
    assert desk.head() == before
    assert judge(desk).facts == dry.facts


def test_every_fact_says_that_nobody_but_the_system_wrote_it(desk: Desk, take: Any) -> None:
    take(late=LATE)
    publish(desk, GOLD, EVERY)
    judge(desk)
    envelopes = [envelope for _, topic, envelope in desk.facts("late") if ".sla_" in topic]
    assert {(e["actor"]["kind"], e["actor"]["id"], e["occurred_at"]) for e in envelopes} == {
        ("system", "sla-apply", None)
    }
    assert len({envelope["command_id"] for envelope in envelopes}) == 1


def test_killed_in_the_middle_and_run_again_is_whole(
    database: Database, desk: Desk, module_database: Database, tmp_path: Path
) -> None:
    log = tmp_path / "desk.xes"
    write_log(log, simulate(300, 7))
    now = datetime.now(UTC)
    with desk_on(module_database) as whole:
        for one, where in ((desk, database), (whole, module_database)):
            one.take(log)
            defaults(where)
        judge(whole, now=now)
        with desk_on(database) as killed, pytest.raises(psycopg.OperationalError):
            judge(killed, now=now, page=20, told=lambda tickets, fraction: kill(killed, desk, tickets >= 120))
        assert 0 < topics(desk, 0)["sla_applied"] < 300
        judge(desk, now=now)
        assert desk.versions() == whole.versions()
        assert [row for row in desk.contents() if "ticket.sla" in row[2]] == [
            row for row in whole.contents() if "ticket.sla" in row[2]
        ]


def kill(desk: Desk, other: Desk, now: bool) -> None:
    """The server ends the session that appends."""
    if now:
        other.reading.execute("SELECT pg_terminate_backend(%s)", [desk.writing.info.backend_pid])


def test_a_priority_that_changed_is_judged_by_its_own_target(desk: Desk, take: Any) -> None:
    """An hour for urgent, a day for the rest: a quarter past eleven is too late only for what was urgent."""
    major = "Major"
    take(
        changed=[event("work"), event("work", 10, impact=major), event("resolve", 75, impact=major)],
        calm=[event("work", impact=major), event("work", 10), event("resolve", 75)],
    )
    publish(desk, GOLD, {"normal": 24 * HOUR, "urgent": HOUR})
    judge(desk)
    (breach,) = [fact for fact in written(desk, "changed") if fact["is"] == "sla_breached"]
    assert (datetime.fromisoformat(breach["due"]), breach["target"]) == (TEN + timedelta(hours=1), HOUR)
    (met,) = [fact for fact in written(desk, "calm") if fact["is"] == "sla_met"]
    assert (met["target"], met["elapsed"]) == (24 * HOUR, 75 * 60)


def test_a_policy_is_applied_from_the_instant_on_at_which_its_condition_held(desk: Desk, take: Any) -> None:
    take(c=[event("work"), event("work", 10, impact="Major"), event("work", 20), event("resolve", 75)])
    publish(desk, GOLD, EVERY, all=[{"attribute": "priority", "values": ["urgent"]}])
    publish(desk, SILVER, EVERY)
    judge(desk)
    found = [(fact["policy"], datetime.fromisoformat(fact["since"])) for fact in written(desk, "c")[:3]]
    assert found == [
        (str(SILVER), TEN),
        (str(GOLD), TEN + timedelta(minutes=10)),
        (str(SILVER), TEN + timedelta(minutes=20)),
    ]


def test_another_calendar_version_in_the_middle_of_a_life_counts_from_then_on(desk: Desk, take: Any) -> None:
    take(c=[event("work"), event("resolve", 120)])
    publish_hours(desk, week(8, 9), SINCE)
    publish_hours(desk, week(9, 10), TEN + timedelta(minutes=30))
    publish(desk, GOLD, EVERY, calendar=str(OFFICE))
    judge(desk)
    applied = [fact for fact in written(desk, "c") if fact["is"] == "sla_applied"]
    assert [fact["calendar_version"] for fact in applied] == [1, 2]
    assert instants(written(desk, "c"), "sla_breached", "due") == [TEN + timedelta(minutes=90)]


def week(opens: int, closes: int) -> Hours:
    return Hours(zone="UTC", tuesday=(Span(opens=opens * 60, closes=closes * 60),))


def test_nobody_is_paged_and_nothing_closes_for_what_lies_before_the_import(desk: Desk, take: Any) -> None:
    take(open=[event("work")], late=LATE[:2])
    reactions = [{"on": moment, "actions": ACTIONS} for moment in ("warning", "breach")]
    publish(desk, GOLD, EVERY, warnings=[{"percent": 50}], reactions=reactions, auto_close=60)
    before = desk.head()
    judge(desk)
    assert set(topics(desk, before)) <= SLA
    assert topics(desk, before)["sla_breached"] == 2
    assert clock_would_write(desk, "open", "late") == []


def clock_would_write(desk: Desk, *cases: str) -> list[str]:
    """What the clock process finds to do afterwards."""
    configuration = Configuration(desk.reading)
    configuration.refresh()
    found = histories(desk.reading, [stream_of(desk, case) for case in cases])
    now = datetime.now(UTC)
    return [
        note.fact.type_name
        for history in found.values()
        for note in due_notes(history, configuration.book, configuration.policies, configuration.desk(), now)
    ]


def test_what_falls_due_after_the_import_is_left_to_the_clock_process(desk: Desk, take: Any) -> None:
    """A breach of the one, the closing of the other."""
    now = datetime.now(UTC)
    half_an_hour_ago = opened(now - timedelta(minutes=30))
    take(open=[half_an_hour_ago], done=[event("resolve") | {"time:timestamp": half_an_hour_ago["time:timestamp"]}])
    publish(desk, GOLD, EVERY, auto_close=HOUR)
    before = desk.head()
    judge(desk, now=now + timedelta(hours=3))
    assert topics(desk, before) == {"sla_applied": 2, "sla_met": 1}


def test_what_is_not_due_yet_is_not_said(desk: Desk, take: Any) -> None:
    take(c=[event("work")])
    publish(desk, GOLD, EVERY)
    judge(desk, now=TEN + timedelta(minutes=30))
    assert [fact["is"] for fact in written(desk, "c")] == ["sla_applied"]


def test_only_what_was_opened_in_the_period_is_judged(desk: Desk, take: Any) -> None:
    take(may=SOON, june=[opened(datetime(2012, 6, 1, 8, 0, tzinfo=UTC))])
    publish(desk, GOLD, EVERY)
    june = datetime(2012, 6, 1, tzinfo=UTC)
    assert judge(desk, Period(june), dry=True).tickets == 1
    assert judge(desk, Period(SINCE, june)).tickets == 1
    assert written(desk, "june") == []
    assert written(desk, "may")[0]["is"] == "sla_applied"


def test_without_policies_it_refuses_and_says_from_when_there_are_some(desk: Desk, take: Any) -> None:
    take(c=SOON)
    with pytest.raises(NoPolicies):
        judge(desk)
    publish(desk, GOLD, EVERY, since=TEN)
    with pytest.raises(NothingInForce) as nothing:
        judge(desk)
    assert nothing.value.earliest == TEN


class Meddled(Judgement):
    """Somebody does something between the decision and the append, the first `times`."""

    def __init__(self, desk: Desk, meddle: Any, times: int = 1) -> None:
        super().__init__(desk.reading, desk.writing, datetime.now(UTC))
        self._meddle, self._times = meddle, times

    def _decided(self, found: Mapping[UUID, Sequence[Recorded]]) -> Batch:
        batch = super()._decided(found)
        self._times -= 1
        if self._times >= 0:
            self._meddle()
        return batch


def test_a_ticket_that_is_written_to_meanwhile_is_judged_again(desk: Desk, take: Any) -> None:
    take(late=LATE, soon=SOON)
    publish(desk, GOLD, EVERY)
    verdict = Meddled(desk, lambda: note(desk, "late")).run(ALL)
    assert (verdict.tickets, verdict.judged) == (2, 2)
    assert [fact["is"] for fact in written(desk, "late")] == ["sla_applied", "sla_breached"]


def test_who_decided_on_policies_that_have_changed_decides_again(desk: Desk, take: Any) -> None:
    take(late=LATE, soon=SOON)
    publish(desk, GOLD, EVERY)
    Meddled(desk, lambda: publish(desk, GOLD, dict.fromkeys(EVERY, 2 * HOUR))).run(ALL)
    applied, met = written(desk, "late")
    assert (applied["policy_version"], applied["list_version"]) == (2, 2)
    assert (met["is"], met["target"]) == ("sla_met", 2 * HOUR)


def test_a_ticket_that_never_stands_still_is_given_up_on(desk: Desk, take: Any) -> None:
    take(late=LATE)
    publish(desk, GOLD, EVERY)
    with pytest.raises(KeptMoving):
        Meddled(desk, lambda: note(desk, "late"), times=99).run(ALL)


def test_the_requesters_tier_decides_where_a_policy_asks_for_it(desk: Desk, take: Any) -> None:
    take(c=SOON)
    requester = UUID(desk.facts("c")[0][2]["fact"]["requester"])
    publish(desk, GOLD, EVERY, all=[{"attribute": "tier", "values": ["vip"]}])
    publish(desk, SILVER, EVERY)
    vip = TierChanged(tier="vip", was="standard")
    Meddled(desk, lambda: write(desk, requester, vip)).run(ALL)
    assert written(desk, "c")[0]["policy"] == str(GOLD)


def test_the_defaults_are_published_once(database: Database, desk: Desk) -> None:
    first, again = defaults(database), defaults(database)
    assert (first.news, again.news) == (2 + 5, 0)
    assert desk.versions()[POLICY_LIST] == 5
    assert {v.effective_from for _, versions in again.policies.current for v in versions} == {SINCE}
    assert again.hours.versions[0].effective_from == SINCE
