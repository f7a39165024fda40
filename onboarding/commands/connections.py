"""`connection …`: what an operator does with a connection that works, by the rules of the console."""

from onboarding import actions, audit, connections, queries
from onboarding.access import Actor
from onboarding.audit import Attempt
from onboarding.commands import moving, printing
from onboarding.commands.terminal import operator
from onboarding.db import reading, transaction
from onboarding.sealing import Keyring
from onboarding.settings import settings


def rename(ring: Keyring, reference: str, name: str, reason: str, *, as_json: bool) -> None:
    """Give it another name. The trail says that, not the name. Raises any Refusal."""
    reason = actions.checked(reason)
    with transaction() as session:
        onboarding, who = queries.by_reference(session, reference), operator().id
        connections.rename(session, onboarding.id, Actor("operator", who), name)
        tried = Attempt(who, None, "rename", reason, onboarding_id=onboarding.id)
        audit.append(session, ring, tried)
        renamed = onboarding.reference
    if as_json:
        printing.line({"reference": renamed})
    else:
        printing.say(f"{renamed} has another name.")


def unlink(ring: Keyring, reference: str, reason: str, *, as_json: bool) -> None:
    """End its link. Raises any Refusal; then the trail is all that is written."""
    moving.act(ring, reference, "end_link", "", reason, as_json=as_json)


def revoke(ring: Keyring, reference: str, reason: str, *, as_json: bool) -> None:
    """Revoke its credentials. Raises any Refusal; then the trail is all that is written."""
    moving.act(ring, reference, "revoke_credentials", "", reason, as_json=as_json)
    with reading() as session:
        ended = connections.ended(session, queries.by_reference(session, reference))
    end = ended and ended.client and connections.tokens_end_at(ended.client, settings().token_lasts)
    if end and not as_json:
        printing.say(
            "Its access tokens are refused here from now on; a system that checks them by itself may"
            f" accept one until {end:%Y-%m-%d %H:%M} UTC."
        )
