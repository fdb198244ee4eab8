"""reports: which metrics belong together, and how are they shown unless somebody asks otherwise?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from aggregates.errors import NotFound
from projections.metrics.answer import Every
from projections.metrics.catalogue import METRICS
from projections.metrics.measure import Metric


@dataclass(frozen=True, slots=True)
class Report:
    """`order`: of a leaderboard, by which metric it ranks."""

    name: str
    title: str
    words: str
    names: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    bucket: Every | None = None
    order: str | None = None

    @property
    def metrics(self) -> Sequence[Metric]:
        return [METRICS[name] for name in self.names]


def _timed(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}_{how}" for name in names for how in ("avg", "p50", "p90", "p95"))


LISTED: tuple[Report, ...] = (
    Report(
        "overview", "Overview", "How the desk did, on one page.",
        ("arrivals", "resolutions", "reopens", "backlog", "backlog_unassigned", "backlog_unanswered",
         "first_reply_p50", "first_reply_p90", "first_resolution_p50", "first_resolution_p90", "sla_compliance",
         "one_touch", "satisfaction", "response_rate", "escalations", "time_logged"),
    ),
    Report("first_reply", "First reply time", "How soon customers get their first answer.",
           ("first_replies", *_timed("first_reply"), "sla_first_reply"), bucket="day"),
    Report("next_reply", "Next reply times", "How soon customers who wrote again are answered.",
           ("next_replies", *_timed("next_reply"), "sla_next_reply"), bucket="day"),
    Report("resolution", "Resolution time", "How long it takes until a ticket is resolved, first and for good.",
           ("first_resolutions", *_timed("first_resolution", "full_resolution"), "sla_resolution"), bucket="day"),
    Report("waiting", "Waiting and working time", "What the life of resolved tickets was made of.",
           _timed("requester_wait", "agent_work", "pending", "on_hold")),
    Report("sla", "SLA compliance", "Which promises were kept, clock by clock.",
           ("sla_met", "sla_breached", "sla_compliance"), group_by=("detail",)),
    Report("backlog", "Backlog", "What was open at the end of each day, and for how long it had been.",
           ("backlog", "backlog_unassigned", "backlog_unanswered", *_timed("backlog_age")), bucket="day"),
    Report("arrivals", "Arrivals and resolutions", "What came in and what went out, by the hour if asked.",
           ("arrivals", "messages", "resolutions", "first_resolutions", "closures", "reopens"), bucket="day"),
    Report("workload", "Workload", "Who has how much, and gets how much done.",
           ("backlog", "backlog_unanswered", "replies", "notes", "resolutions", "handling_time", "time_logged"),
           group_by=("agent",)),
    Report("handoffs", "Handoffs", "How often tickets change hands, and how soon they get into any.",
           ("assignee_handoffs", "team_handoffs", "handed_on_tickets", *_timed("assignment")), group_by=("team",)),
    Report("one_touch", "One-touch and two-touch", "How many answers a solution takes.",
           ("one_touch", "two_touch", "replies_per_ticket"), bucket="week"),
    Report("escalations", "Escalations", "To which level tickets are escalated, and why.",
           ("escalations", "escalated_tickets"), group_by=("level", "detail")),
    Report("reopens", "Reopened tickets", "What was not solved after all.",
           ("reopens", "resolutions", "reopens_per_resolution"), bucket="week"),
    Report("satisfaction", "Customer satisfaction", "What customers say of how it went.",
           ("rating_requests", "ratings", "response_rate", "satisfaction", "satisfaction_score", "good_to_bad",
            "bad_to_good")),
    Report("time_and_cost", "Time and cost", "What was logged, and what it costs.",
           ("time_logged", "time_billable", "time_logged_tickets", "time_per_ticket", "cost", "cost_per_ticket"),
           group_by=("currency",)),
    *(
        Report(name, title, words,
               ("arrivals", "resolutions", "backlog", "first_reply_p50", "first_resolution_p50", "reopens",
                "sla_compliance", "satisfaction"), group_by=(by,))
        for name, title, words, by in (
            ("channels", "Channels", "How tickets come, and how each channel does.", "channel"),
            ("categories", "Categories", "What tickets are about.", "category"),
            ("tags", "Tags", "How tickets are tagged.", "tag"),
        )
    ),
    *(
        Report(name, title, "Who did most, and best: ranked by points. Ask for a week.",
               ("points", "resolutions", "replies", "first_reply_p50", "sla_compliance", "satisfaction"),
               group_by=(by,), order="points")
        for name, title, by in (
            ("leaderboard", "Leaderboard of agents", "agent"), ("team_leaderboard", "Leaderboard of teams", "team"),
        )
    ),
)  # fmt: skip
# What goals measure, each says itself: see goal_answer.py.
GOALS = Report("goals", "Goals", "How each goal stands, in each of its periods: reached, missed, or not over yet.", ())
REPORTS: Mapping[str, Report] = MappingProxyType({report.name: report for report in (*LISTED, GOALS)})


def report(name: str) -> Report:
    """Raises NotFound."""
    found = REPORTS.get(name)
    if found is None:
        raise NotFound("report.not_found", "There is no such report.")
    return found
