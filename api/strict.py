"""strict: how is a request read? Who asks is settled first, then JSON is taken by the letter of its standard."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.callers import authenticate

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRequest(Request):
    async def json(self) -> Any:
        """No NaN, no lone surrogate, no invalid UTF-8, no depth that only attackers need."""
        try:
            return from_json(await self.body(), allow_inf_nan=False)
        except ValueError:
            raise NotJson from None


class NotJson(HTTPException):
    """FastAPI lets only HTTPExceptions pass while it reads a body."""

    def __init__(self) -> None:
        super().__init__(400)


class OpenRoute(APIRoute):
    """For anybody: it asks for no key."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def openly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return openly


class StrictRoute(OpenRoute):
    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            # Before the body is read: a stranger's megabytes are nobody's business.
            authenticate(request, request.app.state.keyring)
            return await handle(request)

        return strictly


def named_as_its_function(route: APIRoute) -> str:
    """Generated clients call it so: stable for as long as the function keeps its name."""
    return route.name


def router(prefix: str, tag: str) -> APIRouter:
    return APIRouter(
        prefix=f"/v1{prefix}", tags=[tag], route_class=StrictRoute, generate_unique_id_function=named_as_its_function
    )


def invalid(field: str, code: str) -> RequestValidationError:
    """For what only a look at several fields, or at the store, can tell."""
    return RequestValidationError([{"loc": tuple(field.split(".")), "type": code, "msg": ""}])
