"""An onboarding as a calling system sees it. Secret material is not among what is read here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from onboarding import credentials, db, deadlines, deciding, developers, requirements
from onboarding.chart import EVENT_TYPES, NEXT_MOVE
from onboarding.models import Client, Link, Onboarding, Secret, Transition
from onboarding.requirements import Requirements
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
        "seller_id",
        "cause",
    }
)


def view(session: Session, onboarding: Onboarding) -> OnboardingView:
    """One onboarding as it stands."""
    return views(session, [onboarding])[0]


def views(session: Session, onboardings: Sequence[Onboarding]) -> list[OnboardingView]:
    """Many, in as many statements as one."""
    ids = [onboarding.id for onboarding in onboardings]
    now = db.clock(session)
    clients = _clients(session, ids)
    secrets = _secrets(session, ids)
    sellers = _sellers(session, ids)
    due = requirements.of_many(session, onboardings)
    return [
        _view(
            each,
            now,
            due[each.id],
            clients.get(each.id),
            secrets.get(each.id),
            sellers.get(each.id),
        )
        for each in onboardings
    ]


def allowed_events(onboarding: Onboarding) -> list[str]:
    """What a calling system may do next."""
    return [*deciding.allowed(deciding.facts_of(onboarding), "api")]


def step(transition: Transition) -> TransitionView:
    """One step of a history. Who it was is said by kind: people's accounts are not told."""
    return TransitionView(
        sequence=transition.sequence,
        event=transition.event,
        type=EVENT_TYPES[transition.event],
        source=transition.source,
        target=transition.target,
        actor=transition.actor_kind,
        at=transition.at,
        rule_set=transition.rule_set,
        details={name: value for name, value in transition.details.items() if name in _TOLD},
    )


def _view(
    onboarding: Onboarding,
    now: datetime,
    due: Requirements,
    client_id: str | None,
    secret: SecretState | None,
    seller: SellerAccount | None,
) -> OnboardingView:
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
        next_move=_next_move(onboarding, now),
        allowed_events=allowed_events(onboarding),
        requirements=api_due.shown(due),
        client_id=client_id,
        secret=secret,
        seller=seller,
        links=_links(onboarding.id),
    )


def _clients(session: Session, ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = session.execute(
        select(Client.onboarding_id, Client.id).where(
            Client.onboarding_id.in_(ids), Client.revoked_at.is_(None)
        )
    )
    return {row.onboarding_id: row.id for row in rows}


def _secrets(session: Session, ids: Sequence[UUID]) -> dict[UUID, SecretState]:
    rows = session.execute(
        select(
            Client.onboarding_id,
            Secret.version,
            Secret.ending,
            Secret.revealed_at,
            Secret.acknowledged_at,
        )
        .join(Client, Client.id == Secret.client_id)
        .where(Client.onboarding_id.in_(ids), credentials.is_current())
    )
    return {
        row.onboarding_id: SecretState(
            version=row.version,
            ending=row.ending[-4:],
            revealed_at=row.revealed_at,
            acknowledged_at=row.acknowledged_at,
        )
        for row in rows
    }


def _sellers(session: Session, ids: Sequence[UUID]) -> dict[UUID, SellerAccount]:
    rows = session.execute(
        select(Link.onboarding_id, Link.seller_id, Link.shop_name).where(
            Link.onboarding_id.in_(ids), Link.ended_at.is_(None)
        )
    )
    return {
        row.onboarding_id: SellerAccount(seller_id=row.seller_id, shop_name=row.shop_name)
        for row in rows
    }


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
