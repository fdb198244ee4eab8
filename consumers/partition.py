"""partition: which of the topic's partitions does a stream travel in?"""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

PARTITIONS = 12
"""Fixed for ever: another count breaks the order within a stream and means another topic."""

PARTITION_OF: LiteralString = "SELECT consumers.partition_of(%(stream)s)"


def partition_of(stream: UUID) -> int:
    """Its id's first four bytes, unsigned, modulo 12. `consumers.partition_of` is the same in SQL."""
    return (stream.int >> 96) % PARTITIONS
