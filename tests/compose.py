"""compose: what does compose.yaml say once its variables are filled in?"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compose_spec import PyCompose
from ruamel.yaml import YAML

FILE = Path(__file__).parent.parent / "compose.yaml"
VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<rest>[^}]*))?\}")


def interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    """Filled in after YAML is read, as compose does it. KeyError for a required variable that is not set."""
    match value:
        case dict():
            return {key: interpolated(inside, variables) for key, inside in value.items()}
        case list():
            return [interpolated(inside, variables) for inside in value]
        case str():
            return VARIABLE.sub(lambda found: _filled(found, variables), value)
        case _:
            return value


def _filled(found: re.Match[str], variables: Mapping[str, str]) -> str:
    if found[0] == "$$":
        return "$"
    given = variables.get(found["name"], "")
    if not given and found["how"] == ":?":
        raise KeyError(found["name"])
    return given or found["rest"] or ""


def parsed(text: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """ValueError where it is not a valid compose file."""
    # The validator knows merge keys (<<) at a service's top only, so YAML's own reader resolves them first.
    plain = {key: part for key, part in YAML(typ="safe").load(text).items() if not key.startswith("x-")}
    content: dict[str, Any] = PyCompose.from_json(json.dumps(interpolated(plain, variables))).to_dict()
    return content


def required(text: str) -> set[str]:
    return {found["name"] for found in VARIABLE.finditer(text) if found["how"] == ":?"}
