"""What an operator has looked at before doing it: which action, on what, as it stood then.

A preview is written nowhere: it goes to the browser or the terminal as a sealed text, and comes
back to be carried out. So looking changes nothing, and what is carried out is what was looked at.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from onboarding import sealing
from onboarding.errors import Refusal
from onboarding.ids import new_id
from onboarding.sealing import Keyring

LASTS: Final = timedelta(minutes=15)

_CONTEXT: Final = "preview-v1"


class PreviewOver(Refusal):
    """This preview is too old, or somebody else's."""

    status = 409
    code = "preview_over"
    advice = "Look at it again, then carry it out within 15 minutes."


@dataclass(frozen=True, slots=True)
class Preview:
    """An action, whose it is, and each onboarding with its latest transition.

    One on many has the view that they were found by, and what was chosen.
    """

    id: UUID
    action: str
    actor: str
    at: datetime
    items: tuple[tuple[UUID, int], ...]
    query: str = ""
    choice: str = ""


def make(
    action: str,
    actor: str,
    at: datetime,
    items: tuple[tuple[UUID, int], ...],
    *,
    query: str = "",
    choice: str = "",
) -> Preview:
    """A new preview; it can be carried out once."""
    return Preview(new_id(), action, actor, at, items, query, choice)


def sealed(ring: Keyring, preview: Preview) -> str:
    """The preview as a text that nobody can change."""
    said = {
        "id": preview.id.hex,
        "action": preview.action,
        "actor": preview.actor,
        "at": preview.at.isoformat(),
        "items": [[onboarding_id.hex, sequence] for onboarding_id, sequence in preview.items],
        "query": preview.query,
        "choice": preview.choice,
    }
    return sealing.signed(ring, _CONTEXT, said)


def opened(ring: Keyring, text: str, actor: str, now: datetime) -> Preview:
    """The preview that a text holds. Raises PreviewOver: not ours, somebody else's, or too old."""
    said = sealing.read_signed(ring, _CONTEXT, text)
    if said is None or said["actor"] != actor:
        raise PreviewOver
    preview = Preview(
        UUID(said["id"]),
        said["action"],
        said["actor"],
        datetime.fromisoformat(said["at"]),
        tuple((UUID(onboarding_id), sequence) for onboarding_id, sequence in said["items"]),
        said["query"],
        said["choice"],
    )
    if now > preview.at + LASTS:
        raise PreviewOver
    return preview
