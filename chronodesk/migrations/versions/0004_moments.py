"""where an instant lies in the log"""

from __future__ import annotations

from chronodesk.migrations.run import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql(__file__)
