"""What do these events of the log say? Decoded one by one, so that what was erased stays unsaid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, LiteralString, get_args, get_origin

from psycopg import AsyncConnection
from psycopg.rows import class_row
from pydantic import BaseModel

from aggregates.envelope import Actor, Recorded, Stored, UndecodableEvent, recorded
from aggregates.fact import FACTS, Fact
from aggregates.text import Erased
from projections.trail_queries import Trace
from replay.audit.log_lines import mentioned
from replay.audit.names import names_of
from replay.phrases import Names, phrase, said_by

AT_POSITIONS: LiteralString = """
SELECT notification_id AS position, originator_id AS stream, originator_version AS version,
       topic AS type, recorded_at, state
  FROM store.events WHERE notification_id = ANY (%(positions)s)
"""


@dataclass(frozen=True, slots=True)
class Told:
    """An event of the trail in words. `event` is None where a newer release wrote it."""

    trace: Trace
    event: Recorded | None
    who: str
    what: str


async def stored_at(connection: AsyncConnection[Any], positions: Sequence[int]) -> list[Stored]:
    async with connection.cursor(binary=True, row_factory=class_row(Stored)) as cursor:
        await cursor.execute(AT_POSITIONS, {"positions": list(positions)}, prepare=True)
        return await cursor.fetchall()


async def told(connection: AsyncConnection[Any], traces: Iterable[Trace]) -> tuple[list[Told], Names]:
    """In the same order, with the names of all that they mention."""
    known = list(traces)
    events = decoded(await stored_at(connection, [trace.position for trace in known]))
    names = await names_of(connection, mentioned(events.values()) | {str(trace.stream) for trace in known})
    return [_told(trace, events.get(trace.position), names) for trace in known], names


def decoded(stored: Iterable[Stored]) -> dict[int, Recorded]:
    """By position; what a newer release wrote is left out."""
    found: dict[int, Recorded] = {}
    for one in stored:
        try:
            found[one.position] = recorded(one)
        except UndecodableEvent:
            continue
    return found


def says(fact: Fact, words: Sequence[str]) -> bool:
    """Whether each of the words stands somewhere in what people wrote, whatever its case. `words` are casefolded."""
    text = "\n".join(texts(fact)).casefold()
    return all(word in text for word in words)


def texts(fact: BaseModel) -> Iterator[str]:
    """What people wrote or named: no ids, no words of our own such as a status."""
    for name in _written(type(fact)):
        yield from _texts(getattr(fact, name))


def wordy() -> list[str]:
    """The types of events in which anything can be written."""
    return sorted(name for name, fact in FACTS.items() if _written(fact))


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Erased():
            return
        case BaseModel():
            yield from texts(value)
        case Mapping():
            for name, inner in value.items():
                yield from _texts(name)
                yield from _texts(inner)
        case tuple() | list() | frozenset():
            for inner in value:
                yield from _texts(inner)
        case _:
            return


@cache
def _written(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name, field in model.model_fields.items() if _holds_text(field.annotation))


def _holds_text(annotation: Any) -> bool:
    if get_origin(annotation) is Literal:
        return False
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation is not Erased and bool(_written(annotation))
    return annotation is str or any(_holds_text(part) for part in get_args(annotation))


def _told(trace: Trace, event: Recorded | None, names: Names) -> Told:
    who = said_by(Actor(kind=trace.actor_kind, id=trace.actor_id), names)
    if event is None:
        return Told(trace, None, who, trace.type)
    return Told(trace, event, who, phrase(event.fact, names))
