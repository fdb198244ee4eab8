"""signed heads of the log, and the tree over it"""

from __future__ import annotations

from chronodesk.migrations.run import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql(__file__)
