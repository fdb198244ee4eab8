"""answers: answered reports made by hand, for tests of what draws and writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from projections.metrics.answer import (
    Answer,
    AsOf,
    Every,
    Grounds,
    MetricShown,
    Period,
    Row,
    TimeKind,
    Total,
    Value,
    Version,
)

START = datetime(2012, 3, 31, 22, tzinfo=UTC)
OPENED = MetricShown("opened", "Tickets opened", "tickets", "Tickets that were opened in the period.", 1)
P90 = MetricShown("first_reply_p90", "First reply, p90", "seconds", "Of 90 % of them it took no longer.", 2)
KEPT = MetricShown("sla_kept", "Promises kept", "share", "Met, out of met and breached.", 1)
Group = Mapping[str, str]
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "url(#evil) ]]> &amp; {{ 7*7 }} {% raw %}",
    "$x^2$ \\alpha",
    "_hidden",
    "网络组 поддержка",
)


def weeks(count: int) -> list[Period]:
    starts = [START + timedelta(weeks=n) for n in range(count)]
    return [Period(at, at + timedelta(weeks=1), f"2012-W{14 + n}") for n, at in enumerate(starts)]


def row(
    values: Sequence[Value],
    metrics: Sequence[MetricShown],
    bucket: Period | None = None,
    team: str | None = None,
    previous: Sequence[Value] | None = None,
) -> Row:
    names = [metric.name for metric in metrics]
    group, labels = ({}, {}) if team is None else ({"team": f"id of {team}"}, {"team": team})
    before = None if previous is None else dict(zip(names, previous, strict=True))
    return Row(bucket, group, labels, dict(zip(names, values, strict=True)), before)


def answer(
    rows: Sequence[Row],
    metrics: Sequence[MetricShown] = (OPENED,),
    bucket: Every | None = None,
    total: Total | None = None,
    title: str = "Arrivals",
    time: TimeKind = "calendar",
) -> Answer:
    known = next((tuple(row.group) for row in rows if row.group), ())
    until = START + timedelta(weeks=max(1, len({row.bucket for row in rows})))
    return Answer(
        "arrivals",
        title,
        START,
        until,
        "Europe/Stockholm",
        bucket,
        time,
        known,
        AsOf(129_882, datetime(2012, 6, 1, 7, 30, tzinfo=UTC)),
        tuple(metrics),
        Grounds((Version(UUID(int=7), 3),)),
        None,
        tuple(rows),
        total or Total({metric.name: 12 for metric in metrics}, {metric.name: 10 for metric in metrics}),
    )


def by_team(teams: Mapping[str, Value], metrics: Sequence[MetricShown] = (OPENED,)) -> Answer:
    return answer([row([value] * len(metrics), metrics, team=team) for team, value in teams.items()], metrics)


def by_team_and_week(teams: Sequence[str], count: int = 4, metrics: Sequence[MetricShown] = (OPENED,)) -> Answer:
    """The first team is the smallest one; in its second week there is nothing to tell of it."""
    rows = [
        row([None if (n, place) == (1, 0) else (place + 1) * 10 + n] * len(metrics), metrics, week, team)
        for n, week in enumerate(weeks(count))
        for place, team in enumerate(teams)
    ]
    return answer(rows, metrics, "week")
