"""Does everything ever written still load, and is it still written the same way?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from aggregates.envelope import UndecodableEvent, decode, encode
from aggregates.fact import FACTS
from aggregates.kinds import evolved
from tests.aggregates.golden import HOW_TO_ADD, HOW_TO_CHANGE, Sample, current, load

SAMPLES = load()
CURRENT = [sample for sample in SAMPLES if not sample.superseded]
each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.type)


def test_every_fact_has_a_sample() -> None:
    assert sorted(FACTS.keys() - {sample.type for sample in CURRENT}) == [], HOW_TO_ADD


def test_every_type_ever_written_is_still_known() -> None:
    assert sorted({sample.type for sample in SAMPLES} - FACTS.keys()) == [], "rows of this type exist; keep it"


def test_every_field_of_every_fact_was_sampled_with_more_than_its_default() -> None:
    said = {(sample.type, name) for sample in CURRENT for name, value in _fact(sample).items() if value is not None}
    fields = {(name, field) for name, fact in FACTS.items() for field in fact.model_fields}
    assert sorted(fields - said) == [], HOW_TO_ADD


def test_every_personal_fact_was_sampled_erased() -> None:
    erased = {sample.type for sample in CURRENT if '{"erased":true}' in sample.state}
    assert sorted({name for name, fact in FACTS.items() if fact.personal} - erased) == [], HOW_TO_ADD


def test_what_samples_py_says_is_in_the_file() -> None:
    assert [sample for sample in current() if sample not in SAMPLES] == [], HOW_TO_ADD


@each_sample
def test_a_sample_loads_and_is_written_to_the_same_bytes(sample: Sample) -> None:
    envelope = decode(sample.type, sample.state.encode())
    again = encode(envelope)
    assert decode(sample.type, again) == envelope
    if sample.superseded:
        assert _kept(json.loads(sample.state), json.loads(again)), HOW_TO_CHANGE
    else:
        assert again == sample.state.encode(), HOW_TO_CHANGE


@each_sample
def test_a_sample_folds(sample: Sample) -> None:
    assert evolved(None, decode(sample.type, sample.state.encode()).fact) is not None


@each_sample
def test_a_sample_with_a_field_that_nobody_knows_does_not_load(sample: Sample) -> None:
    for path in ((), ("fact",), ("actor",)):
        state = json.loads(sample.state)
        _at(state, path)["surprise"] = "Anna's secret"
        with pytest.raises(UndecodableEvent) as error:
            decode(sample.type, json.dumps(state).encode())
        assert "secret" not in str(error.value)


@pytest.mark.parametrize("state", [b"", b"{", b"null", b"[]", b"\xff", b'{"fact":NaN}', b'{"fact":{}}'])
def test_what_is_no_event_does_not_load(state: bytes) -> None:
    with pytest.raises(UndecodableEvent):
        decode("ticket.opened.v1", state)


def test_an_unknown_type_does_not_load() -> None:
    with pytest.raises(UndecodableEvent, match="unknown event type"):
        decode("ticket.exploded.v1", b"{}")


def _fact(sample: Sample) -> dict[str, Any]:
    fact: dict[str, Any] = json.loads(sample.state)["fact"]
    return fact


def _at(state: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for name in path:
        state = state[name]
    return state


def _kept(old: Any, new: Any) -> bool:
    """All that was said is said again, in the same order; more may be said besides."""
    if isinstance(old, dict) and isinstance(new, dict):
        return list(old) == [name for name in new if name in old] and all(_kept(old[name], new[name]) for name in old)
    return type(old) is type(new) and bool(old == new)


def test_a_superseded_sample_may_gain_fields_but_lose_or_change_none() -> None:
    old = {"actor": {"kind": "agent"}, "fact": {"a": 1, "b": True}}
    assert _kept(old, {"actor": {"kind": "agent"}, "fact": {"a": 1, "b": True, "c": None}})
    assert not _kept(old, {"actor": {"kind": "agent"}, "fact": {"a": 1}})
    assert not _kept(old, {"actor": {"kind": "agent"}, "fact": {"a": 1, "b": 1}})
    assert not _kept(old, {"actor": {"kind": "agent"}, "fact": {"b": True, "a": 1}})
