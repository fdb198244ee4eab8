"""witness: who says, again and again and outside the database, what the log has been so far?

A head is signed only for a log that goes on from the head before it. Otherwise somebody has changed what was
signed, or took an older backup for the log, and no signature may cover that up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, LiteralString

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from kafka.errors import KafkaError
from prometheus_client import Gauge
from psycopg import Connection

from commands.database import connect
from commands.log import read_head
from consumers.faults import OtherLog, Refused, described
from consumers.standby import WITNESS, become_active
from replay.proof.chain import GENESIS, Walk, link_at
from replay.proof.heads import FalseHead, SignedHead
from replay.proof.kept import keep, keep_heads, last_size, level
from replay.proof.keys import public_bytes
from replay.proof.merkle import TILE_BITS, Edge, Key
from replay.proof.published import HeadsFile, HeadsTopic

log = structlog.get_logger(__name__)

ACTIVE = Gauge("chronodesk_witness_active", "1: this witness signs heads; 0: it stands by")
POSITION = Gauge("chronodesk_witness_position", "Everything up to here is covered by a signed head")
SIGNED = Gauge("chronodesk_witness_signed_timestamp_seconds", "When the newest head was signed")
REFUSED = Gauge("chronodesk_witness_refused", "1: the log does not go on from what was signed")

LISTEN: LiteralString = "LISTEN witness"
LOOK_SECONDS = 0.5
# To find out that Kafka is away takes seconds, in which nothing is signed.
AWAY_SECONDS = 60.0
COPY = 1_000


class LogChanged(Refused):
    """The log does not go on from a head that was signed of it."""


@dataclass(slots=True)
class Trunk:
    """What a head was signed of, as far as the next one needs it."""

    size: int = 0
    chain: bytes = GENESIS
    edge: Edge = field(default_factory=Edge)


class Witness:
    """One active, any number standing by. `topic` None: the file alone is the witness."""

    def __init__(
        self, url: str, key: Ed25519PrivateKey, file: HeadsFile, seconds: float, topic: HeadsTopic | None
    ) -> None:
        self._url, self._key, self._seconds = url, key, seconds
        self._file, self._topic = file, topic

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop or something fails; call it again then. Raises Refused where it must not sign."""
        with closing(connect(self._url, name="witness")) as connection:
            ACTIVE.set(0)
            if not become_active(connection, WITNESS, stopping):
                return
            ACTIVE.set(1)
            try:
                self._sign_on(connection, stopping)
            except Refused as refused:
                REFUSED.set(1)
                log.error("nothing is signed", why=str(refused))
                raise
            finally:
                ACTIVE.set(0)

    def _sign_on(self, connection: Connection[Any], stopping: threading.Event) -> None:
        signing = self.signing(connection)
        log.info("the witness is active", position=signing.trunk.size, key=public_bytes(self._key).hex())
        connection.execute(LISTEN)
        due = signing.due(self._seconds)
        while not stopping.is_set():
            asked = any(True for _ in connection.notifies(timeout=LOOK_SECONDS, stop_after=1))
            if asked or datetime.now(UTC) >= due:
                signing.sign()
                due = signing.due(self._seconds)
        signing.sign()

    def signing(self, connection: Connection[Any]) -> Signing:
        """For whoever holds the lock."""
        signing = Signing(connection, self._key, self._file, self._topic)
        signing.take_up()
        return signing


class Signing:
    """One life of the active witness. `newest` is the last head that was published anywhere."""

    def __init__(
        self, connection: Connection[Any], key: Ed25519PrivateKey, file: HeadsFile, topic: HeadsTopic | None
    ) -> None:
        self._connection, self._key, self._file, self._topic = connection, key, file, topic
        self._log_id = read_head(connection).log_id
        self._sent: int | None = None
        self._again = 0.0
        self.newest: SignedHead | None = None
        self.trunk = Trunk()

    def due(self, seconds: float) -> datetime:
        """When the next head is to be signed, if the log has grown by then; else as soon as it has."""
        return self.newest.timestamp + timedelta(seconds=seconds) if self.newest else datetime.now(UTC)

    def take_up(self) -> None:
        """Go on from the newest head that was ever published. Raises LogChanged, OtherLog."""
        self._file.mend()
        in_file = self._newest(self._file)
        in_topic = self._in_topic(needed=in_file is None)
        self.newest = max(filter(None, (in_file, in_topic)), key=lambda head: head.tree_size, default=None)
        if self.newest is None:
            return
        self.trunk = self._trunk(self.newest)
        if self.newest != in_file:
            self._file.publish([self.newest])
        self._copy()

    def sign(self) -> SignedHead | None:
        """The log as it is now, if it has grown and goes on from the newest head. Raises LogChanged."""
        upto = read_head(self._connection).position
        if upto == self.trunk.size:
            self._forward()
            return None
        grown, nodes = self._grown(upto)
        head = SignedHead.signed(self._key, self._log_id, grown.size, grown.edge.root(), grown.chain, self._now())
        # Outside first: what the database alone knows of, nobody has witnessed.
        self._file.publish([head])
        with self._connection.transaction():
            keep(self._connection, nodes)
            keep_heads(self._connection, [head])
        self.newest, self.trunk = head, grown
        self._forward()
        POSITION.set(head.tree_size)
        SIGNED.set(head.timestamp.timestamp())
        log.info("signed", position=head.tree_size, root=head.root)
        return head

    def _grown(self, upto: int) -> tuple[Trunk, list[tuple[Key, bytes]]]:
        trunk = self.trunk
        self._require(trunk)
        walk, edge = Walk(self._connection, trunk.size, trunk.chain), trunk.edge.copy()
        nodes = [node for hashes in walk.stretches(upto) for node in edge.extend(hashes)]
        if walk.fault or walk.position < upto:
            raise LogChanged(walk.fault.says if walk.fault else f"the log ends before its head, {upto}")
        return Trunk(walk.position, walk.hash, edge), nodes

    def _require(self, trunk: Trunk) -> None:
        """Raises LogChanged unless what was signed last still stands in the log."""
        try:
            stands = link_at(self._connection, trunk.size) == trunk.chain
        except LookupError:
            raise LogChanged(f"a head was signed at position {trunk.size}, and the log ends before it") from None
        if not stands:
            raise LogChanged(f"position {trunk.size} is another event than when a head was signed of it")

    def _trunk(self, head: SignedHead) -> Trunk:
        """From the kept hashes; from the log itself where these do not add up to what was signed."""
        trunk = Trunk(head.tree_size, bytes.fromhex(head.chain))
        self._require(trunk)
        trunk.edge = self._edge(trunk.size, level(self._connection, 1, trunk.size >> TILE_BITS))
        if trunk.edge.root().hex() != head.root:
            log.warning("the tree is built anew from the log", position=head.tree_size)
            trunk.edge = self._edge(trunk.size, [])
        if trunk.edge.root().hex() != head.root:
            raise LogChanged(
                f"the {head.tree_size} events that a head was signed of are others now: "
                "`chronodesk audit verify` says which"
            )
        return trunk

    def _edge(self, size: int, kept: Iterable[tuple[int, bytes]]) -> Edge:
        """From hashes of 256 leaves as far as these are kept without a gap, and from the log. Mends what is kept."""
        edge, nodes = Edge(), []
        for place, hash in kept:
            if place != edge.size >> TILE_BITS:
                break
            nodes += edge.add(hash, TILE_BITS)
        keep(self._connection, nodes)
        walk = Walk(self._connection, edge.size, link_at(self._connection, edge.size) if edge.size else GENESIS)
        for hashes in walk.stretches(size):
            keep(self._connection, edge.extend(hashes))
        return edge

    def _copy(self) -> None:
        """Bring heads into the database that it has lost, or never heard of."""
        missing = self._file_after(last_size(self._connection))
        while heads := list(islice(missing, COPY)):
            keep_heads(self._connection, heads)

    def _forward(self) -> None:
        """Bring heads into Kafka that it has not got. While it is away the file goes on alone."""
        if self._topic is None or self.newest is None or self._sent == self.newest.tree_size:
            return
        if time.monotonic() < self._again:
            return
        try:
            if self._sent is None:
                newest = self._newest(self._topic)
                self._sent = newest.tree_size if newest else 0
            missing = self._file_after(self._sent)
            while heads := list(islice(missing, COPY)):
                self._topic.publish(heads)
                self._sent = heads[-1].tree_size
        except KafkaError as away:
            self._sent, self._again = None, time.monotonic() + AWAY_SECONDS
            log.warning("heads do not reach Kafka", error=described(away))

    def _in_topic(self, *, needed: bool) -> SignedHead | None:
        """The newest head there. Without a head in the file nobody signs before Kafka was asked for one."""
        try:
            return self._newest(self._topic) if self._topic else None
        except KafkaError:
            if needed:
                raise
            return None

    def _file_after(self, size: int) -> Iterator[SignedHead]:
        """What is no head is passed over: `chronodesk audit verify` tells of it."""
        for found in self._file.lines():
            with suppress(FalseHead):
                head = SignedHead.read(found.line)
                if head.tree_size > size:
                    yield head

    def _newest(self, place: HeadsFile | HeadsTopic) -> SignedHead | None:
        """Raises OtherLog for one that cannot be gone on from."""
        try:
            head = place.newest()
            if head is not None:
                head.require_true(self._log_id, frozenset())
        except FalseHead as false:
            raise OtherLog(f"the last head in {place} is not one to go on from: {false}. Move it away first") from None
        return head

    def _now(self) -> datetime:
        """By our own clock, not the database's; never before the head before it."""
        now = datetime.now(UTC)
        return max(now, self.newest.timestamp) if self.newest else now
