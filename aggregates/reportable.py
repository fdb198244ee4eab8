"""Reportable fields: what of that which people type into fields may analysts read?

Only the desk knows whether a field holds an enumeration or somebody's telephone number. What nobody declared is hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated, Literal, assert_never
from uuid import UUID

from pydantic import StringConstraints

from aggregates.errors import Unacceptable
from aggregates.fact import Command, Fact
from aggregates.text import Name, SafeText

REPORTABLE_FIELDS = UUID("2c9f9d1e-6f0b-4c55-9a53-0f6d6c1f4b27")
"""Also in migration 0009, whose views read this stream."""
MOST = 200
FieldType = Literal["boolean", "number", "text"]
ReportableName = Annotated[
    str, StringConstraints(pattern=r"^([a-z][a-z0-9_]{0,62}|ticket\.(category|tags|resolution_code))$")
]
"""A custom field, or a word of the ticket's own that is typed and not chosen."""


class FieldDeclared(Fact, type_name="reportable_fields.declared.v1"):
    name: SafeText
    type: FieldType
    label: SafeText


class FieldWithdrawn(Fact, type_name="reportable_fields.withdrawn.v1"):
    name: SafeText


ReportableFact = FieldDeclared | FieldWithdrawn


class DeclareField(Command):
    """Let analysts read a field, in all tickets that have it. A value of another `type` stays hidden."""

    name: ReportableName
    type: FieldType = "text"
    label: Name


class WithdrawField(Command):
    """Hide it again, in all tickets."""

    name: ReportableName


ReportableCommand = DeclareField | WithdrawField


@dataclass(frozen=True, slots=True)
class ReportableFields:
    """What is declared now, by name."""

    declared: Mapping[str, FieldDeclared] = field(default_factory=lambda: MappingProxyType({}))


def evolve(fields: ReportableFields, fact: ReportableFact) -> ReportableFields:
    """Apply one fact. Total and silent."""
    others = {name: known for name, known in fields.declared.items() if name != fact.name}
    match fact:
        case FieldDeclared():
            return replace(fields, declared=MappingProxyType({**others, fact.name: fact}))
        case FieldWithdrawn():
            return replace(fields, declared=MappingProxyType(others))
        case _:
            assert_never(fact)


def decide(fields: ReportableFields, command: ReportableCommand) -> tuple[ReportableFact, ...]:
    """Say what happens next; nothing, if it is so already. Raises Unacceptable."""
    match command:
        case DeclareField():
            return _declared(fields, FieldDeclared(name=command.name, type=command.type, label=command.label))
        case WithdrawField():
            return (FieldWithdrawn(name=command.name),) if command.name in fields.declared else ()
        case _:
            assert_never(command)


def _declared(fields: ReportableFields, fact: FieldDeclared) -> tuple[ReportableFact, ...]:
    if fact.name.startswith("ticket.") and fact.type != "text":
        raise Unacceptable("reportable_field.is_text", f"{fact.name} is text.", field="type")
    if fact.name not in fields.declared and len(fields.declared) >= MOST:
        raise Unacceptable("reportable_field.too_many", f"A desk has up to {MOST} reportable fields.")
    return () if fields.declared.get(fact.name) == fact else (fact,)
