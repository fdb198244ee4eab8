"""goals: what was measured for goals in their periods, as known at a position, and which tickets was it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row, tuple_row
from psycopg.types.json import Jsonb
from pydantic import AwareDatetime, TypeAdapter

from aggregates.goals.terms import TIMED, Figure, GoalMetric, GoalTerms, Share
from projections.cursor import Page, decode, page
from projections.metrics.answer import Period
from projections.metrics.goal_periods import Judged
from projections.metrics.goal_standing import BEST_SCORE, Measured
from projections.metrics.measure import MICROSECONDS
from projections.metrics.relations import SIZES

Counted = Literal["for", "against"]
KINDS: Mapping[GoalMetric, tuple[str, str | None]] = {
    "resolution": ("fully_resolved", None),
    "first_reply": ("reply", "first"),
    "next_reply": ("reply", "next"),
    "satisfaction": ("rated", None),
    "sla_compliance": ("sla", None),
}
# Whose a figure is: of what somebody did, who did it; else who had the ticket.
DONE: frozenset[GoalMetric] = frozenset({"first_reply", "next_reply", "satisfaction"})
RANKS = {"p50": 0.5, "p90": 0.9, "p95": 0.95}
KEY: TypeAdapter[tuple[AwareDatetime, UUID, int]] = TypeAdapter(tuple[AwareDatetime, UUID, int])

ASKED: LiteralString = """
jsonb_to_recordset(%(asked)s) AS p (
       place int, kind text, detail text, since timestamptz, until timestamptz, business boolean, done boolean,
       least bigint, most bigint, rank float8, team uuid, agent uuid, ticket_types text[], channels text[],
       categories text[], priorities text[], tags text[])
"""
COUNTED: LiteralString = """
       AND (p.team IS NULL OR f.team = p.team) AND (p.ticket_types IS NULL OR f.ticket_type = ANY (p.ticket_types))
       AND (p.channels IS NULL OR f.channel = ANY (p.channels)) AND (p.tags IS NULL OR f.tags && p.tags)
       AND (p.categories IS NULL OR f.category = ANY (p.categories))
       AND (p.priorities IS NULL OR f.priority = ANY (p.priorities))
       AND f.since <= %(position)s AND (f.until IS NULL OR f.until > %(position)s)
"""
ROWS: LiteralString = (
    """
  FROM read.figures f
 CROSS JOIN LATERAL (SELECT CASE WHEN p.business THEN f.business_micros ELSE coalesce(f.micros, f.amount) END) v (value)
 WHERE f.kind = p.kind AND f.at >= p.since AND f.at < p.until AND f.at <= %(at)s AND v.value IS NOT NULL
       AND (p.detail IS NULL OR f.detail = p.detail)
       AND (p.agent IS NULL OR CASE WHEN p.done THEN f.agent ELSE f.assignee END = p.agent)
"""
    + COUNTED
)
