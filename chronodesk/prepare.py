"""prepare: what has to be there before a desk's processes start? The schema, and the topic where Kafka is used."""

from __future__ import annotations

from collections.abc import Callable

from chronodesk.migrate import migrate
from chronodesk.settings import Settings
from chronodesk.start import owner_url


def prepare(settings: Settings, say: Callable[[str], None]) -> None:
    """Safe to run again, and from several machines at once."""
    migrate(owner_url(settings), progress=say)
    if settings.uses_kafka and settings.kafka_bootstrap_servers is not None:
        from consumers.topics import ensure_topic

        ensure_topic(settings.kafka_bootstrap_servers, settings.topic)
        say(f"topic {settings.topic} is there")
