"""run: a migration is a .sql file; its Python twin only says where it stands in line."""

from __future__ import annotations

from pathlib import Path

from alembic import context, op
from psycopg import Connection


def run_sql(python_file: str) -> None:
    """Run the .sql file beside `python_file` as written, past SQLAlchemy's and psycopg's placeholders."""
    script = Path(python_file).with_suffix(".sql")
    context.config.attributes["progress"](f"migrating: {script.stem}")
    driver = op.get_bind().connection.driver_connection
    assert isinstance(driver, Connection)  # noqa: S101
    driver.execute(script.read_bytes())
