"""proofs: a log with a few tickets among many events, and a witness that signs heads of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import AsyncConnection

from aggregates.ticket.events import NoteAdded, Opened
from commands.append import Append, Write, append_blocking
from commands.database import connect, session_parameters
from commands.tickets import NUMBER, number_key
from replay.proof.evidence import evidence, history
from replay.proof.heads import SignedHead
from replay.proof.keys import public_bytes
from replay.proof.published import HeadsFile, HeadsTopic
from replay.proof.witness import Witness
from tests.commands.samples import events, notes
from tests.databases import Database


@dataclass
class Signed:
    """A desk's log and the witness of it."""

    database: Database
    db: psycopg.Connection[Any]
    key: Ed25519PrivateKey
    file: HeadsFile
    topic: HeadsTopic | None = None

    @property
    def public(self) -> str:
        return public_bytes(self.key).hex()

    @property
    def witness(self) -> Witness:
        return Witness(self.database.app_url, self.key, self.file, 60, self.topic)

    def open(self, number: int) -> UUID:
        """A new ticket of one event."""
        ticket = uuid4()
        opened = Opened(number=number, requester=uuid4(), subject="Snow ❄ on the line", channel="email")
        names = ((NUMBER, number_key(number), ticket),)
        self._append(Append(uuid4(), "ada", b"", (Write(ticket, 0, events(opened)),), reserve=names))
        return ticket

    def note(self, ticket: UUID, *bodies: str) -> None:
        row = self.db.execute("SELECT version FROM store.streams WHERE id = %s", (ticket,)).fetchone()
        facts = events(*(NoteAdded(body=body) for body in bodies))
        self._append(Append(uuid4(), "ada", b"", (Write(ticket, row[0] if row else 0, facts),)))

    def noise(self, count: int) -> None:
        """Events of a stream that nobody asks about."""
        self._append(Append(uuid4(), "ada", b"", (Write(uuid4(), 0, notes(count)),)))

    def sign(self) -> SignedHead | None:
        """As a witness that has just started."""
        return self.witness.signing(self.db).sign()

    def bundle(self, ticket: UUID, since: int | None = None) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text(ticket, since))
        return found

    def text(self, ticket: UUID, since: int | None = None) -> str:
        return asyncio.run(self._text(ticket, since))

    def tamper(self, statement: LiteralString) -> None:
        with psycopg.connect(self.database.superuser_url) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(statement)

    async def _text(self, ticket: UUID, since: int | None) -> str:
        url, parameters = self.database.app_url, session_parameters("test")
        async with await AsyncConnection.connect(url, autocommit=True, **parameters) as connection:
            return (await evidence(connection, ticket, await history(connection, ticket), since)).text

    def _append(self, command: Append) -> None:
        (outcome,) = append_blocking(self.db, [command])
        assert outcome.kind == "accepted"


@contextmanager
def signed_log(database: Database, folder: Path, topic: HeadsTopic | None = None) -> Iterator[Signed]:
    with connect(database.app_url, name="test") as db:
        yield Signed(database, db, Ed25519PrivateKey.generate(), HeadsFile(folder / "heads.jsonl"), topic)
