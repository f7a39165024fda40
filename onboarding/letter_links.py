"""Links that stand in letters: an ID, and 256 bits that only our keyring can make, so none is stored."""

import base64
import hmac
from uuid import UUID

from onboarding import sealing
from onboarding.sealing import Keyring


def token(ring: Keyring, kind: str, link_id: UUID) -> str:
    """What stands in a link of this kind; whoever has seen one of another kind can make none."""
    value = link_id.bytes + sealing.derive(ring, kind, str(link_id))
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def link_id(ring: Keyring, kind: str, text: str) -> UUID | None:
    """Whose token this is; None: it is not of ours."""
    try:
        value = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        named = UUID(bytes=value[:16])
    except ValueError:
        return None
    return named if hmac.compare_digest(token(ring, kind, named).encode(), text.encode()) else None
