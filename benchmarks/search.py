"""How long does a search take among 200,000 tickets with 600,000 texts in five languages, and what does it keep?

1,000 tickets are made up, of words of real sentences and made-up ones, as often as words are: the n-th in 1 of n + 10.
They go through the view as a consumer's do; the others are copies of them under other ids, at other times. Nobody looks
for the words that are everywhere: queries are made of the others, again as often as they are written.
"""

from __future__ import annotations

import asyncio
import random
import time
import tomllib
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, Connection, sql

from aggregates.envelope import Actor, Envelope, Recorded
from aggregates.ticket.events import MessageReceived, NoteAdded, Opened, ReplyAdded, Resolved, TicketFact
from benchmarks.measure import Measure
from chronodesk.local.postgres import APP, OWNER, EmbeddedPostgres
from chronodesk.migrate import migrate
from consumers.builds import ensure_live
from projections.projection import Projection
from projections.search import Search
from projections.search_asked import asked
from projections.search_queries import SearchFilter, own_texts, search, search_own, texts
from projections.similar_queries import similar
from projections.tickets import Tickets

TICKETS, COPIES, TIMES = 1_000, 200, 100
CUSTOMERS = 20_000
WORDS, LENGTH = 60_000, 40
START = datetime(2024, 1, 1, tzinfo=UTC)
MOST = 300.0
EVERYWHERE = 50
SAID = Path(__file__).parents[1] / "tests" / "projections" / "sentences.toml"
# Each table's columns, but for ids and times, are those of the ticket that is copied.
MULTIPLY: LiteralString = """
INSERT INTO search_tickets
SELECT (jsonb_populate_record(t, jsonb_build_object('stream', md5(copy || t.stream::text)::uuid,
        'number', t.number + copy * 10000, 'requester', lpad(to_hex((t.number + copy * 7919) % 20000), 32, '0')))).*
  FROM search_tickets t, generate_series(2, {copies}) AS copy;
INSERT INTO search_texts
SELECT md5(copy || stream::text)::uuid, version, position, kind, public_number, at + copy * interval '3 days',
       author_kind, author_id, language, words
  FROM search_texts, generate_series(2, {copies}) AS copy;
"""
MULTIPLY_MESSAGES: LiteralString = """
INSERT INTO messages
SELECT md5(copy || ticket::text)::uuid, version, audience, kind, author_kind, author_id, body,
       at + copy * interval '3 days', channel, automatic, public_number
  FROM messages, generate_series(2, {copies}) AS copy;
"""
SIZES: LiteralString = """
SELECT pg_total_relation_size('search_texts') + pg_total_relation_size('search_tickets'),
       pg_relation_size('search_texts_words')
"""


def run(quick: bool) -> list[Measure]:
    tickets, copies, times = (500, 4, 10) if quick else (TICKETS, COPIES, TIMES)
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as server:
            server.create_database("search")
            migrate(server.url(OWNER, "search"))
            with psycopg.connect(server.url(APP, "search"), autocommit=True) as connection:
                kept = fill(connection, tickets, copies)
            return kept + asyncio.run(measured(server.url(APP, "search"), tickets, times))


def vocabulary() -> list[str]:
    """Frequent first: every tenth word is one that people write."""
    chance = random.Random(6)
    said = tomllib.loads(SAID.read_text("utf-8"))["said"]
    real = sorted({word.strip(".,:!?>()") for one in said for word in one["text"].split()})
    made_up = ["".join(chance.choices("aeioubdfgklmnprst", k=chance.randint(4, 10))) for _ in range(WORDS)]
    return [chance.choice(real) if n % 10 == 0 else word for n, word in enumerate(made_up)]


def fill(connection: Connection[Any], tickets: int, copies: int) -> list[Measure]:
    connection.execute("SET role chronodesk_app")
    told = list(histories(tickets))
    tickets_took = apply(connection, Tickets(), told)
    connection.execute(MULTIPLY_MESSAGES.format(copies=copies).encode())
    search_took = apply(connection, Search(), told)
    connection.execute("DROP INDEX search_texts_words")
    connection.execute(MULTIPLY.format(copies=copies).encode())
    connection.execute("CREATE INDEX search_texts_words ON search_texts USING gin (words)")
    connection.execute("VACUUM ANALYZE search_texts")
    connection.execute("VACUUM ANALYZE search_tickets")
    total, words = connection.execute(SIZES).fetchone() or (0, 0)
    events = sum(map(len, told))
    return [
        Measure("events into search", "events/s", events / search_took, events / tickets_took, "into tickets"),
        Measure(f"all that search keeps of {tickets * copies:,} tickets", "MB", total / 1e6),
        Measure("of this the index of words", "MB", words / 1e6),
    ]


def apply(connection: Connection[Any], projection: Projection[Any], told: list[list[Recorded]]) -> float:
    """Fold and save them in batches, a consumer's way; in seconds."""
    schema = ensure_live(connection, projection).schema
    connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
    began = time.perf_counter()
    for first in range(0, len(told), 200):
        projection.save(connection, [projection.refold(history) for history in told[first : first + 200]])
    return time.perf_counter() - began


def histories(tickets: int) -> Iterator[list[Recorded]]:
    """A subject, a message and a note or a reply each; half of them solved."""
    chance, words = random.Random(7), vocabulary()
    odds = list(accumulate(1 / (n + 10) for n in range(len(words))))
    for n in range(tickets):
        said = chance.choices(words, cum_weights=odds, k=LENGTH * 2 + 8)
        customer, body, answer = UUID(int=n % CUSTOMERS), " ".join(said[8 : 8 + LENGTH]), " ".join(said[8 + LENGTH :])
        opened = Opened(number=n + 1, requester=customer, subject=" ".join(said[:8]), channel="email")
        facts: list[TicketFact] = [opened, MessageReceived(author=customer, body=body, channel="email")]
        facts += [NoteAdded(body=answer) if n % 3 else ReplyAdded(body=answer)]
        facts += [Resolved(was="open", code="solved")] * (n % 2)
        yield [_recorded(n, version, fact) for version, fact in enumerate(facts, 1)]


def _recorded(ticket: int, version: int, fact: TicketFact) -> Recorded:
    actor = Actor(kind="agent", id=str(UUID(int=1)))
    envelope = Envelope(actor=actor, command_id=UUID(int=0), correlation_id=UUID(int=0), fact=fact)
    at = START + timedelta(minutes=ticket, seconds=version)
    return Recorded(ticket * 5 + version, UUID(int=(ticket * 2**90) + ticket), version, at, envelope)


async def measured(url: str, tickets: int, times: int) -> list[Measure]:
    chance, words = random.Random(8), vocabulary()
    odds = list(accumulate(1 / (n + 10) if n >= EVERYWHERE else 0 for n in range(len(words))))

    def some(count: int) -> str:
        return " ".join(chance.choices(words, cum_weights=odds, k=count))

    async with await AsyncConnection.connect(url, autocommit=True) as connection:

        async def one(query: str, wanted: SearchFilter | None = None) -> None:
            what = asked(query)
            if what is not None:
                page = await search(connection, what, wanted or SearchFilter(), 2**62, 20)
                await texts(connection, page.items)

        async def mine() -> None:
            what, who = asked(some(1)), UUID(int=chance.randrange(CUSTOMERS))
            if what is not None:
                await own_texts(connection, who, (await search_own(connection, what, who, 20)).items)

        async def like() -> None:
            ticket = chance.randrange(tickets)
            await similar(connection, UUID(int=(ticket * 2**90) + ticket), 5)

        kinds = {
            "one word": lambda: one(some(1)),
            "three words": lambda: one(some(3)),
            "two words, or a third": lambda: one(f"{some(2)} OR {some(1)}"),
            "a phrase": lambda: one(f'"{some(2)}"'),
            "one word, in new tickets": lambda: one(some(1), SearchFilter(statuses=["new"])),
            "a customer's own": mine,
            "similar solved tickets": like,
        }
        found = [Measure(f"{name}, p95", "ms", await p95(times, work), most=MOST) for name, work in kinds.items()]
        return [*found, Measure("the word that is in most texts, p95", "ms", await p95(times, lambda: one(words[0])))]


async def p95(times: int, work: Callable[[], Awaitable[None]]) -> float:
    """In milliseconds, once it is warm."""
    took = []
    for _ in range(times * 2):
        start = time.perf_counter()
        await work()
        took.append(time.perf_counter() - start)
    return sorted(took[times:])[int(times * 0.95)] * 1e3
