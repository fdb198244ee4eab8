"""feed: what does a projection's runner get, wherever it comes from?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregates.envelope import Stored


@dataclass(frozen=True, slots=True)
class Hint:
    """Where to go on in Kafka; holds only for the topic of that id."""

    topic_id: str
    offset: int


@dataclass(frozen=True, slots=True)
class Part:
    """What is new in one partition: events in the order in which they came, perhaps again, perhaps shuffled.

    epoch      the claim under which this worker holds the partition
    position   the watermark: everything of this partition up to here has been delivered, with this part or before
    hint       None: where Kafka was left stays as it is
    """

    partition: int
    epoch: int
    events: Sequence[Stored]
    position: int
    hint: Hint | None = None


class Feed(Protocol):
    """Claims partitions of one build and delivers from their checkpoints on.

    A feed never goes back: whoever fails to apply a batch closes the feed and opens another one, which starts from the
    checkpoints. Close releases what was claimed.
    """

    def poll(self, timeout: float) -> Sequence[Part]:
        """What is new, after at most about `timeout` seconds; empty if nothing is, or nothing is claimed."""
        ...

    def close(self) -> None: ...
