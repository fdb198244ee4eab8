"""verbs_told: how do the folds of a ticket's past become answers, for HTTP and for the terminal's --json alike?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from aggregates.envelope import Recorded
from aggregates.errors import Unacceptable
from api.shown import ActorShown
from api.verbs_shown import (
    BisectShown,
    BlamedShown,
    BlameShown,
    ChangeShown,
    DiffShown,
    LineShown,
    LogShown,
    MarkShown,
    StretchShown,
)
from replay.audit.bisect import NAMES, Stretch
from replay.audit.blame import Blamed
from replay.audit.diffing import Change
from replay.audit.expressions import BadExpression, Expression, expression
from replay.audit.log_lines import lines
from replay.phrases import Names, phrase, said_by


def log_shown(ticket: UUID, events: Sequence[Recorded], names: Names, next: int | None = None) -> LogShown:
    return LogShown(ticket=ticket, lines=[LineShown.model_validate(line) for line in lines(events, names)], next=next)


def diff_shown(ticket: UUID, changes: Iterable[Change], names: Names) -> DiffShown:
    return DiffShown(ticket=ticket, changes=[_change(change, names) for change in changes])


def blame_shown(ticket: UUID, blamed: Iterable[Blamed], names: Names) -> BlameShown:
    return BlameShown(ticket=ticket, lines=[_blamed(one, names) for one in blamed])


def bisect_shown(ticket: UUID, text: str, stretches: Iterable[Stretch], names: Names) -> BisectShown:
    return BisectShown(ticket=ticket, expression=text, stretches=[_stretch(one, names) for one in stretches])


def understood(text: str) -> Expression:
    """Raises Unacceptable: what is wrong with it, and where."""
    try:
        return expression(text, NAMES)
    except BadExpression as bad:
        raise Unacceptable(
            "expression.malformed", f"At character {bad.place}: {bad.why}.", field="expression"
        ) from None


def mark(event: Recorded, names: Names) -> MarkShown:
    return MarkShown(
        version=event.version,
        position=event.position,
        type=event.fact.type_name,
        recorded_at=event.recorded_at,
        at=event.at,
        actor=ActorShown.model_validate(event.actor),
        who=said_by(event.actor, names),
        what=phrase(event.fact, names),
    )


def _change(change: Change, names: Names) -> ChangeShown:
    before, after = _value(change.before), _value(change.after)
    by = [mark(event, names) for event in change.by]
    return ChangeShown(field=change.part.field, element=change.part.element, before=before, after=after, by=by)


def _blamed(one: Blamed, names: Names) -> BlamedShown:
    field, element = one.part
    return BlamedShown(field=field, element=element, value=_value(one.value), by=mark(one.event, names))


def _stretch(stretch: Stretch, names: Names) -> StretchShown:
    until = None if stretch.until is None else mark(stretch.until, names)
    return StretchShown(since=mark(stretch.since, names), until=until)


def _value(value: Any) -> Any:
    """A link is named by its element; all else is JSON as it is."""
    return list(value) if isinstance(value, tuple) else value
