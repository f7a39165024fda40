"""How long the rows of each table are kept: the one table that says it, for the sweep, a page and a guard.

`docs/retention.md` is made from it. A table that is not named here turns a test red, and so does one
that is said to be swept where no row goes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from onboarding import (
    addresses,
    assertions,
    deliveries,
    inbound_kept,
    kept_answers,
    operators,
    presented,
    proof_statements,
    proofs,
    sign_ins,
    views,
)

# Removes so many rows of a table at most; how many it did.
Sweep = Callable[[Session, int], int]


@dataclass(frozen=True, slots=True)
class Swept:
    """Removed by the sweep so long after the instant in a column; `which` says of which rows, if not of all."""

    after: timedelta
    since: str
    sweep: Sweep
    which: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """How long rows of a table are there: whatever comes first removes them."""

    swept: Swept | None = None
    # Tables with whose rows its own go.
    goes_with: tuple[str, ...] = ()
    # What somebody or something does, and then a row is gone.
    until: str = ""
    # Why a row stays for good.
    for_good: str = ""
    # What of it leads to a person, by column.
    personal: Mapping[str, str] = field(default_factory=dict)


_AT_ONCE: Final = timedelta()
_ACCOUNT: Final = {
    "issuer": "the identity provider of the seller account",
    "subject": "the seller account there",
}
_SHOP: Final = {"seller_id": "Seller ID", "shop_name": "name of the shop"}
_ONBOARDING: Final = ("onboardings",)
_FEW: Final = "as many as the marketplace has; whatever was done by one names it"

RETENTION: Final[Mapping[str, Kept]] = {
    # An onboarding, and what it led to.
    "onboardings": Kept(
        until="`onboarding archive` takes it out, once it has ended so many days ago as you say, or"
        " `onboarding erase`, once it is over",
        personal={
            "contact_email": "e-mail address of the contact",
            "contact_hash": "the same, as a keyed hash",
            "connection_name": "the name that somebody gave the connection",
            "aggregator_name": "the name of an aggregator, as somebody typed it",
            "answers": "what was answered: an organisation, an e-mail address of a developer",
        },
    ),
    "transitions": Kept(
        goes_with=_ONBOARDING,
        personal={
            "actor_id": "who did it: a seller account, a browser, an operator",
            "details": "the Seller ID that was linked, an aggregator's name as somebody typed it, the"
            " reason that an operator gave",
        },
    ),
    "messages": Kept(
        until="its task is done; one that has failed for good, until somebody tries it again",
        personal={"about": "for whom a letter is, by numbers of ours", "last_error": "an error"},
    ),
    "failed_attempts": Kept(goes_with=_ONBOARDING, personal={"error": "an error, in one line"}),
    "mails": Kept(goes_with=_ONBOARDING),
    "contact_codes": Kept(
        goes_with=_ONBOARDING, personal={"email": "e-mail address that a code was sent to"}
    ),
    "resume_links": Kept(goes_with=_ONBOARDING),
    "handovers": Kept(
        goes_with=_ONBOARDING,
        personal={"email": "e-mail address of the developer", **_ACCOUNT, **_SHOP},
    ),
    "developer_codes": Kept(goes_with=("handovers",)),
    "clients": Kept(goes_with=_ONBOARDING),
    "secrets": Kept(goes_with=("clients",)),
    "sealed_secrets": Kept(
        goes_with=("secrets",),
        until="the secret is shown, or lapses unseen after 24 hours",
    ),
    "announced_clients": Kept(goes_with=("clients",)),
    "links": Kept(goes_with=_ONBOARDING, personal={**_ACCOUNT, **_SHOP}),
    "seller_invitations": Kept(goes_with=_ONBOARDING),
    "further_links": Kept(goes_with=_ONBOARDING, personal={**_ACCOUNT, **_SHOP}),
    "notes": Kept(
        goes_with=_ONBOARDING,
        personal={"author": "the operator who wrote it", "text": "what they wrote"},
    ),
    "assignments": Kept(
        goes_with=(*_ONBOARDING, "operators"),
        until="another operator takes it on, or this one lets it go",
        personal={"operator_id": "the operator who looks after it"},
    ),
    "run_items": Kept(goes_with=(*_ONBOARDING, "runs")),
    # Browsers, and who calls.
    "browser_sessions": Kept(
        Swept(proof_statements.SESSION_IDLE, "seen_at", proofs.forget_idle),
        until="somebody signs out",
        personal={
            **_ACCOUNT,
            "seller_name": "name of who signed in",
            "accounts": "their seller accounts: Seller IDs and names of shops",
        },
    ),
    "grants": Kept(goes_with=("browser_sessions", *_ONBOARDING)),
    "pending_sign_ins": Kept(
        Swept(sign_ins.LASTS, "created_at", sign_ins.forget),
        goes_with=("browser_sessions", "seller_invitations", *_ONBOARDING),
        until="the sign-in is back",
    ),
    "unproved_letters": Kept(
        Swept(addresses.COUNTED_FOR, "created_at", addresses.forget_letters),
        personal={"address_hash": "an e-mail address, as a hash"},
    ),
    "kept_answers": Kept(
        Swept(kept_answers.KEPT_FOR, "created_at", kept_answers.forget),
        personal={"body": "what the API answered: an e-mail address or a Seller ID"},
    ),
    "revoked_tokens": Kept(Swept(_AT_ONCE, "expires_at", presented.forget_revoked)),
    "used_assertions": Kept(Swept(_AT_ONCE, "expires_at", assertions.forget_used)),
    "systems": Kept(for_good=_FEW),
    "api_keys": Kept(for_good=_FEW),
    # Other systems.
    "aggregators": Kept(for_good="the registry: as many as the marketplace has"),
    "webhooks": Kept(until="its system or an operator removes it"),
    "deliveries": Kept(
        Swept(
            deliveries.KEPT_FOR,
            "created_at",
            deliveries.forget,
            "that have arrived or failed for good",
        ),
        goes_with=("webhooks", *_ONBOARDING),
    ),
    "sources": Kept(for_good=_FEW),
    "source_keys": Kept(for_good=_FEW),
    "inbound_events": Kept(
        Swept(
            inbound_kept.KEPT_FOR,
            "settled_at",
            inbound_kept.forget,
            "that took effect and were followed by a later one, came too late, or were dismissed by an"
            " operator; those of a type that nobody knows as long after they came",
        ),
        for_good="what was told last of each fact, so that an older event does not undo it; what waits"
        " for what it is about waits on, until an operator dismisses it",
        personal={
            "subject": "what it is about: a Seller ID, an aggregator or a client ID",
            "body": "the event as it came",
        },
    ),
    "suspended_sellers": Kept(
        until="the marketplace reinstates the seller", personal={"seller_id": "Seller ID"}
    ),
    # Operators.
    "operators": Kept(
        until="`onboarding operators remove`; the trail then names them by an ID that leads to nobody",
        personal={
            "issuer": "the identity provider of operators",
            "subject": "the account there",
            "name": "name",
            "email": "e-mail address, written to for 30 days after a sign-in",
        },
    ),
    "operator_sessions": Kept(
        Swept(operators.SESSION_LASTS, "created_at", operators.forget_over),
        goes_with=("operators",),
        until="they sign out",
    ),
    "unmaskings": Kept(
        goes_with=("operator_sessions", *_ONBOARDING),
        until="somebody has the next value shown, once its five minutes are over",
    ),
    "audit": Kept(
        for_good="the trail of what operators and systems did: nothing can be taken out of it unseen",
        personal={
            "actor": "who did it",
            "reason": "the reason that they gave",
            "details": "what was changed; no value that was shown in full",
        },
    ),
    "saved_views": Kept(
        Swept(views.KEPT_FOR, "deleted_at", views.forget, "that all saw and somebody has deleted"),
        goes_with=("operators",),
        until="whoever saved it deletes it",
        personal={"owner_id": "the operator who saved it"},
    ),
    "view_alerts": Kept(
        goes_with=("saved_views", "operators"),
        until="the operator wants to be told no more",
        personal={"operator_id": "the operator who is told"},
    ),
    "cause_marks": Kept(
        until="nothing is said of the cause any more",
        personal={"owner_id": "the operator who looks after it"},
    ),
    "runs": Kept(
        for_good="what was done to many, by whom and why, belongs to the trail",
        personal={
            "actor": "who began it",
            "agreed_by": "who agreed",
            "reason": "the reason that they gave",
        },
    ),
    # The program itself.
    "audit_head": Kept(for_good="one row"),
    "event_log": Kept(for_good="one row"),
    "canaries": Kept(for_good="one row"),
    "key_checks": Kept(until="nothing needs the key any more and it is destroyed"),
}

SWEEPS: Final = tuple(kept.swept.sweep for kept in RETENTION.values() if kept.swept)
