"""Sellers besides the first: each let a client act by themselves, it was verified, and history has it all."""

from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, exists, func, or_, select
from sqlalchemy.orm import aliased

from onboarding.afterwards import DONE, REVOKING
from onboarding.invariants.rules import Rows, Within, rule
from onboarding.models import (
    Client,
    FurtherLink,
    Link,
    Message,
    Onboarding,
    SellerInvitation,
    Transition,
)

_UNASKED = (
    "Find out who writes to the database, and end the link: `onboarding connection unlink REF"
    " --link ID --reason unasked`."
)
_TWICE = (
    "End all but one: `onboarding connection unlink REF --link ID --reason twice`; then make the"
    " unique index uq_further_links_alive again."
)
_FOREIGN = (
    "Treat it as a leak: end it with `onboarding connection unlink REF --link ID --reason foreign`,"
    " and find out what the other client has called for this seller."
)


@rule("I1", FurtherLink.id, what="one seller account is linked twice", do=_TWICE)
def one_link_of_a_seller(within: Within) -> Rows:
    """A client has at most one link with a seller account that has not ended."""
    other = aliased(FurtherLink)
    twice = exists().where(
        other.client_id == FurtherLink.client_id,
        other.seller_id == FurtherLink.seller_id,
        other.ended_at.is_(None),
        other.id != FurtherLink.id,
    )
    own = exists().where(
        Link.client_id == FurtherLink.client_id,
        Link.seller_id == FurtherLink.seller_id,
        Link.ended_at.is_(None),
    )
    return select(FurtherLink.onboarding_id).where(
        within(FurtherLink.id), FurtherLink.ended_at.is_(None), or_(twice, own)
    )


@rule("I10", FurtherLink.id, what="another onboarding's client acts for a seller", do=_FOREIGN)
def further_link_has_its_own_client(within: Within) -> Rows:
    """A seller has let that client act which they were asked for, and it is the onboarding's own."""
    return (
        select(FurtherLink.onboarding_id)
        .join(Client, Client.id == FurtherLink.client_id)
        .join(SellerInvitation, SellerInvitation.id == FurtherLink.invitation_id)
        .where(
            within(FurtherLink.id),
            or_(
                Client.onboarding_id != FurtherLink.onboarding_id,
                SellerInvitation.onboarding_id != FurtherLink.onboarding_id,
                SellerInvitation.client_id != FurtherLink.client_id,
            ),
        )
    )


@rule("I3", FurtherLink.id, what="another seller was linked by no event", do=_UNASKED)
def further_linking_is_in_history(within: Within) -> Rows:
    """A client may act for another seller because that seller said so."""
    step = aliased(Transition)
    seller = step.details["seller_id"].as_string() == FurtherLink.seller_id
    return select(FurtherLink.onboarding_id).where(
        within(FurtherLink.id),
        ~exists().where(
            _names_it(step, "link_further_seller"), step.actor_kind == "seller", seller
        ),
    )


@rule("I3", FurtherLink.id, what="a client acts for another seller, unverified", do=_UNASKED)
def further_verifying_is_in_history(within: Within) -> Rows:
    """A client acts for another seller because that was proved to work."""
    step = aliased(Transition)
    return select(FurtherLink.onboarding_id).where(
        within(FurtherLink.id),
        FurtherLink.confirmed_at.is_not(None),
        ~exists().where(_names_it(step, "further_link_verified")),
    )


@rule("I3", FurtherLink.id, what="a link with another seller has ended by no event", do=_UNASKED)
def further_unlinking_is_in_history(within: Within) -> Rows:
    """A link with another seller has ended by an event that names it, or that ends all."""
    step = aliased(Transition)
    all_ended = and_(
        step.onboarding_id == FurtherLink.onboarding_id,
        step.event.in_(sorted(REVOKING)),
        step.at == FurtherLink.ended_at,
    )
    named = _names_it(step, "end_further_link", "further_link_failed")
    return select(FurtherLink.onboarding_id).where(
        within(FurtherLink.id),
        FurtherLink.ended_at.is_not(None),
        ~exists().where(or_(named, all_ended)),
    )


@rule("I3", FurtherLink.id, what="nobody verifies the link with another seller", do=_UNASKED)
def further_verifying_is_promised(within: Within) -> Rows:
    """A link that does not act yet is about to be verified, or has failed for good."""
    promised = exists().where(
        Message.onboarding_id == FurtherLink.onboarding_id,
        Message.task == "verify_further_link",
        _same(Message.about["link_id"].as_string(), FurtherLink.id),
    )
    return select(FurtherLink.onboarding_id).where(
        within(FurtherLink.id),
        FurtherLink.confirmed_at.is_(None),
        FurtherLink.ended_at.is_(None),
        ~promised,
    )


@rule(
    "I8",
    FurtherLink.id,
    what="the link with another seller was confirmed after it had ended",
    do="A late result was written: compare with history. `onboarding show REF`",
)
def further_links_live_in_order(within: Within) -> Rows:
    """A link that has ended is not confirmed any more."""
    return select(FurtherLink.onboarding_id).where(
        within(FurtherLink.id), FurtherLink.ended_at < FurtherLink.confirmed_at
    )


@rule("I15", FurtherLink.id, what="another seller is linked to what works no more", do=_UNASKED)
def further_link_leads_somewhere(within: Within) -> Rows:
    """A link with another seller goes through a live client of an onboarding that is done."""
    return (
        select(FurtherLink.onboarding_id)
        .join(Onboarding, Onboarding.id == FurtherLink.onboarding_id)
        .join(Client, Client.id == FurtherLink.client_id)
        .where(
            within(FurtherLink.id),
            FurtherLink.ended_at.is_(None),
            or_(Client.revoked_at.is_not(None), Onboarding.state.not_in(DONE)),
        )
    )


def _names_it(step: Any, *events: str) -> ColumnElement[bool]:
    """A transition of one of these events tells of this very link."""
    return and_(
        step.onboarding_id == FurtherLink.onboarding_id,
        step.event.in_(events),
        _same(step.details["link_id"].as_string(), FurtherLink.id),
    )


def _same(text: ColumnElement[Any], link_id: Any) -> ColumnElement[bool]:
    """An ID as JSON has it, and as the database writes it."""
    plain = func.replace(cast(link_id, String), "-", "")
    return func.replace(text, "-", "") == plain
