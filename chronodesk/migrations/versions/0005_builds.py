"""builds that are no longer needed can be dropped"""

from __future__ import annotations

from chronodesk.migrations.run import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql(__file__)
