"""cli_show: what did a ticket hold, then or now?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from chronodesk.terminal import console, say
from chronodesk.verbs_asked import AsJson, ByBasis, Ticket, past

if TYPE_CHECKING:
    from replay.audit.course import Stage
    from replay.phrases import Names


def register(app: typer.Typer) -> None:
    app.command("show")(show)


def show(ticket: Ticket, basis: ByBasis = "recorded", as_json: AsJson = False) -> None:
    """All that a ticket holds, as of any version, instant or position."""
    from replay.audit.course import course

    found = past(ticket, basis)
    stage = [*course(found.events)][-1]
    if as_json:
        console.print_json(json.dumps(_plain(stage, found.names)))
    else:
        _show(stage, found.names)


def _show(stage: Stage, names: Names) -> None:
    from chronodesk.verbs_shown import event, table

    version, at, who, what = event(stage.event, names)
    say(f"T-{stage.ticket.number} as of {version} (#{stage.event.position}), {at}: {who}, {what}")
    table(("", ""), list(_rows(stage, names)))


def _rows(stage: Stage, names: Names) -> Iterator[tuple[str, str]]:
    from chronodesk.verbs_shown import held, instant, place
    from replay.audit.course import parts

    for part, value in parts(stage.ticket).items():
        if part.field != "number":
            yield place(part), held(part, value, names)
    yield "thread", f"{stage.messages} messages, {stage.notes} of them internal notes"
    if stage.opened is not None:
        yield "opened", instant(stage.opened.at)


def _plain(stage: Stage, names: Names) -> dict[str, Any]:
    from dataclasses import fields

    from pydantic_core import to_jsonable_python

    state = {field.name: getattr(stage.ticket, field.name) for field in fields(stage.ticket)}
    sets = {name: sorted(value) for name, value in state.items() if isinstance(value, frozenset)}
    told = {
        "ticket": stage.event.stream,
        "version": stage.event.version,
        "position": stage.event.position,
        "at": stage.event.at,
        "opened_at": None if stage.opened is None else stage.opened.at,
        "messages": stage.messages,
        "notes": stage.notes,
        "state": state | sets | {"fields": dict(stage.ticket.fields)},
        "names": dict(names),
    }
    plain: dict[str, Any] = to_jsonable_python(told)
    return plain
