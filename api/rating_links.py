"""rating_links: how does a customer prove, without any key, that they were asked this question?"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from aggregates.errors import Gone, NotFound

# Ticket, request, and when it expires in seconds of Unix time.
NAMED = struct.Struct(">16s16sq")


@dataclass(frozen=True, slots=True)
class Link:
    """To one request on one ticket."""

    ticket: UUID
    request: UUID


class RatingLinks:
    """Tokens are signed and kept nowhere; all that a stranger reads in one is which ticket it is about, and till
    when."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"chronodesk rating links", hashlib.sha256)

    def sign(self, ticket: UUID, request: UUID, expires_at: datetime) -> str:
        """The same one whenever it is asked for."""
        return self._signed(NAMED.pack(ticket.bytes, request.bytes, math.ceil(expires_at.timestamp()))).decode()

    def open(self, token: str, now: datetime) -> Link:
        """Raises NotFound for whatever was not signed here, in the same words; Gone."""
        named = _decoded(token)[: NAMED.size]
        # The whole token, not the bytes that it decodes to: base64 may be read leniently.
        if len(named) < NAMED.size or not hmac.compare_digest(self._signed(named), token.encode()):
            raise no_rating()
        ticket, request, expires = NAMED.unpack(named)
        if datetime.fromtimestamp(expires, UTC) <= now:
            raise Gone("rating.expired", "The time to answer this is over.")
        return Link(UUID(bytes=ticket), UUID(bytes=request))

    def _signed(self, named: bytes) -> bytes:
        return base64.urlsafe_b64encode(named + hmac.digest(self._key, named, hashlib.sha256))


def no_rating() -> NotFound:
    return NotFound("rating.not_found", "There is nothing to rate.")


def _decoded(token: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(token)
    except ValueError:
        return b""
