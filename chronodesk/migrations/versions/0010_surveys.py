"""how far the survey clock has read the log, and which resolutions wait for a question about them"""

from __future__ import annotations

from chronodesk.migrations.run import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql(__file__)
