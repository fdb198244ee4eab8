"""errors: what can go wrong at the front door, and which exit code says so."""

from __future__ import annotations

OK, FAILED, USAGE, UNAVAILABLE = 0, 1, 2, 3


class FrontDoorError(Exception):
    """Told to the person at the terminal as one plain sentence.

    FrontDoorError      exit 1
    ├── UsageError      exit 2  (they can mend it by asking differently)
    └── Unavailable     exit 3  (something we need is not there, or not yet)
        └── PortTaken
    """

    exit_code = FAILED


class UsageError(FrontDoorError):
    exit_code = USAGE


class Unavailable(FrontDoorError):
    exit_code = UNAVAILABLE


class PortTaken(Unavailable):
    def __init__(self, what: str, host: str, port: int, mend: str) -> None:
        super().__init__(f"{what} wants {host}:{port}, but another program listens there. {mend}")
