"""openapi: what does the document say that no signature can? Problems, roles, examples, tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.examples import EXAMPLES
from api.problems import MEDIA_TYPE, Problem

REF = "#/components/schemas/{model}"
TAGS = [
    {"name": "tickets", "description": "Working on tickets. Every command takes `Idempotency-Key` and, on a ticket "
     "that exists, `If-Match`; it answers with the version and the position in the log that it reached."},
    {"name": "my tickets", "description": "What customers may do and see: their own tickets, public messages."},
    {"name": "queues", "description": "Work lists."},
    {"name": "teams", "description": "Who works together."},
    {"name": "agents", "description": "Who works here."},
    {"name": "customers", "description": "Whom we serve, and the organisations they belong to."},
    {"name": "sla", "description": "What is promised to whom: policies in their order and versions."},
    {"name": "rates", "description": "What an hour of work costs, and what customers see of it."},
    {"name": "satisfaction", "description": "How satisfied customers are: what they are asked, and what they answer."},
    {"name": "goals", "description": "What is wanted of the desk, its teams and agents, and how far they have come."},
    {"name": "figures", "description": "What figures there are, what they mean, how much they are, and what of."},
    {"name": "calendars", "description": "When we are open: hours in versions, holidays, and business time."},
    {"name": "reporting", "description": "Which fields analysts may read in SQL."},
    {"name": "events", "description": "The log itself."},
    {"name": "audit", "description": "Who did what, when and why, and the proof that nobody changed it since."},
    {"name": "operations", "description": "For those who run it."},
]  # fmt: skip
DESCRIPTION = """
An event-sourced ticketing backend. Writes answer with `Chronodesk-Position`; send it as `Chronodesk-After` with a read
to see what you wrote. Reads that take `as_of` or `at_position` answer with that past, and say which one it was in
`Chronodesk-Moment` (RFC 9651): `basis=recorded, at="2012-05-01T00:00:00+00:00", position=4711`. Everything that goes
wrong is a problem (RFC 9457) with a stable `code`.
"""
EXPIRING = ("/rating", "/rating-link", "/{token}")
MEANINGS = {
    400: "Cannot be read",
    401: "No valid key",
    403: "Not for this role",
    404: "Not there, or not yours to see",
    409: "The state of things forbids it",
    410: "It was there, and its time is over",
    412: "Somebody else wrote first",
    413: "Too large",
    422: "Not of the form asked for, or names something that does not exist",
    503: "Try again after `Retry-After` seconds",
}


def install(app: FastAPI) -> None:
    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION.strip(),
        routes=app.routes,
        tags=TAGS,
        license_info=None,
        separate_input_output_schemas=False,
    )
    schemas = document["components"]["schemas"]
    _add_problem(schemas)
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _describe(document["paths"][route.path_format][method.lower()], route)
    return document


def _add_problem(schemas: dict[str, Any]) -> None:
    told = Problem.model_json_schema(ref_template=REF)
    schemas |= told.pop("$defs")
    schemas["Problem"] = told
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)


def _describe(operation: dict[str, Any], route: APIRoute) -> None:
    roles = sorted({role for role in _roles(route.dependant)})
    if roles:
        operation["description"] = f"{operation.get('description', '')}\n\nRoles: {', '.join(roles)}.".strip()
        operation["x-roles"] = roles
    for parameter in operation.get("parameters", []):
        parameter["schema"] = _never_null(parameter["schema"])
    for response in operation["responses"].values():
        response["headers"] = _headers(operation)
    for status in _statuses(operation, route.path_format, bool(roles)):
        operation["responses"][str(status)] = {
            "description": MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(model="Problem")}}},
        }
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A header or query that may be left out still cannot be null."""
    some = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return rest | some[0] if len(some) == 1 else schema


def _headers(operation: dict[str, Any]) -> dict[str, Any]:
    named = _names(operation)
    told = {
        "ETag": bool(named & {"if-match", "if-none-match"}),
        "Chronodesk-Position": bool(named & {"idempotency-key", "chronodesk-after"}),
        "Chronodesk-Moment": "as_of" in named,
        "X-Correlation-Id": True,
    }
    return {name: {"schema": {"type": "string"}} for name, holds in told.items() if holds}


def _names(operation: dict[str, Any]) -> set[str]:
    return {parameter["name"].lower() for parameter in operation.get("parameters", [])}


def _roles(dependant: Dependant) -> Iterator[str]:
    yield from getattr(dependant.call, "roles", ())
    for inner in dependant.dependencies:
        yield from _roles(inner)


def _statuses(operation: dict[str, Any], path_format: str, guarded: bool) -> list[int]:
    parameters = operation.get("parameters", [])
    named = _names(operation)
    writes = "idempotency-key" in named
    path = any(parameter["in"] == "path" for parameter in parameters)
    told = {400: "requestBody" in operation or "if-match" in named, 401: guarded, 403: guarded, 404: path, 409: writes}
    told |= {410: path_format.endswith(EXPIRING), 412: "if-match" in named, 413: "requestBody" in operation}
    told |= {422: bool(parameters) or "requestBody" in operation or writes, 503: True}
    return [status for status, holds in told.items() if holds]
