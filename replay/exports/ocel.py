"""How is a desk's history written as an object-centric event log (OCEL 2.0, JSON)? Events, then what they touched."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import groupby
from types import NoneType, UnionType
from typing import Annotated, Any, BinaryIO, Union, get_args, get_origin
from uuid import UUID

from aggregates.envelope import Recorded
from aggregates.fact import FACTS
from aggregates.kinds import evolved, kind_of
from aggregates.moment import by_occurrence
from aggregates.sla.policies import POLICY_LIST
from aggregates.surveys.surveys import SURVEY_LIST
from replay.exports.objects import REFERS, Attributes, attributes, mentions, policies, relations, surveys
from replay.exports.source import Source, decoded
from replay.exports.texts import Texts, told

OBJECTS = 200
TYPES = {bool: "boolean", int: "integer", float: "float", datetime: "time"}
ENVELOPE = {"actor": "string", "command": "string", "causation": "string", "version": "integer", "recorded_at": "time"}


class Touched:
    """The objects that events spoke of. They may be more than memory holds, so they are kept in a file meanwhile."""

    def __init__(self, spill: sqlite3.Connection) -> None:
        self._spill = spill
        spill.execute("CREATE TABLE objects (id BLOB PRIMARY KEY, type TEXT NOT NULL) WITHOUT ROWID")

    def add(self, found: Iterable[tuple[UUID, str]]) -> None:
        rows = [(id.bytes, kind) for id, kind in found]
        self._spill.executemany("INSERT OR IGNORE INTO objects VALUES (?, ?)", rows)

    def pages(self) -> Iterator[dict[UUID, str]]:
        after = b""
        while True:
            query = "SELECT id, type FROM objects WHERE id > ? ORDER BY id LIMIT ?"
            rows = self._spill.execute(query, (after, OBJECTS)).fetchall()
            if not rows:
                return
            yield {UUID(bytes=id): kind for id, kind in rows}
            after = rows[-1][0]

    def among(self, ids: Iterable[UUID]) -> set[UUID]:
        query = "SELECT 1 FROM objects WHERE id = ?"
        return {id for id in ids if self._spill.execute(query, (id.bytes,)).fetchone()}


def write(file: BinaryIO, source: Source, texts: Texts) -> None:
    """Types come last, because only then is it known which there are; the order of the four parts means nothing."""
    declared: dict[str, dict[str, str]] = defaultdict(dict)
    used: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="chronodesk-") as folder, closing(_spill(folder)) as spill:
        touched = Touched(spill)
        file.write(b'{\n"events": [\n')
        _write_all(file, _events(source, texts, touched, used))
        file.write(b'\n],\n"objects": [\n')
        _write_all(file, _objects(source, texts, touched, declared))
    kinds = [{"name": name, "attributes": _declared(_event_types(name))} for name in sorted(used)]
    types = [{"name": name, "attributes": _declared(found)} for name, found in sorted(declared.items())]
    file.write(f'\n],\n"eventTypes": {_json(kinds)},\n"objectTypes": {_json(types)}\n}}\n'.encode())


def _spill(folder: str) -> sqlite3.Connection:
    """Nobody needs it after a crash, so it never waits for the disk."""
    spill = sqlite3.connect(f"{folder}/objects.sqlite")
    spill.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
    return spill


def _write_all(file: BinaryIO, items: Iterable[dict[str, Any]]) -> None:
    for place, item in enumerate(items):
        file.write((b",\n" if place else b"") + _json(item).encode())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _declared(types: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in types.items()]


def _events(source: Source, texts: Texts, touched: Touched, used: set[str]) -> Iterator[dict[str, Any]]:
    for page in source.events():
        found: dict[UUID, str] = {}
        for event in page:
            related = list(dict.fromkeys(mentions(event)))
            found |= {id: kind for _, kind, id in related}
            used.add(event.fact.type_name)
            yield {
                "id": str(event.position),
                "type": event.fact.type_name,
                "time": _instant(event.at),
                "attributes": [{"name": name, "value": value} for name, value in _said(event, texts)],
                "relationships": [{"objectId": str(id), "qualifier": role} for role, _, id in related],
            }
        touched.add(found.items())


def _said(event: Recorded, texts: Texts) -> Iterator[tuple[str, Any]]:
    envelope, types = event.envelope, _event_types(event.fact.type_name)
    yield "actor", f"{event.actor.kind}:{event.actor.id}"
    yield "command", str(envelope.command_id)
    if envelope.causation_id is not None:
        yield "causation", str(envelope.causation_id)
    yield "version", event.version
    yield "recorded_at", _instant(event.recorded_at)
    for name, value in told(event.fact, texts).items():
        if name in types and value is not None:
            yield name, value if types[name] != "string" or isinstance(value, str) else _json(value)


@cache
def _event_types(type_name: str) -> dict[str, str]:
    """What an event of this type may say, by the fact's model; ids that it names are relationships."""
    fields = FACTS[type_name].model_fields
    return ENVELOPE | {name: _type(field.annotation) for name, field in fields.items() if name not in REFERS}


def _type(annotation: Any) -> str:
    """One of OCEL's five. What may be of several kinds is a string, and so is what is no single value."""
    if get_origin(annotation) is Annotated:
        return _type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        parts = {_type(part) for part in get_args(annotation) if part is not NoneType}
        return parts.pop() if len(parts) == 1 else "string"
    return TYPES.get(annotation, "string")


def _objects(
    source: Source, texts: Texts, touched: Touched, declared: dict[str, dict[str, str]]
) -> Iterator[dict[str, Any]]:
    listed = _listed(source, POLICY_LIST, "policy", policies) | _listed(source, SURVEY_LIST, "survey", surveys)
    for page in touched.pages():
        lives = {id: listed.get(id) or Life(kind) for id, kind in page.items()} | _lives(source, list(page), texts)
        near = touched.among({id for life in lives.values() for _, id in life.related})
        for id, life in lives.items():
            declared[life.kind] |= {
                name: _type_of(value) for _, values in life.changes for name, value in values.items()
            }
            yield {
                "id": str(id),
                "type": life.kind,
                "attributes": [
                    {"name": name, "time": _instant(at), "value": "" if value is None else value}
                    for at, values in life.changes
                    for name, value in values.items()
                ],
                "relationships": [
                    {"objectId": str(other), "qualifier": role} for role, other in life.related if other in near
                ],
            }


@dataclass(slots=True)
class Life:
    """changes   which attributes had another value from when on; of one that nothing is known of, none
    related   as what, and to whom
    """

    kind: str
    changes: list[tuple[datetime, Attributes]] = field(default_factory=list)
    related: list[tuple[str, UUID]] = field(default_factory=list)
    now: Attributes = field(default_factory=dict)

    def become(self, at: datetime, then: Attributes) -> None:
        gone = {name: None for name in self.now.keys() - then.keys()}
        changed = {name: value for name, value in then.items() if name not in self.now or self.now[name] != value}
        changed = {name: value for name, value in (changed | gone).items() if value is not None or name in self.now}
        if changed:
            self.changes.append((at, changed))
            self.now |= changed


def _lives(source: Source, ids: Sequence[UUID], texts: Texts) -> dict[UUID, Life]:
    """Of those that have a stream of their own: all that is known of them at the end of the scope."""
    lives = {}
    for id, rows in groupby(source.history(ids), key=lambda row: row.stream):
        events = sorted(filter(None, map(decoded, rows)), key=by_occurrence)
        if events:
            lives[id] = _life(events, texts)
    return lives


def _life(events: Sequence[Recorded], texts: Texts) -> Life:
    life, state = Life(kind_of(events[0].fact.type_name)), None
    for event in events:
        state = evolved(state, event.fact)
        life.become(event.at, attributes(state, texts))
    life.related = list(dict.fromkeys(relations(state)))
    return life


def _listed(
    source: Source, stream: UUID, kind: str, items: Callable[[Any], dict[UUID, Attributes]]
) -> dict[UUID, Life]:
    """Of those that live in one stream together."""
    lives: dict[UUID, Life] = {}
    state = None
    for event in filter(None, map(decoded, source.history([stream]))):
        state = evolved(state, event.fact)
        for id, values in items(state).items():
            lives.setdefault(id, Life(kind)).become(event.at, values)
    return lives


def _type_of(value: str | int | bool | None) -> str:
    return TYPES.get(type(value), "string")


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
