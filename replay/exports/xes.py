"""How is a desk's history written as an IEEE 1849 event log (XES 2.0)? A ticket is a trace, a fact an event."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, BinaryIO
from uuid import UUID
from xml.sax.saxutils import quoteattr

from aggregates.envelope import Actor, Recorded
from aggregates.kinds import KINDS
from aggregates.ticket.state import Ticket, evolve
from replay.exports.scope import Scope
from replay.exports.source import Source
from replay.exports.texts import Texts, told

XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
STANDARD = """\
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
  <extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
"""
HEAD = f"""\
{XML}<log xes.version="2.0" xes.features="" xmlns="http://www.xes-standard.org/">
{STANDARD}\
  <extension name="Identity" prefix="identity" uri="http://www.xes-standard.org/identity.xesext"/>
  <extension name="Chronodesk" prefix="cd" uri="urn:chronodesk:xes:1"/>
  <global scope="trace">
    <string key="concept:name" value="T-0"/>
    <id key="identity:id" value="00000000-0000-0000-0000-000000000000"/>
  </global>
  <global scope="event">
    <string key="concept:name" value="unknown"/>
    <string key="lifecycle:transition" value="complete"/>
    <date key="time:timestamp" value="1970-01-01T00:00:00+00:00"/>
    <string key="org:role" value="system"/>
    <int key="cd:position" value="0"/>
    <int key="cd:version" value="0"/>
    <string key="cd:type" value="unknown"/>
    <date key="cd:recorded_at" value="1970-01-01T00:00:00+00:00"/>
    <string key="cd:actor" value="system"/>
    <string key="cd:command" value="00000000-0000-0000-0000-000000000000"/>
    <string key="cd:status" value="new"/>
    <string key="cd:stage" value="queued"/>
    <string key="cd:priority" value="normal"/>
    <int key="cd:level" value="1"/>
    <string key="cd:assignee" value=""/>
  </global>
  <classifier name="Activity" scope="event" keys="concept:name"/>
  <classifier name="ActivityAndStatus" scope="event" keys="concept:name cd:status"/>
  <classifier name="Role" scope="event" keys="org:role"/>
"""
END = "</log>\n"
# What XML 1.0 cannot say at all, and the store can.
UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SPECIAL = re.compile(f'[&<>"\t\n\r]|{UNSAYABLE.pattern}')
NAMED_KINDS = ("agent", "team")


def attribute(indent: str, key: str, value: Any, kind: str = "") -> str:
    """One attribute; its kind follows from the value where none is given. Lists and the like are written as JSON."""
    match value:
        case str():
            kind, text = kind or "string", _quoted(value)
        case bool():
            kind, text = "boolean", '"true"' if value else '"false"'
        case int():
            kind, text = "int", f'"{value}"'
        case float():
            kind, text = "float", f'"{value!r}"'
        case datetime():
            kind, text = "date", f'"{value.isoformat()}"'
        case UUID():
            kind, text = "id", f'"{value}"'
        case _:
            kind, text = "string", _quoted(json.dumps(value, ensure_ascii=False))
    return f"{indent}<{kind} key={_key(key)} value={text}/>\n"


def _quoted(text: str) -> str:
    return quoteattr(UNSAYABLE.sub("\ufffd", text)) if SPECIAL.search(text) else f'"{text}"'


_key = cache(quoteattr)


def write(file: BinaryIO, source: Source, texts: Texts, release: str, now: datetime) -> None:
    """In order of occurrence, each event with how the ticket stood after it. Configuration shows only as names."""
    file.write((HEAD + "".join(_of_log(source.scope, texts, release, now))).encode())
    names = Names(source)
    for page in source.tickets():
        names.learn(page)
        for story in page:
            file.write("".join(_trace(story, source, texts, names)).encode())
    file.write(END.encode())


class Names:
    """Of agents and teams as they were called at the end of the scope."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._names: dict[UUID, str | None] = {}

    def __getitem__(self, id: UUID | None) -> str | None:
        return None if id is None else self._names.get(id)

    def learn(self, stories: Iterable[Sequence[Recorded]]) -> None:
        met = {id for story in stories for event in story for id in _people(event)} - self._names.keys()
        self._names |= dict.fromkeys(met)
        for id, state in self._source.states(sorted(met)).items():
            if any(isinstance(state, type(KINDS[kind].initial)) for kind in NAMED_KINDS):
                self._names[id] = state.name


def _people(event: Recorded) -> Iterator[UUID]:
    if event.actor.agent is not None:
        yield event.actor.agent
    for name in ("team", "to_team", "agent", "to_agent"):
        id = getattr(event.fact, name, None)
        if id is not None:
            yield id


def _of_log(scope: Scope, texts: Texts, release: str, now: datetime) -> Iterator[str]:
    asked = scope.asked
    part = {"since": asked.since, "until": asked.until, "basis": asked.basis, "tickets": list(asked.tickets)}
    said: dict[str, Any] = {
        "concept:name": f"Chronodesk {scope.log_id}",
        "lifecycle:model": "standard",
        "cd:log_id": str(scope.log_id),
        "cd:from_position": scope.after + 1,
        "cd:to_position": scope.upto,
        "cd:exported_at": now.astimezone(UTC),
        "cd:release": release,
        "cd:texts": texts,
        "cd:whole": scope.whole,
        **({} if scope.whole else {f"cd:{name}": value for name, value in part.items() if value}),
    }
    return (attribute("  ", key, value) for key, value in said.items())


def _trace(story: Sequence[Recorded], source: Source, texts: Texts, names: Names) -> Iterator[str]:
    events, ticket = [], Ticket()
    for event in story:
        ticket = evolve(ticket, event.fact)  # type: ignore[arg-type]
        if source.inside(event):
            events.append(_event(event, ticket, texts, names))
    yield "  <trace>\n"
    for key, value in _of_trace(story[0].stream, ticket, texts):
        yield attribute("    ", key, value)
    yield from events
    yield "  </trace>\n"


def _of_trace(stream: UUID, ticket: Ticket, texts: Texts) -> Iterator[tuple[str, Any]]:
    yield "concept:name", f"T-{ticket.number}"
    yield "identity:id", stream
    said = {"requester": ticket.requester and str(ticket.requester), "channel": ticket.channel}
    said |= {"source": ticket.source, "case": ticket.case}
    said |= {"subject": ticket.subject} if texts != "none" and isinstance(ticket.subject, str) else {}
    yield from ((f"cd:{name}", value) for name, value in said.items() if value is not None)


def _event(event: Recorded, ticket: Ticket, texts: Texts, names: Names) -> str:
    said: dict[str, Any] = {
        "concept:name": event.fact.type_name.split(".")[1],
        "lifecycle:transition": "complete",
        "time:timestamp": event.at.astimezone(UTC),
        "org:resource": _resource(event.actor, names),
        "org:group": names[ticket.team],
        "org:role": event.actor.kind,
        "cd:position": event.position,
        "cd:version": event.version,
        "cd:type": event.fact.type_name,
        "cd:recorded_at": event.recorded_at.astimezone(UTC),
        "cd:actor": f"{event.actor.kind}:{event.actor.id}",
        "cd:command": str(event.envelope.command_id),
        "cd:cause": event.envelope.causation_id and str(event.envelope.causation_id),
        "cd:status": ticket.status,
        "cd:stage": stage(ticket),
        "cd:priority": ticket.priority,
        "cd:level": ticket.level,
        "cd:assignee": names[ticket.assignee] or "",
        **{f"cd:fact.{name}": value for name, value in told(event.fact, texts).items()},
    }
    attributes = (attribute("      ", key, value) for key, value in said.items() if value is not None)
    return "".join(("    <event>\n", *attributes, "    </event>\n"))


def stage(ticket: Ticket) -> str:
    """The status; of work to be done, whether somebody is at it."""
    if ticket.status in ("new", "open"):
        return "queued" if ticket.assignee is None else "in_progress"
    return ticket.status


def _resource(actor: Actor, names: Names) -> str | None:
    """Who works here. Customers are no resources of a desk, and their names stay in it."""
    match actor.kind:
        case "agent":
            return names[actor.agent] or actor.id
        case "import":
            return actor.id.partition(":")[2] or None
        case "customer":
            return None
        case _:
            return actor.id
