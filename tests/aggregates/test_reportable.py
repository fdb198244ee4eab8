"""Reportable fields: what may analysts read of that which people type?"""

from __future__ import annotations

from aggregates.reportable import MOST, DeclareField, FieldDeclared, FieldWithdrawn, WithdrawField
from tests.spec import given

FIELD = "floor"
DECLARED = FieldDeclared(name=FIELD, type="number", label="Floor")
DECLARE = DeclareField(name=FIELD, type="number", label="Floor")


def test_a_field_is_declared_once() -> None:
    given().when(DECLARE).then(DECLARED).becomes(declared={FIELD: DECLARED})
    given(DECLARED).when(DECLARE).then()


def test_a_field_is_said_anew() -> None:
    anew = FieldDeclared(name=FIELD, type="text", label="Storey")
    given(DECLARED).when(DeclareField(name=FIELD, label="Storey")).then(anew).becomes(declared={FIELD: anew})


def test_a_field_is_withdrawn_once() -> None:
    given(DECLARED).when(WithdrawField(name=FIELD)).then(FieldWithdrawn(name=FIELD)).becomes(declared={})
    given(DECLARED, FieldWithdrawn(name=FIELD)).when(WithdrawField(name=FIELD)).then()
    given().when(WithdrawField(name=FIELD)).then()


def test_a_desk_has_so_many_at_most_and_says_those_anew() -> None:
    many = [FieldDeclared(name=f"n{n}", type="text", label="x") for n in range(MOST)]
    given(*many).when(DECLARE).refused("reportable_field.too_many")
    given(DECLARED, *many[1:]).when(DeclareField(name=FIELD, label="x")).then(
        FieldDeclared(name=FIELD, type="text", label="x")
    )


def test_words_of_the_ticket_are_text() -> None:
    given().when(DeclareField(name="ticket.tags", label="Tags")).then(
        FieldDeclared(name="ticket.tags", type="text", label="Tags")
    )
    number = DeclareField(name="ticket.category", type="number", label="Category")
    given().when(number).refused("reportable_field.is_text", "type")
