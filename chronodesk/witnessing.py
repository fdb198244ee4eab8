"""witnessing: with which key does this desk's witness sign, and where does it publish?"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chronodesk.carriers import bootstrap_of
from chronodesk.errors import Unavailable
from chronodesk.settings import Settings
from chronodesk.start import app_url
from replay.proof.keys import BadKey, load_key, make_key, public_bytes
from replay.proof.published import FILE_NAME, HeadsFile, HeadsTopic
from replay.proof.witness import Witness

KEY_FILE = "witness-key.pem"


def witness_of(settings: Settings) -> Witness:
    return Witness(
        app_url(settings),
        signing_key(settings),
        HeadsFile(settings.heads_dir / FILE_NAME),
        settings.witness_seconds,
        heads_topic(settings),
    )


def heads_topic(settings: Settings) -> HeadsTopic | None:
    return HeadsTopic(bootstrap_of(settings), settings.heads_topic) if settings.uses_kafka else None


def own_public_key(settings: Settings) -> frozenset[bytes]:
    """Empty where the key is not kept on this machine."""
    file = key_file(settings)
    return frozenset({public_bytes(load_key(file))}) if file.exists() else frozenset()


def key_file(settings: Settings) -> Path:
    return settings.witness_key_file or settings.data_dir / KEY_FILE


def signing_key(settings: Settings, *, make: bool = True) -> Ed25519PrivateKey:
    """The one that is configured; else this machine's own, made when it is first needed."""
    file = key_file(settings)
    try:
        if make and settings.witness_key_file is None and not file.exists():
            return make_key(file)
        return load_key(file)
    except FileNotFoundError:
        raise Unavailable(f"there is no key {file}: make one with `chronodesk audit key new --out {file}`") from None
    except (BadKey, OSError) as unread:
        raise Unavailable(f"the witness's key cannot be read: {unread}") from None
