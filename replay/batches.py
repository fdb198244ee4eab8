"""What must be appended for some cases, given what the store holds of them? And what of that did it take?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, LiteralString
from uuid import UUID, uuid5

from psycopg import Connection

from aggregates.envelope import Envelope, Recorded, encode, envelope_of, recorded
from aggregates.fact import Fact
from aggregates.ticket.events import Opened
from commands.append import Append, Write
from commands.log import NUMBERS, read_streams
from replay.account import Changed, Fate
from replay.eventlog import BrokenLog, Case
from replay.history import Draft, Telling, tell
from replay.lexicon import Lexicon, Registration

VERSIONS: LiteralString = "SELECT id, version FROM store.streams WHERE id = ANY(%(streams)s)"
FACTS_A_COMMAND = 500


@dataclass(slots=True)
class Story:
    """One case on its way into the store."""

    case: Case
    stream: UUID
    version: int
    told: Telling
    fate: Fate
    rest: Sequence[Draft] = ()
    changed: Changed | None = None


@dataclass(slots=True)
class Batch:
    """Commands in the order in which they must be appended, and the stories that they belong to."""

    stories: list[Story]
    commands: list[Append] = field(default_factory=list)
    facts: list[list[str]] = field(default_factory=list)
    owners: list[UUID] = field(default_factory=list)
    broken: BrokenLog | None = None
    """An event that cannot be read ended the batch before its last case."""

    def add(self, command: Append, owner: UUID) -> None:
        self.commands.append(command)
        self.owners.append(owner)
        self.facts.append([kind for write in command.writes for kind, _ in write.events])


def prepare(connection: Connection[Any], cases: Sequence[Case], lexicon: Lexicon, upto: datetime) -> Batch:
    """Look up what is there, tell every case, and say what is new about it. Reads only."""
    ids = {case.id: lexicon.ticket(case.id) for case in cases}
    versions = _versions(connection, ids.values())
    stored = _imported(connection, versions, lexicon)
    numbers = iter(_numbers(connection, len(ids) - len(versions)))
    batch = Batch([])
    for case in cases:
        stream = ids[case.id]
        past = stored.get(stream, [])
        try:
            told = tell(case, _number(past) if past else next(numbers), lexicon, upto)
        except BrokenLog as broken:
            batch.broken = broken
            break
        batch.stories.append(_story(case, stream, versions.get(stream, 0), past, told))
    _register(connection, batch, lexicon)
    for story in batch.stories:
        for command in _commands(story, lexicon):
            batch.add(command, story.stream)
    return batch


def _versions(connection: Connection[Any], streams: Iterable[UUID]) -> dict[UUID, int]:
    return dict(connection.execute(VERSIONS, {"streams": list(streams)}, prepare=True, binary=True).fetchall())


def _imported(connection: Connection[Any], versions: dict[UUID, int], lexicon: Lexicon) -> dict[UUID, list[Recorded]]:
    """What earlier imports of this source wrote, stream by stream; what happened here since is not theirs."""
    events: dict[UUID, list[Recorded]] = defaultdict(list)
    if not versions:
        return events
    source = lexicon.mapping.source
    for row in read_streams(connection, [(stream, 0) for stream in versions]):
        event = recorded(row)
        if event.actor.kind == "import" and event.actor.id.partition(":")[0] == source:
            events[row.stream].append(event)
    return events


def _numbers(connection: Connection[Any], n: int) -> list[int]:
    return [row[0] for row in connection.execute(NUMBERS, {"n": n}).fetchall()] if n > 0 else []


def _number(past: Sequence[Recorded]) -> int:
    opened = past[0].fact
    return opened.number if isinstance(opened, Opened) else 0


def _story(case: Case, stream: UUID, version: int, past: Sequence[Recorded], told: Telling) -> Story:
    differs = next(
        (i for i, (old, new) in enumerate(zip(past, told.drafts, strict=False)) if not _same(old, new)), None
    )
    if differs is None and len(past) > len(told.drafts):
        differs = len(told.drafts)
    if differs is not None:
        return Story(case, stream, version, told, "changed", changed=_changed(case, differs, past, told))
    rest = told.drafts[len(past) :]
    return Story(case, stream, version, told, _fate(past, rest), rest)


def _fate(past: Sequence[Recorded], rest: Sequence[Draft]) -> Fate:
    if not past:
        return "new"
    return "extended" if rest else "unchanged"


def _same(old: Recorded, new: Draft) -> bool:
    return old.fact == new.fact and old.envelope.occurred_at == new.at and old.actor == new.actor


def _changed(case: Case, place: int, past: Sequence[Recorded], told: Telling) -> Changed:
    new = f"{told.drafts[place].fact.type_name} at {told.drafts[place].at}" if place < len(told.drafts) else "nothing"
    old = past[place]
    return Changed(case.id, place + 1, f"{old.fact.type_name} at {old.at}", new)


def _register(connection: Connection[Any], batch: Batch, lexicon: Lexicon) -> None:
    """Teams, agents and customers come before the tickets that name them."""
    named = {name: None for story in batch.stories if story.rest for name in story.told.names}
    met = [name for name in named if name not in lexicon.registered]
    there = _versions(connection, met) if met else {}
    lexicon.registered.update(met)
    for name in met:
        if name not in there:
            batch.add(_registering(lexicon.registrations[name], lexicon), name)


def _registering(registration: Registration, lexicon: Lexicon) -> Append:
    command_id = uuid5(registration.stream, "registered")
    envelope = envelope_of(registration.fact.type_name)(
        actor=lexicon.anybody,
        command_id=command_id,
        correlation_id=command_id,
        subject=registration.subject,
        fact=registration.fact,
    )
    event = (registration.fact.type_name, encode(envelope))
    return Append(command_id, _caller(lexicon), registration.stream.bytes, (Write(registration.stream, 0, (event,)),))


def _caller(lexicon: Lexicon) -> str:
    return f"import:{lexicon.mapping.source}"


def _commands(story: Story, lexicon: Lexicon) -> Iterable[Append]:
    """One command a case, a few for a very long one; ids follow from what the log says, so that a retry is one."""
    content = _digest(story.case, lexicon) if story.rest else b""
    done = len(story.told.drafts) - len(story.rest)
    for start in range(0, len(story.rest), FACTS_A_COMMAND):
        ordinal = done + start
        yield _command(story, lexicon, ordinal, story.rest[start : start + FACTS_A_COMMAND], start, content)


def _command(
    story: Story, lexicon: Lexicon, ordinal: int, drafts: Sequence[Draft], start: int, content: bytes
) -> Append:
    command_id = uuid5(story.stream, f"{ordinal}/{content.hex()}")
    events = tuple(_event(draft, command_id, story) for draft in drafts)
    write = Write(story.stream, story.version + start, events)
    reserve = _names(story, lexicon) if ordinal == 0 else ()
    return Append(command_id, _caller(lexicon), content, (write,), reserve=reserve)


def _event(draft: Draft, command_id: UUID, story: Story) -> tuple[str, bytes]:
    fact: Fact = draft.fact
    envelope: Envelope[Any] = envelope_of(fact.type_name)(
        actor=draft.actor,
        command_id=command_id,
        correlation_id=command_id,
        subject=story.told.ticket.requester if fact.personal else None,
        occurred_at=draft.at,
        fact=fact,
    )
    return fact.type_name, encode(envelope)


def _names(story: Story, lexicon: Lexicon) -> tuple[tuple[str, bytes, UUID], ...]:
    number = str(story.told.ticket.number).encode()
    case = (f"import.{lexicon.mapping.source}", story.case.id.encode(), story.stream)
    return (("ticket.number", number, story.stream), case)


def _digest(case: Case, lexicon: Lexicon) -> bytes:
    return sha256(lexicon.digest + repr(case.rows).encode()).digest()
