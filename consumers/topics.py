"""topics: is the topic there, as we need it, and which one is it?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.errors import TopicAlreadyExistsError

from consumers.faults import Refused
from consumers.partition import PARTITIONS

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""The API takes 1 MiB a request; JSON escapes may lengthen a character sixfold."""
RETENTION_MS = 7 * 24 * 3600 * 1000
"""Finite: the store is the truth, and consumers that were away longer read it from there."""


def ensure_topic(bootstrap: str, topic: str, partitions: int = PARTITIONS, retention_ms: int = RETENTION_MS) -> str:
    """Create the topic unless it is there; its id. Refused if it has another number of partitions."""
    with admin_client(bootstrap) as admin:
        if not _described(admin, topic):
            _create(admin, topic, partitions, retention_ms)
        (found,) = _described(admin, topic)
    if len(found["partitions"]) != partitions:
        raise Refused(f"the topic {topic} has {len(found['partitions'])} partitions, not {partitions}: use another one")
    return str(found["topic_id"])


def topic_id(admin: Any, topic: str) -> str | None:
    """None while there is no such topic."""
    found = _described(admin, topic)
    return str(found[0]["topic_id"]) if found else None


@contextmanager
def admin_client(bootstrap: str) -> Iterator[Any]:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000, bootstrap_timeout_ms=10_000)
    try:
        yield admin
    finally:
        admin.close()


def reader(bootstrap: str, **more: Any) -> Any:
    """A consumer without a group, which reads what it is told to and whose offsets nobody keeps."""
    return KafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        # An unknown position is an error, not a jump.
        auto_offset_reset="none",
        allow_auto_create_topics=False,
        bootstrap_timeout_ms=10_000,
        **more,
    )


def _described(admin: Any, topic: str) -> list[dict[str, Any]]:
    return [found for found in admin.describe_topics([topic]) if found["error_code"] == 0]


def _create(admin: Any, topic: str, partitions: int, retention_ms: int) -> None:
    configs = {"max.message.bytes": str(MAX_MESSAGE_BYTES), "retention.ms": str(retention_ms)}
    try:
        admin.create_topics({topic: {"num_partitions": partitions, "configs": configs}}, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        # Somebody else was faster.
        return
