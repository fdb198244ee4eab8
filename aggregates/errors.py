"""Every refusal a caller may meet.

Refusal
├── RuleBroken         409  the state of things forbids it
├── UnknownReference   422  a field names something that does not exist or is disabled
├── Unacceptable       422  a value that is well-formed and still makes no sense here
├── NotFound           404  absent, or not yours to see
├── Gone               410  it was there, and its time is over
├── StaleVersion       412  somebody else wrote first
├── ReusedKey          422  the same Idempotency-Key came with another request
├── Taken              409  a name that must be unique belongs to somebody else
└── Unavailable        503  try again: the store is busy or away
"""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):
    """A command or query that is refused.

    `code` is stable and dotted, `detail` is for people, `field` points into the body.
    """

    status: ClassVar[int] = 500

    def __init__(self, code: str, detail: str = "", *, field: str | None = None) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.field = field


class RuleBroken(Refusal):
    status = 409


class UnknownReference(Refusal):
    status = 422


class Unacceptable(Refusal):
    status = 422


class NotFound(Refusal):
    status = 404


class Gone(Refusal):
    status = 410


class StaleVersion(Refusal):
    status = 412


class ReusedKey(Refusal):
    status = 422


class Taken(Refusal):
    status = 409


class Unavailable(Refusal):
    """`retry_after` is in seconds."""

    status = 503

    def __init__(self, code: str, detail: str = "", *, retry_after: int = 1) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


def require(condition: bool, code: str, detail: str) -> None:
    if not condition:
        raise RuleBroken(code, detail)
