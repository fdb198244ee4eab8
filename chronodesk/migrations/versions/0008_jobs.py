"""long work that somebody asked the API for"""

from __future__ import annotations

from chronodesk.migrations.run import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql(__file__)
