"""env: how alembic reaches the database, and why two machines cannot migrate at once."""

from __future__ import annotations

import psycopg
from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

url: str = context.config.attributes["url"]
engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)

with engine.connect() as connection:
    context.configure(connection=connection, version_table_schema="public", transactional_ddl=True)
    with context.begin_transaction():
        # Concurrent CREATE TABLE fails: whoever comes second waits here and then finds nothing to do.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4242, 0)")
        context.run_migrations()
    connection.commit()
