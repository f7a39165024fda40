"""`connection …`: what an operator does with a connection that works, by the rules of the console."""

from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import (
    actions,
    audit,
    connections,
    further_sellers,
    invitations,
    masking,
    queries,
)
from onboarding.access import Actor
from onboarding.audit import Attempt
from onboarding.commands import moving, printing
from onboarding.commands.exits import NOT_FOUND, Failure
from onboarding.commands.terminal import operator
from onboarding.db import reading, transaction
from onboarding.errors import NotFound
from onboarding.models import FurtherLink, Onboarding, SellerInvitation
from onboarding.sealing import Keyring
from onboarding.settings import settings


def rename(ring: Keyring, reference: str, name: str, reason: str, *, as_json: bool) -> None:
    """Give it another name. The trail says that, not the name. Raises any Refusal."""
    reason = actions.checked(reason)
    with transaction() as session:
        onboarding, who = queries.by_reference(session, reference), Actor("operator", operator().id)
        connections.rename(session, onboarding.id, who, name)
        _keep(session, ring, "rename", reason, onboarding, {})
        renamed = onboarding.reference
    if as_json:
        printing.line({"reference": renamed})
    else:
        printing.say(f"{renamed} has another name.")


def unlink(ring: Keyring, reference: str, link: str | None, reason: str, *, as_json: bool) -> None:
    """End its own link, or one with another seller. Raises any Refusal; then the trail is all that is written."""
    if link is None:
        moving.act(ring, reference, "end_link", "", reason, as_json=as_json)
        return
    reason = actions.checked(reason)
    with transaction() as session:
        onboarding = queries.by_reference(session, reference)
        ended = _end(session, onboarding, link, operator().because(reason))
        _keep(session, ring, "end_further_link", reason, onboarding, {"link_id": link})
    if as_json:
        printing.line({"reference": onboarding.reference, "link_id": link, "ended": ended})
    else:
        printing.say("It is ended." if ended else "It had ended before.")


def sellers(reference: str, *, as_json: bool) -> None:
    """Whom its client may act for besides its own seller, and who is asked; personal data masked."""
    with reading() as session:
        onboarding = queries.by_reference(session, reference)
        lines = [_link_facts(each) for each in further_sellers.all_of(session, onboarding.id)]
        asked = [_asked_facts(each) for each in invitations.open_ones(session, onboarding.id)]
    rows = [[str(each[name] or "–") for name in ("id", "seller_id", "state")] for each in lines]
    rows += [[str(each["id"]), "–", "asked"] for each in asked]
    head = ("ID", "Seller ID", "State")
    empty = "No other seller is linked or asked."
    printing.listed([*lines, *asked], head, rows, empty=empty, as_json=as_json)


def invite(ring: Keyring, reference: str, reason: str, *, as_json: bool) -> None:
    """A link for one more seller, who signs in there and decides. Raises NotEligible."""
    reason = actions.checked(reason)
    with transaction() as session:
        onboarding = queries.by_reference(session, reference)
        made = invitations.invite(session, onboarding.id)
        _keep(session, ring, "invite_seller", reason, onboarding, {"invitation_id": str(made.id)})
    url = invitations.url(ring, settings().base_url, onboarding.locale, made.id)
    ends_at = invitations.ends_at(made)
    if as_json:
        printing.line({"id": made.id, "url": url, "expires_at": ends_at})
    else:
        printing.text(url)
        printing.say(
            f"Good for one seller account, until {printing.moment(ends_at)} UTC. Send it to the seller:"
            " they sign in and decide."
        )


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


def _keep(
    session: Session,
    ring: Keyring,
    action: str,
    reason: str,
    onboarding: Onboarding,
    details: dict[str, str],
) -> None:
    who = operator()
    tried = Attempt(who.id, who.role, action, reason, onboarding_id=onboarding.id, details=details)
    audit.append(session, ring, tried)


def _link_facts(link: FurtherLink) -> dict[str, object]:
    alive = "linked" if link.confirmed_at else "being verified"
    return {
        "id": link.id,
        "seller_id": masking.text(link.seller_id),
        "shop_name": masking.text(link.shop_name),
        "state": "ended" if link.ended_at else alive,
        "created_at": link.created_at,
        "confirmed_at": link.confirmed_at,
        "ended_at": link.ended_at,
    }


def _asked_facts(invitation: SellerInvitation) -> dict[str, object]:
    nothing = dict.fromkeys(("seller_id", "shop_name", "confirmed_at", "ended_at"))
    created = {"created_at": invitation.created_at}
    return {"id": invitation.id, "state": "asked", **created, **nothing}


def _end(session: Session, onboarding: Onboarding, link: str, who: Actor) -> bool:
    try:
        return further_sellers.end(session, UUID(link), who, onboarding_id=onboarding.id)
    except (ValueError, NotFound):
        raise Failure(
            "There is no such link.",
            f"`onboarding connection sellers {onboarding.reference}` shows those that there are.",
            NOT_FOUND,
        ) from None
