"""problems: how does every failure read, whatever went wrong? As RFC 9457 problem details that echo nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from aggregates.errors import Refusal, Unavailable

MEDIA_TYPE = "application/problem+json"
CODES: Mapping[int, tuple[str, str]] = {
    400: ("request.malformed", "The request cannot be read."),
    404: ("route.unknown", "There is nothing at this address."),
    405: ("method.not_allowed", "This address does not take this method."),
    408: ("request.too_slow", "The request did not arrive in time."),
    413: ("body.too_large", "The body is larger than this server takes."),
    415: ("body.not_json", "Send JSON, with `Content-Type: application/json`."),
}
# Pydantic's own words for these speak of the rule, never of what was sent.
PLAIN = frozenset(
    {
        "missing", "extra_forbidden", "string_type", "string_too_short", "string_too_long", "too_short", "too_long",
        "int_type", "int_parsing", "float_type", "bool_type", "bool_parsing", "list_type", "tuple_type", "dict_type",
        "greater_than", "greater_than_equal", "less_than", "less_than_equal", "literal_error", "finite_number",
        "uuid_type", "datetime_type", "timezone_aware", "string_pattern_mismatch", "string_unicode", "model_type",
        "model_attributes_type", "none_required", "union_tag_not_found", "int_from_float", "int_parsing_size",
    }
)  # fmt: skip
WORDS: Mapping[str, str] = {
    "uuid_parsing": "Not a UUID.",
    "json_invalid": "Not valid JSON.",
    "union_tag_invalid": "There is no such type.",
    "extra_forbidden": "A field that is not known here.",
    "string_pattern_mismatch": "Not of the form asked for.",
}
OURS = re.compile(r"[a-z_][a-z0-9_-]{0,62}")


class Fault(BaseModel):
    """One thing that is wrong with a request. `field` is a path such as `body.tags.3`."""

    field: str
    code: str
    detail: str


class Problem(BaseModel):
    """What went wrong (RFC 9457). `code` is stable; `detail` is for people and may change."""

    type: str = Field(description="a URN of the code")
    title: str
    status: int
    code: str
    detail: str | None = None
    field: str | None = Field(None, description="the field of the body that is at fault, if one is")
    errors: list[Fault] | None = Field(None, description="what is wrong with the request, each by itself")
    position: int | None = Field(None, description="the position that a view has reached, where it is behind")
    lag: int | None = Field(None, description="how many events a view is behind")


def problem(status: int, code: str, detail: str | None = None, **more: Any) -> Problem:
    title = HTTPStatus(status).phrase
    return Problem(type=f"urn:chronodesk:problem:{code}", title=title, status=status, code=code, detail=detail, **more)


def answer(told: Problem, headers: Mapping[str, str] | None = None) -> Response:
    body = told.model_dump_json(exclude_none=True)
    return Response(body, status_code=told.status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def of_refusal(refusal: Refusal) -> Problem:
    more: dict[str, Any] = getattr(refusal, "more", {})
    return problem(refusal.status, refusal.code, refusal.detail or None, field=refusal.field, **more)


def headers_of(refusal: Refusal) -> dict[str, str]:
    if isinstance(refusal, Unavailable):
        return {"Retry-After": str(refusal.retry_after)}
    return {"WWW-Authenticate": "Bearer"} if refusal.status == HTTPStatus.UNAUTHORIZED else {}


def of_validation(errors: Sequence[Any]) -> Problem:
    faults = [Fault(field=_where(error), code=error["type"], detail=_words(error)) for error in errors[:50]]
    return problem(422, "request.invalid", "The request does not have the form asked for.", errors=faults)


def of_status(status: int) -> Problem:
    code, detail = CODES.get(status, ("request.refused", None))
    return problem(status, code, detail)


def unexpected() -> Problem:
    return problem(500, "server.fault", "Something is wrong on our side; it was recorded.")


def install(app: FastAPI) -> None:
    """Everything that is raised in a route becomes a problem here; what is left over, `Observed` answers."""

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)  # noqa: S101
        return answer(of_refusal(error), headers_of(error))

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        return answer(of_validation(error.errors()))

    async def no_route(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(sorted(_methods(request)))
        return answer(of_status(error.status_code), headers)

    async def no_view(_: Request, error: Exception) -> Response:
        return answer(problem(503, "view.not_built", "This view is being built."), {"Retry-After": "5"})

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, no_route)
    app.add_exception_handler(psycopg.errors.UndefinedTable, no_view)


def _methods(request: Request) -> set[str]:
    """Of all routes at this address: Starlette names those of the first one only."""
    here = [r for r in request.app.routes if isinstance(r, Route) and r.matches(request.scope)[0] != Match.NONE]
    return {method for route in here for method in route.methods or ()}


def _where(error: Mapping[str, Any]) -> str:
    """The path to the fault; names that somebody made up are left out of it."""
    path = error["loc"][:-1] if error["type"] == "extra_forbidden" else error["loc"]
    return ".".join(str(part) if isinstance(part, int) or OURS.fullmatch(part) else "?" for part in path)


def _words(error: Mapping[str, Any]) -> str:
    kind: str = error["type"]
    return WORDS.get(kind) or (str(error["msg"]) if kind in PLAIN else "This value is not acceptable here.")
