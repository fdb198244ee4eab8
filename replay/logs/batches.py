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
from commands.tickets import NUMBER, number_key
from replay.logs.account import Changed, Fate
from replay.logs.eventlog import BrokenLog, Case
from replay.logs.history import Draft, Telling, tell
from replay.logs.lexicon import Lexicon, Registration
from replay.reserved import Name, case_name

VERSIONS: LiteralString = "SELECT id, version FROM store.streams WHERE id = ANY(%(streams)s)"
COMMANDS: LiteralString = "SELECT command_id FROM store.commands WHERE command_id = ANY(%(ids)s)"
FACTS_A_COMMAND = 500


@dataclass(slots=True)
class Story:
    """One case on its way into the store."""

    case: Case
    stream: UUID
    told: Telling
    fate: Fate = "new"
    version: int = 0
    number: int = 0
    content: str = ""
    rest: Sequence[Draft] = ()
    changed: Changed | None = None


@dataclass(slots=True)
class Batch:
    """Commands in the order in which they must be appended, and the stories that they belong to."""

    stories: list[Story] = field(default_factory=list)
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
    batch = Batch()
    try:
        for case in cases:
            batch.stories.append(Story(case, lexicon.ticket(case.id), tell(case, 0, lexicon, upto)))
    except BrokenLog as broken:
        batch.broken = broken
    _compare(connection, batch.stories, lexicon)
    _number(connection, [story for story in batch.stories if story.fate == "new"])
    _register(connection, batch, lexicon)
    for story in batch.stories:
        for command in _commands(story, lexicon):
            batch.add(command, story.stream)
    return batch


def _compare(connection: Connection[Any], stories: Sequence[Story], lexicon: Lexicon) -> None:
    """What is new about each story, given what the store has of its ticket?"""
    versions = _versions(connection, [story.stream for story in stories])
    there = [story for story in stories if story.stream in versions]
    whole = _whole(connection, there, lexicon)
    past = _imported(connection, [story.stream for story in there if story.stream not in whole], lexicon)
    for story in stories:
        story.version = versions.get(story.stream, 0)
        if story.stream in whole:
            story.fate = "unchanged"
        else:
            _continue(story, past.get(story.stream, []))


def _whole(connection: Connection[Any], stories: Sequence[Story], lexicon: Lexicon) -> set[UUID]:
    """The stories that were imported just so: their commands are there, no need to read their events."""
    ids = {story.stream: [_command_id(story, n, lexicon) for n in _ordinals(story)] for story in stories}
    if not ids:
        return set()
    asked = {"ids": [id for commands in ids.values() for id in commands]}
    found = {row[0] for row in connection.execute(COMMANDS, asked, prepare=True, binary=True)}
    return {stream for stream, commands in ids.items() if found.issuperset(commands)}


def _ordinals(story: Story) -> range:
    return range(0, len(story.told.drafts), FACTS_A_COMMAND)


def _versions(connection: Connection[Any], streams: Iterable[UUID]) -> dict[UUID, int]:
    return dict(connection.execute(VERSIONS, {"streams": list(streams)}, prepare=True, binary=True).fetchall())


def _imported(connection: Connection[Any], streams: Sequence[UUID], lexicon: Lexicon) -> dict[UUID, list[Recorded]]:
    """What earlier imports of this source wrote, stream by stream; what happened here since is not theirs."""
    events: dict[UUID, list[Recorded]] = defaultdict(list)
    if not streams:
        return events
    source = lexicon.mapping.source
    for row in read_streams(connection, [(stream, 0) for stream in streams]):
        event = recorded(row)
        if event.actor.kind == "import" and event.actor.id.partition(":")[0] == source:
            events[row.stream].append(event)
    return events


def _number(connection: Connection[Any], stories: Sequence[Story]) -> None:
    """New tickets get their numbers only now: which numbers are drawn says nothing about a history."""
    if not stories:
        return
    numbers = connection.execute(NUMBERS, {"n": len(stories)}).fetchall()
    for story, (number,) in zip(stories, numbers, strict=True):
        story.number = number


def _continue(story: Story, past: Sequence[Recorded]) -> None:
    drafts = story.told.drafts
    differs = next((i for i, (old, new) in enumerate(zip(past, drafts, strict=False)) if not _same(old, new)), None)
    if differs is None and len(past) > len(drafts):
        differs = len(drafts)
    if differs is not None:
        story.fate, story.changed = "changed", _changed(story.case, differs, past, story.told)
        return
    story.rest = drafts[len(past) :]
    story.fate = ("extended" if past else "new") if story.rest else "unchanged"


def _same(old: Recorded, new: Draft) -> bool:
    fact = old.fact
    if isinstance(fact, Opened):
        fact = fact.model_copy(update={"number": 0})
    return fact == new.fact and old.envelope.occurred_at == new.at and old.actor == new.actor


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
    """One command a case, a few for a very long one."""
    done = len(story.told.drafts) - len(story.rest)
    for start in range(0, len(story.rest), FACTS_A_COMMAND):
        yield _command(story, lexicon, done + start, start)


def _command(story: Story, lexicon: Lexicon, ordinal: int, start: int) -> Append:
    command_id = _command_id(story, ordinal, lexicon)
    events = tuple(_event(draft, command_id, story) for draft in story.rest[start : start + FACTS_A_COMMAND])
    write = Write(story.stream, story.version + start, events)
    reserve = _names(story, lexicon) if ordinal == 0 else ()
    return Append(command_id, _caller(lexicon), command_id.bytes, (write,), reserve=reserve)


def _command_id(story: Story, ordinal: int, lexicon: Lexicon) -> UUID:
    """From what the log says, so that a retry is the same command."""
    if not story.content:
        told = f"{len(story.told.drafts)}{story.case.rows!r}"
        story.content = sha256(lexicon.digest + told.encode()).hexdigest()
    return uuid5(story.stream, f"{ordinal}/{story.content}")


def _event(draft: Draft, command_id: UUID, story: Story) -> tuple[str, bytes]:
    fact: Fact = draft.fact
    if isinstance(fact, Opened):
        fact = Opened.model_validate(fact.model_dump() | {"number": story.number})
    envelope: Envelope[Any] = envelope_of(fact.type_name)(
        actor=draft.actor,
        command_id=command_id,
        correlation_id=command_id,
        subject=story.told.ticket.requester if fact.personal else None,
        occurred_at=draft.at,
        fact=fact,
    )
    return fact.type_name, encode(envelope)


def _names(story: Story, lexicon: Lexicon) -> tuple[Name, ...]:
    number = (NUMBER, number_key(story.number), story.stream)
    return number, case_name(lexicon.mapping.source, story.case.id, story.stream)
