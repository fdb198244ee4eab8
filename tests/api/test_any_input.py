"""Whatever is sent to any route, the answer is never a fault of ours."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.examples import ADA, CLEO, EXAMPLES
from tests.api.running import ROLES, Desk

SEEDS = range(40)
NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 2**64, -(2**63), 10**400, 0.1, 1e308, "", " ", "x", "\x00",
    "\u202e", "x" * 1_000, "12", "T-1", "2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59",
    "00000000-0000-0000-0000-000000000000", [], {}, [[]], [None], {"type": "claim"}, {"": ""}, {"erased": True},
)  # fmt: skip
PARAMETERS = (
    "limit", "after", "cursor", "team", "status", "sort", "tag", "level", "from", "to", "due_within", "as_of",
    "at_position", "basis", "at", "type", "text", "actor", "since", "until", "cause", "ticket", "expression", "q",
    "in", "counted", "tz", "bucket", "group_by", "explain", "format", "time", "agent", "detail",
)  # fmt: skip
QUERIED = (
    "", "0", "-1", "1", "x", "%00", "9" * 30, "true", "closed", "occurred", datetime.now(UTC).strftime("%FT%TZ"),
    "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59",
    "day", "team", "arrivals", "csv", "business", "none", "UTC",
)  # fmt: skip
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def spoiled(value: Any, chance: random.Random) -> Any:
    """A copy with something else somewhere."""
    if chance.random() < 0.15:
        return chance.choice(NASTY)
    if isinstance(value, dict):
        kept = {key: spoiled(part, chance) for key, part in value.items() if chance.random() > 0.1}
        more = {chance.choice(["type", "team", "agent", "body", "reason", "x" * 300]): chance.choice(NASTY)}
        return kept | (more if chance.random() < 0.2 else {})
    if isinstance(value, list):
        return [spoiled(part, chance) for part in value] * chance.choice((1, 1, 1, 2, 60))
    return value


def example(route: APIRoute, chance: random.Random, desk: Desk, ticket: str) -> Any:
    """Mostly of the very command that the route takes, and of people who are there."""
    assert route.body_field is not None
    taken = EXAMPLES.get(getattr(route.body_field.field_info.annotation, "__name__", ""))
    given = taken if taken and chance.random() < 0.8 else chance.choice(list(EXAMPLES.values()))
    there = {ADA: str(desk.ids["agent"]), CLEO: str(desk.ids["customer"]), "T-1042": ticket, "T-1043": ticket}
    text = json.dumps(given)
    for name, id in there.items():
        text = text.replace(name, id)
    return json.loads(text)


def address(desk: Desk, path: str, ticket: str, chance: random.Random) -> str:
    ids = [ticket, f"{ticket}@1", *map(str, desk.ids.values()), "T-1", "x", "%00", "T-" + "9" * 30]
    filled = path.replace("{ticket}", chance.choice(ids[:1] * 6 + ids)).replace("{id}", chance.choice(ids))
    filled = filled.replace("{token}", chance.choice(["x", "A" * 96, "%00", "é"]))
    filled = filled.replace("{team}", chance.choice([*ids, "any"]))
    filled = filled.replace("{name}", chance.choice(["overview", "backlog", "arrivals", "arrivals_p50", "x", "%00"]))
    values = [*QUERIED, str(desk.ids["agent"])]
    query = "&".join(f"{name}={chance.choice(values)}" for name in PARAMETERS if chance.random() < 0.15)
    return f"{filled}?{query}"


@pytest.mark.parametrize("seed", SEEDS)
def test_no_input_makes_a_fault_of_ours(desk: Desk, seed: int) -> None:
    chance = random.Random(seed)
    ticket = desk.ticket()
    for route in ROUTES:
        method = next(iter(route.methods or ()))
        body = None if route.body_field is None else spoiled(example(route, chance, desk, ticket), chance)
        headers = {
            name: chance.choice(['"1"', '"2"', "*", "x", "1", "9" * 30, "wait=0", "wait=1;x", "é"]).encode("latin-1")
            for name in ("If-Match", "If-None-Match", "Idempotency-Key", "Chronodesk-After", "Prefer", "traceparent")
            if chance.random() < 0.1
        } | {"Prefer": b"wait=0", "Content-Type": b"application/json"}
        role, place = chance.choice((*ROLES, "lead", "agent")), address(desk, route.path, ticket, chance)
        sent = None if body is None else json.dumps(body).encode()
        answer = desk.call(role, method, place, headers=headers, content=sent)  # type: ignore[arg-type]
        told = (seed, role, method, place, body, headers, answer.text)
        assert answer.status_code < 500 or answer.json()["code"].startswith("view."), told
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", told
