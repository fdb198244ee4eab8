"""Where an instant or a position lies in the log, and which facts count then."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg import AsyncConnection

from aggregates.errors import Unacceptable
from aggregates.moment import Moment
from commands.append import Write, append_blocking
from commands.database import connect
from commands.log import read_after
from replay.past.moments import moment_of_instant, moment_of_position
from tests.commands.samples import an_append, notes
from tests.databases import Database

MICROSECOND = timedelta(microseconds=1)


def of_instant(database: Database, instant: datetime) -> Moment:
    async def ask() -> Moment:
        async with await AsyncConnection.connect(database.app_url, autocommit=True) as connection:
            return await moment_of_instant(connection, instant, "recorded")

    return asyncio.run(ask())


def of_position(database: Database, position: int) -> Moment:
    async def ask() -> Moment:
        async with await AsyncConnection.connect(database.app_url, autocommit=True) as connection:
            return await moment_of_position(connection, position, "recorded")

    return asyncio.run(ask())


def test_an_instant_is_the_last_position_recorded_by_then(database: Database) -> None:
    with closing(connect(database.app_url, name="test")) as connection:
        for count in (1, 3, 2, 1):
            append_blocking(connection, [an_append(Write(uuid4(), 0, notes(count)))])
        log = read_after(connection, 0, 100)
    for instant in {event.recorded_at + nudge for event in log for nudge in (-MICROSECOND, timedelta(), MICROSECOND)}:
        expected = max((event.position for event in log if event.recorded_at <= instant), default=0)
        assert of_instant(database, instant).position == expected
    assert of_position(database, 4).at == log[3].recorded_at
    assert of_position(database, 0).position == 0


def test_what_lies_ahead_is_refused(database: Database) -> None:
    with pytest.raises(Unacceptable, match=r"as_of.future"):
        of_instant(database, datetime.now(UTC) + timedelta(minutes=1))
    with pytest.raises(Unacceptable, match="beyond_head"):
        of_position(database, 1)


def test_what_is_being_appended_is_waited_for(database: Database) -> None:
    """Its instant lies in the past already, and nothing may come to a past that somebody has been told."""
    with psycopg.connect(database.app_url) as held:
        held.execute("SET ROLE chronodesk_app")
        append_blocking(held, [an_append(Write(uuid4(), 0, notes(1)))])
        threading.Timer(0.5, held.commit).start()
        assert of_instant(database, datetime.now(UTC)).position == 1
        time.sleep(0.2)
