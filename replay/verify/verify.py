"""verify: is everything there, once, in order, and in every view? The oracle of a running desk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from psycopg import Connection

from commands.database import connect
from consumers.builds import live_build
from consumers.loop import Source
from replay.proof.audit import audit
from replay.proof.published import Published
from replay.rebuild.compare import Pair
from replay.rebuild.crew import Crew
from replay.rebuild.fill import Wanted, building, catch_up, fill, session
from replay.rebuild.swap import Findings, compare_apart, compare_level, with_parked
from replay.verify.check import Check, Tell
from replay.verify.commands import check_commands
from replay.verify.kafka import check_kafka

Part = Callable[[str], Tell]
"""What a part of that name then tells how far it is."""


@dataclass(frozen=True, slots=True)
class Heads:
    """What a witness outside the database says of the log, and the keys that it is known by; no keys: any will do."""

    sources: tuple[Iterable[Published], ...] = ()
    keys: frozenset[bytes] = frozenset()


def verify(source: Source, heads: Heads, views: Iterable[Wanted], crew: Crew, part: Part) -> Iterator[Check]:
    """One check after the other. The desk runs on, and nothing is changed."""
    with closing(connect(source.url, name="verify", statement_timeout="0")) as connection:
        yield check_log(connection, heads, part("chain"))
        yield check_commands(connection, part("commands"))
        if source.bootstrap is not None:
            yield check_kafka(connection, source.bootstrap, source.topic, part("kafka"))
    for wish in views:
        yield check_view(wish, crew, part(wish.view))


def check_log(connection: Connection[Any], heads: Heads, tell: Tell) -> Check:
    """Each event fits its hash, its position and its stream's versions; streams and head agree; so do the witnesses."""

    def told(done: int, fraction: float) -> None:
        tell("walking the chain", done, round(done / fraction) if fraction else 0)

    found = audit(connection, list(heads.sources), heads.keys, 0, told)
    first = found.checked.first
    fault = None if first is None else f"position {first.position}: {first.says}"
    witnessed = f"{found.heads:,} witnessed heads" if heads.sources else "no witnessed head to compare with"
    return Check("chain", found.checked.events, f"events, whole and in order; {witnessed}", fault)


def check_view(wish: Wanted, crew: Crew, tell: Tell) -> Check:
    """Built anew from the log, compared with the live one at one position, and dropped again."""
    with session(wish) as connection:
        live = live_build(connection, wish.view)
        if live is None or live.version != wish.projection.version:
            stands = "is not built yet" if live is None else f"is live in version {live.version}"
            return Check(wish.view, 0, "rows", f"it {stands}, this code makes version {wish.projection.version}")
        with building(connection, wish, "verify") as fresh:
            fill(connection, wish, fresh, crew, tell)
            return _compared(Pair(connection, live, fresh), wish, tell)


def _compared(pair: Pair, wish: Wanted, tell: Tell) -> Check:
    connection = pair.connection
    tell("comparing", 0, 0)
    apart, since = compare_apart(pair)
    catch_up(connection, pair.fresh, wish.projection, tell)
    with connection.transaction(force_rollback=True):
        level = compare_level(pair, wish.projection, since)
        findings = replace(level, differences=apart + level.differences)
        return Check(wish.view, pair.rows(), "rows, equal to a fresh build", _fault(connection, pair, findings))


def _fault(connection: Connection[Any], pair: Pair, findings: Findings) -> str | None:
    first = next(iter(findings.differences.first), None)
    if first is not None:
        where = " ".join(filter(None, [first.table, str(first.stream or ""), first.which, *first.columns]))
        return f"{findings.differences.count:,} rows differ from a fresh build, the first: {where}"
    parked = max(with_parked(connection, build, findings).parked for build in (pair.live, pair.fresh))
    if parked:
        return f"{parked:,} tickets are parked"
    if not findings.exact:
        return f"it is {findings.behind:,} events behind: the tickets that they change were not compared"
    return None
