"""Which bytes of events were ever written? The golden file, which only grows.

    python -m tests.aggregates.golden

adds what samples.py has and the file has not. It never changes or removes a sample: desks have such rows, for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from aggregates.envelope import encode
from tests.aggregates.samples import envelopes

FILE = Path(__file__).parent.parent / "golden" / "events.json"
HOW_TO_ADD = "add a sample to tests/aggregates/samples.py and run: python -m tests.aggregates.golden"
HOW_TO_CHANGE = (
    'rows with these bytes exist. If an optional field with a default joined the fact, set "superseded": true on this '
    f"sample and {HOW_TO_ADD}. If a meaning changed, it is a new type (.v2) with an upcaster"
)


@dataclass(frozen=True)
class Sample:
    """`superseded`: written before its type got another optional field, so it encodes to more than it was."""

    type: str
    state: str
    superseded: bool = False


def load() -> list[Sample]:
    return [Sample(**sample) for sample in json.loads(FILE.read_text())]


def save(samples: Iterable[Sample]) -> None:
    FILE.write_text(json.dumps([asdict(sample) for sample in samples], indent=1, ensure_ascii=True) + "\n")


def current() -> list[Sample]:
    return [Sample(envelope.fact.type_name, encode(envelope).decode()) for envelope in envelopes()]


def add() -> None:
    kept = load() if FILE.exists() else []
    known = {(sample.type, sample.state) for sample in kept}
    save([*kept, *(sample for sample in current() if (sample.type, sample.state) not in known)])


if __name__ == "__main__":
    add()
