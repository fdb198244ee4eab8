"""How long does a search take among 200,000 tickets with 800,000 texts in five languages, and what does it keep?

Texts are made of the words of real sentences and of made-up ones, as often as words are: the n-th one in n texts.
"""

from __future__ import annotations

import asyncio
import random
import time
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, Connection, sql

from aggregates.envelope import Actor, Envelope, Recorded
from aggregates.ticket.events import MessageReceived, NoteAdded, Opened, ReplyAdded, Resolved, TicketFact
from benchmarks.as_of import p99
from benchmarks.measure import Measure
from chronodesk.local.postgres import APP, OWNER, EmbeddedPostgres
from chronodesk.migrate import migrate
from consumers.builds import ensure_live
from projections.search import Search
from projections.search_asked import asked
from projections.search_queries import SearchFilter, own_texts, search, search_own, texts
from projections.similar_queries import similar
from projections.tickets import Tickets

TICKETS, TIMES = 200_000, 200
TEXTS = 4
CUSTOMERS = 20_000
WORDS, LENGTH = 60_000, 60
START = datetime(2024, 1, 1, tzinfo=UTC)
MOST = 300.0
SAID = Path(__file__).parents[1] / "tests" / "projections" / "sentences.toml"
SIZES: LiteralString = """
SELECT pg_total_relation_size('search_texts') + pg_total_relation_size('search_tickets'),
       pg_relation_size('search_texts_words')
"""


def run(quick: bool) -> list[Measure]:
    tickets, times = (2_000, 10) if quick else (TICKETS, TIMES)
    with TemporaryDirectory(prefix="chronodesk-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as server:
            server.create_database("search")
            migrate(server.url(OWNER, "search"))
            with psycopg.connect(server.url(APP, "search"), autocommit=True) as connection:
                kept = fill(connection, tickets)
            return kept + asyncio.run(measured(server.url(APP, "search"), tickets, times))


def vocabulary() -> list[str]:
    """Frequent first: every tenth word is one that people write."""
    chance = random.Random(6)
    said = tomllib.loads(SAID.read_text("utf-8"))["said"]
    real = sorted({word.strip(".,:!?>()") for one in said for word in one["text"].split()})
    made_up = ["".join(chance.choices("aeioubdfgklmnprst", k=chance.randint(4, 10))) for _ in range(WORDS)]
    return [chance.choice(real) if n % 10 == 0 else word for n, word in enumerate(made_up)]


def fill(connection: Connection[Any], tickets: int) -> list[Measure]:
    connection.execute("SET role chronodesk_app")
    took = 0.0
    for projection in (Tickets(), Search()):
        schema = ensure_live(connection, projection).schema
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
        batch: list[Any] = []
        began = time.perf_counter()
        for history in histories(tickets):
            batch.append(projection.refold(history))
            if len(batch) == 1_000:
                projection.save(connection, batch)
                batch = []
        projection.save(connection, batch)
        took = time.perf_counter() - began
    connection.execute("VACUUM ANALYZE search_texts")
    connection.execute("VACUUM ANALYZE search_tickets")
    total, words = connection.execute(SIZES).fetchone() or (0, 0)
    saved = tickets * TEXTS / took
    return [
        Measure("texts of 60 words analysed and saved into the live index", "texts/s", saved),
        Measure(f"all that search keeps of {tickets:,} tickets", "MB", total / 1e6),
        Measure("of this the index of words", "MB", words / 1e6),
    ]


def histories(tickets: int) -> Iterator[list[Recorded]]:
    """An opening, a message, a reply and a note each; half of them solved."""
    chance, words = random.Random(7), vocabulary()
    odds = [1 / (n + 10) for n in range(len(words))]
    for n in range(tickets):
        said = chance.choices(words, odds, k=LENGTH * (TEXTS - 1) + 8)
        customer = UUID(int=n % CUSTOMERS)
        parts = [" ".join(said[8 + LENGTH * k : 8 + LENGTH * (k + 1)]) for k in range(TEXTS - 1)]
        opened = Opened(number=n + 1, requester=customer, subject=" ".join(said[:8]), channel="email")
        facts: list[TicketFact] = [opened, MessageReceived(author=customer, body=parts[0], channel="email")]
        facts += [ReplyAdded(body=parts[1]), NoteAdded(body=parts[2])]
        facts += [Resolved(was="open", code="solved")] * (n % 2)
        yield [_recorded(n, version, fact) for version, fact in enumerate(facts, 1)]


def _recorded(ticket: int, version: int, fact: TicketFact) -> Recorded:
    actor = Actor(kind="agent", id=str(UUID(int=1)))
    envelope = Envelope(actor=actor, command_id=UUID(int=0), correlation_id=UUID(int=0), fact=fact)
    at = START + timedelta(minutes=ticket, seconds=version)
    return Recorded(ticket * 5 + version, UUID(int=(ticket * 2**90) + ticket), version, at, envelope)


async def measured(url: str, tickets: int, times: int) -> list[Measure]:
    chance, words = random.Random(8), vocabulary()
    odds = [1 / (n + 10) for n in range(len(words))]

    def some(count: int) -> str:
        return " ".join(chance.choices(words, odds, k=count))

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
            "one word, as often as words are": lambda: one(some(1)),
            "three words": lambda: one(some(3)),
            "two words, or a third": lambda: one(f"{some(2)} OR {some(1)}"),
            "a phrase": lambda: one(f'"{some(2)}"'),
            "one word in open tickets of a status": lambda: one(some(1), SearchFilter(statuses=["new"])),
            "the word that is in most texts": lambda: one(words[0]),
            "a customer's own": mine,
            "similar solved tickets": like,
        }
        return [Measure(f"{name}, p99", "ms", await p99(times, work), most=MOST) for name, work in kinds.items()]
