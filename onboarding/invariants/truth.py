"""I15: a state never claims more, or less, than there is."""

from typing import Final

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from onboarding import credentials
from onboarding.afterwards import DONE, REVOKING, UNLINKING
from onboarding.invariants.rules import Rows, Within, rule
from onboarding.models import Client, Link, Onboarding, SealedSecret, Secret, Transition

# States with a client ID whatever the type, and those that only the delegated way reaches without.
WITH_CLIENT: Final = ("issuing_secret", "secret_ready", "secret_lapsed", "secret_revealed")
SAVED: Final = ("awaiting_seller", "credentials_issued", "seller_linked", "verifying", "confirmed")
LINKED: Final = ("seller_linked", "verifying", "confirmed")

_AGAIN = (
    "It promises what is not there: `onboarding show REF`, then `onboarding fire REF start_over"
    " --reason untrue`; what has ended, the seller begins anew."
)


@rule("I15", Onboarding.id, what="is in {}, {}", do=_AGAIN)
def client_as_the_state_says(within: Within) -> Rows:
    """There is a live client ID in the states that say so, until it is revoked, and in no other."""
    alive = exists().where(
        Client.onboarding_id == Onboarding.id,
        Client.revoked_at.is_(None),
    )
    return _unlike(within, _has_a_client(), alive, "client ID")


@rule("I15", Onboarding.id, what="is in {}, its secret should be {} and is {}", do=_AGAIN)
def secret_as_the_state_says(within: Within) -> Rows:
    """The live secret is unseen, shown or saved as the state says, until it expires; else there is none."""
    phase = case(
        (Secret.acknowledged_at.is_not(None), "saved"),
        (Secret.revealed_at.is_not(None), "shown"),
        else_="unseen",
    )
    found = func.coalesce(
        # Where there are two, which must not be, one of them is enough.
        select(func.min(phase))
        .join_from(Client, Secret, Secret.client_id == Client.id)
        .where(
            Client.onboarding_id == Onboarding.id,
            Client.revoked_at.is_(None),
            credentials.is_current(),
        )
        .correlate(Onboarding)
        .scalar_subquery(),
        "none",
    )
    said = case(
        (Onboarding.state == "secret_ready", "unseen"),
        (Onboarding.state == "secret_revealed", "shown"),
        (and_(_has_a_client(), Onboarding.state.in_(SAVED)), "saved"),
        else_="none",
    )
    return select(Onboarding.id, Onboarding.state, said, found).where(
        within(Onboarding.id),
        said != found,
        ~and_(found == "none", Onboarding.state.in_(DONE), _has_met(frozenset({"expire_secret"}))),
    )


@rule("I15", Onboarding.id, what="is in {}, {}", do=_AGAIN)
def sealed_secret_as_the_state_says(within: Within) -> Rows:
    """A secret is sealed while it is ready to be shown, and at no other time."""
    sealed = exists(
        select(SealedSecret.version)
        .join(
            Secret,
            and_(
                SealedSecret.client_id == Secret.client_id, SealedSecret.version == Secret.version
            ),
        )
        .join(Client, Client.id == Secret.client_id)
        .where(
            Client.onboarding_id == Onboarding.id,
            Client.revoked_at.is_(None),
            credentials.is_current(),
            Secret.revealed_at.is_(None),
        )
    )
    return _unlike(within, Onboarding.state == "secret_ready", sealed, "sealed secret")


@rule("I15", Onboarding.id, what="is in {}, {}", do=_AGAIN)
def link_as_the_state_says(within: Within) -> Rows:
    """A seller account is linked in the states that say so, until it is unlinked, and in no other."""
    alive = exists().where(Link.onboarding_id == Onboarding.id, Link.ended_at.is_(None))
    said = and_(Onboarding.state.in_(LINKED), ~_has_met(UNLINKING))
    return _unlike(within, said, alive, "linked seller account")


@rule("I15", Onboarding.id, what="is in {}, and its link was {}", do=_AGAIN)
def link_acts_once_it_is_confirmed(within: Within) -> Rows:
    """A link acts for the seller once the connection is confirmed, not before."""
    acts = Link.confirmed_at.is_not(None)
    said = case((acts, "confirmed"), else_="not confirmed")
    return (
        select(Onboarding.id, Onboarding.state, said)
        .join(Link, Link.onboarding_id == Onboarding.id)
        .where(
            within(Link.onboarding_id),
            Link.ended_at.is_(None),
            acts != (Onboarding.state == "confirmed"),
        )
    )


@rule(
    "I15",
    Link.id,
    what="is linked, but through no live client ID or aggregator of its own",
    do=_AGAIN,
)
def link_leads_somewhere(within: Within) -> Rows:
    """A link goes through a live client ID; on the delegated way, through the aggregator."""
    fits = or_(
        and_(_delegated(), Link.aggregator_id.is_not(None)),
        and_(~_delegated(), Client.id.is_not(None), Client.revoked_at.is_(None)),
    )
    return (
        select(Link.onboarding_id)
        .join(Onboarding, Onboarding.id == Link.onboarding_id)
        .outerjoin(Client, Client.id == Link.client_id)
        .where(within(Link.id), Link.ended_at.is_(None), ~fits)
    )


def _unlike(
    within: Within, said: ColumnElement[bool], there: ColumnElement[bool], what: str
) -> Rows:
    """Where the state says that something is there and it is not, or the other way round."""
    claim = case((said, f"and has no {what}"), else_=f"and has a {what}")
    return select(Onboarding.id, Onboarding.state, claim).where(
        within(Onboarding.id), or_(and_(said, ~there), and_(~said, there))
    )


def _delegated() -> ColumnElement[bool]:
    return Onboarding.credential_mode.is_not_distinct_from("delegated")


def _has_a_client() -> ColumnElement[bool]:
    saved = and_(Onboarding.state.in_(SAVED), ~_delegated(), ~_has_met(REVOKING))
    return or_(Onboarding.state.in_(WITH_CLIENT), saved)


def _has_met(events: frozenset[str]) -> ColumnElement[bool]:
    """Whether one of these events came after its end."""
    return exists().where(
        Transition.onboarding_id == Onboarding.id, Transition.event.in_(sorted(events))
    )
