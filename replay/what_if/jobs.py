"""Who answers the what-ifs that the API was asked? One process, one at a time; the log is only read.

What a worker has begun and does not go on with, because it was killed, another one begins anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import structlog
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Json

from aggregates.errors import Refusal
from commands.database import connect
from replay.tickets import BEGINNING, END, Period
from replay.what_if.folding import Asked
from replay.what_if.given import AskWhatIf
from replay.what_if.run import what_if

log = structlog.get_logger(__name__)

KIND = "what_if"
POLL_SECONDS, BEAT_SECONDS, DEAD_SECONDS = 0.5, 1.0, 30.0
TRIES = 3

CLAIM: LiteralString = """
UPDATE consumers.jobs
   SET state = 'running', worker = %(worker)s, attempts = attempts + 1, tickets = 0, fraction = 0,
       started_at = clock_timestamp(), beat_at = clock_timestamp()
 WHERE id = (SELECT id FROM consumers.jobs
              WHERE kind = %(kind)s
                AND (state = 'queued'
                     OR state = 'running' AND beat_at < clock_timestamp() - make_interval(secs => %(dead)s))
              ORDER BY asked_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, request, attempts, asked_at
"""
BEAT: LiteralString = """
UPDATE consumers.jobs SET beat_at = clock_timestamp(), tickets = %(tickets)s, fraction = %(fraction)s
 WHERE id = %(id)s AND state = 'running' AND worker = %(worker)s
"""
LET_GO: LiteralString = """
UPDATE consumers.jobs SET state = 'queued', attempts = attempts - 1
 WHERE id = %(id)s AND state = 'running' AND worker = %(worker)s
"""
FINISH: LiteralString = """
UPDATE consumers.jobs
   SET state = %(state)s, result = %(result)s, problem = %(problem)s, tickets = coalesce(%(tickets)s, tickets),
       fraction = CASE WHEN %(state)s = 'done' THEN 1 ELSE fraction END, finished_at = clock_timestamp()
 WHERE id = %(id)s AND state = 'running' AND worker = %(worker)s
"""
ITEM: LiteralString = "INSERT INTO consumers.job_items (job, place, item) VALUES (%s, %s, %s)"
EXPIRE: LiteralString = """
DELETE FROM consumers.jobs
 WHERE kind = %(kind)s AND state NOT IN ('queued', 'running')
   AND (asked_at < clock_timestamp() - interval '7 days'
        OR id NOT IN (SELECT id FROM consumers.jobs WHERE kind = %(kind)s ORDER BY asked_at DESC LIMIT 50))
"""


@dataclass(frozen=True, slots=True)
class Job:
    id: UUID
    request: Any
    attempts: int
    asked_at: datetime


class NoLongerOurs(Exception):
    """It was cancelled, or somebody else took us for dead."""


class ToldToStop(Exception):
    pass


class Jobs:
    """Start as many as you like: each job is one worker's."""

    def __init__(self, url: str, dead_seconds: float = DEAD_SECONDS) -> None:
        self._url, self._dead = url, dead_seconds

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop or something fails; call it again then."""
        with closing(connect(self._url, name="jobs")) as connection:
            while not stopping.is_set():
                worker = _Worker(self._url, connection, stopping)
                if not worker.take(self._dead):
                    stopping.wait(POLL_SECONDS)


class _Worker:
    """One job, from claiming it to its end."""

    def __init__(self, url: str, connection: Connection[Any], stopping: threading.Event) -> None:
        self._url, self._connection, self._stopping = url, connection, stopping
        self._id, self._beat_at = uuid4(), 0.0

    def take(self, dead_seconds: float) -> bool:
        """Whether there was one."""
        with self._connection.cursor(row_factory=class_row(Job)) as cursor:
            cursor.execute(CLAIM, {"worker": self._id, "kind": KIND, "dead": dead_seconds})
            job = cursor.fetchone()
        if job is None:
            return False
        try:
            self._answer(job)
        except NoLongerOurs:
            log.info("a what-if was taken away", job=str(job.id))
        except ToldToStop:
            self._execute(LET_GO, job)
        self._connection.execute(EXPIRE, {"kind": KIND})
        return True

    def _answer(self, job: Job) -> None:
        if job.attempts > TRIES:
            self._fail(
                job, "what_if.given_up", "It failed time and again: the log of `chronodesk jobs` says why.", None
            )
            return
        request = AskWhatIf.model_validate(job.request)
        try:
            report = what_if(
                self._url, request, asked(request, job.asked_at), lambda n, share: self._tell(job, n, share)
            )
        except Refusal as refusal:
            self._fail(job, refusal.code, refusal.detail, refusal.field)
            return
        whole = report.as_json()
        changes = whole.pop("changes")
        self._finish(job, "done", changes, result=Json(whole), tickets=report.findings.tickets)

    def _tell(self, job: Job, tickets: int, fraction: float) -> None:
        if self._stopping.is_set():
            raise ToldToStop
        if time.monotonic() - self._beat_at < BEAT_SECONDS:
            return
        self._beat_at = time.monotonic()
        self._execute(BEAT, job, tickets=tickets, fraction=fraction)

    def _fail(self, job: Job, code: str, detail: str, field: str | None) -> None:
        problem = {"code": code, "detail": detail, "field": field}
        self._finish(job, "failed", (), problem=Json(problem))

    def _finish(self, job: Job, state: str, items: Sequence[Any], **more: Any) -> None:
        with self._connection.transaction():
            self._execute(FINISH, job, **{"state": state, "result": None, "problem": None, "tickets": None} | more)
            with self._connection.cursor() as cursor:
                cursor.executemany(ITEM, [(job.id, place, Json(item)) for place, item in enumerate(items, 1)])

    def _execute(self, statement: LiteralString, job: Job, **more: Any) -> None:
        """Raises NoLongerOurs."""
        done = self._connection.execute(statement, {"id": job.id, "worker": self._id, **more})
        if not done.rowcount:
            raise NoLongerOurs


def asked(request: AskWhatIf, now: datetime) -> Asked:
    """`now`: when it was asked for, however late it is answered."""
    period = Period(request.since or BEGINNING, request.until or END)
    return Asked(min(now, period.end), period, request.metric, request.team, request.keep)
