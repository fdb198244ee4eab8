"""rebuilding: a desk whose views are rebuilt while it is worked on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection, sql

from aggregates.customer import CustomerRegistered
from aggregates.fact import Fact
from aggregates.team import TeamCreated
from aggregates.ticket import events as facts
from commands.append import Append, Write, append_blocking
from commands.log import read_head
from consumers.builds import Build, build_position, ensure_live, live_build
from consumers.runner import apply
from consumers.store_feed import StoreFeed
from projections.projection import Projection
from projections.registry import PROJECTIONS
from tests.consumers.facts import envelope, numbers

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"
SCHEMAS = r"SELECT nspname FROM pg_namespace WHERE nspname ~ '_v\d+_b\d+$' ORDER BY nspname"


def quiet(phase: str, done: int, total: int) -> None:
    """Nobody watches."""


def grow(connection: Connection[Any], streams: int, seed: int) -> None:
    """So many new streams, mostly tickets, with facts of which some come late."""
    randomness = random.Random(seed)
    for _ in range(streams):
        tell(connection, uuid4(), 0, _life(randomness), randomness)


def tell(connection: Connection[Any], stream: UUID, version: int, story: list[Fact], randomness: random.Random) -> None:
    now, command = datetime.now(UTC), uuid4()
    events = tuple(envelope(fact, command, _occurred(randomness, now)) for fact in story)
    (outcome,) = append_blocking(connection, [Append(command, "test", b"", (Write(stream, version, events),))])
    assert outcome.kind == "accepted"


def _life(randomness: random.Random) -> list[Fact]:
    kind = randomness.random()
    if kind < 0.05:
        return [TeamCreated(name=f"team {randomness.random()}")]
    if kind < 0.1:
        return [CustomerRegistered(name="Cleo")]
    story: list[Fact] = [
        facts.Opened(number=next(numbers), requester=uuid4(), subject="printer", channel="email", fields={"n": 1.0})
    ]
    return story + [next(_facts(randomness)) for _ in range(randomness.randrange(9))]


def _facts(randomness: random.Random) -> Iterator[Fact]:
    while True:
        yield randomness.choice(
            [
                facts.MessageReceived(author=uuid4(), body="help", channel="email"),
                facts.ReplyAdded(body="an answer"),
                facts.NoteAdded(body="a note"),
                facts.Assigned(agent=uuid4()),
                facts.PutPending(was="open"),
                facts.Reopened(was="pending", cause="import"),
                facts.Resolved(was="open", code="solved"),
                facts.Closed(was="resolved", cause="import"),
            ]
        )


def _occurred(randomness: random.Random, now: datetime) -> datetime | None:
    return now - timedelta(seconds=randomness.randrange(9_999)) if randomness.random() < 0.3 else None


def go_on(url: str, connection: Connection[Any], projection: Projection[Any], batch: int = 50) -> Build:
    """The live view up to the log's head, the runner's way, in small batches."""
    build = ensure_live(connection, projection)
    with closing(StoreFeed(url, build.schema, batch)) as feed:
        while build_position(connection, build.schema) < read_head(connection).position:
            apply(connection, build, projection, feed.poll(0.1))
    return build


def all_go_on(url: str, connection: Connection[Any]) -> None:
    for projection in PROJECTIONS.values():
        go_on(url, connection, projection)


def contents(connection: Connection[Any], schema: str) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    query = sql.SQL("SELECT t::text FROM {} t ORDER BY 1")
    return {
        name: [text for (text,) in connection.execute(query.format(sql.Identifier(schema, name)))]
        for (name,) in connection.execute(TABLES, (schema,)).fetchall()
    }


def schemas(connection: Connection[Any]) -> list[str]:
    """Of all builds that there are."""
    return [name for (name,) in connection.execute(SCHEMAS).fetchall()]


def live(connection: Connection[Any], view: str) -> Build:
    found = live_build(connection, view)
    assert found is not None
    return found
