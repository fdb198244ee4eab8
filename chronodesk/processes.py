"""processes: what does a desk consist of? `chronodesk run` starts these, compose.yaml names the same."""

from __future__ import annotations

from dataclasses import dataclass

VIEWS = ("desk", "tickets", "queues", "reports", "sla", "trail", "search", "figures")


@dataclass(frozen=True)
class Process:
    """A name for people, and what follows the word `chronodesk` on its command line."""

    name: str
    arguments: tuple[str, ...]
    needs_kafka: bool = False

    @property
    def command(self) -> tuple[str, ...]:
        return ("chronodesk", *self.arguments)


MIGRATE = Process("migrate", ("migrate",))
API = Process("api", ("api",))
RELAY = Process("relay", ("relay",), needs_kafka=True)
CLOCK = Process("sla-clock", ("clock",))
WITNESS = Process("witness", ("witness",))
JOBS = Process("jobs", ("jobs",))
CONSUMERS = tuple(Process(f"consume-{view}", ("consume", view)) for view in VIEWS)
SERVICES = (API, RELAY, *CONSUMERS, CLOCK, WITNESS, JOBS)


def services(*, kafka: bool) -> tuple[Process, ...]:
    """What runs for as long as the desk does."""
    return tuple(process for process in SERVICES if kafka or not process.needs_kafka)
