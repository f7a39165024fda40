"""The files of the keyring: how they are made, and their end. `sealing` reads them.

A file is written whole or not at all, and never over another's. Of a pair, the public half comes
last: before it is there, nobody seals with the pair.
"""

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

KEY_BYTES: Final = 32


def make_first(folder: Path) -> None:
    """Several processes may start at once: the first to write a key wins, the others read it."""
    key_id = datetime.now(UTC).strftime("%Y-%m-%d")
    _write_once(folder / f"pepper.{key_id}.key", secrets.token_bytes(KEY_BYTES))
    _write_once(folder / f"derive.{key_id}.key", secrets.token_bytes(KEY_BYTES))
    make_pair(folder, key_id)


def add_keys(folder: Path, purpose: str, at: datetime) -> str:
    """Another key of a purpose, named after the minute, the newest from now on; the ID of it.

    Raises FileExistsError with the ID of one that is of the same minute, or of a later one.
    """
    key_id = at.strftime("%Y-%m-%dT%H%M")
    held = [path.stem.partition(".")[2] for path in folder.glob(f"{purpose}.*.key")]
    if held and max(held) >= key_id:
        raise FileExistsError(max(held))
    if purpose == "seal":
        remove_drafts(folder, "*")
        make_pair(folder, key_id)
    else:
        _write_once(folder / f"{purpose}.{key_id}.key", secrets.token_bytes(KEY_BYTES))
    return key_id


def make_pair(folder: Path, key_id: str) -> None:
    """A private half and the public one that follows from it; where the private one is there, the other."""
    private = X25519PrivateKey.generate()
    _write_once(folder / f"seal.{key_id}.key", private.private_bytes_raw())
    # The public half follows from whatever private half is there, not from ours.
    held = X25519PrivateKey.from_private_bytes(
        bytes.fromhex((folder / f"seal.{key_id}.key").read_text())
    )
    _write_once(folder / f"public.{key_id}.key", held.public_key().public_bytes_raw())


def remove_key(folder: Path, purpose: str, key_id: str) -> None:
    """Destroy one key; of a pair, both halves, the private one first."""
    for each in ("seal", "public") if purpose == "seal" else (purpose,):
        (folder / f"{each}.{key_id}.key").unlink(missing_ok=True)
    if purpose == "seal":
        remove_drafts(folder, key_id)


def remove_drafts(folder: Path, key_id: str) -> None:
    """Destroy what was left of private halves by processes that were killed while they wrote them."""
    for draft in folder.glob(f".seal.{key_id}.key.*"):
        draft.unlink(missing_ok=True)


def _write_once(path: Path, key: bytes) -> None:
    """Write a whole file or none, and never over another's."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
