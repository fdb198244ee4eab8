"""config: what must somebody who starts the API tell it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Role = Literal["agent", "lead", "auditor", "analyst", "ops", "customer", "service"]


@dataclass(frozen=True, slots=True)
class Key:
    """Who holds `secret` acts in this role, as this agent or customer."""

    secret: str
    role: Role
    id: UUID

    def __repr__(self) -> str:
        return f"Key({self.role}, {self.id})"


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """`secret` keys HMACs and seals tokens; `schema_revision` is the schema that this code was written for."""

    database_url: str
    secret: bytes
    keys: tuple[Key, ...]
    schema_revision: str
    max_body_bytes: int = 1024 * 1024
    pool_size: int = 8
    release: str = "0.1.0"

    def __repr__(self) -> str:
        return f"ApiConfig({len(self.keys)} keys, schema {self.schema_revision})"
