"""`secret replace` and `secret end`: a new client secret, asked for at a terminal. Nobody is shown it here."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from onboarding import actions, audit, queries, replacing
from onboarding.access import Actor
from onboarding.audit import Attempt
from onboarding.commands import printing
from onboarding.commands.terminal import operator
from onboarding.db import transaction
from onboarding.models import Onboarding
from onboarding.sealing import Keyring


def replace(
    ring: Keyring, reference: str, overlap_days: int, reason: str, *, as_json: bool
) -> None:
    """Have a new secret made. Raises any Refusal; then nothing is written."""

    def verb(session: Session, onboarding: Onboarding) -> dict[str, Any]:
        who = Actor("operator", operator().id)
        stands = replacing.ask(session, onboarding.id, who, overlap_days)
        return {"replaces_version": stands.latest, "overlap_days": overlap_days}

    done = _carry_out(ring, reference, "replace_secret", reason, verb)
    if as_json:
        printing.line(done)
    else:
        printing.say(
            "A new client secret is being made. Its owner is shown it on “Your API connections”; the"
            " old one works until then."
        )


def end(ring: Keyring, reference: str, version: int, reason: str, *, as_json: bool) -> None:
    """End a secret that was replaced. Raises any Refusal; then nothing is written."""

    def verb(session: Session, onboarding: Onboarding) -> dict[str, Any]:
        replacing.end_old(session, onboarding.id, version)
        return {"ended_version": version}

    done = _carry_out(ring, reference, "end_secret", reason, verb)
    if as_json:
        printing.line(done)
    else:
        printing.say(f"Version {version} works no more.")


def _carry_out(
    ring: Keyring,
    reference: str,
    action: str,
    reason: str,
    verb: Callable[[Session, Onboarding], dict[str, Any]],
) -> dict[str, Any]:
    """In one transaction with its row in the trail."""
    reason = actions.checked(reason)
    with transaction() as session:
        onboarding = queries.by_reference(session, reference)
        told = verb(session, onboarding)
        who = operator()
        tried = Attempt(who.id, who.role, action, reason, onboarding_id=onboarding.id, details=told)
        audit.append(session, ring, tried)
        return {"reference": onboarding.reference, **told}
