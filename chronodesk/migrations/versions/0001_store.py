"""the event store"""

from __future__ import annotations

from chronodesk.migrations.run import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql(__file__)
