"""What an operator has looked at before doing it: which action, on what, as it stood then.

A preview is written nowhere: it goes to the browser or the terminal as a sealed text, and comes
back to be carried out. So looking changes nothing, and what is carried out is what was looked at.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from onboarding import db, sealing
from onboarding.errors import PreviewOver
from onboarding.sealing import Keyring

LASTS: Final = timedelta(minutes=15)

_CONTEXT: Final = "preview-v1"
# What a text may unfold to: bytes.
_LARGEST: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Preview:
    """An action, its parameters, whose it is, and each onboarding with its latest transition."""

    id: UUID
    action: str
    parameters: Mapping[str, str]
    actor: str
    at: datetime
    items: tuple[tuple[UUID, int], ...]


def make(
    action: str,
    parameters: Mapping[str, str],
    actor: str,
    at: datetime,
    items: tuple[tuple[UUID, int], ...],
) -> Preview:
    """A new preview; it can be carried out once."""
    return Preview(db.new_id(), action, dict(parameters), actor, at, items)


def sealed(ring: Keyring, preview: Preview) -> str:
    """The preview as a text that nobody can change."""
    said = {
        "id": preview.id.hex,
        "action": preview.action,
        "parameters": dict(preview.parameters),
        "actor": preview.actor,
        "at": preview.at.isoformat(),
        "items": [[onboarding_id.hex, sequence] for onboarding_id, sequence in preview.items],
    }
    body = base64.urlsafe_b64encode(zlib.compress(json.dumps(said).encode())).decode()
    pepper_id, mac = sealing.keyed_hash(ring, _CONTEXT, body)
    return f"{body}.{pepper_id}.{mac.hex()}"


def opened(ring: Keyring, text: str, actor: str, now: datetime) -> Preview:
    """The preview that a text holds. Raises PreviewOver: not ours, somebody else's, or too old."""
    body, _, rest = text.partition(".")
    pepper_id, _, mac = rest.partition(".")
    if not _is_ours(ring, body, pepper_id, mac):
        raise PreviewOver
    unfold = zlib.decompressobj()
    said = json.loads(unfold.decompress(base64.urlsafe_b64decode(body), _LARGEST))
    preview = Preview(
        UUID(said["id"]),
        said["action"],
        said["parameters"],
        said["actor"],
        datetime.fromisoformat(said["at"]),
        tuple((UUID(onboarding_id), sequence) for onboarding_id, sequence in said["items"]),
    )
    if preview.actor != actor or now > preview.at + LASTS:
        raise PreviewOver
    return preview


def _is_ours(ring: Keyring, body: str, pepper_id: str, mac: str) -> bool:
    if pepper_id not in ring.keys["pepper"] or not body.isascii() or "\0" in body:
        return False
    try:
        expected = bytes.fromhex(mac)
    except ValueError:
        return False
    return sealing.matches(ring, pepper_id, _CONTEXT, body, expected)
