"""how far the SLA clock has read the log, and which changes of configuration have reached the open tickets"""

from __future__ import annotations

from chronodesk.migrations.run import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql(__file__)
