"""migrate: bring a database to this release's schema, once, however many machines try at the same time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

FOLDER = Path(__file__).parent / "migrations"
LATEST = "head"


def migrate(owner_url: str, *, progress: Callable[[str], None] | None = None) -> None:
    """Run what is missing, in one transaction. `owner_url` is a libpq URL of the role that owns the database."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["url"] = owner_url
    config.attributes["progress"] = progress or (lambda line: None)
    command.upgrade(config, LATEST)


def newest_revision() -> str:
    """The schema revision that this code expects."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    revision = ScriptDirectory.from_config(config).get_current_head()
    assert revision is not None, "there is a first migration"  # noqa: S101
    return revision
