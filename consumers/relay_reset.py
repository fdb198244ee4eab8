"""relay_reset: how is the relay sent back, and how is a topic given up that this store cannot follow?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, LiteralString

from kafka.errors import KafkaTimeoutError
from psycopg import Connection

from commands.log import read_head
from consumers.topics import admin_client, ensure_topic, topic_id

PATIENCE_SECONDS = 30.0
CURSOR: LiteralString = "SELECT position FROM consumers.relay WHERE topic = %(topic)s FOR UPDATE"
# Whoever relays finds its cursor gone with its next watermark, or within a second of idling, and starts from here.
RESET: LiteralString = """
INSERT INTO consumers.relay AS r (topic, topic_id, position) VALUES (%(topic)s, '', %(to)s)
    ON CONFLICT (topic) DO UPDATE SET position = excluded.position, updated_at = clock_timestamp()
"""


class BeyondLog(ValueError):
    """The log does not reach to the position that was asked for."""


@dataclass(frozen=True, slots=True)
class Reset:
    """before: where the relay stood; None: it never ran. skipped: events that the topic will then never hold."""

    topic: str
    before: int | None
    position: int
    head: int
    new_topic: bool

    @property
    def again(self) -> int:
        return max((self.before or 0) - self.position, 0)

    @property
    def skipped(self) -> int:
        return max(self.position - (self.before or 0), 0)


def reset(connection: Connection[Any], topic: str, to: int, discard_at: str | None = None) -> Reset:
    """Have the relay go on behind position `to`; where brokers are given, in a topic made anew. Raises BeyondLog."""
    head = read_head(connection).position
    if not 0 <= to <= head:
        raise BeyondLog(f"the log reaches from 0 to {head}")
    if discard_at is not None:
        # First: what a running relay publishes meanwhile must not be taken to be in the new topic.
        discard_topic(discard_at, topic)
    with connection.transaction():
        row = connection.execute(CURSOR, {"topic": topic}).fetchone()
        connection.execute(RESET, {"topic": topic, "to": to})
    return Reset(topic, row[0] if row else None, to, head, discard_at is not None)


def discard_topic(bootstrap: str, topic: str) -> None:
    """Delete the topic with all that it holds, and make it anew. KafkaTimeoutError if the brokers take too long."""
    with admin_client(bootstrap) as admin:
        gone = topic_id(admin, topic)
        if gone is not None:
            admin.delete_topics([topic])
        deadline = time.monotonic() + PATIENCE_SECONDS
        # A relay that is running may have made it anew by now.
        while gone is not None and topic_id(admin, topic) == gone:
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"the brokers have not deleted {topic} within {PATIENCE_SECONDS:g} s")
            time.sleep(0.1)
    ensure_topic(bootstrap, topic)
