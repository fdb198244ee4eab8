"""What does one row of a log say, in our words? And what in it says nothing to us, and why?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aggregates.envelope import Actor
from aggregates.text import FieldValue
from aggregates.ticket.events import Priority
from replay.logs.eventlog import BrokenLog, Case, Row, Value
from replay.logs.lexicon import KnownTeam, Lexicon
from replay.logs.mapping import StatusMeaning, moment

LONGEST_TEXT = 10_000
UNKNOWN = StatusMeaning(does="unchanged")


@dataclass(frozen=True, slots=True)
class Remark:
    """Something in the log that did not become a fact as it stands, and why."""

    why: str
    attribute: str
    value: str = ""


class Remarks(Counter[Remark]):
    """How often each was to be remarked."""

    def add(self, why: str, attribute: str, value: str = "") -> None:
        self[Remark(why, attribute, value[:80])] += 1


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the log in our words. What the log leaves out is None: it stays as it was."""

    at: datetime
    actor: Actor
    agent: UUID | None
    team: KnownTeam | None
    category: str | None
    priority: Priority | None
    status: StatusMeaning
    fields: dict[str, FieldValue]


def step_of(row: Row, case: Case, lexicon: Lexicon, remarks: Remarks) -> Step:
    mapping, event = lexicon.mapping, lexicon.mapping.event
    who = text_of(row, event.who, remarks)
    team = text_of(row, event.team, remarks)
    person = who if who not in lexicon.machines else None
    return Step(
        at=_time(row, lexicon, case),
        actor=lexicon.actor(who),
        agent=lexicon.agent(person) if person is not None else None,
        team=lexicon.team(team) if team is not None else None,
        category=text_of(row, event.category, remarks),
        priority=_word(mapping.priority.values.get, text_of(row, mapping.priority.attribute, remarks), remarks,
                       mapping.priority.attribute) if mapping.priority else None,
        status=_status(row, lexicon, remarks),
        fields=_fields(row, lexicon, remarks),
    )  # fmt: skip


def _time(row: Row, lexicon: Lexicon, case: Case) -> datetime:
    attribute = lexicon.mapping.event.time
    text = row.get(attribute)
    if text is None:
        raise BrokenLog(case.line, f"an event of case {case.id!r} has no {attribute!r}")
    try:
        return moment(str(text), lexicon.mapping.event)
    except ValueError as error:
        raise BrokenLog(case.line, f"in case {case.id!r}, {attribute} {str(text)[:80]!r}: {error}") from None


def _word(
    lookup: Callable[[str], Priority | None], word: str | None, remarks: Remarks, attribute: str
) -> Priority | None:
    found = lookup(word) if word is not None else None
    if word is not None and found is None:
        remarks.add("the mapping has no meaning for this value", attribute, word)
    return found


def _status(row: Row, lexicon: Lexicon, remarks: Remarks) -> StatusMeaning:
    attributes = lexicon.mapping.event.status
    words = [word for word in (text_of(row, attribute, remarks) for attribute in attributes) if word is not None]
    if len(words) < len(attributes) or not words:
        return UNKNOWN
    said = "/".join(words)
    meaning = lexicon.meaning(said)
    if meaning is None:
        remarks.add("the mapping has no meaning for this value", "/".join(attributes), said)
        return UNKNOWN
    if meaning.does == "unchanged":
        remarks.add("changes no status, says the mapping", "/".join(attributes), said)
    return meaning


def _fields(row: Row, lexicon: Lexicon, remarks: Remarks) -> dict[str, FieldValue]:
    known = lexicon.fields
    fields: dict[str, FieldValue] = {}
    for attribute, value in row.items():
        name = known[attribute] if attribute in known else lexicon.field(attribute)
        if name is not None:
            fields[name] = clean(value, attribute, remarks)
        elif attribute in lexicon.rest:
            remarks.add("not mapped: left out", attribute)
    for attribute in lexicon.mapping.fields:
        if attribute not in row:
            remarks.add("missing: the field stayed as it was", attribute)
    return fields


def text_of(row: Row, attribute: str | None, remarks: Remarks) -> str | None:
    """The value as text, if the log has one."""
    if attribute is None:
        return None
    value = row.get(attribute)
    if value is None or value == "":
        remarks.add("missing: what it says stayed as it was", attribute)
        return None
    return str(clean(value, attribute, remarks))


def clean(value: Value, attribute: str, remarks: Remarks) -> Value:
    """Postgres text cannot hold U+0000, and no message may grow without bound."""
    if not isinstance(value, str):
        return value
    if "\x00" in value:
        remarks.add("held U+0000: stored as U+FFFD", attribute)
        value = value.replace("\x00", "\ufffd")
    if len(value) > LONGEST_TEXT:
        remarks.add(f"longer than {LONGEST_TEXT:,} characters: cut", attribute)
        value = value[:LONGEST_TEXT]
    return value
