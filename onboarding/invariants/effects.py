"""I3, its second half: what has taken effect was brought about by a transition, and the other way round."""

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from onboarding.afterwards import REVOKING, UNLINKING
from onboarding.chart import REVOKES
from onboarding.invariants.rules import Rows, Within, rule
from onboarding.invariants.secrecy import (
    is_replacement,
    steps_of_each,
    versions,
    versions_of_each,
)
from onboarding.models import Client, Link, Message, Onboarding, Secret, Transition

# Why a version may have ended → the events that end it.
ENDED_BY: Final[dict[str, frozenset[str]]] = {
    "lapsed": frozenset({"lapse_secret"}),
    "reissued": frozenset({"reissue_secret"}),
    "revoked": REVOKES | REVOKING,
    "expired": frozenset({"expire_secret"}),
}
_HALF_DONE = (
    "Half of a transaction is missing: compare with a backup, then `onboarding fire REF start_over"
    " --reason half-done` begins anew. `onboarding show REF`"
)
_UNASKED = (
    "Find out who writes to the database; until then, take it back with `onboarding fire REF"
    " start_over --reason unasked`, or unlink_seller. `onboarding show REF`"
)


@rule("I3", Onboarding.id, what="transition {} issued {}, which does not exist", do=_HALF_DONE)
def issued_client_exists(within: Within) -> Rows:
    """The client ID that a transition issued is there."""
    issued = Transition.details["client_id"].as_string()
    return (
        select(Transition.onboarding_id, Transition.sequence, issued)
        .outerjoin(Client, Client.id == issued)
        .where(
            within(Transition.onboarding_id), Transition.event == "issue_id", Client.id.is_(None)
        )
    )


@rule("I3", Client.id, what="history did not issue its client ID {}", do=_UNASKED)
def client_was_issued(within: Within) -> Rows:
    """A client ID is there because a transition issued it."""
    return select(Client.onboarding_id, Client.id).where(
        within(Client.id),
        ~exists().where(
            Transition.onboarding_id == Client.onboarding_id,
            Transition.event == "issue_id",
            Transition.details["client_id"].as_string() == Client.id,
        ),
    )


@rule("I3", Onboarding.id, what="{} secrets were made, and {} versions exist", do=_HALF_DONE)
def secrets_were_made(within: Within) -> Rows:
    """There are as many versions of secrets as history says were made."""
    made, there = steps_of_each("secret_generated"), versions_of_each(~is_replacement())
    return select(Onboarding.id, made, there).where(within(Onboarding.id), made != there)


@rule("I3", Client.id, what="version {} counts as saved, and nobody said so", do=_UNASKED)
def saving_is_in_history(within: Within) -> Rows:
    """A secret counts as saved because a transition acknowledged it."""
    return versions(within, Secret.version).where(
        Secret.acknowledged_at.is_not(None),
        ~is_replacement(),
        _nothing_at(
            Secret.acknowledged_at, Client.onboarding_id, frozenset({"acknowledge_secret"})
        ),
    )


@rule("I3", Client.id, what="version {} has ended ({}), by no event that does that", do=_UNASKED)
def end_of_a_secret_is_in_history(within: Within) -> Rows:
    """A version of a secret has ended by an event that ends it, for the reason that it says."""
    explained = or_(
        *(
            and_(
                Secret.ended_because == because,
                ~_nothing_at(Secret.ended_at, Client.onboarding_id, events),
            )
            for because, events in ENDED_BY.items()
        )
    )
    never_used = and_(
        Secret.ended_because == "unused", is_replacement(), Secret.acknowledged_at.is_(None)
    )
    return versions(within, Secret.version, Secret.ended_because).where(
        Secret.ended_at.is_not(None), ~or_(explained, never_used, _was_replaced())
    )


@rule("I3", Client.id, what="{} was revoked by no event that does that", do=_UNASKED)
def revocation_is_in_history(within: Within) -> Rows:
    """A client ID was revoked by an event that takes back what was issued."""
    return select(Client.onboarding_id, Client.id).where(
        within(Client.id),
        Client.revoked_at.is_not(None),
        _nothing_at(Client.revoked_at, Client.onboarding_id, REVOKES | REVOKING),
    )


@rule(
    "I3",
    Client.id,
    what="{} was revoked, but nobody will tell the authorization server",
    do="Tell it by hand, then set withdrawn_at. `onboarding show REF`",
)
def revocation_is_passed_on(within: Within) -> Rows:
    """A client ID that was revoked is withdrawn at the authorization server, or will be."""
    promised = exists().where(
        Message.onboarding_id == Client.onboarding_id,
        Message.task == "revoke_client",
        Message.about["client_id"].as_string() == Client.id,
    )
    return select(Client.onboarding_id, Client.id).where(
        within(Client.id), Client.revoked_at.is_not(None), Client.withdrawn_at.is_(None), ~promised
    )


@rule("I3", Link.id, what="the seller account {} was linked by no event", do=_UNASKED)
def linking_is_in_history(within: Within) -> Rows:
    """A seller account is linked because a transition linked it."""
    return select(Link.onboarding_id, Link.seller_id).where(
        within(Link.id),
        ~exists().where(
            Transition.onboarding_id == Link.onboarding_id,
            Transition.event == "link_seller",
            Transition.details["seller_id"].as_string() == Link.seller_id,
        ),
    )


@rule("I3", Link.id, what="the link with {} has ended by no event that does that", do=_UNASKED)
def unlinking_is_in_history(within: Within) -> Rows:
    """A link has ended by an event that ends it."""
    return select(Link.onboarding_id, Link.seller_id).where(
        within(Link.id),
        Link.ended_at.is_not(None),
        _nothing_at(Link.ended_at, Link.onboarding_id, REVOKES | UNLINKING | {"unlink_seller"}),
    )


@rule("I3", Link.id, what="the link with {} acts, and was never verified", do=_UNASKED)
def confirming_is_in_history(within: Within) -> Rows:
    """A link acts because a transition proved that it works."""
    return select(Link.onboarding_id, Link.seller_id).where(
        within(Link.id),
        Link.confirmed_at.is_not(None),
        _nothing_at(Link.confirmed_at, Link.onboarding_id, frozenset({"verification_passed"})),
    )


def _was_replaced() -> ColumnElement[bool]:
    """It ended once a later version had arrived."""
    later = aliased(Secret)
    return and_(
        Secret.ended_because == "replaced",
        Secret.ends_at.is_not(None),
        exists().where(
            later.client_id == Secret.client_id,
            later.version > Secret.version,
            later.overlap_days.is_not(None),
            later.acknowledged_at <= Secret.ended_at,
        ),
    )


def _nothing_at(
    instant: InstrumentedAttribute[Any],
    onboarding_id: InstrumentedAttribute[Any],
    events: frozenset[str],
) -> ColumnElement[bool]:
    """None of these events is in the onboarding's history at this very instant."""
    step = aliased(Transition)
    return ~exists().where(
        step.onboarding_id == onboarding_id, step.event.in_(sorted(events)), step.at == instant
    )
