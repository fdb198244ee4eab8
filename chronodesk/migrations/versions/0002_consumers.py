"""builds of read models, their checkpoints, parked tickets, the relay's cursor"""

from __future__ import annotations

from chronodesk.migrations.run import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql(__file__)
