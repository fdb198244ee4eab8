"""heads: what does a witness say of the log, in which bytes is it signed, and is it true?"""

from __future__ import annotations

from collections.abc import Set
from datetime import UTC, datetime
from typing import Annotated, Self
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, ValidationError

from replay.proof.keys import key_id, public_bytes

STATEMENT = """\
chronodesk tree head v1
log {log_id}
size {tree_size}
root {root}
chain {chain}
time {time}
key {key_id}
"""
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Signature = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]


def instant(at: datetime) -> str:
    """The one way in which proofs write an instant: UTC, to the microsecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Instant = Annotated[AwareDatetime, PlainSerializer(instant, return_type=str, when_used="json")]


class FalseHead(ValueError):
    """What is wrong with a head, whoever made it."""


class SignedHead(BaseModel):
    """ "The first `tree_size` events of this log were these, at this instant", and who says so.

    root       of the Merkle tree (RFC 9162) whose leaves are the events' chain hashes, in order of position
    chain      the chain hash of the last of them
    key_id     SHA-256 of the public key
    signature  Ed25519, of `statement`
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    log_id: UUID
    tree_size: int = Field(ge=1, strict=True, description="how many events: the position of the last of them")
    root: Digest = Field(description="of the Merkle tree over their chain hashes (RFC 9162, 2.1.1)")
    chain: Digest = Field(description="the chain hash of the last of them")
    timestamp: Instant
    key_id: Digest = Field(description="SHA-256 of the public key")
    public_key: Digest = Field(description="Ed25519")
    signature: Signature = Field(description="Ed25519, over the head as a text of seven lines")

    @classmethod
    def signed(
        cls, key: Ed25519PrivateKey, log_id: UUID, tree_size: int, root: bytes, chain: bytes, at: datetime
    ) -> Self:
        public = public_bytes(key)
        draft = cls(
            log_id=log_id,
            tree_size=tree_size,
            root=root.hex(),
            chain=chain.hex(),
            timestamp=at,
            key_id=key_id(public),
            public_key=public.hex(),
            signature="0" * 128,
        )
        return draft.model_copy(update={"signature": key.sign(draft.statement).hex()})

    @classmethod
    def read(cls, line: str | bytes) -> Self:
        """Of a published line. Raises FalseHead."""
        try:
            return cls.model_validate_json(line)
        except ValidationError:
            raise FalseHead("it does not have the form of a head") from None

    @property
    def line(self) -> str:
        """As it is published."""
        return self.model_dump_json()

    @property
    def statement(self) -> bytes:
        """What is signed: seven lines, nothing of which can be said in two ways."""
        told = STATEMENT.format(
            log_id=self.log_id,
            tree_size=self.tree_size,
            root=self.root,
            chain=self.chain,
            time=instant(self.timestamp),
            key_id=self.key_id,
        )
        return told.encode("ascii")

    def require_true(self, log_id: UUID, keys: Set[bytes]) -> None:
        """Of this log, signed by one of these keys; no keys: by whichever it names. Raises FalseHead."""
        public = bytes.fromhex(self.public_key)
        if key_id(public) != self.key_id:
            raise FalseHead("its key is not the one that it names")
        if keys and public not in keys:
            raise FalseHead(f"it was signed by a key that is not trusted: {self.public_key}")
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(bytes.fromhex(self.signature), self.statement)
        except (InvalidSignature, ValueError):
            raise FalseHead("its signature is false") from None
        if self.log_id != log_id:
            raise FalseHead(f"it speaks of another log, {self.log_id}")
