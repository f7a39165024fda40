"""What the sandbox signs: ID tokens for its client, and notes to itself that any process can read.

Everything is derived from one key, so that several web processes are one provider.
"""

import base64
import time
import uuid
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeyParameters, OctKey

_NOTE_ALGORITHM: Final = "HS256"


def signing_key(key: bytes) -> ECKey:
    """The key pair that signs ID tokens; the same one for the same 32 bytes."""
    use: KeyParameters = {"use": "sig", "alg": "ES256"}
    return ECKey.derive_key(_derived(key, "id token"), "P-256", use, auto_kid=True)


def client_secret(key: bytes) -> str:
    """The secret of the sandbox's only client."""
    return base64.urlsafe_b64encode(_derived(key, "client secret")).decode().rstrip("=")


def id_token(key: bytes, claims: dict[str, Any]) -> str:
    """Signed for the client."""
    signer = signing_key(key)
    return jwt.encode({"alg": "ES256", "kid": signer.kid}, claims, signer, algorithms=["ES256"])


def write_note(key: bytes, purpose: str, facts: dict[str, Any], lasts: int) -> str:
    """Facts that only a portal with this key can have written, for so many seconds."""
    claims = {**facts, "jti": str(uuid.uuid4()), "exp": int(time.time()) + lasts}
    secret = OctKey.import_key(_derived(key, purpose))
    return jwt.encode({"alg": _NOTE_ALGORITHM}, claims, secret, algorithms=[_NOTE_ALGORITHM])


def read_note(key: bytes, purpose: str, note: str) -> dict[str, Any] | None:
    """The facts of a note of ours for this purpose, unless its time is over."""
    secret = OctKey.import_key(_derived(key, purpose))
    try:
        facts = jwt.decode(note, secret, algorithms=[_NOTE_ALGORITHM]).claims
    except (JoseError, ValueError):
        return None
    return facts if facts["exp"] > time.time() else None


def _derived(key: bytes, purpose: str) -> bytes:
    """A key for each purpose, so that no token can stand in for another kind."""
    info = f"sandbox seller portal: {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)
