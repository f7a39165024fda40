"""The keyring, and what is done with its keys: seal and open, keyed hashes, derived values.

Four purposes, each a file of the keyring folder named `<purpose>.<id>.key`; the last ID in
alphabetical order is used for new values, earlier ones still open and verify old ones:

    seal    private half, X25519: opens sealed secrets; only the web process needs it
    public  public half: seals; a worker that has no more cannot open what it sealed
    pepper  keys the hashes of client secrets and of e-mail addresses; losing it ends every credential
    derive  one-time codes and resume links are derived from it, not stored; a new one ends those
            that are on their way. So are the keys of webhooks, each from the one it was made under

A running process finds keys that are added; of those that are taken away it forgets private halves,
all but the newest, and keeps the others until it ends: a folder that is lost is no outage at once.
"""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from onboarding import key_files
from onboarding.errors import Unavailable
from onboarding.key_files import KEY_BYTES
from onboarding.settings import settings

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PURPOSES: Final = ("seal", "public", "pepper", "derive")


class KeyringWrong(Exception):
    """The keyring cannot be used; the text says why and what to do."""


@dataclass
class Keyring:
    """Keys by purpose and ID, 32 bytes each. It does not print them."""

    keys: dict[str, dict[str, bytes]] = field(repr=False)
    # Where they were read, and when something had changed there last; without, they stay as they are.
    folder: Path | None = field(default=None, compare=False)
    changed: int = field(default=0, repr=False, compare=False)

    def current(self, purpose: str) -> tuple[str, bytes]:
        """The ID and bytes of the key for new values. Raises Unavailable where there is none."""
        self._look_again()
        held = self.keys.get(purpose)
        if not held:
            raise Unavailable(f"the keyring has no {purpose} key")
        key_id = max(held)
        return key_id, held[key_id]

    def get(self, purpose: str, key_id: str) -> bytes:
        """One key. Raises Unavailable: what needs it stays as it is until the key is back."""
        self._look_again()
        key = self.keys.get(purpose, {}).get(key_id)
        if key is None:
            raise Unavailable(f"the keyring has no {purpose} key {key_id}")
        return key

    def ids(self, purpose: str) -> frozenset[str]:
        """The IDs of all keys of a purpose."""
        self._look_again()
        return frozenset(self.keys.get(purpose, ()))

    def _look_again(self) -> None:
        """What somebody has added or retired since; while the folder cannot be read, nothing."""
        if self.folder is None:
            return
        try:
            changed = self.folder.stat().st_mtime_ns
            if changed != self.changed:
                self.keys, self.changed = (
                    _merged(self.keys, read_keyring(self.folder).keys),
                    changed,
                )
        except (OSError, KeyringWrong):
            return


def open_keyring(folder: Path) -> Keyring:
    """Read the keyring, and make it first where the folder is empty or not there yet.

    The public half is written last: without it the making was cut off, or is still going on.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(folder.glob("public.*.key")):
        key_files.make_first(folder)
    return read_keyring(folder)


def read_keyring(folder: Path) -> Keyring:
    """Read the keyring as it is. Raises KeyringWrong for a file that holds no key."""
    keys: dict[str, dict[str, bytes]] = {purpose: {} for purpose in _PURPOSES}
    # Before they are read: what changes meanwhile is read again.
    changed = folder.stat().st_mtime_ns if folder.is_dir() else 0
    for path in sorted(folder.glob("*.key")):
        purpose, _, key_id = path.stem.partition(".")
        try:
            value = bytes.fromhex(path.read_text().strip())
        except (ValueError, OSError) as error:
            raise KeyringWrong(f"{path} cannot be read as a key: {error}") from None
        if purpose not in keys or len(value) != KEY_BYTES or not key_id:
            raise KeyringWrong(f"{path} holds no key; restore it from the backup of the keyring")
        keys[purpose][key_id] = value
    return Keyring(keys, folder, changed)


_found: Final[dict[Path, Keyring]] = {}


def seal(ring: Keyring, cleartext: bytes, context: bytes) -> tuple[str, bytes]:
    """Encrypt so that only the holder of the private half can open it, and only in this context."""
    key_id, public = ring.current("public")
    return key_id, _SUITE.encrypt(cleartext, X25519PublicKey.from_public_bytes(public), context)


def unseal(ring: Keyring, key_id: str, ciphertext: bytes, context: bytes) -> bytes:
    """Open what `seal` closed. Raises Unavailable with a wrong key: nothing is lost by trying."""
    private = X25519PrivateKey.from_private_bytes(ring.get("seal", key_id))
    try:
        return _SUITE.decrypt(ciphertext, private, context)
    except InvalidTag:
        raise Unavailable(f"the seal key {key_id} does not open what it should") from None


def keyed_hash(ring: Keyring, context: str, value: str) -> tuple[str, bytes]:
    """The current pepper's ID and HMAC-SHA-256 of a value, bound to its context."""
    key_id, key = ring.current("pepper")
    return key_id, _hmac(key, context, value)


def matches(ring: Keyring, key_id: str, context: str, value: str, expected: bytes) -> bool:
    """Compare a value with its keyed hash, in constant time."""
    return hmac.compare_digest(_hmac(ring.get("pepper", key_id), context, value), expected)


def address_hash(address: str) -> str | None:
    """A text to find an e-mail address by, that tells it to nobody; None without a keyring at hand."""
    peppers = _at_hand().keys["pepper"]
    return _address_hash(peppers[max(peppers)], address) if peppers else None


def address_hashes(address: str) -> list[str]:
    """The same under each pepper, the current one first: earlier rows have earlier ones.

    Raises Unavailable without a keyring at hand.
    """
    ring = _at_hand()
    ring.current("pepper")
    return [_address_hash(key, address) for _, key in sorted(ring.keys["pepper"].items())[::-1]]


def derive(ring: Keyring, purpose: str, name: str) -> bytes:
    """32 bytes that only this keyring can make for a purpose and a name, and makes again."""
    _, key = ring.current("derive")
    return _hmac(key, purpose, name)


def derive_under(ring: Keyring, key_id: str, purpose: str, name: str) -> bytes:
    """The same under one key, for what must outlast the next. Raises Unavailable without that key."""
    return _hmac(ring.get("derive", key_id), purpose, name)


def signed(ring: Keyring, context: str, said: Mapping[str, Any]) -> str:
    """What is said as a text for somebody else to keep: readable, but nobody can change it."""
    body = base64.urlsafe_b64encode(zlib.compress(json.dumps(said).encode())).decode()
    key_id, mac = keyed_hash(ring, context, body)
    return f"{body}.{key_id}.{mac.hex()}"


def read_signed(ring: Keyring, context: str, text: str) -> dict[str, Any] | None:
    """What a text of ours says; None for one that is not ours, or was changed."""
    body, _, rest = text.partition(".")
    key_id, _, mac = rest.partition(".")
    if key_id not in ring.keys["pepper"] or not body.isascii() or "\0" in body:
        return None
    try:
        is_ours = matches(ring, key_id, context, body, bytes.fromhex(mac))
    except ValueError:
        is_ours = False
    if not is_ours:
        return None
    said: dict[str, Any] = json.loads(zlib.decompress(base64.urlsafe_b64decode(body)))
    return said


def fingerprints(ring: Keyring) -> dict[str, bytes]:
    """A known value under each key, to notice a keyring that has been mixed up."""
    return {
        f"{purpose}.{key_id}": _hmac(key, "fingerprint", purpose)
        for purpose, held in ring.keys.items()
        for key_id, key in held.items()
    }


def misfits(ring: Keyring, known: Mapping[str, bytes]) -> list[str]:
    """Of the known fingerprints, those whose key the ring lacks or has another one for.

    Half of a pair that has a newer one may be gone: it was destroyed, perhaps since the backup of the
    database that knows it.
    """
    held, newest = fingerprints(ring), newest_pair(ring)
    return sorted(
        name
        for name, value in known.items()
        if held.get(name) != value and (name in held or not _is_overtaken(name, newest))
    )


def newest_pair(ring: Keyring) -> str:
    """The ID of the newest seal key that has both its halves here; without one, an empty text."""
    return max(ring.keys["seal"].keys() & ring.keys["public"].keys(), default="")


def is_destroyed(ring: Keyring, key_id: str) -> bool:
    """Whether a seal key is gone, and for good: a newer pair has taken its place."""
    ring.current("public")  # What has changed since it was read.
    return key_id not in ring.keys["seal"] and _is_overtaken(f"seal.{key_id}", newest_pair(ring))


def _is_overtaken(name: str, newest: str) -> bool:
    purpose, _, key_id = name.partition(".")
    return purpose in {"seal", "public"} and key_id < newest


def _hmac(key: bytes, context: str, value: str) -> bytes:
    """A NUL between the parts keeps ("ab", "c") and ("a", "bc") apart; neither may hold one."""
    return hmac.digest(key, f"{context}\0{value}".encode(), hashlib.sha256)


def _merged(
    held: Mapping[str, dict[str, bytes]], read: Mapping[str, dict[str, bytes]]
) -> dict[str, dict[str, bytes]]:
    """What is new is taken, and nothing changed or lost; a private half that is not the newest was retired."""
    merged = {purpose: read[purpose] | held.get(purpose, {}) for purpose in _PURPOSES}
    newest = max(merged["seal"], default="")
    merged["seal"] = {
        key_id: key
        for key_id, key in merged["seal"].items()
        if key_id == newest or key_id in read["seal"]
    }
    return merged


def _at_hand() -> Keyring:
    """The keyring of the settings, as this process found it; one that is empty may yet be made."""
    folder = settings().keys_dir
    if folder not in _found or not _found[folder].keys["pepper"]:
        _found[folder] = read_keyring(folder)
    return _found[folder]


def _address_hash(key: bytes, address: str) -> str:
    """However it is spelled. 128 bits tell all addresses apart, and are short enough to send."""
    return _hmac(key, "e-mail-address-v1", address.strip().casefold())[:16].hex()
