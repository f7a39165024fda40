"""An onboarding as a calling system sees it. Secret material is not among what is read here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_
from sqlalchemy.orm import Session

from onboarding import credentials, deadlines, developers, event_bodies, requirements
from onboarding.chart import NEXT_MOVE
from onboarding.errors import NotFound
from onboarding.looks import Look
from onboarding.models import Client, Link, Onboarding, Secret, Transition
from onboarding.web import api_due
from onboarding.web.schemas import (
    AggregatorNamed,
    NextMove,
    OnboardingView,
    SecretState,
    SellerAccount,
    TransitionView,
)

# What history tells to other systems; whatever else it holds is for operators.
_TOLD: Final = frozenset(
    {
        "connection_type",
        "credential_mode",
        "aggregator_id",
        "aggregator_name",
        "client_id",
        "version",
        "credential",
        "seller_id",
        "cause",
    }
)
# Its client that is alive with the secret that this goes by, and its link; of each it has one at most.
_ASKED: Final = (
    requirements.ASKED.add_columns(
        Client.id.label("client_id"),
        Secret.version,
        Secret.ending,
        Secret.revealed_at,
        Secret.acknowledged_at,
        Link.seller_id,
        Link.shop_name,
    )
    .outerjoin(Client, and_(Client.onboarding_id == Onboarding.id, Client.revoked_at.is_(None)))
    .outerjoin(Secret, and_(Secret.client_id == Client.id, credentials.is_current()))
    .outerjoin(Link, and_(Link.onboarding_id == Onboarding.id, Link.ended_at.is_(None)))
)
_ONE: Final = Look(_ASKED.where(requirements.ONE))
_SEVERAL: Final = _ASKED.where(requirements.SEVERAL)


def view(session: Session, onboarding: Onboarding) -> OnboardingView:
    """One onboarding as it stands. Raises NotFound for one that is archived meanwhile."""
    found = _ONE.one(session, id=onboarding.id)
    if found is None:
        raise NotFound
    return _view(onboarding, found)


def views(session: Session, onboardings: Sequence[Onboarding]) -> list[OnboardingView]:
    """Many, in one statement. What is archived since they were read is left out."""
    by_id = {each.id: each for each in onboardings}
    rows = {row.onboarding_id: row for row in session.execute(_SEVERAL, {"ids": [*by_id]})}
    return [_view(each, rows[each.id]) for each in onboardings if each.id in rows]


def allowed_events(onboarding: Onboarding) -> list[str]:
    """What a calling system may do next."""
    return [*developers.allowed(onboarding, "api")]


def step(transition: Transition) -> TransitionView:
    """One step of a history. Who it was is said by kind: people's accounts are not told."""
    return TransitionView(
        sequence=transition.sequence,
        event=transition.event,
        type=event_bodies.type_of(transition),
        source=transition.source,
        target=transition.target,
        actor=transition.actor_kind,
        at=transition.at,
        rule_set=transition.rule_set,
        details={name: value for name, value in transition.details.items() if name in _TOLD},
    )


def _view(onboarding: Onboarding, found: Any) -> OnboardingView:
    return OnboardingView(
        id=onboarding.id,
        reference=onboarding.reference,
        state=onboarding.state,
        sequence=onboarding.sequence,
        connection_type=onboarding.connection_type,
        credential_mode=onboarding.credential_mode,
        aggregator=_aggregator(onboarding),
        connection_name=onboarding.connection_name,
        locale=onboarding.locale,
        rule_set=onboarding.rule_set,
        created_at=onboarding.created_at,
        entered_at=onboarding.entered_at,
        next_move=_next_move(onboarding, found.now),
        allowed_events=allowed_events(onboarding),
        requirements=api_due.shown(requirements.answered(onboarding, found)),
        client_id=found.client_id,
        secret=_secret(found),
        seller=_seller(found),
        links=_links(onboarding.id),
    )


def _secret(found: Any) -> SecretState | None:
    if found.version is None:
        return None
    return SecretState(
        version=found.version,
        ending=found.ending[-4:],
        revealed_at=found.revealed_at,
        acknowledged_at=found.acknowledged_at,
    )


def _seller(found: Any) -> SellerAccount | None:
    if found.seller_id is None:
        return None
    return SellerAccount(seller_id=found.seller_id, shop_name=found.shop_name)


def _aggregator(onboarding: Onboarding) -> AggregatorNamed | None:
    if onboarding.aggregator_name is None:
        return None
    return AggregatorNamed(id=onboarding.aggregator_id, name=onboarding.aggregator_name)


def _next_move(onboarding: Onboarding, now: datetime) -> NextMove | None:
    move = NEXT_MOVE.get(onboarding.state)
    if move is None:
        return None
    return NextMove(
        whom=developers.whose_move(onboarding, move.whom),
        overdue_after_seconds=int(move.overdue_after.total_seconds()),
        overdue=now - onboarding.entered_at > move.overdue_after,
        then=move.then,
        then_at=deadlines.ends_at(onboarding),
    )


def _links(onboarding_id: UUID) -> dict[str, str]:
    itself = f"/v1/onboardings/{onboarding_id}"
    return {
        "self": itself,
        "history": f"{itself}/history",
        "events": f"{itself}/events",
        "allowed_events": f"{itself}/allowed-events",
        "requirements": f"{itself}/requirements",
        "client": f"{itself}/client",
        "seller_links": f"{itself}/links",
        "secret_reveal": f"{itself}/secret-reveal",
        "continue": f"{itself}/continue-links",
    }
