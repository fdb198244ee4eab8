"""settings: what can be configured, and where does each value come from?"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import platformdirs
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from chronodesk.local.files import read_json

Role = Literal["agent", "lead", "auditor", "analyst", "ops", "customer", "service"]
Transport = Literal["auto", "kafka", "store"]

RUN_FILE = "run.json"
PREFIX = "CHRONODESK_"


class ApiKey(BaseModel):
    """One caller: who holds the key acts in this role, as this agent or customer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: SecretStr
    role: Role
    id: UUID


class Settings(BaseSettings):
    """Frozen. From first to last: arguments, environment, the running desk's own files, defaults."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True
    )

    desk: str = Field("chronodesk", pattern=r"^[a-z][a-z0-9_]{0,40}$", description="names the database and the topic")
    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("CHRONODESK_DATABASE_URL", "DATABASE_URL"),
        description="Postgres as the application; none: an embedded one",
    )
    owner_database_url: SecretStr | None = Field(
        None, description="Postgres as the owner, for migrations; none: database_url"
    )
    kafka_bootstrap_servers: str | None = Field(
        None,
        validation_alias=AliasChoices("CHRONODESK_KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS"),
        description="host:port, with commas",
    )
    transport: Transport = Field("auto", description="what carries events to the views; auto: Kafka where there is one")
    api_host: str = Field("127.0.0.1", description="where the API listens")
    api_port: int = Field(8080, ge=0, le=65535, description="where the API listens")
    data_dir: Path = Field(Path(".chronodesk"), description="the embedded servers' data, keys and passwords")
    cache_dir: Path = Field(
        default_factory=lambda: platformdirs.user_cache_path("chronodesk"), description="Kafka's jars"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_json: bool = Field(False, description="one JSON object a line, for machines")
    secret: SecretStr | None = Field(
        None, description="key for HMACs and sealed tokens: 32 characters or more", min_length=32
    )
    api_keys: tuple[ApiKey, ...] = Field((), description='JSON list of {"key", "role", "id"}')
    max_body_bytes: int = Field(1024 * 1024, ge=1024, description="larger requests are refused with 413")
    pool_size: int = Field(8, ge=1, le=90, description="Postgres connections a process")
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="relay and consumers serve /metrics here; none: they do not"
    )

    witness_key_file: Path | None = Field(None, description="signs heads of the log; none: one is made in data_dir")
    witness_dir: Path | None = Field(None, description="where signed heads are published; none: data_dir/witness")
    witness_seconds: float = Field(60, gt=0, description="how often a head is signed while the log grows")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, RunningDesk(settings_cls))

    @property
    def topic(self) -> str:
        """v1: the number of partitions is fixed for ever, another count means another topic."""
        return f"{self.desk}.events.v1"

    @property
    def heads_topic(self) -> str:
        return f"{self.desk}.heads.v1"

    @property
    def heads_dir(self) -> Path:
        return self.witness_dir or self.data_dir / "witness"

    @property
    def app_url(self) -> str:
        """Raises LookupError where no Postgres is configured and no desk runs here."""
        if self.database_url is None:
            raise LookupError(
                f"no Postgres: set {PREFIX}DATABASE_URL, or start one here with `chronodesk run` ({self.data_dir})"
            )
        return self.database_url.get_secret_value()

    @property
    def owner_url(self) -> str:
        return self.owner_database_url.get_secret_value() if self.owner_database_url else self.app_url

    @property
    def uses_kafka(self) -> bool:
        if self.transport == "auto":
            return self.kafka_bootstrap_servers is not None
        return self.transport == "kafka"


def names(setting: str) -> set[str]:
    """A setting's own name and the variables that it also answers to."""
    alias = Settings.model_fields[setting].validation_alias
    return {setting, *(map(str, alias.choices) if isinstance(alias, AliasChoices) else ())}


class RunningDesk(PydanticBaseSettingsSource):
    """What `chronodesk run` wrote down, so that `chronodesk lag` in a second terminal finds the same servers."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """A setting that the environment gives under any of its names is left alone."""
        content = read_json(self.file) or {}
        return {name: value for name, value in content.items() if not names(name) & self.current_state.keys()}

    @property
    def file(self) -> Path:
        return Path(self.current_state.get("data_dir", Settings.model_fields["data_dir"].default)) / RUN_FILE
