"""carriers: what do `relay` and `consume` share? Settings, metrics, and how a refusal is told."""

from __future__ import annotations

from collections.abc import Mapping

from chronodesk.errors import Unavailable
from chronodesk.settings import Settings
from chronodesk.start import app_url, serve_metrics
from consumers.faults import Refused
from consumers.loop import Source, Work, run_all, stopped_by_signals


def source_of(settings: Settings) -> Source:
    return Source(app_url(settings), bootstrap_of(settings) if settings.uses_kafka else None, settings.topic)


def bootstrap_of(settings: Settings) -> str:
    if settings.kafka_bootstrap_servers is None:
        raise Unavailable("no Kafka: set CHRONODESK_KAFKA_BOOTSTRAP_SERVERS, or CHRONODESK_TRANSPORT=store")
    return settings.kafka_bootstrap_servers


def carry(works: Mapping[str, Work], settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Exit code 3 when going on would do harm."""
    serve_metrics(settings)
    with stopped_by_signals() as stopping:
        try:
            run_all(works, stopping)
        except Refused as refusal:
            raise Unavailable(str(refusal)) from None
