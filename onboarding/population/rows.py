"""A story as rows: what the product would have written on the way, table by table."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from onboarding import credentials, lifecycle, recording_statements, sealing
from onboarding.chart import REVOKES
from onboarding.ids import new_id
from onboarding.models import (
    Base,
    Client,
    ContactCode,
    Link,
    Onboarding,
    SealedSecret,
    Secret,
    Transition,
)
from onboarding.population.scenes import Scene
from onboarding.population.stories import Step, Story

Row = dict[str, Any]
Rows = dict[type[Base], list[Row]]

_WITHDRAWN_AFTER: Final = timedelta(milliseconds=80)


@dataclass(slots=True)
class Ledger:
    """The rows of one onboarding as its story goes on, and which of them are alive."""

    story: Story
    scene: Scene
    onboarding_id: UUID
    rows: Rows = field(default_factory=lambda: defaultdict(list))
    client: Row | None = None
    secret: Row | None = None
    link: Row | None = None


# What an event does to them; what it returns, history keeps as details.
Effect = Callable[[Ledger, Step], Row | None]


def write(scene: Scene, story: Story) -> Ledger:
    """All rows of a story but for letters and messages."""
    kept = Ledger(story, scene, new_id(at=story.steps[0].at))
    for sequence, step in enumerate(story.steps, 1):
        details = step.details
        if effect := _EFFECTS.get(step.event):
            details = details | (effect(kept, step) or {})
        kept.rows[Transition].append(_transition(kept, sequence, step, details))
    kept.rows[Onboarding].append(_onboarding(kept))
    if story.code_sent_at:
        kept.rows[ContactCode].append(_code(kept, story.code_sent_at))
    return kept


def _onboarding(kept: Ledger) -> Row:
    """The row as its latest transition has left it; reminders are counted with the letters."""
    story, last = kept.story, kept.story.steps[-1]
    email = story.person.email if story.written_to_since else None
    return {
        "id": kept.onboarding_id,
        "reference": lifecycle.new_reference(),
        "state": last.target,
        "sequence": len(story.steps),
        "rule_set": kept.scene.rule_set,
        **dict.fromkeys(recording_statements.CHOICES),
        **(story.choices if _has_chosen(story) else {}),
        "connection_name": story.person.connection_name if kept.rows[Client] else None,
        "answers": {},
        "locale": story.person.locale,
        "contact_email": email,
        "contact_hash": sealing.address_hash(email) if email else None,
        "contact_verified_at": story.verified_at,
        "system_id": kept.scene.key.system_id if story.person.actor.kind == "api" else None,
        "created_at": story.steps[0].at,
        "entered_at": last.at,
    }


def _has_chosen(story: Story) -> bool:
    """Whether the last choice was not taken back."""
    choices = [s.event for s in story.steps if s.event in ("choose_type", "start_over")]
    return choices[-1:] == ["choose_type"]


def _transition(kept: Ledger, sequence: int, step: Step, details: Row) -> Row:
    return {
        "onboarding_id": kept.onboarding_id,
        "sequence": sequence,
        "event": step.event,
        "source": step.source,
        "target": step.target,
        "actor_kind": step.actor.kind,
        "actor_id": step.actor.id,
        "at": step.at,
        "rule_set": kept.scene.rule_set,
        "details": details,
    }


def _code(kept: Ledger, sent_at: datetime) -> Row:
    """The one that was entered and was right."""
    return {
        "id": new_id(at=sent_at),
        "onboarding_id": kept.onboarding_id,
        "email": kept.story.person.email,
        "created_at": sent_at,
        "attempts": 1,
        "used_at": kept.story.verified_at,
    }


def _issue(kept: Ledger, step: Step) -> Row:
    kept.client = {
        "id": credentials.new_client_id(),
        "onboarding_id": kept.onboarding_id,
        "created_at": step.at,
        "revoked_at": None,
        "withdrawn_at": None,
        # Nobody calls with a sample, and nobody is asked why.
        "silence_asked_at": step.at,
    }
    kept.rows[Client].append(kept.client)
    return {"client_id": kept.client["id"]}


def _generate(kept: Ledger, step: Step) -> None:
    """A real one, though only what waits to be shown can ever be read again."""
    assert kept.client is not None
    waits = step is kept.story.steps[-1]
    version = 1 + sum(row["client_id"] == kept.client["id"] for row in kept.rows[Secret])
    hashed, sealed = credentials.new_version(
        kept.client["id"], version, kept.scene.ring, kept.scene.settings, sealed=waits
    )
    facts = ("revealed_at", "acknowledged_at", "ended_at", "ended_because")
    kept.secret = hashed | {"created_at": step.at} | dict.fromkeys(facts)
    kept.rows[Secret].append(kept.secret)
    if waits:
        kept.rows[SealedSecret].append(sealed | {"fence": kept.scene.fence})


def _reveal(kept: Ledger, step: Step) -> None:
    assert kept.secret is not None
    kept.secret["revealed_at"] = step.at


def _acknowledge(kept: Ledger, step: Step) -> None:
    assert kept.secret is not None
    kept.secret["acknowledged_at"] = step.at


def _end_secret(because: str) -> Effect:
    def end(kept: Ledger, step: Step) -> None:
        if kept.secret:
            kept.secret |= {"ended_at": step.at, "ended_because": because}
        kept.secret = None

    return end


def _link(kept: Ledger, step: Step) -> None:
    person = kept.story.person
    kept.link = {
        "id": new_id(at=step.at),
        "onboarding_id": kept.onboarding_id,
        "client_id": kept.client["id"] if kept.client else None,
        "aggregator_id": None if kept.client else kept.story.choices["aggregator_id"],
        "seller_id": person.seller_id,
        "shop_name": person.shop_name,
        "issuer": kept.scene.issuer,
        "subject": person.subject,
        "created_at": step.at,
        "confirmed_at": None,
        "ended_at": None,
    }
    kept.rows[Link].append(kept.link)


def _confirm(kept: Ledger, step: Step) -> None:
    assert kept.link is not None
    kept.link["confirmed_at"] = step.at


def _unlink(kept: Ledger, step: Step) -> None:
    if kept.link:
        kept.link["ended_at"] = step.at
    kept.link = None


def _revoke(kept: Ledger, step: Step) -> None:
    _end_secret("revoked")(kept, step)
    _unlink(kept, step)
    if kept.client:
        kept.client |= {"revoked_at": step.at, "withdrawn_at": step.at + _WITHDRAWN_AFTER}
    kept.client = None


# As `credentials`, `links` and `consequences` have it; the invariants tell where this is not so.
_EFFECTS: Final[dict[str, Effect]] = {
    "issue_id": _issue,
    "secret_generated": _generate,
    "reveal_secret": _reveal,
    "acknowledge_secret": _acknowledge,
    "lapse_secret": _end_secret("lapsed"),
    "reissue_secret": _end_secret("reissued"),
    "link_seller": _link,
    "unlink_seller": _unlink,
    "verification_passed": _confirm,
    **dict.fromkeys(REVOKES, _revoke),
}
