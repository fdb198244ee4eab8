"""judging: how does a test publish policies for a past, have it judged, and read what came of it?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from aggregates.business_time import Hours
from aggregates.calendar import CalendarCreated, CalendarPublished
from aggregates.fact import Fact
from aggregates.sla.policies import POLICY_LIST, PolicyPublished
from aggregates.sla.terms import Terms
from chronodesk.sla_defaults import Held, hold, weekdays
from commands.append import Write, append_blocking
from replay.judge import Judgement, Verdict
from replay.tickets import Period
from tests.commands.samples import an_append, events
from tests.databases import Database
from tests.replay.logs import Desk

SINCE = datetime(2010, 1, 1, tzinfo=UTC)
ALL = Period(SINCE)
GOLD, SILVER, OFFICE = UUID(int=0xF0), UUID(int=0xF1), UUID(int=0xF2)
SLA = frozenset({"sla_applied", "sla_warned", "sla_breached", "sla_met"})


def defaults(database: Database) -> Held:
    return asyncio.run(hold(database.app_url, None, weekdays("Europe/Stockholm", "09:00-18:00"), SINCE))


def publish(desk: Desk, policy: UUID, seconds: Mapping[str, int], since: datetime = SINCE, **more: Any) -> None:
    """A policy with targets for the resolution, in calendar time if nothing else is said."""
    target = {"seconds": dict(seconds), "time": "business" if "calendar" in more else "calendar"}
    terms = Terms.model_validate({"name": "Gold", "targets": {"resolution": target}} | more)
    write(desk, POLICY_LIST, PolicyPublished(policy=policy, terms=terms, effective_from=since, reach="new"))


def publish_hours(desk: Desk, hours: Hours, since: datetime) -> None:
    if OFFICE not in desk.versions():
        write(desk, OFFICE, CalendarCreated(name="Office"))
    write(desk, OFFICE, CalendarPublished(hours=hours, effective_from=since))


def write(desk: Desk, stream: UUID, *facts: Fact) -> None:
    append = an_append(Write(stream, desk.versions().get(stream, 0), events(*facts)), command=uuid4())
    (outcome,) = append_blocking(desk.writing, [append])
    assert outcome.kind == "accepted"


def judge(desk: Desk, opened: Period = ALL, now: datetime | None = None, **options: Any) -> Verdict:
    return Judgement(desk.reading, desk.writing, now or datetime.now(UTC), **options).run(opened)


def written(desk: Desk, case: str) -> list[dict[str, Any]]:
    """The SLA facts of a case's ticket."""
    return [
        envelope["fact"] | {"is": topic.split(".")[1]}
        for _, topic, envelope in desk.facts(case)
        if topic.split(".")[1] in SLA
    ]


def topics(desk: Desk, beyond: int) -> Counter[str]:
    """What was written after that position."""
    rows = desk.reading.execute("SELECT topic FROM store.events WHERE notification_id > %s", [beyond])
    return Counter(topic.split(".")[1] for (topic,) in rows)
