"""schema reporting, and analysts who read it"""

from __future__ import annotations

from chronodesk.migrations.run import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_sql(__file__)
