"""What do a log's attributes mean on our desk? The mapping file (TOML), checked before anything is read."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from aggregates.text import FieldName, SafeText
from aggregates.ticket.events import Channel, Priority, TicketType

Meaning = Literal["in_progress", "queued", "pending", "on_hold", "resolved", "closed", "unchanged"]
Text = Annotated[SafeText, StringConstraints(min_length=1, max_length=200)]
NAMED = re.compile(r"\{([^{}]+)\}")
SHIPPED = "replay.logs.mappings"


class BadMapping(ValueError):
    """The mapping cannot be used; the message names the place."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StatusMeaning(Part):
    """What a status word of the log does to the ticket's status; `code` is how it was resolved."""

    does: Meaning
    code: Text = "resolved"


def _word(given: Any) -> Any:
    return {"does": given} if isinstance(given, str) else given


class CaseMapping(Part):
    """The case's id, and what every ticket of this log is opened with."""

    id: Text
    subject: Text
    channel: Channel = "api"
    type: TicketType = "question"


class RequesterMapping(Part):
    """Who asked: an attribute, or, where the log has none or leaves it out, one customer for all."""

    attribute: Text | None = None
    placeholder: Text


class EventMapping(Part):
    """`status` may be several attributes: their values are joined with `/`."""

    time: Text
    time_format: Text | None = None
    zone: Text | None = None
    who: Text | None = None
    machines: tuple[Text, ...] = ()
    team: Text | None = None
    category: Text | None = None
    status: tuple[Text, ...] = ()

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str | None) -> str | None:
        try:
            ZoneInfo(zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("is not a time zone, like Europe/Stockholm") from None
        return zone


class LevelMapping(Part):
    """The team's line: what `pattern` finds in its name, the highest where it finds several."""

    pattern: Text
    default: int = Field(1, ge=1, le=9)

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        if groups != 1:
            raise ValueError("needs exactly one group, around the number of the line")
        return pattern


class PriorityMapping(Part):
    attribute: Text
    values: dict[str, Priority]


class LogMapping(Part):
    """The whole file. `source` names the other system: it is part of every imported ticket's identity."""

    source: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,60}$")]
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    case: CaseMapping
    requester: RequesterMapping
    event: EventMapping
    level: LevelMapping | None = None
    statuses: dict[str, Annotated[StatusMeaning, BeforeValidator(_word)]] = {}
    priority: PriorityMapping | None = None
    fields: dict[Text, FieldName] = {}
    rest: Literal["fields", "report"] = "fields"
    ignore: tuple[Text, ...] = ()

    @property
    def named(self) -> dict[str, str]:
        """The attributes that the log must have, and where the mapping says so."""
        places: dict[str | None, str] = {
            **dict.fromkeys(NAMED.findall(self.case.subject), "case.subject"),
            self.case.id: "case.id",
            self.event.time: "event.time",
            self.event.who: "event.who",
            self.event.team: "event.team",
            self.event.category: "event.category",
            self.requester.attribute: "requester.attribute",
            self.priority.attribute if self.priority else None: "priority.attribute",
            **dict.fromkeys(self.event.status, "event.status"),
        }
        return {attribute: place for attribute, place in places.items() if attribute is not None}


def load(name: str) -> LogMapping:
    """A file, or the name of a mapping that comes with Chronodesk. Raises BadMapping."""
    try:
        return LogMapping.model_validate(tomllib.loads(_text(name)))
    except tomllib.TOMLDecodeError as error:
        raise BadMapping(f"{name} is not TOML: {error}") from None
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors(include_url=False)]
        raise BadMapping(f"{name}: {'; '.join(faults)}") from None


def shipped() -> list[str]:
    """The names of the mappings that come with Chronodesk."""
    return sorted(file.name.removesuffix(".toml") for file in files(SHIPPED).iterdir() if file.name.endswith(".toml"))


def _text(name: str) -> str:
    try:
        if name in shipped():
            return files(SHIPPED).joinpath(f"{name}.toml").read_text("utf-8")
        return Path(name).read_text("utf-8")
    except UnicodeDecodeError:
        raise BadMapping(f"{name} is not UTF-8 text") from None
    except OSError as error:
        raise BadMapping(f"{name}: {error.strerror}; shipped mappings: {', '.join(shipped())}") from None


def field_name(attribute: str) -> str:
    """A custom field's name for an attribute: lower case, digits and underscores, a letter first."""
    words = re.sub(r"[^a-z0-9]+", "_", attribute.lower()).strip("_")
    return (words if words[:1].isalpha() else f"field_{words}").rstrip("_")[:63]


def moment(text: str, mapping: EventMapping) -> datetime:
    """The time of an event, with its offset. Raises ValueError saying what is wrong with it."""
    at = datetime.strptime(text, mapping.time_format) if mapping.time_format else datetime.fromisoformat(text)  # noqa: DTZ007
    if at.tzinfo is not None:
        return at
    if mapping.zone is None:
        raise ValueError("has no offset from UTC, and the mapping names no event.zone")
    return at.replace(tzinfo=ZoneInfo(mapping.zone))
