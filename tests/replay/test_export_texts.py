"""test_export_texts: does any word of a customer's leave the desk unasked? Every type of fact is tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from aggregates.envelope import Envelope
from aggregates.fact import FACTS, Fact
from aggregates.text import Erased
from replay.exports.objects import REFERS
from replay.exports.ocel import _event_types
from replay.exports.texts import PUBLIC, told
from tests.aggregates.samples import envelopes

CANARY = "canary-of-the-customer"
SAMPLES = list(envelopes())
Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    match value:
        case dict() if value.keys() != {"erased"}:
            for name, part in value.items():
                yield from leaves(part, (*path, name))
        case list():
            for place, part in enumerate(value):
                yield from leaves(part, (*path, place))
        case _:
            yield path, value


def with_leaf(value: Any, path: Path, leaf: Any) -> Any:
    if not path:
        return leaf
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_leaf(value[path[0]], path[1:], leaf)
    return copy


def accepted(fact: type[Fact], fields: Any) -> Fact | None:
    try:
        return fact.model_validate(fields)
    except ValidationError:
        return None


def personal_places(envelope: Envelope[Fact]) -> Iterator[tuple[Path, Fact]]:
    """Where a text may be erased, only there a customer's can stand: what the models accept says so itself."""
    fact, fields = type(envelope.fact), envelope.fact.model_dump(mode="json")
    for path, _ in leaves(fields):
        if accepted(fact, with_leaf(fields, path, {"erased": True})):
            filled = accepted(fact, with_leaf(fields, path, CANARY))
            assert filled is not None
            yield path, filled


PLACES = [(envelope, path, filled) for envelope in SAMPLES for path, filled in personal_places(envelope)]


def test_every_type_of_fact_has_a_sample_and_those_with_texts_were_found() -> None:
    assert {envelope.fact.type_name for envelope in SAMPLES} == FACTS.keys()
    found = {filled.type_name for _, _, filled in PLACES}
    assert found == {name for name, fact in FACTS.items() if fact.personal}


@pytest.mark.parametrize("texts", ["none", "public"])
def test_no_customers_word_leaves_unasked(texts: Any) -> None:
    for _, path, filled in PLACES:
        public = texts == "public" and (filled.type_name, path[0]) in PUBLIC
        assert (CANARY in repr(told(filled, texts))) == public, (filled.type_name, path)


def test_asked_for_all_of_it_leaves() -> None:
    for envelope in SAMPLES:
        assert told(envelope.fact, "all") == envelope.fact.model_dump(mode="json")


def test_what_is_no_customers_stays_as_it_is() -> None:
    for envelope in SAMPLES:
        fields = envelope.fact.model_dump(mode="json")
        left = dict(leaves(told(envelope.fact, "none")))
        gone = [value for path, value in leaves(fields) if path not in left]
        places = {path for one, path, _ in PLACES if one is envelope}
        assert all(isinstance(value, str) or value == {"erased": True} for value in gone)
        assert {path: value for path, value in leaves(fields) if path not in places and path in left} == {
            path: value for path, value in left.items() if path not in places
        }


def test_public_texts_are_those_of_facts_that_a_customer_may_read() -> None:
    assert {name for name, _ in PUBLIC} <= FACTS.keys()
    assert not any(name in {"ticket.note_added.v1", "ticket.routed.v1", "ticket.escalated.v1"} for name, _ in PUBLIC)


def has_uuid(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return False
    return getattr(annotation, "__name__", "") == "UUID" or any(map(has_uuid, get_args(annotation)))


def test_every_id_that_a_fact_names_is_an_object_of_some_type() -> None:
    for fact in FACTS.values():
        for name, field in fact.model_fields.items():
            if has_uuid(field.annotation):
                assert name in REFERS, f"{fact.type_name}.{name}"
                assert name not in _event_types(fact.type_name)


def test_that_a_text_was_erased_is_not_told_either() -> None:
    opened = next(envelope.fact for envelope in SAMPLES if envelope.fact.type_name == "ticket.opened.v1")
    assert "subject" not in told(opened.model_copy(update={"subject": Erased()}), "none")
