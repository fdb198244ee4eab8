"""compare: in which rows do two builds of a view differ? Never what the rows say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import class_row

from consumers.builds import Build

SHOWN = 20
Which = Literal["both", "only live", "only new"]

TABLES: LiteralString = """
SELECT c.relname AS name, a.columns, coalesce(k.columns, '{}') AS key,
       CASE WHEN 'uuid' = k.types[1] THEN k.columns[1] WHEN 'stream' = ANY (a.columns) THEN 'stream' END AS stream
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (
       SELECT array_agg(attname::text ORDER BY attnum) AS columns FROM pg_attribute
        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) a
  LEFT JOIN LATERAL (
       SELECT array_agg(p.attname::text ORDER BY i.place) AS columns,
              array_agg(format_type(p.atttypid, NULL) ORDER BY i.place) AS types
         FROM pg_constraint o CROSS JOIN unnest(o.conkey) WITH ORDINALITY AS i (attnum, place)
         JOIN pg_attribute p ON p.attrelid = c.oid AND p.attnum = i.attnum
        WHERE o.conrelid = c.oid AND o.contype = 'p') k ON true
 WHERE n.nspname = %(schema)s AND c.relkind = 'r' ORDER BY c.relname
"""
# What the comparison is about: the streams in which nothing happened beyond `since`, or the others. Parked ones stand
# still at different places.
SCOPED: LiteralString = """
WITH moved AS MATERIALIZED (
     SELECT DISTINCT originator_id AS stream FROM store.events WHERE notification_id > %(since)s),
     aside AS MATERIALIZED (SELECT DISTINCT stream FROM consumers.parked WHERE schema IN (%(live)s, %(fresh)s)),
     l AS (SELECT t.* FROM {live} t WHERE {exists} (SELECT FROM moved m WHERE m.stream = t.{stream})
              AND NOT EXISTS (SELECT FROM aside a WHERE a.stream = t.{stream})),
     f AS (SELECT t.* FROM {fresh} t WHERE {exists} (SELECT FROM moved m WHERE m.stream = t.{stream})
              AND NOT EXISTS (SELECT FROM aside a WHERE a.stream = t.{stream}))
"""
# *<> compares the bytes of whole records: 1 and 1.0 are equal numbers, but not equal builds.
BY_KEY: LiteralString = """
SELECT coalesce(l.{stream}, f.{stream}) AS stream,
       CASE WHEN l.{stream} IS NULL THEN 'only new' WHEN f.{stream} IS NULL THEN 'only live' ELSE 'both' END AS which,
       CASE WHEN l.{stream} IS NULL OR f.{stream} IS NULL THEN '{{}}' ELSE array_remove(ARRAY[{differing}], NULL) END
       AS columns, count(*) OVER () AS times
  FROM l FULL JOIN f ON {same_key}
 WHERE l.{stream} IS NULL OR f.{stream} IS NULL OR ROW({lives})::record *<> ROW({freshes})::record
 ORDER BY 1, 2 LIMIT %(shown)s
"""
DIFFERING: LiteralString = "CASE WHEN ROW(l.{column})::record *<> ROW(f.{column})::record THEN {name} END"
BY_LINE: LiteralString = """
SELECT stream, which, '{{}}'::text[] AS columns, count(*) OVER () AS times FROM (
  (SELECT {stream} AS stream, 'only live' AS which, ROW({columns})::text AS line FROM l
   EXCEPT ALL SELECT {stream}, 'only live', ROW({columns})::text FROM f)
  UNION ALL
  (SELECT {stream}, 'only new', ROW({columns})::text FROM f
   EXCEPT ALL SELECT {stream}, 'only new', ROW({columns})::text FROM l)) AS d
 ORDER BY 1, 2 LIMIT %(shown)s
"""
WHOLE: LiteralString = """
SELECT NULL::uuid AS stream, which, '{{}}'::text[] AS columns, count(*) OVER () AS times FROM (
  (SELECT 'only live' AS which, ROW({columns})::text AS line FROM {live}
   EXCEPT ALL SELECT 'only live', ROW({columns})::text FROM {fresh})
  UNION ALL
  (SELECT 'only new', ROW({columns})::text FROM {fresh}
   EXCEPT ALL SELECT 'only new', ROW({columns})::text FROM {live})) AS d
 ORDER BY 2 LIMIT %(shown)s
"""
COUNT: LiteralString = "SELECT count(*) FROM {}"
PARKED: LiteralString = "SELECT count(*) FROM consumers.parked WHERE schema IN (%(live)s, %(fresh)s)"
POSITION: LiteralString = """
SELECT min(position) FROM consumers.checkpoints WHERE schema IN (%(live)s, %(fresh)s)
"""


@dataclass(frozen=True, slots=True)
class Table:
    """stream: the column that says whose row it is; None: the table sums over streams."""

    name: str
    columns: Sequence[str]
    key: Sequence[str]
    stream: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not the same in both builds. stream None: of a table that sums over streams."""

    table: str
    stream: UUID | None
    which: Which
    columns: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Differences:
    """How many rows differ, and the first of them."""

    count: int = 0
    first: tuple[Difference, ...] = ()

    def __add__(self, other: Differences) -> Differences:
        return Differences(self.count + other.count, (*self.first, *other.first)[:SHOWN])


NONE = Differences()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two builds of one view."""

    connection: Connection[Any]
    live: Build
    fresh: Build

    def settled(self) -> int:
        """Everything up to here is in both."""
        asked = {"live": self.live.schema, "fresh": self.fresh.schema}
        row = self.connection.execute(POSITION, asked).fetchone()
        return row[0] if row else 0

    def differences(self, since: int, *, moved: bool) -> Differences:
        """Over the streams in which nothing happened beyond `since`, which the two builds have reached; so their
        versions are equal. moved: over the other ones, and the tables that sum, for two builds at one position.
        """
        found = Differences(len(list(self._unlike())), tuple(islice(self._unlike(), SHOWN)))
        sums = moved and not self._parked()
        for live, fresh in self._tables():
            if live.stream is not None or sums:
                found += self._of_table(live, fresh, since, moved)
        return found

    def rows(self) -> int:
        """Of the new build, over all its tables."""
        total = 0
        for table in _tables(self.connection, self.fresh).values():
            row = self.connection.execute(sql.SQL(COUNT).format(self._named(self.fresh, table))).fetchone()
            total += row[0] if row else 0
        return total

    def _parked(self) -> bool:
        asked = {"live": self.live.schema, "fresh": self.fresh.schema}
        return self.connection.execute(PARKED, asked).fetchone() != (0,)

    def _tables(self) -> Iterator[tuple[Table, Table]]:
        """Those that can be compared: of the same key in both."""
        fresh = _tables(self.connection, self.fresh)
        for name, table in _tables(self.connection, self.live).items():
            if name in fresh and _alike(table, fresh[name]):
                yield table, fresh[name]

    def _unlike(self) -> Iterator[Difference]:
        """Tables and columns that only one of the builds has: between versions."""
        lives, freshes = _tables(self.connection, self.live), _tables(self.connection, self.fresh)
        for name in sorted(lives.keys() | freshes.keys()):
            live, fresh = lives.get(name), freshes.get(name)
            if live is None or fresh is None:
                yield Difference(name, None, "only new" if live is None else "only live")
                continue
            if not _alike(live, fresh):
                yield Difference(name, None, "both", fresh.key)
            for which, columns in _apart(live.columns, fresh.columns):
                yield Difference(name, None, which, columns)

    def _of_table(self, live: Table, fresh: Table, since: int, moved: bool) -> Differences:
        asked = {"live": self.live.schema, "fresh": self.fresh.schema, "since": since, "shown": SHOWN}
        rows = self.connection.execute(self._query(live, fresh, moved), asked).fetchall()
        first = tuple(Difference(live.name, stream, which, columns) for stream, which, columns, _ in rows)
        return Differences(rows[0][3] if rows else 0, first)

    def _query(self, live: Table, fresh: Table, moved: bool) -> sql.Composed:
        common = [column for column in live.columns if column in fresh.columns]
        parts: dict[str, sql.Composable] = {
            "live": self._named(self.live, live),
            "fresh": self._named(self.fresh, fresh),
            "columns": _listed("{}", common),
        }
        if live.stream is None:
            return sql.SQL(WHOLE).format(**parts)
        parts |= {"stream": sql.Identifier(live.stream), "exists": sql.SQL("EXISTS" if moved else "NOT EXISTS")}
        if not live.key:
            return sql.SQL(SCOPED + BY_LINE).format(**parts)
        return sql.SQL(SCOPED + BY_KEY).format(
            **parts,
            differing=_listed(DIFFERING, common),
            same_key=sql.SQL(" AND ").join(sql.SQL("l.{0} = f.{0}").format(sql.Identifier(name)) for name in live.key),
            lives=_listed("l.{}", common),
            freshes=_listed("f.{}", common),
        )

    def _named(self, build: Build, table: Table) -> sql.Identifier:
        return sql.Identifier(build.schema, table.name)


def _tables(connection: Connection[Any], build: Build) -> Mapping[str, Table]:
    with connection.cursor(row_factory=class_row(Table)) as cursor:
        return {table.name: table for table in cursor.execute(TABLES, {"schema": build.schema})}


def _alike(live: Table, fresh: Table) -> bool:
    return (live.key, live.stream) == (fresh.key, fresh.stream)


def _apart(live: Sequence[str], fresh: Sequence[str]) -> Iterator[tuple[Which, Sequence[str]]]:
    gone = [column for column in live if column not in fresh]
    added = [column for column in fresh if column not in live]
    if gone:
        yield "only live", gone
    if added:
        yield "only new", added


def _listed(template: LiteralString, names: Sequence[str]) -> sql.Composable:
    """The template once for each column. An empty ROW() is a row, too."""
    one = sql.SQL(template)
    parts = [one.format(sql.Identifier(n), column=sql.Identifier(n), name=sql.Literal(n)) for n in names]
    return sql.SQL(", ").join(parts)
