"""faults: what went wrong, is it the event's fault or the machinery's, and how is it told without content?"""

from __future__ import annotations

import traceback
from pathlib import Path

import psycopg
from kafka.errors import KafkaError

from aggregates.envelope import UndecodableEvent


class Refused(Exception):
    """Going on would do harm: a person must decide. The process ends with exit code 3.

    Refused             e.g. a topic with another number of partitions
    ├── StoreBehind     the topic holds what this store does not: it was restored from an older backup
    ├── OtherLog        the topic belongs to another store
    └── OutdatedCode    the live build was made by a newer release
    """


class StoreBehind(Refused):
    pass


class OtherLog(Refused):
    pass


class OutdatedCode(Refused):
    pass


class Fenced(Exception):
    """Another worker has taken a partition over: this batch must not be committed."""


DATA_FAULTS = ("22", "23", "54")
"""SQLSTATE classes that a row's content can cause: data exception, integrity, limits (an index row too long)."""


def is_content(error: Exception) -> bool:
    """Whether saving failed because of what was to be saved, so that trying again cannot help."""
    if not isinstance(error, psycopg.Error):
        return not isinstance(error, OSError | MemoryError)
    if error.sqlstate is not None:
        return error.sqlstate[:2] in DATA_FAULTS
    return not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def described(error: BaseException) -> str:
    """Its class and place; its words only where they cannot quote an event."""
    words = [type(error).__name__]
    if isinstance(error, psycopg.Error) and error.sqlstate:
        words.append(f"({error.sqlstate})")
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        words.append(f"at {Path(frames[-1].filename).name}:{frames[-1].lineno}")
    if isinstance(error, UndecodableEvent | Refused | Fenced | KafkaError | OSError | psycopg.OperationalError):
        words.append(f": {' '.join(str(error).split())}")
    return " ".join(words)
