"""test_searching: does the trail find, and draw out, what plain Python finds in the decoded log?"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from aggregates.envelope import Actor, Recorded, encode, recorded
from aggregates.kinds import kind_of
from aggregates.moment import Basis
from aggregates.sla.noting import event_id
from aggregates.text import Erased
from aggregates.ticket.events import Opened
from commands.append import Append, Write, append_blocking
from commands.log import read_after
from projections.trail_queries import TrailFilter
from replay.audit.causes import Node, causes
from replay.audit.said import says, texts, wordy
from replay.audit.searching import find
from tests.aggregates.samples import envelopes
from tests.databases import Database
from tests.projections.harness import Query, T, asked
from tests.replay.test_cli import views_of

EVENTS = 120
ACTORS = [Actor(kind="agent", id=str(UUID(int=n))) for n in (1, 2)] + [
    Actor(kind="rule", id=f"{UUID(int=3)}@2"),
    Actor(kind="import", id="log:Ann"),
    Actor(kind="system", id="sla"),
]
LONG_AGO = datetime(2012, 5, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Log:
    """All of it decoded, and the database in which its trail is."""

    url: str
    events: Sequence[Recorded]

    def ask(self, query: Query[T]) -> T:
        return asked(self.url, query)


@pytest.fixture(scope="module")
def log(module_database: Database) -> Iterator[Log]:
    with psycopg.connect(module_database.app_url, autocommit=True) as connection:
        write(connection, random.Random(5))
        with views_of(module_database):
            wait(connection)
            yield Log(module_database.app_url, [recorded(stored) for stored in read_after(connection, 0, 10_000)])


def wait(connection: psycopg.Connection[Any]) -> None:
    from consumers.positions import wait_for_views

    assert wait_for_views(connection, ["trail", "desk", "tickets"], 30).caught_up


def write(connection: psycopg.Connection[Any], chance: random.Random) -> None:
    """Every kind of event, in some streams, by commands that write one or two, caused by all sorts of things."""
    samples = list(envelopes())
    streams = {(kind_of(one.fact.type_name), n): uuid4() for one in samples for n in range(2)}
    versions = dict.fromkeys(streams.values(), 0)
    known: list[UUID] = []
    correlation, written = uuid4(), 0
    while written < EVENTS:
        command = uuid4()
        correlation = chance.choice([correlation, command, uuid4()])
        writes: list[Write] = []
        for _ in range(chance.choice([1, 1, 2])):
            first = chance.choice(samples)
            stream = streams[kind_of(first.fact.type_name), chance.randrange(2)]
            if any(stream == other.stream for other in writes):
                continue
            mates = [one for one in samples if kind_of(one.fact.type_name) == kind_of(first.fact.type_name)]
            told = [first, *chance.choices(mates, k=chance.choice([0, 1, 3]))]
            events = []
            for place, envelope in enumerate(told):
                cause = chance.choice([None, None, *known[-4:], command, uuid4()])
                late = chance.choice([None, None, LONG_AGO + timedelta(hours=chance.randrange(100))])
                around = {"actor": chance.choice(ACTORS), "command_id": command, "correlation_id": correlation}
                around |= {"causation_id": cause, "occurred_at": late}
                events.append((envelope.fact.type_name, encode(envelope.model_copy(update=around))))
                known.append(event_id(stream, versions[stream] + place + 1))
            writes.append(Write(stream, versions[stream], tuple(events)))
            versions[stream] += len(events)
            written += len(events)
        known.append(command)
        [outcome] = append_blocking(connection, [Append(command, f"agent:{ACTORS[0].id}", b"", tuple(writes))])
        assert outcome.kind == "accepted"


def plain(events: Sequence[Recorded], wanted: TrailFilter, words: Sequence[str]) -> list[int]:
    """What is asked for, by the book."""

    def fits(event: Recorded) -> bool:
        e, when = event.envelope, event.recorded_at if wanted.basis == "recorded" else event.at
        return (
            (wanted.actor_kind is None or e.actor.kind == wanted.actor_kind)
            and (wanted.actors is None or (e.actor.kind, e.actor.id) in wanted.actors)
            and (wanted.types is None or e.fact.type_name in wanted.types)
            and (wanted.since is None or when >= wanted.since)
            and (wanted.until is None or when < wanted.until)
            and (wanted.cause is None or wanted.cause in (e.command_id, e.correlation_id, e.causation_id))
            and (wanted.stream is None or event.stream == wanted.stream)
            and (not words or says(e.fact, [word.casefold() for word in words]))
        )

    found = [event for event in events if fits(event)]
    key = (lambda e: (e.position,)) if wanted.basis == "recorded" else (lambda e: (e.at, e.position))
    return [event.position for event in sorted(found, key=key, reverse=True)]


@st.composite
def filters(draw: st.DrawFn, log: Log) -> TrailFilter:
    event = draw(st.sampled_from(log.events))
    e = event.envelope
    maybe = st.sampled_from
    basis = draw(maybe(["recorded", "occurred"]))
    instants = [
        None,
        None,
        event.recorded_at,
        event.at,
        LONG_AGO + timedelta(hours=50),
        datetime(2100, 1, 1, tzinfo=UTC),
    ]
    others = [(actor.kind, actor.id) for actor in ACTORS]
    return TrailFilter(
        actor_kind=draw(maybe([None, None, e.actor.kind])),
        actors=draw(maybe([None, None, [(e.actor.kind, e.actor.id)], others[:3], []])),
        types=draw(maybe([None, None, [e.fact.type_name], sorted({o.fact.type_name for o in log.events[:20]})])),
        since=draw(maybe(instants)),
        until=draw(maybe(instants)),
        basis=basis,  # type: ignore[arg-type]
        cause=draw(maybe([None, None, None, e.command_id, e.correlation_id, e.causation_id])),
        stream=draw(maybe([None, None, event.stream])),
    )


async def all_pages(
    connection: AsyncConnection[Any], wanted: TrailFilter, words: Sequence[str], limit: int, most: int
) -> list[int]:
    found = await find(connection, wanted, words, limit, most=most)
    positions = [trace.position for trace in found.items]
    while found.next is not None:
        assert len(found.items) <= limit
        assert found.looked_at <= max(most, limit)
        found = await find(connection, wanted, words, limit, found.next, most=most)
        positions += [trace.position for trace in found.items]
    return positions


@given(data=st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_search_finds_what_filtering_the_log_finds_page_by_page(log: Log, data: st.DataObject) -> None:
    wanted = data.draw(filters(log))
    words = data.draw(st.sampled_from([[], [], ["a"], ["E", "r"]]))
    limit, most = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 40))
    found = log.ask(lambda connection: all_pages(connection, wanted, words, limit, most))
    assert found == plain(log.events, wanted, words)


@pytest.mark.parametrize("words", [[], ["e"], ["zebra"]])
@pytest.mark.parametrize("basis", ["recorded", "occurred"])
def test_an_instant_is_in_the_time_that_begins_with_it_and_not_in_the_one_that_ends(
    log: Log, basis: Basis, words: list[str]
) -> None:
    for event in log.events[:: len(log.events) // 5]:
        when = event.recorded_at if basis == "recorded" else event.at
        for wanted in (TrailFilter(since=when, basis=basis), TrailFilter(until=when, basis=basis)):
            found = log.ask(partial(all_pages, wanted=wanted, words=words, limit=40, most=7))
            assert found == plain(log.events, wanted, words)


@pytest.mark.parametrize("name", ["command_id", "correlation_id", "causation_id"])
def test_all_that_an_id_led_to_is_found_by_it(log: Log, name: str) -> None:
    ids = {id for event in log.events if (id := getattr(event.envelope, name)) is not None}
    for id in sorted(ids)[:8]:
        wanted = TrailFilter(cause=id)
        found = log.ask(partial(all_pages, wanted=wanted, words=(), limit=50, most=50))
        assert found == plain(log.events, wanted, ())
        assert found


def test_what_people_wrote_is_found_wherever_it_stands_and_our_own_words_are_not() -> None:
    samples = [envelope.fact for envelope in envelopes()]
    policy = next(fact for fact in samples if fact.type_name == "policy_list.published.v1")
    assert "Gold" in set(texts(policy))
    opened = Opened(number=1, requester=UUID(int=1), subject=Erased(), channel="email", fields={"place": "Cellar"})
    assert list(texts(opened)) == ["place", "Cellar"]
    assert says(opened, ["cell", "place"])
    assert not says(opened, ["email"])
    assert {"ticket.opened.v1", "ticket.resolved.v1", "policy_list.published.v1"} <= set(wordy())
    assert "ticket.priority_changed.v1" not in wordy()


def tree_of(node: Node) -> tuple[UUID, list[Any]]:
    return node.id, [tree_of(child) for child in node.children]


def drawn_plainly(events: Sequence[Recorded], event: Recorded) -> tuple[UUID, list[Any]]:
    """Up by cause, then down by cause: by the book."""
    called = {event_id(one.stream, one.version): one for one in events}
    first = event
    while first.envelope.causation_id in called:
        first = called[first.envelope.causation_id]
    root = first.envelope.causation_id or first.envelope.command_id

    def below(id: UUID) -> list[Any]:
        children = [
            one
            for one in events
            if one.envelope.causation_id == id
            or (id == root and one.envelope.command_id == id and one.envelope.causation_id is None)
        ]
        return [(name, below(name)) for name in (event_id(one.stream, one.version) for one in children)]

    return root, below(root)


def test_every_events_tree_is_what_its_causes_say(log: Log) -> None:
    async def trees(connection: AsyncConnection[Any]) -> list[Node]:
        return [(await causes(connection, event.position, 10_000, 100)).root for event in log.events]

    for event, root in zip(log.events, log.ask(trees), strict=True):
        assert tree_of(root) == drawn_plainly(log.events, event)
        assert [node.trace.position for node in root.walk() if node.asked and node.trace] == [event.position]


def test_a_tree_has_at_most_so_many_events_the_one_asked_about_among_them(log: Log) -> None:
    async def cut(connection: AsyncConnection[Any], position: int, most: int) -> None:
        tree = await causes(connection, position, most)
        whole = await causes(connection, position, 10_000, 100)
        nodes = [node for node in tree.root.walk() if node.trace]
        path = sum(1 for _ in way(whole.root, position))
        assert len(nodes) <= max(most, path)
        assert tree.cut == (len(nodes) < sum(1 for node in whole.root.walk() if node.trace))
        assert any(node.asked for node in nodes)

    async def all_of_them(connection: AsyncConnection[Any]) -> None:
        for event in log.events[::9]:
            for most in (1, 3, 10):
                await cut(connection, event.position, most)

    log.ask(all_of_them)


def way(node: Node, position: int) -> Iterator[Node]:
    """The nodes from the root to that event, the root aside."""
    if node.asked:
        yield node
    for child in node.children:
        below = list(way(child, position))
        if below:
            yield from [node, *below] if node.trace else below
