"""Which text and which numbers may enter the log, and which of it is personal?"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError

from aggregates.agent import AgentCommand, AgentRegistered, RegisterAgent
from aggregates.customer import (
    Contact,
    ContactsChanged,
    CustomerCommand,
    CustomerRegistered,
    EnteredContact,
    OrganisationCommand,
    RegisterCustomer,
)
from aggregates.envelope import Actor
from aggregates.fact import FACTS, Command, Fact
from aggregates.team import CreateTeam, TeamCommand, TeamCreated
from aggregates.text import EnteredFieldValue, Erased, FieldValue, Personal, PersonalData, shown
from aggregates.ticket.commands import (
    AddNote,
    AddReply,
    AddTags,
    ChangeFields,
    Escalate,
    LogTime,
    OpenTicket,
    TicketCommand,
)
from aggregates.ticket.events import FieldChanged, NoteAdded, Opened, ReplyAdded, Tagged, TimeLogged
from aggregates.ticket.rating import Rate

ANNA = UUID(int=1)
UNIONS = (TicketCommand | Rate, TeamCommand, AgentCommand, CustomerCommand, OrganisationCommand)
COMMANDS: tuple[type[Command], ...] = tuple(command for union in UNIONS for command in get_args(union))
MODELS: tuple[type[BaseModel], ...] = (*FACTS.values(), *COMMANDS, Actor, Contact, EnteredContact)
BAD_TEXT = ["\x00", "a\x00b", "\ud800", "a\udfffb"]
PERSONAL = {
    *("customer.registered.v1", "customer.renamed.v1", "customer.contacts_changed.v1"),
    *("ticket.opened.v1", "ticket.message_received.v1", "ticket.reply_added.v1", "ticket.note_added.v1"),
    *("ticket.routed.v1", "ticket.unassigned.v1", "ticket.escalated.v1", "ticket.de_escalated.v1"),
    *("ticket.put_pending.v1", "ticket.put_on_hold.v1", "ticket.reopened.v1", "ticket.resolved.v1"),
    *("ticket.field_changed.v1", "ticket.time_logged.v1", "ticket.satisfaction_rated.v1"),
}


def parts(annotation: Any) -> Iterator[Any]:
    """An annotation and all that it is made of, down into the models that it names."""
    yield annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for field in hints(annotation).values():
            yield from parts(field)
    elif get_origin(annotation) is Annotated:
        if not any(isinstance(note, StringConstraints) and note.pattern for note in annotation.__metadata__):
            yield from parts(get_args(annotation)[0])
    else:
        for part in get_args(annotation):
            yield from parts(part)


def hints(model: type[BaseModel]) -> dict[str, Any]:
    every = get_type_hints(model, include_extras=True)
    return {name: every[name] for name in model.model_fields}


def is_personal(annotation: Any) -> bool:
    return get_origin(annotation) is Annotated and any(
        isinstance(note, PersonalData) for note in annotation.__metadata__
    )


def personal_fields() -> Iterator[tuple[type[BaseModel], str]]:
    models: list[type[BaseModel]] = [*FACTS.values(), Contact]
    for model in models:
        for name, annotation in hints(model).items():
            if any(is_personal(part) for part in _alternatives(annotation)):
                yield model, name


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    union = get_origin(annotation) in (Union, types.UnionType)
    return (annotation, *get_args(annotation)) if union else (annotation,)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_model_takes_text_as_it_comes(model: type[BaseModel]) -> None:
    """A bare `str` takes U+0000, and as a dict's key lone surrogates as well."""
    bare = [name for name, annotation in hints(model).items() if str in parts(annotation)]
    assert bare == []


@pytest.mark.parametrize("model", [*FACTS.values(), *COMMANDS], ids=lambda model: model.__name__)
def test_nothing_takes_a_field_that_it_does_not_know(model: type[BaseModel]) -> None:
    with pytest.raises(ValidationError) as error:
        model.model_validate({"surprise": 1})
    assert ("surprise",) in [found["loc"] for found in error.value.errors() if found["type"] == "extra_forbidden"]


@pytest.mark.parametrize("model", [*FACTS.values(), *COMMANDS], ids=lambda model: model.__name__)
def test_facts_and_commands_are_frozen(model: type[BaseModel]) -> None:
    assert model.model_config.get("frozen")
    assert model.model_config.get("allow_inf_nan") is False


@pytest.mark.parametrize("text", BAD_TEXT, ids=ascii)
def test_facts_refuse_nul_and_lone_surrogates(text: str) -> None:
    for refused in (
        lambda: NoteAdded(body=text),
        lambda: Opened(number=1, requester=ANNA, subject=text, channel="api"),
        lambda: Opened(number=1, requester=ANNA, subject="s", channel="api", tags=(text,)),
        lambda: Opened(number=1, requester=ANNA, subject="s", channel="api", fields={text: 1}),
        lambda: Opened(number=1, requester=ANNA, subject="s", channel="api", fields={"x": text}),
        lambda: FieldChanged(name="x", value=text),
        lambda: Contact(kind="email", value=text),
        lambda: Actor(kind="rule", id=text),
    ):
        with pytest.raises(ValidationError):
            refused()


@pytest.mark.parametrize("text", BAD_TEXT, ids=ascii)
def test_commands_refuse_nul_and_lone_surrogates(text: str) -> None:
    for refused in (
        lambda: AddNote(body=text),
        lambda: OpenTicket(requester=ANNA, subject=text),
        lambda: AddTags(tags=(text,)),
        lambda: ChangeFields(fields={"x": text}),
        lambda: ChangeFields(fields={text: 1}),
        lambda: RegisterAgent(name="Ada", skills={text: 1}),
        lambda: RegisterCustomer(name="Anna", contacts=(EnteredContact(kind="email", value=text),)),
        lambda: Escalate(reason=text),
    ):
        with pytest.raises(ValidationError):
            refused()


@pytest.mark.parametrize("body", ["\\u0000", "\\ud800", "a\\udfff"])
def test_json_escapes_bring_nothing_in_either(body: str) -> None:
    for model in (AddNote, NoteAdded):
        with pytest.raises(ValidationError):
            model.model_validate_json(f'{{"body": "{body}"}}')


@pytest.mark.parametrize("text", ["line\nbreak\n", "\U0001f525", "\u2028", "\x7f\x01", "ﷺ" * 1_000])
def test_all_other_text_is_taken_as_it_is(text: str) -> None:
    assert NoteAdded(body=text).body == text
    assert NoteAdded.model_validate_json(NoteAdded(body=text).model_dump_json()).body == text


@pytest.mark.parametrize("kind", [FieldValue, EnteredFieldValue])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), 2**53 + 1, -(2**53) - 1, 10**30])
def test_a_field_refuses_numbers_that_json_would_lose(kind: Any, number: float) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(number)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "9007199254740993"])
def test_json_brings_no_such_number_in_either(text: str) -> None:
    for model in (ChangeFields, Opened):
        with pytest.raises(ValidationError):
            model.model_validate_json(f'{{"fields": {{"x": {text}}}}}')


@pytest.mark.parametrize("value", [True, False, 0, 1, -(2**53), 2**53, 0.0, 1.0, -5e-324, 1e22, "", "1", "true", None])
def test_a_field_keeps_the_kind_of_its_value(value: object) -> None:
    entered = TypeAdapter[object](FieldValue).validate_python(value)
    stored = FieldChanged.model_validate({"name": "x", "value": value}).model_dump_json()
    read = FieldChanged.model_validate_json(stored).value
    assert [(type(kept), kept) for kept in (entered, read)] == [(type(value), value)] * 2


@pytest.mark.parametrize("text", ["", "0" * 2_001, "1" * 2_001])
def test_text_that_is_too_short_or_long_does_not_become_a_number(text: str) -> None:
    with pytest.raises(ValidationError):
        ChangeFields(fields={"x": text})


LONG = "x" * 100_001


@pytest.mark.parametrize(
    ("command", "asked", "fact", "written"),
    [
        (AddReply, {"body": LONG}, ReplyAdded, {"body": LONG}),
        (AddNote, {"body": ""}, NoteAdded, {"body": ""}),
        (AddNote, {"body": " \n "}, NoteAdded, {"body": " \n "}),
        (AddTags, {"tags": [LONG]}, Tagged, {"tags": [LONG]}),
        (AddTags, {"tags": []}, Tagged, {"tags": []}),
        (AddTags, {"tags": [f"{n}" for n in range(51)]}, Tagged, {"tags": [f"{n}" for n in range(51)]}),
        (ChangeFields, {"fields": {"Not A Name": 1}}, FieldChanged, {"name": "Not A Name", "value": 1}),
        (ChangeFields, {"fields": {"x": "y" * 2_001}}, FieldChanged, {"name": "x", "value": "y" * 2_001}),
        (CreateTeam, {"name": "x" * 201}, TeamCreated, {"name": "x" * 201}),
        (RegisterAgent, {"name": ""}, AgentRegistered, {"name": ""}),
        (RegisterCustomer, {"name": "x", "language": "?"}, CustomerRegistered, {"name": "x", "language": "?"}),
        (LogTime, {"seconds": 86_401}, TimeLogged, {"agent": ANNA, "seconds": 86_401}),
        (LogTime, {"seconds": 0}, TimeLogged, {"agent": ANNA, "seconds": 0}),
    ],
)
def test_length_and_form_are_checked_on_commands_and_not_on_facts(
    command: type[Command], asked: dict[str, Any], fact: type[Fact], written: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        command.model_validate(asked)
    assert fact.model_validate(written).model_dump(exclude_unset=True, mode="python") == _tuples(written)


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def test_commands_trim_what_people_type() -> None:
    assert OpenTicket(requester=ANNA, subject="  Help \n").subject == "Help"
    assert AddTags(tags=(" VIP", "vip ")).tags == ("vip",)


@pytest.mark.parametrize(("model", "field"), list(personal_fields()), ids=str)
def test_every_personal_field_may_be_erased(model: type[BaseModel], field: str) -> None:
    erased = TypeAdapter[object](hints(model)[field]).validate_json('{"erased":true}')
    assert erased == Erased()


def test_fields_and_contacts_may_be_erased_one_by_one() -> None:
    opened = Opened(number=1, requester=ANNA, subject=Erased(), channel="api", fields={"x": Erased(), "y": "z"})
    assert Opened.model_validate_json(opened.model_dump_json()) == opened
    contacts = ContactsChanged(contacts=(Contact(kind="email", value=Erased()),))
    assert ContactsChanged.model_validate_json(contacts.model_dump_json()) == contacts


@pytest.mark.parametrize("wrong", [{"erased": False}, {"erased": True, "was": "Anna"}, {"erased": "yes"}, None, 1])
def test_nothing_else_passes_for_erased(wrong: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[object](Personal).validate_python(wrong)


def test_nobody_enters_an_erased_text() -> None:
    with pytest.raises(ValidationError):
        AddNote.model_validate({"body": {"erased": True}})
    with pytest.raises(ValidationError):
        ChangeFields.model_validate({"fields": {"x": {"erased": True}}})


def test_erased_text_is_shown_as_nothing() -> None:
    assert (shown("Anna"), shown(Erased()), shown(None)) == ("Anna", None, None)


def test_a_fact_is_personal_exactly_if_it_holds_personal_text() -> None:
    assert {name for name, fact in FACTS.items() if fact.personal} == PERSONAL
    marked = {name for name, fact in FACTS.items() if any(is_personal(part) for part in parts(fact))}
    assert marked == PERSONAL


def test_status_facts_are_those_that_only_set_the_status() -> None:
    words = ("put_pending", "put_on_hold", "reopened", "resolved", "closed", "marked_spam", "merged")
    assert {name for name, fact in FACTS.items() if fact.status} == {f"ticket.{word}.v1" for word in words}


def test_two_facts_cannot_have_one_name() -> None:
    with pytest.raises(TypeError, match="two facts are named"):
        type("Again", (Fact,), {}, type_name="ticket.opened.v1")
