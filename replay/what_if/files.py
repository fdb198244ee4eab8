"""What does somebody give as TOML files, and in which file and where in it is a mistake?"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aggregates.errors import Refusal
from replay.what_if.given import Given


class BadRules(Exception):
    """Says the file, the key and why."""


@dataclass(frozen=True, slots=True)
class Files:
    """`policy`: rules, as Given reads them; None: those that are published.

    calendars  files of hours by the name or id of a calendar
    """

    policy: Path | None
    calendars: Mapping[str, Path]

    def given(self) -> Given:
        """Raises BadRules."""
        rules: dict[str, Any] = {"extends": "current"} if self.policy is None else _read(self.policy)
        calendars = {name: _read(file) for name, file in self.calendars.items()}
        try:
            return Given.model_validate({**rules, "calendars": {**_table(rules, "calendars"), **calendars}})
        except ValidationError as invalid:
            fault = invalid.errors(include_url=False, include_context=False)[0]
            raise self._bad([str(part) for part in fault["loc"]], fault["msg"]) from None

    def bad(self, refusal: Refusal) -> BadRules:
        """A refusal of what these files say."""
        return self._bad((refusal.field or "").split("."), refusal.detail or refusal.code)

    def _bad(self, path: Sequence[str], why: str) -> BadRules:
        file, key = self.policy, ".".join(path)
        for name, other in self.calendars.items():
            if key.startswith(f"calendars.{name}"):
                file, key = other, key.removeprefix(f"calendars.{name}").strip(".")
        return BadRules(": ".join(part for part in (str(file or ""), key, why) if part))


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as unread:
        raise BadRules(f"{file}: {unread.strerror or unread}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise BadRules(f"{file}: not TOML: {broken}") from None


def _table(rules: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = rules.get(name, {})
    return found if isinstance(found, Mapping) else {}
