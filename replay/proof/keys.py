"""keys: what signs heads, and what tells that a head was signed by it?"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)


class BadKey(ValueError):
    """A file or a text that holds no Ed25519 key. Names no content."""


def key_id(public: bytes) -> str:
    """What a head names its key by."""
    return sha256(public).hexdigest()


def make_key(file: Path) -> Ed25519PrivateKey:
    """A new one in a new file that only its owner can read. FileExistsError where there is one already."""
    key = Ed25519PrivateKey.generate()
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        out.flush()
        os.fsync(out.fileno())
    return key


def load_key(file: Path) -> Ed25519PrivateKey:
    """Raises BadKey; OSError where it cannot be read."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey(f"{file} holds no private key that can be read") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey(f"{file} holds another kind of key than Ed25519")
    return key


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def trusted(given: Iterable[str]) -> frozenset[bytes]:
    """Public keys by their 64 hex digits, or by files that hold these or PEM. Raises BadKey."""
    return frozenset(_public(text) for text in given)


def _public(text: str) -> bytes:
    file = Path(text)
    told = file.read_text(encoding="utf-8", errors="replace").strip() if file.is_file() else text.strip()
    try:
        if not told.startswith("-----"):
            raw = bytes.fromhex(told)
            Ed25519PublicKey.from_public_bytes(raw)
            return raw
        key = load_pem_public_key(told.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey(f"{text} is no public key: 64 hex digits, or a file that holds them or PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadKey(f"{text} holds another kind of key than Ed25519")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
