"""What does docs/reporting.md say of each view? What its comments in the database say.

    python -m tests.reporting.docs

writes it anew, from a server of its own.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from psycopg import Connection

from chronodesk.local.postgres import EmbeddedPostgres
from commands.database import connect
from tests.databases import fresh_database, prepare_template
from tests.replay.rebuilding import all_go_on

FILE = Path(__file__).parents[2] / "docs" / "reporting.md"
MARK = "<!-- What follows is generated from the comments in the database: python -m tests.reporting.docs -->\n"
VIEWS = """
SELECT c.relname, obj_description(c.oid, 'pg_class'),
       array_agg(ARRAY[a.attname::text, format_type(a.atttypid, NULL), col_description(c.oid, a.attnum)]
                 ORDER BY a.attnum)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'reporting'::regnamespace AND c.relkind = 'v' GROUP BY c.oid, c.relname ORDER BY c.relname
"""
FUNCTIONS = """
SELECT p.proname, pg_get_function_arguments(p.oid), obj_description(p.oid, 'pg_proc')
  FROM pg_proc p WHERE p.pronamespace = 'reporting'::regnamespace ORDER BY 1
"""


def described(connection: Connection[Any]) -> str:
    functions = connection.execute(FUNCTIONS).fetchall()
    parts = [f"## `{name}({arguments.split(', TABLE')[0]})`\n\n{words}\n" for name, arguments, words in functions]
    for name, words, columns in connection.execute(VIEWS).fetchall():
        rows = "".join(f"| `{column}` | {type} | {said} |\n" for column, type, said in columns)
        parts.append(f"## `{name}`\n\n{words}\n\n| column | type | what it says |\n|---|---|---|\n{rows}")
    return "\n" + "\n".join(parts)


def write() -> None:
    folder = Path(tempfile.mkdtemp(prefix="chronodesk-docs-"))
    folder.chmod(0o755)
    with EmbeddedPostgres(folder) as server:
        prepare_template(server)
        with fresh_database(server) as database, closing(connect(database.app_url, name="docs")) as connection:
            all_go_on(database.app_url, connection)
            head = FILE.read_text().partition(MARK)[0]
            FILE.write_text(head + MARK + described(connection))


if __name__ == "__main__":
    write()
