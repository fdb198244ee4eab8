"""callers: who is asking, in which role? A route's signature says by type who may call it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from aggregates.envelope import Actor, ActorKind
from aggregates.errors import Refusal
from api.config import Key, Role

ACTS_AS: dict[Role, ActorKind] = {"agent": "agent", "lead": "agent", "customer": "customer"}
CALLER = "chronodesk.caller"


class Unauthenticated(Refusal):
    """No key, or one that nobody holds; a challenge says what is missing."""

    status: ClassVar[int] = 401


class Forbidden(Refusal):
    status: ClassVar[int] = 403


@dataclass(frozen=True, slots=True)
class Caller:
    role: Role
    id: UUID

    @property
    def name(self) -> str:
        """Whose Idempotency-Keys these are."""
        return f"{self.role}:{self.id}"

    @property
    def actor(self) -> Actor:
        return Actor(kind=ACTS_AS.get(self.role, "system"), id=str(self.id))


class Keyring:
    """Finds a caller by key; it knows digests only."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._callers = {_digest(key.secret.encode()): Caller(key.role, key.id) for key in keys}

    def caller(self, key: bytes) -> Caller | None:
        """Compares with every key, each in constant time: how long it takes tells nothing."""
        asked, found = _digest(key), None
        for digest, caller in self._callers.items():
            if hmac.compare_digest(digest, asked):
                found = caller
        return found


def authenticate(request: Request, keyring: Keyring) -> Caller:
    """The caller, remembered for the rest of the request. Raises Unauthenticated."""
    known: Caller | None = request.scope.get(CALLER)
    if known is not None:
        return known
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    caller = keyring.caller(key.strip().encode("latin-1")) if scheme.lower() == "bearer" else None
    if caller is None:
        raise Unauthenticated("caller.unknown", "Send a valid key: `Authorization: Bearer <key>`.")
    request.scope[CALLER] = caller
    return caller


BEARER = HTTPBearer(auto_error=False, scheme_name="ApiKey", description="An API key; its role decides what it may do.")


def allowed(*roles: Role) -> Callable[..., Awaitable[Caller]]:
    """The dependency behind a caller type: anybody in one of these roles."""

    async def caller(request: Request, _: Annotated[object, Security(BEARER)]) -> Caller:
        who = authenticate(request, request.app.state.keyring)
        if who.role not in roles:
            raise Forbidden("caller.not_allowed", "Your role may not do this.")
        return who

    caller.roles = roles  # type: ignore[attr-defined]
    return caller


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


AgentCaller = Annotated[Caller, Depends(allowed("agent", "lead"))]
IntakeCaller = Annotated[Caller, Depends(allowed("agent", "lead", "service"))]
ServiceCaller = Annotated[Caller, Depends(allowed("service"))]
LeadCaller = Annotated[Caller, Depends(allowed("lead"))]
CustomerCaller = Annotated[Caller, Depends(allowed("customer"))]
ReaderCaller = Annotated[Caller, Depends(allowed("agent", "lead", "auditor"))]
"""May read what customers wrote and what was noted about it."""
FigureCaller = Annotated[Caller, Depends(allowed("agent", "lead", "auditor", "analyst", "ops"))]
"""May read counts and names of teams and agents, which hold no text of customers."""
FeedCaller = Annotated[Caller, Depends(allowed("lead", "auditor", "service"))]
AuditCaller = Annotated[Caller, Depends(allowed("lead", "auditor"))]
"""May search the whole desk by who did what."""
OpsCaller = Annotated[Caller, Depends(allowed("ops", "lead", "auditor", "analyst"))]
