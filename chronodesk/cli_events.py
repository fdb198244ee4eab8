"""cli_events: which events are there, and what is in them? Printed from the models that write them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from aggregates.envelope import envelope_of
from aggregates.fact import FACTS, Fact
from aggregates.kinds import KINDS
from chronodesk.errors import UsageError
from chronodesk.settings import Settings
from chronodesk.start import loaded
from chronodesk.terminal import console

ASYNCAPI = "3.0.0"
HEADERS = {
    "ce_specversion": "1.0",
    "ce_id": "its place in the whole log",
    "ce_type": "the event's type",
    "ce_source": "the log that it is in",
    "ce_time": "when the store recorded it",
    "ce_version": "its place in its stream, whose id is the record's key",
}


def register(app: typer.Typer) -> None:
    app.command("events")(events)


def events(
    as_json: Annotated[bool, typer.Option("--json", help="JSON Schemas of the envelopes, by type")] = False,
    asyncapi: Annotated[bool, typer.Option("--asyncapi", help="an AsyncAPI document of the topic")] = False,
) -> None:
    """List all types of events."""
    if as_json and asyncapi:
        raise UsageError("either --json or --asyncapi")
    if as_json:
        typer.echo(json.dumps(schemas(), indent=2))
    elif asyncapi:
        typer.echo(json.dumps(asyncapi_document(loaded()), indent=2))
    else:
        console.print(catalogue())


def catalogue() -> Table:
    kinds = ", ".join(KINDS)
    table = Table(title=f"{len(FACTS)} types of events, of {kinds}", caption="* holds personal data")
    table.add_column("type", no_wrap=True)
    table.add_column("fields")
    table.add_column("meaning")
    for name, fact in sorted(FACTS.items()):
        table.add_row(name + " *" * fact.personal, ", ".join(fact.model_fields), meaning(fact))
    return table


def meaning(fact: type[Fact]) -> str:
    """What its author wrote of it, not what it inherits."""
    return " ".join((fact.__dict__.get("__doc__") or "").split())


def schemas() -> dict[str, Any]:
    """The JSON Schema of what is stored and carried for each type: the envelope with its fact."""
    return {name: envelope_of(name).model_json_schema() for name in sorted(FACTS)}


def asyncapi_document(settings: Settings) -> dict[str, Any]:
    """The topic as consumers outside see it."""
    messages = {name: _message(name) for name in sorted(FACTS)}
    references = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    channel = {"address": settings.topic, "messages": references}
    read = {
        "action": "receive",
        "channel": {"$ref": "#/channels/events"},
        "summary": "Every event, in the order of its stream; keyed by stream, perhaps more than once.",
    }
    return {
        "asyncapi": ASYNCAPI,
        "info": {"title": "Chronodesk events", "version": "1"},
        "defaultContentType": "application/json",
        "channels": {"events": channel},
        "operations": {"readEvents": read},
        "components": {"messages": messages},
    }


def _message(name: str) -> dict[str, Any]:
    headers = {key: {"type": "string", "description": words} for key, words in HEADERS.items()}
    return {
        "name": name,
        "summary": meaning(FACTS[name]) or name,
        "contentType": "application/json",
        "headers": {"type": "object", "properties": headers},
        "payload": {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": _inlined(name)},
    }


def _inlined(name: str) -> dict[str, Any]:
    """References point into the message's own schema, wherever it stands in the document."""
    place = f"#/components/messages/{name}/payload/schema/$defs/{{model}}"
    return envelope_of(name).model_json_schema(ref_template=place)
