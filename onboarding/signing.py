"""Signatures of Standard Webhooks 1.0, by which a receiver knows that an event is ours.

Keys are derived from the keyring and stored nowhere: a webhook's, by its number, under the key of
the keyring that was there when it was made. During a rotation the key before signs as well.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from onboarding import sealing
from onboarding.models import Webhook
from onboarding.sealing import Keyring

# How long the key before signs as well, so that receivers can take their time.
BOTH_FOR: Final = timedelta(hours=24)
HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
_PURPOSE: Final = "webhook-v1"


@dataclass(frozen=True)
class Key:
    """One that signs. Whoever prints it sees nothing."""

    signature: str
    secret: bytes = field(repr=False)

    def sign(self, content: bytes) -> str:
        """As it stands in `webhook-signature`, with the version before it."""
        if self.signature == "hmac":
            return "v1," + _text(hmac.digest(self.secret, content, hashlib.sha256))
        return "v1a," + _text(Ed25519PrivateKey.from_private_bytes(self.secret).sign(content))

    @property
    def shown(self) -> str:
        """What a receiver verifies with: the secret itself, `whsec_`, or a public key, `whpk_`."""
        if self.signature == "hmac":
            return "whsec_" + _text(self.secret)
        private = Ed25519PrivateKey.from_private_bytes(self.secret)
        return "whpk_" + _text(private.public_key().public_bytes_raw())


def keys(ring: Keyring, webhook: Webhook, *, both: bool) -> list[Key]:
    """The key of a webhook, and the one before it while `both` sign. Raises Unavailable."""
    made = [_key(ring, webhook, webhook.key_id, webhook.key_number)]
    if both and webhook.previous_key_id is not None:
        made.append(_key(ring, webhook, webhook.previous_key_id, webhook.key_number - 1))
    return made


def headers(keys: Sequence[Key], event_id: str, body: bytes, at: int) -> dict[str, str]:
    """What is sent with a body; `at` in seconds since 1970."""
    content = _content(event_id, str(at), body)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(key.sign(content) for key in keys),
    }


def is_signed(shown: Sequence[str], headers: dict[str, str], body: bytes) -> bool:
    """Whether one of these keys, as they are shown, has signed; how old it may be is the caller's."""
    content = _content(headers["webhook-id"], headers["webhook-timestamp"], body)
    given = headers["webhook-signature"].split()
    return any(_fits(key, signature, content) for key in shown for signature in given)


def _key(ring: Keyring, webhook: Webhook, key_id: str, number: int) -> Key:
    name = f"{webhook.id}.{webhook.signature}.{number}"
    return Key(webhook.signature, sealing.derive_under(ring, key_id, _PURPOSE, name))


def _content(event_id: str, at: str, body: bytes) -> bytes:
    return f"{event_id}.{at}.".encode() + body


def _fits(key: str, signature: str, content: bytes) -> bool:
    version, _, text = signature.partition(",")
    kind, _, material = key.partition("_")
    raw = base64.b64decode(material)
    if (kind, version) == ("whsec", "v1"):
        expected = _text(hmac.digest(raw, content, hashlib.sha256))
        return hmac.compare_digest(expected, text)
    if (kind, version) != ("whpk", "v1a"):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(text), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
