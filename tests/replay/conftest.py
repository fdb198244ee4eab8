"""conftest: what tests of rebuilds share with those of consumers: a topic, and a desk that reads from it."""

from __future__ import annotations

from tests.consumers.conftest import kafka_rig, topic

__all__ = ["kafka_rig", "topic"]
