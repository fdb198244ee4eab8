"""an empty desk can be restored from a lossless export"""

from __future__ import annotations

from chronodesk.migrations.run import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql(__file__)
